"""``expand``: ids in an answer become the objects they name, and lists that are left out otherwise come along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django_payflow.simulators.host import Json
from django_payflow.simulators.stripe.answers import ApiError
from django_payflow.simulators.stripe.books import (
    CHARGES,
    DISPUTES,
    INTENTS,
    METHODS,
    REFUNDS,
    REVIEWS,
    SESSIONS,
    TRANSACTIONS,
    Books,
)

_DEEPEST = 4
#: object -> field -> kind of what its id names; None where there never is anything
_FIELDS: Mapping[str, Mapping[str, str | None]] = {
    "checkout.session": {
        "payment_intent": INTENTS,
        "customer": None,
        "setup_intent": None,
        "subscription": None,
        "invoice": None,
        "payment_link": None,
    },
    "payment_intent": {
        "latest_charge": CHARGES,
        "payment_method": METHODS,
        "review": REVIEWS,
        "customer": None,
        "on_behalf_of": None,
        "application": None,
    },
    "charge": {
        "balance_transaction": TRANSACTIONS,
        "payment_intent": INTENTS,
        "review": REVIEWS,
        "dispute": DISPUTES,
        "customer": None,
        "failure_balance_transaction": None,
        "on_behalf_of": None,
        "transfer": None,
        "application": None,
    },
    "refund": {
        "balance_transaction": TRANSACTIONS,
        "charge": CHARGES,
        "payment_intent": INTENTS,
        "failure_balance_transaction": None,
        "source_transfer_reversal": None,
        "transfer_reversal": None,
    },
    "dispute": {"charge": CHARGES, "payment_intent": INTENTS},
    "review": {"charge": CHARGES, "payment_intent": INTENTS},
    "balance_transaction": {"source": CHARGES},
}
_LISTS = {"checkout.session": "line_items", "charge": "refunds"}


def list_of(items: Sequence[Json], url: str, has_more: bool = False) -> Json:
    return {"object": "list", "data": list(items), "has_more": has_more, "url": url}


class Expansion:
    def __init__(self, books: Books) -> None:
        self._books = books

    def expand(self, body: Json, paths: Sequence[str]) -> Json:
        for path in paths:
            steps = path.split(".")
            if len(steps) - (steps[0] == "data") > _DEEPEST:
                raise ApiError(400, f"You cannot expand more than {_DEEPEST} levels of a property.", param="expand")
            self._follow(body, steps, path)
        return body

    def _follow(self, body: Any, steps: Sequence[str], path: str) -> None:
        if not steps or body is None:
            return
        if isinstance(body, list):
            for item in body:
                self._follow(item, steps, path)
            return
        name, rest = steps[0], steps[1:]
        kind = body.get("object")
        if kind in ("list", "search_result") and name == "data":
            self._follow(body["data"], rest, path)
            return
        if _LISTS.get(kind) == name:
            if name not in body:
                body[name] = self._list(kind, body)
        elif name in _FIELDS.get(kind, {}):
            self._load(body, name, _FIELDS[kind][name])
        elif not isinstance(body.get(name), dict):
            raise ApiError(400, f"This property cannot be expanded ({path}).", param="expand")
        self._follow(body[name], rest, path)

    def _load(self, body: Json, name: str, kind: str | None) -> None:
        value = body.get(name)
        body.setdefault(name, None)
        document = self._books.find(kind, value) if kind and isinstance(value, str) else None
        if document is not None:
            body[name] = document["body"]

    def _list(self, kind: str, body: Json) -> Json:
        if kind == "charge":
            refunds = self._books.of_charge(REFUNDS, body)
            return list_of([each["body"] for each in reversed(refunds)], f"/v1/charges/{body['id']}/refunds")
        session = self._books.find(SESSIONS, body["id"])
        items = [] if session is None else session["items"]
        return list_of(items, f"/v1/checkout/sessions/{body['id']}/line_items")
