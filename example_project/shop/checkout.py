"""From a basket to an order: once per basket, with the prices of the database."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.sessions.backends.base import SessionBase
from django.db import IntegrityError, transaction

from django_payflow.models import Order, OrderLine

from .basket import BasketLine
from .models import CURRENCY, PlacedBasket

_ORDERS_KEY = "orders"
_REMEMBERED = 10


def place_order(*, token: str, lines: Iterable[BasketLine], name: str, email: str) -> Order:
    """Return the order of this basket token, creating it the first time, however often the button is clicked.

    Two clicks at once are settled by the token's unique constraint: the slower one finds the faster one's order.
    """
    if (earlier := placed_order(token)) is not None:
        return earlier
    try:
        with transaction.atomic():
            order: Order = Order.objects.new(
                currency=CURRENCY, email=email, name=name, locale="en_GB", lines=[_order_line(line) for line in lines]
            )
            PlacedBasket.objects.create(token=token, order=order)
    except IntegrityError:
        return PlacedBasket.objects.select_related("order").get(token=token).order
    return order


def placed_order(token: str) -> Order | None:
    """Return the order that a basket token became, if it did."""
    placed = PlacedBasket.objects.select_related("order").filter(token=token).first()
    return placed.order if placed else None


def remember(session: SessionBase, order: Order) -> None:
    """Keep the order's reference in the buyer's session."""
    earlier = [known for known in remembered(session) if known != order.reference]
    session[_ORDERS_KEY] = [order.reference, *earlier][:_REMEMBERED]


def remembered(session: SessionBase) -> list[str]:
    """Return the references of this visitor's orders, newest first."""
    return list(session.get(_ORDERS_KEY, []))


def _order_line(line: BasketLine) -> OrderLine:
    product = line.product
    return OrderLine(
        sku=product.slug,
        name=product.name,
        quantity=line.quantity,
        unit_price=product.price,
        vat_rate=product.vat_rate,
    )
