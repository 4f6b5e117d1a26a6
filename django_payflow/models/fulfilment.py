"""Fulfilments: what a paid order sets in motion, a row per handler."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models

from .. import clock
from ..conf import order_model_name
from ..states import FULFILMENT_MOVES, FulfilmentStatus
from .fsm import SafeRefreshMixin, mover, status_constraint, status_field
from .payment import new_key


class FulfilmentQuerySet(models.QuerySet["Fulfilment"]):
    """Questions about fulfilments."""

    def due(self, now: datetime) -> Self:
        """Rows that need somebody: due, waiting for a retry whose time came, or left by a dead worker."""
        ready = models.Q(status__in=[FulfilmentStatus.DUE, FulfilmentStatus.RETRY_WAIT], due_at__lte=now)
        abandoned = models.Q(status=FulfilmentStatus.RUNNING, lease_until__lte=now)
        return self.filter(ready | abandoned).order_by("due_at", "pk")


class Fulfilment(SafeRefreshMixin, models.Model):
    """One handler's work for one order. ``generation`` counts deliberate repetitions by an operator."""

    order = models.ForeignKey(order_model_name(), on_delete=models.PROTECT, related_name="fulfilments")
    handler = models.CharField(max_length=64, help_text="The name in PAYFLOW['FULFILMENT'].")
    generation = models.PositiveIntegerField(default=1)
    required = models.BooleanField(default=True)
    key = models.CharField(max_length=36, unique=True, default=new_key, editable=False)
    status = status_field(FulfilmentStatus, FulfilmentStatus.DUE)
    attempts = models.PositiveIntegerField(default=0)
    repeated = models.PositiveIntegerField(default=0, help_text="Calls after a worker died; same key, so no double.")
    due_at = models.DateTimeField()
    lease_token = models.CharField(max_length=36, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    done_at = models.DateTimeField(null=True, blank=True)

    objects = FulfilmentQuerySet.as_manager()
    move_to = mover(status, FULFILMENT_MOVES)

    class Meta:
        constraints = [
            status_constraint(FulfilmentStatus, "payflow_fulfilment_status"),
            models.UniqueConstraint(fields=["order", "handler", "generation"], name="payflow_fulfilment_unique"),
        ]
        indexes = [models.Index(fields=["status", "due_at"], name="payflow_fulfilment_due")]

    def __str__(self) -> str:
        return f"{self.handler} for {self.order_id}"
