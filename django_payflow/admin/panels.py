"""The tables below a page's fields. Each is one bounded query, whatever the order went through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.admin import AdminSite
from django.db.models import F, Q
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from ..models import Case, Fulfilment, Move, Payment, PaymentEvent, WebhookDelivery
from ..states import MoveStatus
from .display import Panel, badge, details, link, moment, money_text, rows_of
from .money import load
from .operations import operation_links

__all__ = [
    "advised",
    "cases",
    "deliveries",
    "fulfilments",
    "lines",
    "move_badge",
    "moves",
    "origin_of",
    "payments",
    "references",
    "sums",
    "timeline",
]

TIMELINE = 200
SHORT = 50


def sums(payment: Payment) -> Panel:
    """Say where the money is."""
    rows = [
        (_("Expected"), payment.amount, payment.currency, _("what the order asks for")),
        (_("Authorized"), payment.capturable, payment.currency, _("reserved at the customer's bank, not yet taken")),
        (_("Captured"), payment.captured, payment.currency, _("taken; refunds do not lower it")),
        (_("Refunded"), payment.refunded, payment.currency, _("went back to the customer")),
        (_("Charged back"), payment.charged_back, payment.currency, _("taken back by the customer's bank")),
    ]
    if payment.let_go:
        rows.append((_("Given up"), payment.let_go, payment.currency, _("released by us, will not be captured")))
    if payment.accepted is not None:
        rows.append((_("Accepted"), payment.accepted, payment.currency, _("good enough, an operator decided")))
    if payment.observed_amount is not None:
        what = _("money in another currency than the order's")
        rows.append((_("Observed"), payment.observed_amount, payment.observed_currency, what))
    return Panel(
        title=_("Money"),
        headers=(_("Sum"), _("Amount"), _("Meaning")),
        rows=[(name, money_text(minor, currency), meaning) for name, minor, currency, meaning in rows],
    )


def moves(site: AdminSite, request: HttpRequest, payment: Payment) -> Panel:
    """List what happened to the money after the buyer did his part, and what is to happen."""
    found = Move.objects.filter(payment=payment).defer("request").order_by("-pk")
    rows, note = rows_of(found[: SHORT + 1], SHORT)
    load([payment])
    for row in rows:
        row.payment = payment  # one that is loaded, for their commands
    cells = [
        (
            link(site, row),
            move_badge(row),
            origin_of(row),
            row.error or row.reason or row.evidence or "–",
            moment(row.created_at, seconds=False),
            moment(row.ended_at, seconds=False),
            operation_links(site, request, row),
        )
        for row in rows
    ]
    headers = (_("What"), _("State"), _("Asked for by"), _("Why"), _("Began"), _("Ended"), _("Commands"))
    title, empty = _("Captures, voids and refunds"), _("Nobody asked for any.")
    return Panel(title=title, headers=headers, rows=cells, note=note, empty=empty)


def move_badge(row: Move) -> SafeString:
    """Return the state of a move in colour; what waits for a person says for whom."""
    if row.awaits_approval:
        return badge("manual", text=_("waits for approval"))
    if row.status == MoveStatus.MANUAL:
        return badge("manual", text=_("to be arranged by hand"))
    return badge(row.status, text=row.dispute_status and f"{row.get_status_display()} ({row.dispute_status})")


def origin_of(row: Move) -> str:
    """Say whose idea a move was: the person, the setting, or who made it."""
    if row.policy:
        return _("the setting for %(policy)s") % {"policy": row.policy.replace("_", " ")}
    return row.actor or row.get_origin_display()


def advised(site: AdminSite, request: HttpRequest, payment: Payment, names: Sequence[str]) -> Panel:
    """Lead to the commands about a case's payment that its advice speaks of."""
    rows = [(link(site, payment), badge(payment.label), operation_links(site, request, payment, names))]
    headers = (_("Payment"), _("State"), _("Commands"))
    return Panel(
        title=_("What can be done about the payment"),
        headers=headers,
        rows=rows if rows[0][2] else [],
        empty=_("The advice names no command that is possible now, or you may give none."),
    )


def references(payment: Payment) -> Panel:
    """List the ids that the provider gave."""
    rows = [(row.kind, format_html("<code>{}</code>", row.value)) for row in payment.references.all()[:SHORT]]
    return Panel(
        title=_("References at the provider"),
        headers=(_("Kind"), _("Id")),
        rows=rows,
        empty=_("The provider has not given any id yet."),
    )


def timeline(order_id: int, payment: Payment | None = None) -> Panel:
    """Tell what happened to an order; with a payment: to this one, and to the order as a whole."""
    found = PaymentEvent.objects.filter(order_id=order_id).order_by("-pk")
    if payment is not None:
        found = found.filter(Q(payment=payment) | Q(payment=None))
    found = found.annotate(payment_key=F("payment__key"))
    events, note = rows_of(found[: TIMELINE + 1], TIMELINE)
    rows = [
        (
            moment(e.at),
            e.get_kind_display(),
            e.summary,
            *([] if payment else [(e.payment_key or "–")[:8]]),
            _who(e),
            details(e.data),
        )
        for e in events
    ]
    headers = (_("When"), _("What"), _("Summary"), *([] if payment else [_("Payment")]), _("By"), _("More"))
    return Panel(title=_("Timeline"), headers=headers, rows=rows, note=note, empty=_("Nothing happened yet."))


def _who(event: PaymentEvent) -> str:
    return f"{event.source} ({event.actor})" if event.actor else event.source


def payments(site: AdminSite, request: HttpRequest, order: Any) -> Panel:
    """List the attempts to pay an order."""
    found = Payment.objects.filter(order_id=order.pk).defer("checkout")
    rows, note = rows_of(found.order_by("-pk")[: SHORT + 1], SHORT)
    load(rows)
    cells = [
        (
            link(site, row),
            badge(row.label),
            money_text(row.amount, row.currency),
            ", ".join(reference.value for reference in row.references.all()) or "–",
            moment(row.created_at),
            operation_links(site, request, row),
        )
        for row in rows
    ]
    headers = (_("Payment"), _("State"), _("Amount"), _("Reference"), _("Started"), _("Commands"))
    return Panel(title=_("Payments"), headers=headers, rows=cells, note=note, empty=_("Nobody tried to pay yet."))


def fulfilments(site: AdminSite, request: HttpRequest, order_id: int) -> Panel:
    """List what a paid order sets in motion."""
    rows, note = rows_of(Fulfilment.objects.filter(order_id=order_id).order_by("-pk")[: SHORT + 1], SHORT)
    cells = [
        (
            link(site, row, row.handler),
            badge(row.status),
            row.attempts,
            row.error or "–",
            moment(row.done_at),
            operation_links(site, request, row),
        )
        for row in rows
    ]
    headers = (_("Step"), _("State"), _("Attempts"), _("Last error"), _("Done"), _("Commands"))
    empty = _("Nothing was set in motion yet.")
    return Panel(title=_("Fulfilment"), headers=headers, rows=cells, note=note, empty=empty)


def cases(site: AdminSite, *, order_id: int | None = None, payment: Payment | None = None) -> Panel:
    """List what a person must look at, or had to."""
    about = Q(payment=payment) if payment else Q(order_id=order_id)
    rows, note = rows_of(Case.objects.filter(about).order_by("-pk")[: SHORT + 1], SHORT)
    cells = [
        (
            link(site, row, row.get_kind_display()),
            badge("open" if row.is_open else "closed"),
            row.advice if row.is_open else row.resolution,
            row.detail,
            moment(row.opened_at),
        )
        for row in rows
    ]
    headers = (_("Case"), _("State"), _("What to do"), _("What was noticed"), _("Opened"))
    return Panel(title=_("Cases"), headers=headers, rows=cells, note=note, empty=_("Nothing to look at."))


def deliveries(site: AdminSite, request: HttpRequest, payment: Payment) -> Panel:
    """List what the provider sent about a payment."""
    found = WebhookDelivery.objects.filter(payment=payment).defer("body", "headers")
    rows, note = rows_of(found.order_by("-pk")[: SHORT + 1], SHORT)
    cells = [
        (
            link(site, row, f"{row.kind} #{row.pk}"),
            badge(row.state, text=row.get_state_display()),
            row.hits,
            moment(row.last_at),
            row.error or "–",
            operation_links(site, request, row),
        )
        for row in rows
    ]
    headers = (_("Delivery"), _("State"), _("Came"), _("Last"), _("Error"), _("Commands"))
    empty = _("The provider sent none about this payment.")
    return Panel(title=_("Webhook deliveries"), headers=headers, rows=cells, note=note, empty=empty)


def lines(order: Any) -> Panel:
    """List what was bought, as the provider was told."""
    rows = [
        (
            line.sku or "–",
            line.name,
            line.quantity,
            money_text(line.unit_price, order.currency),
            f"{line.vat_rate.normalize():f} %",
            money_text(line.total, order.currency),
        )
        for line in order.payflow_lines()
    ]
    headers = (_("SKU"), _("Name"), _("Quantity"), _("Each"), _("VAT"), _("Total"))
    return Panel(title=_("Lines"), headers=headers, rows=rows, empty=_("The order has no lines."))
