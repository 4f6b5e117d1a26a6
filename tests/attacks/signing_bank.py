"""A provider that signs its webhooks, so that the rows about signatures can be played before the first real one is.

Third-party in every respect: the core knows nothing of it but the dotted path in the settings.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar

from django_payflow.exceptions import ConfigurationError, ObjectNotFound, WebhookRefused
from django_payflow.messages import Checkout, Notice, Phase, Redirect, Reference, Report
from django_payflow.providers.base import Options, Provider


@dataclass(frozen=True, kw_only=True)
class BankOptions(Options):
    base_url: str = "https://bank.test"
    signing_secrets: tuple[str, ...] = field(repr=False)

    def __post_init__(self) -> None:
        if not self.signing_secrets or any(len(secret) < 16 for secret in self.signing_secrets):
            raise ConfigurationError("signing_secrets: at least one, of 16 characters or more")


class SigningBank(Provider[BankOptions]):
    name = "signing-bank"
    options_class = BankOptions
    secret_fields = ("signing_secrets",)
    statuses = {"open": Phase.OPEN, "paid": Phase.PROCESSING}
    status_source = "invented"
    key_life = timedelta(hours=1)
    checkout_hosts = ("bank.test",)
    signs_webhooks = True
    says: ClassVar[dict[str, str]] = {}
    """Reference -> status word: what the bank would answer."""
    asked: ClassVar[list[str]] = []
    """References that it was asked about."""

    live = False

    def check(self, checkout: Checkout) -> None:
        return None

    def create(self, checkout: Checkout) -> Redirect:
        self.says[f"b_{checkout.key}"] = "open"
        return Redirect(url="https://pay.bank.test/x", report=self._report(checkout, f"b_{checkout.key}"))

    def retrieve(self, checkout: Checkout, reference: Reference) -> Report:
        self.asked.append(reference.value)
        if reference.value not in self.says:
            raise ObjectNotFound("unknown")
        return self._report(checkout, reference.value)

    def find(self, checkout: Checkout) -> Report | None:
        return None

    def parse_webhook(
        self, headers: Mapping[str, str], body: bytes, query: Mapping[str, str], hint: str
    ) -> list[Notice]:
        sent = headers.get("bank-signature", "").encode("utf-8", "replace")
        good = [sign(secret, body).encode() for secret in self.options.signing_secrets]
        if sum(hmac.compare_digest(sent, each) for each in good) == 0:
            raise WebhookRefused("not signed by the bank", status=401, reason="signature")
        event = json.loads(body)
        if event.get("live"):
            raise WebhookRefused("an event of the live mode at a test account", reason="mode", alarm=True)
        return [
            Notice(
                reference=event["object"],
                also=tuple(event.get("also", ())),
                our_reference=event.get("mark", ""),
                foreign=bool(event.get("foreign")),
                event_id=event["id"],
                kind=event["type"],
                ignorable=event["type"] not in {"payment.changed"},
            )
        ]

    def _report(self, checkout: Checkout, reference: str) -> Report:
        word = self.says[reference]
        return Report(
            phase=self.statuses[word],
            currency=checkout.currency,
            references=(Reference(kind="payment", value=reference),),
            live=False,
            raw_status=word,
            requested=checkout.amount,
            captured=checkout.amount if word == "paid" else 0,
            capturable=0,
            our_reference=checkout.key,
        )


def sign(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def event(reference: str, *, number: int = 1, kind: str = "payment.changed", **more: Any) -> bytes:
    made: dict[str, Any] = {"id": f"evt_{number}", "type": kind, "object": reference, **more}
    return json.dumps(made).encode()
