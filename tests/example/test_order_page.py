"""The order page tells every status truthfully, and offers to pay only when that is right."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.urls import reverse

from django_payflow.models import Fulfilment, Order, Payment
from example_project.shop.models import Shipment
from example_project.shop.order_page import OrderPage, masked, vat_inside
from example_project.shop.words import MAIL_WORDS, MONEY_WORDS, WORDS, WORDS_BY_PAYMENT

PAYABLE = {"draft", "pending", "failed"}


def show(client, order):
    return client.get(reverse("shop:order", args=[order.reference]))


def has(order, status, payment=""):
    """Put a status into the row as a test may; only the flow does so in earnest."""
    Order.objects.filter(pk=order.pk).update(status=status)
    if payment:
        attempt = Payment.objects.create(
            order=order, account="mollie", amount=order.total, currency="EUR", checkout={}
        )
        Payment.objects.filter(pk=attempt.pk).update(status=payment)


def statuses():
    return {value for value, _ in Order._meta.get_field("status").choices}


def test_every_status_has_words():
    assert set(WORDS) == statuses()


@pytest.mark.parametrize("status", sorted(WORDS))
def test_status__is_told_in_its_words(client, order, status):
    has(order, status)
    page = show(client, order)
    text = page.content.decode()
    assert WORDS[status].badge in text
    assert (reverse("payflow:start", args=[order.reference]) in text) == (status in PAYABLE)
    assert "no-store" in page["Cache-Control"]


@pytest.mark.parametrize("status", sorted(set(WORDS) - {"processing", "completed"}))
def test_unpaid_status__never_says_paid(client, order, status):
    has(order, status)
    words = WORDS[status]
    assert words.badge != "Paid"
    assert "<strong>Paid</strong>" not in show(client, order).content.decode()


@pytest.mark.parametrize(
    ("status", "payment", "words"),
    [
        ("failed", "failed", "did not go through"),
        ("failed", "canceled", "You cancelled the payment"),
        ("failed", "expired", "took too long"),
        ("pending", "pending", "waiting for your payment"),
        ("pending", "processing", "Your bank is working"),
        ("processing", "paid", "your payment is in"),
        ("processing", "authorized", "your payment is approved"),
        ("completed", "authorized", "Approved and shipped"),
    ],
)
def test_last_attempt__chooses_closer_words(client, order, status, payment, words):
    has(order, status, payment)
    assert words in show(client, order).content.decode()


def test_bank_working__offers_no_second_payment(client, order):
    has(order, "pending", "processing")
    assert reverse("payflow:start", args=[order.reference]) not in show(client, order).content.decode()
    assert client.get(reverse("shop:pay", args=[order.reference])).status_code == 302


@pytest.mark.parametrize("status", sorted(set(WORDS) - PAYABLE))
def test_pay_page__only_for_orders_that_can_be_paid(client, order, status):
    has(order, status)
    answer = client.get(reverse("shop:pay", args=[order.reference]))
    assert answer.url == reverse("shop:order", args=[order.reference])


def test_words_by_payment__use_words_that_exist():
    payments = {value for value, _ in Payment._meta.get_field("status").choices}
    assert {order for order, _ in WORDS_BY_PAYMENT} <= statuses()
    assert {payment for _, payment in WORDS_BY_PAYMENT} <= payments
    assert set(MAIL_WORDS) <= {value for value, _ in Fulfilment._meta.get_field("status").choices}


def test_later_attempt__does_not_hide_the_one_that_paid(order):
    has(order, "processing", "paid")
    has(order, "processing", "canceled")
    assert OrderPage(Order.objects.get()).words is WORDS["processing"]


def test_refunded_order__says_where_the_money_is(client, order):
    has(order, "completed", "paid")
    Payment.objects.update(captured=order.total, refunded=order.total)
    assert MONEY_WORDS["refunded"] in show(client, order).content.decode()


@pytest.mark.parametrize("status", ["canceled", "expired"])
def test_closed_order__promises_no_parcel(client, order, status):
    has(order, status)
    text = show(client, order).content.decode()
    assert "once you have paid" not in text
    assert "Comes by e-mail" not in text


@pytest.mark.parametrize(
    ("handler", "status", "words"),
    [
        ("ship", "failed", "Delayed; we are looking into it."),
        ("ship", "due", "Being packed."),
        ("confirmation", "done", "E-mail sent."),
        ("confirmation", "retry_wait", "delayed; we keep trying"),
        ("confirmation", "failed", "could not be sent"),
    ],
)
def test_fulfilment__is_told_as_it_stands(client, order, handler, status, words):
    has(order, "processing", "paid")
    row = Fulfilment.objects.create(order=order, handler=handler, due_at=order.created_at)
    Fulfilment.objects.filter(pk=row.pk).update(status=status)
    assert words in show(client, order).content.decode()


def test_shipment__is_shown(client, order):
    Shipment.objects.create(order=order, tracking_code="FK0123456789")
    has(order, "completed")
    assert "FK0123456789" in show(client, order).content.decode()


def test_live_page__looks_again_without_javascript_too(client, order):
    has(order, "pending")
    assert '<noscript><meta http-equiv="refresh"' in show(client, order).content.decode()
    has(order, "completed")
    assert 'http-equiv="refresh"' not in show(client, order).content.decode()


def test_unknown_order__is_a_404(client, db):
    page = client.get(reverse("shop:order", args=["NOSUCHORDER"]))
    assert page.status_code == 404
    assert "Back to the shop" in page.content.decode()
    assert client.get(reverse("shop:pay", args=["NOSUCHORDER"])).status_code == 404
    assert client.get("/orders/%00/").status_code == 404


def test_stranger_with_the_link__sees_no_address(client, order):
    text = show(client, order).content.decode()
    assert "ada@example.nl" not in text
    assert "a…@example.nl" in text


@pytest.mark.parametrize(("email", "shown"), [("ada@b.nl", "a…@b.nl"), ("@b.nl", "…@b.nl"), ("", ""), ("odd", "")])
def test_masked(email, shown):
    assert masked(email) == shown


@pytest.mark.parametrize(
    ("gross", "rate", "vat"),
    [
        (2990, "9", 247),
        (6400, "21", 1111),
        (1, "21", 0),
        (3, "21", 1),
        (100, "0", 0),
        (1000, "100", 500),
        (-605, "21", -105),
    ],
)
def test_vat_inside(gross, rate, vat):
    assert vat_inside(gross, Decimal(rate)) == vat


def test_placed_on__is_a_plain_date(client, order):
    Order.objects.filter(pk=order.pk).update(created_at=datetime(2026, 3, 4, 12, tzinfo=UTC))
    assert "4 March 2026" in show(client, order).content.decode()
