"""Chapter six, the middle: carry a capture, void or refund out, at most once at the provider.

1. claim: one short transaction takes the lease on the row and counts the call;
2. call: no transaction is open, the request is the frozen one, its key the row's;
3. settle: one transaction writes the provider's answer; then the payment itself is asked about.

Whatever was begun and has no clear end is looked up before it is asked for again: with the same key and the same
bytes while the key lives, later only if the provider lists what exists and two lists ten minutes apart lack it.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from .. import checkpoints, clock, conf, redaction, registry
from ..exceptions import CommandRefused, ConfigurationError, NotSent, ProviderError, Rejected
from ..messages import Checkout, MoneyMove, MoveKind, MoveRequest
from ..models import Move, Payment
from ..states import MoveEvent, MoveStatus
from .books import look_at, recompute_order
from .confirm import confirm
from .gate import CallNote, call, refuse_inside_transaction
from .inbox import trouble_pause
from .intents import backend_of, show_move, step
from .places import BUSY_PAUSE, has_no_place
from .policy import is_still_wanted
from .report import record_call
from .results import Moved
from .rows import Change, keep_move, locked_move, save_facts, short_transaction

__all__ = ["carry_out"]

_SECOND_LOOK_AFTER = timedelta(minutes=10)
_LOOK_AT_PENDING = timedelta(hours=1)
_PENDING_FOR_TOO_LONG = timedelta(days=30)
_DAY = timedelta(days=1)
_LOOKS_FOR_A_PERSON = 8
"""Looks in a row without a clear end, about five hours of them, until a case is opened."""
_REPLIES = {
    "pending": MoveEvent.REPLY_PENDING,
    "succeeded": MoveEvent.REPLY_DONE,
    "failed": MoveEvent.REPLY_REJECTED,
    "canceled": MoveEvent.REPLY_REJECTED,
}


@dataclass(frozen=True, kw_only=True)
class _Job:
    """A move that is ours to carry out, or to look up."""

    id: int
    payment_id: int
    order_id: int
    account: str
    kind: MoveKind
    token: str
    first: bool
    """It was certainly never sent."""
    looks: bool
    """The provider has it; only its end is open."""
    checkout: Checkout
    request: MoveRequest | None


def carry_out(*, move_id: int, source: str = "move", actor: str = "", patience: float | None = None) -> Moved:
    """Carry a due move out, or find out what became of it, and ask about its payment.

    ``patience`` bounds the provider call in seconds. Never raises for what a provider does; raises
    ``InsideTransaction`` when a transaction is open.
    """
    refuse_inside_transaction()
    change = Change(source=source, now=clock.now(), actor=actor)
    job = short_transaction(change, lambda: _claim(change, move_id))
    wakes = list(change.wakes)
    if job is None:
        return _as_it_is(move_id, wakes)
    checkpoints.reached("move.claimed")
    if not job.first:
        wakes += confirm(payment_id=job.payment_id, source=source, actor=actor, patience=patience).wakes
        again = Change(source=source, now=clock.now(), actor=actor)
        issue = short_transaction(again, lambda: _after_look(again, job))
        wakes += again.wakes
        if not issue:
            return _as_it_is(move_id, wakes)
    answer, note = _call(job, patience)
    checkpoints.reached("move.called")
    settled = Change(source=source, now=clock.now(), actor=actor)
    short_transaction(settled, lambda: _settle(settled, job, answer, note))
    checkpoints.reached("move.settled")
    wakes += settled.wakes
    if not isinstance(answer, NotSent | Rejected):
        wakes += confirm(payment_id=job.payment_id, source=source, actor=actor, patience=patience).wakes
    return _as_it_is(move_id, wakes)


def _as_it_is(move_id: int, wakes: list[Any]) -> Moved:
    row = Move.objects.get(pk=move_id)
    return Moved(move_id=row.pk, status=MoveStatus(row.status), detail=row.error, wakes=tuple(dict.fromkeys(wakes)))


# --- claim


def _claim(change: Change, move_id: int) -> _Job | None:
    order, payments, payment, row = locked_move(move_id)
    leased = row.lease_until is not None and row.lease_until > change.now
    if row.due_at is None or row.due_at > change.now or leased:
        return None
    if row.status == MoveStatus.REQUESTED and not _release(change, order, payments, payment, row):
        return None
    if MoveStatus(row.status) not in {MoveStatus.SUBMITTING, MoveStatus.PENDING}:
        keep_move(change, payment, row, due_at=None)
        return None
    first = row.attempts == 0 and row.status == MoveStatus.SUBMITTING
    columns: dict[str, Any] = {"lease_token": str(uuid.uuid4()), "lease_until": change.now + conf.get().lease}
    if first:
        columns |= {"attempts": 1, "asked_at": change.now}
    before = {"attempts": row.attempts, "asked_at": row.asked_at, "lease_token": "", "lease_until": None}
    keep_move(change, payment, row, **columns)
    if has_no_place(change, payment.account):
        keep_move(change, payment, row, **before, due_at=change.now + BUSY_PAUSE)
        return None
    return _Job(
        id=row.pk,
        payment_id=payment.pk,
        order_id=order.pk,
        account=payment.account,
        kind=MoveKind(row.kind),
        token=row.lease_token,
        first=first,
        looks=row.status == MoveStatus.PENDING,
        checkout=payment.frozen,
        request=row.frozen if row.request else None,
    )


def _release(change: Change, order: Any, payments: list[Payment], payment: Payment, row: Move) -> bool:
    """The time of a move that had to wait has come: is it still wanted?"""
    if row.awaits_approval:
        return False
    if is_still_wanted(row, payment, look_at(change, order, payments)):
        return step(change, payment, row, MoveEvent.APPROVE)
    step(change, payment, row, MoveEvent.DENY, error="no longer wanted when its time came")
    recompute_order(change, order, payments)
    return False


# --- call


def _call(job: _Job, patience: float | None) -> tuple[MoneyMove | ProviderError, CallNote]:
    if job.request is None:
        raise CommandRefused("a move without a request cannot be carried out")
    request = job.request
    try:
        provider = registry.provider(job.account, **({} if patience is None else {"deadline": patience}))
    except ConfigurationError as wrong:
        words = redaction.scrub(str(wrong))[:200]
        return NotSent(words), CallNote(operation=job.kind.value, outcome="not_sent", message=words)
    ask = {MoveKind.CAPTURE: provider.capture, MoveKind.VOID: provider.void, MoveKind.REFUND: provider.refund}[
        job.kind
    ]
    return call(job.account, job.kind.value, lambda: ask(job.checkout, request))


# --- settle


def _settle(change: Change, job: _Job, answer: MoneyMove | ProviderError, note: CallNote) -> None:
    order, payments, payment, row = locked_move(job.id)
    record_call(change, payment, note)
    columns: dict[str, Any] = {}
    if row.lease_token == job.token:
        columns = {"lease_token": "", "lease_until": None}
    if isinstance(answer, MoneyMove):
        _take_reply(change, payment, row, answer, columns)
    elif MoveStatus(row.status) is not MoveStatus.SUBMITTING:  # a report told meanwhile what became of it
        keep_move(change, payment, row, **columns)
    elif isinstance(answer, Rejected):
        _take_refusal(change, job, payment, row, answer, columns)
    else:
        _take_trouble(change, payment, row, answer, columns)
    recompute_order(change, order, payments)


def _take_reply(change: Change, payment: Payment, row: Move, answer: MoneyMove, columns: dict[str, Any]) -> None:
    event = _REPLIES[answer.status]
    columns |= {"reference": row.reference or answer.id, "refused": False, "missed_since": None}
    if event is MoveEvent.REPLY_REJECTED:
        columns |= {"error": f"the provider's word for it is {answer.status}"}
    else:
        columns |= {"error": "", "due_at": change.now + _LOOK_AT_PENDING}
    step(change, payment, row, event, **columns)
    _outdate_reports(change, payment)
    _look_at_the_sums(change, payment)
    _tell_if_alone(change, payment, row)


def _outdate_reports(change: Change, payment: Payment) -> None:
    """A report that was fetched before this answer cannot show it: whoever brings one now asks again."""
    save_facts(change, payment, payment.facts, version=payment.version + 1)


def _look_at_the_sums(change: Change, payment: Payment) -> None:
    """Its sums are fetched next; by the sweep, if this process dies before it asks."""
    soon = change.now + conf.get().lease
    if payment.next_check_at is None or payment.next_check_at > soon:
        save_facts(change, payment, payment.facts, quiet={"next_check_at": soon})


def _take_refusal(
    change: Change, job: _Job, payment: Payment, row: Move, answer: Rejected, columns: dict[str, Any]
) -> None:
    """A definite no ends it. To a repeated call it proves nothing about the first one: one more look decides."""
    words = redaction.scrub(str(answer))[:300]
    if job.first:
        step(change, payment, row, MoveEvent.REPLY_REJECTED, error=words, **columns)
        _tell_if_alone(change, payment, row)
        return
    later = {"refused": True, "error": words, "due_at": change.now + trouble_pause(1)}
    keep_move(change, payment, row, **columns, **later)


def _tell_if_alone(change: Change, payment: Payment, row: Move) -> None:
    """Nobody waits for the answer of what a setting asked for, so a refusal becomes a case."""
    if row.status == MoveStatus.FAILED and (row.policy or not change.actor):
        words = f"{row} was refused: {row.error}"
        show_move(change, payment, row, words)


def _take_trouble(
    change: Change, payment: Payment, row: Move, answer: ProviderError, columns: dict[str, Any]
) -> None:
    """Nobody knows whether it took place, or it certainly did not."""
    if isinstance(answer, NotSent) and row.attempts == 1:
        columns |= {"attempts": 0, "asked_at": None}  # as if it had never been tried
    elif isinstance(answer, NotSent):
        columns |= {"attempts": row.attempts - 1}
    pause = max(timedelta(seconds=answer.retry_after or 0), trouble_pause(row.lookups))
    later = {"lookups": row.lookups + 1, "error": redaction.scrub(str(answer))[:300], "due_at": change.now + pause}
    keep_move(change, payment, row, **columns, **later)
    _tell_after_a_while(change, payment, row)


def _tell_after_a_while(change: Change, payment: Payment, row: Move) -> None:
    if row.lookups >= _LOOKS_FOR_A_PERSON:
        words = f"{row}: {row.error or 'no clear end yet'}"
        show_move(change, payment, row, words)


# --- after a look


def _after_look(change: Change, job: _Job) -> bool:
    """The payment was asked about. Returns whether the move is to be sent again, now."""
    _, _, payment, row = locked_move(job.id)
    free = {"lease_token": "", "lease_until": None} if row.lease_token == job.token else {}
    status = MoveStatus(row.status)
    if status not in {MoveStatus.SUBMITTING, MoveStatus.PENDING}:
        keep_move(change, payment, row, due_at=None, **free)
        return False
    if status is MoveStatus.PENDING:
        _wait_for_the_bank(change, payment, row, free)
        return False
    if payment.reported_at is None or not _looked_since(row) <= payment.reported_at <= change.now:
        _look_later(change, payment, row, free)
        return False
    if row.refused and _cannot_be_looked_up(row, payment):
        words = f"{row}: a repeat was refused ({row.error}), and whether the first call made it cannot be looked up"
        show_move(change, payment, row, words)
        keep_move(change, payment, row, due_at=None, **free)
        return False
    if row.refused:
        step(change, payment, row, MoveEvent.REPLY_REJECTED, **free)
        _tell_if_alone(change, payment, row)
        return False
    if not _may_send_again(change, payment, row, free):
        return False
    values = {"attempts": row.attempts + 1, "lookups": row.lookups + 1, "lease_until": change.now + conf.get().lease}
    keep_move(change, payment, row, **values)
    return True


def _looked_since(row: Move) -> Any:
    """A report must be younger than the last call: an older one could not show it.

    One of the future was written by a clock that was wrong, and says nothing about when.
    """
    return row.lease_until - conf.get().lease if row.lease_until else row.created_at


def _wait_for_the_bank(change: Change, payment: Payment, row: Move, free: dict[str, Any]) -> None:
    waited = change.now - (row.asked_at or row.created_at)
    if waited >= _PENDING_FOR_TOO_LONG:
        words = f"{row} has been pending for {waited.days} days"
        show_move(change, payment, row, words)
    pause = _LOOK_AT_PENDING if waited < _DAY else _DAY
    keep_move(change, payment, row, due_at=change.now + pause, **free)


def _look_later(change: Change, payment: Payment, row: Move, free: dict[str, Any]) -> None:
    """The payment could not be asked about: nothing is known."""
    later = {"lookups": row.lookups + 1, "due_at": change.now + trouble_pause(row.lookups)}
    keep_move(change, payment, row, **later, **free)
    _tell_after_a_while(change, payment, row)


def _may_send_again(change: Change, payment: Payment, row: Move, free: dict[str, Any]) -> bool:
    """The provider was asked, and does not show it."""
    backend, since = backend_of(payment), row.missed_since or change.now
    asked_at = row.asked_at or change.now
    if change.now - asked_at < backend.key_life:
        keep_move(change, payment, row, missed_since=since)
        return True  # the same key and the same bytes: there can be but one
    if _cannot_be_looked_up(row, payment):
        words = f"{row}: the provider gave no answer, and shows refunds only to those who know their ids"
        show_move(change, payment, row, words)
        keep_move(change, payment, row, due_at=None, **free)
        return False
    if change.now - since >= _SECOND_LOOK_AFTER:
        keep_move(change, payment, row, missed_since=since, asked_at=change.now)
        return True
    later = {"missed_since": since, "due_at": since + _SECOND_LOOK_AFTER}
    keep_move(change, payment, row, **later, **free)
    return False


def _cannot_be_looked_up(row: Move, payment: Payment) -> bool:
    """A look shows a refund only to those who know its id."""
    return row.kind == MoveKind.REFUND and not row.reference and MoveKind.REFUND in backend_of(payment).unlisted
