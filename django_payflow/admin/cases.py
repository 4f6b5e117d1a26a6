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

from .. import flow
from ..exceptions import CommandRefused
from ..models import Case
from ..states import BLOCKING_CASES, CLOSABLE, CaseKind
from . import panels
from .base import ReadOnlyAdmin
from .display import Panel, badge, link, moments, shortened
from .forms import ReasonForm
from .money import load
from .operations import Operation, succeeded

__all__ = ["CaseAdmin"]


ADVISED: dict[CaseKind, tuple[str, ...]] = {
    CaseKind.LATE_MONEY: ("refund", "void"),
    CaseKind.MISMATCH: ("accept", "refund", "write-off"),
    CaseKind.SURPLUS: ("refund", "void"),
    CaseKind.UNSETTLED: ("accept", "refund"),
    CaseKind.AUTHORIZATION_LOST: ("ask",),
    CaseKind.AUTHORIZATION_ENDING: ("capture", "void"),
    CaseKind.CHARGEBACK: ("ask",),
    CaseKind.OVERDRAWN: ("ask",),
    CaseKind.REFUND_RETURNED: ("refund",),
    CaseKind.MOVE: ("ask", "capture", "void", "refund"),
    CaseKind.UNKNOWN_OBJECT: ("ask",),
    CaseKind.UNRESOLVED: ("ask",),
}
"""The commands about its payment that a case's advice speaks of, by their names."""


def _explain_close(case: Case) -> list[str]:
    told = [
        _("The case “%(case)s” counts as dealt with. No provider is asked and no money moves.")
        % {"case": _name(case)}
    ]
    if CaseKind(case.kind) in BLOCKING_CASES:
        told.append(
            _("It holds its order up no more: what is paid for is delivered, unless something else stops it.")
        )
    told.append(_("If the same is noticed again, a new case is opened."))
    return [*told, _("Your name and what you write here become part of the record.")]


def _name(case: Case) -> str:
    return str(case.get_kind_display())


def _refuse_close(case: Case) -> str:
    if not case.is_open:
        return _("This case is closed already.")
    if CaseKind(case.kind) not in CLOSABLE:
        return _("This case ends when its question is answered. %(advice)s") % {"advice": case.advice}
    return ""


CLOSE = Operation(
    name="close",
    label=gettext_lazy("Close the case"),
    explain=_explain_close,
    refusal=_refuse_close,
    run=lambda pk, actor, **said: flow.close_case_by_hand(case_id=pk, actor=actor, **said),
    tell=succeeded(gettext_lazy("The case was closed.")),
    form=ReasonForm,
)


def _explain_deliver(case: Case) -> list[str]:
    names = {"order": case.order, "payment": case.payment}
    return [
        _("Order %(order)s goes on as if its money had come in time: what was bought is reserved and delivered.")
        % names,
        _("The money of %(payment)s is kept. No provider is asked.") % names,
        _("If the shop's stock does not allow it, nothing happens, and you are told."),
        _("Your name and what you write here become part of the timeline."),
    ]


def _refuse_deliver(case: Case) -> str:
    if CaseKind(case.kind) is not CaseKind.LATE_MONEY or case.payment is None:
        return _("Only late money can be delivered for.")
    return "" if case.is_open else _("This case is closed already.")


def _deliver(pk: int, actor: str, **said: Any) -> flow.Result:
    payment_id = Case.objects.values_list("payment_id", flat=True).get(pk=pk)
    if payment_id is None:
        raise CommandRefused(_("only late money can be delivered for"))
    return flow.deliver_late(payment_id=payment_id, actor=actor, **said)


DELIVER = Operation(
    name="deliver",
    label=gettext_lazy("Deliver"),
    explain=_explain_deliver,
    refusal=_refuse_deliver,
    run=_deliver,
    tell=succeeded(gettext_lazy("The order goes on.")),
    form=ReasonForm,
)


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

    operations = (CLOSE, DELIVER)
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
        found = self._about_payment(request, row) if row.payment else []
        if row.order_id is not None:
            found.append(panels.fulfilments(self.admin_site, request, row.order_id))
        return found

    def _about_payment(self, request: HttpRequest, row: Case) -> list[Panel]:
        payment: Any = row.payment
        load([payment])
        names = ADVISED.get(CaseKind(row.kind), ()) if row.is_open else ()
        leads = [panels.advised(self.admin_site, request, payment, names)] if names else []
        return [*leads, panels.sums(payment), panels.moves(self.admin_site, request, payment)]

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
