"""The shop's stock follows the order: reserved when the buyer starts to pay, released when the order is closed.

Each happens once: the shop's function and our mark commit together, under the order's lock. So the function must do
its work in the same database and call nothing outside; one that fails leaves no trace.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import router, transaction
from django.utils.module_loading import import_string

from .. import conf, redaction
from ..exceptions import OutOfStock
from ..models import Payment
from ..states import CLOSED_ORDER, CaseKind, OrderStatus
from .rows import Change, close_case, open_case, save_order

__all__ = ["follow_stock", "reserve"]

_AGAIN_AFTER = timedelta(minutes=10)


def _function(name: str) -> Callable[[Any], None] | None:
    path = conf.get().stock.get(name)
    found: Callable[[Any], None] | None = import_string(path) if path else None
    return found


def reserve(change: Change, order: Any) -> None:
    """Reserve what the order needs, if that has not been done. Raises ``OutOfStock``, or what the function raises."""
    function = _function("RESERVE")
    if function is None or order.stock_reserved:
        return
    function(order)
    save_order(change, order, OrderStatus(order.status), stock_reserved=True, stock_due_at=None)


def try_to_reserve(change: Change, order: Any) -> bool:
    """Reserve inside a savepoint; say whether that was possible."""
    try:
        with transaction.atomic(using=router.db_for_write(Payment)):
            reserve(change, order)
    except OutOfStock:
        order.stock_reserved = False
        return False
    return True


def follow_stock(change: Change, order: Any) -> None:
    """Give back what a closed order had reserved. A failing function is shown to a person and tried again."""
    if not order.stock_reserved or OrderStatus(order.status) not in CLOSED_ORDER:
        return
    if order.stock_due_at is not None and change.now < order.stock_due_at:
        return
    try:
        with transaction.atomic(using=router.db_for_write(Payment)):
            if (function := _function("RELEASE")) is not None:
                function(order)
            save_order(change, order, OrderStatus(order.status), stock_reserved=False, stock_due_at=None)
    except Exception as error:  # noqa: BLE001  (the shop's code: money and status must be recorded all the same)
        order.stock_reserved = True
        words = redaction.scrub(f"{type(error).__name__}: {error}")
        open_case(change, CaseKind.STOCK, f"releasing failed: {words}", order_id=order.pk)
        save_order(change, order, OrderStatus(order.status), stock_due_at=change.now + _AGAIN_AFTER)
        return
    close_case(change, CaseKind.STOCK, f"order:{order.pk}", "released")
