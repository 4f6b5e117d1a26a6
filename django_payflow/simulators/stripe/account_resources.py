"""What belongs to the account as a whole: events, webhook endpoints, the account itself and its balance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django_payflow.simulators.host import Json
from django_payflow.simulators.stripe.answers import ApiError
from django_payflow.simulators.stripe.api import Asked, Route
from django_payflow.simulators.stripe.books import ENDPOINTS, EVENTS, TRANSACTIONS, Books
from django_payflow.simulators.stripe.events import Events
from django_payflow.simulators.stripe.paging import CREATED, PAGING, created_fits, page
from django_payflow.simulators.stripe.reading import (
    Spec,
    anything,
    boolean,
    listing,
    merged,
    metadata,
    required,
    text,
    url,
)
from django_payflow.simulators.stripe.signing import Endpoints, new_secret

_EVENTS: Spec = {**PAGING, **CREATED, "type": text(), "types": listing(text(), 20), "delivery_success": boolean}


def _description(value: Any, param: str) -> str | None:
    return None if value == "" else str(text()(value, param))


_CREATE: Spec = {
    "url": url,
    "enabled_events": listing(text()),
    "api_version": text(),
    "description": _description,
    "metadata": metadata,
    "connect": anything,
}
_UPDATE: Spec = {
    "url": url,
    "enabled_events": listing(text()),
    "description": _description,
    "disabled": boolean,
    "metadata": metadata,
}


class AccountResources:
    def __init__(self, books: Books, events: Events, endpoints: Endpoints) -> None:
        self._books = books
        self._events = events
        self._endpoints = endpoints

    def routes(self) -> Sequence[Route]:
        endpoints, one = "/v1/webhook_endpoints", "/v1/webhook_endpoints/<object_id>"
        return (
            Route("GET", "/v1/events", "events", self.events, _EVENTS),
            Route("GET", "/v1/events/<object_id>", "events", self.event),
            Route("POST", endpoints, "webhook_endpoints", self.create_endpoint, _CREATE),
            Route("GET", endpoints, "webhook_endpoints", self.endpoints, PAGING),
            Route("GET", one, "webhook_endpoints", self.endpoint),
            Route("POST", one, "webhook_endpoints", self.update_endpoint, _UPDATE),
            Route("DELETE", one, "webhook_endpoints", self.delete_endpoint),
            Route("GET", "/v1/account", "account", self.account),
            Route("GET", "/v1/balance", "balance", self.balance),
        )

    # -- events -----------------------------------------------------------------------------------------

    def events(self, asked: Asked) -> Json:
        sent = asked.sent
        if "type" in sent and "types" in sent:
            raise ApiError(400, "Send one of type and types.", param="types")
        wanted = [sent["type"]] if "type" in sent else sent.get("types")

        def fits(event: Json) -> bool:
            mine = event["account"] == asked.account.id and created_fits(event, sent.get("created"))
            return bool(mine and (not wanted or event["body"]["type"] in wanted))

        found = [event for event in reversed(self._books.all(EVENTS, fits)) if self._events.young(event)]
        pending = self._events.pending()
        if "delivery_success" in sent:
            found = [each for each in found if (pending[each["id"]] == 0) == sent["delivery_success"]]
        return page(
            [event["body"] | {"pending_webhooks": pending[event["id"]]} for event in found], sent, "/v1/events"
        )

    def event(self, asked: Asked) -> Json:
        return self._events.shown(self._books.need(EVENTS, asked.id, asked.account))

    # -- webhook endpoints ------------------------------------------------------------------------------

    def create_endpoint(self, asked: Asked) -> Json:
        """The only answer that tells the secret."""
        required(asked.sent, "url")
        required(asked.sent, "enabled_events")
        secret = new_secret()
        body = {name: value for name, value in asked.sent.items() if name != "connect"}
        endpoint = self._endpoints.register(asked.account, body, secret)
        return dict(endpoint["body"]) | {"secret": secret}

    def endpoints(self, asked: Asked) -> Json:
        mine = self._books.all(ENDPOINTS, lambda each: each["account"] == asked.account.id and not each["deleted"])
        return page([each["body"] for each in reversed(mine)], asked.sent, "/v1/webhook_endpoints")

    def endpoint(self, asked: Asked) -> Json:
        return dict(self._books.need(ENDPOINTS, asked.id, asked.account)["body"])

    def update_endpoint(self, asked: Asked) -> Json:
        endpoint = self._books.need(ENDPOINTS, asked.id, asked.account)
        sent, body = dict(asked.sent), endpoint["body"]
        if "disabled" in sent:
            body["status"] = "disabled" if sent.pop("disabled") else "enabled"
        if "metadata" in sent:
            body["metadata"] = merged(body["metadata"], sent.pop("metadata"))
        body |= sent
        self._books.save(ENDPOINTS, endpoint)
        return dict(body)

    def delete_endpoint(self, asked: Asked) -> Json:
        endpoint = self._books.need(ENDPOINTS, asked.id, asked.account)
        endpoint["deleted"] = True
        self._books.save(ENDPOINTS, endpoint)
        return {"id": asked.id, "object": "webhook_endpoint", "deleted": True}

    # -- the account ------------------------------------------------------------------------------------

    def account(self, asked: Asked) -> Json:
        return {
            "id": asked.account.id,
            "object": "account",
            "business_type": None,
            "charges_enabled": True,
            "country": "DE",
            "default_currency": "eur",
            "details_submitted": True,
            "email": "shop@example.com",
            "metadata": {},
            "payouts_enabled": True,
            "settings": {"dashboard": {"display_name": "Simulated shop", "timezone": "Etc/UTC"}},
            "type": "standard",
        }

    def balance(self, asked: Asked) -> Json:
        """Everything is still pending: nothing is ever paid out."""
        sums: dict[str, int] = {"eur": 0}
        for line in self._books.all(TRANSACTIONS, lambda each: each["account"] == asked.account.id):
            sums[line["body"]["currency"]] = sums.get(line["body"]["currency"], 0) + line["body"]["net"]
        pending = [
            {"amount": amount, "currency": currency, "source_types": {"card": amount}}
            for currency, amount in sums.items()
        ]
        return {
            "object": "balance",
            "available": [{"amount": 0, "currency": "eur", "source_types": {"card": 0}}],
            "livemode": asked.account.live,
            "pending": pending,
        }
