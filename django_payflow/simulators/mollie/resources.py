"""The operations of the API, an answer each: payments, methods, captures, refunds, chargebacks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from flask import request

from django_payflow.simulators.host import Json
from django_payflow.simulators.mollie import methods
from django_payflow.simulators.mollie.amounts import read_amount
from django_payflow.simulators.mollie.answers import ApiError, documentation, link, page_of
from django_payflow.simulators.mollie.api import Answer, Asked, Route
from django_payflow.simulators.mollie.ledger import FINAL, PAYMENTS, Ledger
from django_payflow.simulators.mollie.movements import CAPTURES, CHARGEBACKS, REFUNDS, Movements
from django_payflow.simulators.mollie.paging import Page, read_page
from django_payflow.simulators.mollie.requests_of_shops import read_create, read_update
from django_payflow.simulators.mollie.shapes import EMBEDDABLE, Shapes, is_cancelable
from django_payflow.simulators.mollie.validation import metadata, refuse_unknown

_PAGING = ("from", "limit", "sort")


class Resources:
    def __init__(self, ledger: Ledger, movements: Movements) -> None:
        self._ledger = ledger
        self._movements = movements
        self._services = ledger.services
        self._settings = ledger.settings

    def routes(self) -> Sequence[Route]:
        payments, one = "/v2/payments", "/v2/payments/<payment_id>"
        return (
            Route("POST", payments, "create", self.create),
            Route("GET", payments, "list", self.list, _PAGING),
            Route("GET", one, "get", self.get, ("embed", "include")),
            Route("PATCH", one, "update", self.update),
            Route("DELETE", one, "cancel", self.cancel),
            Route("POST", f"{one}/release-authorization", "release", self.release),
            Route("POST", f"{one}/captures", "capture", self.capture),
            Route("GET", f"{one}/captures", "captures", self.captures),
            Route("GET", f"{one}/captures/<child_id>", "captures", self.one_capture),
            Route("POST", f"{one}/refunds", "refund", self.refund),
            Route("GET", f"{one}/refunds", "refunds", self.refunds),
            Route("GET", f"{one}/refunds/<child_id>", "refunds", self.one_refund),
            Route("DELETE", f"{one}/refunds/<child_id>", "cancel_refund", self.cancel_refund),
            Route("GET", f"{one}/chargebacks", "chargebacks", self.chargebacks),
            Route("GET", f"{one}/chargebacks/<child_id>", "chargebacks", self.one_chargeback),
            Route("GET", "/v2/refunds", "refunds", self.all_refunds, _PAGING),
            Route("GET", "/v2/methods", "methods", self.methods, _METHOD_QUERY),
            Route("GET", "/v2/methods/<method_id>", "methods", self.one_method, ("locale", "include", "currency")),
        )

    # -- shared -----------------------------------------------------------------------------------------

    @property
    def _shapes(self) -> Shapes:
        return Shapes(self._movements, base_url())

    def _payment(self, asked: Asked) -> Json:
        payment = self._ledger.find(asked.payment_id, asked.account)
        if payment is None:
            raise ApiError(404, f"No payment of this account has the id {asked.payment_id}.")
        return payment

    def _child(self, asked: Asked, kind: str) -> Json:
        self._payment(asked)
        child = self._services.store.get(kind, asked.ids["child_id"])
        if child is None or child["payment"] != asked.payment_id:
            raise ApiError(404, f"This payment has nothing with the id {asked.ids['child_id']}.")
        return child

    def _today(self) -> date:
        return self._services.clock.now().date()

    # -- payments ---------------------------------------------------------------------------------------

    def create(self, asked: Asked) -> Answer:
        fields, offered = read_create(
            asked.sent,
            disabled=self._settings["disabled_methods"],
            strict_webhook=self._settings["strict_webhook_url"],
            today=self._today(),
        )
        payment = self._ledger.open(asked.account, fields, offered)
        self._ledger.spoil_amount(payment, "create")
        return Answer(201, self._shapes.payment(payment, page="create-payment"))

    def get(self, asked: Asked) -> Answer:
        wanted = [name for name in asked.sent.get("embed", "").split(",") if name]
        for name in wanted:
            if name not in EMBEDDABLE:
                raise ApiError(422, f"Nothing called {name} can be embedded.", "embed")  # status is a GUESS
        return Answer(200, self._shapes.payment(self._payment(asked), wanted))

    def list(self, asked: Asked) -> Answer:
        keys = self._services.store.keys(PAYMENTS, lambda each: each["account"] == asked.account.id)
        page = read_page(asked.sent, keys, f"{base_url()}/v2/payments")
        found = [payment for key in page.keys if (payment := self._ledger.find(key))]
        for payment in found:
            self._ledger.spoil_amount(payment, "list")
        shapes = self._shapes
        items = [shapes.payment(payment) for payment in found]
        return _paged("payments", items, page, "list-payments")

    def update(self, asked: Asked) -> Answer:
        payment = self._payment(asked)
        changed, offered = read_update(
            asked.sent,
            final=payment["fields"]["status"] in FINAL,
            offered=payment["offered"],
            disabled=self._settings["disabled_methods"],
            strict_webhook=self._settings["strict_webhook_url"],
            today=self._today(),
        )
        self._ledger.overwrite(payment, changed)
        if offered is not None:
            payment["offered"] = offered
            self._ledger.choose_method(payment, offered[0] if len(offered) == 1 else None)
        return Answer(200, self._shapes.payment(payment, page="update-payment"))

    def cancel(self, asked: Asked) -> Answer:
        refuse_unknown(asked.sent, ())
        payment = self._payment(asked)
        if payment["fields"]["status"] in FINAL or not is_cancelable(payment["fields"]):
            raise ApiError(422, "The payment cannot be canceled.")
        if payment["fields"]["status"] == "authorized":
            self._movements.carry_out_release(payment, self._services.clock.timestamp())
        else:
            self._ledger.move(payment, "canceled")
        return Answer(200, self._shapes.payment(payment, page="cancel-payment"))

    def release(self, asked: Asked) -> Answer:
        refuse_unknown(asked.sent, ())
        self._movements.release(self._payment(asked))
        return Answer(202, None)

    # -- captures, refunds, chargebacks -----------------------------------------------------------------

    def capture(self, asked: Asked) -> Answer:
        payment = self._payment(asked)
        _check_movement(asked.sent)
        return Answer(201, self._shapes.capture(self._movements.capture(payment, asked.sent)))

    def refund(self, asked: Asked) -> Answer:
        payment = self._payment(asked)
        _check_movement(asked.sent)
        return Answer(201, self._shapes.refund(self._movements.refund(payment, asked.sent)))

    def captures(self, asked: Asked) -> Answer:
        return self._children(asked, CAPTURES, "captures", self._shapes.capture)

    def refunds(self, asked: Asked) -> Answer:
        return self._children(asked, REFUNDS, "refunds", self._shapes.refund)

    def chargebacks(self, asked: Asked) -> Answer:
        return self._children(asked, CHARGEBACKS, "chargebacks", self._shapes.chargeback)

    def _children(self, asked: Asked, kind: str, name: str, shape: Callable[[Json], Json]) -> Answer:
        """The lists of one payment are short and come in one page."""
        payment = self._payment(asked)
        found = self._movements.of(kind, payment)
        shown = [shape(each) for each in found if kind != REFUNDS or self._movements.visible(each)]
        href = f"{base_url()}/v2/payments/{payment['id']}/{name}"
        links = {"self": link(href), "previous": None, "next": None, "documentation": documentation(f"list-{name}")}
        return Answer(200, page_of(name, shown, links))

    def one_capture(self, asked: Asked) -> Answer:
        return Answer(200, self._shapes.capture(self._child(asked, CAPTURES)))

    def one_chargeback(self, asked: Asked) -> Answer:
        return Answer(200, self._shapes.chargeback(self._child(asked, CHARGEBACKS)))

    def one_refund(self, asked: Asked) -> Answer:
        return Answer(200, self._shapes.refund(self._visible_refund(asked)))

    def cancel_refund(self, asked: Asked) -> Answer:
        refuse_unknown(asked.sent, ())
        self._movements.cancel_refund(self._visible_refund(asked))
        return Answer(204, None)

    def _visible_refund(self, asked: Asked) -> Json:
        refund = self._child(asked, REFUNDS)
        if not self._movements.visible(refund):
            raise ApiError(404, f"This payment has nothing with the id {refund['id']}.")
        return refund

    def all_refunds(self, asked: Asked) -> Answer:
        store, shapes = self._services.store, self._shapes
        keys = store.keys(REFUNDS, lambda each: each["account"] == asked.account.id and self._movements.visible(each))
        page = read_page(asked.sent, keys, f"{base_url()}/v2/refunds")
        items = [shapes.refund(refund) for key in page.keys if (refund := store.get(REFUNDS, key))]
        return _paged("refunds", items, page, "list-all-refunds")

    # -- methods ----------------------------------------------------------------------------------------

    def methods(self, asked: Asked) -> Answer:
        """The activated methods, with ``amount`` only those it fits; direct debit is for recurring payments."""
        sent = asked.sent
        found = methods.active(self._settings["disabled_methods"])
        if sent.get("sequenceType", "oneoff") == "oneoff":
            found = [method for method in found if method.id != "directdebit"]
        currency = sent.get("amount[currency]")
        if currency is not None or "amount[value]" in sent:
            number = read_amount({"currency": currency, "value": sent.get("amount[value]")})
            found = [method for method in found if methods.fits(method, str(currency), number)]
        base = base_url()
        items = [methods.method_shape(method, base, currency or "EUR") for method in found]
        links = {"self": link(f"{base}/v2/methods"), "documentation": documentation("list-methods")}
        return Answer(200, page_of("methods", items, links))

    def one_method(self, asked: Asked) -> Answer:
        for method in methods.active(self._settings["disabled_methods"]):
            if method.id == asked.ids["method_id"]:
                return Answer(200, methods.method_shape(method, base_url(), asked.sent.get("currency", "EUR")))
        raise ApiError(404, f"No activated method has the id {asked.ids['method_id']}.")


_METHOD_PARAMETERS = """
    sequenceType locale amount[value] amount[currency] resource billingCountry includeWallets orderLineCategories
    include
"""
_METHOD_QUERY = tuple(_METHOD_PARAMETERS.split())


def base_url() -> str:
    """Where the API is mounted, as the caller addresses it."""
    return request.url_root.rstrip("/")


def _check_movement(sent: Json) -> None:
    """What captures and refunds may carry."""
    refuse_unknown(sent, ("amount", "description", "metadata"))
    metadata(sent.get("metadata"))
    text = sent.get("description")
    if text is not None and (not isinstance(text, str) or len(text) > 255):
        raise ApiError(422, "The description is a text of at most 255 characters.", "description")


def _paged(name: str, items: list[Any], page: Page, documented: str) -> Answer:
    links = {
        "self": link(page.self_href),
        "previous": link(page.previous_href) if page.previous_href else None,
        "next": link(page.next_href) if page.next_href else None,
        "documentation": documentation(documented),
    }
    return Answer(200, page_of(name, items, links))
