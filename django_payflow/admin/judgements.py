"""The commands about a payment that only a person can give: judge what is there, record what the bank did."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import flow
from ..messages import MoveKind
from ..models import Payment
from ..money import readable
from ..states import CaseKind, Doubt, PaymentStatus
from .forms import ReasonForm, RecordChargebackForm, RecordRefundForm
from .money import backend_of, due_back, left, named, no_backend
from .operations import Operation, succeeded

__all__ = ["JUDGEMENTS", "JUDGE_PAYMENT", "recorded"]

JUDGE_PAYMENT = ("payflow.judge_payment",)


def recorded() -> str:
    """Say that what follows is recorded; stands last on every page that asks for words."""
    return _("Your name and what you write here become part of the timeline.")


# --- what the facts alone cannot decide


def _explain_accept(payment: Payment) -> list[str]:
    facts = payment.facts
    names = {
        "expected": readable(facts.expected, facts.currency),
        "there": readable(facts.money, facts.currency),
        **named(payment),
    }
    return [
        _("%(there)s are taken as good enough for %(reference)s, although %(expected)s were expected.") % names,
        _("%(account)s is not asked and no money moves. The order goes on as if the right sum had come.") % names,
        _("If the provider reports another sum later, the question is open again."),
        recorded(),
    ]


def _refuse_accept(payment: Payment) -> str:
    unsettled = any(case.is_open and case.kind == CaseKind.UNSETTLED for case in payment.cases.all())
    if payment.facts.doubt is not Doubt.AMOUNT and not unsettled:
        return _("There is no amount to accept: the payment is %(label)s.") % {"label": payment.label}
    if payment.facts.money_left == 0:
        return _("No money is left to accept; write the payment off.")
    return ""


ACCEPT = Operation(
    name="accept",
    label=gettext_lazy("Accept the amount"),
    explain=_explain_accept,
    refusal=_refuse_accept,
    run=lambda pk, actor, **said: flow.accept_payment(payment_id=pk, actor=actor, **said),
    tell=succeeded(gettext_lazy("The amount was accepted.")),
    form=ReasonForm,
    permissions=JUDGE_PAYMENT,
)


def _explain_write_off(payment: Payment) -> list[str]:
    return [
        _("The question about %(reference)s is closed without money. The payment stays conflicted.") % named(payment),
        _("%(account)s is not asked and no money moves. The payment holds its order up no more.") % named(payment),
        _("If money is seen later, the question is open again."),
        recorded(),
    ]


def _refuse_write_off(payment: Payment) -> str:
    if PaymentStatus(payment.status) is not PaymentStatus.CONFLICTED:
        return _("Only a conflicted payment is written off; this one is %(label)s.") % {"label": payment.label}
    if payment.written_off_at is not None:
        return _("This payment was written off already.")
    if due_back(payment):
        return _("There is still money on it: refund or void it first.")
    return ""


WRITE_OFF = Operation(
    name="write-off",
    label=gettext_lazy("Write off"),
    explain=_explain_write_off,
    refusal=_refuse_write_off,
    run=lambda pk, actor, **said: flow.write_off_payment(payment_id=pk, actor=actor, **said),
    tell=succeeded(gettext_lazy("The payment was written off.")),
    form=ReasonForm,
    permissions=JUDGE_PAYMENT,
)


# --- what a provider does not tell


def _explain_record(payment: Payment, what: str) -> list[str]:
    return [
        _("%(account)s is not asked and no money moves: the bank did it already, and its reports never say so.")
        % named(payment),
        what,
        _("Check the reference twice: what is recorded cannot be changed."),
        recorded(),
    ]


def _refuse_record_refund(payment: Payment) -> str:
    backend = backend_of(payment)
    if backend is None:
        return no_backend(payment)
    if backend.tells_refunds:
        return _("%(account)s tells of refunds itself: ask it now.") % named(payment)
    return "" if left(MoveKind.REFUND, payment)[0] > 0 else _("Nothing is left to be refunded.")


def _refuse_record_chargeback(payment: Payment) -> str:
    backend = backend_of(payment)
    if backend is None:
        return no_backend(payment)
    if backend.tells_disputes:
        return _("%(account)s tells of chargebacks itself: ask it now.") % named(payment)
    return "" if payment.captured > payment.charged_back else _("Nothing is left to be charged back.")


RECORD_REFUND = Operation(
    name="record-refund",
    label=gettext_lazy("Record a refund"),
    explain=lambda payment: _explain_record(
        payment,
        _("The amount below counts as refunded. One that was asked for here is confirmed on its own page instead."),
    ),
    refusal=_refuse_record_refund,
    run=lambda pk, actor, **said: flow.record_refund(payment_id=pk, actor=actor, **said),
    tell=succeeded(gettext_lazy("The refund was recorded.")),
    form=RecordRefundForm,
    permissions=JUDGE_PAYMENT,
)
RECORD_CHARGEBACK = Operation(
    name="record-chargeback",
    label=gettext_lazy("Record a chargeback"),
    explain=lambda payment: _explain_record(
        payment,
        _("The amount below counts as taken back by the buyer's bank. A case is opened, and an open order is held."),
    ),
    refusal=_refuse_record_chargeback,
    run=lambda pk, actor, **said: flow.record_chargeback(payment_id=pk, actor=actor, **said),
    tell=succeeded(gettext_lazy("The chargeback was recorded.")),
    form=RecordChargebackForm,
    permissions=JUDGE_PAYMENT,
)

JUDGEMENTS = (ACCEPT, WRITE_OFF, RECORD_REFUND, RECORD_CHARGEBACK)
