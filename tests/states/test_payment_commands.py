"""What people decide about a payment: let go, accept, write off, record; alone, and between reports.

The walk is that of ``test_payment_rules`` with commands as further steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

import pytest

from django_payflow.messages import Phase
from django_payflow.states import (
    CLOSABLE,
    PAYMENT_MOVES,
    CaseKind,
    Doubt,
    Facts,
    Outcome,
    PaymentStatus,
    accept,
    label_of,
    let_go,
    read_report,
    read_stale_report,
    record_sums,
    write_off,
)
from tests.states.spec import Expected, cases_after, expected_label, expected_of_command, row_resolved
from tests.states.test_payment_rules import INVARIANTS as REPORT_INVARIANTS
from tests.states.test_payment_rules import Walk, walk
from tests.states.worlds import (
    ALL,
    COMMANDS,
    EXPECTED,
    LONG,
    MORE,
    NEW_ROW,
    PART,
    START,
    Command,
    every_report_shape,
    reachable_rows,
    report_of,
    usual_shapes,
)

P, K = PaymentStatus, CaseKind
NONE, EVERY = frozenset[CaseKind](), frozenset(K)

TELLING = (
    report_of(Phase.OPEN),
    report_of(Phase.CANCELED),
    report_of(Phase.OPEN, requested="wrong"),
    report_of(capturable=ALL),
    report_of(captured=PART, capturable=ALL - PART),
    report_of(captured=PART),
    report_of(captured=ALL),
    report_of(captured=MORE),
    report_of(captured=MORE, refunded=MORE),
    report_of(captured=ALL, charged_back=ALL),
    report_of(captured=None, capturable=None, refunded=None, charged_back=None),
    report_of(captured=ALL, currency="USD"),
)
"""A report for each way in which a row can be open to a decision."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One command on one row, and the same command again."""

    row: Facts
    command: Command
    once: Outcome
    twice: Outcome
    want: Expected

    @property
    def new(self) -> Facts:
        return self.once.facts


# --- the invariants: each returns whether a decision keeps it


def has_the_status_of_the_specification(step: Decision) -> bool:
    return (step.new.status, step.new.doubt) == (step.want.status, step.want.doubt)


def keeps_what_the_specification_keeps(step: Decision) -> bool:
    new, want = step.new, step.want
    sums = (new.captured, new.capturable, new.refunded, new.charged_back)
    decided = (new.let_go, new.accepted, new.written_off_at is not None)
    return (sums, decided) == (want.sums, (want.let_go, want.accepted, want.written_off))


def has_the_cases_of_the_specification(step: Decision) -> bool:
    once, want = step.once, step.want
    return once.opens == want.opens and all(
        cases_after(before, once.opens, once.closes) == cases_after(before, want.opens, want.closes)
        for before in (NONE, EVERY)
    )


def touches_nothing_that_the_provider_says(step: Decision) -> bool:
    """Only the person who reads the bank's papers may change sums, and never what came in."""
    ours = {"let_go", "accepted", "written_off_at", "status", "doubt", "ever_paid"}
    if step.command.name == "record_sums":
        ours |= {"refunded", "charged_back"}
    return {name for name in vars(step.row) if getattr(step.row, name) != getattr(step.new, name)} <= ours


def answers_for_no_provider(step: Decision) -> bool:
    return not step.once.closes & {K.UNKNOWN_OBJECT, K.UNRESOLVED}


def decided_twice_equals_once(step: Decision) -> bool:
    if step.command.name == "let_go":
        return True  # a sum is added each time
    once = [cases_after(before, step.once.opens, step.once.closes) for before in (NONE, EVERY)]
    again = [cases_after(cases, step.twice.opens, step.twice.closes) for cases in once]
    return step.twice.facts == step.new and again == once


def paid_leads_only_to_paid_or_conflicted(step: Decision) -> bool:
    return step.row.status is not P.PAID or step.new.status in {P.PAID, P.CONFLICTED}


def makes_only_moves_of_the_table(step: Decision) -> bool:
    old, new = step.row.status, step.new.status
    return old is new or old in PAYMENT_MOVES[new]


def opens_no_late_money(step: Decision) -> bool:
    """Money comes from providers, not from people."""
    return K.LATE_MONEY not in step.once.opens


def has_exactly_one_label(step: Decision) -> bool:
    return label_of(step.new) == expected_label(step.new)


INVARIANTS: dict[str, Callable[[Decision], bool]] = {
    rule.__name__: rule
    for rule in (
        has_the_status_of_the_specification,
        keeps_what_the_specification_keeps,
        has_the_cases_of_the_specification,
        touches_nothing_that_the_provider_says,
        answers_for_no_provider,
        decided_twice_equals_once,
        paid_leads_only_to_paid_or_conflicted,
        makes_only_moves_of_the_table,
        opens_no_late_money,
        has_exactly_one_label,
    )
}


# --- the walk


def decide(row: Facts, command: Command, now: datetime) -> Decision:
    once = command.do(row, now)
    want = expected_of_command(row, command.name, **dict(command.said))
    return Decision(row=row, command=command, once=once, twice=command.do(once.facts, now), want=want)


def violations(rows: Iterable[tuple[Facts, datetime]]) -> dict[str, list[str]]:
    """Take every decision about these rows; return at most five violations of each invariant."""
    broken: dict[str, list[str]] = {}
    for row, at in rows:
        for command in COMMANDS if row.status is not P.CREATED else ():
            step = decide(row, command, at)
            for name, holds in INVARIANTS.items():
                if not holds(step) and len(broken.setdefault(name, [])) < 5:
                    broken[name].append(f"{row}\n  + {command}\n  = {step.once}")
    return broken


def broken_of(found: Walk) -> dict[str, list[str]]:
    return {name: cases for name, cases in found.broken.items() if cases}


def test_commands__on_every_row_that_one_report_of_any_shape_leads_to():
    rows = [(read_report(NEW_ROW, shape, now=START).facts, START) for shape in every_report_shape()]
    assert violations(rows) == {}


def test_commands__between_reports_in_histories_of_four_steps():
    """Every decision, and every telling report, on every row that three of either lead to."""
    rows = reachable_rows(TELLING, 3, commands=COMMANDS)
    assert len(rows) > 500
    assert violations(rows) == {}
    assert broken_of(walk(rows, TELLING)) == {}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_commands__between_reports_of_every_shape():
    rows = [*reachable_rows(usual_shapes(), 2, commands=COMMANDS), *reachable_rows(TELLING, 3, commands=COMMANDS)]
    assert violations(rows) == {}
    assert broken_of(walk(rows, every_report_shape()[::3])) == {}
    long = reachable_rows(TELLING, 4, commands=COMMANDS)
    assert violations(long) == {}
    assert broken_of(walk(long, TELLING)) == {}


def test_walks__use_the_invariants_of_reports_also_after_decisions():
    assert {"has_the_cases_of_the_specification", "keeps_what_people_decided"} <= set(REPORT_INVARIANTS)


# --- let go


ROWS = [known for known in reachable_rows(usual_shapes(), 2) if known[0].status is not P.CREATED]


def test_let_go__up_and_down_again_returns_to_the_same_facts():
    rows = [*ROWS, *((replace(row, let_go=PART), at) for row, at in ROWS)]
    for row, _ in rows:
        there = let_go(row, PART).facts
        back = let_go(there, -PART).facts
        before = let_go(row, 0).facts
        # The row remembers that it was paid meanwhile: what is capturable afterwards is odd all the same.
        assert back == replace(before, ever_paid=row.ever_paid or there.status is P.PAID)
        assert row.let_go or before == row


def test_let_go__taken_back_leaves_the_same_cases_open_as_if_it_had_never_been():
    for row, _ in ROWS:
        there = let_go(row, ALL)
        back = let_go(there.facts, -ALL)
        lost = K.AUTHORIZATION_LOST  # it closed when the loss seemed to be meant: the next report cannot reopen it
        conflict = row.status is P.CONFLICTED and not row_resolved(row)
        open_before = frozenset({K.MISMATCH}) if conflict or row.asked_wrong else NONE
        middle = cases_after(open_before, there.opens, there.closes)
        assert cases_after(middle, back.opens, back.closes) - {lost} == open_before, row


def test_let_go__never_falls_below_nothing():
    assert let_go(replace(NEW_ROW, status=P.PENDING, let_go=PART), -ALL).facts.let_go == 0


def test_let_go__of_everything_makes_the_end_of_an_authorization_a_release():
    row = read_report(NEW_ROW, report_of(capturable=ALL), now=START).facts
    ended = read_report(let_go(row, ALL).facts, report_of(Phase.CANCELED), now=START)
    assert (ended.facts.status, ended.facts.released, label_of(ended.facts)) == (P.CANCELED, True, "voided")
    assert K.AUTHORIZATION_LOST not in ended.opens

    lost = read_report(row, report_of(Phase.CANCELED), now=START)
    assert (lost.facts.released, label_of(lost.facts)) == (False, "canceled")
    assert K.AUTHORIZATION_LOST in lost.opens


# --- accept


def conflicts(doubt: Doubt) -> list[tuple[Facts, datetime]]:
    return [(row, at) for row, at in ROWS if row.status is P.CONFLICTED and row.doubt is doubt]


def same_sums(row: Facts, **changed: int) -> dict[str, int]:
    names = ("captured", "capturable", "refunded", "charged_back")
    return {name: getattr(row, name) for name in names} | changed


def test_accept__is_kept_by_the_same_report_and_ended_by_another_sum():
    rows = conflicts(Doubt.AMOUNT)
    assert len(rows) > 20
    for row, at in rows:
        taken = accept(row)
        assert taken.facts.status in {P.AUTHORIZED, P.PAID}
        assert K.MISMATCH in taken.closes
        same = read_report(taken.facts, report_of(**same_sums(row)), now=at)
        assert (same.facts.status, same.facts.doubt) == (taken.facts.status, Doubt.NONE)
        other = read_report(taken.facts, report_of(**same_sums(row, captured=row.captured + 3)), now=at)
        in_range = row.money + 3 == EXPECTED
        assert (other.facts.doubt is Doubt.AMOUNT) is not in_range
        assert (K.MISMATCH in other.opens) is not (in_range or row_resolved(other.facts))


def test_accept__allows_what_became_capturable_after_paid():
    """docs/decisions/0005: the command has to clear the memory that the row was once paid."""
    row = read_report(NEW_ROW, report_of(captured=ALL), now=START).facts
    row = read_report(row, report_of(captured=ALL, capturable=PART), now=START).facts
    assert row.status is P.CONFLICTED
    taken = accept(row).facts
    assert (taken.status, taken.ever_paid) == (P.AUTHORIZED, False)
    paid = read_report(taken, report_of(captured=ALL + PART), now=START).facts
    assert (paid.status, paid.ever_paid) == (P.PAID, True)


def test_accept__answers_no_doubt_about_vanished_or_foreign_money():
    for doubt in (Doubt.VANISHED, Doubt.CURRENCY):
        for row, _ in conflicts(doubt):
            taken = accept(row)
            assert (taken.facts.status, taken.facts.doubt) == (P.CONFLICTED, doubt)
            assert K.MISMATCH not in taken.closes


def test_accept__of_less_ends_the_question_about_a_lost_authorization():
    row = read_report(NEW_ROW, report_of(capturable=ALL), now=START).facts
    lost = read_report(row, report_of(captured=PART), now=START)
    assert {K.AUTHORIZATION_LOST, K.MISMATCH} <= lost.opens
    assert {K.AUTHORIZATION_LOST, K.MISMATCH} <= accept(lost.facts).closes


# --- write off


def test_write_off__keeps_the_status_and_ends_the_question():
    for doubt in (Doubt.AMOUNT, Doubt.VANISHED, Doubt.CURRENCY):
        for row, at in conflicts(doubt):
            gone = write_off(row, now=at)
            assert gone.facts == replace(row, written_off_at=at)
            assert (gone.facts.resolved, gone.opens, gone.closes) == (True, NONE, {K.MISMATCH, K.LATE_MONEY})


@pytest.mark.parametrize("currency", ["EUR", "USD"])
def test_write_off__is_kept_by_the_same_report_and_taken_back_by_more_money(currency):
    def said(amount: int):
        return report_of(captured=amount, currency=currency)

    row = read_report(NEW_ROW, said(PART), now=START).facts
    gone = write_off(row, now=START).facts
    same = read_report(gone, said(PART), now=START + LONG)
    assert (same.facts.status, same.facts.resolved, K.MISMATCH in same.opens) == (P.CONFLICTED, True, False)
    more = read_report(gone, said(PART + 3), now=START + LONG)
    assert (more.facts.written_off_at, K.MISMATCH in more.opens) == (None, True)


# --- record what the bank's papers say


def test_record_sums__is_kept_by_a_provider_that_tells_neither():
    row = read_report(NEW_ROW, report_of(captured=ALL, refunded=None, charged_back=None), now=START).facts
    known = record_sums(row, refunded=PART, charged_back=3)
    assert (known.facts.refunded, known.facts.charged_back, known.facts.status) == (PART, 3, P.PAID)
    assert K.CHARGEBACK in known.opens
    again = read_report(known.facts, report_of(captured=ALL, refunded=None, charged_back=None), now=START)
    assert replace(again.facts, reported_captured=ALL) == known.facts
    assert not again.opens


def test_record_sums__opens_and_closes_what_a_report_would():
    row = read_report(NEW_ROW, report_of(captured=ALL), now=START).facts
    over = record_sums(row, refunded=ALL, charged_back=PART)
    assert over.opens == {K.CHARGEBACK, K.OVERDRAWN}
    assert record_sums(over.facts, refunded=ALL, charged_back=PART).opens == NONE
    more = record_sums(over.facts, refunded=ALL, charged_back=ALL)
    assert more.opens == {K.CHARGEBACK, K.OVERDRAWN}
    less = record_sums(more.facts, refunded=PART, charged_back=ALL)
    assert not {K.OVERDRAWN} & (less.opens | less.closes)  # still too much: an open case stays, a closed one too
    even = record_sums(less.facts, refunded=ALL, charged_back=0)
    assert {K.OVERDRAWN, K.CHARGEBACK, K.LATE_MONEY} <= even.closes


# --- what can be closed by hand


def test_closable__are_the_cases_that_no_fact_and_no_command_has_to_answer():
    assert frozenset(K) - CLOSABLE == {K.LATE_MONEY, K.MISMATCH, K.FULFILMENT, K.STOCK}


# --- known to be wrong today; each turns red when it is mended, then drop its mark


WRITTEN_OFF_AT_40 = write_off(read_report(NEW_ROW, report_of(captured=PART), now=START).facts, now=START).facts


def test_write_off__is_taken_back_by_money_that_an_old_report_brings():
    old = read_stale_report(WRITTEN_OFF_AT_40, report_of(captured=MORE))
    fresh = read_report(old.facts, report_of(captured=MORE), now=START + LONG)
    assert K.MISMATCH in old.opens | fresh.opens
    assert not fresh.facts.resolved


def vanished_row(amount: int) -> tuple[Facts, datetime]:
    row = read_report(NEW_ROW, report_of(captured=amount), now=START).facts
    for looks in (1, 2, 3):
        row = read_report(row, report_of(Phase.FAILED), now=START + looks * LONG).facts
    assert row.doubt is Doubt.VANISHED
    return row, START + 3 * LONG


def test_write_off__of_vanished_money_is_over_once_the_money_is_back():
    row, at = vanished_row(MORE)
    back = read_report(write_off(row, now=at).facts, report_of(captured=MORE), now=at + LONG)
    assert (back.facts.status, back.facts.doubt) == (P.CONFLICTED, Doubt.AMOUNT)
    assert K.MISMATCH in back.opens


def test_write_off__does_not_cover_money_that_vanishes_a_second_time():
    row, at = vanished_row(ALL)
    row = read_report(write_off(row, now=at).facts, report_of(captured=ALL), now=at + LONG).facts
    assert row.status is P.PAID
    for looks in (2, 3, 4):
        outcome = read_report(row, report_of(Phase.FAILED), now=at + looks * LONG)
        row = outcome.facts
    assert row.status is P.CONFLICTED
    assert K.MISMATCH in outcome.opens


def test_late_money__of_a_wrong_sum_is_no_question_when_all_of_it_went_back():
    row = read_report(NEW_ROW, report_of(Phase.EXPIRED), now=START).facts
    late = read_report(row, report_of(captured=MORE), now=START)
    assert {K.LATE_MONEY, K.MISMATCH} <= late.opens
    back = read_report(late.facts, report_of(captured=MORE, refunded=MORE), now=START)
    assert back.facts.resolved
    assert {K.LATE_MONEY, K.MISMATCH} <= back.closes


def test_late_money__in_another_currency_is_no_question_after_the_write_off():
    row = read_report(NEW_ROW, report_of(Phase.EXPIRED), now=START).facts
    late = read_report(row, report_of(captured=ALL, currency="USD"), now=START)
    assert {K.LATE_MONEY, K.MISMATCH} <= late.opens
    assert {K.LATE_MONEY, K.MISMATCH} <= write_off(late.facts, now=START).closes
