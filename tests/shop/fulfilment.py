"""Handlers of the test shop."""

from __future__ import annotations

from typing import Any

from tests.shop.models import Shipment


def ship(order: Any, *, key: str, attempt: int) -> None:
    """A local effect that is counted by rows: no uniqueness protects it, only payflow does."""
    Shipment.objects.create(order=order, key=key)
