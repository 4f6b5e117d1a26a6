"""The shop as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class ShopConfig(AppConfig):
    """Fern & Kettle."""

    name = "example_project.shop"
    label = "example_shop"
    verbose_name = "Fern & Kettle"
    default_auto_field = "django.db.models.BigAutoField"
