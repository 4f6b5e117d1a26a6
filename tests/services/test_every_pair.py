"""Every point of the story meets everything that can happen beside it, one pair at a time, in one thread.

At the point the first worker stops; the other thing happens completely; then the first worker goes on, or dies.
Whatever the pair, the order ends paid and fulfilled once, and there is nothing left to do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection

from django_payflow import checkpoints, clock
from django_payflow.exceptions import CheckoutRefused
from django_payflow.models import Case, Fulfilment, Payment, PaymentEvent, WebhookDelivery
from django_payflow.testing import deliver
from tests.services import test_kills
from tests.shop.models import Shipment

pytestmark = pytest.mark.django_db(transaction=True)

LEASE = 61
WEBHOOK_FIRST = [
    *test_kills.AT_THE_START,
    "checkout.committed",
    *test_kills.AT_THE_WEBHOOK,
    *test_kills.IN_THE_WORKER,
    "fulfil.committed",
]
RETURN_FIRST = test_kills.AT_THE_RETURN


class Killed(BaseException):
    """Stands for kill -9: nothing in the package may catch it."""


def the_buyer_returns(story):
    story.come_back()


def the_buyer_clicks_again(story):
    with suppress(CheckoutRefused):
        story.start()


def the_buyer_wants_another_way(story):
    with suppress(CheckoutRefused):
        story.start(method="creditcard")


def the_webhook_comes_again(story):
    for delivery in story.sim.deliveries():
        deliver(story.client, delivery)


def the_webhook_comes_again_and_is_worked_on(story):
    the_webhook_comes_again(story)
    story.work()


def a_sweep_runs(story):
    story.work()


def a_sweep_runs_when_the_lease_is_over(story):
    story.sim.advance(LEASE)
    story.work()


def the_provider_answers_503_for_a_while(story):
    story.sim.fault("get", "5xx", times=4)


def the_worker_dies(story):
    raise Killed


def the_worker_dies_after_a_sweep(story):
    story.work()
    raise Killed


def the_worker_dies_after_his_lease_was_taken_over(story):
    a_sweep_runs_when_the_lease_is_over(story)
    raise Killed


INTRUSIONS = [
    the_buyer_returns,
    the_buyer_clicks_again,
    the_buyer_wants_another_way,
    the_webhook_comes_again,
    the_webhook_comes_again_and_is_worked_on,
    a_sweep_runs,
    a_sweep_runs_when_the_lease_is_over,
    the_provider_answers_503_for_a_while,
    the_worker_dies,
    the_worker_dies_after_a_sweep,
    the_worker_dies_after_his_lease_was_taken_over,
]


@pytest.mark.gauntlet("G10")
@pytest.mark.parametrize("intrusion", INTRUSIONS, ids=lambda each: each.__name__)
@pytest.mark.parametrize("point", WEBHOOK_FIRST)
def test_pair__with_the_webhook_first_ends_paid_and_fulfilled_once(story, point, intrusion):
    strikes = _arm(point, lambda: intrusion(story))

    _start_and_pay(story)
    _until_it_lives(story, story.webhook)
    _until_it_lives(story, story.come_back)

    _all_is_done(story)
    assert strikes == [point]
    _assert_once(story, mails_may_repeat=point == "fulfil.handled")


@pytest.mark.slow  # together they are
@pytest.mark.gauntlet("G10")
@pytest.mark.parametrize("intrusion", INTRUSIONS, ids=lambda each: each.__name__)
@pytest.mark.parametrize("point", RETURN_FIRST)
def test_pair__with_the_return_first_ends_paid_and_fulfilled_once(story, point, intrusion):
    _start_and_pay(story)
    strikes = _arm(point, lambda: intrusion(story))

    _until_it_lives(story, story.come_back)
    _until_it_lives(story, story.webhook)

    _all_is_done(story)
    assert strikes == [point]
    _assert_once(story, mails_may_repeat=False)


def _start_and_pay(story) -> None:
    _until_it_lives(story, story.start)
    for _ in range(3):
        if not story.payment.checkout_url:
            story.sim.advance(LEASE)
            story.work()
            story.start()
    assert story.payment.checkout_url
    story.bank("paid")


def _all_is_done(story) -> None:
    for _ in range(3):
        story.sim.advance(LEASE)
        _until_it_lives(story, story.work)


def _arm(point: str, action: Callable[[], None]) -> list[str]:
    """Strike the first time that the story passes the point outside of a transaction."""
    strikes: list[str] = []

    def strike() -> None:
        if connection.in_atomic_block or strikes:
            return
        strikes.append(point)
        action()

    checkpoints.arm(point, strike)
    return strikes


def _until_it_lives(story, step: Callable[[], object]) -> None:
    """Do a step; where its process is killed, the provider or cron come again when the lease is over."""
    try:
        step()
    except Killed:
        story.sim.advance(LEASE)


def _assert_once(story, *, mails_may_repeat: bool) -> None:
    order = story.now()
    payments = list(Payment.objects.filter(order=order))
    paid = [payment for payment in payments if payment.status == "paid"]
    assert (order.status, len(paid)) == ("completed", 1)
    assert paid[0].settles_id == order.pk
    assert Counter(call["metadata"]["attempt"] for call in story.sim.payments()) == dict.fromkeys(
        (payment.key for payment in payments), 1
    )
    turns = PaymentEvent.objects.filter(summary__startswith="payment:", summary__endswith="-> paid")
    assert turns.count() == 1
    assert set(Fulfilment.objects.values_list("handler", "status")) == {("ship", "done"), ("confirmation", "done")}
    assert Shipment.objects.count() == 1
    assert len({message.extra_headers["Message-ID"] for message in mail.outbox}) == 1
    assert len(mail.outbox) <= (2 if mails_may_repeat else 1)
    assert not Case.objects.exists()
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {"done"}
    assert not Payment.objects.exclude(lease_until=None).exists()
    aftercare = clock.now() + timedelta(hours=23)  # a paid payment is looked at again after a day, at the earliest
    assert not Payment.objects.filter(status="paid", next_check_at__lt=aftercare).exists()
