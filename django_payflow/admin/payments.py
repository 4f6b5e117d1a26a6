"""Payments: what an attempt does, where its money is, everything that happened to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import flow
from ..models import Payment
from ..states import ALIVE, DEAD, PaymentStatus
from . import panels
from .base import AccountFilter, ReadOnlyAdmin
from .display import Panel, badge, identifier, link, moment_text, moments, money_text
from .operations import Operation

__all__ = ["PaymentAdmin"]


def _reference(payment: Payment) -> str:
    return next((row.value for row in payment.references.all()), "")


def _explain_ask(payment: Payment) -> list[str]:
    names = {"account": payment.account, "reference": _reference(payment)}
    if not names["reference"]:
        first = _(
            "%(account)s has not confirmed this attempt yet. The same request is sent again with the same key, or, "
            "when the provider no longer remembers the key, the attempt is searched for: there is at most one "
            "payment at the provider."
        )
    elif payment.withdraw and PaymentStatus(payment.status) in ALIVE:
        first = _(
            "This attempt is being taken back: %(account)s is told to cancel %(reference)s if that is still "
            "possible, and asked how it stands."
        )
    else:
        first = _(
            "%(account)s is asked how %(reference)s stands. This only reads: nothing is charged, refunded or "
            "cancelled there."
        )
    follows = _(
        "The answer is written into the books: the payment's sums and status may change, and with them its order, "
        "fulfilments and cases."
    )
    return [first % names, follows, _("Your name and this question become part of the timeline.")]


def _refuse_ask(payment: Payment) -> str:
    if PaymentStatus(payment.status) in DEAD and not _reference(payment):
        return _("This attempt never came to exist at the provider: there is nothing to ask about.")
    return ""


def _tell_asked(payment: Payment, result: flow.Confirmed) -> tuple[int, str]:
    words = {
        "applied": _("The provider answered. The payment is %(label)s, its order is %(order)s."),
        "stale": _("The payment changed while the provider was being asked; it will be asked again at once."),
        "busy": _("The provider is being asked about this payment already; it will be asked again in a moment."),
        "refused": _("The provider's answer was not accepted, the payment is unchanged: %(detail)s."),
        "trouble": _("The provider gave no usable answer: %(detail)s. It will be asked again: %(next)s."),
        "gone": _("The attempt has come to nothing: %(detail)s."),
    }[result.outcome]
    due = payment.next_check_at
    values = {
        "label": payment.label,
        "order": payment.order.get_status_display(),
        "detail": result.detail.rstrip("."),
        "next": moment_text(due) if due else _("when somebody presses this button"),
    }
    levels = {"applied": messages.SUCCESS, "stale": messages.INFO, "busy": messages.INFO}
    return levels.get(result.outcome, messages.WARNING), words % values


ASK = Operation(
    name="ask",
    label=gettext_lazy("Ask the provider now"),
    explain=_explain_ask,
    refusal=_refuse_ask,
    run=lambda pk, actor: flow.ask_provider(payment_id=pk, actor=actor),
    tell=_tell_asked,
)


class PaymentAdmin(ReadOnlyAdmin):
    """Attempts to pay."""

    operations = (ASK,)
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
        (gettext_lazy("Times"), {"fields": ["created_at", "reported_at", "next_check_at", "expires_at"]}),
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

    def panels(self, request: HttpRequest, row: Payment) -> Sequence[Panel]:
        """The money, what needs a person, the story, and what the provider knows it by."""
        return (
            panels.sums(row),
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
        return identifier(_reference(row))

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
