"""What is refused before the wire: requests that a provider would refuse, or that would charge something else."""

from __future__ import annotations

import re
from typing import Any

from .exceptions import ConfigurationError, InvalidCheckout
from .messages import Checkout
from .money import exponent
from .providers.base import Provider

__all__ = ["refuse_invalid"]

_METHOD = re.compile(r"[A-Za-z0-9_.-]{1,40}", re.ASCII)


def refuse_invalid(order: Any, checkout: Checkout, provider: Provider[Any]) -> None:
    """Raise ``InvalidCheckout`` unless total, currency and lines fit each other and the provider."""
    if checkout.method is not None and not _METHOD.fullmatch(checkout.method):
        raise InvalidCheckout(f"{checkout.method!r:.60} is not a provider's word for a payment method")
    if checkout.amount < 0:
        raise InvalidCheckout(f"order {order.reference} has a negative total")
    try:
        exponent(checkout.currency)
    except ConfigurationError as unknown:
        raise InvalidCheckout(str(unknown)) from None
    lines = sum(line.total for line in checkout.lines)
    if checkout.lines and lines != checkout.amount:
        raise InvalidCheckout(
            f"the lines of order {order.reference} add up to {lines}, its total is {checkout.amount} (minor units)"
        )
    if checkout.amount > 0:  # an order of zero is placed without asking anybody
        provider.check(checkout)
