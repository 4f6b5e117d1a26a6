"""What a report shows of captures, refunds and disputes meets their rows. Only for fresh reports, under the lock.

A refund is matched by the mark that we left on it, or by the provider's id once it is known; what has neither was
made by somebody else and is adopted. Captures without marks, and voids, are judged by the sums.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from ..messages import MoneyMove, MoveKind, Report
from ..models import Move, Payment
from ..states import MoveEvent, MoveStatus
from .intents import backend_of, show_move, step
from .rows import Change, locked_moves, note, save_facts

__all__ = ["follow_moves"]

_EVENTS = {
    "pending": MoveEvent.SEEN_PENDING,
    "succeeded": MoveEvent.SEEN_SUCCEEDED,
    "failed": MoveEvent.SEEN_FAILED,
    "canceled": MoveEvent.SEEN_CANCELED,
    # A dispute that is lost has taken the money for good; one that is won, or was only a question, came to nothing.
    "inquiry": MoveEvent.SEEN_PENDING,
    "open": MoveEvent.SEEN_PENDING,
    "lost": MoveEvent.SEEN_SUCCEEDED,
    "won": MoveEvent.SEEN_FAILED,
}
_ADOPTED_AS = {
    "pending": MoveStatus.PENDING,
    "succeeded": MoveStatus.SUCCEEDED,
    "failed": MoveStatus.FAILED,
    "canceled": MoveStatus.CANCELED,
    "inquiry": MoveStatus.PENDING,
    "open": MoveStatus.PENDING,
    "lost": MoveStatus.SUCCEEDED,
    "won": MoveStatus.FAILED,
}
_LOOK_AGAIN = timedelta(hours=1)
_LOOK_SOON = timedelta(minutes=1)
_SENT = frozenset({MoveStatus.SUBMITTING, MoveStatus.PENDING})
_REFERENCE_LENGTH = 255


def follow_moves(change: Change, payment: Payment, report: Report) -> None:
    """Compare a fresh report with the payment's moves."""
    rows = locked_moves(payment.pk)
    if not rows and not (report.refunds or report.disputes):
        return
    refunds = [row for row in rows if row.kind == MoveKind.REFUND]
    disputes = [row for row in rows if row.kind == MoveKind.DISPUTE]
    _follow_listed(change, payment, MoveKind.REFUND, refunds, report.refunds, report.currency)
    _follow_listed(change, payment, MoveKind.DISPUTE, disputes, report.disputes, report.currency)
    if report.refunded is not None and MoveKind.REFUND not in backend_of(payment).unlisted:
        _miss_what_is_gone(change, payment, refunds, report)
    _judge_captures(change, payment, [row for row in rows if row.kind == MoveKind.CAPTURE], report)
    _judge_voids(change, payment, [row for row in rows if row.kind == MoveKind.VOID], report)


def _follow_listed(
    change: Change, payment: Payment, kind: MoveKind, rows: list[Move], shown: Iterable[MoneyMove], currency: str
) -> None:
    for found in shown:
        row = _match(rows, found)
        if row is not None:
            _see(change, payment, row, found)
        elif not any(row.status == MoveStatus.SUBMITTING for row in rows):
            rows.append(_adopt(change, payment, kind, found, currency))
        else:  # it may be ours, seen before its mark: the next report tells
            save_facts(change, payment, payment.facts, quiet={"next_check_at": change.now + _LOOK_SOON})


def _match(rows: Iterable[Move], found: MoneyMove) -> Move | None:
    """Our mark says whose it is, otherwise the id, once it is stored."""
    marked = next((row for row in rows if found.our_reference and row.key == found.our_reference), None)
    if marked is not None or not found.id:
        return marked
    return next((row for row in rows if row.reference == found.id[:_REFERENCE_LENGTH]), None)


def _see(change: Change, payment: Payment, row: Move, found: MoneyMove) -> None:
    columns = {"reference": row.reference or found.id}
    if row.kind == MoveKind.DISPUTE:
        columns["dispute_status"] = found.status
        if MoveStatus(row.status) is MoveStatus.SUCCEEDED and found.status in {"open", "inquiry"}:
            return  # it was lost: an older word means nothing
    cleared = {"missed_since": None, "refused": False, "error": row.error if row.error and row.ended_at else ""}
    step(change, payment, row, _EVENTS[found.status], **columns, **cleared)


def _adopt(change: Change, payment: Payment, kind: MoveKind, found: MoneyMove, currency: str) -> Move:
    """Somebody made it in the provider's own pages, or the buyer's bank did."""
    status = _ADOPTED_AS[found.status]
    ended = status is not MoveStatus.PENDING
    row = Move.objects.create(
        payment=payment,
        kind=kind.value,
        origin=Move.Origin.PROVIDER,
        status=status.value,
        amount=max(1, found.amount),
        currency=currency[:3],
        reference=found.id[:_REFERENCE_LENGTH],
        dispute_status=found.status if kind is MoveKind.DISPUTE else "",
        created_at=change.now,
        due_at=None if ended or kind is MoveKind.DISPUTE else change.now + _LOOK_AGAIN,
        ended_at=change.now if ended else None,
    )
    data = {"reference": row.reference, "amount": found.amount, "status": found.status}
    note(change, payment.order_id, payment, "move", f"{row} was made at the provider: {found.status}", data)
    return row


def _miss_what_is_gone(change: Change, payment: Payment, rows: Iterable[Move], report: Report) -> None:
    """A refund that the provider once showed, and shows no more."""
    shown = {found.id for found in report.refunds}
    for row in rows:
        if row.status != MoveStatus.PENDING or not row.reference or row.reference in shown:
            continue
        if backend_of(payment).drops_canceled_refunds:
            step(change, payment, row, MoveEvent.GONE, error="the provider lists it no more: it was cancelled there")
        else:
            words = f"{row} was pending, and the provider lists it no more"
            show_move(change, payment, row, words)


def _judge_captures(change: Change, payment: Payment, rows: Iterable[Move], report: Report) -> None:
    marked = {found.our_reference: found for found in report.captures if found.our_reference}
    for row in rows:
        found = marked.get(row.key)
        if found is not None:
            _see(change, payment, row, found)
        elif backend_of(payment).marks_captures or MoveStatus(row.status) not in _SENT or not row.attempts:
            continue
        elif report.captured is not None and report.captured >= row.captured_before + row.amount:
            step(change, payment, row, MoveEvent.SEEN_SUCCEEDED)


def _judge_voids(change: Change, payment: Payment, rows: Iterable[Move], report: Report) -> None:
    """Nothing can be captured any more: it was released, unless it was captured."""
    for row in rows:
        if MoveStatus(row.status) not in _SENT or report.capturable != 0 or not row.attempts:
            continue
        captured = (report.captured or 0) > row.captured_before
        words = {"error": "it was captured instead"} if captured else {}
        step(change, payment, row, MoveEvent.SEEN_FAILED if captured else MoveEvent.SEEN_SUCCEEDED, **words)
