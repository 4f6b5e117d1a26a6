"""Short histories that went wrong: what the machine found, pinned. Strict, so that a repair turns them red."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from django_payflow import flow
from django_payflow.messages import Phase as P
from django_payflow.models import get_order_model
from tests.histories.house import CURRENCY, HOUSE, TOTAL, Deal
from tests.histories.world import CLERK, NORTH, World

PLAIN = {"captures": ("automatic", "automatic"), "secured_means": "authorized", "needs": "authorized"}


@pytest.fixture
def world(db: None) -> Iterator[World]:
    with time_machine.travel("2026-11-02T08:00:00Z", tick=False):
        made = World()
        yield made
        made.close()


def started(world: World, kind: str = "stately", **settings: Any) -> Deal:
    """An order whose buyer was sent to the house."""
    world.begin((kind, "stately"), **{**PLAIN, **settings})
    order = get_order_model().objects.get(pk=world.order_id)
    world.do(lambda: flow.start_checkout(order=order, account=NORTH))
    return HOUSE.deals[-1]


def letters(world: World) -> None:
    while HOUSE.events:
        world.arrives(HOUSE.events.pop(0), awake=True)


def paid(world: World, **settings: Any) -> Deal:
    deal = started(world, **settings)
    HOUSE.pay(deal, TOTAL, CURRENCY)
    letters(world)
    return deal


def test_cancel_order__says_in_words_that_an_expired_order_is_over(world):
    deal = started(world)
    HOUSE.end(deal, P.EXPIRED)
    letters(world)
    world.do(lambda: flow.expire_order(order_id=world.order_id, actor=CLERK))
    assert world.fresh_order().status == "expired"
    world.do(lambda: flow.cancel_order(order_id=world.order_id, actor=CLERK))
    assert "CommandRefused" in world.happened


def test_record_refund__also_of_money_that_was_charged_back(world):
    deal = paid(world, kind="paper")
    HOUSE.refund_by_hand(deal, 60, "succeeded")
    HOUSE.dispute(deal, TOTAL, "open")
    payment = world.payments()[0]
    papers: dict[str, Any] = {"payment_id": payment.pk, "booked_on": None, "actor": CLERK}
    flow.record_chargeback(amount=TOTAL, reference="page 1", **papers)
    world.do(lambda: flow.record_refund(amount=60, reference="page 2", **papers))
    assert world.payments()[0].refunded == 60
    assert "overdrawn" in world.cases()
