"""From a basket to an order: once per basket, with the prices of the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.contrib.sessions.backends.base import SessionBase
from django.db import IntegrityError, transaction

from django_payflow.models import Order, OrderLine

from .basket import BasketLine
from .countries import COUNTRIES, HOME, Country
from .models import PlacedBasket

_ORDERS_KEY = "orders"
_REMEMBERED = 10


def place_order(
    *,
    token: str,
    lines: Iterable[BasketLine],
    name: str,
    email: str,
    payment_details: Mapping[str, str] | None = None,
) -> Order:
    """Return the order of this basket token, creating it the first time, however often the button is clicked.

    Two clicks at once are settled by the token's unique constraint: the slower one finds the faster one's order.
    """
    if (earlier := placed_order(token)) is not None:
        return earlier
    details = dict(payment_details or {})
    country = COUNTRIES[details.get("country", HOME)]
    try:
        with transaction.atomic():
            order: Order = Order.objects.new(
                currency=country.currency,
                email=email,
                name=name,
                locale=country.locale,
                payment_details=details,
                lines=[_order_line(line, country) for line in lines],
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


def _order_line(line: BasketLine, country: Country) -> OrderLine:
    product = line.product
    return OrderLine(
        sku=product.slug,
        name=product.name,
        quantity=line.quantity,
        unit_price=country.price(product.price),
        vat_rate=product.vat_rate,
    )
