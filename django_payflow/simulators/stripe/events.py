"""Events: what happened, kept for 30 days, and sent to every endpoint of the account that wants to know."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from django_payflow.simulators.host import Json
from django_payflow.simulators.stripe.answers import random_id
from django_payflow.simulators.stripe.books import ENDPOINTS, EVENTS, Books
from django_payflow.simulators.stripe.shapes import VERSION

#: Faults that change what is sent; the others concern the signature and are done there.
TWIN, WRONG_MODE = "twin", "wrong_mode"
DAYS_KEPT = 30
_HEADERS = {
    "Content-Type": "application/json; charset=utf-8",
    "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    "Accept": "*/*",
    "Cache-Control": "no-cache",
}
_NOBODY: Mapping[str, str | None] = {"id": None, "idempotency_key": None}
_caused_by: ContextVar[Mapping[str, str | None]] = ContextVar("stripe_request", default=_NOBODY)
_silent: ContextVar[bool] = ContextVar("stripe_silent", default=False)


@contextmanager
def caused_by(request_id: str, idempotency_key: str | None) -> Iterator[None]:
    """Events made inside name this API request; buyers, timers and dashboards cause events that name none."""
    token = _caused_by.set({"id": request_id, "idempotency_key": idempotency_key})
    try:
        yield
    finally:
        _caused_by.reset(token)


@contextmanager
def silently(on: bool = True) -> Iterator[None]:
    """Events made inside can be listed, but no webhook tells of them."""
    token = _silent.set(on)
    try:
        yield
    finally:
        _silent.reset(token)


class Events:
    def __init__(self, books: Books) -> None:
        self._books = books
        self._services = books.services

    def tell(self, event_type: str, document: Json, *, previous: Json | None = None) -> list[str]:
        """Something happened to ``document``. Gives the ids of the deliveries."""
        twins = 1 + self._struck(TWIN, document["session"])
        return [delivery for _each in range(twins) for delivery in self._one(event_type, document, previous)]

    def _one(self, event_type: str, document: Json, previous: Json | None) -> list[str]:
        """The body is a snapshot of this moment that no later change reaches."""
        wanted = [] if _silent.get() else self._endpoints(document["account"], event_type)
        data: Json = {"object": document["body"]}
        if previous is not None:
            data["previous_attributes"] = previous
        body: Json = {
            "id": random_id("evt_1"),
            "object": "event",
            "api_version": VERSION,
            "created": self._books.now,
            "data": data,
            "livemode": document["body"].get("livemode", document["live"]),
            "pending_webhooks": len(wanted),
            "request": dict(_caused_by.get()),
            "type": event_type,
        }
        event = self._books.add(EVENTS, body, owner=document)
        return [delivery for endpoint in wanted for delivery in self._send(event, endpoint)]

    def _endpoints(self, account: str, event_type: str) -> list[Json]:
        def wants(endpoint: Json) -> bool:
            body = endpoint["body"]
            enabled = body["status"] == "enabled" and not endpoint["deleted"] and endpoint["account"] == account
            return enabled and bool({"*", event_type} & set(body["enabled_events"]))

        return self._books.all(ENDPOINTS, wants)

    def _send(self, event: Json, endpoint: Json) -> list[str]:
        """Payloads speak the version of the endpoint, not that of the request."""
        body = event["body"] | {"api_version": endpoint["body"]["api_version"] or VERSION}
        if self._struck(WRONG_MODE, event["session"]):
            body["livemode"] = not body["livemode"]
        return self._services.deliveries.enqueue(
            provider="stripe",
            payment=event["session"],
            url=endpoint["body"]["url"],
            headers=_HEADERS,
            body=json.dumps(body, indent=2, ensure_ascii=False),
            facts={"endpoint": endpoint["id"], "event": event["id"], "type": body["type"], "live": endpoint["live"]},
        )

    def _struck(self, kind: str, session: str) -> bool:
        """Only looks: the host counts the fault down when the delivery it strikes is recorded."""
        faults = self._services.faults.all()
        return any(fault.kind == kind and fault.wants("stripe", "webhook", session) for fault in faults)

    # -- looking ----------------------------------------------------------------------------------------

    def shown(self, event: Json) -> Json:
        """``pending_webhooks`` counts the deliveries that were not accepted yet."""
        return dict(event["body"]) | {"pending_webhooks": self.pending()[event["id"]]}

    def pending(self) -> Counter[str]:
        """Event -> deliveries that nobody accepted; in one look, as there may be many events."""
        waiting = self._services.deliveries.all(lambda each: each["provider"] == "stripe" and each["state"] != "sent")
        return Counter(str(each["facts"]["event"]) for each in waiting)

    def young(self, event: Json) -> bool:
        return bool(self._services.clock.timestamp() - event["created"] < DAYS_KEPT * 86400)
