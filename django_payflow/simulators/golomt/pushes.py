"""Push notifications: one address per merchant, registered at the bank; the checksum is in the body, in no header."""

from __future__ import annotations

import json

from django_payflow.simulators.golomt import shapes
from django_payflow.simulators.golomt.checksums import SPOILINGS, seal
from django_payflow.simulators.golomt.merchants import Merchants
from django_payflow.simulators.golomt.settings import Settings
from django_payflow.simulators.host import Json, Refusal, Services

#: Only the content type is documented; there is no signature in a header.
_HEADERS = {"User-Agent": "Golomt E-Commerce (simulated)", "Content-Type": "application/json", "Accept": "*/*"}


class Pushes:
    def __init__(self, services: Services, settings: Settings, merchants: Merchants) -> None:
        self._services = services
        self._settings = settings
        self._merchants = merchants

    def send(self, transaction: Json, *, spoilt: str | None = None, by_hand: bool = False) -> list[str]:
        """One message per finished attempt, by card or SocialPay; whether others have one is not documented (GUESS).

        ``by_hand``: also while pushes are switched off, and about any finished transaction.
        """
        url = self._merchants.named(transaction["merchant"]).push_url
        wanted = by_hand or (self._settings["push"] and transaction["kind"] == "invoice")
        if not wanted or url is None or transaction["fields"]["errorCode"] is None:
            return []
        kinds = self._faults_of(transaction) | ({spoilt} if spoilt else set())
        return self._enqueue(transaction, url, self._body(transaction, kinds), kinds)

    def replay(self, transaction: Json, url: str | None = None) -> list[str]:
        """The first genuine push again, byte for byte, whatever became of the transaction since."""
        for delivery in self._services.deliveries.all(lambda each: each["provider"] == "golomt"):
            facts = delivery["facts"]
            if facts["transaction"] == transaction["key"] and not facts["spoilt"]:
                return self._enqueue(transaction, url or delivery["url"], delivery["body"], set())
        raise Refusal(f"no genuine push about {transaction['id']} was made yet")

    def _body(self, transaction: Json, kinds: set[str]) -> str:
        merchant = self._merchants.named(transaction["merchant"])
        body = seal(merchant.secret, "push", shapes.push(transaction, self._settings["amounts"]), kinds)
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"))

    def _enqueue(self, transaction: Json, url: str, body: str, kinds: set[str]) -> list[str]:
        return self._services.deliveries.enqueue(
            provider="golomt",
            payment=transaction["id"],
            url=url,
            headers=_HEADERS,
            body=body,
            facts={"transaction": transaction["key"], "spoilt": sorted(kinds)},
        )

    def _faults_of(self, transaction: Json) -> set[str]:
        """Only looked at: the host counts them down when it takes the delivery, in the same change."""
        found = self._services.faults.all()
        return {each.kind for each in found if each.wants("golomt", "webhook", transaction["id"])} & SPOILINGS.keys()
