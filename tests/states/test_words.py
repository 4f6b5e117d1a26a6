"""Sets of words and what a value is when nobody says otherwise, typed in a second time from the specification."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from django_payflow.messages import Phase
from django_payflow.states import (
    ALIVE,
    BLOCKING_CASES,
    CASE_ADVICE,
    CLOSABLE,
    CLOSED_ORDER,
    DEAD,
    FULFILLING,
    ORDER_MOVES,
    PAYABLE_ORDER,
    PAYMENT_MOVES,
    SECURING,
    VANISH_CONFIRMED_AFTER,
    Attempt,
    CaseKind,
    Doubt,
    Facts,
    OrderOutcome,
    OrderStatus,
    Outcome,
    PaymentStatus,
    recompute,
)

GROUPS = [
    (ALIVE, PaymentStatus, "created pending processing"),
    (DEAD, PaymentStatus, "failed canceled expired"),
    (SECURING, PaymentStatus, "authorized paid"),
    (PAYABLE_ORDER, OrderStatus, "draft pending failed"),
    (CLOSED_ORDER, OrderStatus, "canceled expired"),
    (FULFILLING, OrderStatus, "processing completed"),
    (BLOCKING_CASES, CaseKind, "late_money mismatch authorization_lost chargeback overdrawn"),
    (
        CLOSABLE,
        CaseKind,
        "surplus unsettled authorization_lost authorization_ending chargeback overdrawn refund_returned move "
        "unknown_object unresolved foreign_object",
    ),
]
ORDER_SOURCES = {
    "pending": "draft failed on_hold processing",
    "processing": "draft pending failed on_hold",
    "on_hold": "draft pending processing failed canceled expired",
    "failed": "draft pending on_hold processing",
    "canceled": "draft pending processing on_hold failed",
    "expired": "draft pending failed on_hold processing",
    "completed": "processing",
}


@pytest.mark.parametrize(("group", "kind", "words"), GROUPS)
def test_group__has_the_members_of_the_specification(group, kind, words):
    assert group == {kind(word) for word in words.split()}


def test_order_moves__are_those_of_the_specification():
    made = {target.value: {source.value for source in sources} for target, sources in ORDER_MOVES.items()}
    assert made == {target: set(sources.split()) for target, sources in ORDER_SOURCES.items()}


@pytest.mark.parametrize("target", PaymentStatus)
def test_payment_moves__are_all_but_those_from_paid_and_none_to_created(target):
    if target is PaymentStatus.CREATED:
        assert target not in PAYMENT_MOVES
        return
    forbidden = set() if target in {PaymentStatus.PAID, PaymentStatus.CONFLICTED} else {PaymentStatus.PAID}
    assert PAYMENT_MOVES[target] == set(PaymentStatus) - forbidden


def test_advice__is_given_for_every_kind_of_case_and_is_its_own():
    assert set(CASE_ADVICE) == set(CaseKind)
    assert len(set(CASE_ADVICE.values())) == len(CaseKind)


# --- what nobody said

START = datetime(2026, 3, 1, tzinfo=UTC)
FACTS = Facts(expected=100, currency="EUR")


def test_vanished__is_believed_after_a_minute():
    assert timedelta(seconds=60) == VANISH_CONFIRMED_AFTER


def test_new_row__has_no_money_and_no_question():
    said = {"status": PaymentStatus.CREATED, "phase": Phase.OPEN, "doubt": Doubt.NONE, "observed_currency": ""}
    sums = dict.fromkeys(("capturable", "captured", "refunded", "charged_back", "let_go"), 0)
    flags = dict.fromkeys(("held", "push", "ever_paid", "asked_wrong"), False)
    unknown = dict.fromkeys(
        ("accepted", "observed_amount", "vanished_since", "reported_captured", "written_off_at"), None
    )
    assert vars(FACTS) == {"expected": 100, "currency": "EUR", **said, **sums, **flags, **unknown}


def test_values__say_the_quiet_thing_unless_told():
    assert vars(Attempt(id=1, facts=FACTS)) == {
        "id": 1,
        "facts": FACTS,
        "secured_by_authorization": True,
        "same_currency": True,
        "settling": False,
        "going_back": 0,
    }
    nothing = frozenset()
    assert vars(OrderOutcome(status=OrderStatus.PENDING)) == {
        "status": OrderStatus.PENDING,
        "settles": None,
        "surplus": nothing,
        "unsettled": nothing,
        "late": nothing,
    }
    assert vars(Outcome(facts=FACTS)) == {
        "facts": FACTS,
        "opens": nothing,
        "closes": nothing,
        "withdraw": False,
        "look_again_at": None,
    }


def test_recompute__takes_an_order_as_unblocked_in_time_and_wanted():
    assert recompute(OrderStatus.PENDING, 100, []).status is OrderStatus.PENDING


def test_recompute__of_another_currency_settles_nothing():
    paid = Facts(expected=100, currency="EUR", status=PaymentStatus.PAID, captured=100)
    foreign = recompute(OrderStatus.PENDING, 100, [Attempt(id=1, facts=paid, same_currency=False)])
    assert (foreign.status, foreign.settles, foreign.unsettled) == (OrderStatus.ON_HOLD, None, {1})
