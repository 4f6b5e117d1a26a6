"""Bugs of other shops about one payment that was counted several times, or too early."""

from __future__ import annotations

import pytest
from django.core import mail

from django_payflow import checkpoints, flow
from django_payflow.models import Fulfilment, Payment, get_order_model
from django_payflow.testing import deliver
from tests.gauntlet.kit import again
from tests.shop.models import Shipment


@pytest.mark.gauntlet("M07")
def test_M07__a_webhook_before_the_create_answer_makes_no_second_order(story):
    """Three or four orders for one capture: the news came before the shop had stored what it was about."""

    def news() -> None:
        checkpoints.disarm()
        reference = story.sim.payments("mollie")[0]["id"]
        story.sim.set_status(reference, "paid")
        for _ in range(4):
            deliver(story.client, story.sim.deliveries()[-1])
        story.work()

    checkpoints.arm("checkout.created", news)
    story.start()
    story.work()
    story.sim.advance(120)
    story.work()

    assert get_order_model().objects.count() == Payment.objects.count() == 1
    assert (again(story.payment).captured, story.now().status, Shipment.objects.count()) == (2495, "completed", 1)


@pytest.mark.gauntlet("M09")
def test_M09__the_news_ten_times_sends_one_mail(story):
    story.start()
    story.bank("paid")
    for _ in range(10):
        story.webhook()
        story.come_back()

    assert [message.to for message in mail.outbox] == [["ada@example.com"]]


@pytest.mark.gauntlet("M11")
@pytest.mark.parametrize("word", ["pending", "open"])
def test_M11__news_that_is_not_final_completes_nothing(story, word):
    """A cart was completed, and a number used up, by an event that said only that something is going on."""
    story.start(method="banktransfer")
    story.bank(word)
    story.work()
    story.come_back()

    assert story.now().status == "pending"
    assert (Fulfilment.objects.count(), Shipment.objects.count(), mail.outbox) == (0, 0, [])


@pytest.mark.gauntlet("M20")
def test_M20__a_delivery_step_whose_wake_up_was_lost_is_done_all_the_same(story):
    """An event row existed and was never delivered: nobody came by who looked for such rows."""
    story.start()
    story.bank("paid", webhook=False)
    flow.confirm(payment_id=story.payment.pk, source="poll")  # its wakes reach nobody
    assert {row.status for row in Fulfilment.objects.all()} == {"due"}

    story.sim.advance(2 * 86400)
    flow.sweep(inline=True)

    assert {row.status for row in Fulfilment.objects.all()} == {"done"}
    assert Shipment.objects.count() == 1


_told: list[str] = []


def tell_partner(order, *, key: str, attempt: int) -> None:
    """A shop's handler that tells another system how the order stands, and is not reached the first time."""
    if attempt == 1:
        raise ConnectionError("the partner does not answer")
    _told.append(order.status)


@pytest.mark.gauntlet("M21")
def test_M21__a_repeat_tells_the_status_of_now_and_not_of_the_first_try(story, payflow):
    handler = {"HANDLER": f"{__name__}.tell_partner", "EXTERNAL": True, "REQUIRED": False}
    payflow(FULFILMENT={"partner": handler})
    _told.clear()
    story.start()
    story.bank("paid")
    story.webhook()
    assert (story.now().status, _told) == ("processing", [])

    flow.complete_order(order_id=story.order.pk, actor="ann")
    story.sim.advance(60)
    story.work()

    assert _told == ["completed"]
