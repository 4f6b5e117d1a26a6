"""Orders: ours, and the base for the admin of a shop's own order model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from .. import flow
from ..models import Case
from . import panels
from .base import ReadOnlyAdmin
from .display import Panel, badge, moments, money_text
from .order_operations import ORDER_OPERATIONS, load

__all__ = ["OrderAdmin"]

_NEVER_EDITABLE = frozenset(
    {"reference", "status", "total", "currency", "created_at", "placed_at", "secured_at"}
    | {"canceled_at", "stock_reserved", "stock_due_at", "payment_details"},
)


class OrderAdmin(ReadOnlyAdmin):
    """Orders, their payments and what followed.

    For an order model of the shop's own::

        @admin.register(Purchase)
        class PurchaseAdmin(OrderAdmin):
            list_display = [*OrderAdmin.list_display, "customer_note"]
            fieldsets = [*OrderAdmin.fieldsets, ("Shop", {"fields": ["customer_note"]})]
            editable_fields = ["customer_note"]

    Only what ``editable_fields`` names can be edited, by those with the model's change permission; never the
    money, the status or the reference. Saving writes the edited columns alone: the flow may have moved the order
    since the form was opened.
    """

    editable_fields: Sequence[str] = ()
    operations = ORDER_OPERATIONS
    list_display = [
        "reference",
        "state",
        "amount_text",
        "email",
        "attention",
        moments("created_at", gettext_lazy("created")),
    ]
    list_filter = ["status", "created_at"]
    search_fields = ["^reference", "email", "name", "^payments__references__value", "=payments__key"]
    search_help_text = gettext_lazy("Order reference, e-mail address, name, the provider's id, or a payment's key.")
    ordering = ["-created_at"]
    fieldsets = [
        (None, {"fields": ["reference", "state", "amount_text", "email", "name", "locale", "pay_link"]}),
        (gettext_lazy("Times"), {"fields": ["created_at", "placed_at", "secured_at", "pay_before", "canceled_at"]}),
    ]

    # -- what may be edited

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the form is one: only if the shop made fields editable, for those who may change orders."""
        return bool(self._editable()) and self.may_operate(request)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Everything but what the shop made editable."""
        shown = super().get_readonly_fields(request, obj)
        return [name for name in shown if name not in self._editable()]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Write the edited columns alone."""
        columns = [name for name in form.changed_data if name in self._editable() and _is_column(obj, name)]
        if columns:
            obj.save(update_fields=columns)

    def _editable(self) -> set[str]:
        return set(self.editable_fields) - _NEVER_EDITABLE

    # -- what is shown

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Say along whether somebody must look at an order."""
        open_case = Case.objects.open().filter(order_id=OuterRef("pk"))
        found: QuerySet[Any] = super().get_queryset(request).annotate(payflow_open_case=Exists(open_case))
        return found

    def load(self, row: Any) -> None:
        """Its payments and fulfilments."""
        load(row)

    def panels(self, request: HttpRequest, row: Any) -> Sequence[Panel]:
        """The order's whole story."""
        return (
            panels.lines(row),
            panels.payments(self.admin_site, request, row),
            panels.fulfilments(self.admin_site, request, row.pk),
            panels.cases(self.admin_site, order_id=row.pk),
            panels.timeline(row.pk),
        )

    @admin.display(description=gettext_lazy("state"), ordering="status")
    def state(self, row: Any) -> SafeString:
        """The status, in colour."""
        return badge(row.status)

    @admin.display(description=gettext_lazy("total"), ordering="total")
    def amount_text(self, row: Any) -> SafeString:
        """What the buyer pays."""
        return money_text(row.total, row.currency)

    @admin.display(description=gettext_lazy("pay link"))
    def pay_link(self, row: Any) -> str:
        """A link for an e-mail or a buyer on the phone, made anew each time the page is shown."""
        return flow.pay_link(row) if row.can_be_paid else "-"

    @admin.display(description=gettext_lazy("to look at"))
    def attention(self, row: Any) -> SafeString | str:
        """Whether a case is open."""
        return badge("open", text=str(gettext_lazy("open case"))) if row.payflow_open_case else ""


def _is_column(row: Any, name: str) -> bool:
    return any(field.name == name for field in row._meta.concrete_fields)
