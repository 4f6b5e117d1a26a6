"""Stored documents as the API shows them. What does not apply is left out."""

from __future__ import annotations

from typing import Any

from django_payflow.simulators.host import Json
from django_payflow.simulators.resurs import books, lines
from django_payflow.simulators.resurs.amounts import money
from django_payflow.simulators.resurs.callbacks import with_milliseconds
from django_payflow.simulators.resurs.ledger import OPEN


def customer_url(payment: Json, base: str) -> str:
    """The hosted page."""
    return f"{base}/gateway/customer/{payment['token']}"


def merchant_url(payment: Json, base: str) -> str:
    return f"{base}/gateway/merchant/{payment['token']}"


def payment_shape(payment: Json, base: str) -> Json:
    """What tests overwrote wins over what follows from the stored facts, so that tests can lie."""
    shape: Json = {
        "id": payment["id"],
        "created": with_milliseconds(payment["created"]),
        "storeId": payment["storeId"],
        "countryCode": payment["country"],
        "paymentMethod": {"name": payment["method"]["name"]},
        "paymentActions": [],
        "status": payment["status"],
        "customer": payment["customer"],
        "order": _order(payment),
    }
    if payment["reason"] is not None:
        shape["rejectedReason"] = {"category": payment["reason"]}
    if payment["method"]["credit"]:
        shape["application"] = _application(payment)
    if payment["metadata"] is not None:
        shape["metadata"] = payment["metadata"]
    if payment["status"] == OPEN:
        shape["taskRedirectionUrls"] = {
            "customerUrl": customer_url(payment, base),
            "merchantUrl": merchant_url(payment, base),
        }
    return merged(shape, payment["overwritten"])


def _order(payment: Json) -> Json:
    sums = books.sums_of(payment)
    return {
        "orderReference": payment["reference"],
        "totalOrderAmount": money(sums.total),
        "authorizedAmount": money(sums.authorized),
        "capturedAmount": money(sums.captured),
        "refundedAmount": money(sums.refunded),
        "canceledAmount": money(sums.canceled),
        "possibleActions": [{"action": action} for action in books.possible_actions(payment)],
        "actionLog": [entry_shape(entry) for entry in payment["log"]],
    }


def _application(payment: Json) -> Json:
    facts = payment["application"]
    return {
        "requestedCreditLimit": money(facts["requested"]),
        "approvedCreditLimit": facts["approved"],
        "reference": facts["reference"],
    }


def entry_shape(entry: Json) -> Json:
    shape = {name: entry[name] for name in ("actionId", "type", "created")}
    shape |= {name: entry[name] for name in ("transactionId", "creator") if name in entry}
    return shape | {"orderLines": [lines.shape(line) for line in entry["lines"]]}


def tasks_shape(payment: Json, base: str) -> Json:
    """``completed`` tells whether the buyer did his part, however that ended."""
    return {
        "completed": payment["completed"],
        "customer": {"customerUrl": customer_url(payment, base), "hasActiveTask": payment["status"] == OPEN},
        "merchant": {"merchantUrl": merchant_url(payment, base)},
    }


def bare(shape: Json) -> Json:
    """A row of a search that lacks what rows may lack."""
    return {name: value for name, value in shape.items() if name not in ("countryCode", "application", "order")}


def merged(shape: Json, over: Json) -> Json:
    """Objects are merged name by name, everything else is replaced; null removes."""
    result: dict[str, Any] = dict(shape)
    for name, value in over.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict) and isinstance(result.get(name), dict):
            result[name] = merged(result[name], value)
        else:
            result[name] = value
    return result
