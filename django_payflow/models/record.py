"""What happened (events, append-only) and what a person must look at (cases)."""

from __future__ import annotations

from typing import Any, NoReturn, Self

from django.db import models

from .. import clock
from ..conf import order_model_name
from ..states import CASE_ADVICE, CaseKind
from .fsm import choices_of
from .payment import Payment


class EventQuerySet(models.QuerySet["PaymentEvent"]):
    """Reading and appending; nothing else."""

    def update(self, **kwargs: Any) -> NoReturn:
        """Refused: events are append-only."""
        raise TypeError("payment events are append-only: they cannot be updated")

    def delete(self) -> NoReturn:
        """Refused: events are append-only."""
        raise TypeError("payment events are append-only: they cannot be deleted")

    def forget_data(self) -> int:
        """Blank the details of old events, for the purge; the lines stay. Returns how many there were."""
        return super().update(data={})


class PaymentEvent(models.Model):
    """One line of the record. ``data`` holds no secrets and no personal data."""

    class Kind(models.TextChoices):
        """What the line tells."""

        REPORT = "report", "the provider reported"
        TRANSITION = "transition", "a status changed"
        CALL = "call", "a provider was called"
        COMMAND = "command", "somebody gave a command"
        SECURITY = "security", "something was refused"
        FULFILMENT = "fulfilment", "a fulfilment step"
        MOVE = "move", "a capture, void, refund or dispute"

    order = models.ForeignKey(order_model_name(), on_delete=models.PROTECT, related_name="payment_events")
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="events", null=True, blank=True)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    source = models.CharField(max_length=20, help_text="webhook, return, poll, checkout, operator, ...")
    actor = models.CharField(max_length=150, blank=True, help_text="The person, if there was one.")
    summary = models.CharField(max_length=300)
    data = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField(help_text="When it happened.")

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["payment", "at"], name="payflow_event_payment")]

    def __str__(self) -> str:
        return self.summary

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Append; a second save is refused."""
        if not self._state.adding:
            raise TypeError("payment events are append-only: they cannot be changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refused: events are append-only."""
        raise TypeError("payment events are append-only: they cannot be deleted")


class CaseQuerySet(models.QuerySet["Case"]):
    """Questions about cases."""

    def open(self) -> Self:
        """Cases that nobody and nothing has resolved yet."""
        return self.filter(closed_at=None)


class Case(models.Model):
    """What a person must look at. At most one is open per kind and subject."""

    kind = models.CharField(max_length=20, choices=choices_of(CaseKind))
    open_key = models.CharField(
        max_length=120,
        unique=True,
        null=True,
        blank=True,
        editable=False,
        help_text="Kind and subject while open, empty when closed: the constraint that every database can keep.",
    )
    order = models.ForeignKey(
        order_model_name(), on_delete=models.PROTECT, related_name="payment_cases", null=True, blank=True
    )
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="cases", null=True, blank=True)
    detail = models.CharField(max_length=500, blank=True)
    times = models.PositiveIntegerField(default=1, help_text="How often it was noticed while open.")
    opened_at = models.DateTimeField(default=clock.now)
    closed_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.CharField(max_length=150, blank=True, help_text="The person who closed it, if one did.")
    resolution = models.CharField(max_length=300, blank=True)

    objects = CaseQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["closed_at", "kind"], name="payflow_case_open")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({'open' if self.is_open else 'closed'})"

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to look."""
        return self.closed_at is None

    @property
    def advice(self) -> str:
        """What to do next, in plain words."""
        return CASE_ADVICE[CaseKind(self.kind)]
