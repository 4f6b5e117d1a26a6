"""Sessions and intents in the API: an answer for each operation."""

from __future__ import annotations

import re
from collections.abc import Sequence

from flask import request

from django_payflow.simulators.host import Json, digest_of
from django_payflow.simulators.wooshpay import validation
from django_payflow.simulators.wooshpay.answers import ApiError, invalid, list_of, missing, plain_error
from django_payflow.simulators.wooshpay.api import Asked, Route
from django_payflow.simulators.wooshpay.ledger import INTENTS, SESSIONS, Payment
from django_payflow.simulators.wooshpay.paging import PAGING, read_limit, read_page
from django_payflow.simulators.wooshpay.payments import Payments
from django_payflow.simulators.wooshpay.shapes import Shapes

_SESSIONS, _INTENTS = "/v1/checkout/sessions", "/v1/payment_intents"
_QUERY = re.compile(r"""\s*merchant_order_id\s*:\s*(?P<quote>['"])(?P<wanted>.*)(?P=quote)\s*""")
_CANCELABLE = ("requires_payment_method", "requires_confirmation", "requires_action", "requires_capture")


def found(asked: Asked, prefix: str, name: str) -> Payment:
    """The payment of the call. An id in the wrong form is a 400 ("id is invalid" was seen), an unknown one a 404."""
    if asked.payment is not None and asked.id.startswith(f"{prefix}_"):
        return asked.payment
    raise not_found(asked.id, prefix, name)


def not_found(wanted: str, prefix: str, name: str) -> ApiError:
    if not re.fullmatch(rf"{prefix}_[0-9]+", wanted):
        return ApiError(400, "id is invalid", param="id")
    return ApiError(404, f"No such {name}: {wanted}", code="resource_missing", param="id")


class Resources:
    def __init__(self, payments: Payments, shapes: Shapes) -> None:
        self._payments = payments
        self._ledger = payments.ledger
        self._services = payments.ledger.services
        self._settings = payments.ledger.settings
        self._shapes = shapes

    def routes(self) -> Sequence[Route]:
        """Sessions are listed at the documented path, and at the one that integrators use."""
        return (
            Route("POST", _SESSIONS, "create", self.create, None),
            Route("GET", _SESSIONS, "list", self.list_sessions, PAGING),
            Route("GET", f"{_SESSIONS}/list", "list", self.list_sessions, PAGING),
            Route("GET", f"{_SESSIONS}/<id>", "get", self.get),
            Route("GET", f"{_SESSIONS}/<id>/line_items", "line_items", self.line_items, PAGING),
            Route("POST", f"{_SESSIONS}/<id>/expire", "expire", self.expire),
            Route("GET", _INTENTS, "list_intents", self.list_intents, PAGING),
            Route("GET", f"{_INTENTS}/search", "search", self.search, ("query", "limit")),
            Route("GET", f"{_INTENTS}/<id>", "get_intent", self.get_intent),
            Route("POST", f"{_INTENTS}/<id>/capture", "capture", self.capture, ("amount_to_capture",)),
            Route("POST", f"{_INTENTS}/<id>/cancel", "cancel", self.cancel, ("cancellation_reason",)),
        )

    # -- sessions ---------------------------------------------------------------------------------------

    def create(self, asked: Asked) -> Json | ApiError:
        wanted = validation.read_create(
            asked.sent, disabled=self._settings["disabled_methods"], now=self._services.clock.timestamp()
        )
        total = sum(line["unit_amount"] * line["quantity"] for line in wanted["lines"])
        if self._settings["magic_amounts"] and total % 100 == 29:
            return plain_error(429)
        if self._settings["magic_amounts"] and total % 100 == 13 and self._is_first(asked):
            return plain_error(500)
        payment = self._ledger.open(asked.account, wanted, _root())
        self._ledger.spoil_amount(payment, "create")
        self._payments.events.about_intent(payment, "payment_intent.created")
        return self._shapes.session(payment, _root())

    def _is_first(self, asked: Asked) -> bool:
        """Whether this very request, under its idempotency key if it has one, comes for the first time."""
        key = request.headers.get("Idempotency-Key", "")
        name = f"{asked.account.id}:{key}:{digest_of('create', asked.sent)}"
        if self._services.store.get("wooshpay.came", name) is not None:
            return False
        self._services.store.put("wooshpay.came", name, {})
        return True

    def get(self, asked: Asked) -> Json:
        return self._shapes.session(found(asked, "cs", "checkout.session"), _root())

    def list_sessions(self, asked: Asked) -> Json:
        page = read_page(self._services.store, SESSIONS, asked.sent, asked.account.id)
        payments = [payment for each in page.documents if (payment := self._ledger.find(each["id"]))]
        return list_of(_SESSIONS, [self._shapes.session(each, _root()) for each in payments], page.has_more)

    def line_items(self, asked: Asked) -> Json:
        return self._shapes.line_items(found(asked, "cs", "checkout.session"))

    def expire(self, asked: Asked) -> Json:
        payment = found(asked, "cs", "checkout.session")
        status = payment.session["fields"]["status"]
        if status != "open":  # only while open (GUESS); the text names the status, as an integrator expects
            raise ApiError(400, f"This session cannot be expired, its status is {status}", code="session_not_open")
        self._payments.expire(payment)
        return self._shapes.session(payment, _root())

    # -- intents ----------------------------------------------------------------------------------------

    def get_intent(self, asked: Asked) -> Json:
        return self._shapes.intent(found(asked, "pi", "payment_intent"))

    def list_intents(self, asked: Asked) -> Json:
        page = read_page(self._services.store, INTENTS, asked.sent, asked.account.id)
        return list_of(_INTENTS, self._intents([each["id"] for each in page.documents]), page.has_more)

    def search(self, asked: Asked) -> Json:
        """``query=merchant_order_id:'order1234'``; that is all the documentation shows."""
        query = asked.sent.get("query")
        if not query:
            raise missing("query")
        match = _QUERY.fullmatch(query) if isinstance(query, str) else None
        if match is None:
            raise invalid("query", "must be like merchant_order_id:'order1234'")
        wanted, account, limit = match["wanted"], asked.account.id, read_limit(asked.sent)
        ids = self._services.store.keys(
            INTENTS, lambda each: each["account"] == account and each["fields"]["merchant_order_id"] == wanted
        )[::-1]
        return list_of(f"{_INTENTS}/search", self._intents(ids[:limit]), len(ids) > limit)

    def _intents(self, ids: Sequence[str]) -> list[Json]:
        payments = [payment for intent_id in ids if (payment := self._ledger.by_intent(intent_id))]
        return [self._shapes.intent(payment) for payment in payments]

    def capture(self, asked: Asked) -> Json:
        """Once, full or partial."""
        payment = found(asked, "pi", "payment_intent")
        fields = payment.intent["fields"]
        if fields["status"] != "requires_capture":
            raise _wrong_status("captured", fields["status"])
        wanted = asked.sent.get("amount_to_capture")
        minor = fields["amount_capturable"]
        if wanted is not None:
            minor = validation.whole_number(wanted, "amount_to_capture", 1, fields["amount_capturable"])
        self._payments.capture(payment, minor)
        return self._shapes.intent(payment)

    def cancel(self, asked: Asked) -> Json:
        """An intent of a session is not cancelled, the session is expired instead. That cannot be done any more once
        the money is reserved, and a reservation is released by this call: taken together a GUESS, so a switch."""
        payment = found(asked, "pi", "payment_intent")
        if not asked.sent.get("cancellation_reason"):
            raise missing("cancellation_reason")
        reason = validation.text(asked.sent["cancellation_reason"], "cancellation_reason")
        status = payment.intent["fields"]["status"]
        if status not in _CANCELABLE:
            raise _wrong_status("canceled", status)
        if status != "requires_capture" or not self._settings["cancel_authorized"]:
            text = "This payment_intent belongs to a checkout session and cannot be canceled; expire the session."
            raise ApiError(400, text, code="payment_intent_in_session")
        self._payments.cancel(payment, reason)
        return self._shapes.intent(payment)


def _wrong_status(what: str, status: str) -> ApiError:
    text = f"This payment_intent cannot be {what}, its status is {status}"
    return ApiError(400, text, code="payment_intent_unexpected_state")


def _root() -> str:
    return request.url_root.rstrip("/")
