"""What is refused before the wire: a clear word for the developer, a polite one for the buyer, and no call."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings as django_settings

from django_payflow import flow
from django_payflow.checks import check_settings
from django_payflow.exceptions import InvalidCheckout
from django_payflow.messages import Buyer, Capture, Checkout, Line
from django_payflow.models import OrderLine, Payment
from tests.conftest import new_order

pytestmark = pytest.mark.django_db


def with_account(settings: Any, **keys: Any) -> None:
    payflow = copy.deepcopy(settings.PAYFLOW)
    payflow["PROVIDERS"]["mollie"] |= keys
    settings.PAYFLOW = payflow


def refusal(order: Any) -> InvalidCheckout:
    with pytest.raises(InvalidCheckout) as caught:
        flow.start_checkout(order=order, account="mollie")
    return caught.value


@pytest.mark.parametrize(
    ("keys", "developer_reads", "buyer_reads"),
    [
        ({"CURRENCIES": ["SEK"]}, "CURRENCIES", "does not take EUR"),
        ({"MINIMUM": {"EUR": 2496}}, "MINIMUM", "24.95 EUR is too little"),
        ({"MAXIMUM": {"EUR": 2494}}, "MAXIMUM", "24.95 EUR is too much"),
    ],
)
def test_account_limits__refuse_and_hide_the_account(sim, settings, order, keys, developer_reads, buyer_reads):
    with_account(settings, LABEL="Mollie", **keys)

    refused = refusal(order)

    assert developer_reads in str(refused)
    assert buyer_reads in refused.buyer_message
    assert flow.accounts_for(order) == []
    assert (sim.calls(), Payment.objects.count()) == ([], 0)


def test_account_limits__that_fit_let_the_order_through(sim, settings, order):
    with_account(settings, CURRENCIES=["EUR"], MINIMUM={"EUR": 2495}, MAXIMUM={"EUR": 2495, "SEK": 1})

    assert [choice.alias for choice in flow.accounts_for(order)] == ["mollie"]
    assert flow.start_checkout(order=order, account="mollie").url.startswith(sim.url)


@pytest.mark.parametrize(
    "address", ["ada", "ada@", "ada@example", "a b@example.com", "ada@example.com\nBcc: x@y.example"]
)
def test_email__that_is_none_is_refused_with_a_hint_for_the_buyer(sim, address):
    refused = refusal(new_order(email=address))

    assert "check your e-mail" in refused.buyer_message
    assert address not in str(refused), "personal data stays out of the developer's text"
    assert sim.calls() == []


def test_email__may_be_missing(sim):
    assert flow.start_checkout(order=new_order(email=""), account="mollie").url


def test_lines__that_do_not_add_up_are_refused(sim, order):
    order.total += 1
    order.save(update_fields=["total"])

    assert "add up to 2495, its total is 2496" in str(refusal(order))


def test_lines__of_no_quantity_are_refused(sim, order, monkeypatch):
    lines = [Line(name="Tea", quantity=0, unit_price=0, total=order.total)]
    monkeypatch.setattr(type(order), "payflow_lines", lambda self: lines)

    assert "quantity 0" in str(refusal(order))


def test_total__below_zero_is_refused(sim):
    order = new_order(lines=[OrderLine(name="Tea", quantity=1, unit_price=100)])
    order.total = -5

    assert "negative" in str(refusal(order))


def test_currency__that_does_not_exist_is_refused(sim, order):
    order.currency = "XXQ"

    assert "ISO 4217" in str(refusal(order))


def test_return_host__that_this_site_does_not_serve_is_refused(sim, settings, order):
    settings.ALLOWED_HOSTS = ["elsewhere.test"]

    assert "ALLOWED_HOSTS lacks 'shop.test'" in str(refusal(order))
    assert [message.id for message in check_settings()] == ["payflow.W003"]
    settings.ALLOWED_HOSTS = [".shop.test"]
    assert flow.start_checkout(order=order, account="mollie").url


@pytest.mark.parametrize("address", ["https://127.0.0.1", "https://localhost", "http://shop.test"])
def test_return_host__must_be_public_with_a_live_key(settings, order, address):
    payflow = copy.deepcopy(django_settings.PAYFLOW)
    payflow["BASE_URL"] = address
    payflow["PROVIDERS"]["mollie"]["OPTIONS"] = {"api_key": "live_" + "k" * 30}
    settings.PAYFLOW = payflow

    assert "must be a public https address" in str(refusal(order))
    assert Payment.objects.count() == 0


def test_manual_capture__is_refused_where_the_provider_cannot(sim, settings, order):
    bank = {"bearer_token": "bearer-of-a-test", "merchant_key": "merchant-key-of-a-test", "test": True}
    golomt = {"BACKEND": "golomt", "OPTIONS": {**bank, "base_url": sim.base_url("golomt")}}
    payflow = copy.deepcopy(settings.PAYFLOW)
    payflow["PROVIDERS"]["mollie"] = {**golomt, "CAPTURE": "manual"}
    settings.PAYFLOW = payflow

    assert "cannot authorize only" in str(refusal(order))


def test_checkout__with_deadline_and_capture_survives_its_json(order):
    checkout = Checkout(
        key="k",
        account="a",
        order_reference="R",
        description="d",
        amount=1,
        currency="EUR",
        return_url="",
        webhook_url="",
        created_at=order.created_at,
        capture=Capture.MANUAL,
        pay_before=order.created_at,
        buyer=Buyer(email="ada@example.com"),
    )
    older = {name: value for name, value in checkout.to_json().items() if name not in {"capture", "pay_before"}}

    assert Checkout.from_json(checkout.to_json()) == checkout
    assert Checkout.from_json(older) == replace(checkout, capture=Capture.AUTOMATIC, pay_before=None)


def test_accounts_for__reads_the_order_once_however_many_accounts_there_are(
    sim, settings, order, django_assert_num_queries
):
    payflow = copy.deepcopy(settings.PAYFLOW)
    payflow["PROVIDERS"] |= {f"mollie-{n}": payflow["PROVIDERS"]["mollie"] for n in range(4)}
    settings.PAYFLOW = payflow

    with django_assert_num_queries(1):
        assert len(flow.accounts_for(order)) == 5
