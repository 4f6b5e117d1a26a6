"""What reports and commands make of a payment row, said a second time: from the specification, not from the code.

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
STANDING = {"currency", "vanished"}
"""Doubts that only the provider can take back; no command of ours does."""


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
    let_go: int
    accepted: int | None
    written_off: bool
    opens: frozenset[CaseKind]
    closes: frozenset[CaseKind]


def expected_of(row: Facts, report: Report, now: datetime) -> Expected:
    """Read a fresh report the way the specification says."""
    ours = report.currency == row.currency
    captured, capturable, refunded, charged_back = sums = _sums(row, report, ours)
    seen = (report.captured or 0) + (report.capturable or 0)
    foreign = seen > 0 and not ours
    since = _missing_since(row, report, foreign, now)
    doubt = _doubt(row, report, foreign, since, now, captured, capturable)
    status = _status(doubt, captured, capturable, report.phase.value)
    asked_wrong = (
        not doubt
        and captured + capturable == 0
        and report.phase.value in OPEN_PHASES
        and (not ours or report.requested not in {None, row.expected})
    )
    more_money = captured + capturable > row.captured + row.capturable
    more_abroad = foreign and seen > (row.observed_amount or 0)
    told_again = ours and (report.captured or 0) > (row.reported_captured or 0)  # what had vanished is back
    written_off = row.written_off_at is not None and not (more_money or more_abroad or told_again)
    troubled = asked_wrong or (bool(doubt) and not resolved(doubt, sums, written_off=written_off))
    opens, closes = _cases(row, status, troubled, sums, row.let_go, row.accepted, written_off=written_off)
    return Expected(
        status=status,
        doubt=doubt,
        sums=sums,
        observed=(seen, report.currency) if foreign else (None, ""),
        vanished_since=since,
        asked_wrong=asked_wrong,
        let_go=row.let_go,
        accepted=row.accepted,
        written_off=written_off,
        opens=opens,
        closes=closes | {CaseKind.UNKNOWN_OBJECT, CaseKind.UNRESOLVED},  # the provider answered, and readably
    )


def expected_of_command(row: Facts, command: str, **said: int) -> Expected:
    """Do what a person decided; the provider says nothing, so its phase and its own sums stay what they were."""
    captured, capturable = row.captured, row.capturable
    money, let_go, accepted = captured + capturable, row.let_go, row.accepted
    refunded, charged_back, ever_paid = row.refunded, row.charged_back, row.ever_paid
    if command == "let_go":
        let_go = max(0, let_go + said["change"])
    elif command == "accept":
        accepted, ever_paid = money, False
    elif command == "record_sums":
        refunded, charged_back = said["refunded"], said["charged_back"]
    sums = (captured, capturable, refunded, charged_back)
    written_off = row.written_off_at is not None or command == "write_off"
    doubt = row.doubt.value if command == "write_off" or row.doubt.value in STANDING else ""
    if not doubt and command != "write_off":
        doubt = _wrong_amount(money, capturable, row.expected, let_go, accepted, ever_paid)
    status = row.status.value if command == "write_off" else _status(doubt, captured, capturable, row.phase.value)
    troubled = row.asked_wrong or (bool(doubt) and not resolved(doubt, sums, written_off=written_off))
    opens, closes = _cases(row, status, troubled, sums, let_go, accepted, written_off=written_off)
    if command == "write_off":  # it answers what was asked about the money, and nothing else
        opens, closes = frozenset(), frozenset({CaseKind.MISMATCH, CaseKind.LATE_MONEY})
    return Expected(
        status=status,
        doubt=doubt,
        sums=sums,
        observed=(row.observed_amount, row.observed_currency),
        vanished_since=row.vanished_since,
        asked_wrong=row.asked_wrong,
        let_go=let_go,
        accepted=accepted,
        written_off=written_off,
        opens=opens,
        closes=closes,
    )


def resolved(doubt: str, sums: tuple[int, int, int, int], *, written_off: bool) -> bool:
    """Nobody has to ask any more: written off; or the wrong sum that was captured left again, and no more can come.

    What vanished or came in another currency is never settled by our own sums, which do not show it.
    """
    captured, capturable, refunded, charged_back = sums
    all_left = captured > 0 and capturable == 0 and refunded + charged_back >= captured
    return written_off or (doubt == "amount" and all_left)


def row_resolved(row: Facts) -> bool:
    """Ask ``resolved`` of a row."""
    sums = (row.captured, row.capturable, row.refunded, row.charged_back)
    return resolved(row.doubt.value, sums, written_off=row.written_off_at is not None)


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
    return _wrong_amount(money, capturable, row.expected, row.let_go, row.accepted, row.ever_paid)


def _wrong_amount(
    money: int, capturable: int, expected: int, let_go: int, accepted: int | None, ever_paid: bool
) -> str:
    if money == 0:
        return ""
    if ever_paid and capturable > 0:
        return "amount"  # paid leads only to paid or conflicted: an authorization that appears afterwards is odd
    if accepted == money:
        return ""
    return "" if expected - let_go <= money <= expected else "amount"


def _status(doubt: str, captured: int, capturable: int, phase: str) -> str:
    if doubt:
        return "conflicted"
    if capturable > 0:
        return "authorized"
    if captured > 0:
        return "paid"
    return "pending" if phase == "open" else phase


def _cases(
    row: Facts,
    status: str,
    troubled: bool,
    sums: tuple[int, int, int, int],
    let_go: int,
    accepted: int | None,
    *,
    written_off: bool,
) -> tuple[frozenset[CaseKind], frozenset[CaseKind]]:
    captured, capturable, refunded, charged_back = sums
    money = captured + capturable
    enough = money + let_go >= row.expected or accepted == money
    gone_too_far = refunded + charged_back - captured
    so_far = row.refunded + row.charged_back - row.captured
    empty = money <= refunded + charged_back
    opens = {
        CaseKind.LATE_MONEY: row.status in DEAD and status in {"authorized", "paid", "conflicted"},
        CaseKind.MISMATCH: troubled,
        CaseKind.AUTHORIZATION_LOST: row.capturable - capturable > captured - row.captured and not enough,
        CaseKind.CHARGEBACK: charged_back > row.charged_back,
        CaseKind.OVERDRAWN: gone_too_far > max(0, so_far),
    }
    believed_again = row.status == "failed" and status in {"authorized", "paid"}
    closes = {
        CaseKind.LATE_MONEY: believed_again or written_off or (empty and (status != "conflicted" or not troubled)),
        CaseKind.MISMATCH: not troubled,
        CaseKind.AUTHORIZATION_LOST: enough,
        CaseKind.CHARGEBACK: charged_back == 0,
        CaseKind.OVERDRAWN: gone_too_far <= 0,
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
    nothing_left_of_it = captured == capturable == 0 and row.let_go >= row.expected
    rules = [
        (row.status == "conflicted", "conflicted"),
        (row.charged_back > 0, "charged back"),
        (captured > 0 and capturable == 0 and refunded >= captured, "refunded"),
        (refunded > 0, "partly refunded"),
        (captured > 0 and capturable > 0, "partly captured"),
        (row.held and row.status not in DEAD, "on hold"),
        (row.status == "canceled" and nothing_left_of_it, "voided"),
    ]
    return next((label for holds, label in rules if holds), row.status.value)
