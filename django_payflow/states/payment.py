"""A payment: what a report makes of the row that keeps its money."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ..messages import Phase, Report
from .words import ALIVE, DEAD, SECURING, CaseKind, Doubt, P

VANISH_CONFIRMED_AFTER = timedelta(seconds=60)
"""Two fresh fetches this far apart must both miss the captured money before it counts as vanished."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a payment row keeps of the money. Sums are minor units of ``currency``."""

    expected: int
    currency: str
    status: P = P.CREATED
    phase: Phase = Phase.OPEN
    capturable: int = 0
    captured: int = 0
    """The highest seen; never lowered."""
    refunded: int = 0
    charged_back: int = 0
    let_go: int = 0
    """What our own final partial captures and releases give up."""
    accepted: int | None = None
    """The sum an operator accepted although it is not the expected one."""
    held: bool = False
    push: bool = False
    doubt: Doubt = Doubt.NONE
    observed_amount: int | None = None
    observed_currency: str = ""
    """Money in a currency that is not ours; the sums above stay unchanged then."""
    vanished_since: datetime | None = None
    reported_captured: int | None = None
    """What the last report said was captured; less than ``captured`` when money vanished."""
    written_off_at: datetime | None = None
    """An operator closed the question: no money is left, whatever the status says."""
    ever_paid: bool = False
    asked_wrong: bool = False
    """No money yet, but the provider would ask for another amount or currency."""

    @property
    def money(self) -> int:
        """Captured and capturable."""
        return self.captured + self.capturable

    @property
    def money_left(self) -> int:
        """What neither went back to the customer nor was withdrawn."""
        return max(0, self.money - self.refunded - self.charged_back)

    @property
    def fully_refunded(self) -> bool:
        """All that was captured went back, and nothing can be captured any more."""
        return self.captured > 0 and self.capturable == 0 and self.refunded >= self.captured

    @property
    def released(self) -> bool:
        """We let go of everything before anything was captured, and nothing can be captured any more."""
        return self.money == 0 and self.let_go >= self.expected > 0

    @property
    def resolved(self) -> bool:
        """Whatever was doubted, no money is left to ask about: it went back, or was written off."""
        went_back = self.doubt is Doubt.AMOUNT and self.money > 0 and self.capturable == 0 and self.money_left == 0
        return self.written_off_at is not None or went_back


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a report makes of a payment row."""

    facts: Facts
    opens: frozenset[CaseKind] = frozenset()
    closes: frozenset[CaseKind] = frozenset()
    """Applied after ``opens``: a kind in both is recorded as opened and closed at once."""
    withdraw: bool = False
    """The hosted page asks for the wrong money: take its URL back and cancel at the provider."""
    look_again_at: datetime | None = None


def read_report(facts: Facts, report: Report, *, now: datetime) -> Outcome:
    """Apply a fresh report to a row: exactly one status and one set of cases. The same report twice equals once."""
    new = _take_sums(facts, report)
    new = _judge(new, report, now)
    new = _with_status(new)
    if _has_news(facts, new):
        new = replace(new, written_off_at=None)
    opens, closes = _cases(facts, new)
    first_miss = new.vanished_since == now and facts.vanished_since is None
    return Outcome(
        facts=new,
        opens=opens,
        closes=closes,
        withdraw=new.asked_wrong,
        look_again_at=now + VANISH_CONFIRMED_AFTER if first_miss else None,
    )


def read_stale_report(facts: Facts, report: Report) -> Outcome:
    """Apply a report that was fetched before the row last changed: it may only raise ``captured``.

    What was captured came out of the authorization, so ``capturable`` falls by as much.
    """
    rise = (report.captured or 0) - facts.captured
    if report.currency != facts.currency or rise <= 0:
        return Outcome(facts=facts)
    raised = replace(facts, captured=facts.captured + rise, capturable=max(0, facts.capturable - rise))
    new = _with_status(replace(raised, doubt=_amount_doubt(raised) or _kept_doubt(facts), asked_wrong=False))
    new = replace(new, written_off_at=None)  # more money is a question again
    opens, closes = _cases(facts, new)
    return Outcome(facts=new, opens=opens, closes=closes)


# --- what people decide


def let_go(facts: Facts, change: int) -> Outcome:
    """Give up ``change`` minor units of what could be captured; a negative number takes it back."""
    return _decided(facts, replace(facts, let_go=max(0, facts.let_go + change)))


def accept(facts: Facts) -> Outcome:
    """Take what is there as good enough. A later change raises the doubt again."""
    return _decided(facts, replace(facts, accepted=facts.money, ever_paid=False))


def write_off(facts: Facts, *, now: datetime) -> Outcome:
    """Close the question about a payment without money. Its status stays."""
    new = replace(facts, written_off_at=now)
    return Outcome(facts=new, closes=frozenset({CaseKind.MISMATCH, CaseKind.LATE_MONEY}))


def record_sums(facts: Facts, *, refunded: int, charged_back: int) -> Outcome:
    """Take sums that a person read from the bank's papers, at a provider that tells neither."""
    return _decided(facts, replace(facts, refunded=refunded, charged_back=charged_back))


def _decided(facts: Facts, changed: Facts) -> Outcome:
    judged = replace(changed, doubt=_kept_doubt(changed) or _amount_doubt(changed))
    new = judged if facts.status is P.CREATED else _with_status(judged)
    opens, closes = _cases(facts, new)
    return Outcome(facts=new, opens=opens, closes=closes - {CaseKind.UNKNOWN_OBJECT, CaseKind.UNRESOLVED})


# --- how a report is read


def _take_sums(facts: Facts, report: Report) -> Facts:
    said = replace(facts, phase=report.phase, held=report.held, push=report.push)
    if report.currency != facts.currency:
        return said
    captured = max(facts.captured, report.captured or 0)
    still_capturable = max(0, facts.capturable - (captured - facts.captured))
    return replace(
        said,
        capturable=still_capturable if report.capturable is None else report.capturable,
        captured=captured,
        reported_captured=facts.reported_captured if report.captured is None else report.captured,
        refunded=facts.refunded if report.refunded is None else report.refunded,
        charged_back=facts.charged_back if report.charged_back is None else report.charged_back,
    )


def _judge(facts: Facts, report: Report, now: datetime) -> Facts:
    foreign_money = report.currency != facts.currency and report.money > 0
    missing = not foreign_money and _misses_money(facts, report)
    since = (facts.vanished_since or now) if missing else None
    looked_again = report.captured is not None or facts.doubt is Doubt.VANISHED
    doubt = Doubt.NONE
    if since is not None and looked_again and now - since >= VANISH_CONFIRMED_AFTER:
        doubt = Doubt.VANISHED
    elif foreign_money:
        doubt = Doubt.CURRENCY
    else:
        doubt = _amount_doubt(facts)
    return replace(
        facts,
        doubt=doubt,
        vanished_since=since,
        observed_amount=report.money if foreign_money else None,
        observed_currency=report.currency if foreign_money else "",
        asked_wrong=doubt is Doubt.NONE and _asks_wrong(facts, report),
    )


def _has_news(old: Facts, new: Facts) -> bool:
    """Money that was not there when the payment was written off is a question again."""
    back = (new.reported_captured or 0) > (old.reported_captured or 0)
    return back or (new.money, new.observed_amount or 0) > (old.money, old.observed_amount or 0)


def _misses_money(facts: Facts, report: Report) -> bool:
    """A report that cannot tell what was captured neither raises the doubt nor clears it."""
    if report.captured is None:
        return facts.vanished_since is not None
    return report.captured < facts.captured


def _amount_doubt(facts: Facts) -> Doubt:
    if facts.money <= 0:
        return Doubt.NONE
    grew_after_paid = facts.ever_paid and facts.capturable > 0
    if facts.accepted == facts.money and not grew_after_paid:
        return Doubt.NONE
    in_range = facts.expected - facts.let_go <= facts.money <= facts.expected
    return Doubt.AMOUNT if grew_after_paid or not in_range else Doubt.NONE


def _kept_doubt(facts: Facts) -> Doubt:
    return facts.doubt if facts.doubt in {Doubt.CURRENCY, Doubt.VANISHED} else Doubt.NONE


def _asks_wrong(facts: Facts, report: Report) -> bool:
    if facts.money > 0 or report.phase not in {Phase.OPEN, Phase.PROCESSING}:
        return False
    wrong_sum = report.requested is not None and report.requested != facts.expected
    return report.currency != facts.currency or wrong_sum


def _with_status(facts: Facts) -> Facts:
    status = _derive_status(facts)
    return replace(facts, status=status, ever_paid=facts.ever_paid or status is P.PAID)


_STATUS_OF_PHASE = {
    Phase.OPEN: P.PENDING,
    Phase.PROCESSING: P.PROCESSING,
    Phase.FAILED: P.FAILED,
    Phase.CANCELED: P.CANCELED,
    Phase.EXPIRED: P.EXPIRED,
}


def _derive_status(facts: Facts) -> P:
    if facts.doubt is not Doubt.NONE:
        return P.CONFLICTED
    if facts.capturable > 0:
        return P.AUTHORIZED
    if facts.captured > 0:
        return P.PAID
    return _STATUS_OF_PHASE[facts.phase]


def _cases(old: Facts, new: Facts) -> tuple[frozenset[CaseKind], frozenset[CaseKind]]:
    """Return the cases that this step opens, and those that its facts resolve."""
    opens: set[CaseKind] = set()
    closes = {CaseKind.UNKNOWN_OBJECT, CaseKind.UNRESOLVED}
    if old.status in DEAD and new.status not in DEAD | ALIVE:
        opens.add(CaseKind.LATE_MONEY)
        if old.status is P.FAILED and new.status in SECURING:
            closes.add(CaseKind.LATE_MONEY)  # the provider took its own "failed" back: nobody was told otherwise
    if new.written_off_at is not None or (new.money_left == 0 and (new.status is not P.CONFLICTED or new.resolved)):
        closes.add(CaseKind.LATE_MONEY)
    troubled = (new.doubt is not Doubt.NONE and not new.resolved) or new.asked_wrong
    (opens if troubled else closes).add(CaseKind.MISMATCH)
    covered = new.money + new.let_go >= new.expected or new.accepted == new.money
    if covered:
        closes.add(CaseKind.AUTHORIZATION_LOST)
    elif old.capturable - new.capturable > new.captured - old.captured:
        opens.add(CaseKind.AUTHORIZATION_LOST)
    if new.charged_back > old.charged_back:
        opens.add(CaseKind.CHARGEBACK)
    elif new.charged_back == 0:
        closes.add(CaseKind.CHARGEBACK)
    if (gone := new.refunded + new.charged_back) <= new.captured:
        closes.add(CaseKind.OVERDRAWN)
    elif gone - new.captured > old.refunded + old.charged_back - old.captured:
        opens.add(CaseKind.OVERDRAWN)
    return frozenset(opens), frozenset(closes)


def label_of(facts: Facts) -> str:
    """Return the words an operator reads: the status, or what the sums make of it."""
    if facts.status is P.CONFLICTED:
        return "conflicted"
    if facts.charged_back > 0:
        return "charged back"
    if facts.fully_refunded:
        return "refunded"
    if facts.refunded > 0:
        return "partly refunded"
    if facts.captured > 0 and facts.capturable > 0:
        return "partly captured"
    if facts.held and facts.status not in DEAD:
        return "on hold"
    if facts.status is P.CANCELED and facts.released:
        return "voided"
    return facts.status.value
