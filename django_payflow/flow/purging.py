"""What is forgotten, and when. Money rows, sums, references and the record of what happened stay for ever."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import models

from .. import clock, conf, redaction
from ..exceptions import Unreadable
from ..models import DeliveryState, IdempotentRequest, Payment, PaymentEvent, WebhookDelivery, get_order_model
from ..states import OrderStatus
from .rows import Change, locked_order, locked_payments, note, save_facts, short_transaction

__all__ = ["Purged", "erase_customer", "purge"]

_OVER = (OrderStatus.COMPLETED.value, OrderStatus.CANCELED.value, OrderStatus.EXPIRED.value)
_BATCH = 1000


@dataclass(frozen=True, kw_only=True)
class Purged:
    """How many rows were removed or blanked."""

    deliveries: int = 0
    events: int = 0
    orders: int = 0
    api_keys: int = 0
    still_open: tuple[str, ...] = ()
    """References of orders that were left alone: their payment or delivery is not over, or a key is missing."""


def purge(*, dry_run: bool = False) -> Purged:
    """Forget what ``PAYFLOW["RETENTION_DAYS"]`` says, in small transactions. ``dry_run`` only counts.

    Deliveries that are done are removed, the data of old events is blanked (the lines stay), personal fields of
    orders that are over are emptied, and answers of the REST API are forgotten.
    """
    now = clock.now()
    done = WebhookDelivery.objects.exclude(state=DeliveryState.PENDING)
    told = PaymentEvent.objects.exclude(data={})
    answered = IdempotentRequest.objects.all()
    return Purged(
        deliveries=_in_batches(_older(done, "last_at", "DELIVERIES", now), _delete, dry_run=dry_run),
        events=_in_batches(_older(told, "at", "EVENT_DATA", now), _blank, dry_run=dry_run),
        api_keys=_in_batches(_older(answered, "created_at", "API_KEYS", now), _delete, dry_run=dry_run),
        orders=_erase_all(_older(_personal(), "created_at", "PERSONAL", now), dry_run=dry_run),
    )


def erase_customer(*, email: str, actor: str = "", dry_run: bool = False) -> Purged:
    """Empty the personal fields of a customer's orders, with what webhooks and events kept about them.

    Amounts, statuses, references and the record stay. Orders that are not over are left alone and named.
    """
    mine = get_order_model()._default_manager.filter(email__iexact=email.strip())
    open_orders = tuple(mine.exclude(status__in=_OVER).order_by("pk").values_list("reference", flat=True))
    over = mine.filter(status__in=_OVER)
    if dry_run:
        return Purged(orders=over.count(), still_open=open_orders)
    bodies = events = orders = 0
    for pk, reference in list(over.order_by("pk").values_list("pk", "reference")):
        try:
            _erase(pk, actor)
        except Unreadable as why:
            open_orders += (_skipped(reference, why),)
            continue
        orders += 1
        about = WebhookDelivery.objects.filter(payment__order_id=pk).exclude(state=DeliveryState.PENDING)
        bodies += about.update(body=b"", headers={})
        events += PaymentEvent.objects.filter(order_id=pk).exclude(data={}).forget_data()
    return Purged(orders=orders, deliveries=bodies, events=events, still_open=open_orders)


def _older(rows: Any, column: str, name: str, now: datetime) -> Any:
    days = conf.get().retention_days[name]
    return rows.none() if days is None else rows.filter(**{f"{column}__lt": now - timedelta(days=days)})


def _personal() -> models.QuerySet[Any]:
    """Orders that are over and still have something personal."""
    rows: models.QuerySet[Any] = get_order_model()._default_manager.filter(status__in=_OVER)
    return rows.exclude(email="", name="")


def _in_batches(rows: Any, forget: Callable[[Any], int], *, dry_run: bool) -> int:
    if dry_run:
        return int(rows.count())
    total = 0
    while pks := list(rows.order_by("pk").values_list("pk", flat=True)[:_BATCH]):
        total += forget(rows.model.objects.filter(pk__in=pks))
    return total


def _delete(rows: Any) -> int:
    return int(rows.delete()[0])


def _blank(rows: Any) -> int:
    return int(rows.forget_data())


def _erase_all(rows: Any, *, dry_run: bool) -> int:
    if dry_run:
        return int(rows.count())
    total = 0
    for pk, reference in list(rows.order_by("pk").values_list("pk", "reference")):
        try:
            total += _erase(pk, "")
        except Unreadable as why:
            _skipped(reference, why)
    return total


def _skipped(reference: str, why: Unreadable) -> str:
    """The order stays as it is, all of it, until the key is back: what cannot be read cannot be emptied in part."""
    redaction.logger().error("purge: order %s was left alone: %s", reference, why)
    return reference


def _erase(order_id: int, actor: str) -> bool:
    change = Change(source="purge", now=clock.now(), actor=actor)

    def work() -> bool:
        order = locked_order(order_id)
        fields = {name: value for name, value in order.payflow_erased().items() if getattr(order, name) != value}
        for payment in locked_payments(order_id):
            _forget_buyer(change, payment)
        if not fields:
            return False
        type(order)._default_manager.filter(pk=order.pk).update(**fields)
        note(
            change, order_id, None, PaymentEvent.Kind.COMMAND, "personal data was erased", {"fields": sorted(fields)}
        )
        return True

    return short_transaction(change, work)


def _forget_buyer(change: Change, payment: Payment) -> None:
    if payment.checkout.get("buyer"):
        save_facts(change, payment, payment.facts, checkout={**payment.checkout, "buyer": {}})
