"""What travels between the flow and the providers survives the database."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_payflow.messages import Buyer, Capture, Checkout, Line, LineKind, Phase, Reference, Report

text = st.text(max_size=20)
amounts = st.integers(min_value=-(2**63), max_value=2**63 - 1)
moments = st.datetimes(
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45)), timezone(timedelta(hours=-9))])
)
lines = st.builds(
    Line,
    name=text,
    sku=text,
    quantity=st.integers(min_value=1),
    unit_price=amounts,
    total=amounts,
    vat_rate=st.decimals(min_value=0, max_value=100, places=2),
    kind=st.sampled_from(LineKind),
    unit=text,
)
checkouts = st.builds(
    Checkout,
    key=text,
    account=text,
    order_reference=text,
    description=text,
    amount=amounts,
    currency=text,
    return_url=text,
    webhook_url=text,
    created_at=moments,
    capture=st.sampled_from(Capture),
    pay_before=st.none() | moments,
    method=st.none() | text,
    locale=text,
    lines=st.lists(lines, max_size=3).map(tuple),
    buyer=st.builds(Buyer, **{spec.name: text for spec in fields(Buyer)}),
)
PLAIN = Checkout(
    key="k",
    account="mollie",
    order_reference="R",
    description="Order R",
    amount=2495,
    currency="EUR",
    return_url="https://shop.test/r",
    webhook_url="https://shop.test/w",
    created_at=datetime(2026, 3, 1, tzinfo=UTC),
    lines=(Line(name="Tea", quantity=1, unit_price=2495, total=2495, vat_rate=Decimal("21.00")),),
    buyer=Buyer(email="ada@example.com", name="Ada"),
)


@given(checkout=checkouts)
def test_checkout__comes_back_from_json_as_it_went(checkout):
    stored = json.loads(json.dumps(checkout.to_json()))
    back = Checkout.from_json(stored)
    assert back == checkout
    assert back.created_at.utcoffset() == checkout.created_at.utcoffset()
    assert back.to_json() == checkout.to_json()


@given(checkout=checkouts)
def test_checkout__makes_the_same_bytes_every_time(checkout):
    """A retry under the same key must send what the first call sent."""
    once = json.dumps(checkout.to_json(), sort_keys=True)
    assert json.dumps(Checkout.from_json(json.loads(once)).to_json(), sort_keys=True) == once


def test_checkout__stores_every_field():
    assert set(PLAIN.to_json()) == {spec.name for spec in fields(Checkout)}
    assert set(PLAIN.to_json()["lines"][0]) == {spec.name for spec in fields(Line)}
    known = Buyer(**{spec.name: spec.name for spec in fields(Buyer)})
    assert replace(PLAIN, buyer=known).to_json()["buyer"] == {spec.name: spec.name for spec in fields(Buyer)}


@pytest.mark.parametrize("purged", [{}, None])
def test_purged_buyer__reads_as_an_empty_one(purged):
    stored = {**PLAIN.to_json(), "buyer": purged}
    assert Checkout.from_json(stored) == replace(PLAIN, buyer=Buyer())
    del stored["buyer"]
    assert Checkout.from_json(stored).buyer == Buyer()


def test_checkout__keeps_an_exact_vat_rate():
    stored = json.loads(json.dumps(PLAIN.to_json()))
    assert stored["lines"][0]["vat_rate"] == "21.00"
    assert Checkout.from_json(stored).lines[0].vat_rate == Decimal("21.00")


@pytest.mark.parametrize(
    ("captured", "capturable", "money"), [(None, None, 0), (100, None, 100), (None, 40, 40), (60, 40, 100), (0, 0, 0)]
)
def test_report__counts_the_money_that_is_visibly_there(captured, capturable, money):
    report = Report(
        phase=Phase.OPEN,
        currency="EUR",
        references=(Reference(kind="payment", value="tr_1"),),
        live=False,
        raw_status="open",
        captured=captured,
        capturable=capturable,
    )
    assert report.money == money


def test_values__cannot_be_changed_and_hide_the_raw_answer():
    report = Report(
        phase=Phase.OPEN, currency="EUR", references=(), live=False, raw_status="open", raw={"details": "IBAN"}
    )
    with pytest.raises(AttributeError):
        report.captured = 1
    assert "IBAN" not in repr(report)
