"""One payment's row in memory, and a post that brings its reports late, twice, in another order or not at all."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from django_payflow.messages import Report
from django_payflow.states import (
    BLOCKING_CASES,
    CLOSED_ORDER,
    DEAD,
    ORDER_MOVES,
    PAYMENT_MOVES,
    SECURING,
    Attempt,
    CaseKind,
    Doubt,
    Facts,
    OrderStatus,
    Outcome,
    PaymentStatus,
    read_report,
    read_stale_report,
    recompute,
)
from tests.histories.news import Story
from tests.states.order_spec import expected_order_status
from tests.states.spec import cases_after, expected_of, row_resolved

K, P = CaseKind, PaymentStatus
_WHAT = ["event", "event", "ask", "ask slowly", "ask slowly", "arrives", "twice", "lost", "wait"]


@dataclass
class Row:
    """What the rules make of the reports, and what must hold at each of them."""

    facts: Facts
    now: datetime = datetime(2026, 11, 2, tzinfo=UTC)
    version: int = 0
    """Counts every applied report: what was asked for before the last of them is old."""
    open: frozenset[CaseKind] = frozenset()
    woken: bool = False
    order: OrderStatus = OrderStatus.PENDING
    settling: bool = False
    log: list[str] = field(default_factory=list)

    def read(self, report: Report) -> None:
        """A fresh report: what the specification says, and the same twice equals once."""
        want = expected_of(self.facts, report, self.now)
        outcome = read_report(self.facts, report, now=self.now)
        assert (outcome.facts.status, outcome.facts.doubt) == (want.status, want.doubt)
        self._write(outcome, fresh=True)
        again = read_report(self.facts, report, now=self.now)
        assert again.facts == self.facts, "the same report twice equals once"
        assert cases_after(self.open, again.opens, again.closes) == self.open

    def read_old(self, report: Report) -> None:
        """An old one: it may only raise what was captured."""
        before = self.facts
        outcome = read_stale_report(before, report)
        self._write(outcome, fresh=False)
        rise = max(0, (report.captured or 0) - before.captured)
        assert self.facts.captured == before.captured + rise
        assert self.facts.capturable == max(0, before.capturable - rise), "captured money was authorized before"
        assert (self.facts.refunded, self.facts.charged_back) == (before.refunded, before.charged_back)
        if not rise:
            assert outcome.facts == before
            assert not outcome.opens

    def _write(self, outcome: Outcome, *, fresh: bool) -> None:
        old, new = self.facts, outcome.facts
        assert new.captured >= old.captured
        assert old.status is not P.PAID or new.status in {P.PAID, P.CONFLICTED}
        assert new.status is old.status or old.status in PAYMENT_MOVES[new.status]
        believed_again = old.status is P.FAILED and new.status in SECURING
        if old.status in DEAD and new.status in {*SECURING, P.CONFLICTED} and not believed_again:
            self.woken = True
        if believed_again or (new.money_left == 0 and new.status is not P.CONFLICTED):
            self.woken = False
        self.facts, self.open = new, cases_after(self.open, outcome.opens, outcome.closes)
        self.version += 1
        assert not self.woken or K.LATE_MONEY in self.open, "late money, and nobody is told"
        conflict = new.status is P.CONFLICTED and not row_resolved(new)
        assert (K.MISMATCH in self.open) == (conflict or new.asked_wrong)
        self._follow()

    def _follow(self) -> None:
        attempt = Attempt(id=1, facts=self.facts, settling=self.settling)
        flags = {"blocked": bool(self.open & BLOCKING_CASES)}
        told = recompute(self.order, self.facts.expected, [attempt], **flags)
        assert told.status is expected_order_status(self.order, self.facts.expected, [attempt], **flags)
        assert told.status is self.order or self.order in ORDER_MOVES[told.status]
        if told.status in CLOSED_ORDER:
            assert not told.late
        self.order, self.settling = told.status, told.settles is not None


def row_of(story: Story) -> Row:
    return Row(Facts(expected=story.checkout.amount, currency=story.checkout.currency))


def in_order(story: Story) -> Row:
    """Every report at once, in the order of the events."""
    row = row_of(story)
    for report in story.reports:
        row.read(report)
        row.now += timedelta(seconds=90)
    row.read(story.reports[-1])
    return row


def by_post(story: Story, number: int) -> Row:
    """The same events, and a post that keeps no order; at the end the last report comes fresh."""
    post, row = random.Random(f"{story.provider} {story.name} {number}"), row_of(story)
    truth, under_way = 0, list[tuple[int, int]]()
    read = list[int]()
    try:
        while truth < len(story.reports) - 1 or post.random() < 0.7:
            what = post.choice(
                ["event", "event", "ask", "ask slowly", "ask slowly", "arrives", "twice", "lost", "wait"]
            )
            row.log.append(f"{what} {truth}")
            if what == "event":
                truth = min(truth + 1, len(story.reports) - 1)
            elif what == "ask":
                row.read(story.reports[truth])
                read.append(truth)
            elif what == "ask slowly":
                under_way.append((row.version, truth))
            elif what in {"arrives", "lost"} and under_way:
                version, shown = under_way.pop(post.randrange(len(under_way)))
                if what == "arrives":
                    (row.read if version == row.version else row.read_old)(story.reports[shown])
                    read.append(shown)
            elif what == "twice" and read:
                row.read_old(story.reports[post.choice(read)])
            elif what == "wait":
                row.now += timedelta(seconds=post.choice([1, 61]))
        for _, shown in under_way:
            row.read_old(story.reports[shown])
        row.now += timedelta(seconds=90)
        row.read(story.reports[-1])
    except AssertionError as broken:
        broken.add_note(f"{story.provider}, {story.name}, number {number}: {row.log}")
        raise
    return row


def final_facts(row: Row) -> Facts:
    """What must not depend on the way."""
    return replace(row.facts, vanished_since=None)


def final_cases(row: Row) -> dict[str, bool]:
    """The cases that say what is, and not what happened on the way."""
    facts = row.facts
    gone = facts.refunded + facts.charged_back
    return {
        "chargeback": (K.CHARGEBACK in row.open) == (facts.charged_back > 0),
        "overdrawn": (K.OVERDRAWN in row.open) == (gone > facts.captured),
        "mismatch": (K.MISMATCH in row.open) == (facts.doubt is not Doubt.NONE and not facts.resolved),
    }
