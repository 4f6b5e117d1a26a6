"""Currencies: how many decimals the API means, what an amount must be a multiple of, and the smallest charge."""

from __future__ import annotations

from decimal import Decimal

ZERO_DECIMALS = frozenset("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split())
#: Without decimals in life, with two in the API, and those two must be zero.
_HUNDREDS = frozenset({"isk", "ugx"})
#: With three decimals, of which the last must be zero (from memory).
THREE_DECIMALS = frozenset("bhd jod kwd omr tnd".split())
#: What settles in the currency itself; others are charged without a minimum here, as we exchange nothing.
_MINIMUM = {
    **dict.fromkeys(("usd", "eur", "aud", "cad", "chf", "nzd", "sgd", "brl"), 50),
    **dict.fromkeys(("sek", "nok"), 300),
    "gbp": 30,
    "jpy": 50,
    "dkk": 250,
    "pln": 200,
    "czk": 1500,
    "huf": 17500,
    "ron": 200,
    "bgn": 100,
    "hkd": 400,
    "mxn": 1000,
    "myr": 200,
    "thb": 1000,
    "aed": 200,
    "inr": 50,
}
KNOWN = frozenset(
    """
    usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf
    clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf idr ils
    inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk
    mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp
    sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xof xpf yer zar zmw
    """.split()
)


def exponent(currency: str) -> int:
    """Decimals of the API's amounts; not always those of the currency."""
    if currency in ZERO_DECIMALS:
        return 0
    return 3 if currency in THREE_DECIMALS else 2


def step(currency: str) -> int:
    """Amounts must be a multiple of this many smallest units."""
    if currency in _HUNDREDS:
        return 100
    return 10 if currency in THREE_DECIMALS else 1


def minimum(currency: str) -> int:
    """The smallest charge, in smallest units."""
    return _MINIMUM.get(currency, 1)


def shown(amount: int, currency: str) -> str:
    """For people: ``24.95 EUR``."""
    return f"{Decimal(amount).scaleb(-exponent(currency))} {currency.upper()}"


def smallest_units(value: str, currency: str) -> int:
    """``24.95`` in smallest units."""
    return int(Decimal(value).scaleb(exponent(currency)).to_integral_value())
