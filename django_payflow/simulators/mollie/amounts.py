"""Mollie's money: an ISO currency and a string with exactly that currency's decimals."""

from __future__ import annotations

import re
from decimal import Decimal

from django_payflow.simulators.host import Json
from django_payflow.simulators.mollie.answers import ApiError

#: The multicurrency page (2024) lists these; only ISK and JPY have no decimals, none has three.
_LISTED = """
    AED AUD BGN BRL CAD CHF CZK DKK EUR GBP HKD HUF ILS ISK JPY MXN MYR NOK NZD PHP PLN RON RUB SEK SGD THB TWD
    USD ZAR
"""
CURRENCIES = frozenset(_LISTED.split())
_WITHOUT_DECIMALS = frozenset({"ISK", "JPY"})
_FORMATS = {0: re.compile(r"(0|[1-9][0-9]{0,11})"), 2: re.compile(r"(0|[1-9][0-9]{0,11})\.[0-9]{2}")}


def decimals(currency: str) -> int:
    return 0 if currency in _WITHOUT_DECIMALS else 2


def amount(currency: str, value: Decimal) -> Json:
    return {"value": f"{value:.{decimals(currency)}f}", "currency": currency}


def value_of(stored: Json) -> Decimal:
    """The number in an amount we stored ourselves."""
    return Decimal(stored["value"])


def read_amount(sent: object, field: str = "amount") -> Decimal:
    """The number in an amount that was sent; refuses what Mollie refuses: 10, "10", "10.0", "1e3", "-1.00"."""
    if not isinstance(sent, dict):
        raise ApiError(422, "The amount must be an object with a currency and a value.", field)
    for name in sent:
        if name not in ("currency", "value"):
            raise ApiError(422, f"There is no parameter of the name {name} in an amount.", f"{field}.{name}")
    currency = sent.get("currency")
    if not isinstance(currency, str) or currency not in CURRENCIES:
        raise ApiError(422, "This is not a currency that payments can be made in.", f"{field}.currency")
    value = sent.get("value")
    if not isinstance(value, str) or not _FORMATS[decimals(currency)].fullmatch(value):
        raise ApiError(
            422,
            f"The value must be a string with exactly {decimals(currency)} decimals.",
            f"{field}.value",
        )
    return Decimal(value)
