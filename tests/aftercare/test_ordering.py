"""Cancelling, expiring and completing a whole order, whatever its payments are doing; deadlines and stock."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_payflow import clock, flow
from django_payflow.exceptions import CommandRefused, InsideTransaction, OrderNotPayable, OutOfStock
from django_payflow.models import Case, Fulfilment, Payment
from tests.aftercare import warehouse
from tests.aftercare.kit import TOTAL, again, closed_cases, euro, moves, open_cases, sums
from tests.conftest import new_order
from tests.shop.models import Shipment


def cancel(till, **more):
    return flow.cancel_order(order_id=till.story.order.pk, **{"reason": "sold out", "actor": "ann", **more})


@pytest.fixture
def stock(payflow):
    payflow(STOCK=warehouse.STOCK)


@pytest.fixture
def hurried(till):
    till.story.order = new_order(pay_before=clock.now() + timedelta(minutes=10))
    return till


# -- cancel


def test_cancel__an_order_that_nobody_began_to_pay(till):
    cancel(till)

    assert (till.order, Payment.objects.count(), till.sim.calls()) == ("canceled", 0, [])
    with pytest.raises(OrderNotPayable):
        till.start()


def test_cancel__open_attempts_are_ended_at_the_provider(till):
    payment = till.start(method="banktransfer")
    cancel(till)

    assert (again(payment).status, till.at_provider(payment)["status"], till.order) == (
        "canceled",
        "canceled",
        "canceled",
    )
    assert open_cases() == set()


def test_cancel__what_the_provider_will_not_end_is_watched_on(till):
    payment = till.start(method="ideal")
    cancel(till)
    assert (again(payment).status, till.order) == ("pending", "canceled")

    till.bank(payment, "paid")
    assert (till.order, open_cases()) == ("on_hold", {"late_money"})


@pytest.mark.gauntlet("M19")
def test_M19__cancel_meets_an_attempt_that_was_just_paid(till):
    """Ending it at the provider shows the money: it is not lost, and a person hears of it."""
    payment = till.start(method="banktransfer")
    till.bank(payment, "paid", told=False)
    cancel(till)

    assert (sums(payment), till.order, open_cases()) == (("paid", TOTAL, 0, 0), "on_hold", {"late_money"})
    assert Shipment.objects.count() == 0


@pytest.mark.gauntlet("M19")
def test_M19__the_stock_timer_asks_first_and_refunds_what_lands_later(hurried, payflow, stock):
    payflow(LATE_PAYMENT="refund")
    first = hurried.start(method="banktransfer")
    hurried.bank(first, "paid", told=False)
    hurried.later(601)
    assert (hurried.order, warehouse.log) == ("completed", ["reserve"]), "it was paid in time"

    hurried.story.order = new_order(pay_before=clock.now() + timedelta(minutes=10))
    second = hurried.start(method="banktransfer")
    hurried.later(601)
    assert hurried.order == "expired"
    hurried.bank(second, "paid")
    assert hurried.made(second) == [(TOTAL, "pending")]
    assert warehouse.log == ["reserve", "reserve", "release"]


def test_cancel__paid_money_goes_back(till, no_hurry):
    payment = till.pay()
    cancel(till)

    assert (till.order, moves(payment), till.made(payment)) == (
        "canceled",
        [("refund", TOTAL, "pending")],
        [(TOTAL, "pending")],
    )
    till.refund_ends(payment)
    assert (till.order, again(payment).label, open_cases()) == ("canceled", "refunded", set())


def test_cancel__whose_refund_fails_is_money_again(till, no_hurry):
    payment = till.pay()
    cancel(till)
    till.refund_ends(payment, "failed")

    assert (moves(payment), till.order) == ([("refund", TOTAL, "failed")], "on_hold")
    assert "late_money" in open_cases()


def test_cancel__authorized_money_is_released(till, payflow):
    payflow(account={"CAPTURE": "manual"}, FULFILMENT={})
    payment = till.pay("authorized", method="creditcard")
    cancel(till)
    assert (till.order, moves(payment)[0][:2]) == ("canceled", ("void", TOTAL))

    till.later()
    till.ask(payment)
    assert (sums(payment), till.order, Case.objects.count()) == (("canceled", 0, 0, 0), "canceled", 0)


def test_cancel__partly_captured_money_is_released_and_refunded(till, no_hurry):
    till.klarna_order()
    payment = till.pay("authorized", method="klarna")
    flow.capture(payment_id=payment.pk, amount=1000, final=False, actor="ann")
    till.later()
    till.ask(payment)
    cancel(till)
    for _ in range(2):
        till.later()
        till.ask(payment)
    assert sorted(moves(payment)) == [
        ("capture", 1000, "succeeded"),
        ("refund", 1000, "pending"),
        ("void", TOTAL - 1000, "succeeded"),
    ]

    till.refund_ends(payment)
    assert (sums(payment), till.order, open_cases()) == (("paid", 1000, 0, 1000), "canceled", set())


def test_cancel__while_a_capture_is_under_way(till, payflow):
    """The bank may still say yes: what it takes is not forgotten."""
    payflow(account={"CAPTURE": "manual"}, FULFILMENT={})
    payment = till.pay("authorized", method="creditcard")
    flow.capture(payment_id=payment.pk, actor="ann")
    try:
        cancel(till)
    except CommandRefused:
        assert till.order == "processing"
        return
    till.later()
    till.ask(payment)

    assert sums(payment)[:2] == ("paid", TOTAL)
    assert till.made(payment) or "late_money" in open_cases()


def test_cancel__while_a_fulfilment_runs_is_refused(till, payflow):
    payment = till.pay()
    Fulfilment.objects.filter(handler="ship").update(status="running")
    type(till.story.order).objects.filter(pk=till.story.order.pk).update(status="processing")

    with pytest.raises(CommandRefused, match="running"):
        cancel(till)
    assert (till.order, moves(payment)) == ("processing", [])


def test_cancel__of_a_completed_order_is_refused(till):
    payment = till.pay()

    with pytest.raises(CommandRefused, match="completed"):
        cancel(till)
    assert moves(payment) == []


def test_cancel__of_a_conflicted_order_is_refused_until_its_money_is_decided_about(till):
    payment = till.start()
    till.sim.overwrite(till.id_of(payment), amount=euro(100))
    till.bank(payment, "paid")

    with pytest.raises(CommandRefused, match="conflicted"):
        cancel(till)
    flow.refund(payment_id=payment.pk, actor="ann")
    till.refund_ends(payment)
    cancel(till)
    assert till.order == "canceled"


def test_cancel__twice_is_refused_and_refunds_once(till, no_hurry):
    payment = till.pay()
    cancel(till)

    with pytest.raises(CommandRefused, match="already"):
        cancel(till)
    assert len(till.made(payment)) == 1


def test_cancel__what_was_not_delivered_is_never_delivered(till, payflow):
    payment = till.start()
    till.sim.set_status(till.id_of(payment), "paid", webhook=False)
    flow.confirm(payment_id=payment.pk, source="poll")
    cancel(till)
    till.later(3600)

    assert set(Fulfilment.objects.values_list("status", flat=True)) == {"canceled"}
    assert Shipment.objects.count() == 0


@pytest.mark.parametrize("command", [flow.cancel_order, flow.expire_order, flow.complete_order])
def test_commands__are_not_run_inside_a_transaction(till, command):
    from django.db import transaction

    with pytest.raises(InsideTransaction), transaction.atomic():
        command(order_id=till.story.order.pk, actor="ann")


@pytest.mark.gauntlet("G10")
def test_G10__cancel_that_dies_before_it_told_the_provider_is_finished_by_the_sweep(till, no_hurry, monkeypatch):
    class Killed(BaseException):
        pass

    def die(*_, **__):
        raise Killed

    payment = till.pay()
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr("django_payflow.flow.ordering.carry_out", die)
        cancel(till)
    assert (till.order, till.made(payment)) == ("canceled", [])

    till.story.work()
    assert till.made(payment) == [(TOTAL, "pending")]


# -- expire, complete, cancel one attempt


def test_expire__asks_the_provider_first(till):
    payment = till.start(method="banktransfer")
    flow.expire_order(order_id=till.story.order.pk, actor="ann")

    assert (again(payment).status, till.order) == ("canceled", "expired")
    assert till.at_provider(payment)["status"] == "canceled"


def test_expire__money_that_is_seen_counts(till):
    payment = till.start(method="banktransfer")
    till.bank(payment, "paid", told=False)
    flow.expire_order(order_id=till.story.order.pk, actor="ann")
    till.story.work()

    assert (sums(payment)[0], till.order, open_cases()) == ("paid", "completed", set())


def test_expire__waits_for_what_cannot_be_ended(till):
    payment = till.start(method="ideal")
    flow.expire_order(order_id=till.story.order.pk, actor="ann")
    assert (again(payment).status, till.order) == ("pending", "pending")

    till.bank(payment, "expired")
    assert till.order == "expired"


def test_expire__of_a_paid_order_is_refused(till):
    payment = till.pay()

    with pytest.raises(CommandRefused, match="completed"):
        flow.expire_order(order_id=till.story.order.pk, actor="ann")
    assert moves(payment) == []


def test_complete__by_hand_where_no_handler_says_so(till, no_hurry):
    till.pay()
    assert till.order == "processing"
    flow.complete_order(order_id=till.story.order.pk, actor="ann")
    assert till.order == "completed"

    with pytest.raises(CommandRefused):
        flow.complete_order(order_id=till.story.order.pk, actor="ann")


def test_complete__of_what_is_not_paid_or_not_delivered_is_refused(till, payflow):
    with pytest.raises(CommandRefused):
        flow.complete_order(order_id=till.story.order.pk, actor="ann")
    payflow(FULFILMENT={"ship": {"HANDLER": "tests.shop.fulfilment.nowhere"}})
    till.pay()

    with pytest.raises(CommandRefused, match="ship"):
        flow.complete_order(order_id=till.story.order.pk, actor="ann")
    assert till.order == "processing"


def test_cancel_payment__ends_one_attempt_and_the_buyer_may_start_another(till):
    payment = till.start(method="banktransfer")
    flow.cancel_payment(payment_id=payment.pk, reason="wrong account", actor="ann")

    assert (again(payment).status, till.order) == ("canceled", "failed")
    assert till.pay().status == "paid"
    with pytest.raises(CommandRefused):
        flow.cancel_payment(payment_id=payment.pk, actor="ann")


# -- stock: reserved once, released once


def test_stock__is_reserved_once_however_many_attempts_there_are(till, stock):
    for method in ("banktransfer", "ideal", "creditcard"):
        till.start(method=method)
    assert warehouse.log == ["reserve"]
    till.bank(again(Payment.objects.latest("pk")), "paid")

    assert (till.order, warehouse.log) == ("completed", ["reserve"])


def test_stock__sold_out_at_the_checkout_starts_nothing(till, stock):
    warehouse.trouble.add("sold out")

    with pytest.raises(OutOfStock) as refused:
        till.start()

    assert "no longer available" in refused.value.buyer_message
    assert (Payment.objects.count(), till.order, till.sim.calls(), warehouse.log) == (0, "draft", [], [])
    warehouse.trouble.clear()
    assert till.start().status == "pending"


@pytest.mark.parametrize("how", ["cancel", "expire", "deadline", "refund"])
def test_stock__is_released_once_however_the_order_ends(till, payflow, stock, how):
    payflow(FULFILMENT={})
    till.story.order = new_order(pay_before=clock.now() + timedelta(minutes=10))
    payment = till.start(method="banktransfer")
    if how == "cancel":
        cancel(till)
    elif how == "expire":
        flow.expire_order(order_id=till.story.order.pk, actor="ann")
    elif how == "deadline":
        till.later(601)
    else:
        till.bank(payment, "paid")
        till.by_hand(payment, "refund", status="refunded")
    for _ in range(2):
        till.later(3600)
    till.ask(payment)

    assert till.order in {"canceled", "expired"}
    assert warehouse.log == ["reserve", "release"]


def test_stock__is_kept_while_the_order_may_still_be_paid(till, stock):
    till.pay("failed")

    assert (till.order, warehouse.log) == ("failed", ["reserve"])
    till.pay()
    assert warehouse.log == ["reserve"]


def test_stock__late_money_reserves_anew_and_is_released_once_more(till, payflow, stock):
    payflow(LATE_PAYMENT="reopen", FULFILMENT={})
    payment = till.start(method="banktransfer")
    cancel(till)
    till.bank(payment, "paid")
    assert (till.order, warehouse.log) == ("processing", ["reserve", "release", "reserve"])

    cancel(till)
    till.later(3600)
    assert (till.order, warehouse.log) == ("canceled", ["reserve", "release", "reserve", "release"])


def test_stock__a_release_that_fails_is_a_case_and_is_tried_again(till, stock):
    till.start(method="banktransfer")
    warehouse.trouble.add("broken")
    cancel(till)
    assert (till.order, open_cases(), warehouse.log) == ("canceled", {"stock"}, ["reserve"])

    till.later(601)
    assert (open_cases(), warehouse.log) == ({"stock"}, ["reserve"])
    warehouse.trouble.clear()
    till.later(601)

    assert (open_cases(), closed_cases(), warehouse.log) == (set(), {"stock"}, ["reserve", "release"])
    till.later(3600)
    assert warehouse.log == ["reserve", "release"]


def test_stock__late_money_on_hold_reserves_nothing_until_a_person_decides(till, stock):
    payment = till.start(method="banktransfer")
    cancel(till)
    till.bank(payment, "paid")
    assert (till.order, warehouse.log) == ("on_hold", ["reserve", "release"])

    flow.deliver_late(payment_id=payment.pk, reason="there is one left", actor="ann")
    till.story.work()
    assert (till.order, warehouse.log) == ("completed", ["reserve", "release", "reserve"])


def test_deadline__an_authorization_in_time_is_kept(hurried, payflow):
    payflow(account={"CAPTURE": "manual"}, FULFILMENT={})
    payment = hurried.pay("authorized", method="creditcard")
    hurried.later(3600)

    assert (again(payment).status, hurried.order, moves(payment)) == ("authorized", "processing", [])
