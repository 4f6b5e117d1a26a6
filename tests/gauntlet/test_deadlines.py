"""Orders that must be paid before a moment: the provider is asked first, and late money is still money."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_payflow import clock, flow
from django_payflow.exceptions import OrderNotPayable
from django_payflow.models import get_order_model
from tests.conftest import new_order
from tests.gauntlet.kit import again, open_cases
from tests.shop.models import Shipment


@pytest.fixture
def hurried(story):
    """An order that must be paid within ten minutes."""
    story.order = new_order(pay_before=clock.now() + timedelta(minutes=10))
    return story


def pass_deadline(story) -> None:
    story.sim.advance(601)
    story.work()
    story.work()


def test_deadline__the_provider_cancels_first_then_the_order_expires(hurried):
    payment = hurried.start(method="banktransfer")

    pass_deadline(hurried)

    assert hurried.sim.payments()[0]["status"] == "canceled"
    assert (again(payment).status, hurried.now().status) == ("canceled", "expired")
    assert [call["operation"] for call in hurried.sim.calls()][-1] == "cancel"


def test_deadline__an_order_without_any_attempt(hurried):
    pass_deadline(hurried)
    assert hurried.now().status == "draft", "it was never placed: it is the shop's business"


def test_deadline__a_failed_order_expires(hurried):
    hurried.start()
    hurried.bank("failed")
    hurried.webhook()
    pass_deadline(hurried)
    assert hurried.now().status == "expired"


def test_deadline__what_the_provider_will_not_cancel_keeps_the_order_open(hurried):
    payment = hurried.start(method="ideal")

    pass_deadline(hurried)
    assert (again(payment).status, again(payment).withdraw, hurried.now().status) == ("pending", True, "pending")

    hurried.sim.advance(900)
    hurried.work()
    hurried.work()
    assert (again(payment).status, hurried.now().status) == ("expired", "expired")


@pytest.mark.gauntlet("M04")
def test_M04__webhook_outage_then_the_timer_meets_a_bank_transfer_that_was_paid(hurried):
    """The timer asks before it cancels: the money is there, the order is paid."""
    payment = hurried.start(method="banktransfer")
    hurried.bank("paid", webhook=False)

    pass_deadline(hurried)

    assert (again(payment).status, hurried.now().status) == ("paid", "completed")
    assert Shipment.objects.count() == 1


@pytest.mark.gauntlet("M04")
def test_M04__the_provider_is_down_when_the_timer_fires(hurried):
    payment = hurried.start(method="banktransfer")
    hurried.bank("paid", webhook=False)
    hurried.sim.fault("any", "429")

    pass_deadline(hurried)
    assert (again(payment).status, hurried.now().status) == ("pending", "pending"), "no answer, no expiry"

    hurried.sim.clear_faults()
    hurried.sim.advance(3600)
    hurried.work()
    assert hurried.now().status == "completed"


def test_deadline__money_that_lands_after_the_order_expired(hurried):
    hurried.start(method="banktransfer")
    pass_deadline(hurried)

    hurried.bank("paid")
    hurried.webhook()

    assert (hurried.payment.status, hurried.payment.captured) == ("paid", 2495)
    assert (hurried.now().status, open_cases()) == ("on_hold", {"late_money"})
    assert Shipment.objects.count() == 0


def test_deadline__paid_in_time_is_paid(hurried):
    hurried.start()
    hurried.bank("paid")
    hurried.webhook()
    pass_deadline(hurried)
    assert hurried.now().status == "completed"


def test_deadline__no_new_attempt_after_it(hurried):
    hurried.start(method="ideal")
    pass_deadline(hurried)
    assert hurried.now().status == "pending"

    with pytest.raises(OrderNotPayable):
        hurried.start(method="ideal")


def test_deadline__orders_that_cannot_expire_yet_do_not_keep_others_waiting(story):
    for method in ("ideal", "banktransfer"):
        story.order = new_order(pay_before=clock.now() + timedelta(minutes=5))
        story.start(method=method)
    story.sim.advance(301)

    for _ in range(6):
        flow.sweep(inline=True, limit=1)

    assert get_order_model().objects.get(pk=story.order.pk).status == "expired"
