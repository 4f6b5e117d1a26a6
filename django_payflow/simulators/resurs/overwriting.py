"""What tests may overwrite in a payment: anything that the API answers, and the amount and currency behind it."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from django_payflow.simulators.host import Json, Refusal
from django_payflow.simulators.resurs.amounts import COUNTRIES, NotANumber, read_hundredths
from django_payflow.simulators.resurs.ledger import REASONS, STATUSES, Ledger
from django_payflow.simulators.resurs.shapes import merged

_ANSWERED = (
    "created",
    "storeId",
    "countryCode",
    "paymentMethod",
    "paymentActions",
    "customer",
    "order",
    "application",
    "metadata",
    "rejectedReason",
    "taskRedirectionUrls",
)
_OWN = ("amount", "currency", "status")
_NEEDED = ("created", "storeId", "customer")


def amount_in(sent: Any) -> int:
    """Hundredths of 12.5, "12.50" or {"value": "12.50", "currency": ...}."""
    value = sent.get("value") if isinstance(sent, dict) else sent
    try:
        return read_hundredths(Decimal(str(value)))
    except (InvalidOperation, NotANumber) as error:
        raise Refusal("an amount is a number with at most two decimals") from error


def overwrite(ledger: Ledger, payment: Json, fields: Json) -> None:
    """``amount`` changes the order's last line, so that all sums follow; ``currency`` changes the country.

    Refuses only what would leave a payment that cannot be shown.
    """
    for name, value in fields.items():
        if name not in (*_ANSWERED, *_OWN):
            raise Refusal(f"{name} cannot be overwritten; what can: {', '.join((*_OWN, *_ANSWERED))}")
        if value is None and name in (*_OWN, *_NEEDED):
            raise Refusal(f"{name} cannot be null")
    if "amount" in fields:
        ledger.change_total(payment, amount_in(fields["amount"]))
        if isinstance(fields["amount"], dict) and "currency" in fields["amount"]:
            fields = {"currency": fields["amount"]["currency"]} | fields
    over = {name: value for name, value in fields.items() if name in _ANSWERED}
    if "currency" in fields:
        over["countryCode"] = _country(fields["currency"])
    if "status" in fields:
        _overwrite_status(payment, fields["status"], over)
    payment["overwritten"] = _combined(payment["overwritten"], over)
    ledger.save(payment)


def _country(currency: Any) -> str:
    if currency not in COUNTRIES:
        raise Refusal(f"the currency follows from the country; it can be: {', '.join(COUNTRIES)}")
    return COUNTRIES[currency]


def _overwrite_status(payment: Json, status: Any, over: Json) -> None:
    """A word that Resurs does not have is answered as it is, until the next change of status."""
    payment["overwritten"].pop("status", None)
    if not isinstance(status, str):
        raise Refusal("status must be a word")
    if status in STATUSES:
        payment["status"] = status
        payment["reason"] = _reason(over) if status == "REJECTED" else None
    else:
        over["status"] = status


def _reason(over: Json) -> str:
    reason = over.get("rejectedReason")
    category = reason.get("category") if isinstance(reason, dict) else None
    return category if category in REASONS else "UNKNOWN"


def _combined(before: Json, over: Json) -> Json:
    """null is kept: it removes the field from what is answered."""
    kept = {name: value for name, value in over.items() if value is None}
    return merged(before, {name: value for name, value in over.items() if value is not None}) | kept
