"""A buyer's story over WooshPay, through the flow: what the adapter's parts are worth together."""

from __future__ import annotations

import copy

import pytest
from django.conf import settings as django_settings

from django_payflow import flow
from django_payflow.models import Move, Payment
from django_payflow.testing import deliver
from tests.wooshpay.wire import KEY, SECRET


@pytest.fixture
def account(sim, settings):
    payflow = copy.deepcopy(django_settings.PAYFLOW)
    payflow["PROVIDERS"]["wooshpay"] = {
        "BACKEND": "django_payflow.providers.wooshpay.WooshPayProvider",
        "OPTIONS": {"api_key": KEY, "signing_secrets": [SECRET], "base_url": sim.base_url("wooshpay")},
    }
    settings.PAYFLOW = payflow
    where = {"api_key": KEY, "secret": SECRET, "url": "https://shop.test/payflow/webhook/wooshpay/"}
    sim.control("POST", "wooshpay/webhook_endpoints", where)
    return "wooshpay"


def start(order, account) -> Payment:
    return Payment.objects.get(pk=flow.start_checkout(order=order, account=account).payment_id)


def move(sim, payment, status) -> None:
    sim.set_status(payment.references.order_by("pk")[0].value, status, provider="wooshpay")


def now(payment) -> Payment:
    flow.sweep(inline=True)
    return Payment.objects.get(pk=payment.pk)


def test_story__paid_by_webhook(account, sim, order, client):
    payment = start(order, account)
    assert payment.status == "pending"
    assert [stored.kind for stored in payment.references.order_by("pk")] == ["session", "payment_intent"]

    move(sim, payment, "paid")
    answers = [deliver(client, delivery).status_code for delivery in sim.deliveries()]

    assert answers == [200, 200]
    assert (now(payment).status, now(payment).captured) == ("paid", 2495)


def test_story__a_lost_answer_of_create_is_found_again(account, sim, order):
    sim.fault("create", "lost_answer", provider="wooshpay", times=1)
    payment = start(order, account)
    assert payment.status == "created"

    sim.advance(3600)  # past the life of the key
    assert now(payment).status == "pending"
    assert len(sim.payments("wooshpay")) == 1


def test_story__declined_and_paid_on_the_same_page(account, sim, order, client):
    payment = start(order, account)
    move(sim, payment, "declined")
    deliver(client, sim.deliveries()[-1])
    assert now(payment).status == "pending"

    move(sim, payment, "paid")
    deliver(client, sim.deliveries()[-1])
    assert now(payment).status == "paid"


def test_story__a_session_that_ran_out_is_noticed_without_any_event(account, sim, order):
    payment = start(order, account)

    sim.advance(25 * 3600)
    sim.control("POST", "wait", {"idle": True, "timeout": 10})
    assert now(payment).status == "expired"


def test_story__a_refund_in_the_dashboard_is_read_by_the_id_that_its_webhook_names(account, sim, order, client):
    payment = start(order, account)
    move(sim, payment, "paid")
    deliver(client, sim.deliveries()[-1])
    assert now(payment).status == "paid"

    path = f"wooshpay/payments/{payment.references.order_by('pk')[0].value}"
    (made,) = sim.object("POST", f"{path}/refund", {"amount": 500})["refunds"]
    assert deliver(client, sim.deliveries()[-1]).status_code == 200
    after = now(payment)
    assert (after.status, after.captured, after.refunded) == ("paid", 2495, 500)

    sim.control("POST", f"{path}/refunds/{made['id']}/status", {"status": "failed"})
    assert deliver(client, sim.deliveries()[-1]).status_code == 200
    assert now(payment).refunded == 0


def test_story__a_dispute_is_read_by_the_id_that_its_webhook_names(account, sim, order, client):
    payment = start(order, account)
    move(sim, payment, "paid")
    deliver(client, sim.deliveries()[-1])

    path = f"wooshpay/payments/{payment.references.order_by('pk')[0].value}"
    (made,) = sim.object("POST", f"{path}/chargeback", {"inquiry": True})["disputes"]
    deliver(client, sim.deliveries()[-1])
    asked = now(payment)
    assert (asked.held, asked.charged_back) == (True, 0)

    for word, back in (("needs_response", 2495), ("lost", 2495), ("won", 0)):
        sim.control("POST", f"{path}/disputes/{made['id']}/status", {"status": word})
        deliver(client, sim.deliveries()[-1])
        after = now(payment)
        assert (after.held, after.charged_back) == (False, back), word


def test_story__a_lost_answer_of_a_refund_is_repaired_under_the_same_key(account, sim, order, client):
    payment = start(order, account)
    move(sim, payment, "paid")
    deliver(client, sim.deliveries()[-1])
    assert now(payment).status == "paid"
    sim.fault("refund", "lost_answer", provider="wooshpay", times=1)

    asked = flow.refund(payment_id=payment.pk, amount=500, actor="olga")
    assert asked.status == "submitting"
    sim.advance(600)
    assert now(payment).refunded == 500
    assert Move.objects.get(pk=asked.move_id).status == "succeeded"
    assert len(sim.payments("wooshpay")[0]["refunds"]) == 1


def test_story__a_refused_repeat_does_not_end_a_refund_that_cannot_be_looked_up(account, sim, order, client):
    """It was made, and its answer was lost. "Failed" would free the sum for a second refund."""
    payment = start(order, account)
    move(sim, payment, "paid")
    deliver(client, sim.deliveries()[-1])
    assert now(payment).status == "paid"
    sim.fault("refund", "lost_answer", provider="wooshpay", times=1)
    asked = flow.refund(payment_id=payment.pk, amount=500, actor="olga")
    assert asked.status == "submitting"

    sim.clear_faults()
    sim.fault("refund", "not_found", provider="wooshpay")
    for _ in range(4):
        sim.advance(600)
        now(payment)
    assert len(sim.payments("wooshpay")[0]["refunds"]) == 1
    assert Move.objects.get(pk=asked.move_id).status == "submitting"
