"""Our side of ``test_histories``: two payments of one order as rows in memory, kept by the rules alone.

It does what the flow does with the rules' answers, and nothing of its own: store facts, open and close cases, follow
moves, compute the order anew. What must hold at every change is asserted where it changes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django_payflow.messages import MoneyMove, MoveKind, Report
from django_payflow.states import (
    BLOCKING_CASES,
    DEAD,
    ORDER_MOVES,
    PAYMENT_MOVES,
    RESERVING,
    SECURING,
    UNDER_WAY,
    Asked,
    Attempt,
    CaseKind,
    Facts,
    MoveEvent,
    MoveStatus,
    OrderStatus,
    Outcome,
    PaymentStatus,
    capturable,
    going_back,
    let_go,
    next_move,
    read_report,
    read_stale_report,
    recompute,
    refund_currency,
    refundable,
    releasable,
)
from tests.states.bank import CURRENCY, EXPECTED, Bank
from tests.states.order_spec import CLOSED, expected_order_status, stays
from tests.states.spec import Expected, cases_after, expected_of, expected_of_command
from tests.states.worlds import START

K, M, P, E = CaseKind, MoveStatus, PaymentStatus, MoveEvent
LOST = {M.FAILED, M.CANCELED}
ENDED = LOST | {M.SUCCEEDED, M.RETURNED}
REPLIES = {"pending": E.REPLY_PENDING, "done": E.REPLY_DONE, "rejected": E.REPLY_REJECTED}
SEEN = {
    "pending": E.SEEN_PENDING,
    "succeeded": E.SEEN_SUCCEEDED,
    "failed": E.SEEN_FAILED,
    "canceled": E.SEEN_CANCELED,
}


@dataclass
class Move:
    """A capture, void or refund of ours."""

    kind: MoveKind
    key: str
    amount: int
    currency: str
    final: bool
    let_go: int
    captured_before: int
    manual: bool
    status: M = M.REQUESTED
    sent: bool = False
    answers: list[str] = field(default_factory=list)
    """What the provider answered, and we have not read yet."""


@dataclass
class Row:
    """One payment: ours, and the bank's."""

    id: int
    bank: Bank
    facts: Facts = field(default_factory=lambda: Facts(expected=EXPECTED, currency=CURRENCY))
    version: int = 0
    open: frozenset[K] = frozenset()
    woken: bool = False
    """Money came although it was over, and nobody has answered for it yet."""
    highest: int = 0
    """The most that any report said was captured, in our currency."""
    settling: bool = False
    moves: list[Move] = field(default_factory=list)

    def asked(self) -> list[Asked]:
        return [Asked(kind=m.kind, status=m.status, amount=m.amount, currency=m.currency) for m in self.moves]

    def attempt(self, *, by_authorization: bool) -> Attempt:
        back = going_back(self.facts, self.asked()) if self.facts.status in SECURING else 0
        return Attempt(
            id=self.id,
            facts=self.facts,
            settling=self.settling,
            going_back=back,
            secured_by_authorization=by_authorization,
        )


class Desk:
    """The order, its two payments, a clock."""

    def __init__(self, banks: tuple[Bank, Bank], *, by_authorization: bool) -> None:
        self.rows = [Row(id=number, bank=bank) for number, bank in enumerate(banks, 1)]
        self.by_authorization = by_authorization
        self.now: datetime = START
        self.status = OrderStatus.PENDING
        self.canceled = self.past_deadline = False
        self.keys = 0
        self.happened: set[str] = set()
        """Words for what this history had in it: a test asks that all histories together had everything."""

    # --- payments

    def read(self, row: Row, report: Report) -> None:
        """A fresh report arrives."""
        want = expected_of(row.facts, report, self.now)
        self._remember(row, report)
        self._write(row, read_report(row.facts, report, now=self.now), want)
        for kind, shown in ((MoveKind.REFUND, report.refunds), (MoveKind.CAPTURE, report.captures)):
            for found in shown:
                self._see(row, kind, found)
        self._judge_voids(row, report)
        self.recompute()

    def read_old(self, row: Row, report: Report) -> None:
        """A report arrives that was fetched before the row last changed."""
        before = row.facts
        self._remember(row, report)
        self._write(row, read_stale_report(before, report))
        assert row.facts.refunded == before.refunded
        self.recompute()

    @staticmethod
    def _remember(row: Row, report: Report) -> None:
        if report.currency == CURRENCY:
            row.highest = max(row.highest, report.captured or 0)

    def decide(self, row: Row, outcome: Outcome, command: str, **said: int) -> None:
        """A person decided something."""
        self._write(row, outcome, expected_of_command(row.facts, command, **said))
        self.happened.add(command)
        self.recompute()

    def _write(self, row: Row, outcome: Outcome, want: Expected | None = None) -> None:
        old, new = row.facts, outcome.facts
        assert new.captured >= old.captured
        assert old.status is not P.PAID or new.status in {P.PAID, P.CONFLICTED}
        assert new.status is old.status or old.status in PAYMENT_MOVES[new.status]
        after = cases_after(row.open, outcome.opens, outcome.closes)
        if want is not None:
            assert (new.status, new.doubt) == (want.status, want.doubt)
            assert after == cases_after(row.open, want.opens, want.closes)
        if old.status in DEAD and new.status in {*SECURING, P.CONFLICTED}:
            believed_again = old.status is P.FAILED and new.status in SECURING
            row.woken = row.woken or not believed_again
            self.happened.add("late money")
        nothing_left = new.written_off_at is not None or (new.money_left == 0 and new.status is not P.CONFLICTED)
        if nothing_left or new.resolved or (old.status is P.FAILED and new.status in SECURING):
            row.woken = False
        row.facts, row.open = new, after
        row.version += new != old
        self.happened |= {new.status.value, f"doubt {new.doubt.value}"} | {kind.value for kind in after}

    # --- moves

    def ask(self, row: Row, kind: MoveKind, amount: int, *, final: bool = True, approved: bool = True) -> Move | None:
        """Commit to a move, as large as asked for and allowed; none if nothing is allowed."""
        bound = {MoveKind.CAPTURE: capturable, MoveKind.VOID: releasable, MoveKind.REFUND: refundable}[kind]
        left = bound(row.facts, row.asked())
        amount = left if kind is MoveKind.VOID else min(amount, left)
        if amount <= 0:
            return None
        given_up = {
            MoveKind.VOID: row.facts.capturable,
            MoveKind.CAPTURE: row.facts.capturable - amount if final else 0,
        }
        self.keys += 1
        move = Move(
            kind=kind,
            key=f"ours-{self.keys}",
            amount=amount,
            currency=row.facts.currency if kind is MoveKind.CAPTURE else refund_currency(row.facts),
            final=final,
            let_go=given_up.get(kind, 0),
            captured_before=row.facts.captured,
            manual=row.bank.mute and kind is MoveKind.REFUND,
        )
        row.moves.append(move)
        row.version += 1
        self.happened.add(kind.value)
        self._stays_within_bounds(row, kind)
        if approved:
            self.step(row, move, E.APPROVE)
        self.recompute()
        return move

    @staticmethod
    def _stays_within_bounds(row: Row, kind: MoveKind) -> None:
        """We never ask for more than was captured and not taken back, all that is reserved together."""
        if kind is not MoveKind.REFUND:
            assert sum(m.kind is not MoveKind.REFUND and m.status in UNDER_WAY for m in row.moves) <= 1
            return
        currency = refund_currency(row.facts)
        mine = [m for m in row.moves if m.kind is kind and m.currency == currency and m.status in RESERVING]
        there = row.facts.captured - row.facts.charged_back
        if currency != row.facts.currency:
            there = row.facts.observed_amount or 0
        assert sum(m.amount for m in mine) <= there

    def step(self, row: Row, move: Move, event: E) -> None:
        """Let something happen to a move."""
        old = move.status
        told = next_move(old, event, manual=move.manual)
        if told.status is old:
            return
        assert told.alarm == (old in ENDED), "an ended move wakes with an alarm, and nothing else gives one"
        move.status = told.status
        row.version += 1
        counted, counts = (s not in LOST | {M.REQUESTED, M.MANUAL} for s in (old, told.status))
        if move.let_go and counted != counts:
            change = move.let_go if counts else -move.let_go
            want = expected_of_command(row.facts, "let_go", change=change)
            self._write(row, let_go(row.facts, change), want)
        self.happened.add(f"{move.kind.value} {told.status.value}")
        if told.alarm:
            row.open |= {K.REFUND_RETURNED if told.status is M.RETURNED else K.MOVE}
            self.happened.add("alarm")

    def _see(self, row: Row, kind: MoveKind, found: MoneyMove) -> None:
        names = {found.our_reference, found.id}  # the mark that we left on it; of theirs, the id that we stored
        move = next((m for m in row.moves if m.kind is kind and m.key in names), None)
        if move is not None:
            self.step(row, move, SEEN[found.status])
        elif kind is MoveKind.REFUND:
            row.moves.append(self._adopted(row, found))

    @staticmethod
    def _adopted(row: Row, found: MoneyMove) -> Move:
        """Somebody made it at the provider; it is matched by its id from now on."""
        return Move(
            kind=MoveKind.REFUND,
            key=found.id,
            amount=found.amount,
            currency=row.bank.currency,
            final=True,
            let_go=0,
            captured_before=row.facts.captured,
            manual=False,
            status=M(found.status),
            sent=True,
        )

    def _judge_voids(self, row: Row, report: Report) -> None:
        for move in row.moves:
            if move.kind is MoveKind.VOID and move.sent and move.status in UNDER_WAY and report.capturable == 0:
                captured = (report.captured or 0) > move.captured_before
                self.step(row, move, E.SEEN_FAILED if captured else E.SEEN_SUCCEEDED)

    # --- the order

    def attempts(self) -> list[Attempt]:
        return [row.attempt(by_authorization=self.by_authorization) for row in self.rows]

    def blocked(self) -> bool:
        """Late money beside a payment that settles the order is surplus: it stops nothing."""
        settling = {row.id for row in self.rows if row.settling and row.facts.status in SECURING}
        return any(
            not (settling and kind is K.LATE_MONEY and row.id not in settling)
            for row in self.rows
            for kind in row.open & BLOCKING_CASES
        )

    def recompute(self) -> None:
        """Say anew what the order's status is."""
        attempts, old = self.attempts(), self.status
        flags = {"blocked": self.blocked(), "past_deadline": self.past_deadline, "canceled": self.canceled}
        outcome = recompute(old, EXPECTED, attempts, **flags)
        assert outcome.status is expected_order_status(old, EXPECTED, attempts, **flags)
        assert outcome.status is old or old in ORDER_MOVES[outcome.status]
        late = {a.id for a in attempts if old in CLOSED and stays(a)}
        assert outcome.late == late
        self.status = outcome.status
        for row in self.rows:
            row.settling = row.id == outcome.settles
            if row.id in late:
                row.open |= {K.LATE_MONEY}
                row.woken = True
        self.happened.add(f"order {self.status.value}")

    def cancel(self) -> None:
        """Somebody cancels the order: what it holds is asked back, then it is closed."""
        if self.status in CLOSED | {OrderStatus.COMPLETED}:
            return
        self.canceled = True
        for row in self.rows:
            self.ask(row, MoveKind.VOID, EXPECTED)
            self.ask(row, MoveKind.REFUND, row.facts.captured)
        if self.status not in CLOSED:
            self.status = OrderStatus.CANCELED
        self.recompute()

    def deliver(self) -> None:
        """An operator lets a late order go on as if its money had come in time."""
        self.canceled = self.past_deadline = False
        for row in self.rows:
            row.open -= {K.LATE_MONEY}
            row.woken = False
        if self.status in CLOSED and any(map(stays, self.attempts())):
            self.status = OrderStatus.ON_HOLD
        self.recompute()

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def fresh_row(self, row: Row) -> Facts:
        """A row that knows only what reports cannot tell again: our decisions, and the highest sum that was seen."""
        known = row.facts
        return replace(
            Facts(expected=EXPECTED, currency=CURRENCY),
            let_go=known.let_go,
            accepted=known.accepted,
            captured=known.captured,
            refunded=known.refunded if row.bank.mute else 0,
            charged_back=known.charged_back if row.bank.mute else 0,
            vanished_since=known.vanished_since,
            ever_paid=known.ever_paid,
        )
