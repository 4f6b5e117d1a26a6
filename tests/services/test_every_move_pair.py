"""Every point of a refund and of a capture meets everything that can happen beside it, one pair at a time.

At the point the first worker stops; the other thing happens completely; then the first worker goes on, or dies.
Whatever the pair, the provider has one refund or one capture for the row, and there is nothing left to do.
"""

from __future__ import annotations

import copy
from contextlib import suppress

import pytest
from django.db import connection

from django_payflow import checkpoints, flow
from django_payflow.exceptions import NotEnoughLeft
from django_payflow.models import Case, Move, Payment
from django_payflow.testing import deliver

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.gauntlet("G10")]

LEASE = 61
KEY = "k" * 36
POINTS = ["move.intent", "move.claimed", "move.called", "move.settled"]


class Killed(BaseException):
    """Stands for kill -9: nothing in the package may catch it."""


def the_button_is_pressed_again(story, press):
    press()


def somebody_else_wants_the_rest(story, press):
    """The amount is reserved: there is no rest."""
    with suppress(NotEnoughLeft):
        (flow.capture if story.payment.status == "authorized" else flow.refund)(
            payment_id=story.payment.pk, actor="bob"
        )


def the_webhooks_come_again(story, press):
    for delivery in story.sim.deliveries():
        deliver(story.client, delivery)
    story.work()


def a_sweep_runs(story, press):
    story.work()


def a_sweep_runs_when_the_lease_is_over(story, press):
    story.sim.advance(LEASE)
    story.work()


def a_sweep_runs_after_an_outage_of_two_hours(story, press):
    """Longer than the key lives at Mollie."""
    story.sim.advance(7200)
    story.work()


def the_provider_cannot_be_asked_for_a_while(story, press):
    story.sim.fault("get", "5xx", times=4)


def the_worker_dies(story, press):
    raise Killed


def the_worker_dies_after_the_button_was_pressed_again(story, press):
    press()
    raise Killed


def the_worker_dies_after_his_lease_was_taken_over(story, press):
    a_sweep_runs_when_the_lease_is_over(story, press)
    raise Killed


def the_worker_dies_and_nobody_comes_for_two_hours(story, press):
    story.sim.advance(7200)
    raise Killed


INTRUSIONS = [
    the_button_is_pressed_again,
    somebody_else_wants_the_rest,
    the_webhooks_come_again,
    a_sweep_runs,
    a_sweep_runs_when_the_lease_is_over,
    a_sweep_runs_after_an_outage_of_two_hours,
    the_provider_cannot_be_asked_for_a_while,
    the_worker_dies,
    the_worker_dies_after_the_button_was_pressed_again,
    the_worker_dies_after_his_lease_was_taken_over,
    the_worker_dies_and_nobody_comes_for_two_hours,
]


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    monkeypatch.setattr("django_payflow.providers.http.GET_PAUSES", (0.01, 0.01))


@pytest.mark.parametrize("intrusion", INTRUSIONS, ids=lambda each: each.__name__)
@pytest.mark.parametrize("point", POINTS)
def test_pair__one_refund_of_everything(story, point, intrusion):
    _pay(story, "paid")

    _meet(story, point, intrusion, lambda: flow.refund(payment_id=story.payment.pk, actor="ann", key=KEY))

    refunds = _at_provider(story)["_embedded"]["refunds"]
    assert [refund["amount"]["value"] for refund in refunds] == ["24.95"]
    assert _moves() in ([("refund", "pending")], [("refund", "succeeded")])
    _nothing_is_left()


@pytest.mark.soak  # the same code but for the last step; a minute saved
@pytest.mark.parametrize("intrusion", INTRUSIONS, ids=lambda each: each.__name__)
@pytest.mark.parametrize("point", POINTS)
def test_pair__one_capture_of_everything(story, settings, point, intrusion):
    changed = copy.deepcopy(settings.PAYFLOW)
    changed["PROVIDERS"]["mollie"]["CAPTURE"] = "manual"
    settings.PAYFLOW = changed
    _pay(story, "authorized")

    _meet(story, point, intrusion, lambda: flow.capture(payment_id=story.payment.pk, actor="ann", key=KEY))

    captures = _at_provider(story)["_embedded"]["captures"]
    assert [capture["amount"]["value"] for capture in captures] == ["24.95"]
    assert (_moves(), story.payment.status, story.payment.captured) == ([("capture", "succeeded")], "paid", 2495)
    _nothing_is_left()


def _pay(story, word) -> None:
    story.start(method="creditcard")
    story.bank(word)
    story.webhook()
    assert story.now().status == "completed"


def _meet(story, point, intrusion, press) -> None:
    """Press the button; the first time that the story passes the point, the other thing happens."""
    strikes: list[str] = []

    def strike() -> None:
        if connection.in_atomic_block or strikes:
            return
        strikes.append(point)
        intrusion(story, press)

    checkpoints.arm(point, strike)
    with suppress(Killed):
        press()
    for pause in (LEASE, 601, 601, 3601):  # a lease, the pauses between two looks, and the bank's own
        story.sim.advance(pause)
        story.sim.control("POST", "wait", {"idle": True})
        for delivery in story.sim.deliveries():
            deliver(story.client, delivery)
        story.work()
    assert strikes == [point]


def _at_provider(story):
    return story.sim.object("GET", f"mollie/payments/{story.reference}")


def _moves() -> list[tuple[str, str]]:
    return list(Move.objects.order_by("pk").values_list("kind", "status"))


def _nothing_is_left() -> None:
    assert not Case.objects.exists()
    assert not Payment.objects.exclude(lease_until=None).exists()
