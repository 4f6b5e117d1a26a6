"""Money and other numbers as Resurs writes them: JSON numbers in major units with at most two decimals.

Inside the simulator every such number is a whole number of hundredths. Currencies are not on the wire at all; they
follow from the country of the store.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

_LARGEST = 10**10
CURRENCIES = {"SE": "SEK", "NO": "NOK", "DK": "DKK", "FI": "EUR"}
COUNTRIES = {currency: country for country, currency in CURRENCIES.items()}


class NotANumber(ValueError):
    """What was sent is no number with at most two decimals; the message says why."""


def read_hundredths(sent: Any) -> int:
    """800 and 800.00 are 80000 hundredths; strings, truth values and a third decimal are refused."""
    if isinstance(sent, bool) or not isinstance(sent, int | Decimal):
        raise NotANumber("must be a number")
    number = Decimal(sent)
    if not abs(number) < _LARGEST:
        raise NotANumber("is too large")
    hundredths = int(number * 100)
    if money(hundredths) != number:
        raise NotANumber("must have at most 2 decimals")
    return hundredths


def money(hundredths: int) -> Decimal:
    """As amounts are answered: 84900 is written 849.0."""
    return Decimal(hundredths).scaleb(-2)


def count(hundredths: int) -> int | Decimal:
    """As quantities and rates are answered: 200 is written 2, 150 is written 1.5."""
    return hundredths // 100 if hundredths % 100 == 0 else Decimal(hundredths).scaleb(-2)


def vat_within(total: int, rate: int) -> int:
    """VAT inside a total that includes it, both in hundredths: total * rate / (100 + rate)."""
    return rounded(Decimal(total) * rate / (10000 + rate))


def rounded(number: Decimal) -> int:
    return int(number.quantize(Decimal(1), ROUND_HALF_UP))


def in_words(hundredths: int, country: str) -> str:
    """For people: 849.00 SEK."""
    return f"{money(hundredths):.2f} {CURRENCIES.get(country, country)}"
