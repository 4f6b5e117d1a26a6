"""Refunds: asked for once, made once, and what becomes of them later."""

from __future__ import annotations

import pytest

from django_payflow import checkpoints, flow
from django_payflow.exceptions import CommandRefused, InsideTransaction, NotEnoughLeft
from django_payflow.models import Case, Move
from tests.aftercare.kit import TOTAL, again, closed_cases, euro, left, moves, open_cases, sums
from tests.shop.models import Shipment


@pytest.fixture
def paid(till):
    payment = till.pay(method="creditcard")
    assert till.order == "completed"
    return payment


def refund(payment, amount=None, **more):
    return flow.refund(payment_id=payment.pk, amount=amount, **{"actor": "ann", **more})


def test_refund__everything(till, paid):
    assert refund(paid, reason="broken pot").status == "pending"
    assert (sums(paid), left(paid)) == (("paid", TOTAL, 0, 0), 0)

    till.refund_ends(paid)
    assert (sums(paid), moves(paid)) == (("paid", TOTAL, 0, TOTAL), [("refund", TOTAL, "succeeded")])
    assert (again(paid).label, till.order, Case.objects.count()) == ("refunded", "completed", 0)


def test_refund__everything_before_the_delivery_cancels_the_order(till, no_hurry):
    payment = till.pay()
    refund(payment)
    assert till.order == "processing", "it may still fail"

    till.refund_ends(payment)
    assert (till.order, Case.objects.count()) == ("canceled", 0)


@pytest.mark.parametrize("amount", [100, TOTAL - 1])
def test_refund__of_a_part_leaves_the_order_as_it_is(till, no_hurry, amount):
    """Goodwill: one euro back, and the order is delivered all the same."""
    payment = till.pay()
    refund(payment, amount)
    till.refund_ends(payment)

    assert (again(payment).label, till.order, Case.objects.count()) == ("partly refunded", "processing", 0)
    assert again(payment).settles_id == till.story.order.pk


def test_refund__goodwill_does_not_stop_the_delivery(till, payflow):
    payflow(FULFILMENT={"ship": {"HANDLER": "tests.shop.fulfilment.ship"}})
    payment = till.start()
    till.sim.set_status(till.id_of(payment), "paid", webhook=False)
    flow.confirm(payment_id=payment.pk, source="poll")
    refund(payment, 100)
    till.story.work()

    assert (till.order, Shipment.objects.count()) == ("completed", 1)


def test_refund__several_up_to_the_last_cent(till, paid):
    for part in (1000, 900, 595):
        refund(paid, part)
    with pytest.raises(NotEnoughLeft) as refused:
        refund(paid, 1)

    assert (refused.value.left, till.calls("refund")) == (0, 3)
    for number in range(3):
        till.refund_ends(paid, which=number)
    assert (sums(paid)[3], again(paid).label) == (TOTAL, "refunded")
    assert [status for _, _, status in moves(paid)] == ["succeeded"] * 3


def test_refund__more_than_is_left_says_how_much_is(till, paid):
    refund(paid, 1000)

    with pytest.raises(NotEnoughLeft) as refused:
        refund(paid, 1496)

    assert (refused.value.left, "14.95" in str(refused.value)) == (1495, True)
    assert till.made(paid) == [(1000, "pending")]


def test_refund__of_an_unpaid_payment_is_refused_with_its_state(till):
    payment = till.start()

    with pytest.raises(NotEnoughLeft, match="pending"):
        refund(payment)
    assert till.calls("refund") == 0


def test_refund__that_the_provider_refuses_can_be_asked_for_again(till, paid):
    till.sim.overwrite(till.id_of(paid), method="giftcard")
    refused = refund(paid, 1000)
    assert (refused.status, moves(paid), left(paid)) == ("failed", [("refund", 1000, "failed")], TOTAL)
    assert "422" in refused.detail
    assert open_cases() == set(), "the one who asked was told"

    till.sim.overwrite(till.id_of(paid), method="creditcard")
    assert refund(paid, 1000).status == "pending"


@pytest.mark.parametrize("method", ["paysafecard", "giftcard"])
def test_refund__of_what_the_method_never_gives_back_is_refused_before_the_wire(till, method):
    payment = till.pay(method=method)

    with pytest.raises(CommandRefused, match=method):
        refund(payment)
    assert (Move.objects.count(), till.calls("refund")) == (0, 0)


def test_refund__is_not_made_inside_a_transaction(till, paid):
    from django.db import transaction

    with pytest.raises(InsideTransaction), transaction.atomic():
        refund(paid)
    assert Move.objects.count() == 0


# -- the same key is the same refund


def test_key__a_repeat_returns_the_first_one(till, paid):
    first = refund(paid, 1000, key="a" * 36)
    second = refund(paid, 1000, key="a" * 36)

    assert (second.move_id, second.status) == (first.move_id, "pending")
    assert till.made(paid) == [(1000, "pending")]


@pytest.mark.parametrize("other", [{"amount": 999}, {"kind": "void"}])
def test_key__for_another_request_is_refused(till, paid, other):
    refund(paid, 1000, key="a" * 36)

    with pytest.raises(CommandRefused, match="key"):
        if "kind" in other:
            flow.void(payment_id=paid.pk, key="a" * 36, actor="ann")
        else:
            refund(paid, other["amount"], key="a" * 36)
    assert len(till.made(paid)) == 1


# -- what becomes of it later


def test_returned__the_money_came_back_to_us_and_a_person_is_told(till, paid):
    refund(paid, 1000)
    till.refund_ends(paid)
    assert sums(paid)[3] == 1000

    till.refund_ends(paid, "failed")

    assert (sums(paid), moves(paid)) == (("paid", TOTAL, 0, 0), [("refund", 1000, "returned")])
    assert (open_cases(), till.order, left(paid)) == ({"refund_returned"}, "completed", TOTAL)
    till.ask(paid)
    assert Case.objects.count() == 1


def test_failed__before_it_arrived_frees_what_it_had_reserved(till, paid):
    refund(paid)
    till.refund_ends(paid, "failed")

    assert (moves(paid), sums(paid)[3], left(paid)) == ([("refund", TOTAL, "failed")], 0, TOTAL)
    assert refund(paid, 500).status == "pending"


def test_canceled__in_the_dashboard_before_it_was_sent_it_vanishes_from_the_list(till, paid):
    refund(paid, 1000)
    till.refund_ends(paid, "canceled")

    assert (moves(paid), left(paid), open_cases()) == ([("refund", 1000, "canceled")], TOTAL, set())


def test_pending__for_thirty_days_is_still_waited_for_and_a_person_is_told(till, paid):
    till.switch(refund_sent_after=10**8)
    refund(paid, 1000)
    for _ in range(4):
        till.later(7 * 86400)
    assert (moves(paid), open_cases()) == ([("refund", 1000, "pending")], set())

    till.later(3 * 86400)
    assert (moves(paid), open_cases()) == ([("refund", 1000, "pending")], {"move"})
    assert left(paid) == TOTAL - 1000
    till.refund_ends(paid)
    till.later(86400)
    assert (moves(paid), open_cases(), closed_cases()) == ([("refund", 1000, "succeeded")], set(), {"move"})


@pytest.mark.gauntlet("M15")
def test_M15__a_stuck_refund_is_never_failed_without_asking_the_provider(till, paid):
    till.switch(refund_sent_after=10**8)
    refund(paid, 1000)
    till.sim.fault("get", "5xx")
    till.later(40 * 86400)

    assert moves(paid) == [("refund", 1000, "pending")]
    assert left(paid) == TOTAL - 1000


# -- made by others


@pytest.mark.gauntlet("G9")
@pytest.mark.parametrize("status", ["pending", "refunded", "failed"])
def test_G9__a_refund_made_in_the_dashboard_is_adopted_with_its_end(till, paid, status):
    till.by_hand(paid, "refund", amount=euro(500), status=status)

    ends = {"pending": "pending", "refunded": "succeeded", "failed": "failed"}[status]
    assert (moves(paid), open_cases()) == ([("refund", 500, ends)], set())
    assert Move.objects.get().origin == "provider"
    assert left(paid) == TOTAL - (0 if status == "failed" else 500)
    if status == "pending":
        till.refund_ends(paid)
        assert (moves(paid), sums(paid)[3]) == ([("refund", 500, "succeeded")], 500)


def test_aftercare__a_dashboard_refund_whose_webhook_was_lost_is_found_after_a_day(till, paid):
    till.by_hand(paid, "refund", amount=euro(500), status="refunded", webhook=False)
    till.later(80000)
    assert moves(paid) == []

    till.later(7000)
    assert (moves(paid), sums(paid)[3]) == ([("refund", 500, "succeeded")], 500)


def test_aftercare__looks_again_for_half_a_year_and_then_no_more(till, paid):
    looks = []
    while again(paid).next_check_at is not None:
        due = again(paid).next_check_at - again(paid).created_at
        looks.append(round(due.total_seconds() / 86400))
        till.later(86400 * (looks[-1] - (looks[-2] if len(looks) > 1 else 0)) + 1)

    assert looks == [1, 7, 30, 90, 180]


@pytest.mark.gauntlet("M13")
def test_M13__the_refunds_webhook_beats_the_answer_to_our_call(till, paid):
    """What the bank reports while our call is still under way is our refund, not another one."""

    def told() -> None:
        checkpoints.disarm()
        till.refund_ends(paid)

    checkpoints.arm("move.called", told)
    refund(paid, 1000)
    till.story.work()

    assert (moves(paid), sums(paid)[3]) == ([("refund", 1000, "succeeded")], 1000)


def meanwhile(action):
    """Let something happen between our claim and our call."""

    def strike() -> None:
        checkpoints.disarm()
        action()

    checkpoints.arm("move.claimed", strike)


def test_race__the_dashboard_refunds_everything_while_ours_is_on_its_way(till, paid):
    """Mollie takes ours for a duplicate for an hour, then says that nothing is left; the sums are right all along."""
    meanwhile(lambda: till.by_hand(paid, "refund", status="refunded"))
    assert refund(paid).status == "submitting"
    assert (sums(paid)[3], left(paid)) == (TOTAL, 0)

    for _ in range(4):
        till.later(3700)

    assert till.made(paid) == [(TOTAL, "refunded")]
    assert sorted(moves(paid)) == [("refund", TOTAL, "failed"), ("refund", TOTAL, "succeeded")]
    assert (sums(paid)[3], left(paid)) == (TOTAL, 0)


def test_race__a_part_in_the_dashboard_and_a_part_of_ours_are_two(till, paid):
    meanwhile(lambda: till.by_hand(paid, "refund", amount=euro(500), status="refunded"))
    refund(paid, 700)
    till.refund_ends(paid, which=-1)
    till.ask(paid)

    assert sorted(moves(paid)) == [("refund", 500, "succeeded"), ("refund", 700, "succeeded")]
    assert (sums(paid)[3], left(paid)) == (1200, TOTAL - 1200)


def test_race__while_ours_is_unclear_the_provider_is_not_asked_without_pause(till, paid):
    """A stranger's refund beside ours, which may yet turn out to be that one."""
    till.fault("refund", "5xx", times=None)
    assert refund(paid, 700).status == "submitting"
    before = till.calls("get")
    till.by_hand(paid, "refund", amount=euro(500), status="refunded")

    assert till.calls("get") - before < 5
