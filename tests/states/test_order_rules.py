"""Every order status with every pair of payments, against the table of the specification said a second time.

Pure, like the rules. One walk collects what it finds; a test looks at one invariant each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import product

import pytest
from django_fsm import TransitionNotAllowed

from django_payflow.messages import Phase
from django_payflow.models import get_order_model
from django_payflow.states import (
    ORDER_MOVES,
    Attempt,
    Doubt,
    Facts,
    OrderOutcome,
    OrderStatus,
    PaymentStatus,
    recompute,
)
from tests.states.order_spec import (
    CLOSED,
    conflicted_or_in_review,
    expected_order_status,
    has_money_left,
    settling_one,
    stays,
    waits_for_capture,
)
from tests.states.worlds import START

O, P = OrderStatus, PaymentStatus  # noqa: E741  (read beside P, as in the rules)
TOTAL = 100


def facts(status: P, **known: object) -> Facts:
    return Facts(expected=TOTAL, currency="EUR", status=status, **known)


PAYMENTS: dict[str, Facts] = {
    "created": facts(P.CREATED),
    "pending": facts(P.PENDING),
    "pending, asks for the wrong sum": facts(P.PENDING, asked_wrong=True),
    "pending, held": facts(P.PENDING, held=True),
    "processing": facts(P.PROCESSING, phase=Phase.PROCESSING),
    "processing, bank transfer": facts(P.PROCESSING, phase=Phase.PROCESSING, push=True),
    "failed": facts(P.FAILED, phase=Phase.FAILED),
    "failed, held": facts(P.FAILED, phase=Phase.FAILED, held=True),
    "canceled": facts(P.CANCELED, phase=Phase.CANCELED),
    "canceled, released by us": facts(P.CANCELED, phase=Phase.CANCELED, let_go=100),
    "expired": facts(P.EXPIRED, phase=Phase.EXPIRED),
    "authorized": facts(P.AUTHORIZED, capturable=100),
    "authorized, held": facts(P.AUTHORIZED, capturable=100, held=True),
    "authorized, less accepted": facts(P.AUTHORIZED, capturable=70, accepted=70),
    "partly captured": facts(P.AUTHORIZED, captured=40, capturable=60),
    "partly captured and refunded": facts(P.AUTHORIZED, captured=40, capturable=60, refunded=40),
    "paid": facts(P.PAID, captured=100),
    "paid, held": facts(P.PAID, captured=100, held=True),
    "paid, held and refunded": facts(P.PAID, captured=100, refunded=100, held=True),
    "paid, rest let go": facts(P.PAID, captured=60, let_go=40),
    "paid, less accepted": facts(P.PAID, captured=60, accepted=60),
    "paid, more accepted": facts(P.PAID, captured=160, accepted=160),
    "paid, partly refunded": facts(P.PAID, captured=100, refunded=40),
    "paid, refunded": facts(P.PAID, captured=100, refunded=100),
    "paid, refunded too much": facts(P.PAID, captured=100, refunded=160),
    "paid, partly charged back": facts(P.PAID, captured=100, charged_back=40),
    "paid, charged back": facts(P.PAID, captured=100, charged_back=100),
    "paid, refunded and charged back": facts(P.PAID, captured=100, refunded=60, charged_back=40),
    "too much": facts(P.CONFLICTED, captured=160, doubt=Doubt.AMOUNT),
    "too much, all refunded": facts(P.CONFLICTED, captured=160, refunded=160, doubt=Doubt.AMOUNT),
    "too much, all gone": facts(P.CONFLICTED, captured=160, refunded=60, charged_back=100, doubt=Doubt.AMOUNT),
    "too little": facts(P.CONFLICTED, captured=40, doubt=Doubt.AMOUNT),
    "other currency": facts(P.CONFLICTED, doubt=Doubt.CURRENCY, observed_amount=100, observed_currency="USD"),
    "other currency, written off": facts(
        P.CONFLICTED, doubt=Doubt.CURRENCY, observed_amount=100, observed_currency="USD", written_off_at=START
    ),
    "vanished": facts(P.CONFLICTED, captured=100, doubt=Doubt.VANISHED),
    "vanished, refunded": facts(P.CONFLICTED, captured=100, refunded=100, doubt=Doubt.VANISHED),
    "vanished, written off": facts(P.CONFLICTED, captured=100, doubt=Doubt.VANISHED, written_off_at=START),
}
"""What a payment can look like. A sum that does not fit is always a doubt: paid with less has an explanation."""

CAPTURE_ONLY = ("authorized", "partly captured", "partly captured and refunded", "paid", "paid, rest let go")
"""Also played at an account whose ``SECURED_MEANS`` is "captured"."""
GOING_BACK = (("paid", 100), ("paid", 40), ("authorized", 100), ("paid, partly charged back", 60))
"""Also played while somebody sends so much of it back; the authorization also where only captured money secures."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """An order before a recompute."""

    status: O
    attempts: tuple[Attempt, ...]
    blocked: bool
    past_deadline: bool
    canceled: bool
    outcome: OrderOutcome

    def __str__(self) -> str:
        rows = [f"{_name(a)}{' (settles)' * a.settling}" for a in self.attempts]
        flags = f"{' blocked' * self.blocked}{' past its deadline' * self.past_deadline}{' canceled' * self.canceled}"
        return f"{self.status}{flags}, payments {rows} -> {self.outcome}"


def _name(attempt: Attempt) -> str:
    name = next(name for name, known in PAYMENTS.items() if known == attempt.facts)
    back = f", {attempt.going_back} going back" if attempt.going_back else ""
    return name + back + ("" if attempt.secured_by_authorization else ", only captured secures")


# --- the invariants


def has_the_status_of_the_specification(case: Case) -> bool:
    flags = {"blocked": case.blocked, "past_deadline": case.past_deadline, "canceled": case.canceled}
    return case.outcome.status is expected_order_status(case.status, TOTAL, case.attempts, **flags)


def moves_only_as_the_table_allows(case: Case) -> bool:
    new = case.outcome.status
    return new is case.status or case.status in ORDER_MOVES[new]


def completed_stays_completed(case: Case) -> bool:
    return (case.status is O.COMPLETED) == (case.outcome.status is O.COMPLETED)


def a_closed_order_wakes_only_to_on_hold(case: Case) -> bool:
    return case.status not in CLOSED or case.outcome.status in {case.status, O.ON_HOLD}


def settles_by_at_most_one_payment_that_may(case: Case) -> bool:
    one = settling_one(case.attempts, TOTAL)
    return case.outcome.settles == (one.id if one else None)


def processing_means_settled_and_unblocked(case: Case) -> bool:
    if case.outcome.status is not O.PROCESSING:
        return True
    return case.outcome.settles is not None and not case.blocked


def other_money_is_surplus(case: Case) -> bool:
    settles = case.outcome.settles
    beside = {a.id for a in case.attempts if settles is not None and a.id != settles and has_money_left(a)}
    return case.outcome.surplus == beside


def money_at_a_closed_order_is_late(case: Case) -> bool:
    closed = case.status in CLOSED
    return case.outcome.late == {a.id for a in case.attempts if closed and stays(a)}


def money_that_secures_nothing_is_named(case: Case) -> bool:
    """On an order that nothing else holds up; it is what holds it."""
    rows = case.attempts
    trouble = case.blocked or any(conflicted_or_in_review(a) for a in rows)
    closed = case.status in CLOSED | {O.COMPLETED}
    named = {a.id for a in rows if has_money_left(a) and not waits_for_capture(a)}
    if closed or trouble or settling_one(rows, TOTAL):
        named = set()
    return case.outcome.unsettled == named and (not named or case.outcome.status is O.ON_HOLD)


def asked_again_answers_the_same(case: Case) -> bool:
    again, outcome = ask_again(case), case.outcome
    return replace(again, late=outcome.late, unsettled=outcome.unsettled) == outcome


def closes_no_order_whose_payment_keeps_money(case: Case) -> bool:
    return case.outcome.status not in CLOSED or not any(map(stays, case.attempts))


def money_on_its_way_back_wakes_no_closed_order(case: Case) -> bool:
    if case.status not in CLOSED or any(stays(a) or conflicted_or_in_review(a) for a in case.attempts):
        return True
    return case.outcome.status is case.status and not case.outcome.late


def canceled_says_no_more_than_that(case: Case) -> bool:
    """It closes an order that would have to be asked for money, or be given up; it touches nothing else."""
    if not case.canceled:
        return True
    without = decide(case.status, case.attempts, blocked=case.blocked, past_deadline=case.past_deadline).outcome
    same = replace(case.outcome, status=without.status) == without
    given_up = {O.PENDING, O.FAILED, O.EXPIRED, O.DRAFT, O.CANCELED}
    if case.status in CLOSED or without.status not in given_up:
        return same and case.outcome.status is without.status
    return same and case.outcome.status is (O.CANCELED if not any(map(stays, case.attempts)) else without.status)


INVARIANTS: dict[str, Callable[[Case], bool]] = {
    rule.__name__: rule
    for rule in (
        has_the_status_of_the_specification,
        moves_only_as_the_table_allows,
        completed_stays_completed,
        a_closed_order_wakes_only_to_on_hold,
        settles_by_at_most_one_payment_that_may,
        processing_means_settled_and_unblocked,
        other_money_is_surplus,
        money_at_a_closed_order_is_late,
        money_that_secures_nothing_is_named,
        asked_again_answers_the_same,
        closes_no_order_whose_payment_keeps_money,
        money_on_its_way_back_wakes_no_closed_order,
        canceled_says_no_more_than_that,
    )
}


# --- the walk


def decide(
    status: O,
    attempts: tuple[Attempt, ...],
    *,
    blocked: bool = False,
    past_deadline: bool = False,
    canceled: bool = False,
    total: int = TOTAL,
) -> Case:
    flags = {"blocked": blocked, "past_deadline": past_deadline, "canceled": canceled}
    return Case(status=status, attempts=attempts, outcome=recompute(status, total, attempts, **flags), **flags)


def ask_again(case: Case) -> OrderOutcome:
    """Decide once more from what was written: the status, the link, and the case that late money opens."""
    attempts = tuple(replace(a, settling=a.id == case.outcome.settles) for a in case.attempts)
    blocked = case.blocked or bool(case.outcome.late)
    flags = {"past_deadline": case.past_deadline, "canceled": case.canceled}
    return decide(case.outcome.status, attempts, blocked=blocked, **flags).outcome


def every_set_of_payments() -> Iterator[tuple[Attempt, ...]]:
    """None, one, or two in either order; at most one of them settles now."""
    pool = [Attempt(id=0, facts=known) for known in PAYMENTS.values()]
    pool += [Attempt(id=0, facts=PAYMENTS[name], secured_by_authorization=False) for name in CAPTURE_ONLY]
    pool += [Attempt(id=0, facts=PAYMENTS[name], going_back=back) for name, back in GOING_BACK]
    pool += [Attempt(id=0, facts=PAYMENTS["authorized"], going_back=100, secured_by_authorization=False)]
    yield ()
    for one, settling in product(pool, (False, True)):
        yield (replace(one, id=1, settling=settling),)
    for first, second, settles in product(pool, pool, (0, 1, 2)):
        yield replace(first, id=1, settling=settles == 1), replace(second, id=2, settling=settles == 2)


FLAGS = list(product((False, True), (False, True), (False, True)))
"""Blocked, past the deadline, canceled."""
FLAGS_OF_PAIRS = [(False, False, False), (False, True, False), (False, False, True)]
"""A blocker comes before everything, whatever stands beside it; that is shown with single payments."""


@dataclass(frozen=True)
class Walk:
    cases: int
    moves: frozenset[tuple[O, O]]
    broken: dict[str, list[str]]


pytestmark = pytest.mark.timeout(300)


@cache
def walk() -> Walk:
    cases, moves = 0, set()
    broken: dict[str, list[str]] = {name: [] for name in INVARIANTS}
    for attempts in every_set_of_payments():
        for status, (blocked, past_deadline, canceled) in product(O, FLAGS if len(attempts) < 2 else FLAGS_OF_PAIRS):
            case = decide(status, attempts, blocked=blocked, past_deadline=past_deadline, canceled=canceled)
            cases += 1
            moves.add((status, case.outcome.status))
            for name, holds in INVARIANTS.items():
                if len(broken[name]) < 5 and not holds(case):
                    broken[name].append(str(case))
    return Walk(cases=cases, moves=frozenset(moves), broken=broken)


@pytest.mark.parametrize("name", INVARIANTS)
def test_recompute__of_every_order_with_every_pair_of_payments(name):
    assert walk().broken[name] == []


def test_walk__is_not_empty_and_makes_every_move_of_the_table():
    """All but the way to completed, which is the fulfilments' and never a payment's."""
    assert walk().cases > 100_000
    table = {(source, target) for target, sources in ORDER_MOVES.items() for source in sources}
    made = {(old, new) for old, new in walk().moves if old is not new}
    assert made == table - {(O.PROCESSING, O.COMPLETED)}


@pytest.mark.parametrize(("blocked", "past_deadline"), list(product((False, True), (False, True))))
@pytest.mark.parametrize("status", O)
def test_recompute__an_order_of_zero_needs_no_payment(status, blocked, past_deadline):
    stays = {O.COMPLETED, O.CANCELED, O.EXPIRED}
    outcome = decide(status, (), blocked=blocked, past_deadline=past_deadline, total=0).outcome
    if status in stays:
        expected = status
    elif blocked:
        expected = O.ON_HOLD
    elif status is O.DRAFT:  # nobody has placed it yet
        expected = O.EXPIRED if past_deadline else O.DRAFT
    else:
        expected = O.PROCESSING
    assert outcome == OrderOutcome(status=expected)


@pytest.mark.parametrize(("old", "new"), list(product(O, O)))
def test_move_to__does_what_the_table_says_and_nothing_else(old, new):
    order = get_order_model()(status=old.value)
    if old in ORDER_MOVES.get(new, frozenset()):
        order.move_to(new)
        assert order.status == new.value
    else:
        with pytest.raises((TransitionNotAllowed, KeyError)):
            order.move_to(new)
        assert order.status == old.value


def test_order_moves__completed_and_closed_orders_are_left_as_promised():
    def leads_to(status: O) -> set[O]:
        return {target for target, sources in ORDER_MOVES.items() if status in sources}

    assert leads_to(O.COMPLETED) == set()
    assert leads_to(O.CANCELED) == leads_to(O.EXPIRED) == {O.ON_HOLD}
    assert O.DRAFT not in ORDER_MOVES


# --- stories of two payments


def attempt(number: int, name: str, **more: bool) -> Attempt:
    return Attempt(id=number, facts=PAYMENTS[name], **more)


def test_two_payments__the_first_dies_after_the_second_paid_and_nothing_happens():
    case = decide(O.PROCESSING, (attempt(1, "expired"), attempt(2, "paid", settling=True)))
    assert case.outcome == OrderOutcome(status=O.PROCESSING, settles=2)


def test_two_payments__the_second_money_is_surplus_and_the_first_goes_on_settling():
    case = decide(O.PROCESSING, (attempt(1, "paid"), attempt(2, "paid", settling=True)))
    assert case.outcome == OrderOutcome(status=O.PROCESSING, settles=2, surplus=frozenset({1}))


def test_two_payments__a_refund_of_the_first_lets_the_second_settle():
    case = decide(O.PROCESSING, (attempt(1, "paid, refunded", settling=True), attempt(2, "paid")))
    assert case.outcome == OrderOutcome(status=O.PROCESSING, settles=2)


def test_full_refund__before_the_fulfilment_cancels_the_order_and_a_partial_one_does_not():
    assert decide(O.PROCESSING, (attempt(1, "paid, refunded", settling=True),)).outcome.status is O.CANCELED
    assert decide(O.PROCESSING, (attempt(1, "paid, partly refunded", settling=True),)).outcome.settles == 1


def test_full_refund__does_not_close_an_order_whose_other_payment_keeps_money():
    waiting = attempt(2, "authorized", secured_by_authorization=False)
    case = decide(O.PROCESSING, (attempt(1, "paid, refunded", settling=True), waiting))
    assert case.outcome.status not in CLOSED
    assert ask_again(case).status is case.outcome.status


def test_deadline__does_not_close_an_order_whose_payment_keeps_money():
    """Once an operator may close a chargeback's case, nothing blocks this order any more."""
    case = decide(O.ON_HOLD, (attempt(1, "paid, partly charged back"),), past_deadline=True)
    assert case.outcome.status not in CLOSED
    assert ask_again(case).status is case.outcome.status


def test_refunded_before_it_settled__cancels_the_order_unless_the_buyer_is_paying_again():
    seen_late = attempt(1, "paid, refunded")
    assert decide(O.PENDING, (seen_late,)).outcome.status is O.CANCELED
    assert decide(O.ON_HOLD, (attempt(1, "paid, held and refunded"),)).outcome.status is O.CANCELED
    assert decide(O.PENDING, (seen_late, attempt(2, "pending"))).outcome.status is O.PENDING
    assert decide(O.PENDING, (seen_late, attempt(2, "paid"))).outcome.settles == 2


def test_release__of_the_settling_payment_cancels_the_order():
    gone = attempt(1, "canceled, released by us", settling=True)
    assert decide(O.PROCESSING, (gone,)).outcome.status is O.CANCELED
    assert decide(O.PROCESSING, (gone,), past_deadline=True).outcome.status is O.EXPIRED
    assert decide(O.PROCESSING, (gone, attempt(2, "pending"))).outcome.status is O.PENDING
    assert decide(O.PROCESSING, (attempt(1, "canceled", settling=True),)).outcome.status is O.FAILED
    assert decide(O.PENDING, (replace(gone, settling=False),)).outcome.status is O.FAILED


def test_resolved_conflict__does_not_hold_its_order():
    for name in (
        "too much, all refunded",
        "too much, all gone",
        "other currency, written off",
        "vanished, written off",
    ):
        assert decide(O.ON_HOLD, (attempt(1, name),)).outcome.status is O.FAILED
        assert decide(O.CANCELED, (attempt(1, name),)).outcome.status is O.CANCELED
        assert decide(O.ON_HOLD, (attempt(1, name), attempt(2, "paid"))).outcome.status is O.PROCESSING


def test_canceled__closes_an_order_as_soon_as_nothing_is_in_its_way():
    for status in (O.PENDING, O.ON_HOLD, O.PROCESSING, O.FAILED):
        assert decide(status, (attempt(1, "pending"),), canceled=True).outcome.status is O.CANCELED
    assert decide(O.ON_HOLD, (attempt(1, "too much"),), canceled=True).outcome.status is O.ON_HOLD
    assert decide(O.ON_HOLD, (attempt(1, "paid"),), canceled=True).outcome.status is O.PROCESSING
    left = attempt(1, "paid, partly charged back")
    assert decide(O.ON_HOLD, (left,), canceled=True).outcome.status is O.ON_HOLD


def test_going_back__of_all_that_is_there_leaves_a_closed_order_closed():
    back = replace(attempt(1, "paid"), going_back=100)
    assert decide(O.CANCELED, (back,)).outcome == OrderOutcome(status=O.CANCELED, settles=1)
    some = replace(back, going_back=99)
    assert decide(O.CANCELED, (some,)).outcome == OrderOutcome(status=O.ON_HOLD, settles=1, late=frozenset({1}))


def test_canceled__does_not_close_an_order_whose_authorization_stays():
    waiting = attempt(1, "authorized", secured_by_authorization=False)
    case = decide(O.ON_HOLD, (waiting,), canceled=True)
    assert case.outcome.status not in CLOSED
    assert ask_again(case).status is case.outcome.status
