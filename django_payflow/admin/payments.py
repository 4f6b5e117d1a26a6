"""Payments: what an attempt does, where its money is, everything that happened to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..models import Payment
from . import panels
from .base import AccountFilter, ReadOnlyAdmin
from .display import Panel, badge, identifier, link, moments, money_text
from .money import load, reference_of
from .payment_operations import PAYMENT_OPERATIONS

__all__ = ["PaymentAdmin"]


class PaymentAdmin(ReadOnlyAdmin):
    """Attempts to pay."""

    operations = PAYMENT_OPERATIONS
    secret_fields = ReadOnlyAdmin.secret_fields | {"webhook_token", "return_token", "checkout", "checkout_url"}
    list_display = [
        moments("created_at", gettext_lazy("started")),
        "state",
        "amount_text",
        "order_link",
        "through",
        "reference",
    ]
    list_filter = ["status", AccountFilter, "live", "held", "created_at"]
    search_fields = ["^order__reference", "^references__value", "order__email", "=key"]
    search_help_text = gettext_lazy("Order reference, the provider's id, e-mail address, or our key.")
    ordering = ["-created_at"]
    fieldsets = [
        (None, {"fields": ["order", "state", "role", "account_text", "method", "key", "failure"]}),
        (
            gettext_lazy("Times"),
            {
                "fields": [
                    "created_at",
                    "authorized_at",
                    "capture_before",
                    "reported_at",
                    "next_check_at",
                    "expires_at",
                    "written_off_at",
                ]
            },
        ),
        (
            gettext_lazy("Bookkeeping"),
            {
                "classes": ["collapse"],
                "fields": [
                    "status",
                    "phase",
                    "doubt",
                    "held",
                    "asked_wrong",
                    "withdraw",
                    "push",
                    "ever_paid",
                    "merchant",
                    "asked_method",
                    "version",
                    "troubles",
                    "recheck",
                    "lease_until",
                    "not_found_since",
                    "vanished_since",
                ],
            },
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Fetch what lists and pages show, and nothing big."""
        found = super().get_queryset(request).select_related("order").prefetch_related("references")
        return found.defer("checkout", "checkout_url")

    def load(self, row: Payment) -> None:
        """Its moves and cases."""
        load([row])

    def panels(self, request: HttpRequest, row: Payment) -> Sequence[Panel]:
        """The money, what needs a person, the story, and what the provider knows it by."""
        return (
            panels.sums(row),
            panels.moves(self.admin_site, request, row),
            panels.cases(self.admin_site, payment=row),
            panels.timeline(row.order_id, row),
            panels.references(row),
            panels.deliveries(self.admin_site, request, row),
        )

    @admin.display(description=gettext_lazy("order"), ordering="order__reference")
    def order_link(self, row: Payment) -> SafeString | str:
        """Lead to the order."""
        return link(self.admin_site, row.order)

    @admin.display(description=gettext_lazy("state"), ordering="status")
    def state(self, row: Payment) -> SafeString:
        """The label: the status, or what the sums make of it."""
        return badge(row.label)

    @admin.display(description=gettext_lazy("amount"), ordering="amount")
    def amount_text(self, row: Payment) -> SafeString:
        """What the order asks for."""
        return money_text(row.amount, row.currency)

    @admin.display(description=gettext_lazy("reference"))
    def reference(self, row: Payment) -> SafeString | str:
        """The provider's first id."""
        return identifier(reference_of(row))

    @admin.display(description=gettext_lazy("through"), ordering="account")
    def through(self, row: Payment) -> SafeString:
        """Account and method, in one column."""
        words = " · ".join(word for word in (row.account, row.method) if word)
        return format_html("{} {}", words, "" if row.live else badge("test"))

    @admin.display(description=gettext_lazy("account"), ordering="account")
    def account_text(self, row: Payment) -> SafeString | str:
        """The account, marked when the money is play money."""
        return row.account if row.live else format_html("{} {}", row.account, badge("test", text=_("test mode")))

    @admin.display(description=gettext_lazy("role"))
    def role(self, row: Payment) -> str:
        """What the attempt is to its order."""
        if row.settles_id is not None:
            return _("pays the order")
        if row.offer_of_id is not None:
            return _("offered to the buyer")
        return _("neither pays the order nor is offered to the buyer")
