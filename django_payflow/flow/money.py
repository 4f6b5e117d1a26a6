"""Chapter six: money after "paid". Capture, void and refund, as a person or the shop's code asks for them.

The intent is committed first, with the amount reserved under the payment's lock; then it is carried out at once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from .. import checkpoints, clock
from ..exceptions import CommandRefused
from ..messages import Line, MoveKind
from ..models import Move, Payment
from ..states import MoveEvent, MoveStatus, record_sums
from .books import recompute_order
from .carrying import carry_out
from .gate import refuse_inside_transaction
from .intents import apply_outcome, backend_of, left_for, new_move, step
from .results import Moved, Wake
from .rows import Change, locked_move, locked_moves, locked_payment, note, short_transaction

__all__ = ["approve_move", "capture", "confirm_move", "deny_move", "left_to", "refund", "refute_move", "void"]


def capture(
    *,
    payment_id: int,
    amount: int | None = None,
    final: bool | None = None,
    lines: tuple[Line, ...] = (),
    reason: str = "",
    actor: str = "",
    key: str = "",
) -> Moved:
    """Take authorized money: ``amount`` minor units, or everything.

    ``final`` says that nothing more will be captured, so that the rest is released; by default a partial capture is
    final where the provider captures only once. ``lines`` say what is captured, where the provider wants to know.
    ``key`` (36 characters) makes a repeat of the same request harmless: it returns the first one.
    Raises ``CommandRefused``, ``NotEnoughLeft``, ``InsideTransaction``.
    """

    def work(change: Change, payment: Payment) -> Move:
        left, _ = left_for(MoveKind.CAPTURE, payment, locked_moves(payment.pk))
        whole = amount is None or amount >= left
        last = whole or (not backend_of(payment).supports_several_captures if final is None else final)
        return new_move(
            change, payment, MoveKind.CAPTURE, amount=amount, final=last, lines=lines, reason=reason, key=key
        )

    return _ask_for(payment_id, MoveKind.CAPTURE, amount, actor, key, work)


def void(*, payment_id: int, reason: str = "", actor: str = "", key: str = "") -> Moved:
    """Release everything that is authorized and not captured. Raises as ``capture``."""

    def work(change: Change, payment: Payment) -> Move:
        return new_move(change, payment, MoveKind.VOID, reason=reason, key=key)

    return _ask_for(payment_id, MoveKind.VOID, None, actor, key, work)


def refund(
    *,
    payment_id: int,
    amount: int | None = None,
    lines: tuple[Line, ...] = (),
    reason: str = "",
    actor: str = "",
    key: str = "",
) -> Moved:
    """Send captured money back: ``amount`` minor units, or everything that is left. Raises as ``capture``.

    Above the shop's limit (``REFUND_APPROVAL_ABOVE``) it waits for ``approve_move`` by somebody else. At a provider
    without such a call it becomes ``manual``: arrange it there, then ``confirm_move``.
    """

    def work(change: Change, payment: Payment) -> Move:
        return new_move(change, payment, MoveKind.REFUND, amount=amount, lines=lines, reason=reason, key=key)

    return _ask_for(payment_id, MoveKind.REFUND, amount, actor, key, work)


def left_to(kind: MoveKind, payment: Payment) -> tuple[int, str]:
    """Return how much may be captured, released or refunded now, in minor units, and in which currency."""
    return left_for(kind, payment, list(Move.objects.filter(payment=payment)))


def _ask_for(
    payment_id: int, kind: MoveKind, amount: int | None, actor: str, key: str, work: Callable[[Change, Payment], Move]
) -> Moved:
    refuse_inside_transaction()
    change = Change.asked_by(actor)
    move_id = short_transaction(change, lambda: _commit(change, payment_id, kind, amount, key, work))
    return _carry_out(change, move_id)


def _commit(
    change: Change,
    payment_id: int,
    kind: MoveKind,
    amount: int | None,
    key: str,
    work: Callable[[Change, Payment], Move],
) -> int:
    order, payments, payment = locked_payment(payment_id)
    if key and (known := Move.objects.filter(key=key).first()) is not None:
        if (known.payment_id, known.kind) != (payment_id, kind) or amount not in {None, known.amount}:
            raise CommandRefused("this key was used for another request; use a new one")
        return known.pk
    row = work(change, payment)
    recompute_order(change, order, payments)
    return row.pk


def _carry_out(change: Change, move_id: int) -> Moved:
    """Do at once what was just committed. If this process dies first, the sweep does it."""
    checkpoints.reached("move.intent")
    done = carry_out(move_id=move_id, source=change.source, actor=change.actor)
    others = [wake for wake in change.wakes if wake != Wake("move", move_id)]
    return Moved(move_id=move_id, status=done.status, detail=done.detail, wakes=(*others, *done.wakes))


# --- what people say about a move


def approve_move(*, move_id: int, actor: str) -> Moved:
    """Agree to a refund that waits for a second person, and carry it out. Raises ``CommandRefused``."""

    def work(change: Change, payment: Payment, row: Move) -> None:
        if not row.awaits_approval:
            raise CommandRefused("nobody has to agree to this one")
        if not actor or actor == row.actor:
            raise CommandRefused("somebody else than the one who asked for it must agree")
        step(change, payment, row, MoveEvent.APPROVE, approved_by=actor, awaits_approval=False, due_at=change.now)

    change = _about(move_id, actor, "approved", work)
    return _carry_out(change, move_id)


def deny_move(*, move_id: int, actor: str, reason: str = "") -> Moved:
    """Take back what was asked for and not sent. Raises ``CommandRefused``."""

    def work(change: Change, payment: Payment, row: Move) -> None:
        step(change, payment, row, MoveEvent.DENY, awaits_approval=False, error=f"denied by {actor}: {reason}"[:300])

    return _told(move_id, _about(move_id, actor, "denied", work))


def confirm_move(*, move_id: int, reference: str, booked_on: date | None = None, actor: str) -> Moved:
    """Say that it took place, with the bank's or the provider's reference as evidence. Raises ``CommandRefused``."""
    if not reference.strip():
        raise CommandRefused("say what proves it: the bank's or the provider's reference")

    def work(change: Change, payment: Payment, row: Move) -> None:
        evidence = {"evidence": reference.strip(), "booked_on": booked_on, "error": ""}
        counts = row.kind == MoveKind.REFUND and not backend_of(payment).tells_refunds
        step(change, payment, row, MoveEvent.CONFIRMED, **evidence)
        if counts:
            facts = payment.facts
            told = record_sums(facts, refunded=facts.refunded + row.amount, charged_back=facts.charged_back)
            apply_outcome(change, payment, told)

    return _told(move_id, _about(move_id, actor, f"confirmed ({reference.strip()})", work))


def refute_move(*, move_id: int, reason: str, actor: str) -> Moved:
    """Say that it did not take place and will not, as the provider's own pages show. Raises ``CommandRefused``."""
    if not reason.strip():
        raise CommandRefused("say how you know that it did not take place")

    def work(change: Change, payment: Payment, row: Move) -> None:
        step(change, payment, row, MoveEvent.REFUTED, error=f"refuted by {actor}: {reason.strip()}"[:300])

    return _told(move_id, _about(move_id, actor, f"refuted: {reason.strip()}", work))


def _about(move_id: int, actor: str, what: str, work: Callable[[Change, Payment, Move], None]) -> Change:
    refuse_inside_transaction()
    change = Change(source="operator", now=clock.now(), actor=actor)

    def inside() -> None:
        order, payments, payment, row = locked_move(move_id)
        work(change, payment, row)
        note(change, order.pk, payment, "command", f"{row} {what}", {"key": row.key})
        recompute_order(change, order, payments)

    short_transaction(change, inside)
    return change


def _told(move_id: int, change: Change) -> Moved:
    row: Any = Move.objects.get(pk=move_id)
    return Moved(move_id=row.pk, status=MoveStatus(row.status), detail=row.error, wakes=tuple(change.wakes))
