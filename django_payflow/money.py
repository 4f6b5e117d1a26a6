"""Money as integers in the currency's minor unit, converted exactly at the edges, never through a float.

Exponents come from ISO 4217 (package ``iso4217``). Where a provider counts a currency differently, its adapter
passes its own exponent; the exceptions live beside the adapter, with their source.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from iso4217 import Currency

from .exceptions import ConfigurationError

__all__ = ["Money", "exponent", "from_decimal_string", "readable", "to_decimal_string"]

MAX_MINOR = 2**63 - 1
_PLAIN_DECIMAL = re.compile(r"-?[0-9]{1,19}(\.[0-9]{1,6})?", re.ASCII)


WITHDRAWN = {"ANG": 2, "BGN": 2, "CUC": 2, "HRK": 2, "LTL": 2, "LVL": 2, "SLL": 2, "VEF": 2, "ZWL": 2}
"""Currencies that ISO 4217 took from its list: payments outlive them, and must stay readable."""


@cache
def exponent(currency: str) -> int:
    """Return the number of decimals of an ISO 4217 currency: 2 for EUR, 0 for JPY, 3 for KWD.

    Raises ``ConfigurationError`` for a code that ISO 4217 does not list, or one without minor units (gold).
    """
    try:
        digits = Currency(currency).exponent
    except ValueError:
        digits = WITHDRAWN.get(currency)
    if digits is None:
        raise ConfigurationError(f"{currency!r} is not a currency with minor units in ISO 4217, such as 'EUR'")
    return int(digits)


def to_decimal_string(minor: int, digits: int) -> str:
    """Write minor units with exactly ``digits`` decimals: ``(2495, 2)`` gives ``24.95``, ``(5, 0)`` gives ``5``."""
    sign, units = ("-" if minor < 0 else ""), str(abs(minor))
    if digits == 0:
        return sign + units
    padded = units.rjust(digits + 1, "0")
    return f"{sign}{padded[:-digits]}.{padded[-digits:]}"


def from_decimal_string(text: object, digits: int) -> int:
    """Read a provider's decimal string into minor units; the inverse of ``to_decimal_string``.

    Raises ``ValueError`` when the value is not a plain decimal string or has more precision than the currency:
    rounding would book money that nobody paid.
    """
    if not isinstance(text, str) or not _PLAIN_DECIMAL.fullmatch(text):
        raise ValueError(f"{text!r:.40} is not a plain decimal amount")
    whole, _, fraction = text.partition(".")
    if fraction[digits:].strip("0"):
        raise ValueError(f"{text!r:.40} does not fit a currency with {digits} decimals")
    minor = int(whole + fraction[:digits].ljust(digits, "0"))
    if abs(minor) > MAX_MINOR:
        raise ValueError(f"{text!r:.40} does not fit a currency with {digits} decimals: it is too large")
    return minor


@dataclass(frozen=True, kw_only=True, order=False)
class Money:
    """An amount and its currency. ``minor`` counts the smallest unit: 1790 with EUR is 17.90 euro."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if not isinstance(self.minor, int) or isinstance(self.minor, bool):
            raise TypeError("minor must be an int in minor units; use Money.of() for decimals")
        exponent(self.currency)

    @classmethod
    def of(cls, amount: Decimal | str, currency: str) -> Money:
        """Make money from a decimal amount in major units; raises ``ValueError`` when it has too many decimals."""
        text = format(amount, "f") if isinstance(amount, Decimal) else amount
        return cls(minor=from_decimal_string(text, exponent(currency)), currency=currency)

    @property
    def decimal(self) -> Decimal:
        """The amount in major units, exact whatever the thread's decimal context is."""
        return Decimal(to_decimal_string(self.minor, exponent(self.currency)))

    def __str__(self) -> str:
        return f"{to_decimal_string(self.minor, exponent(self.currency))} {self.currency}"


def readable(minor: int, currency: str) -> str:
    """Write an amount for people, also in a currency that we do not know: a provider's word is never refused."""
    try:
        return str(Money(minor=minor, currency=currency))
    except ConfigurationError:
        return f"{minor} {currency} (minor units)"
