"""``path("api/", include("django_payflow.api.urls"))``, or ``payflow_api`` where users see only their own orders."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from django.urls import URLPattern, URLResolver
from rest_framework.routers import SimpleRouter

from .views import OrdersOf, PayflowMoveViewSet, PayflowOrderViewSet, PayflowPaymentViewSet

__all__ = ["app_name", "payflow_api", "urlpatterns"]

app_name = "payflow-api"
Patterns = list[URLPattern | URLResolver]


def payflow_api(
    *,
    orders_of: OrdersOf | None = None,
    orders: type[PayflowOrderViewSet] = PayflowOrderViewSet,
    payments: type[PayflowPaymentViewSet] = PayflowPaymentViewSet,
    moves: type[PayflowMoveViewSet] = PayflowMoveViewSet,
) -> tuple[Patterns, str]:
    """Return what ``include`` takes: ``path("api/", include(payflow_api(orders_of=mine)))``.

    ``orders_of`` is ``def mine(request) -> QuerySet`` and says which orders exist for a user; their payments and
    moves follow. The classes may be subclasses of the shop's.
    """
    router = SimpleRouter()
    for prefix, viewset in {"orders": orders, "payments": payments, "moves": moves}.items():
        scoped: Any = type(
            viewset.__name__, (viewset,), {"__doc__": viewset.__doc__, "__module__": viewset.__module__}
        )
        if orders_of is not None:
            scoped.orders_of = staticmethod(orders_of)
        router.register(prefix, scoped, basename=prefix)
    patterns: Patterns = list(router.urls)
    if find_spec("drf_spectacular") is not None:
        from .openapi import described  # imports what only the extra "openapi" installs

        patterns.append(described(patterns))
    return patterns, app_name


urlpatterns, _ = payflow_api()
