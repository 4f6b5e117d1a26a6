"""What a person or the shop's code may say about a whole order: cancel it, expire it, complete it."""

from __future__ import annotations

from typing import Any

from .. import clock
from ..exceptions import CommandRefused
from ..messages import MoveKind
from ..models import Fulfilment, Payment
from ..states import (
    ALIVE,
    FulfilmentStatus,
    OrderStatus,
    PaymentStatus,
    refundable,
    releasable,
)
from .books import fulfilments_follow, recompute_order, withdraw
from .carrying import carry_out
from .confirm import confirm
from .fulfil import complete
from .gate import refuse_inside_transaction
from .intents import as_asked, new_move
from .results import Confirmed, Result, Wake
from .rows import (
    Change,
    locked_fulfilments,
    locked_moves,
    locked_order,
    locked_payment,
    locked_payments,
    note,
    save_order,
    short_transaction,
)

__all__ = ["cancel_order", "cancel_payment", "complete_order", "expire_order", "settle_order"]


def cancel_order(*, order_id: int, reason: str = "", actor: str = "") -> Result:
    """Cancel an order: open attempts are ended at their providers, and the money that is held goes back.

    Refused (``CommandRefused``) while a fulfilment runs, after the order was completed, while a payment of it is in
    conflict, and when a provider cannot release what it holds. Raises ``InsideTransaction``.
    """
    refuse_inside_transaction()
    change = Change.asked_by(actor)

    def work() -> None:
        order, payments = locked_order(order_id), locked_payments(order_id)
        _refuse_cancel(order, payments)
        note(change, order_id, None, "command", f"order canceled: {reason}" if reason else "order canceled")
        for payment in payments:
            _end(change, payment)
        save_order(change, order, OrderStatus.CANCELED, canceled_at=change.now)
        fulfilments_follow(change, order, payments)
        recompute_order(change, order, payments)

    short_transaction(change, work)
    return _do_now(change)


def _refuse_cancel(order: Any, payments: list[Payment]) -> None:
    status = OrderStatus(order.status)
    if status in {OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.COMPLETED}:
        raise CommandRefused(f"the order is {status.value} already")
    if any(row.status == FulfilmentStatus.RUNNING for row in locked_fulfilments(order.pk)):
        raise CommandRefused("a fulfilment of this order is running right now; try again when it is done")
    for payment in payments:
        if payment.status == PaymentStatus.CONFLICTED and not payment.facts.resolved:
            raise CommandRefused(f"payment {payment} is conflicted; decide about its money first")


def _end(change: Change, payment: Payment) -> None:
    """End an open attempt; send back what a payment holds, in the same transaction that cancels the order."""
    if PaymentStatus(payment.status) in ALIVE:
        withdraw(change, payment)
        return
    if releasable(payment.facts, as_asked(locked_moves(payment.pk))) > 0:
        new_move(change, payment, MoveKind.VOID, reason="order canceled")
    if refundable(payment.facts, as_asked(locked_moves(payment.pk))) > 0:
        new_move(change, payment, MoveKind.REFUND, reason="order canceled")


def expire_order(*, order_id: int, actor: str = "") -> Result:
    """End the time to pay now. Every open attempt's provider is asked to end it first; money that is seen counts.

    The order is expired when none is open any more, which may take as long as a bank takes. Raises
    ``CommandRefused``, ``InsideTransaction``.
    """
    refuse_inside_transaction()
    change = Change.asked_by(actor)

    def work() -> None:
        order, payments = locked_order(order_id), locked_payments(order_id)
        status = OrderStatus(order.status)
        if status not in {OrderStatus.DRAFT, OrderStatus.PENDING, OrderStatus.FAILED}:
            raise CommandRefused(f"only an order that waits for a payment expires; this one is {status.value}")
        note(change, order_id, None, "command", "the time to pay was ended")
        early = order.pay_before is None or order.pay_before > change.now
        save_order(change, order, status, **({"pay_before": change.now} if early else {}))
        for payment in payments:
            if PaymentStatus(payment.status) in ALIVE and not payment.withdraw:
                withdraw(change, payment)
        recompute_order(change, order, payments)

    short_transaction(change, work)
    return _do_now(change)


def complete_order(*, order_id: int, actor: str = "") -> Result:
    """Say that a paid order is delivered, where no handler says so. Raises as ``expire_order``."""
    refuse_inside_transaction()
    change = Change.asked_by(actor)

    def work() -> None:
        order = locked_order(order_id)
        if OrderStatus(order.status) is not OrderStatus.PROCESSING:
            raise CommandRefused(f"only an order in processing can be completed; this one is {order.status}")
        rows = Fulfilment.objects.filter(order_id=order_id, required=True).exclude(status=FulfilmentStatus.DONE)
        if (waiting := rows.first()) is not None:
            raise CommandRefused(f"the step {waiting.handler!r} is required and {waiting.status}")
        note(change, order_id, None, "command", "order completed")
        complete(change, order)

    short_transaction(change, work)
    return _do_now(change)


def cancel_payment(*, payment_id: int, reason: str = "", actor: str = "") -> Confirmed:
    """End an open attempt at its provider; what the provider answers counts. Raises ``CommandRefused``."""
    refuse_inside_transaction()
    change = Change.asked_by(actor)

    def work() -> None:
        order, _, payment = locked_payment(payment_id)
        if PaymentStatus(payment.status) not in ALIVE:
            raise CommandRefused(f"only an open attempt is cancelled; this one is {payment.label}")
        note(change, order.pk, payment, "command", f"cancel: {reason}" if reason else "cancel")
        withdraw(change, payment)

    short_transaction(change, work)
    return confirm(payment_id=payment_id, source=change.source, actor=actor)


def settle_order(*, order_id: int) -> Result:
    """Compute an order anew from its payments; releases stock that could not be released before."""
    change = Change(source="sweep", now=clock.now())

    def work() -> None:
        recompute_order(change, locked_order(order_id), locked_payments(order_id))

    short_transaction(change, work)
    return Result(wakes=tuple(change.wakes))


def _do_now(change: Change) -> Result:
    """Tell the providers at once. If this process dies first, the sweep does it."""
    later: list[Wake] = []
    for wake in change.wakes:
        if wake.kind == "payment":
            later += confirm(payment_id=wake.id, source=change.source, actor=change.actor).wakes
        elif wake.kind == "move":
            later += carry_out(move_id=wake.id, source=change.source, actor=change.actor).wakes
        else:
            later.append(wake)
    return Result(wakes=tuple(dict.fromkeys(later)))
