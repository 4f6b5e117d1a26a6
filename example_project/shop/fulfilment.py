"""What the shop does once an order's money is secured."""

from __future__ import annotations

import hashlib

from django_payflow.models import Order

from .models import Shipment


def ship(order: Order, *, key: str, attempt: int) -> None:
    """Write the order's one shipment. Runs inside payflow's transaction and commits with its "done" mark.

    ``get_or_create`` on a unique order makes a repeat harmless, and the tracking code comes from the key, so that
    every repeat would write the same one.
    """
    Shipment.objects.get_or_create(order=order, defaults={"tracking_code": tracking_code(key)})


def tracking_code(key: str) -> str:
    """Return the parcel number that belongs to a fulfilment key: ``FK`` and ten digits."""
    digest = hashlib.sha256(key.encode()).digest()
    return f"FK{int.from_bytes(digest[:8]) % 10**10:010d}"
