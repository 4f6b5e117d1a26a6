"""What the REST API answered, so that a repeated request gets the same answer instead of a second effect."""

from __future__ import annotations

from django.db import models

from .. import clock
from ..fields import EncryptedJSONField

__all__ = ["IdempotentRequest"]


class IdempotentRequest(models.Model):
    """One request with an ``Idempotency-Key``. Keys belong to the one who sent them."""

    principal = models.CharField(max_length=150, help_text="Who asked, such as user:12.")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of method, path and body.")
    status = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Empty while it is being answered.")
    answer = EncryptedJSONField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True, help_text="After this the first try counts as dead.")
    created_at = models.DateTimeField(default=clock.now, db_index=True)

    class Meta:
        verbose_name = "idempotent API request"
        constraints = [models.UniqueConstraint(fields=["principal", "key"], name="payflow_idempotency_unique")]

    def __str__(self) -> str:
        return f"{self.principal} {self.key}"
