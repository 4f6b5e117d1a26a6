"""Lies on demand: stored fields of a payment set to anything that can still be shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django_payflow.simulators.host import Json, Refusal
from django_payflow.simulators.wooshpay.ledger import Ledger, Payment

#: part -> the stored fields that cannot be anything else, because other things are computed from them
_WHOLE_NUMBERS = "amount amount_received amount_capturable amount_total amount_subtotal created expires_at".split()
_TEXTS = ("status", "payment_status", "currency", "success_url", "cancel_url")
_PARTS = ("session", "intent")


def overwrite(ledger: Ledger, payment: Payment, wanted: Json) -> None:
    """Names that both documents have change in both; {"session": {...}} and {"intent": {...}} reach one alone.

    ``amount`` is the one exception: it means every amount of the payment. Raises ``Refusal``.
    """
    flat = {name: value for name, value in wanted.items() if name not in _PARTS}
    parts: Mapping[str, Json] = {"session": payment.session["fields"], "intent": payment.intent["fields"]}
    if "amount" in flat:
        minor = flat.pop("amount")
        _check("amount", minor)
        ledger.set_amount(payment, minor, str(payment.intent["fields"]["currency"]))
    if "status" in flat:
        raise Refusal('status means two things: name {"session": {"status": ...}} or {"intent": {"status": ...}}')
    for name, value in flat.items():
        having = [fields for fields in parts.values() if name in fields]
        if not having:
            raise Refusal(f"a payment has no field {name}; there are: {', '.join(_names(parts))}")
        for fields in having:
            _set(fields, name, value)
    for part, fields in parts.items():
        inner = wanted.get(part, {})
        if not isinstance(inner, dict):
            raise Refusal(f"{part} must be an object of fields")
        for name, value in inner.items():
            if name not in fields:
                raise Refusal(f"the {part} has no field {name}; there are: {', '.join(fields)}")
            _set(fields, name, value)
    _plan_expiry(ledger, payment)
    ledger.save(payment)


def _names(parts: Mapping[str, Json]) -> list[str]:
    return list(dict.fromkeys(name for fields in parts.values() for name in fields))


def _set(fields: Json, name: str, value: Any) -> None:
    _check(name, value)
    fields[name] = value


def _check(name: str, value: object) -> None:
    if name in _WHOLE_NUMBERS and (type(value) is not int or not 0 <= value <= 10**15):
        raise Refusal(f"{name} must be a whole number, 0 or more (money in the smallest unit, times in milliseconds)")
    if name in _TEXTS and (not isinstance(value, str) or not value):
        raise Refusal(f"{name} must be a text")
    if name == "livemode" and not isinstance(value, bool):
        raise Refusal("livemode must be true or false")
    if name == "payment_method_types" and not (isinstance(value, list) and value):
        raise Refusal("payment_method_types must be a list that is not empty")


def _plan_expiry(ledger: Ledger, payment: Payment) -> None:
    fields = payment.session["fields"]
    if fields["status"] == "open":
        ledger.services.timers.set("wooshpay", "expire", payment.id, fields["expires_at"] / 1000)
