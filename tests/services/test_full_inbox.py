"""Nobody processed deliveries for long: the inbox is full. It is drained in batches, and new buyers do not wait.

In one process and on one database: what is counted are rows and statements, which do not depend on the machine.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from django_payflow import clock, flow
from django_payflow.models import Case, Payment, WebhookDelivery, get_order_model
from django_payflow.testing.contract import Act
from django_payflow.testing.contract import shop as contract_shop
from django_payflow.testing.contract.base import Contract
from django_payflow.testing.contract.shop import ONE
from tests.contract.stages import STAGES
from tests.services import ledger

pytestmark = [pytest.mark.slow, pytest.mark.reported, pytest.mark.timeout(7200), pytest.mark.gauntlet("G13")]

THREE_DAYS = timedelta(days=3)
"""How long a genuine delivery of an unknown payment is kept waiting."""


class TestFullInbox(Contract):
    @pytest.fixture
    def stage(self, running_simulators: Any) -> Any:
        """Stripe: it signs, numbers its events, and tells an account's shop of everything on the account."""
        return STAGES["stripe"](running_simulators)

    def test_two_thousand_unprocessed__are_drained_and_a_new_buyer_does_not_wait(self, shop: Any) -> None:
        _is_drained(shop, 2_000, payments=20, events=5, batch=100)

    @pytest.mark.soak
    def test_a_hundred_thousand_unprocessed__are_drained_and_a_new_buyer_does_not_wait(self, shop: Any) -> None:
        _is_drained(shop, 100_000, payments=300, events=20, batch=500)


def _is_drained(shop: Any, number: int, *, payments: int, events: int, batch: int) -> None:
    """``batch``: rows of a kind that a sweep takes; 500 in a real shop."""
    shop.change(ATTEMPTS_PER_HOUR=10_000)
    flow.sweep(inline=False)  # the very first one also makes the row that it beats in
    empty = _costs(lambda: flow.sweep(inline=False, limit=batch))
    alone = _new_buyer(shop)
    flow.sweep(inline=True)
    pks = [_unheard_payment(shop) for _ in range(payments)]
    _fill(pks, number, events)
    shop.stage.advance(timedelta(hours=2).total_seconds())

    waiting = {figure.name: figure for figure in flow.figures()}["delivery"]
    assert (waiting.waiting, waiting.is_too_old) == (number, True)
    full = _costs(lambda: flow.sweep(inline=False, limit=batch))
    assert (len(full.result.wakes), full.result.deliveries) == (batch + payments, batch)
    assert full.statements == empty.statements
    assert full.memory < empty.memory + 1_000_000
    busy = _new_buyer(shop)
    assert busy.statements == alone.statements

    began = clock.now()
    took = _drain(shop, busy.order, number, batch)

    ratio = f"{busy.seconds / alone.seconds:.1f} times as long as into an empty one"
    said = f"delivery {waiting.seconds // 60} min; a webhook into it took {ratio}"
    lost = get_order_model().objects.filter(payments__in=[*pks, busy.payment]).exclude(status="completed").count()
    doubled = _handed_over() - (payments + 2)
    figures = {"converged_seconds": took.total_seconds(), "gauge": said, "lost": lost, "doubled": max(doubled, 0)}
    ledger.write("outage", {"name": f"{number} unprocessed deliveries", **figures})
    assert (lost, doubled, Case.objects.open().count()) == (0, 0, 0)
    assert [figure.name for figure in flow.figures() if figure.is_too_old] == []
    assert clock.now() - began < timedelta(hours=2)


class _Costs:
    """What a call returned, and what it cost."""

    def __init__(self, result: Any, statements: int, memory: int, seconds: float) -> None:
        self.result, self.statements, self.memory, self.seconds = result, statements, memory, seconds
        self.order = self.payment = 0


def _costs(call: Callable[[], Any]) -> _Costs:
    """Count statements and the peak of memory, in bytes; the time is for the record."""
    counted: list[str] = []

    def count(execute: Any, sql: str, *more: Any) -> Any:
        counted.append(sql[:6])
        return execute(sql, *more)

    tracemalloc.start()
    began = time.perf_counter()
    with connection.execute_wrapper(count):
        result = call()
    seconds, (_, peak) = time.perf_counter() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return _Costs(result, len(counted), peak, seconds)


def _new_buyer(shop: Any) -> _Costs:
    """Somebody buys, and the webhook arrives: what does it cost to take it?"""
    shop.order = shop.new_order()
    shop.start(ONE)
    before = len(shop.stage.deliveries())
    shop.stage.play(shop.reference, Act.PAY)
    delivery = shop.stage.deliveries()[before]
    costs = _costs(lambda: shop.deliver(delivery))
    assert costs.result == 200
    costs.order, costs.payment = shop.order.pk, shop.payment.pk
    return costs


def _unheard_payment(shop: Any) -> int:
    """A payment that was made, and nobody looked yet."""
    shop.order = shop.new_order()
    shop.start(ONE)
    shop.stage.play(shop.reference, Act.PAY, webhook=False)
    return int(shop.payment.pk)


def _fill(pks: list[int], number: int, events: int) -> None:
    """Several events about each payment, and all the rest about payments of others that share the account.

    Nine tenths of those waited for so long that they may be set aside, the others a little less.
    """
    now = clock.now()
    stored = dict(Payment.objects.filter(pk__in=pks).values_list("pk", "references__value"))
    ours = [_row(f"evt_{pk}_{n}", stored[pk], now, payment_id=pk) for pk in pks for n in range(events)]
    others = number - len(ours)
    long_ago, lately = now - THREE_DAYS, now - THREE_DAYS + timedelta(hours=2, minutes=2)
    rows = [_row(f"evt_{n}", f"cs_test_of_others_{n}", lately if n % 10 == 0 else long_ago) for n in range(others)]
    WebhookDelivery.objects.bulk_create([*ours, *rows], batch_size=1000)


def _row(event: str, reference: str, received: datetime, payment_id: int | None = None) -> WebhookDelivery:
    return WebhookDelivery(
        account=ONE,
        dedupe_key=f"event:{event}",
        payment_id=payment_id,
        reference=reference,
        kind="checkout.session.completed",
        verified=True,
        body=b"{" + b" " * 2000 + b"}",
        due_at=received,
        received_at=received,
        last_at=received,
    )


def _drain(shop: Any, new_order: int, number: int, batch: int) -> timedelta:
    """Sweep as beat does, every ten seconds. The new buyer has his order when most of the inbox still waits."""
    began, sweeps, seen = clock.now(), 0, False
    pending = WebhookDelivery.objects.filter(state="pending")
    while left := pending.count():
        swept = flow.sweep(inline=True, limit=batch)
        sweeps += 1
        assert swept.deliveries <= batch
        served = get_order_model().objects.filter(pk=new_order, status="completed").exists()
        seen = seen or (served and left > number // 4)
        shop.stage.advance(10)
        assert sweeps < number // batch + 200, f"{left} still wait"
    assert seen
    return clock.now() - began


def _handed_over() -> int:
    """How often the shop's handler ran, for whatever order."""
    return len(contract_shop._handed_over)
