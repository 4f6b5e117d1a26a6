"""Where an account wants its events: the webhook endpoints, their secrets, and the rotation of those."""

from __future__ import annotations

import secrets
from typing import Any

from django_payflow.simulators.host import Json
from django_payflow.simulators.wooshpay import validation
from django_payflow.simulators.wooshpay.accounts import Account
from django_payflow.simulators.wooshpay.answers import ApiError, invalid, missing
from django_payflow.simulators.wooshpay.ledger import Ledger, milliseconds

ENDPOINTS = "wooshpay.endpoints"
#: These seven are the events of a payment that the webhook page names.
DOCUMENTED = (
    "payment_intent.created",
    "payment_intent.requires_action",
    "payment_intent.payment_failed",
    "payment_intent.succeeded",
    "payment_intent.canceled",
    "charge.refund.updated",
    "charge.dispute.updated",
)
#: Handled by integrators, confirmed by nobody; sent only with the switch ``undocumented_events``.
UNDOCUMENTED = (
    "checkout.session.completed",
    "checkout.session.expired",
    "checkout.session.canceled",
    "charge.refunded",
    "refund.created",
    "refund.updated",
    "charge.dispute.created",
    "charge.dispute.closed",
)
#: Real, but about things that are not imitated; they may be subscribed and never come.
_OF_OTHER_THINGS = """
    setup_intent.created setup_intent.succeeded product.created payment_link.paid payment_link.failed payout.paid
    payout.failed
"""
_ALL = "*"
KNOWN = (_ALL, *DOCUMENTED, *UNDOCUMENTED, *_OF_OTHER_THINGS.split())
_FIELDS = ("url", "enabled_events", "description", "api_version", "metadata")


class Endpoints:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._store = ledger.services.store
        self._clock = ledger.services.clock

    def of(self, account_id: str) -> list[Json]:
        return self._store.find(ENDPOINTS, lambda each: each["account"] == account_id)

    def all(self) -> list[Json]:
        return self._store.find(ENDPOINTS)

    def find(self, endpoint_id: str, account: Account | None = None) -> Json | None:
        endpoint = self._store.get(ENDPOINTS, endpoint_id)
        if endpoint is None or (account is not None and endpoint["account"] != account.id):
            return None
        return endpoint

    def wanting(self, account_id: str, event_type: str) -> list[Json]:
        """Every one of them gets a delivery, also two with the same address."""
        return [
            each
            for each in self.of(account_id)
            if each["fields"]["status"] == "enabled" and {event_type, _ALL} & set(each["fields"]["enabled_events"])
        ]

    # -- making and changing ----------------------------------------------------------------------------

    def create(self, account: Account, sent: Json, secret: str | None = None) -> Json:
        """``secret`` is chosen by a test; the API makes one itself."""
        validation.refuse_unknown(sent, _FIELDS)
        for name in ("url", "enabled_events"):
            if not sent.get(name):
                raise missing(name)
        document: Json = {
            "id": self._ledger.new_id("we"),
            "account": account.id,
            "key": account.key,
            "created": self._clock.timestamp(),
            "secret": secret or new_secret(),
            "old_secrets": [],
            "fields": {
                "created": milliseconds(self._clock.timestamp()),
                "status": "enabled",
                "livemode": account.livemode,
                "description": None,
                "metadata": {},
                "api_version": "1.0.1",
            }
            | _checked(sent),
        }
        self._store.put(ENDPOINTS, document["id"], document)
        return document

    def update(self, endpoint: Json, sent: Json) -> None:
        """``disabled`` switches it off; ``status`` as the word for it is a GUESS."""
        validation.refuse_unknown(sent, (*_FIELDS, "status"))
        changed = _checked(sent)
        if "status" in sent:
            changed["status"] = validation.word(sent["status"], "status", ("enabled", "disabled"))
        endpoint["fields"].update(changed)
        self._store.put(ENDPOINTS, endpoint["id"], endpoint)

    def delete(self, endpoint: Json) -> None:
        self._store.delete(ENDPOINTS, endpoint["id"])

    # -- secrets ----------------------------------------------------------------------------------------

    def rotate(self, endpoint: Json, secret: str | None = None) -> None:
        """A new secret; the old one signs as well for a while."""
        until = self._clock.timestamp() + float(self._ledger.settings["rotation_seconds"])
        endpoint["old_secrets"].append({"secret": endpoint["secret"], "until": until})
        endpoint["secret"] = secret or new_secret()
        self._store.put(ENDPOINTS, endpoint["id"], endpoint)

    def secrets_of(self, endpoint: Json) -> list[str]:
        """Those that sign now, the newest first."""
        now = self._clock.timestamp()
        old = [each["secret"] for each in endpoint["old_secrets"] if now < each["until"]]
        return [endpoint["secret"], *reversed(old)]


def new_secret() -> str:
    return f"whsec_{secrets.token_hex(16)}"


def endpoint_shape(endpoint: Json) -> Json:
    fields = endpoint["fields"]
    names = ("created", "description", "metadata")
    shape: Json = {"id": endpoint["id"], "object": "webhook_endpoint"} | {name: fields[name] for name in names}
    shape["secret"] = endpoint["secret"]
    return shape | {name: fields[name] for name in ("status", "url", "livemode", "api_version", "enabled_events")}


def _checked(sent: Json) -> Json:
    changed: Json = {}
    if "url" in sent:
        changed["url"] = validation.url(sent["url"], "url")
    if "enabled_events" in sent:
        changed["enabled_events"] = _events(sent["enabled_events"])
    if "description" in sent:
        changed["description"] = validation.text(sent["description"], "description")
    if "api_version" in sent:
        changed["api_version"] = validation.text(sent["api_version"], "api_version")
    if "metadata" in sent:
        changed["metadata"] = validation.metadata(sent["metadata"])
    return changed


def _events(value: Any) -> list[str]:
    if not isinstance(value, list) or not value:
        raise invalid("enabled_events", "must be a list of event types")
    for each in value:
        if each not in KNOWN:
            raise ApiError(400, f"enabled_events: there is no event {each}", param="enabled_events")
    return list(dict.fromkeys(value))
