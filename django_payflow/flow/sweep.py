"""The safety net: every unfinished row carries the time of its next check, and the sweep finds what is due.

There is no lower bound: after two days of outage the first sweep finds everything. ``inline=True`` (cron) does the
work itself; ``inline=False`` (beat) only says whom to wake.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import models

from .. import clock, conf, redaction
from ..models import DeliveryState, Fulfilment, Heartbeat, Move, Payment, WebhookDelivery, get_order_model
from ..states import ALIVE, CLOSED_ORDER, PAYABLE_ORDER, FulfilmentStatus, MoveStatus, OrderStatus, PaymentStatus
from .books import recompute_order, withdraw
from .carrying import carry_out
from .confirm import confirm
from .fulfil import fulfil
from .ordering import settle_order
from .results import Result, Swept, Wake, WakeKind
from .rows import Change, locked_order, locked_payments, short_transaction
from .webhook import process_delivery

__all__ = ["sweep"]

_BATCH = 500
_ROUNDS = 50
_CLOCKS_DIFFER = timedelta(minutes=10)
"""Machines of one shop may differ by as much; a clock put back by less heals by waiting."""


def sweep(*, inline: bool = False, limit: int = _BATCH) -> Swept:
    """Find everything that is due, at most ``limit`` rows of a kind.

    ``inline=True`` does the work at once, and what becomes due by it, until nothing is left.
    """
    now = clock.now()
    _notice_clock(now)
    _beat(now)
    expired = _expire_orders(limit)
    found = _find_due(limit)
    counts = {kind: sum(1 for wake in found if wake.kind == kind) for kind in _DO}
    if inline:
        _work(found)
    return Swept(
        deliveries=counts["delivery"],
        payments=counts["payment"],
        moves=counts["move"],
        fulfilments=counts["fulfilment"],
        expired_orders=expired,
        wakes=() if inline else tuple(found),
    )


def _beat(now: datetime) -> None:
    """Say that the sweep ran. Not ``update_or_create``: two first ones at once deadlock on MariaDB."""
    if not Heartbeat.objects.filter(name="sweep").update(at=now):
        Heartbeat.objects.bulk_create([Heartbeat(name="sweep", at=now)], ignore_conflicts=True)


def _notice_clock(now: datetime) -> None:
    """A clock that was ahead and was put back left leases and due times that are far away: everything is due now.

    The last sweep's own mark tells. What is looked at too early costs a question; a lease that somebody still needs
    is fenced by its token and the row's version, as one that ran out is.
    """
    if not Heartbeat.objects.filter(name="sweep", at__gt=now + _CLOCKS_DIFFER).exists():
        return
    redaction.logger().error("the clock was put back: all that is unfinished is looked at now")
    rows: list[tuple[models.QuerySet[Any], str]] = [
        (WebhookDelivery.objects.filter(state=DeliveryState.PENDING), "due_at"),
        (Payment.objects.filter(status__in=[status.value for status in ALIVE]), "next_check_at"),
        (Payment.objects.filter(troubles__gt=0), "next_check_at"),
        (Move.objects.filter(status__in=[MoveStatus.SUBMITTING, MoveStatus.PENDING]), "due_at"),
        (Fulfilment.objects.filter(status__in=[FulfilmentStatus.DUE, FulfilmentStatus.RETRY_WAIT]), "due_at"),
    ]
    for found, column in rows:
        found.filter(**{f"{column}__gt": now}).update(**{column: now})
    latest = now + conf.get().lease
    for model in (WebhookDelivery, Payment, Move, Fulfilment):
        model._default_manager.filter(lease_until__gt=latest).update(lease_until=now)


def _find_due(limit: int) -> list[Wake]:
    now = clock.now()
    queries: list[tuple[WakeKind, models.QuerySet[models.Model]]] = [
        ("delivery", WebhookDelivery.objects.due(now)),
        ("payment", Payment.objects.due(now)),
        ("move", Move.objects.due(now)),
        ("fulfilment", Fulfilment.objects.due(now)),
        ("order", _unreleased(now)),
    ]
    return [Wake(kind, pk) for kind, rows in queries for pk in rows.values_list("pk", flat=True)[:limit]]


def _unreleased(now: datetime) -> models.QuerySet[models.Model]:
    """Closed orders whose stock could not be released so far."""
    closed = [status.value for status in CLOSED_ORDER]
    found: models.QuerySet[models.Model] = get_order_model()._default_manager.filter(
        status__in=closed, stock_reserved=True, stock_due_at__lte=now
    )
    return found.order_by("stock_due_at", "pk")


_DO: dict[WakeKind, Callable[[int], Result]] = {
    "delivery": lambda pk: process_delivery(delivery_id=pk),
    "payment": lambda pk: confirm(payment_id=pk, source="poll"),
    "move": lambda pk: carry_out(move_id=pk),
    "fulfilment": lambda pk: fulfil(fulfilment_id=pk),
    "order": lambda pk: settle_order(order_id=pk),
}


def _work(found: list[Wake]) -> None:
    """Do it, and what it wakes. One row's unexpected error must not keep the others from their turn."""
    waiting = list(dict.fromkeys(found))
    for _ in range(_ROUNDS):
        later: list[Wake] = []
        for wake in waiting:
            try:
                later += _DO[wake.kind](wake.id).wakes
            except Exception:  # noqa: BLE001  (a bug met by one row: logged with its trace, the row stays due)
                redaction.logger().exception("sweep: %s %d failed", wake.kind, wake.id)
        waiting = list(dict.fromkeys(later))
        if not waiting:
            return


def _expire_orders(limit: int) -> int:
    """Orders whose time to pay is over: every open attempt's provider is asked to end it before they expire."""
    now = clock.now()
    waiting = [status.value for status in PAYABLE_ORDER - {OrderStatus.DRAFT}]
    alive = Payment.objects.filter(order=models.OuterRef("pk"), status__in=[status.value for status in ALIVE])
    # An order whose attempts are all being ended already waits for them; their last news expires it.
    to_do = models.Exists(alive.filter(withdraw=False)) | ~models.Exists(alive)
    late = get_order_model()._default_manager.filter(to_do, status__in=waiting, pay_before__lte=now)
    late = late.order_by("pay_before", "pk")
    return sum(_try_to_expire(pk) for pk in late.values_list("pk", flat=True)[:limit])


def _try_to_expire(order_id: int) -> bool:
    try:
        return _expire(order_id)
    except Exception:  # noqa: BLE001  (as in _work: the order stays late, and is tried again)
        redaction.logger().exception("sweep: order %d could not expire", order_id)
        return False


def _expire(order_id: int) -> bool:
    change = Change(source="deadline", now=clock.now())

    def work() -> bool:
        order, payments = locked_order(order_id), locked_payments(order_id)
        for payment in payments:
            if PaymentStatus(payment.status) in ALIVE and not payment.withdraw:
                withdraw(change, payment)
        recompute_order(change, order, payments)
        return bool(order.status == OrderStatus.EXPIRED)

    return short_transaction(change, work)
