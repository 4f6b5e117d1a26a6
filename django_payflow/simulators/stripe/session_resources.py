"""Checkout Sessions under ``/v1/checkout/sessions``."""

from __future__ import annotations

from collections.abc import Sequence

from django_payflow.simulators.host import Json
from django_payflow.simulators.stripe.api import Asked, Route
from django_payflow.simulators.stripe.books import SESSIONS, Books
from django_payflow.simulators.stripe.checkout import Checkout
from django_payflow.simulators.stripe.paging import CREATED, PAGING, created_fits, page
from django_payflow.simulators.stripe.reading import Spec, email, mapping, merged, one_of, text
from django_payflow.simulators.stripe.session_input import UPDATE, read_create

_LIST: Spec = {
    **PAGING,
    **CREATED,
    "customer": text(),
    "customer_account": text(),
    "customer_details": mapping({"email": email}),
    "payment_intent": text(),
    "payment_link": text(),
    "status": one_of("open", "complete", "expired"),
    "subscription": text(),
}
#: Compared as they are; the other filters have a shape of their own.
_PLAIN = ("customer", "customer_account", "payment_intent", "payment_link", "status", "subscription")


class SessionResources:
    def __init__(self, books: Books, checkout: Checkout) -> None:
        self._books = books
        self._checkout = checkout

    def routes(self) -> Sequence[Route]:
        sessions, one = "/v1/checkout/sessions", "/v1/checkout/sessions/<object_id>"
        return (
            Route("POST", sessions, "create", self.create, None),
            Route("GET", sessions, "list", self.list, _LIST),
            Route("GET", one, "get", self.get),
            Route("POST", one, "update", self.update, UPDATE),
            Route("POST", f"{one}/expire", "expire", self.expire),
            Route("GET", f"{one}/line_items", "line_items", self.line_items, PAGING),
        )

    def create(self, asked: Asked) -> Json:
        """200, not 201."""
        new = read_create(asked.sent, now=self._books.now, switched_on=self._books.settings["methods"])
        session = self._checkout.open(asked.account, new, root=asked.root, version=asked.version)
        return dict(session["body"])

    def get(self, asked: Asked) -> Json:
        return dict(self._books.need(SESSIONS, asked.id, asked.account)["body"])

    def list(self, asked: Asked) -> Json:
        def fits(session: Json) -> bool:
            body = session["body"]
            if session["account"] != asked.account.id or not created_fits(session, asked.sent.get("created")):
                return False
            wanted = asked.sent.get("customer_details", {}).get("email")
            if wanted is not None and (body["customer_details"] or {}).get("email") != wanted:
                return False
            return all(body[name] == asked.sent[name] for name in _PLAIN if name in asked.sent)

        found = [session["body"] for session in reversed(self._books.all(SESSIONS, fits))]
        return page(found, asked.sent, "/v1/checkout/sessions")

    def update(self, asked: Asked) -> Json:
        """Only metadata is changed here; the rest is taken and forgotten."""
        session = self._books.need(SESSIONS, asked.id, asked.account)
        if "metadata" in asked.sent:
            session["body"]["metadata"] = merged(session["body"]["metadata"], asked.sent["metadata"])
            self._books.save(SESSIONS, session)
        return dict(session["body"])

    def expire(self, asked: Asked) -> Json:
        session = self._books.need(SESSIONS, asked.id, asked.account)
        self._checkout.expire_asked(session)
        return dict(session["body"])

    def line_items(self, asked: Asked) -> Json:
        session = self._books.need(SESSIONS, asked.id, asked.account)
        return page(session["items"], asked.sent, f"/v1/checkout/sessions/{asked.id}/line_items")
