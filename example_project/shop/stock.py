"""What is left on the shelf: reserved when a buyer starts to pay, put back when his order is closed unpaid.

Both run inside payflow's transaction, together with its mark that they ran: once per order, whatever happens.
"""

from __future__ import annotations

from django.db.models import F

from django_payflow.exceptions import OutOfStock
from django_payflow.models import Order

from .models import Product


def reserve(order: Order) -> None:
    """Take the order's wares off the shelf. Raises ``OutOfStock`` when one is not there any more."""
    for line in order.lines.order_by("sku"):
        left = Product.objects.filter(slug=line.sku, stock__gte=line.quantity)
        if not left.update(stock=F("stock") - line.quantity):
            raise OutOfStock(
                f"{line.quantity} x {line.sku} is more than the shelf holds",
                buyer_message=f"Sorry, we do not have {line.quantity} x {line.name} any more.",
            )


def release(order: Order) -> None:
    """Put the order's wares back."""
    for line in order.lines.order_by("sku"):
        Product.objects.filter(slug=line.sku).update(stock=F("stock") + line.quantity)
