"""Whole numbers in a currency's smallest unit, and how people read them."""

from __future__ import annotations

from decimal import Decimal

#: ISO 4217; all other currencies have two decimals. Three decimals are a GUESS, integrators only met none and two.
_WITHOUT_DECIMALS = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split())
_THREE_DECIMALS = frozenset("BHD IQD JOD KWD LYD OMR TND".split())


def decimals(currency: str) -> int:
    if currency.upper() in _WITHOUT_DECIMALS:
        return 0
    return 3 if currency.upper() in _THREE_DECIMALS else 2


def in_words(minor: int, currency: str) -> str:
    """``1234, "USD"`` reads ``12.34 USD``."""
    places = decimals(currency)
    return f"{Decimal(minor).scaleb(-places):.{places}f} {currency.upper()}"


def minor_of(value: str, currency: str) -> int:
    """``"12.34", "USD"`` is 1234; what is smaller than the smallest unit is cut off."""
    return int(Decimal(value).scaleb(decimals(currency)))
