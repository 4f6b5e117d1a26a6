"""Captures, voids, refunds and disputes: what happens to the money of a payment after the buyer did his part."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from django.db import models

from .. import clock
from ..fields import EncryptedJSONField
from ..messages import MoveKind, MoveRequest
from ..money import readable
from ..states import MOVE_MOVES, UNDER_WAY, MoveStatus
from .fsm import SafeRefreshMixin, choices_of, mover, status_constraint, status_field
from .payment import Payment, new_key

__all__ = ["Move", "MoveQuerySet"]


class MoveQuerySet(models.QuerySet["Move"]):
    """Questions about moves."""

    def due(self, now: datetime) -> Self:
        """Moves that somebody must carry out or look up, oldest first; with no lower bound."""
        return self.filter(due_at__lte=now).free(now).order_by("due_at", "pk")

    def free(self, now: datetime) -> Self:
        """Moves that no worker owns."""
        return self.filter(models.Q(lease_until=None) | models.Q(lease_until__lte=now))

    def under_way(self) -> Self:
        """Moves that were asked for and have not ended."""
        return self.filter(status__in=[status.value for status in UNDER_WAY])


class Move(SafeRefreshMixin, models.Model):
    """One capture, void, refund or dispute. Amounts are minor units of ``currency``.

    The row is committed before the provider is called; its ``key`` is the idempotency key and the mark at the
    provider, its ``request`` the frozen call. Nothing but the flow writes a row.
    """

    class Origin(models.TextChoices):
        """Whose idea it was."""

        SHOP = "shop", "asked for by the shop"
        PROVIDER = "provider", "made at the provider"
        RECORDED = "recorded", "recorded by an operator"

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="moves")
    kind = models.CharField(max_length=8, choices=choices_of(MoveKind))
    origin = models.CharField(max_length=10, choices=Origin.choices, default=Origin.SHOP)
    key = models.CharField(max_length=36, unique=True, default=new_key, editable=False)
    status = status_field(MoveStatus, MoveStatus.REQUESTED)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    final = models.BooleanField(default=True, help_text="Of a capture: nothing more will be captured.")
    let_go = models.BigIntegerField(
        default=0, help_text="What it gives up of the authorization; taken back if it fails."
    )
    captured_before = models.BigIntegerField(default=0, help_text="What was captured when it was asked for.")
    request = EncryptedJSONField(default=dict, blank=True, help_text="The frozen call.")
    reference = models.CharField(max_length=255, blank=True, db_index=True, help_text="The provider's id.")
    dispute_status = models.CharField(max_length=10, blank=True, help_text="Of a dispute: inquiry, open, won, lost.")
    reason = models.CharField(max_length=200, blank=True)
    actor = models.CharField(max_length=150, blank=True, help_text="Who asked for it.")
    approved_by = models.CharField(max_length=150, blank=True, help_text="The second person, where one was needed.")
    awaits_approval = models.BooleanField(default=False, help_text="A second person must agree.")
    policy = models.CharField(max_length=16, blank=True, help_text="The setting that asked for it, if none did.")
    evidence = models.CharField(max_length=200, blank=True, help_text="The bank's reference, as an operator read it.")
    booked_on = models.DateField(null=True, blank=True, help_text="The bank's date, as an operator read it.")
    error = models.CharField(max_length=300, blank=True, help_text="Why it was refused, or what is not clear.")

    attempts = models.PositiveIntegerField(default=0, help_text="Calls that were begun.")
    lookups = models.PositiveIntegerField(default=0, help_text="Looks that followed, and did not see it.")
    refused = models.BooleanField(default=False, help_text="A repeated call was refused; one more look decides.")
    missed_since = models.DateTimeField(null=True, blank=True, help_text="The first look that did not see it.")
    due_at = models.DateTimeField(null=True, blank=True, db_index=True)
    lease_token = models.CharField(max_length=36, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    asked_at = models.DateTimeField(null=True, blank=True, help_text="When it was first sent.")
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = MoveQuerySet.as_manager()
    move_to = mover(status, MOVE_MOVES)

    class Meta:
        verbose_name = "capture, void or refund"
        verbose_name_plural = "captures, voids and refunds"
        permissions = [("approve_move", "Can approve what a second person must agree to")]
        constraints = [
            status_constraint(MoveStatus, "payflow_move_status"),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="payflow_move_amount"),
        ]
        indexes = [models.Index(fields=["payment", "kind", "status"], name="payflow_move_of_payment")]

    def __str__(self) -> str:
        return f"{self.kind} of {readable(self.amount, self.currency)}"

    @property
    def frozen(self) -> MoveRequest:
        """The call as it was sent, or will be sent again. Only for those that the shop asked for."""
        data: dict[str, Any] = self.request
        return MoveRequest.from_json(data)

    @property
    def is_under_way(self) -> bool:
        """Whether it was asked for and has not ended."""
        return MoveStatus(self.status) in UNDER_WAY
