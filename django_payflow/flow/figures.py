"""The four figures that page somebody: how long the oldest unfinished thing has waited, and what nobody knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import Count, Min, QuerySet
from django.db.models.functions import Coalesce

from .. import clock, conf
from ..models import DeliveryState, Fulfilment, Move, Payment, WebhookDelivery
from ..states import MoveStatus, PaymentStatus
from .inbox import trouble_pause
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
    # What was tried and put off still waits, however often it is tried: its age counts, not that of its next turn.
    later = models.Q(due_at__gt=now)
    postponed = WebhookDelivery.objects.filter(
        later, state=DeliveryState.PENDING, attempts__gt=0, payment__isnull=False
    )
    unsent = Move.objects.filter(later, status=MoveStatus.SUBMITTING, attempts=0, lookups__gt=0)
    return [
        _figure("delivery", now, limits, (WebhookDelivery.objects.due(now), "due_at"), (postponed, "last_at")),
        _figure("fulfilment", now, limits, (Fulfilment.objects.due(now), "due_at")),
        _asked_in_vain(
            _figure(
                "check",
                now,
                limits,
                (Payment.objects.due(now), "next_check_at"),
                (Move.objects.due(now), "due_at"),
                (unsent, "created_at"),
            ),
            now,
        ),
        _figure("uncertain", now, limits, (created, "created_at"), (begun, "asked_at")),
    ]


def _figure(name: str, now: datetime, limits: Mapping[str, float], *kinds: tuple[QuerySet[Any], str]) -> Figure:
    waiting, oldest = 0, now
    for rows, column in kinds:
        waiting += rows.count()
        first = rows.order_by(column).values_list(column, flat=True).first()
        oldest = min(oldest, first or now)
    return Figure(name=name, waiting=waiting, seconds=int((now - oldest).total_seconds()), limit=limits[name.upper()])


def _asked_in_vain(figure: Figure, now: datetime) -> Figure:
    """Add payments that are asked about again and again without an answer.

    For how long, their pauses tell; but a buyer who reloads his page makes more troubles than pauses, so never longer
    than since the last answer.
    """
    troubled = Payment.objects.filter(troubles__gt=0, next_check_at__gt=now).exclude(status=PaymentStatus.CREATED)
    answered = Min(Coalesce("reported_at", "created_at"))
    groups = troubled.values("troubles").annotate(number=Count("pk"), due=Min("next_check_at"), answered=answered)
    waiting, oldest = figure.waiting, now - timedelta(seconds=figure.seconds)
    for group in groups:
        pauses = sum((trouble_pause(n) for n in range(group["troubles"])), timedelta())
        waiting += group["number"]
        oldest = min(oldest, max(group["due"] - pauses, group["answered"]))
    return replace(figure, waiting=waiting, seconds=int((now - oldest).total_seconds()))


def busy_accounts() -> dict[str, int]:
    """Return the accounts that are asked about as many payments and moves as they may at once, with the number."""
    now, settings = clock.now(), conf.get()
    counts = {alias: places_taken(alias, now) for alias in settings.providers}
    return {alias: count for alias, count in counts.items() if count >= settings.fetches_per_account}
