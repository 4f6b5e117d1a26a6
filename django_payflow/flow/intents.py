"""The intents of chapter six: a row is committed before a provider hears of a capture, void or refund.

Only under the order's lock. ``money`` asks for them, ``policy`` as well; ``carrying`` carries them out and
``seen`` compares them with what the provider reports.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from .. import conf, registry
from ..exceptions import CommandRefused, NotEnoughLeft, Unsupported
from ..messages import Line, MoveKind, MoveRequest, Reference
from ..models import Move, Payment
from ..money import readable
from ..states import (
    RESERVING,
    Asked,
    CaseKind,
    MoveEvent,
    MoveStatus,
    Outcome,
    capturable,
    let_go,
    next_move,
    refund_currency,
    refundable,
    releasable,
)
from .rows import Change, close_case, close_cases, locked_moves, note, open_case, save_facts, save_move

__all__ = ["apply_outcome", "as_asked", "backend_of", "left_for", "new_move", "show_move", "step"]

_ENDED = frozenset({MoveStatus.SUCCEEDED, MoveStatus.FAILED, MoveStatus.CANCELED, MoveStatus.RETURNED})
_LOST = frozenset({MoveStatus.FAILED, MoveStatus.CANCELED})


def backend_of(payment: Payment) -> Any:
    """Return the provider class of a payment's account."""
    return registry.provider_class(conf.get().account(payment.account).backend)


def as_asked(rows: Iterable[Move], payment: Payment | None = None) -> list[Asked]:
    """Return moves as the bounds see them; with the payment also whether a report has shown their end."""
    seen_at = payment.reported_at if payment else None
    return [
        Asked(
            kind=MoveKind(row.kind),
            status=MoveStatus(row.status),
            amount=row.amount,
            currency=row.currency,
            unseen=seen_at is not None and row.ended_at is not None and row.ended_at >= seen_at,
        )
        for row in rows
    ]


def left_for(kind: MoveKind, payment: Payment, rows: Iterable[Move]) -> tuple[int, str]:
    """Return how much a new move of this kind may be at most, in minor units, and its currency."""
    bound = {MoveKind.CAPTURE: capturable, MoveKind.VOID: releasable, MoveKind.REFUND: refundable}[kind]
    currency = payment.currency if kind is MoveKind.CAPTURE else refund_currency(payment.facts)
    return bound(payment.facts, as_asked(rows)), currency


def new_move(
    change: Change,
    payment: Payment,
    kind: MoveKind,
    *,
    amount: int | None = None,
    final: bool = True,
    lines: tuple[Line, ...] = (),
    reason: str = "",
    key: str = "",
    policy: str = "",
    due_at: datetime | None = None,
) -> Move:
    """Commit to a capture, void or refund of a locked payment, of ``amount`` or of everything that is left.

    It is due at once, or at ``due_at``; a refund above the shop's limit waits for a second person, and one that the
    provider has no call for waits for the operator who arranges it. Raises ``CommandRefused``, ``NotEnoughLeft``.
    """
    known = locked_moves(payment.pk)
    left, currency = left_for(kind, payment, known)
    amount = left if amount is None else amount
    _refuse_wrong_amount(kind, payment, amount, left, currency)
    _refuse_impossible(kind, payment, amount, left)
    now = change.now
    values: dict[str, Any] = {"key": key} if key else {}
    row = Move(
        payment=payment,
        kind=kind.value,
        amount=amount,
        currency=currency,
        final=final,
        let_go=_gives_up(kind, payment, amount, final=final),
        captured_before=payment.captured,
        reason=reason[:200],
        actor=change.actor[:150],
        policy=policy,
        awaits_approval=not policy and _needs_second_person(kind, amount, currency, known),
        created_at=now,
        due_at=due_at,
        **values,
    )
    request = _freeze(payment, row, lines)
    _refuse_before_the_wire(payment, request)
    row.request = request.to_json()
    row.save(force_insert=True)
    note(change, payment.order_id, payment, "command", f"{row} asked for{_why(row)}", {"key": row.key})
    if not row.awaits_approval and due_at is None:
        step(change, payment, row, MoveEvent.APPROVE, due_at=now)
    return row


def _refuse_before_the_wire(payment: Payment, request: MoveRequest) -> None:
    if request.kind is MoveKind.REFUND and not backend_of(payment).supports_refund:
        return  # nothing will be sent
    try:
        registry.provider(payment.account).check_move(payment.frozen, request)
    except Unsupported as refused:
        raise CommandRefused(str(refused)) from None


def _why(row: Move) -> str:
    words = row.reason or (f"by the setting for {row.policy.replace('_', ' ')}" if row.policy else "")
    return f": {words}" if words else ""


def _freeze(payment: Payment, row: Move, lines: tuple[Line, ...]) -> MoveRequest:
    stored = payment.references.order_by("pk").values_list("kind", "value")
    return MoveRequest(
        kind=MoveKind(row.kind),
        key=row.key,
        amount=row.amount,
        currency=row.currency,
        created_at=row.created_at,
        references=tuple(Reference(kind=kind, value=value) for kind, value in stored),
        final=row.final,
        reason=row.reason,
        lines=lines,
    )


def _gives_up(kind: MoveKind, payment: Payment, amount: int, *, final: bool) -> int:
    """What of the authorization is let go of on purpose: its loss must not look like one."""
    if kind is MoveKind.VOID:  # a final capture before it may have given up the rest already
        return max(0, payment.capturable - payment.let_go)
    if kind is MoveKind.CAPTURE and final:
        return payment.capturable - amount
    return 0


def _needs_second_person(kind: MoveKind, amount: int, currency: str, known: Iterable[Move]) -> bool:
    """Many small refunds of one payment are a large one: what nobody else agreed to counts together."""
    limit = conf.get().refund_approval_above.get(currency)
    if kind is not MoveKind.REFUND or limit is None:
        return False
    alone = [m for m in known if m.kind == kind and m.origin == Move.Origin.SHOP and not m.approved_by]
    reserved = sum(m.amount for m in alone if m.currency == currency and MoveStatus(m.status) in RESERVING)
    return amount + reserved > limit


def _refuse_wrong_amount(kind: MoveKind, payment: Payment, amount: int, left: int, currency: str) -> None:
    if isinstance(amount, bool) or not isinstance(amount, int):
        raise CommandRefused("an amount is a whole number of minor units")
    if left > 0 and 0 < amount <= left:
        return
    if amount <= 0 and left > 0:
        raise CommandRefused("the amount must be above zero")
    word = {MoveKind.CAPTURE: "captured", MoveKind.VOID: "released", MoveKind.REFUND: "refunded"}[kind]
    if left <= 0:
        why = f"the payment is {payment.label}{_busy(kind, payment)}"
        raise NotEnoughLeft(f"not enough left: nothing can be {word} now, {why}", left=0)
    most, wanted = readable(left, currency), readable(amount, currency)
    raise NotEnoughLeft(f"not enough left: {most} can be {word}, not {wanted}", left=left)


def _busy(kind: MoveKind, payment: Payment) -> str:
    open_moves = Move.objects.filter(payment=payment).under_way()
    if kind is MoveKind.REFUND:
        return ", and refunds of the rest are under way" if open_moves.filter(kind=kind.value).exists() else ""
    found = open_moves.filter(kind__in=[MoveKind.CAPTURE.value, MoveKind.VOID.value]).first()
    return f", and a {found.kind} is under way" if found else ""


def _refuse_impossible(kind: MoveKind, payment: Payment, amount: int, left: int) -> None:
    backend = backend_of(payment)
    supported = {MoveKind.CAPTURE: backend.supports_capture, MoveKind.VOID: backend.supports_void}
    if not supported.get(kind, True):
        raise CommandRefused(f"{backend.name} has no call to {kind.value}; do it in the provider's own pages")
    if kind is MoveKind.CAPTURE and amount < left and not backend.supports_partial_capture:
        raise CommandRefused(f"{backend.name} captures everything or nothing")
    partial = kind is MoveKind.REFUND and amount < payment.captured
    if partial and backend.supports_refund and not backend.supports_partial_refund:
        raise CommandRefused(f"{backend.name} refunds everything or nothing")


# --- one step of a move


def step(change: Change, payment: Payment, row: Move, event: MoveEvent, **columns: Any) -> bool:
    """Let an event happen to a move of a locked payment, with all that follows. Returns whether its status changed.

    Raises ``CommandRefused`` where the table says refuse.
    """
    manual = row.kind == MoveKind.REFUND and not backend_of(payment).supports_refund
    old = MoveStatus(row.status)
    told = next_move(old, event, manual=manual)
    if told.status in _ENDED and told.status is not old:
        columns |= {"due_at": None, "ended_at": change.now}
    if told.status is MoveStatus.MANUAL:
        columns |= {"due_at": None}
    save_move(change, payment, row, told.status, **columns)
    if told.status is old:
        return False
    _keep_let_go(change, payment, row, old)
    if told.alarm:
        _alarm(change, payment, row, old)
    elif told.status in _ENDED:
        close_case(change, CaseKind.MOVE, f"move:{row.pk}", f"it ended: {told.status.value}")
    if told.status is MoveStatus.SUBMITTING and row.due_at is not None and row.due_at <= change.now:
        change.wake("move", row.pk)
    return True


def _keep_let_go(change: Change, payment: Payment, row: Move, old: MoveStatus) -> None:
    """What a move gives up counts from its beginning, and no more once it came to nothing."""
    counted = old not in _LOST | {MoveStatus.REQUESTED, MoveStatus.MANUAL}
    counts = MoveStatus(row.status) not in _LOST | {MoveStatus.REQUESTED, MoveStatus.MANUAL}
    if row.let_go and counted != counts:
        apply_outcome(change, payment, let_go(payment.facts, row.let_go if counts else -row.let_go))


def _alarm(change: Change, payment: Payment, row: Move, old: MoveStatus) -> None:
    if row.kind == MoveKind.DISPUTE:
        return  # the chargeback sums have a case of their own
    if row.status == MoveStatus.RETURNED:
        words = f"{row} came back{f': {row.error}' if row.error else ''}"
        open_case(change, CaseKind.REFUND_RETURNED, words, payment=payment)
        return
    words = f"{row} had ended as {old.value}, and the provider says {row.status}"
    show_move(change, payment, row, words)


def show_move(change: Change, payment: Payment, row: Move, words: str) -> None:
    """Open the case about a move; it closes when the move ends."""
    open_case(change, CaseKind.MOVE, words, payment=payment, subject=f"move:{row.pk}")


def apply_outcome(change: Change, payment: Payment, outcome: Outcome) -> None:
    """Write what a decision makes of a payment, with its cases. The order is computed anew by the caller."""
    save_facts(change, payment, outcome.facts)
    for kind in sorted(outcome.opens):
        open_case(change, kind, f"{payment.money} expected; the books say {payment.label}", payment=payment)
    close_cases(change, outcome.closes, payment, f"resolved: {payment.label}")
