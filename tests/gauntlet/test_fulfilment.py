"""G11: what a shop's handler may do wrong, and what becomes of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_payflow import checkpoints, clock, flow
from django_payflow.exceptions import GiveUp, InsideTransaction, RetryLater
from django_payflow.models import Case, Fulfilment
from django_payflow.states import FULFILMENT_RETRY_SECONDS
from tests.gauntlet.kit import again, done, open_cases, seconds_until
from tests.shop.models import Shipment

pytestmark = pytest.mark.gauntlet("G11")

HERE = "tests.gauntlet.test_fulfilment"
CALLS: list[tuple[str, int, str]] = []
"""(handler, attempt, key) of every call in a test."""


@pytest.fixture(autouse=True)
def _forget_calls():
    CALLS.clear()


def broken(order, *, key, attempt):
    CALLS.append(("broken", attempt, key))
    raise RuntimeError("the warehouse is closed")


def mended_at_third(order, *, key, attempt):
    CALLS.append(("mended", attempt, key))
    Shipment.objects.create(order=order, key=key)
    if attempt < 3:
        raise RuntimeError("not yet")


def later(order, *, key, attempt):
    CALLS.append(("later", attempt, key))
    if attempt == 1:
        raise RetryLater(1234)


def giving_up(order, *, key, attempt):
    CALLS.append(("giving_up", attempt, key))
    raise GiveUp("no such product")


def asking_a_provider(order, *, key, attempt):
    flow.confirm(payment_id=order.payments.get().pk, source="handler")


def ill_mannered(order, *, key, attempt):
    raise RetryLater(float("1e30"))


def handlers(payflow, **paths) -> None:
    """``name="function"``, or ``name=("function", {"EXTERNAL": True})``."""
    entries = {}
    for name, described in paths.items():
        function, more = described if isinstance(described, tuple) else (described, {})
        path = function if "." in function else f"{HERE}.{function}"
        entries[name] = {"HANDLER": path, **more}
    payflow(FULFILMENT=entries)


def paid(story) -> None:
    story.start()
    story.bank("paid")
    story.webhook()


@pytest.mark.parametrize("external", [False, True])
def test_failing_handler__is_retried_by_the_schedule_then_parked_with_a_case(story, payflow, external):
    handlers(payflow, ship=("broken", {"EXTERNAL": external}))
    paid(story)

    waits = []
    while (row := Fulfilment.objects.get()).status == "retry_wait":
        waits.append(seconds_until(row.due_at))
        story.work()
        assert again(row).attempts == row.attempts, "not before its time"
        story.sim.advance(waits[-1] + 1)
        story.work()

    assert [round(wait) for wait in waits] == pytest.approx(FULFILMENT_RETRY_SECONDS, rel=0.12)
    assert all(wait >= planned - 3 for wait, planned in zip(waits, FULFILMENT_RETRY_SECONDS, strict=True))
    assert (row.status, row.attempts) == ("failed", 10)
    assert "the warehouse is closed" in row.error
    assert [attempt for _, attempt, _ in CALLS] == list(range(1, 11))
    assert len({key for *_, key in CALLS}) == 1, "one key for all of them"
    assert (open_cases(), story.now().status) == ({"fulfilment"}, "processing")
    assert Case.objects.get().order_id == story.order.pk

    story.sim.advance(30 * 86400)
    story.work()
    assert len(CALLS) == 10, "parked"


def test_failing_handler__an_operator_brings_it_back(story, payflow):
    handlers(payflow, ship="giving_up")
    paid(story)
    assert (Fulfilment.objects.get().status, open_cases()) == ("failed", {"fulfilment"})
    handlers(payflow, ship="tests.shop.fulfilment.ship")

    flow.retry_fulfilment(fulfilment_id=Fulfilment.objects.get().pk, actor="ada")
    story.work()

    assert (story.now().status, open_cases(), Shipment.objects.count()) == ("completed", set(), 1)


def test_local_handler__its_partial_writes_are_rolled_back(story, payflow):
    handlers(payflow, ship="mended_at_third")
    paid(story)
    assert Shipment.objects.count() == 0

    for _ in range(2):
        story.sim.advance(70)
        story.work()

    assert [attempt for _, attempt, _ in CALLS] == [1, 2, 3]
    assert (Shipment.objects.count(), story.now().status) == (1, "completed")
    assert Fulfilment.objects.get().error == ""


def test_one_failing_handler__does_not_keep_the_other_from_its_work(story, payflow):
    handlers(payflow, ship="tests.shop.fulfilment.ship", mail=("broken", {"EXTERNAL": True, "REQUIRED": False}))
    paid(story)

    assert done() == {"ship": "done", "mail": "retry_wait"}
    assert story.now().status == "completed", "what is not required does not hold an order up"
    story.sim.advance(12)
    story.work()
    assert [attempt for _, attempt, _ in CALLS] == [1, 2]


def test_retry_later__is_called_when_it_asked_for(story, payflow):
    handlers(payflow, ship="later")
    paid(story)
    row = Fulfilment.objects.get()
    assert row.status == "retry_wait"
    assert 1220 <= seconds_until(row.due_at) <= 1234 * 1.1 + 1

    story.sim.advance(1234 * 1.1 + 1)
    story.work()

    assert [attempt for _, attempt, _ in CALLS] == [1, 2]
    assert story.now().status == "completed"


def test_give_up__parks_at_once_with_the_reason(story, payflow):
    handlers(payflow, ship="giving_up")
    paid(story)

    row = Fulfilment.objects.get()
    assert (row.status, row.attempts) == ("failed", 1)
    assert "no such product" in Case.objects.get().detail
    assert story.now().status == "processing"


def test_unknown_name__is_parked_with_a_case(story, payflow):
    """The settings were changed while the row was waiting."""
    handlers(payflow, ship="broken")
    paid(story)
    handlers(payflow, other="tests.shop.fulfilment.ship")

    story.sim.advance(12)
    story.work()

    assert (Fulfilment.objects.get().status, open_cases()) == ("failed", {"fulfilment"})
    assert "'ship'" in Case.objects.get().detail


@pytest.mark.parametrize(
    "path", ["no.such.module.ship", f"{HERE}.no_such_function", "nonsense", "tests.gauntlet.kit.done"]
)
def test_unusable_path__is_retried_like_any_error(story, payflow, path):
    """A deployment that is half done mends itself."""
    payflow(FULFILMENT={"ship": {"HANDLER": path}})
    paid(story)
    assert Fulfilment.objects.get().status == "retry_wait"

    handlers(payflow, ship="tests.shop.fulfilment.ship")
    story.sim.advance(12)
    story.work()
    assert story.now().status == "completed"


def test_handler_that_asks_a_provider__is_told_that_it_may_not(story, payflow):
    handlers(payflow, ship="asking_a_provider")
    paid(story)
    assert InsideTransaction.__name__ in Fulfilment.objects.get().error


def test_retry_later__an_absurd_wait_is_bounded(story, payflow):
    handlers(payflow, ship="ill_mannered")
    paid(story)
    row = Fulfilment.objects.get()
    if row.status == "running":
        flow.fulfil(fulfilment_id=row.pk) if row.lease_until <= clock.now() else _lease_over(row)
        flow.fulfil(fulfilment_id=row.pk)
    assert Fulfilment.objects.get().status in {"retry_wait", "failed"}


def _lease_over(row) -> None:
    Fulfilment.objects.filter(pk=row.pk).update(lease_until=clock.now() - timedelta(seconds=1))


class Killed(BaseException):
    """Stands for kill -9: nothing of ours runs afterwards."""


def kill() -> None:
    raise Killed


def test_worker_dies__after_the_lease_another_one_takes_over(story, payflow):
    handlers(payflow, ship="tests.shop.fulfilment.ship")
    checkpoints.arm("fulfil.handled", kill)
    with pytest.raises(Killed):
        paid(story)
    checkpoints.disarm()
    assert (Fulfilment.objects.get().status, Shipment.objects.count()) == ("running", 0)

    story.work()
    assert Fulfilment.objects.get().status == "running", "not before the lease is over"
    story.sim.advance(61)
    story.work()

    row = Fulfilment.objects.get()
    assert (row.status, row.repeated, row.attempts) == ("done", 1, 2)
    assert (Shipment.objects.count(), story.now().status) == (1, "completed")


def test_worker_dies__every_time_is_parked_in_the_end(story, payflow):
    """Out of memory on one order: without an end it takes a worker down every minute, for ever."""
    handlers(payflow, ship="tests.shop.fulfilment.ship")
    checkpoints.arm("fulfil.handled", kill)
    with pytest.raises(Killed):
        paid(story)
    for _ in range(30):
        story.sim.advance(86400)
        try:
            story.work()
        except Killed:
            continue

    assert (Fulfilment.objects.get().status, open_cases()) == ("failed", {"fulfilment"})


def test_block__a_conflict_before_the_handler_ran_stops_it(story, payflow):
    handlers(payflow, ship="broken")
    paid(story)
    story.sim.overwrite(story.reference, amount={"currency": "EUR", "value": "99.00"})
    calls = len(CALLS)
    story.webhook()
    assert (story.now().status, done()) == ("on_hold", {"ship": "blocked"})

    story.sim.advance(3 * 86400)
    story.work()
    assert len(CALLS) == calls

    story.sim.overwrite(story.reference, amount={"currency": "EUR", "value": "24.95"})
    handlers(payflow, ship="tests.shop.fulfilment.ship")
    story.sim.overwrite(story.reference, amountCaptured={"currency": "EUR", "value": "24.95"})
    story.webhook()
    assert "99" not in str(story.payment.amount)
