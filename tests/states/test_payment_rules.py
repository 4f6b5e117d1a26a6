"""Every report shape on every reachable payment row, against the specification said a second time (``spec``).

No database: the rules are pure. One walk visits everything once and asks every invariant; each test then looks at
one invariant's findings, so that a failure names what broke and shows the smallest cases.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from itertools import product

import pytest
from django_fsm import TransitionNotAllowed

from django_payflow.messages import Phase, Report
from django_payflow.models import Payment
from django_payflow.states import (
    DEAD,
    PAYMENT_MOVES,
    CaseKind,
    Doubt,
    Facts,
    Outcome,
    PaymentStatus,
    label_of,
    read_report,
    read_stale_report,
)
from tests.states.spec import Expected, cases_after, expected_label, expected_of, row_resolved
from tests.states.worlds import (
    ALL,
    CARRIED,
    EXPECTED,
    LONG,
    MORE,
    NEW_ROW,
    OVERWRITTEN,
    PART,
    SHORT,
    every_report_shape,
    reachable_rows,
    report_of,
    usual_shapes,
)

P, K = PaymentStatus, CaseKind


@dataclass(frozen=True, kw_only=True)
class Step:
    """One report on one row: once, and the same report again at the same moment."""

    row: Facts
    report: Report
    now: datetime
    once: Outcome
    twice: Outcome
    want: Expected

    @property
    def new(self) -> Facts:
        return self.once.facts

    def cases_after(self, open_before: frozenset[CaseKind]) -> frozenset[CaseKind]:
        return cases_after(open_before, self.once.opens, self.once.closes)


# --- the invariants: each returns whether a step keeps it


def has_the_status_of_the_specification(step: Step) -> bool:
    want, new = step.want, step.new
    return (new.status, new.doubt, new.asked_wrong) == (want.status, want.doubt, want.asked_wrong)


def keeps_the_sums_of_the_specification(step: Step) -> bool:
    want, new = step.want, step.new
    sums = (new.captured, new.capturable, new.refunded, new.charged_back)
    return (sums, new.vanished_since) == (want.sums, want.vanished_since) and want.observed == (
        new.observed_amount,
        new.observed_currency,
    )


def keeps_what_people_decided(step: Step) -> bool:
    """A report decides nothing for us; only new money makes a question of what was written off."""
    decided = (step.new.let_go, step.new.accepted, step.new.written_off_at is not None)
    return decided == (step.want.let_go, step.want.accepted, step.want.written_off)


def has_the_cases_of_the_specification(step: Step) -> bool:
    want = step.want
    return step.once.opens == want.opens and all(
        step.cases_after(before) == cases_after(before, want.opens, want.closes)
        for before in (frozenset(), frozenset(K))
    )


def remembers_what_was_reported_last(step: Step) -> bool:
    says_it = step.report.currency == step.row.currency and step.report.captured is not None
    return step.new.reported_captured == (step.report.captured if says_it else step.row.reported_captured)


def said_twice_equals_once(step: Step) -> bool:
    return step.twice.facts == step.new


def said_twice_leaves_the_same_cases_open(step: Step) -> bool:
    before = frozenset(), frozenset(K)
    once = [step.cases_after(cases) for cases in before]
    return once == [cases_after(cases, step.twice.opens, step.twice.closes) for cases in once]


def never_lowers_captured(step: Step) -> bool:
    return step.new.captured >= step.row.captured


def paid_leads_only_to_paid_or_conflicted(step: Step) -> bool:
    return step.row.status is not P.PAID or step.new.status in {P.PAID, P.CONFLICTED}


def makes_only_moves_of_the_table(step: Step) -> bool:
    old, new = step.row.status, step.new.status
    return old is new or old in PAYMENT_MOVES[new]


def late_money_opens_a_case_and_closes_it_after_failed(step: Step) -> bool:
    money = step.new.money or step.new.observed_amount
    woken = step.row.status in DEAD and bool(money)
    if not woken:
        return K.LATE_MONEY not in step.once.opens
    answered = step.row.status is P.FAILED or step.new.money <= step.new.refunded + step.new.charged_back
    at_once = answered and (step.new.status is not P.CONFLICTED or step.new.resolved)
    if step.row.status is P.FAILED and step.new.status is P.CONFLICTED:
        at_once = step.new.money_left == 0 and step.new.resolved
    return K.LATE_MONEY in step.once.opens and (K.LATE_MONEY in step.once.closes) is at_once


def a_doubt_opens_mismatch_and_its_end_closes_it(step: Step) -> bool:
    open_question = step.new.doubt is not Doubt.NONE and not row_resolved(step.new)
    doubtful = open_question or step.new.asked_wrong
    return (K.MISMATCH in step.once.opens) == doubtful and (K.MISMATCH in step.once.closes) == (not doubtful)


def conflicted_means_doubt_and_nothing_else_does(step: Step) -> bool:
    return (step.new.status is P.CONFLICTED) == (step.new.doubt is not Doubt.NONE)


def foreign_money_leaves_our_sums_alone(step: Step) -> bool:
    names = ("captured", "capturable", "refunded", "charged_back")
    same = all(getattr(step.new, name) == getattr(step.row, name) for name in names)
    return step.report.currency == step.row.currency or same


def money_vanishes_only_at_the_second_look(step: Step) -> bool:
    if step.new.doubt is not Doubt.VANISHED:
        return True
    since = step.row.vanished_since
    return since is not None and step.now - since >= timedelta(seconds=60)


def has_exactly_one_label(step: Step) -> bool:
    return label_of(step.new) == expected_label(step.new)


INVARIANTS: dict[str, Callable[[Step], bool]] = {
    rule.__name__: rule
    for rule in (
        has_the_status_of_the_specification,
        keeps_the_sums_of_the_specification,
        keeps_what_people_decided,
        remembers_what_was_reported_last,
        has_the_cases_of_the_specification,
        said_twice_equals_once,
        said_twice_leaves_the_same_cases_open,
        never_lowers_captured,
        paid_leads_only_to_paid_or_conflicted,
        makes_only_moves_of_the_table,
        late_money_opens_a_case_and_closes_it_after_failed,
        a_doubt_opens_mismatch_and_its_end_closes_it,
        conflicted_means_doubt_and_nothing_else_does,
        foreign_money_leaves_our_sums_alone,
        money_vanishes_only_at_the_second_look,
        has_exactly_one_label,
    )
}


# --- the walk


@dataclass(frozen=True)
class Walk:
    steps: int
    moves: frozenset[tuple[P, P]]
    broken: dict[str, list[str]]


def walk(rows: list[tuple[Facts, datetime]], reports: list[Report] | tuple[Report, ...] = ()) -> Walk:
    """Take every step from these rows and collect at most five violations of each invariant."""
    steps, moves = 0, set()
    broken: dict[str, list[str]] = {name: [] for name in INVARIANTS}
    for (row, at), report in product(rows, reports or every_report_shape()):
        # How long ago the last look was matters only while money is missed.
        for pause in (LONG,) if row.vanished_since is None else (SHORT, LONG):
            now = at + pause
            once = read_report(row, report, now=now)
            twice, want = read_report(once.facts, report, now=now), expected_of(row, report, now)
            step = Step(row=row, report=report, now=now, once=once, twice=twice, want=want)
            steps += 1
            moves.add((row.status, once.facts.status))
            for name, holds in INVARIANTS.items():
                if len(broken[name]) < 5 and not holds(step):
                    broken[name].append(f"{row}\n  + {report}\n  = {once}")
    return Walk(steps=steps, moves=frozenset(moves), broken=broken)


pytestmark = pytest.mark.timeout(300)


@cache
def three_steps() -> Walk:
    """Two steps of what providers do and of what they should not do, then any shape at all."""
    return walk(reachable_rows(usual_shapes(), 2))


@pytest.mark.parametrize("name", INVARIANTS)
def test_read_report__in_histories_of_three_steps(name):
    assert three_steps().broken[name] == []


@pytest.mark.parametrize("given", [{"let_go": PART}, {"accepted": PART}], ids=["let go", "accepted"])
def test_read_report__on_rows_where_less_is_enough(given):
    found = walk(reachable_rows(usual_shapes(), 1, start=[replace(NEW_ROW, **given)]))

    assert found.steps > 10_000
    assert {name: cases for name, cases in found.broken.items() if cases} == {}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_read_report__in_histories_of_four_steps():
    rows = [*reachable_rows(usual_shapes(), 3), *reachable_rows(every_report_shape(), 1)]
    found = walk(list({repr(row): row for row in rows}.values()))

    assert found.steps > 200_000
    assert {name: cases for name, cases in found.broken.items() if cases} == {}


def test_walk__is_not_empty_and_visits_every_move_of_the_table():
    found = three_steps()
    assert found.steps > 50_000
    assert {(old, new) for old, new in found.moves if old is not new} == {
        (source, target) for target, sources in PAYMENT_MOVES.items() for source in sources if source is not target
    }


def test_every_report_shape__says_every_sum_and_every_word():
    shapes = every_report_shape()
    assert len(shapes) > 500
    for name in ("captured", "capturable", "refunded", "charged_back"):
        assert {getattr(shape, name) for shape in shapes} == {None, 0, PART, ALL, MORE}
    assert {(s.phase, s.held, s.push, s.currency, s.requested) for s in shapes} == set(
        product(Phase, (True, False), (True, False), ("EUR", "USD"), (EXPECTED, EXPECTED + 1, None))
    )


def test_read_report__does_not_read_what_it_overwrites():
    """The walk takes rows that differ only in these columns once; this is why it may."""
    loud = {"phase": Phase.CANCELED, "held": True, "push": True, "asked_wrong": True}
    loud |= {"observed_amount": 7, "observed_currency": "SEK"}
    assert set(loud) == set(OVERWRITTEN)
    loud |= {"reported_captured": 7}
    for (row, at), report in product(reachable_rows(usual_shapes(), 1), every_report_shape()[::7]):
        quiet_row, loud_row = replace(row, **OVERWRITTEN, **CARRIED), replace(row, **loud)
        quiet, noisy = (read_report(known, report, now=at) for known in (quiet_row, loud_row))
        # What was captured by the last word is carried on where this one does not tell.
        assert replace(quiet, facts=replace(quiet.facts, **CARRIED)) == replace(
            noisy, facts=replace(noisy.facts, **CARRIED)
        )


# --- the table of moves, and the model's transitions made of it


def test_payment_moves__paid_leads_only_to_conflicted_and_nothing_returns_to_created():
    assert P.CREATED not in PAYMENT_MOVES
    leads_to = {target for target, sources in PAYMENT_MOVES.items() if P.PAID in sources}
    assert leads_to == {P.PAID, P.CONFLICTED}


@pytest.mark.parametrize(("old", "new"), list(product(P, P)))
def test_move_to__does_what_the_table_says_and_nothing_else(old, new):
    payment = Payment(status=old.value)
    if old in PAYMENT_MOVES.get(new, frozenset()):
        payment.move_to(new)
        assert payment.status == new.value
    else:
        with pytest.raises((TransitionNotAllowed, KeyError)):
            payment.move_to(new)
        assert payment.status == old.value


# --- stale reports


def test_stale_report__only_raises_captured_in_our_currency():
    raised = 0
    for (row, _), report in product(reachable_rows(usual_shapes(), 2), every_report_shape()):
        outcome = read_stale_report(row, report)
        rise = max(0, (report.captured or 0) - row.captured) if report.currency == row.currency else 0
        if not rise:
            assert outcome == Outcome(facts=row)
            continue
        raised += 1
        new = outcome.facts
        assert new.captured == row.captured + rise
        assert new.capturable == max(0, row.capturable - rise)
        changed = {name for name in vars(row) if getattr(row, name) != getattr(new, name)}
        assert changed <= {"captured", "capturable", "status", "doubt", "ever_paid", "asked_wrong"}
        assert new.status in {P.AUTHORIZED, P.PAID, P.CONFLICTED}
        assert new.status is row.status or row.status in PAYMENT_MOVES[new.status]
        assert row.status is not P.PAID or new.status in {P.PAID, P.CONFLICTED}
        assert (K.LATE_MONEY in outcome.opens) == (row.status in DEAD)
        assert read_stale_report(new, report).facts == new
    assert raised > 5_000


def test_stale_report__never_takes_a_standing_doubt_away():
    for doubt in (Doubt.VANISHED, Doubt.CURRENCY):
        row = replace(NEW_ROW, status=P.CONFLICTED, captured=PART, doubt=doubt)
        new = read_stale_report(row, report_of(captured=ALL)).facts
        assert (new.captured, new.doubt, new.status) == (ALL, doubt, P.CONFLICTED)
