"""Interleavings played exactly: at a checkpoint of the first worker, a second one does all of its work.

No threads and no luck: what a race needs a thousand tries for happens on the first, on whatever database the suite
runs on.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings as django_settings

from django_payflow import checkpoints, flow
from django_payflow.exceptions import CheckoutRefused
from django_payflow.models import Case, Move, Payment, WebhookDelivery
from django_payflow.testing import deliver
from tests.shop.models import Shipment

pytestmark = pytest.mark.django_db(transaction=True)


class Killed(BaseException):
    """Stands for kill -9: nothing in the package may catch it."""


def _once(name: str, action: Callable[[], Any]) -> None:
    """Do something the first time that the story passes a point."""

    def strike() -> None:
        checkpoints.disarm()
        action()

    checkpoints.arm(name, strike)


def _die() -> None:
    raise Killed


def _configure(settings: Any, **values: Any) -> None:
    settings.PAYFLOW = {**copy.deepcopy(django_settings.PAYFLOW), **values}


@pytest.mark.parametrize("limit", [16, 1])
def test_confirm__news_that_arrive_while_an_older_answer_is_on_its_way_are_not_lost(story, settings, limit):
    """A refund's webhook comes between fetching and committing "paid"; its fetch may be one too many right now."""
    _configure(settings, FETCHES_PER_ACCOUNT=limit)
    story.start()
    story.bank("paid", webhook=False)

    def refund_and_webhook() -> None:
        story.sim.object("POST", f"mollie/payments/{story.reference}/refund", {"status": "refunded"})
        assert story.webhook().status_code == 200

    _once("confirm.fetched", refund_and_webhook)
    flow.confirm(payment_id=story.payment.pk, source="return")
    story.sim.advance(10)
    story.work()

    assert (story.payment.captured, story.payment.refunded) == (2495, 2495)


def test_delivery__that_comes_again_while_its_answer_is_on_its_way_is_asked_about_again(story):
    """Mollie's deliveries all look the same: the second one means the refund that the answer to the first lacks."""
    story.start()
    story.bank("paid")
    deliver(story.client, story.sim.deliveries()[-1])

    def refund_and_webhook() -> None:
        story.sim.object("POST", f"mollie/payments/{story.reference}/refund", {"status": "refunded"})
        assert deliver(story.client, story.sim.deliveries()[-1]).content == b"duplicate"

    _once("confirm.fetched", refund_and_webhook)
    flow.process_delivery(delivery_id=WebhookDelivery.objects.get().pk)
    assert (story.payment.captured, story.payment.refunded) == (2495, 0)
    story.work()

    assert (story.payment.captured, story.payment.refunded) == (2495, 2495)


def test_start__a_start_that_dies_while_ending_the_other_offer_does_not_lock_the_buyer_out(story):
    """The first offer was withdrawn for another method; the buyer changes his mind and wants the first one again."""
    story.start(method="ideal")
    _once("confirm.claimed", _die)
    with pytest.raises(Killed):
        story.start(method="creditcard")

    story.sim.advance(61)
    story.work()
    again = flow.start_checkout(order=story.order, account="mollie", method="ideal")

    assert again.url == story.payment.checkout_url
    assert again.url.startswith("http")


def test_start__other_tabs_that_start_other_methods_meanwhile_get_and_leave_polite_answers(story):
    """Each time that this start has ended the offer before it, another tab has made a new one."""
    story.start(method="ideal")
    methods = iter(["bancontact", "paypal", "ideal"])

    def another_tab() -> None:
        checkpoints.disarm()
        if method := next(methods, ""):
            story.start(method=method)
            checkpoints.arm("confirm.committed", another_tab)

    checkpoints.arm("confirm.committed", another_tab)
    try:
        started = flow.start_checkout(order=story.order, account="mollie", method="creditcard")
    except CheckoutRefused as refused:
        assert refused.buyer_message
    else:
        assert Payment.objects.get(pk=started.payment_id).asked_method == "creditcard"


def test_confirm__an_answer_older_than_one_that_changed_nothing_is_old_too(story):
    """A refund succeeded when the first asker asked, and had come back when the second one did: it never counted."""
    story.start()
    story.bank("paid", webhook=False)
    story.work()
    story.sim.advance(61)
    story.work()
    paid = f"mollie/payments/{story.reference}"
    refund = story.sim.object("POST", f"{paid}/refund", {"status": "refunded", "webhook": False})

    def refund_comes_back_and_another_asks() -> None:
        refund_id = refund["_embedded"]["refunds"][0]["id"]
        story.sim.object("POST", f"{paid}/refunds/{refund_id}/status", {"status": "failed", "webhook": False})
        story.sim.advance(61)
        assert flow.confirm(payment_id=story.payment.pk, source="poll").outcome == "applied"

    _once("confirm.fetched", refund_comes_back_and_another_asks)
    flow.confirm(payment_id=story.payment.pk, source="poll")
    story.work()

    assert story.payment.refunded == 0


def test_confirm__an_old_open_after_paid_changes_nothing(story):
    story.start()

    def paid_and_asked_by_another() -> None:
        story.bank("paid", webhook=False)
        story.sim.advance(61)
        flow.confirm(payment_id=story.payment.pk, source="poll")

    _once("confirm.fetched", paid_and_asked_by_another)
    late = flow.confirm(payment_id=story.payment.pk, source="return")
    story.work()

    assert late.outcome == "stale"
    assert story.payment.status == "paid"
    assert story.now().status == "completed"
    assert Shipment.objects.count() == 1


def test_delivery__that_comes_again_while_its_fetch_fails_is_not_put_off_for_an_hour(story):
    """The provider was down for long, so its pauses are long; the new call says that it is back."""
    story.start()
    story.bank("paid")
    delivery = story.sim.deliveries()[-1]
    deliver(story.client, delivery)
    WebhookDelivery.objects.update(attempts=5)
    story.sim.fault("get", "5xx", times=3)

    _once("confirm.fetched", lambda: deliver(story.client, delivery))
    flow.process_delivery(delivery_id=WebhookDelivery.objects.get().pk)
    story.sim.advance(5)
    story.work()

    assert story.payment.status == "paid"


def test_refund__made_while_an_older_answer_is_on_its_way_is_not_taken_for_cancelled(story):
    """The older answer lists no refund: it must not free the money for a second one."""
    story.start()
    story.bank("paid")
    story.webhook()
    _once("confirm.fetched", lambda: flow.refund(payment_id=story.payment.pk, amount=500, actor="ann"))

    flow.confirm(payment_id=story.payment.pk, source="poll")

    assert Move.objects.get().status == "pending"
    story.work()
    assert (Move.objects.get().status, Case.objects.count()) == ("pending", 0)
