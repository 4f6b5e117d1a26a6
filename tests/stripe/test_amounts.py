"""Stripe's units: every currency there and back exactly, or refused before the wire."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from iso4217 import Currency

from django_payflow.exceptions import ConfigurationError, InvalidCheckout, Uncertain
from django_payflow.money import MAX_MINOR, exponent
from django_payflow.providers.stripe import from_wire, read_session, to_wire
from tests.stripe.wire import adapter, checkout, session

CODES = sorted(currency.code for currency in Currency)


@pytest.mark.attack(25)
@given(st.sampled_from(CODES), st.integers(0, MAX_MINOR))
def test_amount__there_and_back_is_exact_or_refused(currency, minor):
    try:
        amount = to_wire(minor, currency)
    except ValueError:
        return
    assert from_wire(amount, currency) == minor


@pytest.mark.attack(25)
@given(st.sampled_from(CODES), st.integers(0, 10**12))
def test_amount__what_stripe_says_is_read_exactly_or_refused(currency, amount):
    try:
        minor = from_wire(amount, currency)
    except ValueError:
        return
    try:
        assert to_wire(minor, currency) == amount
    except ValueError:  # readable, but not to be asked for: a partial refund of a three-decimal currency
        assert exponent(currency) == 3


@pytest.mark.attack(25)
@pytest.mark.parametrize("currency", CODES)
def test_amount__a_whole_unit_is_the_same_money_on_both_sides(currency):
    """A hundred whole units of the currency; only what has no minor units or unknown ones is refused."""
    try:
        digits = exponent(currency)
    except ConfigurationError:
        digits = -1
    if digits == -1 or currency in {"IQD", "LYD", "CLF", "UYW", "UYI"}:
        with pytest.raises(ValueError):
            to_wire(100, currency)
        return
    scale = {0: 1, 2: 100, 3: 1000}[digits]
    factor = {"ISK": 100, "UGX": 100, "MGA": 1}.get(currency, scale)
    assert to_wire(100 * scale, currency) == 100 * factor


@pytest.mark.parametrize(
    ("currency", "minor", "amount"),
    [
        ("EUR", 2495, 2495),
        ("JPY", 500, 500),
        ("ISK", 5, 500),
        ("UGX", 5000, 500000),
        ("MGA", 500, 5),
        ("HUF", 17550, 17550),
        ("TWD", 9950, 9950),
        ("KWD", 5120, 5120),
        ("RWF", 300, 300),
        ("USD", 10**11, 10**11),
    ],
)
def test_amount__stripes_units(currency, minor, amount):
    assert to_wire(minor, currency) == amount
    assert from_wire(amount, currency) == minor
    report = read_session(session(currency=currency.lower(), amount_total=amount))
    assert (report.currency, report.requested) == (currency, minor)


@pytest.mark.parametrize(
    ("currency", "minor"),
    [("MGA", 550), ("KWD", 5125), ("TND", 1), ("BHD", 999), ("XAU", 1), ("eur", 100), ("", 100), ("EURO", 100)],
)
def test_check__refuses_what_stripe_cannot_express(currency, minor):
    with pytest.raises(InvalidCheckout):
        adapter().check(checkout(currency=currency, amount=minor))


@pytest.mark.parametrize("amount", [505, 1])
def test_amount__krona_with_decimals_are_not_rounded(amount):
    with pytest.raises(Uncertain):
        read_session(session(currency="isk", amount_total=amount))


@pytest.mark.parametrize(
    ("currency", "least"),
    [("EUR", 50), ("USD", 50), ("GBP", 30), ("JPY", 50), ("SEK", 300), ("HUF", 17500), ("CZK", 1500), ("ISK", 1)],
)
def test_check__the_smallest_amount(currency, least):
    adapter().check(checkout(currency=currency, amount=least))
    with pytest.raises(InvalidCheckout) as little:
        adapter().check(checkout(currency=currency, amount=least - 1))
    assert "too little" in little.value.buyer_message


@pytest.mark.parametrize("amount", [0, -1, -5000])
def test_check__nothing_or_less(amount):
    with pytest.raises(InvalidCheckout):
        adapter().check(checkout(amount=amount))


@pytest.mark.parametrize(("method", "most"), [(None, 10**12 - 1), ("card", 10**12 - 1), ("sepa_debit", 10**8 - 1)])
def test_check__the_largest_amount(method, most):
    adapter().check(checkout(method=method, amount=most))
    with pytest.raises(InvalidCheckout, match="too much"):
        adapter().check(checkout(method=method, amount=most + 1))
