"""A shipment, so that an effect can be counted; and an order model of the shop's own, for the swapped run."""

from __future__ import annotations

from typing import Any

from django.db import models

from django_payflow.conf import order_model_name
from django_payflow.models import AbstractOrder


class Purchase(AbstractOrder):
    """What a shop with its own order model writes."""

    customer_note = models.CharField(max_length=200, blank=True)

    class Meta(AbstractOrder.Meta):
        app_label = "shop"


class Shipment(models.Model):
    """One row per time the handler took effect."""

    order: Any = models.ForeignKey(order_model_name(), on_delete=models.PROTECT, related_name="shipments")
    key = models.CharField(max_length=40)

    class Meta:
        app_label = "shop"

    def __str__(self) -> str:
        return self.key
