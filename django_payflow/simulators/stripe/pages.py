"""The hosted page under ``/c/pay``: card form and direct debit, the 3-D Secure step, and what is left afterwards.

The forms name their address without the fragment of the hosted page: a browser would carry it over every redirect
into the shop's address, which Stripe's page, moving on by script, does not do.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import NamedTuple

from flask import Blueprint, Response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from django_payflow.simulators.host import Json, Refusal, refuse_foreign_pages
from django_payflow.simulators.stripe import cards, currencies
from django_payflow.simulators.stripe.books import SESSIONS, Books
from django_payflow.simulators.stripe.checkout import BUYER, Checkout, Step

_PLACEHOLDER = "{CHECKOUT_SESSION_ID}"
_SAFETY = {
    # No form-action: browsers apply it to the redirect back to the shop as well.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none';"
    " frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_POLL_SECONDS = 0.01
_EXPIRY = re.compile(r"\s*(0?[1-9]|1[0-2])\s*/\s*(?:20)?([0-9]{2})\s*")
_CVC = re.compile(r"[0-9]{3,4}")
_NO_SUCH_IBAN = "This is not one of the test accounts."


class NotHere(Refusal):
    status = 404


class Header(NamedTuple):
    """What every page says above its own content."""

    amount: str
    description: str
    mode: str


class Pages:
    def __init__(self, books: Books, checkout: Checkout) -> None:
        self._books = books
        self._checkout = checkout
        self._store = books.services.store

    def blueprint(self) -> Blueprint:
        pages = Blueprint("pages", __name__)
        pages.before_request(refuse_foreign_pages)
        pages.after_request(_make_safe)
        pages.register_error_handler(
            Refusal, lambda error: (render_template("stripe/message.html", text=str(error)), error.status)
        )
        pages.get("/c/pay/<session_id>")(self.show)
        pages.post("/c/pay/<session_id>")(self.submit)
        pages.get("/c/pay/<session_id>/authenticate")(self.authentication)
        pages.post("/c/pay/<session_id>/authenticate")(self.authenticate)
        return pages

    # -- shared -----------------------------------------------------------------------------------------

    def _session(self, session_id: str) -> Json:
        session = self._books.find(SESSIONS, session_id)
        if session is None:
            raise NotHere("There is no checkout at this address.")
        return session

    def _header(self, session: Json) -> Header:
        body = session["body"]
        return Header(
            amount=currencies.shown(body["amount_total"], body["currency"]),
            description=", ".join(item["description"] for item in session["items"]),
            mode="live" if body["livemode"] else "test",
        )

    def _form(self, session: Json, message: str | None = None) -> str:
        body = session["body"]
        return render_template(
            "stripe/pay.html",
            header=self._header(session),
            session=body,
            message=message or self._last_error(session),
            cards=cards.CARDS.values(),
            accounts=cards.ACCOUNTS.values(),
            email=body["customer_email"] or BUYER["email"],
        )

    def _last_error(self, session: Json) -> str | None:
        intent = self._books.intent_of(session)
        error = None if intent is None else intent["body"]["last_payment_error"]
        return None if error is None else str(error["message"])

    def _closed(self, session: Json) -> str:
        """Expired, or paid already: there is nothing left to do here."""
        body = session["body"]
        template = "expired" if body["status"] == "expired" else "complete"
        back = body["cancel_url"] if template == "expired" else _success_url(body)
        return render_template(f"stripe/{template}.html", header=self._header(session), back=back)

    # -- paying -----------------------------------------------------------------------------------------

    def show(self, session_id: str) -> ResponseReturnValue:
        session = self._session(session_id)
        if session["body"]["status"] != "open":
            return self._closed(session)
        return self._form(session)

    def submit(self, session_id: str) -> ResponseReturnValue:
        """A decline leads back to the form, which says why; the buyer may try again."""
        with self._store.change():
            session = self._session(session_id)
            if session["body"]["status"] != "open":
                return redirect(_page_path(session_id), 303)
            instrument, complaint = self._instrument(session["body"])
            if instrument is None:
                return self._form(session, complaint)
            buyer = {
                "email": request.form.get("email") or BUYER["email"],
                "name": request.form.get("name") or BUYER["name"],
            }
            step = self._checkout.attempt(session, instrument, buyer)
        return self._lead_on(session, step)

    def _instrument(self, session: Json) -> tuple[cards.Instrument | None, str | None]:
        """What the buyer typed, or why that cannot even be tried."""
        method = request.form.get("method", "card")
        if session["amount_total"] == 0:
            return cards.card("4242424242424242"), None
        if method not in session["payment_method_types"] or method not in ("card", "sepa_debit"):
            return None, "This way to pay is not offered."
        if method == "sepa_debit":
            account = cards.account(request.form.get("iban", ""))
            return account, None if account else _NO_SUCH_IBAN
        return self._card()

    def _card(self) -> tuple[cards.Instrument | None, str | None]:
        card = cards.card(request.form.get("number", ""))
        if card.decline == cards.WRONG_NUMBER:
            return None, "Your card number is invalid."
        expiry = _EXPIRY.fullmatch(request.form.get("expiry", ""))
        if expiry is None:
            return None, "Your card's expiration date is incomplete."
        now = self._books.services.clock.now()
        if (2000 + int(expiry[2]), int(expiry[1])) < (now.year, now.month):
            return None, "Your card's expiration date is in the past."
        if not _CVC.fullmatch(request.form.get("cvc", "")):
            return None, "Your card's security code is incomplete."
        return card, None

    # -- 3-D Secure -------------------------------------------------------------------------------------

    def authentication(self, session_id: str) -> ResponseReturnValue:
        session = self._session(session_id)
        if not self._waits_for_authentication(session):
            return redirect(_page_path(session_id), 303)
        return render_template("stripe/authenticate.html", header=self._header(session))

    def authenticate(self, session_id: str) -> ResponseReturnValue:
        with self._store.change():
            session = self._session(session_id)
            if not self._waits_for_authentication(session):
                return redirect(_page_path(session_id), 303)
            step = self._checkout.authenticated(session, request.form.get("result") == "complete")
        return self._lead_on(session, step)

    def _waits_for_authentication(self, session: Json) -> bool:
        intent = self._books.intent_of(session)
        waits = intent is not None and intent["body"]["status"] == "requires_action"
        return waits and bool(session["body"]["status"] == "open")

    # -- on to the shop ---------------------------------------------------------------------------------

    def _lead_on(self, session: Json, step: Step) -> ResponseReturnValue:
        """Called with the store free: the shop is told, and answers, while we wait."""
        path = _page_path(session["id"])
        if step.name == "authenticate":
            return redirect(f"{path}/authenticate", 303)
        if step.name == "declined":
            return redirect(path, 303)
        self._await_answers(step.deliveries)
        return redirect(_success_url(session["body"]), 303)

    def _await_answers(self, deliveries: Sequence[str]) -> None:
        """As Stripe does, wait a while for the shop's answer to ``checkout.session.completed``."""
        until = time.monotonic() + float(self._books.settings["completed_wait"])
        while time.monotonic() < until and any(self._unanswered(each) for each in deliveries):
            time.sleep(_POLL_SECONDS)

    def _unanswered(self, delivery_id: str) -> bool:
        delivery = self._books.services.deliveries.get(delivery_id)
        return delivery is not None and not delivery["attempts"] and delivery["state"] == "queued"


def _success_url(session: Json) -> str:
    return str(session["success_url"]).replace(_PLACEHOLDER, session["id"])


def _page_path(session_id: str) -> str:
    return f"{request.script_root}/c/pay/{session_id}"


def _make_safe(response: Response) -> Response:
    for name, value in _SAFETY.items():
        response.headers.setdefault(name, value)
    return response
