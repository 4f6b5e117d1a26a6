"""What a person decides when the facts alone cannot: accept, write off, record, deliver, close a case.

Each is recorded with the person's name and reason, and leaves the order as the books then say.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from .. import clock
from ..exceptions import CommandRefused
from ..messages import MoveKind
from ..models import Case, Move, Payment
from ..money import readable
from ..states import (
    CLOSABLE,
    CaseKind,
    Doubt,
    MoveEvent,
    MoveStatus,
    PaymentStatus,
    accept,
    must_go_back,
    record_sums,
    write_off,
)
from .books import recompute_order
from .intents import apply_outcome, as_asked, backend_of, step
from .policy import reopen
from .results import Result
from .rows import (
    Change,
    close_case,
    close_cases,
    locked_moves,
    locked_order,
    locked_payment,
    locked_payments,
    note,
    short_transaction,
)
from .stock import try_to_reserve

__all__ = [
    "accept_payment",
    "close_case_by_hand",
    "deliver_late",
    "record_chargeback",
    "record_refund",
    "record_win",
    "write_off_payment",
]


def accept_payment(*, payment_id: int, reason: str, actor: str) -> Result:
    """Take the money that is there as good enough for the order, although it is not the expected sum.

    Raises ``CommandRefused``: for money in another currency, and for money that is gone (refund or write it off).
    """

    def work(change: Change, order: Any, payment: Payment) -> None:
        facts = payment.facts
        unsettled = Case.objects.open().filter(payment=payment, kind=CaseKind.UNSETTLED.value).exists()
        if facts.doubt is not Doubt.AMOUNT and not unsettled:
            raise CommandRefused(f"there is no amount to accept: the payment is {payment.label}")
        if facts.money_left == 0:
            raise CommandRefused("no money is left to accept; write the payment off")
        apply_outcome(change, payment, accept(facts))
        close_cases(change, [CaseKind.UNSETTLED], payment, f"accepted by {actor}")

    return _about_payment(payment_id, actor, f"amount accepted: {_said(reason)}", work)


def write_off_payment(*, payment_id: int, reason: str, actor: str) -> Result:
    """Close the question about a conflicted payment without money. Its status stays. Raises ``CommandRefused``."""

    def work(change: Change, order: Any, payment: Payment) -> None:
        if PaymentStatus(payment.status) is not PaymentStatus.CONFLICTED:
            raise CommandRefused(f"only a conflicted payment is written off, and this one is {payment.label}")
        if must_go_back(payment.facts, as_asked(locked_moves(payment.pk))):
            raise CommandRefused("there is still money on it; refund or void it first")
        apply_outcome(change, payment, write_off(payment.facts, now=change.now))

    return _about_payment(payment_id, actor, f"written off: {_said(reason)}", work)


def deliver_late(*, payment_id: int, reason: str, actor: str) -> Result:
    """Let the order go on although its money came late. Raises ``CommandRefused``, also when the stock is gone."""

    def work(change: Change, order: Any, payment: Payment) -> None:
        case = Case.objects.open().filter(payment=payment, kind=CaseKind.LATE_MONEY.value)
        if not case.exists():
            raise CommandRefused("there is no late money on this payment")
        for row in locked_moves(payment.pk):
            if row.is_under_way and row.kind != MoveKind.CAPTURE:
                raise CommandRefused(f"a {row.kind} of this payment is under way")
        if not try_to_reserve(change, order):
            raise CommandRefused("the shop's stock does not allow it; refund the money")
        reopen(change, order, payment, f"{actor}: {_said(reason)}")

    return _about_payment(payment_id, actor, f"delivered although late: {_said(reason)}", work)


# --- what a provider does not tell


def record_refund(*, payment_id: int, amount: int, reference: str, booked_on: date | None, actor: str) -> Result:
    """Record a refund that the bank made, at a provider that tells of none. ``amount`` in minor units.

    Raises ``CommandRefused``.
    """

    def work(change: Change, order: Any, payment: Payment) -> None:
        if backend_of(payment).tells_refunds:
            raise CommandRefused("this provider tells of refunds itself; ask it now")
        facts = payment.facts
        left = facts.captured - facts.refunded  # a chargeback on top of it is odd, and a fact all the same
        if not 0 < amount <= left:
            raise CommandRefused(f"not more than {readable(left, payment.currency)} can have been refunded")
        _record(change, payment, MoveKind.REFUND, amount, reference, booked_on)
        sums = record_sums(facts, refunded=facts.refunded + amount, charged_back=facts.charged_back)
        apply_outcome(change, payment, sums)

    return _about_payment(payment_id, actor, f"refund of {amount} recorded ({reference})", work)


def record_chargeback(*, payment_id: int, amount: int, reference: str, booked_on: date | None, actor: str) -> Result:
    """Record that the buyer's bank took money back, at a provider that does not tell. Raises ``CommandRefused``."""

    def work(change: Change, order: Any, payment: Payment) -> None:
        if backend_of(payment).tells_disputes:
            raise CommandRefused("this provider tells of chargebacks itself; ask it now")
        facts = payment.facts
        if not 0 < amount <= facts.captured - facts.charged_back:
            raise CommandRefused("a chargeback is above zero and not more than what was captured")
        _record(change, payment, MoveKind.DISPUTE, amount, reference, booked_on)
        sums = record_sums(facts, refunded=facts.refunded, charged_back=facts.charged_back + amount)
        apply_outcome(change, payment, sums)

    return _about_payment(payment_id, actor, f"chargeback of {amount} recorded ({reference})", work)


def record_win(*, move_id: int, reason: str, actor: str) -> Result:
    """Record that a recorded chargeback was won: the money came back. Raises ``CommandRefused``."""
    payment_id = Move.objects.values_list("payment_id", flat=True).get(pk=move_id)

    def work(change: Change, order: Any, payment: Payment) -> None:
        row = next(found for found in locked_moves(payment.pk) if found.pk == move_id)
        recorded = row.kind == MoveKind.DISPUTE and row.origin == Move.Origin.RECORDED
        if not recorded or row.status != MoveStatus.SUCCEEDED:
            raise CommandRefused("only a recorded chargeback can be recorded as won")
        step(change, payment, row, MoveEvent.SEEN_FAILED, dispute_status="won")
        facts = payment.facts
        back = max(0, facts.charged_back - row.amount)
        apply_outcome(change, payment, record_sums(facts, refunded=facts.refunded, charged_back=back))

    return _about_payment(payment_id, actor, f"chargeback won: {_said(reason)}", work)


def _record(
    change: Change, payment: Payment, kind: MoveKind, amount: int, reference: str, booked_on: date | None
) -> Move:
    if not reference.strip():
        raise CommandRefused("say what proves it: the bank's reference")
    recorded = Move.objects.filter(payment=payment, kind=kind.value, origin=Move.Origin.RECORDED)
    if recorded.filter(evidence=reference.strip()[:200]).exists():
        raise CommandRefused("this was recorded already, with the same reference")
    return Move.objects.create(
        payment=payment,
        kind=kind.value,
        origin=Move.Origin.RECORDED,
        status=MoveStatus.SUCCEEDED.value,
        amount=amount,
        currency=payment.currency,
        dispute_status="lost" if kind is MoveKind.DISPUTE else "",
        evidence=reference.strip()[:200],
        booked_on=booked_on,
        actor=change.actor[:150],
        created_at=change.now,
        ended_at=change.now,
    )


# --- cases


def close_case_by_hand(*, case_id: int, reason: str, actor: str) -> Result:
    """Close a case that a person has dealt with. Raises ``CommandRefused`` for one that only its answer can end."""
    change = Change(source="operator", now=clock.now(), actor=actor)
    words = _said(reason)

    def work() -> None:
        case = Case.objects.get(pk=case_id)
        order = locked_order(case.order_id) if case.order_id is not None else None
        payments = locked_payments(case.order_id) if case.order_id is not None else []
        case = Case.objects.get(pk=case_id)
        if not case.is_open or case.open_key is None:
            raise CommandRefused("this case is closed already")
        if CaseKind(case.kind) not in CLOSABLE:
            raise CommandRefused(f"this case ends when its question is answered. {case.advice}")
        close_case(change, CaseKind(case.kind), case.open_key.partition(":")[2], f"{actor}: {words}")
        if order is not None:
            note(change, order.pk, case.payment, "command", f"case closed: {case.get_kind_display()}: {words}")
            recompute_order(change, order, payments)

    short_transaction(change, work)
    return Result(wakes=tuple(change.wakes))


# --- the frame of each


def _said(reason: str) -> str:
    if not reason.strip():
        raise CommandRefused("say why: the reason becomes part of the record")
    return reason.strip()[:200]


def _about_payment(payment_id: int, actor: str, summary: str, work: Callable[[Change, Any, Payment], None]) -> Result:
    change = Change(source="operator", now=clock.now(), actor=actor)

    def inside() -> None:
        order, payments, payment = locked_payment(payment_id)
        work(change, order, payment)
        note(change, order.pk, payment, "command", summary)
        recompute_order(change, order, payments)

    short_transaction(change, inside)
    return Result(wakes=tuple(change.wakes))
