"""What tests may overwrite: any stored field of a session, its PaymentIntent and its charge, without a webhook."""

from __future__ import annotations

from django_payflow.simulators.host import Json, Refusal
from django_payflow.simulators.stripe.books import CHARGES, INTENTS, SESSIONS, Books

_FIXED = ("id", "object", "payment_intent", "latest_charge")
_WHOLE = (
    *("amount", "amount_total", "amount_subtotal", "amount_received", "amount_captured", "amount_refunded"),
    *("created", "expires_at"),
)
_TEXTS = ("currency", "status", "payment_status", "success_url")
#: One word for what several objects repeat.
_EVERYWHERE = ("currency", "livemode")


def overwrite(books: Books, session: Json, fields: Json) -> None:
    """``payment_intent`` and ``charge`` may hold fields of those; amount, currency and livemode change all three."""
    changes = dict(fields)
    parts = {"payment_intent": changes.pop("payment_intent", {}), "charge": changes.pop("charge", {})}
    for part in (changes, *parts.values()):
        _check(part)
    intent = books.intent_of(session)
    charge = None if intent is None else books.charge_of(intent)
    amount = changes.pop("amount", None)
    common = {name: changes[name] for name in _EVERYWHERE if name in changes}
    if amount is not None:
        changes |= {"amount_total": amount, "amount_subtotal": amount}
    _put(books, SESSIONS, session, changes)
    if "expires_at" in changes and session["body"]["status"] == "open":
        books.services.timers.set("stripe", "expire", session["id"], changes["expires_at"])
    if intent is not None:
        _put(books, INTENTS, intent, common | _sums(intent, amount, "amount_received") | parts["payment_intent"])
    elif parts["payment_intent"]:
        raise Refusal("this session has no PaymentIntent yet")
    if charge is not None:
        _put(books, CHARGES, charge, common | _sums(charge, amount, "amount_captured") | parts["charge"])
    elif parts["charge"]:
        raise Refusal("this session has no charge yet")


def _sums(document: Json, amount: int | None, moved: str) -> Json:
    """The amount, and what was moved if anything was."""
    if amount is None:
        return {}
    return {"amount": amount, moved: amount} if document["body"][moved] else {"amount": amount}


def _put(books: Books, kind: str, document: Json, changes: Json) -> None:
    document["body"] |= changes
    books.save(kind, document)


def _check(fields: object) -> None:
    """Refuses only what would leave an object that cannot be shown."""
    if not isinstance(fields, dict):
        raise Refusal("payment_intent and charge must be objects")
    for name, value in fields.items():
        if name in _FIXED:
            raise Refusal(f"{name} cannot be overwritten")
        if name in _WHOLE and (type(value) is not int):
            raise Refusal(f"{name} must be a whole number of smallest units")
        if name in _TEXTS and not isinstance(value, str):
            raise Refusal(f"{name} must be a text")
        if name == "metadata" and not isinstance(value, dict):
            raise Refusal("metadata must be an object")
        if name == "payment_method_types" and not isinstance(value, list):
            raise Refusal("payment_method_types must be a list")
        if name == "livemode" and not isinstance(value, bool):
            raise Refusal("livemode must be true or false")
