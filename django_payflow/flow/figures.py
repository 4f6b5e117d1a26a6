"""The four figures that page somebody: how long the oldest unfinished thing has waited, and what nobody knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from .. import clock, conf
from ..models import Fulfilment, Move, Payment, WebhookDelivery
from ..states import MoveStatus, PaymentStatus
from .places import places_taken

__all__ = ["Figure", "busy_accounts", "figures"]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """How many rows wait for their turn, and for how many seconds the oldest one has waited."""

    name: str
    """``delivery``, ``fulfilment``, ``check`` (payments and moves) or ``uncertain``."""
    waiting: int
    seconds: int
    limit: float
    """``PAYFLOW["LIMITS"]``, in seconds; beyond it somebody should be woken."""

    @property
    def is_too_old(self) -> bool:
        """Whether the oldest one waits longer than the limit."""
        return self.seconds > self.limit


def figures() -> list[Figure]:
    """Return the four figures as they are now. Two small queries per kind of row."""
    now, limits = clock.now(), conf.get().limits
    created = Payment.objects.filter(status=PaymentStatus.CREATED, troubles__gt=0)
    begun = Move.objects.filter(status=MoveStatus.SUBMITTING, attempts__gt=0)
    return [
        _figure("delivery", now, limits, (WebhookDelivery.objects.due(now), "due_at")),
        _figure("fulfilment", now, limits, (Fulfilment.objects.due(now), "due_at")),
        _figure("check", now, limits, (Payment.objects.due(now), "next_check_at"), (Move.objects.due(now), "due_at")),
        _figure("uncertain", now, limits, (created, "created_at"), (begun, "asked_at")),
    ]


def _figure(name: str, now: datetime, limits: Mapping[str, float], *kinds: tuple[QuerySet[Any], str]) -> Figure:
    waiting, oldest = 0, now
    for rows, column in kinds:
        waiting += rows.count()
        first = rows.order_by(column).values_list(column, flat=True).first()
        oldest = min(oldest, first or now)
    return Figure(name=name, waiting=waiting, seconds=int((now - oldest).total_seconds()), limit=limits[name.upper()])


def busy_accounts() -> dict[str, int]:
    """Return the accounts that are asked about as many payments and moves as they may at once, with the number."""
    now, settings = clock.now(), conf.get()
    counts = {alias: places_taken(alias, now) for alias in settings.providers}
    return {alias: count for alias, count in counts.items() if count >= settings.fetches_per_account}
