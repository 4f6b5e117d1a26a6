"""Thousands of long histories of two payments of one order, by hypothesis: ``bank`` has the truth, ``desk`` our rows.

Reports may be old, answers late or lost, people decide what they like and whenever they like. After every step the
rows are asked what must always hold; at the end of each history everything is brought to rest, and then the rows say
what the banks say.

``PAYFLOW_SOAK`` is how many histories are played (2,000 without it); ``PAYFLOW_SEED`` moves all seeds. A failing
test names its seed, and the same seed plays the same histories again.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from django_payflow.messages import MoveKind, Report
from django_payflow.messages import Phase as P
from django_payflow.states import (
    CLOSABLE,
    CaseKind,
    Doubt,
    MoveEvent,
    MoveStatus,
    OrderStatus,
    PaymentStatus,
    accept,
    record_sums,
    write_off,
)
from tests.services import ledger
from tests.states.bank import CURRENCY, Bank
from tests.states.desk import ENDED, REPLIES, Desk, Move, Row
from tests.states.order_spec import CLOSED, conflicted, stays
from tests.states.spec import expected_of, row_resolved

K, M, E = CaseKind, MoveStatus, MoveEvent
HISTORIES = int(os.environ.get("PAYFLOW_SOAK") or 2000)
FIRST_SEED = int(os.environ.get("PAYFLOW_SEED") or 1)
SHARDS = max(4, HISTORIES // 5000)
STEPS = 20

which = st.sampled_from([0, 0, 1])
seen = st.sampled_from([True, True, False])
"""Whether we look at once."""
perhaps = st.sampled_from([False, False, True])
amounts = st.sampled_from([100, 100, 100, 60, 40, 160])
parts = st.sampled_from([1000, 40, 60, 1])
"""Of what is there: all, or some."""


STARTS = [
    "paid",
    "authorized",
    "refunded",
    "being refunded",
    "being captured",
    "abroad",
    "failed",
    "expired",
    "created",
]


class Histories(RuleBasedStateMachine):
    """Everything that can happen, in any order."""

    happened: Counter[str] = Counter()

    @initialize(
        mute=st.sampled_from([(False, False), (False, True), (True, False)]),
        by_authorization=st.sampled_from([True, True, False]),
        first=st.sampled_from(STARTS),
        second=st.sampled_from(["paid", "authorized", "canceled", "created", "created"]),
    )
    def begin(self, mute: tuple[bool, bool], by_authorization: bool, first: str, second: str) -> None:
        self.desk = Desk((Bank(mute=mute[0]), Bank(mute=mute[1])), by_authorization=by_authorization)
        self.under_way: list[tuple[Row, int, Report]] = []
        self.goes_so_far(0, first)
        self.goes_so_far(1, second)

    def goes_so_far(self, number: int, start: str) -> None:
        """What a payment has behind it when the history begins."""
        bank = self.row(number).bank
        if start in {"paid", "refunded", "being refunded", "abroad"}:
            bank.pay(100, "USD" if start == "abroad" else CURRENCY, capture=True)
        elif start in {"authorized", "being captured"}:
            bank.pay(100, CURRENCY, capture=False)
        elif start != "created":
            bank.end(P(start))
        if start != "created":
            self.look(number=number)
        if start in {"refunded", "being refunded"}:
            self.ask_refund(number=number, amount=60, approved=True)
        elif start == "being captured":
            self.ask_capture(number=number, amount=60, final=True)
        if start == "refunded" and not bank.mute:
            self.send(fate="answered")
            self.refund_ends(status="succeeded", at_once=True)

    def row(self, number: int) -> Row:
        return self.desk.rows[number]

    def moves(self, *statuses: M) -> list[tuple[Row, Move]]:
        return [(row, move) for row in self.desk.rows for move in row.moves if move.status in statuses]

    def some_bank(self, column: str) -> bool:
        return any(getattr(row.bank, column) for row in self.desk.rows)

    def glance(self, number: int, at_once: bool) -> None:
        if at_once:
            self.look(number=number)

    # --- at the bank

    @rule(
        number=which,
        amount=amounts,
        currency=st.sampled_from([CURRENCY] * 5 + ["USD"]),
        capture=st.booleans(),
        at_once=seen,
    )
    def buyer_pays(self, number: int, amount: int, currency: str, capture: bool, at_once: bool) -> None:
        bank = self.row(number).bank
        if bank.captured == bank.capturable == 0 and not bank.voids:
            bank.pay(amount, currency, capture=capture)
        self.glance(number, at_once)

    @rule(number=which, phase=st.sampled_from([P.PROCESSING, P.FAILED, P.CANCELED, P.EXPIRED]), at_once=seen)
    def attempt_changes(self, number: int, phase: P, at_once: bool) -> None:
        bank = self.row(number).bank
        if not bank.captured:
            bank.end(phase)
        self.glance(number, at_once)

    @precondition(lambda self: self.some_bank("capturable"))
    @rule(number=which, amount=parts, at_once=seen)
    def somebody_captures(self, number: int, amount: int, at_once: bool) -> None:
        bank = self.row(number).bank
        if bank.capturable:
            bank.take(amount)
        self.glance(number, at_once)

    @precondition(lambda self: self.some_bank("capturable"))
    @rule(number=which, at_once=seen)
    def authorization_runs_out(self, number: int, at_once: bool) -> None:
        bank = self.row(number).bank
        if bank.capturable:
            bank.end(P.EXPIRED)
        self.glance(number, at_once)

    @rule(number=which, at_once=seen)
    def review_begins_or_ends(self, number: int, at_once: bool) -> None:
        bank = self.row(number).bank
        bank.held = not bank.held
        self.glance(number, at_once)

    @precondition(lambda self: self.some_bank("captured"))
    @rule(number=which, at_once=seen)
    def money_vanishes_or_is_back(self, number: int, at_once: bool) -> None:
        bank = self.row(number).bank
        bank.missing = 0 if bank.missing else max(0, bank.refundable)
        self.glance(number, at_once)

    @precondition(lambda self: self.some_bank("captured"))
    @rule(number=which, amount=parts, at_once=seen)
    def somebody_refunds(self, number: int, amount: int, at_once: bool) -> None:
        bank = self.row(number).bank
        if bank.refundable > 0:
            bank.refund_by_hand(amount)
        self.glance(number, at_once)

    @precondition(lambda self: self.some_bank("refunds"))
    @rule(status=st.sampled_from(["succeeded", "succeeded", "failed", "canceled"]), at_once=seen)
    def refund_ends(self, status: str, at_once: bool) -> None:
        self.refunds_change("pending", status, at_once)

    @precondition(lambda self: any(row.bank.refunded for row in self.desk.rows))
    @rule(at_once=seen)
    def refund_comes_back(self, at_once: bool) -> None:
        self.refunds_change("succeeded", "failed", at_once)

    def refunds_change(self, old: str, new: str, at_once: bool) -> None:
        for number, row in enumerate(self.desk.rows):
            for refund in [part for part in row.bank.refunds.values() if part.status == old][-1:]:
                refund.status = new
                self.glance(number, at_once)

    @precondition(lambda self: self.some_bank("captured"))
    @rule(number=which, amount=parts, at_once=seen)
    def buyer_disputes(self, number: int, amount: int, at_once: bool) -> None:
        bank = self.row(number).bank
        if bank.captured > bank.charged_back and not bank.missing:
            bank.dispute(amount)
        self.glance(number, at_once)

    @precondition(lambda self: self.some_bank("disputes"))
    @rule(number=which, status=st.sampled_from(["won", "lost"]), at_once=seen)
    def dispute_ends(self, number: int, status: str, at_once: bool) -> None:
        for dispute in self.row(number).bank.disputes.values():
            dispute.status = status if dispute.status == "open" else dispute.status
        self.glance(number, at_once)

    # --- reports

    @rule(number=which)
    def look(self, number: int) -> None:
        row = self.row(number)
        self.desk.read(row, row.bank.report())

    @rule(number=which)
    def ask_slowly(self, number: int) -> None:
        """The bank answers now; its answer takes its time."""
        row = self.row(number)
        self.under_way.append((row, row.version, row.bank.report()))

    @precondition(lambda self: self.under_way)
    @rule(newest=st.booleans())
    def slow_answer_arrives(self, newest: bool) -> None:
        row, version, report = self.under_way.pop(-1 if newest else 0)
        if version == row.version:
            self.desk.read(row, report)
        else:
            self.desk.read_old(row, report)
            self.desk.happened.add("old report")

    @rule(seconds=st.sampled_from([10, 61]))
    def time_passes(self, seconds: int) -> None:
        self.desk.wait(seconds)

    # --- captures, voids, refunds

    @precondition(lambda self: self.some_bank("captured"))
    @rule(number=which, amount=parts, approved=st.sampled_from([True, True, False]))
    def ask_refund(self, number: int, amount: int, approved: bool) -> None:
        self.desk.ask(self.row(number), MoveKind.REFUND, amount, approved=approved)

    @precondition(lambda self: self.some_bank("capturable"))
    @rule(number=which, amount=parts, final=st.booleans())
    def ask_capture(self, number: int, amount: int, final: bool) -> None:
        self.desk.ask(self.row(number), MoveKind.CAPTURE, amount, final=final)

    @precondition(lambda self: self.some_bank("capturable"))
    @rule(number=which)
    def ask_void(self, number: int) -> None:
        self.desk.ask(self.row(number), MoveKind.VOID, 0)

    @precondition(lambda self: self.moves(M.REQUESTED))
    @rule(event=st.sampled_from([E.APPROVE, E.DENY]))
    def second_person_decides(self, event: MoveEvent) -> None:
        row, move = self.moves(M.REQUESTED)[0]
        self.desk.step(row, move, event)
        self.desk.recompute()

    @precondition(lambda self: self.moves(M.SUBMITTING))
    @rule(fate=st.sampled_from(["answered", "answered", "late", "answer lost", "never arrived"]))
    def send(self, fate: str) -> None:
        """Also the second time, with the same key, after an unknown outcome."""
        row, move = self.moves(M.SUBMITTING)[-1]
        move.sent = True
        self.desk.happened.add(fate)
        if fate == "never arrived":
            return
        answer = row.bank.call(move.kind, move.key, move.amount, final=move.final)
        if fate == "answered":
            self.desk.step(row, move, REPLIES[answer])
        elif fate == "late":
            move.answers.append(answer)
        self.desk.recompute()

    @precondition(lambda self: any(move.answers for row in self.desk.rows for move in row.moves))
    @rule()
    def late_answer_arrives(self) -> None:
        row, move = next((row, move) for row in self.desk.rows for move in row.moves if move.answers)
        self.desk.step(row, move, REPLIES[move.answers.pop(0)])
        self.desk.recompute()

    @precondition(lambda self: self.moves(M.MANUAL, M.SUBMITTING, M.PENDING))
    @rule(arranged=st.booleans())
    def operator_says_what_became_of_it(self, arranged: bool) -> None:
        """With evidence: he looks at the provider's pages first, and arranges there what has no call."""
        row, move = self.moves(M.MANUAL, M.SUBMITTING, M.PENDING)[0]
        self.settle_by_hand(row, move, arranged=arranged)
        self.desk.recompute()

    def settle_by_hand(self, row: Row, move: Move, *, arranged: bool) -> None:
        if (
            move.status is M.MANUAL
            and arranged
            and row.bank.call(move.kind, move.key, move.amount, final=True) == "pending"
        ):
            row.bank.refunds[move.key].status = "succeeded"
        there = row.bank.has(move.kind, move.key)
        if there and move.kind is MoveKind.REFUND and row.bank.refunds[move.key].status == "pending":
            return  # not over there either
        self.desk.step(row, move, E.CONFIRMED if there else E.REFUTED)

    # --- what people decide

    def doubtful(self) -> list[Row]:
        return [row for row in self.desk.rows if row.facts.doubt is Doubt.AMOUNT]

    @precondition(lambda self: self.doubtful())
    @rule()
    def operator_accepts(self) -> None:
        row = self.doubtful()[0]
        self.desk.decide(row, accept(row.facts), "accept")

    def given_up(self) -> list[Row]:
        """Conflicts without money: the operator looked for it at the provider."""
        rows = [row for row in self.desk.rows if row.facts.status is PaymentStatus.CONFLICTED]
        return [row for row in rows if row.bank.left <= 0 and row.facts.written_off_at is None]

    @precondition(lambda self: self.given_up())
    @rule()
    def operator_writes_off(self) -> None:
        row = self.given_up()[0]
        self.desk.read(row, row.bank.report())
        if row.facts.status is not PaymentStatus.CONFLICTED:
            return
        self.desk.decide(row, write_off(row.facts, now=self.desk.now), "write_off")

    @precondition(lambda self: any(row.bank.mute and row.facts.captured for row in self.desk.rows))
    @rule(number=which)
    def operator_records(self, number: int) -> None:
        row = self.row(number)
        if row.bank.mute and row.facts.captured:
            self.record(row)

    def record(self, row: Row) -> None:
        sums = {"refunded": row.bank.refunded, "charged_back": row.bank.charged_back}
        self.desk.decide(row, record_sums(row.facts, **sums), "record_sums", **sums)

    @precondition(lambda self: any(row.open & CLOSABLE for row in self.desk.rows))
    @rule(number=which)
    def operator_closes_cases(self, number: int) -> None:
        self.row(number).open -= CLOSABLE
        self.desk.recompute()

    @rule(really=perhaps)
    def order_is_canceled(self, really: bool) -> None:
        if really:
            self.desk.cancel()

    @precondition(lambda self: any(K.LATE_MONEY in row.open for row in self.desk.rows))
    @rule()
    def operator_delivers_late_order(self) -> None:
        self.desk.deliver()

    @rule(really=st.booleans())
    def deadline_passes(self, really: bool) -> None:
        self.desk.past_deadline = self.desk.past_deadline or really
        self.desk.recompute()

    @precondition(lambda self: self.desk.status is OrderStatus.PROCESSING)
    @rule(really=st.booleans())
    def order_is_fulfilled(self, really: bool) -> None:
        if really:
            self.desk.status = OrderStatus.COMPLETED
            self.desk.recompute()

    # --- what must hold after every step

    @invariant()
    def every_conflict_has_an_open_case(self) -> None:
        for row in self.desk.rows:
            if row.facts.status is PaymentStatus.CONFLICTED and not row_resolved(row.facts):
                assert K.MISMATCH in row.open
            assert K.MISMATCH not in row.open or row.facts.doubt is not Doubt.NONE or row.facts.asked_wrong

    @invariant()
    def every_late_money_has_an_open_case(self) -> None:
        for row in self.desk.rows:
            assert not row.woken or K.LATE_MONEY in row.open

    @invariant()
    def no_closed_order_keeps_money(self) -> None:
        if self.desk.status in CLOSED:
            assert not any(stays(a) or conflicted(a) for a in self.desk.attempts())

    @invariant()
    def the_bank_never_paid_out_more_for_us_than_it_had(self) -> None:
        for row in self.desk.rows:
            mine = [p.amount for p in row.bank.refunds.values() if p.ours and p.status in {"pending", "succeeded"}]
            assert sum(mine) <= row.bank.captured

    # --- the end of a history: everything comes to rest

    def teardown(self) -> None:
        if not hasattr(self, "desk"):
            return
        self.finish_moves()
        while self.under_way:
            self.slow_answer_arrives(newest=False)
        for row in self.desk.rows:
            self.come_to_rest(row)
            self.says_what_the_bank_says(row)
        self.every_conflict_has_an_open_case()
        self.every_late_money_has_an_open_case()
        self.no_closed_order_keeps_money()
        type(self).happened.update(self.desk.happened)

    def finish_moves(self) -> None:
        """Nobody is waited for any more, and every bank ends what it began."""
        while waiting := self.moves(M.REQUESTED):
            self.desk.step(*waiting[0], E.APPROVE)
        while any(move.answers for row in self.desk.rows for move in row.moves):
            self.late_answer_arrives()
        for row, move in self.moves(M.SUBMITTING):
            answer = row.bank.call(move.kind, move.key, move.amount, final=move.final)
            self.desk.step(row, move, REPLIES[answer])
        for row, move in self.moves(M.MANUAL):
            self.settle_by_hand(row, move, arranged=True)
        for row in self.desk.rows:
            for refund in row.bank.refunds.values():
                refund.status = refund.status.replace("pending", "succeeded")

    def come_to_rest(self, row: Row) -> None:
        for _ in range(3):
            self.desk.read(row, row.bank.report())
            self.desk.wait(61)
        if row.bank.mute and row.bank.currency == CURRENCY:
            self.record(row)
        self.desk.read(row, row.bank.report())

    def says_what_the_bank_says(self, row: Row) -> None:
        bank, facts = row.bank, row.facts
        if bank.currency == CURRENCY:
            sums = (facts.captured, facts.capturable, facts.refunded, facts.charged_back)
            assert sums == (row.highest, bank.capturable, bank.refunded, bank.charged_back)
            assert facts.reported_captured == bank.captured - bank.missing
        elif bank.captured - bank.missing + bank.capturable:
            assert facts.observed_amount == bank.captured - bank.missing + bank.capturable
        want = expected_of(self.desk.fresh_row(row), bank.report(), self.desk.now)
        assert (facts.status, facts.doubt) == (want.status, want.doubt), "the way there must not matter"
        # What was written off is a question again under rules of its own: see test_payment_commands.
        if facts.status is PaymentStatus.CONFLICTED and bank.left > 0 and facts.written_off_at is None:
            assert K.MISMATCH in row.open, "somebody must ask what this money is"
        assert all(move.status in ENDED for move in row.moves)
        for move in row.moves:
            if move.kind is MoveKind.VOID:  # what ran out meanwhile looks the same from here
                assert move.status is not M.SUCCEEDED or bank.capturable == 0
            elif move.key.startswith("ours") and not (bank.mute and move.kind is MoveKind.REFUND):
                assert (move.status is M.SUCCEEDED) == bank.has(move.kind, move.key), move
        assert facts.let_go == sum(move.let_go for move in row.moves if move.status is M.SUCCEEDED)


EVERYTHING = {
    *(status.value for status in PaymentStatus if status is not PaymentStatus.CREATED),
    *(f"doubt {doubt.value}" for doubt in Doubt),
    *(f"order {status.value}" for status in OrderStatus if status is not OrderStatus.DRAFT),
    *(kind.value for kind in (K.LATE_MONEY, K.MISMATCH, K.AUTHORIZATION_LOST, K.CHARGEBACK, K.OVERDRAWN)),
    *("refund succeeded", "refund failed", "refund canceled", "refund returned", "refund manual"),
    *("capture succeeded", "capture failed", "void succeeded", "void failed"),
    *("accept", "write_off", "record_sums", "alarm", "late money", "old report", "late", "never arrived"),
}
"""What must have happened somewhere in a few hundred histories; otherwise they show nothing."""
RARE = {"write_off", "refund returned", "overdrawn", "order expired", "never arrived", "doubt currency"}
"""What takes some thousands, and has tests of its own."""


def play(number: int, count: int) -> Counter[str]:
    """Play so many histories from this seed, and count in how many of them what happened."""
    Machine: Any = seed(number)(type("SeededHistories", (Histories,), {"happened": Counter()}))
    options = settings(
        max_examples=count,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        derandomize=False,  # the seed does that, and another seed plays others
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    run_state_machine_as_test(Machine, settings=options)
    return Counter(Machine.happened)


@pytest.mark.timeout(0 if HISTORIES > 2000 else 300)
@pytest.mark.parametrize("number", range(FIRST_SEED, FIRST_SEED + SHARDS), ids="seed {}".format)
def test_histories__end_where_the_banks_are(number):
    print(f"PAYFLOW_SEED={number}: {HISTORIES // SHARDS} histories of at most {STEPS} steps")  # noqa: T201
    happened = play(number, HISTORIES // SHARDS)
    if HISTORIES // SHARDS >= 500:
        due = EVERYTHING if HISTORIES // SHARDS >= 5000 else EVERYTHING - RARE
        assert {name for name in due if not happened[name]} == set()
    ledger.write("histories", {"name": "the rules alone", "seed": number, "number": HISTORIES // SHARDS})
