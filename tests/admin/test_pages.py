"""The pages: what they show, how it reads, and how many queries it takes."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from django_payflow import clock
from django_payflow.admin.display import TONES, money_text
from django_payflow.models import (
    Case,
    DeliveryState,
    Fulfilment,
    Move,
    Order,
    Payment,
    PaymentEvent,
    WebhookDelivery,
    get_order_model,
)
from django_payflow.states import CASE_ADVICE, CaseKind, FulfilmentStatus, MoveStatus, OrderStatus, PaymentStatus
from tests.admin.conftest import address, open_case, queries_of, rows_of_every_model, words
from tests.conftest import new_order

pytestmark = pytest.mark.urls("tests.admin.urls")
LABELS = {"charged back", "refunded", "partly refunded", "partly captured", "on hold", "conflicted", "voided"}


# --- what they show


def test_every_list_and_page__opens_for_somebody_who_may_look(paid, onlooker):
    for row in rows_of_every_model(paid):
        assert onlooker.get(address(row, "changelist")).status_code == 200
        page = onlooker.get(address(row))
        assert (page.status_code, str(row) in words(page)) == (200, True)


def test_every_list_and_page__is_closed_to_staff_without_permission(paid, person):
    browser = person(name="eve")
    for row in rows_of_every_model(paid):
        assert browser.get(address(row, "changelist")).status_code == 403
        assert browser.get(address(row)).status_code == 403


def test_payment_page__shows_label_sums_references_and_the_story(paid, operator):
    refund = {"amount": {"currency": "EUR", "value": "5.00"}, "status": "refunded"}
    paid.sim.object("POST", f"mollie/payments/{paid.reference}/refund", refund)
    operator.post(address(paid.payment, "ask"))

    text = words(operator.get(address(paid.payment)))

    assert paid.payment.label == "partly refunded"
    assert "State: partly refunded" in text
    assert "Expected 24.95 EUR" in text
    assert "Authorized 0.00 EUR" in text
    assert "Captured 24.95 EUR" in text
    assert "Refunded 5.00 EUR" in text
    assert "Charged back 0.00 EUR" in text
    assert paid.reference in text
    story_told = [text.index(f"payment: {move}") for move in ("created -> pending", "pending -> paid")]
    assert story_told == sorted(story_told)
    assert "operator (grace)" in text
    assert "order: processing -> completed" in text


def test_payment_page__shows_its_deliveries_and_cases_with_links(paid, operator):
    case, delivery = open_case(paid), WebhookDelivery.objects.get()

    page = operator.get(address(paid.payment)).content.decode()

    for row in (case, delivery, paid.order):
        assert f'href="{address(row)}"' in page
    assert f'href="{address(delivery, "replay")}"' in page
    assert case.advice in page


def test_order_page__shows_everything_about_the_order(paid, operator):
    open_case(paid)
    text = words(operator.get(address(paid.order)))

    assert "TEA Sencha 2 8.95 EUR 21 % 17.90 EUR" in text
    assert "Total: 24.95 EUR" in text
    assert "ada@example.com" in text
    assert paid.reference in text
    assert "ship done 1" in text
    assert CASE_ADVICE[CaseKind.SURPLUS] in text
    assert "order: processing -> completed" in text


def test_case_page__says_what_to_do_next_and_leads_there(given_up, operator):
    case = Case.objects.get()
    page = operator.get(address(case))

    assert CASE_ADVICE[CaseKind.FULFILMENT] in words(page)
    assert "nothing left on the shelf" in words(page)
    assert f'href="{address(given_up.order)}"' in page.content.decode()
    assert f'href="{address(Fulfilment.objects.get(handler="ship"), "retry")}"' in page.content.decode()


def test_case_list__shows_what_is_open_unless_asked(paid, operator):
    open_case(paid)
    now = timezone.now()
    Case.objects.create(kind="mismatch", order=paid.order, closed_at=now, resolution="over", detail="was wrong")
    url = address(Case(), "changelist")

    assert ("twice" in words(operator.get(url)), "was wrong" in words(operator.get(url))) == (True, False)
    closed = words(operator.get(url, {"state": "closed"}))
    assert ("twice" in closed, "was wrong" in closed) == (False, True)
    everything = words(operator.get(url, {"state": "all"}))
    assert ("twice" in everything, "was wrong" in everything) == (True, True)


def test_order_list__marks_what_needs_a_person(paid, operator):
    assert "open case" not in words(operator.get(address(paid.order, "changelist")))
    open_case(paid)

    assert "open case" in words(operator.get(address(paid.order, "changelist")))


@pytest.mark.parametrize("wanted", ["reference", "id", "email", "key"])
def test_payment_list__finds_by(paid, operator, wanted):
    new_order(email="bob@example.com")
    other = Payment.objects.create(order=new_order(), account="mollie", amount=7777, currency="EUR", checkout={})
    other.references.create(account="mollie", kind="payment", value="tr_other")
    type(paid.order).objects.filter(pk=other.order_id).update(email="bob@example.com")
    words_of = {"reference": paid.order.reference, "id": paid.reference, "email": "ada@", "key": paid.payment.key}

    page = words(operator.get(address(other, "changelist"), {"q": words_of[wanted]}))

    assert ("24.95 EUR" in page, "77.77 EUR" in page) == (True, False)


def test_payment_list__filters_by_account(paid, operator, settings):
    Payment.objects.create(order=new_order(), account="gone", amount=7777, currency="EUR", checkout={})

    page = words(operator.get(address(Payment(), "changelist"), {"account": "mollie"}))

    assert ("24.95 EUR" in page, "77.77 EUR" in page) == (True, False)


def test_timeline__is_bounded_and_keeps_the_newest(paid, operator):
    common = {"order": paid.order, "payment": paid.payment, "kind": "report", "source": "poll", "at": clock.now()}
    PaymentEvent.objects.bulk_create(PaymentEvent(summary=f"look {n}", **common) for n in range(230))

    text = words(operator.get(address(paid.payment)))

    assert "Only the newest 200 are shown." in text
    assert ("look 30 " in text, "look 29 " in text) == (True, False)


def test_money__of_an_unknown_currency_is_shown_as_it_came(paid, operator):
    Payment.objects.update(observed_amount=100, observed_currency="XQX")

    assert "100 minor units of “XQX”" in words(operator.get(address(paid.payment)))
    assert ">24.95 EUR<" in money_text(2495, "EUR")
    assert ">5 JPY<" in money_text(5, "JPY")


def test_links__lead_to_pages_of_the_same_site_or_nowhere(paid):
    browser = Client()
    browser.force_login(User.objects.create_superuser("root"))

    desk = browser.get(address(paid.payment)).content.decode()
    counter = browser.get(address(paid.order, site="counter")).content.decode()

    assert f'href="{address(paid.order)}"' in desk
    assert 'href="/admin/' not in desk
    assert str(paid.payment) in counter
    assert "/payflow/payment/" not in counter


def test_default_site__has_our_models_and_our_order_only_if_it_is_in_use(db):
    registered = {model.__name__ for model in admin.site._registry if model._meta.app_label == "payflow"}

    assert {"Payment", "Fulfilment", "WebhookDelivery", "Case"} <= registered
    assert ("Order" in registered) is (get_order_model() is Order)
    if get_order_model() is not Order:
        with pytest.raises(NoReverseMatch):
            reverse("admin:payflow_order_changelist")


# --- badges


def test_badges__every_word_has_a_tone():
    statuses = {word.value for words in (PaymentStatus, OrderStatus, FulfilmentStatus, MoveStatus) for word in words}
    known = set().union(*TONES.values())

    assert statuses | LABELS | set(DeliveryState.values) <= known
    assert sum(len(found) for found in TONES.values()) == len(known)


def test_badges__can_be_read_in_both_themes():
    css = Path(finders.find("payflow/admin.css")).read_text()
    pairs = re.findall(r"\.payflow-(\w+) \{ background: (#\w{6}); color: (#\w{6}); \}", css)

    assert {tone for tone, _, _ in pairs} == set(TONES)
    assert len(pairs) == 3 * len(TONES)
    assert all(contrast(back, fore) >= 7 for _, back, fore in pairs)


def contrast(one, other):
    """The ratio of WCAG 2: 4.5 is readable, 7 is readable for everybody."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


# --- speed


def more_of_everything(story, count):
    """Add so many rows to every list."""
    now = clock.now()
    for n in range(count):
        order = new_order()
        payment = Payment.objects.create(order=order, account="mollie", amount=1, currency="EUR", checkout={})
        payment.references.create(account="mollie", kind="payment", value=f"tr_{count}_{n}")
        Move.objects.create(payment=payment, kind="refund", amount=1, currency="EUR")
        Fulfilment.objects.create(order=order, handler="ship", due_at=now)
        Case.objects.create(kind="surplus", payment=payment, order=order, open_key=f"surplus:{count}:{n}")
        WebhookDelivery.objects.create(
            account="mollie",
            dedupe_key=f"{count}:{n}",
            payment=payment,
            reference="tr",
            kind="payment",
            body=b"id=tr",
            due_at=now,
            received_at=now,
            last_at=now,
        )


LISTS = [(Payment, 7), (Move, 6), (Fulfilment, 6), (WebhookDelivery, 6), (Case, 6)]
"""Session, user, two for her permissions, the count, the rows; for payments also their references."""


@pytest.mark.parametrize(("model", "queries"), LISTS)
def test_list__takes_as_many_queries_for_thirty_rows_as_for_one(paid, operator, model, queries):
    url = address(model(), "changelist")
    rows_of_every_model(paid)
    assert queries_of(operator, url) == queries

    more_of_everything(paid, 30)

    assert queries_of(operator, url) == queries


def test_order_list__takes_as_many_queries_for_thirty_rows_as_for_one(paid, operator):
    url = address(paid.order, "changelist")
    few = queries_of(operator, url)
    more_of_everything(paid, 30)

    assert queries_of(operator, url) == few == 6


def test_pages__take_as_many_queries_for_a_long_story_as_for_a_short_one(paid, operator):
    pages = [address(paid.order), address(paid.payment)]
    few = [queries_of(operator, url) for url in pages]
    now, old = clock.now(), paid.payment
    for n in range(8):
        another = Payment.objects.create(order=old.order, account="mollie", amount=1, currency="EUR", checkout={})
        another.references.create(account="mollie", kind="payment", value=f"tr_{n}")
        old.references.create(account="mollie", kind="charge", value=f"ch_{n}")
        Move.objects.create(payment=old, kind="refund", amount=1, currency="EUR", status="manual")
        Case.objects.create(kind="surplus", payment=old, order=old.order, open_key=f"surplus:{n}")
        Fulfilment.objects.create(order=old.order, handler=f"h{n}", due_at=now + timedelta(days=1))

    assert [queries_of(operator, url) for url in pages] == few
    assert max(few) <= 18
