"""The commands about a payment: what is said before, and which flow call each is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import flow
from ..messages import MoveKind
from ..models import Move, Payment
from ..money import readable
from ..states import ALIVE, DEAD, MoveStatus, PaymentStatus
from .display import moment_text
from .forms import CaptureForm, OptionalReasonForm, RefundForm, VoidForm
from .judgements import JUDGEMENTS, recorded
from .money import approval_note, backend_of, left, named, no_backend, reference_of
from .operations import Operation

__all__ = ["PAYMENT_OPERATIONS", "tell_moved"]

CAPTURE_PAYMENT = ("payflow.capture_payment",)
REFUND_PAYMENT = ("payflow.refund_payment",)


def _test_mode(payment: Payment) -> list[str]:
    return [] if payment.live else [_("This payment was made in test mode: no real money moves.")]


# --- ask the provider now


def _explain_ask(payment: Payment) -> list[str]:
    names = {"account": payment.account, "reference": reference_of(payment)}
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
    if PaymentStatus(payment.status) in DEAD and not reference_of(payment):
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


# --- cancel the attempt


def _explain_cancel(payment: Payment) -> list[str]:
    names, backend = named(payment), backend_of(payment)
    if not reference_of(payment):
        first = _("%(account)s has not confirmed this attempt yet: it is looked for there, and ended if it exists.")
    elif backend is not None and backend.supports_cancel:
        first = _(
            "%(account)s is told to cancel %(reference)s, if that is still possible there, and asked how it stands."
        )
    else:
        first = _(
            "%(account)s has no call to cancel %(reference)s. Its page is offered to nobody any more, and it is "
            "watched until it ends by itself."
        )
    follows = _("What the provider answers counts: if the buyer has paid meanwhile, the payment is paid.")
    return [first % names, follows, _("No money moves."), recorded()]


def _refuse_cancel(payment: Payment) -> str:
    if PaymentStatus(payment.status) in ALIVE:
        return ""
    return _("Only an open attempt can be cancelled; this one is %(label)s.") % {"label": payment.label}


def _tell_canceled(payment: Payment, result: flow.Confirmed) -> tuple[int, str]:
    """Not every method lets an open payment be ended: then the provider says what it is."""
    if result.outcome != "applied" or PaymentStatus(payment.status) not in ALIVE:
        return _tell_asked(payment, result)
    words = _("%(account)s does not end it: the payment is %(label)s. It is offered to nobody any more, and watched.")
    return messages.WARNING, words % {"account": payment.account, "label": payment.label}


CANCEL = Operation(
    name="cancel",
    label=gettext_lazy("Cancel the attempt"),
    explain=_explain_cancel,
    refusal=_refuse_cancel,
    run=lambda pk, actor, **said: flow.cancel_payment(payment_id=pk, actor=actor, **said),
    tell=_tell_canceled,
    form=OptionalReasonForm,
)


# --- capture, void, refund


def _refuse_move(kind: MoveKind) -> Callable[[Payment], str]:
    words = {
        MoveKind.CAPTURE: gettext_lazy("Nothing can be captured now: the payment is %(label)s%(busy)s."),
        MoveKind.VOID: gettext_lazy("Nothing can be released now: the payment is %(label)s%(busy)s."),
        MoveKind.REFUND: gettext_lazy("Nothing can be refunded now: the payment is %(label)s%(busy)s."),
    }[kind]

    def refuse(payment: Payment) -> str:
        backend = backend_of(payment)
        if backend is None:
            return no_backend(payment)
        if left(kind, payment)[0] <= 0:
            return str(words) % {"label": payment.label, "busy": _busy(payment)}
        able = {MoveKind.CAPTURE: backend.supports_capture, MoveKind.VOID: backend.supports_void}
        if not able.get(kind, True):
            return _("%(account)s has no such call; do it in the provider's own pages.") % named(payment)
        return ""

    return refuse


def _busy(payment: Payment) -> str:
    found = next((move for move in payment.moves.all() if move.is_under_way), None)
    return _(", and a %(move)s is under way") % {"move": found} if found else ""


def _explain_capture(payment: Payment) -> list[str]:
    most, backend = left(MoveKind.CAPTURE, payment), backend_of(payment)
    names = {**named(payment), "most": readable(*most)}
    told = [
        _("%(account)s is told to take the amount below out of the %(most)s that are reserved by %(reference)s.")
        % names
    ]
    if backend is not None and not backend.supports_partial_capture:
        told.append(_("%(account)s captures everything or nothing.") % names)
    elif backend is not None and not backend.supports_several_captures:
        told.append(
            _("Less than everything is usually the last capture: what is left of it is released then.") % names
        )
    told.append(_("The order goes on as its rules say: a step that waits for captured money may run."))
    return [*told, *_test_mode(payment), recorded()]


def _explain_void(payment: Payment) -> list[str]:
    names = {**named(payment), "most": readable(*left(MoveKind.VOID, payment))}
    first = _("%(account)s is told to release the %(most)s that are reserved by %(reference)s and were not captured.")
    second = _("The buyer gets the money back at once, as far as his bank is concerned; it cannot be captured again.")
    third = _("If the order depends on it, the order is cancelled or held.")
    return [first % names, second, third, *_test_mode(payment), recorded()]


def _explain_refund(payment: Payment) -> list[str]:
    most, backend = left(MoveKind.REFUND, payment), backend_of(payment)
    names = {**named(payment), "most": readable(*most)}
    if backend is not None and not backend.supports_refund:
        first = _(
            "Nothing is sent: %(account)s has no call for refunds. Arrange it with the bank for %(reference)s, then "
            "confirm it on the refund's own page; until then it counts as asked for."
        )
    else:
        first = _(
            "%(account)s is told to send the amount below back to the buyer of %(reference)s. This cannot be undone."
        )
    whole = backend is not None and backend.supports_refund and not backend.supports_partial_refund
    told = [first % names, _("At most %(most)s are left to be refunded.") % names]
    if whole:
        told.append(_("%(account)s refunds everything or nothing.") % names)
    if note := approval_note(most[1]):
        told.append(note)
    told.append(
        _("What was delivered stays delivered. An order that is refunded in full before it was is cancelled.")
    )
    return [*told, *_test_mode(payment), recorded()]


def tell_moved(row: Any, result: flow.Moved) -> tuple[int, str]:
    """Say what became of a capture, void or refund."""
    move = Move.objects.get(pk=result.move_id)
    level, words = _TOLD[result.status]
    if result.status is MoveStatus.REQUESTED and move.awaits_approval:
        words = gettext_lazy("%(move)s: nothing was sent yet. A second person must approve it.")
    because = f" ({result.detail.rstrip('.')})" if result.detail else ""
    return level, str(words) % {"move": move, "because": because}


_TOLD: dict[MoveStatus, tuple[int, Any]] = {
    MoveStatus.REQUESTED: (messages.WARNING, gettext_lazy("%(move)s: it waits until it is due.")),
    MoveStatus.MANUAL: (
        messages.WARNING,
        gettext_lazy("%(move)s: nothing was sent. Arrange it with the bank, then confirm it on its own page."),
    ),
    MoveStatus.SUBMITTING: (
        messages.WARNING,
        gettext_lazy("%(move)s: the provider's answer is not known%(because)s. It is found out without your help."),
    ),
    MoveStatus.PENDING: (messages.INFO, gettext_lazy("%(move)s: the provider has it and works on it.")),
    MoveStatus.SUCCEEDED: (messages.SUCCESS, gettext_lazy("%(move)s: done.")),
    MoveStatus.FAILED: (messages.ERROR, gettext_lazy("%(move)s: it failed%(because)s. Nothing was moved.")),
    MoveStatus.CANCELED: (messages.WARNING, gettext_lazy("%(move)s: it was cancelled%(because)s.")),
    MoveStatus.RETURNED: (messages.WARNING, gettext_lazy("%(move)s: it came back%(because)s.")),
}


CAPTURE = Operation(
    name="capture",
    label=gettext_lazy("Capture"),
    explain=_explain_capture,
    refusal=_refuse_move(MoveKind.CAPTURE),
    run=lambda pk, actor, **said: flow.capture(payment_id=pk, actor=actor, **said),
    tell=tell_moved,
    form=CaptureForm,
    permissions=CAPTURE_PAYMENT,
)
VOID = Operation(
    name="void",
    label=gettext_lazy("Void"),
    explain=_explain_void,
    refusal=_refuse_move(MoveKind.VOID),
    run=lambda pk, actor, **said: flow.void(payment_id=pk, actor=actor, **said),
    tell=tell_moved,
    form=VoidForm,
    permissions=CAPTURE_PAYMENT,
)
REFUND = Operation(
    name="refund",
    label=gettext_lazy("Refund"),
    explain=_explain_refund,
    refusal=_refuse_move(MoveKind.REFUND),
    run=lambda pk, actor, **said: flow.refund(payment_id=pk, actor=actor, **said),
    tell=tell_moved,
    form=RefundForm,
    permissions=REFUND_PAYMENT,
)


PAYMENT_OPERATIONS = (ASK, CAPTURE, VOID, REFUND, CANCEL, *JUDGEMENTS)
