"""Events: what happened, kept for who asks, and sent to every endpoint of the account that wants it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from django_payflow.simulators.host import Json
from django_payflow.simulators.wooshpay.endpoints import UNDOCUMENTED, Endpoints
from django_payflow.simulators.wooshpay.ledger import Ledger, Payment, milliseconds
from django_payflow.simulators.wooshpay.shapes import Shapes
from django_payflow.simulators.wooshpay.signing import signed_headers

EVENTS = "wooshpay.events"
#: Nobody published a captured live request; all but the type of the body is a GUESS.
_HEADERS = {"Content-Type": "application/json", "Accept": "*/*", "User-Agent": "WooshPay/1.0"}


class Events:
    def __init__(self, ledger: Ledger, endpoints: Endpoints, shapes: Shapes) -> None:
        self._ledger = ledger
        self._services = ledger.services
        self._endpoints = endpoints
        self._shapes = shapes

    # -- telling ----------------------------------------------------------------------------------------

    def about_intent(self, payment: Payment, event_type: str) -> list[str]:
        return self._tell(payment, event_type, self._shapes.intent(payment))

    def about_session(self, payment: Payment, event_type: str) -> list[str]:
        return self._tell(payment, event_type, self._shapes.session(payment))

    def about_child(self, payment: Payment, event_type: str, document: Json) -> list[str]:
        return self._tell(payment, event_type, self._shapes.child(document))

    def present_state(self, payment: Payment) -> list[str]:
        """The event that fits the intent's status now; ``payment_intent.created`` where none is documented."""
        fields = payment.intent["fields"]
        event_type = _OF_STATUS.get(fields["status"], "payment_intent.created")
        if fields["status"] == "requires_payment_method" and fields["last_payment_error"]:
            event_type = "payment_intent.payment_failed"
        return self.about_intent(payment, event_type)

    def _tell(self, payment: Payment, event_type: str, about: Json) -> list[str]:
        """Returns the ids of the deliveries. One event, however many endpoints."""
        if event_type in UNDOCUMENTED and not self._ledger.settings["undocumented_events"]:
            return []
        event: Json = {
            "id": self._ledger.new_id("evt"),
            "object": "event",
            "created": milliseconds(self._services.clock.timestamp()),
            "livemode": about.get("livemode", payment.session["fields"]["livemode"]),
            "data": {"object": about},
            "type": event_type,
        }
        self._services.store.put(
            EVENTS, event["id"], {"account": payment.account, "session": payment.id, "event": event}
        )
        sent: list[str] = []
        for endpoint in self._endpoints.wanting(payment.account, event_type):
            sent += self._send(payment, endpoint, event)
        return sent

    def _send(self, payment: Payment, endpoint: Json, event: Json) -> list[str]:
        faults = self._services.faults
        lies = any(
            each.kind == "wrong_mode" and each.wants("wooshpay", "webhook", payment.id) for each in faults.all()
        )
        body = event | {"livemode": not event["livemode"]} if lies else event
        return self._services.deliveries.enqueue(
            provider="wooshpay",
            payment=payment.id,
            url=str(endpoint["fields"]["url"]),
            headers=_HEADERS,
            body=json.dumps(body, ensure_ascii=False, separators=(",", ":")),
            facts={"endpoint": endpoint["id"], "event": event["id"], "type": event["type"]},
        )

    # -- signing ----------------------------------------------------------------------------------------

    def sign(self, delivery: Json) -> Mapping[str, str]:
        """Every attempt is signed afresh, or a retry would fall out of any tolerance (GUESS). An endpoint that was
        deleted meanwhile has no secret left to sign with."""
        endpoint = self._endpoints.find(delivery["facts"]["endpoint"])
        if endpoint is None:
            return {}
        return signed_headers(
            self._ledger.settings["signature_header"],
            self._endpoints.secrets_of(endpoint),
            self._services.clock.signing_time(),
            delivery["body"].encode(),
            delivery["faults"],
        )


_OF_STATUS: Mapping[str, str] = {
    "requires_action": "payment_intent.requires_action",
    "succeeded": "payment_intent.succeeded",
    "canceled": "payment_intent.canceled",
}
