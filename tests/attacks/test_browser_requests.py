"""Rows 34 and 41: what a foreign page can make a buyer's browser do, and what a form may change."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import get_resolver
from django_fsm import TransitionNotAllowed

from django_payflow import urls
from django_payflow.models import Case, Fulfilment, Payment, WebhookDelivery
from django_payflow.states import PaymentStatus
from tests.attacks.kit import rows, state_of


@pytest.fixture
def browser():
    """A browser of which Django demands a CSRF token."""
    return Client(enforce_csrf_checks=True)


# -- 34


@pytest.mark.attack(34)
@pytest.mark.parametrize("headers", [{}, {"Origin": "https://evil.test"}, {"Referer": "https://evil.test/"}])
def test_attack_34__a_foreign_page_cannot_start_a_payment(story, browser, headers):
    answer = browser.post(f"/payflow/start/{story.order.reference}/", {"account": "mollie"}, headers=headers)

    assert answer.status_code == 403
    assert (Payment.objects.count(), story.sim.calls()) == (0, [])


@pytest.mark.attack(34)
def test_attack_34__with_the_token_of_the_shops_own_page_it_starts(story, browser):
    browser.cookies["csrftoken"] = token = "a" * 32
    answer = browser.post(
        f"/payflow/start/{story.order.reference}/", {"account": "mollie", "csrfmiddlewaretoken": token}
    )
    assert answer.status_code == 303


@pytest.mark.attack(34)
@pytest.mark.parametrize("method", ["get", "head", "put", "delete"])
def test_attack_34__a_link_or_a_picture_cannot_start_a_payment(story, client, method):
    answer = getattr(client, method)(f"/payflow/start/{story.order.reference}/?account=mollie")
    assert answer.status_code == 405
    assert Payment.objects.count() == 0


@pytest.mark.attack(34)
def test_attack_34__only_the_webhook_and_the_return_are_exempt():
    exempt = {pattern.name for pattern in urls.urlpatterns if getattr(pattern.callback, "csrf_exempt", False)}
    assert exempt == {"webhook", "webhook-account", "return"}
    assert {pattern.name for pattern in urls.urlpatterns} == exempt | {"pay", "start", "status"}


@pytest.mark.attack(34)
def test_attack_34__no_admin_address_is_exempt():
    exempt = []

    def walk(patterns):
        for pattern in patterns:
            if hasattr(pattern, "url_patterns"):
                walk(pattern.url_patterns)
            elif hasattr(pattern.callback, "cls"):
                continue  # REST framework asks for the token itself, where a session is used: see tests/api
            elif getattr(pattern.callback, "csrf_exempt", False):
                exempt.append(pattern.name)

    walk(get_resolver().url_patterns)
    assert set(exempt) <= {"webhook", "webhook-account", "return"}


# -- 41


FORGED = {
    "status": "paid",
    "captured": "2495",
    "amount": "1",
    "total": "1",
    "currency": "JPY",
    "accepted": "1",
    "settles": "1",
    "live": "on",
    "reference": "X",
    "key": "k",
    "checkout_url": "https://evil.test",
    "pay_before": "2099-01-01",
    "_save": "Save",
}


@pytest.mark.attack(41)
def test_attack_41__the_start_form_sets_nothing_but_account_and_method(story, client):
    client.post(f"/payflow/start/{story.order.reference}/", {"account": "mollie", **FORGED})

    payment, order = story.payment, story.now()
    assert (payment.amount, payment.currency, payment.status, payment.captured) == (2495, "EUR", "pending", 0)
    assert (order.total, order.currency, order.pay_before) == (2495, "EUR", None)
    assert story.sim.payments()[0]["amount"] == {"currency": "EUR", "value": "24.95"}


@pytest.mark.attack(41)
@pytest.mark.parametrize("method", ["no-such-method", "ideal\n", "<b>", "IDEAL", "ideal,creditcard", " "])
def test_attack_41__a_method_that_is_none_is_refused_politely(story, client, method):
    answer = client.post(f"/payflow/start/{story.order.reference}/", {"account": "mollie", "method": method})
    assert answer.status_code == 409
    assert set(Payment.objects.values_list("status", flat=True)) <= {"failed"}
    assert story.sim.payments() == []


@pytest.mark.attack(41)
@pytest.mark.parametrize("method", ["x" * 41, "x" * 5000, "a\x00b"])
def test_attack_41__a_method_that_cannot_be_stored_is_refused_before_anything_else(story, client, method):
    client.raise_request_exception = False
    answer = client.post(f"/payflow/start/{story.order.reference}/", {"account": "mollie", "method": method})
    assert answer.status_code in {400, 409}
    assert (Payment.objects.count(), story.sim.calls()) == (0, [])


@pytest.mark.attack(41)
@pytest.mark.parametrize("model", [Payment, Fulfilment, WebhookDelivery, Case])
def test_attack_41__the_admin_saves_no_money_row(story, model):
    """Not even for a superuser: commands have their own addresses."""
    story.start()
    story.sim.overwrite(story.reference, amount={"currency": "EUR", "value": "1.00"})
    story.bank("paid")
    story.webhook()
    known, before = state_of(story.payment), rows()
    admin = Client()
    admin.force_login(get_user_model().objects.create_superuser("root", "root@example.com", "x"))

    for row in [*model.objects.all()[:1]]:
        admin.post(f"/admin/payflow/{model._meta.model_name}/{row.pk}/change/", FORGED)
        admin.post(f"/admin/payflow/{model._meta.model_name}/{row.pk}/delete/", {"post": "yes"})
    added = admin.post(f"/admin/payflow/{model._meta.model_name}/add/", FORGED)

    assert added.status_code in {403, 405}
    assert (state_of(story.payment), rows()) == (known, before)


@pytest.mark.attack(41)
def test_attack_41__statuses_are_protected_in_code_too(story):
    payment = story.start()
    with pytest.raises(AttributeError):
        payment.status = "paid"
    with pytest.raises(AttributeError):
        story.now().status = "completed"
    story.bank("paid")
    story.webhook()
    with pytest.raises(TransitionNotAllowed):
        story.payment.move_to(PaymentStatus.PENDING)
