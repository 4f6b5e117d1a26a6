"""Charges, refunds and disputes in the API, and events and webhook endpoints beside them."""

from __future__ import annotations

from collections.abc import Sequence

from django_payflow.simulators.host import Json
from django_payflow.simulators.wooshpay import validation
from django_payflow.simulators.wooshpay.answers import ApiError, list_of, missing
from django_payflow.simulators.wooshpay.api import Asked, Route
from django_payflow.simulators.wooshpay.endpoints import ENDPOINTS, Endpoints, endpoint_shape
from django_payflow.simulators.wooshpay.events import EVENTS
from django_payflow.simulators.wooshpay.ledger import CHARGES, DISPUTES, REFUNDS
from django_payflow.simulators.wooshpay.movements import REASONS, Movements, refund_amount
from django_payflow.simulators.wooshpay.paging import PAGING, read_page
from django_payflow.simulators.wooshpay.resources import not_found
from django_payflow.simulators.wooshpay.shapes import Shapes

_ENDPOINTS = "/v1/webhook_endpoints"


class MoneyBack:
    """There is no list of refunds: a shop keeps their ids itself."""

    def __init__(self, movements: Movements, shapes: Shapes) -> None:
        self._movements = movements
        self._ledger = movements.ledger
        self._store = movements.ledger.services.store
        self._shapes = shapes

    def routes(self) -> Sequence[Route]:
        """How a list of disputes is reached is documented, for charges it is a GUESS."""
        return (
            Route("POST", "/v1/refunds", "refund", self.refund, ("payment_intent", "amount", "reason", "metadata")),
            Route("GET", "/v1/refunds/<id>", "get_refund", self.get_refund),
            Route("GET", "/v1/charges", "list_charges", self.list_charges, PAGING),
            Route("GET", "/v1/charges/<id>", "get_charge", self.get_charge),
            Route("GET", "/v1/disputes/list", "list_disputes", self.list_disputes, PAGING),
            Route("GET", "/v1/disputes/<id>", "get_dispute", self.get_dispute),
            Route("GET", "/v1/events/<id>", "get_event", self.get_event),
        )

    def _one(self, asked: Asked, kind: str, prefix: str, name: str) -> Json:
        document = self._store.get(kind, asked.id)
        if document is None or document["account"] != asked.account.id:
            raise not_found(asked.id, prefix, name)
        return document

    def _page(self, asked: Asked, kind: str, path: str) -> Json:
        page = read_page(self._store, kind, asked.sent, asked.account.id)
        return list_of(path, [self._shapes.child(each) for each in page.documents], page.has_more)

    # -- refunds ----------------------------------------------------------------------------------------

    def refund(self, asked: Asked) -> Json:
        if not self._ledger.settings["refunds_enabled"]:
            text = "Refunds are not enabled for this account."
            raise ApiError(402, text, code="refunds_not_enabled")
        sent = asked.sent
        if not sent.get("payment_intent"):
            raise missing("payment_intent")
        payment = self._ledger.by_intent(sent["payment_intent"], asked.account)
        if payment is None:
            raise not_found(str(sent["payment_intent"]), "pi", "payment_intent")
        wanted = {
            "amount": refund_amount(sent.get("amount")),
            "reason": validation.word(sent.get("reason"), "reason", REASONS),
            "metadata": validation.metadata(sent.get("metadata")),
        }
        refund = self._movements.refund(payment, wanted)
        self._movements.announce(payment, refund)
        return self._shapes.child(refund)

    def get_refund(self, asked: Asked) -> Json:
        return self._shapes.child(self._one(asked, REFUNDS, "re", "refund"))

    # -- charges, disputes, events ----------------------------------------------------------------------

    def list_charges(self, asked: Asked) -> Json:
        return self._page(asked, CHARGES, "/v1/charges")

    def get_charge(self, asked: Asked) -> Json:
        return self._shapes.child(self._one(asked, CHARGES, "ch", "charge"))

    def list_disputes(self, asked: Asked) -> Json:
        return self._page(asked, DISPUTES, "/v1/disputes")

    def get_dispute(self, asked: Asked) -> Json:
        return self._shapes.child(self._one(asked, DISPUTES, "dp", "dispute"))

    def get_event(self, asked: Asked) -> Json:
        """As it was sent: what it is about is shown as it was then."""
        event: Json = self._one(asked, EVENTS, "evt", "event")["event"]
        return event


class WebhookEndpoints:
    """The registration of webhooks; one per mode, as the key decides."""

    def __init__(self, endpoints: Endpoints, movements: Movements) -> None:
        self._endpoints = endpoints
        self._store = movements.ledger.services.store

    def routes(self) -> Sequence[Route]:
        """With which method an endpoint is updated is not known: POST and PUT are both taken (GUESS)."""
        one = f"{_ENDPOINTS}/<id>"
        return (
            Route("POST", _ENDPOINTS, "create_endpoint", self.create, None),
            Route("GET", _ENDPOINTS, "list_endpoints", self.list_endpoints, PAGING),
            Route("GET", one, "get_endpoint", self.get),
            Route("POST", one, "update_endpoint", self.update, None),
            Route("PUT", one, "update_endpoint", self.update, None),
            Route("DELETE", one, "delete_endpoint", self.delete),
        )

    def _endpoint(self, asked: Asked) -> Json:
        endpoint = self._endpoints.find(asked.id, asked.account)
        if endpoint is None:
            raise not_found(asked.id, "we", "webhook_endpoint")
        return endpoint

    def create(self, asked: Asked) -> Json:
        return endpoint_shape(self._endpoints.create(asked.account, asked.sent))

    def list_endpoints(self, asked: Asked) -> Json:
        page = read_page(self._store, ENDPOINTS, asked.sent, asked.account.id)
        return list_of(_ENDPOINTS, [endpoint_shape(each) for each in page.documents], page.has_more)

    def get(self, asked: Asked) -> Json:
        return endpoint_shape(self._endpoint(asked))

    def update(self, asked: Asked) -> Json:
        endpoint = self._endpoint(asked)
        self._endpoints.update(endpoint, asked.sent)
        return endpoint_shape(endpoint)

    def delete(self, asked: Asked) -> Json:
        self._endpoints.delete(self._endpoint(asked))
        return {"id": asked.id, "object": "webhook_endpoint", "deleted": True}
