"""Minor units to each provider's wire and back, over every currency of ISO 4217: exact, or refused before a call."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from iso4217 import Currency

from django_payflow import clock
from django_payflow.exceptions import ConfigurationError
from django_payflow.messages import Checkout
from django_payflow.money import Money, exponent
from django_payflow.providers import golomt, mollie, resurs, stripe, wooshpay

EVERY = sorted(currency.value for currency in Currency)
PLAIN = Checkout(
    key="k",
    account="a",
    order_reference="R",
    description="Order R",
    amount=1,
    currency="EUR",
    return_url="https://shop.test/",
    webhook_url="",
    created_at=clock.now(),
)


def has_minor_units(currency: str) -> bool:
    try:
        return exponent(currency) >= 0
    except ConfigurationError:
        return False


COUNTED = [currency for currency in EVERY if has_minor_units(currency)]
amounts = st.integers(min_value=1, max_value=10**12)


def by_stripe(amount: int, currency: str) -> tuple[int, Decimal | None]:
    """Return what comes back, and what was asked for in whole units; raises ``ValueError`` for a refusal."""
    sent = stripe.to_wire(amount, currency)
    form = dict(
        parse_qsl(stripe._create_form(replace(PLAIN, amount=amount, currency=currency), "2026-03-25.dahlia").decode())
    )
    assert form["line_items[0][price_data][unit_amount]"] == str(sent)
    return stripe.from_wire(sent, currency), None


def by_mollie(amount: int, currency: str) -> tuple[int, Decimal | None]:
    if currency not in mollie.CURRENCIES:
        raise ValueError(currency)
    sent = json.loads(mollie._create_body(replace(PLAIN, amount=amount, currency=currency)))["amount"]
    return mollie._minor(sent, currency), Decimal(sent["value"])


def by_wooshpay(amount: int, currency: str) -> tuple[int, Decimal | None]:
    body = json.loads(wooshpay._create_body(replace(PLAIN, amount=amount, currency=currency)))
    sent = body["line_items"][0]["price_data"]["unit_amount"]
    return wooshpay._whole(sent), Money(minor=sent, currency=currency).decimal


def by_resurs(amount: int, currency: str) -> tuple[int, Decimal | None]:
    if currency not in resurs.CURRENCIES.values():
        raise ValueError(currency)
    sent = json.loads(resurs.write_json({"amount": resurs._wire(amount)}), parse_float=str)["amount"]
    return resurs._minor(sent), Decimal(sent)


PROVIDERS: dict[str, Callable[[int, str], tuple[int, Decimal | None]]] = {
    "stripe": by_stripe,
    "mollie": by_mollie,
    "wooshpay": by_wooshpay,
    "resurs": by_resurs,
}


@pytest.mark.attack(25)
@pytest.mark.parametrize("provider", PROVIDERS)
@settings(max_examples=400, deadline=None)
@given(currency=st.sampled_from(COUNTED), amount=amounts)
def test_attack_25__there_and_back_is_exact_or_refused(provider, currency, amount):
    try:
        back, whole = PROVIDERS[provider](amount, currency)
    except ValueError:
        return
    assert back == amount
    if whole is not None:
        assert whole == Money(minor=amount, currency=currency).decimal


@pytest.mark.attack(25)
@pytest.mark.parametrize(
    ("provider", "currency", "amount"),
    [
        ("stripe", "ISK", 5),
        ("stripe", "JPY", 500),
        ("stripe", "MGA", 500),
        ("stripe", "KWD", 1230),
        ("mollie", "ISK", 5),
        ("mollie", "HUF", 12345),
        ("wooshpay", "RWF", 980),
        ("wooshpay", "KWD", 1234),
        ("resurs", "SEK", 84900),
    ],
)
def test_attack_25__the_odd_currencies_are_taken(provider, currency, amount):
    assert PROVIDERS[provider](amount, currency)[0] == amount


@pytest.mark.attack(25)
@pytest.mark.parametrize(("currency", "amount"), [("MGA", 501), ("KWD", 1234), ("XAU", 1)])
def test_attack_25__stripe_refuses_what_it_cannot_ask_for(currency, amount):
    with pytest.raises(ValueError):
        stripe.to_wire(amount, currency)


def test_golomt__knows_one_currency_and_its_decimals():
    assert golomt.WIRE_DECIMALS == exponent("MNT") == 2
