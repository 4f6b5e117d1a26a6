"""Not one webhook arrives: every payment is found by asking, soon, and none is lost.

The clock of the shop and of the provider moves in steps of one sweep interval; no process waits for real time.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from django_payflow import clock, flow
from django_payflow.models import Case, Payment, get_order_model
from django_payflow.testing.contract import Act
from django_payflow.testing.contract.base import Contract
from django_payflow.testing.contract.shop import ONE
from tests.contract.stages import STAGES
from tests.services import ledger

pytestmark = [pytest.mark.slow, pytest.mark.reported, pytest.mark.timeout(900), pytest.mark.gauntlet("G13")]

SWEEP = timedelta(seconds=10)
"""What beat does in a real shop."""
PROMPT = timedelta(minutes=2)
PAID_WITHIN = timedelta(minutes=20)
LATE_ONES = 12
"""Bank transfers beside them, paid within the hour: the schedule asks about them less often."""
QUICK, SLOW = {"mollie": "creditcard"}, {"mollie": "banktransfer"}
"""Methods whose pages stay open long enough; elsewhere the everyday one does."""


@dataclass
class Sale:
    """One buyer, from pressing "pay" to the moment the shop knows."""

    payment: int
    reference: str
    pays_at: datetime
    paid_at: datetime | None = None
    asked_at: datetime | None = None
    """When the next question was due, as the schedule stood when the buyer paid."""
    settled_at: datetime | None = None
    """When the sweep began that found it."""

    def is_paid(self, shop: Any) -> None:
        """The buyer pays, and nobody tells the shop."""
        self.asked_at = Payment.objects.values_list("next_check_at", flat=True).get(pk=self.payment)
        shop.stage.play(self.reference, Act.PAY, webhook=False)
        self.paid_at = clock.now()

    @property
    def took(self) -> timedelta:
        assert self.paid_at is not None
        assert self.settled_at is not None, f"payment {self.payment} was paid and never found"
        return self.settled_at - self.paid_at


class TestLostWebhooks(Contract):
    @pytest.fixture
    def stage(self, request: pytest.FixtureRequest, running_simulators: Any) -> Any:
        return STAGES[request.param](running_simulators)

    @pytest.mark.parametrize("stage", ["mollie"], indirect=True)
    def test_five_hundred__paid_within_twenty_minutes_are_found_within_two(self, shop: Any) -> None:
        _everybody_is_found(shop, 500)

    @pytest.mark.soak
    @pytest.mark.parametrize("stage", [name for name in STAGES if name != "mollie"], indirect=True)
    def test_a_hundred__at_every_other_provider(self, shop: Any) -> None:
        _everybody_is_found(shop, 100)


def _everybody_is_found(shop: Any, number: int) -> None:
    shop.change(ATTEMPTS_PER_HOUR=50)
    name, dice = shop.stage.name, random.Random(number)
    # Most buyers are quick: the power crowds them towards the beginning.
    quick = [_sell(shop, 0.99 * PAID_WITHIN * dice.random() ** 4, QUICK.get(name)) for _ in range(number)]
    late = [_sell(shop, PAID_WITHIN * (1 + 2 * dice.random()), SLOW[name]) for _ in range(LATE_ONES) if name in SLOW]

    sweeps = _let_time_pass(shop, [*quick, *late])

    took = [sale.took for sale in quick]
    completed = get_order_model().objects.filter(status="completed").count()
    prompt = sum(1 for each in took if each <= PROMPT)
    figures = {"provider": name, "payments": number, "prompt": prompt, "worst": max(took).total_seconds()}
    ledger.write("lost_webhooks", {**figures, "lost": number + len(late) - completed})
    assert completed == number + len(late)
    assert prompt >= 0.99 * number
    for sale in (*quick, *late):
        assert sale.settled_at == next(each for each in sweeps if each >= max(sale.asked_at, sale.paid_at))
    assert Case.objects.count() == 0


def _sell(shop: Any, wait: timedelta, method: str | None) -> Sale:
    started = flow.start_checkout(order=shop.new_order(), account=ONE, method=method)
    payment = Payment.objects.get(pk=started.payment_id)
    return Sale(payment=payment.pk, reference=shop.reference_of(payment), pays_at=clock.now() + wait)


def _let_time_pass(shop: Any, sales: list[Sale]) -> list[datetime]:
    """Step by step: buyers pay, nobody says so, the sweep runs. Returns when each sweep began."""
    waiting, unknown = sorted(sales, key=lambda sale: sale.pays_at), {}
    sweeps: list[datetime] = []
    ends = waiting[-1].pays_at + timedelta(hours=1)
    while (waiting or unknown) and clock.now() < ends:
        shop.stage.sim.advance(SWEEP.total_seconds())
        while waiting and waiting[0].pays_at <= clock.now():
            sale = waiting.pop(0)
            sale.is_paid(shop)
            unknown[sale.payment] = sale
        sweeps.append(clock.now())
        flow.sweep(inline=True)
        for pk in Payment.objects.filter(status="paid", pk__in=list(unknown)).values_list("pk", flat=True):
            unknown.pop(pk).settled_at = sweeps[-1]
    return sweeps
