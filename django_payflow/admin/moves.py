"""Captures, voids, refunds and disputes: what was asked for, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from ..models import Move
from . import panels
from .base import AccountFilter, ReadOnlyAdmin
from .display import Panel, link, moments, money_text, shortened
from .money import load
from .move_operations import MOVE_OPERATIONS

__all__ = ["MoveAdmin"]


class AccountOfPaymentFilter(AccountFilter):
    """Filter by the account of the payment."""

    column = "payment__account"


class MoveAdmin(ReadOnlyAdmin):
    """What happens to the money of a payment after the buyer did his part."""

    operations = MOVE_OPERATIONS
    list_display = [
        moments("created_at", gettext_lazy("began")),
        "what",
        "outcome",
        "order_link",
        "asked_by",
    ]
    list_display_links = ["what"]
    list_filter = ["status", "kind", "origin", "awaits_approval", AccountOfPaymentFilter, "created_at"]
    search_fields = [
        "^payment__order__reference",
        "^payment__references__value",
        "^reference",
        "payment__order__email",
        "=payment__key",
        "=key",
        "actor",
    ]
    search_help_text = gettext_lazy(
        "Order reference, the provider's id of the payment or of the refund, e-mail address, our key, or who asked."
    )
    ordering = ["-created_at"]
    fieldsets = [
        (None, {"fields": ["kind", "state", "amount_text", "payment", "order_link", "reason", "error", "reference"]}),
        (gettext_lazy("Who"), {"fields": ["origin", "actor", "policy", "approved_by", "evidence", "booked_on"]}),
        (gettext_lazy("Times"), {"fields": ["created_at", "asked_at", "due_at", "ended_at", "lease_until"]}),
        (
            gettext_lazy("Bookkeeping"),
            {
                "classes": ["collapse"],
                "fields": [
                    "key",
                    "final",
                    "let_go",
                    "captured_before",
                    "dispute_status",
                    "attempts",
                    "lookups",
                    "refused",
                    "missed_since",
                ],
            },
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Move]:
        """Fetch the payment and its order along, and nothing big."""
        found = super().get_queryset(request).select_related("payment__order")
        return found.defer("request", "payment__checkout", "payment__checkout_url")

    def load(self, row: Move) -> None:
        """The payment's references, for the sentences."""
        load([row.payment])

    def panels(self, request: HttpRequest, row: Move) -> Sequence[Panel]:
        """The payment's money, the moves beside this one, and the story."""
        load([row.payment])
        return (
            panels.sums(row.payment),
            panels.moves(self.admin_site, request, row.payment),
            panels.timeline(row.payment.order_id, row.payment),
        )

    @admin.display(description=gettext_lazy("state"), ordering="status")
    def state(self, row: Move) -> SafeString:
        """The status, in colour."""
        return panels.move_badge(row)

    @admin.display(description=gettext_lazy("amount"), ordering="amount")
    def amount_text(self, row: Move) -> SafeString:
        """How much."""
        return money_text(row.amount, row.currency)

    @admin.display(description=gettext_lazy("what"), ordering="kind")
    def what(self, row: Move) -> str:
        """Kind and amount."""
        return str(row)

    @admin.display(description=gettext_lazy("order"), ordering="payment__order__reference")
    def order_link(self, row: Move) -> SafeString | str:
        """Lead to the order."""
        return link(self.admin_site, row.payment.order)

    @admin.display(description=gettext_lazy("asked for by"), ordering="actor")
    def asked_by(self, row: Move) -> str:
        """The person, the setting, or the provider."""
        return panels.origin_of(row)

    @admin.display(description=gettext_lazy("state"), ordering="status")
    def outcome(self, row: Move) -> SafeString:
        """The state, and why it was refused or what is not clear; the whole text is on the page."""
        state = panels.move_badge(row)
        return format_html("{}<br>{}", state, shortened(row.error, 40)) if row.error else state
