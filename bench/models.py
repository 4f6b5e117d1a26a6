"""The one row that the bare view and the bare task insert."""

from __future__ import annotations

from django.db import models


class Row(models.Model):
    """About as much as a careless shop keeps of a webhook."""

    token = models.CharField(max_length=64)
    body = models.BinaryField()
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.token
