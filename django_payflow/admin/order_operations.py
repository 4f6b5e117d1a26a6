"""The commands about a whole order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.db.models import Prefetch, prefetch_related_objects
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import flow
from ..messages import MoveKind
from ..models import Payment
from ..money import readable
from ..states import ALIVE, FulfilmentStatus, OrderStatus, PaymentStatus
from .forms import OptionalReasonForm
from .money import approval_note, backend_of, left, named
from .money import load as load_payments
from .operations import Operation, succeeded

__all__ = ["ORDER_OPERATIONS", "load"]

_EXPIRES = frozenset({OrderStatus.DRAFT, OrderStatus.PENDING, OrderStatus.FAILED})


def load(order: Any) -> None:
    """Read the payments, their moves and cases, and the fulfilments along."""
    payments = Payment.objects.order_by("pk").defer("checkout", "checkout_url")
    prefetch_related_objects([order], Prefetch("payments", queryset=payments), "fulfilments")
    load_payments(list(order.payments.all()))


def _recorded() -> str:
    return _("Your name and this command become part of the timeline.")


# --- cancel


def _explain_cancel(order: Any) -> list[str]:
    told = [_("Order %(order)s is cancelled. What was not delivered yet will not be.") % {"order": order.reference}]
    for payment in order.payments.all():
        told += _end(payment) if PaymentStatus(payment.status) in ALIVE else _send_back(payment)
    done = [row.handler for row in order.fulfilments.all() if row.status == FulfilmentStatus.DONE]
    if done:
        told.append(_("This was done already and stays: %(steps)s.") % {"steps": ", ".join(done)})
    told.append(_("The shop's stock is released. A cancelled order does not come back to life by this desk."))
    return [*told, _("Your name and what you write here become part of the timeline.")]


def _end(payment: Payment) -> list[str]:
    backend = backend_of(payment)
    if backend is not None and backend.supports_cancel:
        words = _(
            "%(account)s is told to end the open payment %(reference)s. If it will not, money that comes is late."
        )
        return [words % named(payment)]
    return [
        _("%(account)s cannot end the open payment %(reference)s: it is watched, and its money would be late.")
        % named(payment)
    ]


def _send_back(payment: Payment) -> list[str]:
    """Tell what goes back: all that is held, by as many calls as it takes."""
    backend = backend_of(payment)
    if backend is None:
        return []
    told, (held, currency), (taken, other) = [], left(MoveKind.VOID, payment), left(MoveKind.REFUND, payment)
    if held > 0:
        words = _("%(account)s is told to release the %(amount)s that are reserved by %(reference)s.")
        told.append(words % {**named(payment), "amount": readable(held, currency)})
    if taken > 0:
        words = (
            _("%(account)s is told to refund the %(amount)s that were paid by %(reference)s.")
            if backend.supports_refund
            else _("%(amount)s of %(reference)s wait to be refunded by hand: %(account)s has no call for it.")
        )
        told += [words % {**named(payment), "amount": readable(taken, other)}, approval_note(other)]
    return [sentence for sentence in told if sentence]


def _refuse_cancel(order: Any) -> str:
    if OrderStatus(order.status) in {OrderStatus.CANCELED, OrderStatus.COMPLETED}:
        return _("The order is %(state)s already.") % {"state": order.get_status_display()}
    if any(row.status == FulfilmentStatus.RUNNING for row in order.fulfilments.all()):
        return _("A fulfilment of this order is running right now; try again when it is done.")
    return _refuse_conflicts(order.payments.all())


def _refuse_conflicts(payments: Iterable[Payment]) -> str:
    for payment in payments:
        if PaymentStatus(payment.status) is PaymentStatus.CONFLICTED and not payment.facts.resolved:
            return _("Payment %(payment)s is conflicted: decide about its money first.") % {"payment": payment}
    return ""


def _tell_canceled(order: Any, result: flow.Result) -> tuple[int, str]:
    waiting = [move for payment in order.payments.all() for move in payment.moves.all() if move.is_under_way]
    if not waiting:
        return messages.SUCCESS, _("The order was cancelled.")
    names = ", ".join(f"{move} ({move.get_status_display()})" for move in waiting)
    return messages.WARNING, _("The order was cancelled. Not at its end yet: %(moves)s.") % {"moves": names}


CANCEL = Operation(
    name="cancel",
    label=gettext_lazy("Cancel the order"),
    explain=_explain_cancel,
    refusal=_refuse_cancel,
    run=lambda pk, actor, **said: flow.cancel_order(order_id=pk, actor=actor, **said),
    tell=_tell_canceled,
    form=OptionalReasonForm,
)


# --- expire


def _explain_expire(order: Any) -> list[str]:
    told = [_("The time to pay order %(order)s ends now.") % {"order": order.reference}]
    for payment in order.payments.all():
        if PaymentStatus(payment.status) in ALIVE:
            told += _end(payment)
    told.append(_("The order expires when no attempt is open any more. Money that is seen before that counts."))
    return [*told, _recorded()]


def _refuse_expire(order: Any) -> str:
    if OrderStatus(order.status) in _EXPIRES:
        return ""
    state = {"state": order.get_status_display()}
    return _("Only an order that waits for a payment expires; this one is %(state)s.") % state


def _tell_expired(order: Any, result: flow.Result) -> tuple[int, str]:
    if order.status == OrderStatus.EXPIRED:
        return messages.SUCCESS, _("The order expired.")
    words = _("The time to pay is over. The order is %(state)s until its open attempts have ended.")
    return messages.INFO, words % {"state": order.get_status_display()}


EXPIRE = Operation(
    name="expire",
    label=gettext_lazy("End the time to pay"),
    explain=_explain_expire,
    refusal=_refuse_expire,
    run=lambda pk, actor: flow.expire_order(order_id=pk, actor=actor),
    tell=_tell_expired,
)


# --- complete


def _explain_complete(order: Any) -> list[str]:
    return [
        _("Order %(order)s counts as delivered. A completed order stays completed.") % {"order": order.reference},
        _("Where an account captures on fulfilment, the money that is reserved for it is captured now."),
        _recorded(),
    ]


def _refuse_complete(order: Any) -> str:
    if OrderStatus(order.status) is not OrderStatus.PROCESSING:
        state = {"state": order.get_status_display()}
        return _("Only an order in processing can be completed; this one is %(state)s.") % state
    for row in order.fulfilments.all():
        if row.required and row.status != FulfilmentStatus.DONE:
            names = {"step": row.handler, "state": row.get_status_display()}
            return _("The step “%(step)s” is required, and it is %(state)s.") % names
    return ""


COMPLETE = Operation(
    name="complete",
    label=gettext_lazy("Complete"),
    explain=_explain_complete,
    refusal=_refuse_complete,
    run=lambda pk, actor: flow.complete_order(order_id=pk, actor=actor),
    tell=succeeded(gettext_lazy("The order is completed.")),
)

ORDER_OPERATIONS = (CANCEL, EXPIRE, COMPLETE)
