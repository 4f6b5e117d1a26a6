"""The shop's own rows in the admin. Parcels and mails are written by programs, so people only read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from .models import Mail, Product, Shipment

if TYPE_CHECKING:  # generic in the stubs only
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


class ReadOnlyAdmin(ModelAdmin):
    """Look, do not touch."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds one by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Nobody rewrites one."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Nobody deletes one."""
        return False


@admin.register(Product)
class ProductAdmin(ModelAdmin):
    """The catalogue."""

    list_display = ["name", "kind", "money", "vat_rate", "available", "stock", "position"]
    list_filter = ["kind", "available"]
    search_fields = ["name", "slug"]
    prepopulated_fields = {"slug": ["name"]}


@admin.register(Shipment)
class ShipmentAdmin(ReadOnlyAdmin):
    """Parcels."""

    list_display = ["tracking_code", "order", "created_at"]
    list_select_related = ["order"]
    search_fields = ["tracking_code", "order__reference"]


@admin.register(Mail)
class MailAdmin(ReadOnlyAdmin):
    """Mails that the demo kept."""

    list_display = ["subject", "recipients", "message_id", "created_at"]
    search_fields = ["subject", "recipients", "message_id"]
