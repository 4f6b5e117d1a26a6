"""Which Django permission a request takes."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from ..models import Payment, get_order_model

__all__ = ["PayflowPermission", "about_orders", "about_payments"]


class PayflowPermission(BasePermission):
    """The user is logged in and has the permission that the view's ``required_permission`` names for the action."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Say whether the user may do this at all; which rows exist for him is the queryset's business."""
        user: Any = request.user
        if not (user and user.is_authenticated):
            return False
        action = getattr(view, "action", None)
        if action is None:  # a method that the address does not know: 405 follows
            return True
        required: str = view.required_permission(action)  # type: ignore[attr-defined]  # our own views have it
        return bool(user.has_perm(required))


def about_orders(verb: str) -> str:
    """Return a permission of the shop's order model: ``payflow.view_order``, or ``shop.view_purchase``."""
    return _codename(get_order_model(), verb)


def about_payments(verb: str) -> str:
    """Return a permission of payments: ``payflow.refund_payment``."""
    return _codename(Payment, verb)


def _codename(model: Any, verb: str) -> str:
    return f"{model._meta.app_label}.{verb}_{model._meta.model_name}"
