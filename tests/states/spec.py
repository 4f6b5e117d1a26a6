"""What a report makes of a payment row, said a second time: from the specification, not from the code.

Nothing here calls ``django_payflow.states``; only its words are shared, so that both sides talk about the same
things. If a test says that the two disagree, one of them is wrong: read docs/states.md and decide which.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django_payflow.messages import Report
from django_payflow.states import CaseKind, Facts

ALIVE = {"created", "pending", "processing"}
DEAD = {"failed", "canceled", "expired"}
OPEN_PHASES = {"open", "processing"}


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What must be on the row afterwards, and which cases."""

    status: str
    doubt: str
    sums: tuple[int, int, int, int]
    """captured, capturable, refunded, charged back"""
    observed: tuple[int | None, str]
    vanished_since: datetime | None
    asked_wrong: bool
    opens: frozenset[CaseKind]
    closes: frozenset[CaseKind]


def expected_of(row: Facts, report: Report, now: datetime) -> Expected:
    """Read a fresh report the way the specification says."""
    ours = report.currency == row.currency
    captured, capturable, refunded, charged_back = sums = _sums(row, report, ours)
    money_there = (report.captured or 0) + (report.capturable or 0) > 0
    foreign = money_there and not ours
    since = _missing_since(row, report, foreign, now)
    doubt = _doubt(row, report, foreign, since, now, captured, capturable)
    status = _status(doubt, captured, capturable, report.phase.value)
    asked_wrong = (
        not doubt
        and captured + capturable == 0
        and report.phase.value in OPEN_PHASES
        and (not ours or report.requested not in {None, row.expected})
    )
    opens, closes = _cases(row, status, bool(doubt) or asked_wrong, sums)
    return Expected(
        status=status,
        doubt=doubt,
        sums=(captured, capturable, refunded, charged_back),
        observed=((report.captured or 0) + (report.capturable or 0), report.currency) if foreign else (None, ""),
        vanished_since=since,
        asked_wrong=asked_wrong,
        opens=opens,
        closes=closes,
    )


def _sums(row: Facts, report: Report, ours: bool) -> tuple[int, int, int, int]:
    """Money in another currency leaves our sums as they are; ``None`` keeps ours; captured is the highest seen."""
    if not ours:
        return row.captured, row.capturable, row.refunded, row.charged_back

    def said(name: str) -> int:
        value = getattr(report, name)
        return int(getattr(row, name) if value is None else value)

    captured = max(row.captured, report.captured or 0)
    capturable = said("capturable")
    if report.capturable is None:  # what was captured came out of the authorization
        capturable = max(0, capturable + row.captured - captured)
    return captured, capturable, said("refunded"), said("charged_back")


def _missing_since(row: Facts, report: Report, foreign: bool, now: datetime) -> datetime | None:
    """Since when fresh reports show less captured money than was seen before."""
    if foreign:
        return None
    if report.captured is None:  # it cannot tell: neither a miss nor the money's return
        return row.vanished_since
    return None if report.captured >= row.captured else row.vanished_since or now


def _doubt(
    row: Facts, report: Report, foreign: bool, since: datetime | None, now: datetime, captured: int, capturable: int
) -> str:
    missed_again = report.captured is not None or row.doubt == "vanished"
    if since is not None and missed_again and (now - since).total_seconds() >= 60:
        return "vanished"
    if foreign:
        return "currency"
    money = captured + capturable
    if money == 0:
        return ""
    if row.ever_paid and capturable > 0:
        return "amount"  # paid leads only to paid or conflicted: an authorization that appears afterwards is odd
    if row.accepted == money:
        return ""
    return "" if row.expected - row.let_go <= money <= row.expected else "amount"


def _status(doubt: str, captured: int, capturable: int, phase: str) -> str:
    if doubt:
        return "conflicted"
    if capturable > 0:
        return "authorized"
    if captured > 0:
        return "paid"
    return "pending" if phase == "open" else phase


def _cases(
    row: Facts, status: str, troubled: bool, sums: tuple[int, int, int, int]
) -> tuple[frozenset[CaseKind], frozenset[CaseKind]]:
    captured, capturable, refunded, charged_back = sums
    covered = captured + capturable + row.let_go >= row.expected
    opens = {
        CaseKind.LATE_MONEY: row.status in DEAD and status in {"authorized", "paid", "conflicted"},
        CaseKind.MISMATCH: troubled,
        CaseKind.AUTHORIZATION_LOST: row.capturable - capturable > captured - row.captured and not covered,
        CaseKind.CHARGEBACK: charged_back > row.charged_back,
        CaseKind.OVERDRAWN: refunded + charged_back > captured,
    }
    closes = {
        CaseKind.LATE_MONEY: row.status == "failed" and status in {"authorized", "paid"},
        CaseKind.MISMATCH: not troubled,
        CaseKind.AUTHORIZATION_LOST: covered,
        CaseKind.CHARGEBACK: charged_back == 0,
        CaseKind.OVERDRAWN: not opens[CaseKind.OVERDRAWN],
        CaseKind.UNKNOWN_OBJECT: True,  # the provider answered, and readably
        CaseKind.UNRESOLVED: True,
    }
    return frozenset(k for k, yes in opens.items() if yes), frozenset(k for k, yes in closes.items() if yes)


def cases_after(
    open_before: frozenset[CaseKind], opens: frozenset[CaseKind], closes: frozenset[CaseKind]
) -> frozenset[CaseKind]:
    """Return which cases are open afterwards: what is opened and closed at once is recorded, and not open."""
    return (open_before | opens) - closes


def expected_label(row: Facts) -> str:
    """Return the words an operator must read, in the order of the specification."""
    captured, capturable, refunded = row.captured, row.capturable, row.refunded
    rules = [
        (row.status == "conflicted", "conflicted"),
        (row.charged_back > 0, "charged back"),
        (captured > 0 and capturable == 0 and refunded >= captured, "refunded"),
        (refunded > 0, "partly refunded"),
        (captured > 0 and capturable > 0, "partly captured"),
        (row.held and row.status not in DEAD, "on hold"),
    ]
    return next((label for holds, label in rules if holds), row.status.value)
