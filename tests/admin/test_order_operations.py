"""A whole order from the desk: cancel it, end its time to pay, complete it."""

from __future__ import annotations

import pytest

from django_payflow import flow
from django_payflow.models import Fulfilment, Move, PaymentEvent
from tests.admin.conftest import address, command, words

pytestmark = pytest.mark.urls("tests.admin.urls")


def given():
    """The last command that somebody gave about the order: its words, and who gave it."""
    event = PaymentEvent.objects.filter(kind="command", payment=None, source="operator").latest("pk")
    return event.summary, event.actor


def test_cancel__of_an_unpaid_order_ends_its_attempts(story, operator):
    story.start(method="banktransfer")
    told = words(operator.get(address(story.order, "cancel")))
    assert f"mollie is told to end the open payment {story.reference}." in told

    page = command(operator, story.order, "cancel", reason="sold out")
    twice = operator.post(address(story.order, "cancel"), follow=True)

    assert "The order was cancelled." in words(page)
    assert "Not done: the order is canceled already." in words(twice)
    assert (story.now().status, story.sim.payments()[0]["status"]) == ("canceled", "canceled")
    assert given() == ("order canceled: sold out", "grace")
    assert PaymentEvent.objects.filter(kind="command", payment=None).count() == 1


def test_cancel__of_a_paid_order_sends_the_money_back_once(given_up, operator):
    told = words(operator.get(address(given_up.order, "cancel")))
    assert f"mollie is told to refund the 24.95 EUR that were paid by {given_up.reference}." in told
    assert "This was done already and stays: confirmation." in told

    page = command(operator, given_up.order, "cancel")

    assert "The order was cancelled. Not at its end yet: refund of 24.95 EUR (pending)." in words(page)
    assert given_up.now().status == "canceled"
    assert (Move.objects.get().amount, len(given_up.sim.calls("refund"))) == (2495, 1)


def test_cancel__says_that_a_second_person_must_approve_the_refund(given_up, operator, shop_setting):
    shop_setting(REFUND_APPROVAL_ABOVE={"EUR": 500})
    assert "Above 5.00 EUR, earlier refunds" in words(operator.get(address(given_up.order, "cancel")))

    page = command(operator, given_up.order, "cancel")

    assert "refund of 24.95 EUR (requested)" in words(page)
    assert given_up.sim.calls("refund") == []


def test_cancel__of_a_held_order_releases_the_money(authorized, operator):
    Fulfilment.objects.update(status="failed")
    type(authorized.order).objects.filter(pk=authorized.order.pk).update(status="processing")
    told = words(operator.get(address(authorized.order, "cancel")))
    assert f"mollie is told to release the 24.95 EUR that are reserved by {authorized.reference}." in told

    command(operator, authorized.order, "cancel")

    assert (authorized.now().status, Move.objects.get().kind) == ("canceled", "void")


def test_cancel__waits_for_a_decision(short_paid, operator):
    assert "is conflicted: decide about its money first" in words(operator.get(address(short_paid.order, "cancel")))


def test_cancel__waits_for_a_running_step(given_up, operator):
    Fulfilment.objects.update(status="running")

    assert "is running right now" in words(operator.get(address(given_up.order, "cancel")))
    page = operator.post(address(given_up.order, "cancel"), follow=True)

    assert "Not done: a fulfilment of this order is running right now" in words(page)
    assert given_up.now().status == "processing"


def test_expire__ends_the_attempts_first(story, operator):
    story.start(method="banktransfer")
    told = words(operator.get(address(story.order, "expire")))
    assert f"mollie is told to end the open payment {story.reference}." in told

    page = command(operator, story.order, "expire")

    assert "The order expired." in words(page)
    assert (story.now().status, story.sim.payments()[0]["status"]) == ("expired", "canceled")
    assert given() == ("the time to pay was ended", "grace")


def test_expire__when_the_buyer_was_faster_the_money_counts(story, operator):
    story.start()
    story.bank("paid", webhook=False)

    page = command(operator, story.order, "expire")

    assert "The order is processing until its open attempts have ended." in words(page)
    assert story.now().status in {"processing", "completed"}


def test_complete__where_no_handler_says_so(given_up, operator):
    assert "The step “ship” is required, and it is failed." in words(
        operator.get(address(given_up.order, "complete"))
    )
    Fulfilment.objects.update(required=False)

    page = command(operator, given_up.order, "complete")
    twice = operator.post(address(given_up.order, "complete"), follow=True)

    assert "The order is completed." in words(page)
    assert given_up.now().status == "completed"
    assert given() == ("order completed", "grace")
    assert "Not done: only an order in processing can be completed" in words(twice)


def test_order_page__leads_to_the_commands_of_its_payments(given_up, treasurer):
    page = treasurer.get(address(given_up.order))

    labels = [str(label) for _, label in page.context["payflow_operations"]]
    assert labels == ["Cancel the order"]
    assert f'href="{address(given_up.payment, "refund")}"' in page.content.decode()
    assert address(given_up.payment, "capture") not in page.content.decode()


def test_order_page__of_a_canceled_order_offers_nothing(story, treasurer):
    flow.cancel_order(order_id=story.order.pk)

    assert treasurer.get(address(story.order)).context["payflow_operations"] == []
