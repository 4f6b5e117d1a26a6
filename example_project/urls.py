"""Addresses of the example shop: its own pages, the payment app, the admin."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("payflow/", include("django_payflow.urls")),
    path("", include("example_project.shop.urls")),
]
