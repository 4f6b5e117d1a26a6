"""What an operator may ask for. Each is recorded with the person's name."""

from __future__ import annotations

from .. import clock
from ..exceptions import CommandRefused
from ..models import DeliveryState, Fulfilment, Move, Payment, PaymentEvent, WebhookDelivery
from ..states import CaseKind, FulfilmentEvent, FulfilmentStatus, next_fulfilment
from .books import is_ready
from .carrying import carry_out
from .confirm import confirm
from .gate import refuse_inside_transaction
from .results import Confirmed, Moved, Result, Wake
from .rows import (
    Change,
    close_case,
    locked_fulfilment,
    note,
    save_fulfilment,
    short_transaction,
)

__all__ = ["ask_provider", "look_at_move", "replay_delivery", "retry_fulfilment"]


def ask_provider(*, payment_id: int, actor: str) -> Confirmed:
    """Ask the provider about a payment now, and apply its answer."""
    refuse_inside_transaction()
    change = Change(source="operator", now=clock.now(), actor=actor)
    payment = Payment.objects.get(pk=payment_id)
    summary = "asked the provider"
    short_transaction(change, lambda: note(change, payment.order_id, payment, PaymentEvent.Kind.COMMAND, summary))
    return confirm(payment_id=payment_id, source="operator", actor=actor)


def look_at_move(*, move_id: int, actor: str) -> Moved:
    """Carry a due capture, void or refund out, or find out what became of it, now."""
    refuse_inside_transaction()
    change = Change(source="operator", now=clock.now(), actor=actor)
    row = Move.objects.select_related("payment").get(pk=move_id)
    order_id, payment = row.payment.order_id, row.payment
    short_transaction(
        change, lambda: note(change, order_id, payment, PaymentEvent.Kind.COMMAND, f"looked what became of: {row}")
    )
    return carry_out(move_id=move_id, source="operator", actor=actor)


def retry_fulfilment(*, fulfilment_id: int, actor: str) -> Result:
    """Make a given-up or cancelled fulfilment due again, with a fresh retry schedule.

    Raises ``CommandRefused`` unless its state allows it. If the order is not ready, it waits until it is.
    """
    change = Change(source="operator", now=clock.now(), actor=actor)

    def work() -> None:
        order_id = Fulfilment.objects.values_list("order_id", flat=True).get(pk=fulfilment_id)
        order, row = locked_fulfilment(order_id, fulfilment_id)
        target = next_fulfilment(
            FulfilmentStatus(row.status), FulfilmentEvent.OPERATOR_RETRY, order_ready=is_ready(order)
        )
        save_fulfilment(change, row, target, due_at=change.now, attempts=0, error="")
        close_case(change, CaseKind.FULFILMENT, f"fulfilment:{row.pk}", f"retried by {actor}")
        note(change, order_id, None, PaymentEvent.Kind.COMMAND, f"retry {row.handler}")
        change.wake("fulfilment", row.pk)

    short_transaction(change, work)
    return Result(wakes=tuple(change.wakes))


def replay_delivery(*, delivery_id: int, actor: str) -> Result:
    """Process a stored delivery again. Harmless: it only makes us ask the provider once more.

    Raises ``CommandRefused`` for one that is of no interest.
    """
    change = Change(source="operator", now=clock.now(), actor=actor)

    def work() -> None:
        row = WebhookDelivery.objects.select_related("payment").get(pk=delivery_id)
        if row.state == DeliveryState.IGNORED:
            raise CommandRefused("this delivery is of a kind that payflow ignores; there is nothing to process")
        WebhookDelivery.objects.filter(pk=delivery_id).update(
            state=DeliveryState.PENDING, due_at=change.now, attempts=0
        )
        if row.payment is not None:
            summary = f"replayed delivery {delivery_id}"
            note(change, row.payment.order_id, row.payment, PaymentEvent.Kind.COMMAND, summary)

    short_transaction(change, work)
    return Result(wakes=(Wake("delivery", delivery_id),))
