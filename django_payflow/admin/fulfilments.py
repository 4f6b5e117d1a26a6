"""Fulfilments: what a paid order sets in motion, step by step."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import conf, flow
from ..models import Fulfilment
from ..states import FULFILLING, FULFILMENT_TABLE, REFUSE, FulfilmentEvent, FulfilmentStatus, OrderStatus
from .base import ReadOnlyAdmin
from .display import badge, link, moments, shortened
from .operations import Operation, succeeded

__all__ = ["FulfilmentAdmin"]


def _explain_retry(row: Fulfilment) -> list[str]:
    names = {"handler": row.handler, "order": row.order.reference, "key": row.key}
    handler = conf.get().fulfilment.get(row.handler)
    told = [_("“%(handler)s” is called again for order %(order)s, with a fresh schedule of retries.") % names]
    if handler is None:
        told.append(_("The settings name no such step any more: it will be given up again.") % names)
    elif handler.external:
        told.append(_("It calls something outside, with the same key as before (%(key)s).") % names)
    if OrderStatus(row.order.status) not in FULFILLING:
        told.append(_("The order is not ready to be fulfilled; the step waits until it is."))
    told.append(_("The payment provider is not asked. The open case about this step, if there is one, is closed."))
    return [*told, _("Your name and this command become part of the timeline.")]


def _refuse_retry(row: Fulfilment) -> str:
    if FULFILMENT_TABLE[FulfilmentStatus(row.status), FulfilmentEvent.OPERATOR_RETRY] != REFUSE:
        return ""
    state = row.get_status_display()
    return _("This step is %(state)s. Only one that failed or was canceled can be retried.") % {"state": state}


RETRY = Operation(
    name="retry",
    label=gettext_lazy("Retry fulfilment"),
    explain=_explain_retry,
    refusal=_refuse_retry,
    run=lambda pk, actor: flow.retry_fulfilment(fulfilment_id=pk, actor=actor),
    tell=succeeded(gettext_lazy("The step will be tried again.")),
)


class HandlerFilter(admin.SimpleListFilter):
    """Filter by handler, from the settings."""

    title = gettext_lazy("step")
    parameter_name = "handler"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the names of the settings."""
        return [(name, name) for name in conf.get().fulfilment]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Keep the rows of the chosen handler."""
        return queryset.filter(handler=self.value()) if self.value() else queryset


class FulfilmentAdmin(ReadOnlyAdmin):
    """Steps of fulfilment."""

    operations = (RETRY,)
    list_display = [
        "handler",
        "state",
        "order_link",
        "attempts",
        moments("due_at", gettext_lazy("due")),
        moments("done_at", gettext_lazy("done")),
        "last_error",
    ]
    list_filter = ["status", HandlerFilter, "required", "created_at"]
    list_select_related = ["order"]
    search_fields = ["^order__reference", "order__email", "=key"]
    search_help_text = gettext_lazy("Order reference, e-mail address, or key.")
    ordering = ["-pk"]
    fieldsets = [
        (None, {"fields": ["order", "handler", "state", "required", "error", "attempts", "repeated"]}),
        (gettext_lazy("Times"), {"fields": ["created_at", "due_at", "done_at", "lease_until"]}),
        (gettext_lazy("Bookkeeping"), {"fields": ["key", "generation"]}),
    ]

    @admin.display(description=gettext_lazy("order"), ordering="order__reference")
    def order_link(self, row: Fulfilment) -> SafeString | str:
        """Lead to the order."""
        return link(self.admin_site, row.order)

    @admin.display(description=gettext_lazy("state"), ordering="status")
    def state(self, row: Fulfilment) -> SafeString:
        """The status, in colour."""
        return badge(row.status)

    @admin.display(description=gettext_lazy("last error"))
    def last_error(self, row: Fulfilment) -> SafeString | str:
        """Why it did not work; the whole text is on the page."""
        return shortened(row.error)
