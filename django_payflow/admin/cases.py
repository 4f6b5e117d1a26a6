"""Cases: what a person must look at, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..models import Case
from . import panels
from .base import ReadOnlyAdmin
from .display import Panel, badge, link, moments, shortened

__all__ = ["CaseAdmin"]


class OpenFilter(admin.SimpleListFilter):
    """Show what is open; the closed ones on demand."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the choices beside the first, which is what nobody chose."""
        return [("closed", gettext_lazy("Closed")), ("all", gettext_lazy("All"))]

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Call the unfiltered choice what it is here: the open ones."""
        first, *others = super().choices(changelist)
        yield {**first, "display": _("Open")}
        yield from others

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Keep the cases of the chosen state."""
        if self.value() == "all":
            return queryset
        return queryset.filter(closed_at__isnull=self.value() != "closed")


class CaseAdmin(ReadOnlyAdmin):
    """A to-do list that the facts write, and mostly close by themselves."""

    list_display = [
        "kind",
        "state",
        "order_link",
        "payment_link",
        moments("opened_at", gettext_lazy("opened")),
        "times",
        "noticed",
    ]
    list_filter = [OpenFilter, "kind", "opened_at"]
    search_fields = ["^order__reference", "order__email", "^payment__references__value", "=payment__key"]
    search_help_text = gettext_lazy("Order reference, e-mail address, the provider's id, or the payment's key.")
    ordering = ["-opened_at"]
    fieldsets = [
        (None, {"fields": ["kind", "state", "advice", "detail", "order", "payment"]}),
        (gettext_lazy("Times"), {"fields": ["opened_at", "times", "closed_at", "resolution"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Fetch the order and the payment along; the rest is on their pages."""
        return super().get_queryset(request).select_related("order", "payment").defer("payment__checkout")

    def panels(self, request: HttpRequest, row: Case) -> Sequence[Panel]:
        """The sums and the steps that the advice speaks of."""
        found = [panels.sums(row.payment)] if row.payment else []
        if row.order_id is not None:
            found.append(panels.fulfilments(self.admin_site, request, row.order_id))
        return found

    @admin.display(description=gettext_lazy("state"), ordering="closed_at")
    def state(self, row: Case) -> SafeString:
        """Open or closed, in colour."""
        return badge("open" if row.is_open else "closed")

    @admin.display(description=gettext_lazy("what to do"))
    def advice(self, row: Case) -> str:
        """The next step, in plain words."""
        return row.advice

    @admin.display(description=gettext_lazy("order"))
    def order_link(self, row: Case) -> SafeString | str:
        """Lead to the order."""
        return link(self.admin_site, row.order)

    @admin.display(description=gettext_lazy("payment"))
    def payment_link(self, row: Case) -> SafeString | str:
        """Lead to the payment."""
        return link(self.admin_site, row.payment)

    @admin.display(description=gettext_lazy("noticed"))
    def noticed(self, row: Case) -> SafeString | str:
        """What is wrong; the whole text is on the page."""
        return shortened(row.detail)
