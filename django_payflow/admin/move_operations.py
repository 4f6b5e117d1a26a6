"""The commands about one capture, void, refund or dispute."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import clock, flow
from ..exceptions import CommandRefused
from ..messages import MoveKind
from ..models import Move
from ..money import readable
from ..states import MOVE_TABLE, REFUSE, MoveEvent, MoveStatus
from .display import moment_text
from .forms import EvidenceForm, OptionalReasonForm, ReasonForm, RefuteForm
from .judgements import JUDGE_PAYMENT
from .money import backend_of, named
from .operations import Operation, succeeded
from .payment_operations import tell_moved

__all__ = ["MOVE_OPERATIONS"]

_APPROVE_MOVE = ("payflow.approve_move",)


def _about(move: Move) -> dict[str, str]:
    return {
        **named(move.payment),
        "move": str(move),
        "amount": readable(move.amount, move.currency),
        "asked_by": move.actor or _("the shop's own code"),
    }


def _refuse_unless(event: MoveEvent) -> Callable[[Move], str]:
    """Ask the table. A dispute ends as the provider reports it, or is recorded."""

    def refuse(move: Move) -> str:
        if move.kind == MoveKind.DISPUTE:
            return _("A dispute is neither asked for nor decided here.")
        if MOVE_TABLE[MoveStatus(move.status), event] != REFUSE:
            return ""
        return _("This is not possible: it is %(state)s.") % {"state": move.get_status_display()}

    return refuse


def _recorded() -> str:
    return _("Your name and this command become part of the timeline.")


# --- the second person


def _explain_approve(move: Move) -> list[str]:
    backend, names = backend_of(move.payment), _about(move)
    first = _("%(asked_by)s asked for a %(move)s of %(reference)s. You agree to it.")
    if backend is not None and not backend.supports_refund:
        then = _("Nothing is sent: %(account)s has no call for it. Arrange it with the bank, then confirm it here.")
    else:
        then = _("%(account)s is told to make it at once. This cannot be taken back.")
    reason = [_("The reason that was given: %(reason)s") % {"reason": move.reason}] if move.reason else []
    return [first % names, *reason, then % names, _recorded()]


def _refuse_approve(move: Move) -> str:
    return "" if move.awaits_approval else _("Nobody has to agree to this one.")


def _refuse_same_person(move: Move, actor: str) -> str:
    if actor != move.actor:
        return ""
    return _("You asked for it yourself: somebody else must agree to it.")


APPROVE = Operation(
    name="approve",
    label=gettext_lazy("Approve"),
    explain=_explain_approve,
    refusal=_refuse_approve,
    refusal_for=_refuse_same_person,
    run=lambda pk, actor: flow.approve_move(move_id=pk, actor=actor),
    tell=tell_moved,
    permissions=_APPROVE_MOVE,
)


def _explain_deny(move: Move) -> list[str]:
    return [
        _("The %(move)s of %(reference)s that %(asked_by)s asked for will not be made.") % _about(move),
        _("Nothing was sent to %(account)s, and nothing will be. The amount may be asked for again.") % _about(move),
        _recorded(),
    ]


DENY = Operation(
    name="deny",
    label=gettext_lazy("Deny"),
    explain=_explain_deny,
    refusal=_refuse_unless(MoveEvent.DENY),
    run=lambda pk, actor, **said: flow.deny_move(move_id=pk, actor=actor, **said),
    tell=succeeded(gettext_lazy("It will not be made.")),
    form=OptionalReasonForm,
    permissions=(*_APPROVE_MOVE, "payflow.refund_payment"),  # who may ask for one may take it back
)


# --- what somebody saw in the provider's own pages


def _explain_confirm(move: Move) -> list[str]:
    backend, names = backend_of(move.payment), _about(move)
    told = [_("You saw that the %(move)s of %(reference)s took place. It counts as done.") % names]
    if move.kind == MoveKind.REFUND and backend is not None and not backend.tells_refunds:
        told.append(_("%(account)s does not tell of refunds: %(amount)s more count as refunded.") % names)
    else:
        told.append(_("The payment's sums stay as they are until %(account)s reports them.") % names)
    told.append(_("%(account)s is not asked and no money moves. This cannot be taken back.") % names)
    return [*told, _recorded()]


CONFIRM = Operation(
    name="confirm",
    label=gettext_lazy("It took place"),
    explain=_explain_confirm,
    refusal=_refuse_unless(MoveEvent.CONFIRMED),
    run=lambda pk, actor, **said: flow.confirm_move(move_id=pk, actor=actor, **said),
    tell=succeeded(gettext_lazy("It counts as done.")),
    form=EvidenceForm,
    permissions=JUDGE_PAYMENT,
)


def _explain_refute(move: Move) -> list[str]:
    return [
        _("You know that the %(move)s of %(reference)s did not take place and will not. It counts as failed.")
        % _about(move),
        _(
            "%(account)s is not asked and no money moves. The amount may be asked for again: look twice, or it is "
            "moved twice."
        )
        % _about(move),
        _("If %(account)s shows it later all the same, a case is opened.") % _about(move),
        _recorded(),
    ]


REFUTE = Operation(
    name="refute",
    label=gettext_lazy("It did not take place"),
    explain=_explain_refute,
    refusal=_refuse_unless(MoveEvent.REFUTED),
    run=lambda pk, actor, **said: flow.refute_move(move_id=pk, actor=actor, **said),
    tell=succeeded(gettext_lazy("It counts as not made.")),
    form=RefuteForm,
    permissions=JUDGE_PAYMENT,
)


def _explain_win(move: Move) -> list[str]:
    return [
        _("The bank gave the %(amount)s back that it had taken from %(reference)s.") % _about(move),
        _("They count as charged back no more. %(account)s is not asked and no money moves.") % _about(move),
        _("When nothing is charged back any more, the case about it closes itself."),
        _recorded(),
    ]


def _refuse_win(move: Move) -> str:
    recorded = move.kind == MoveKind.DISPUTE and move.origin == Move.Origin.RECORDED
    if recorded and move.status == MoveStatus.SUCCEEDED:
        return ""
    return _("Only a recorded chargeback can be recorded as won.")


WIN = Operation(
    name="win",
    label=gettext_lazy("Record that it was won"),
    explain=_explain_win,
    refusal=_refuse_win,
    run=lambda pk, actor, **said: flow.record_win(move_id=pk, actor=actor, **said),
    tell=succeeded(gettext_lazy("The money counts as back.")),
    form=ReasonForm,
    permissions=JUDGE_PAYMENT,
)


# --- look now


def _explain_look(move: Move) -> list[str]:
    names = _about(move)
    when_due = _(
        "Its time has come: %(account)s is told to make the %(move)s of %(reference)s, if it is still wanted."
    )
    with_it = _("%(account)s is asked how %(reference)s stands, and so what became of the %(move)s. This only reads.")
    unclear = _(
        "%(account)s is asked whether the %(move)s of %(reference)s took place. Only if it certainly did not, it is "
        "asked for once more, with the same key: there is at most one."
    )
    first = {MoveStatus.REQUESTED: when_due, MoveStatus.PENDING: with_it}.get(MoveStatus(move.status), unclear)
    return [first % names, _("The same happens without your help when a worker comes by."), _recorded()]


def _refuse_look(move: Move) -> str:
    if not move.is_under_way:
        return _("It has ended: there is nothing to look for.")
    if move.awaits_approval:
        return _("It waits for a second person.")
    if move.due_at is None:
        return _("Nobody can look this one up: confirm or refute it.")
    if move.lease_until is not None and move.lease_until > clock.now():
        return _("A worker is looking right now.")
    if move.due_at > clock.now():
        return _("It is due again at %(when)s. To see more now, ask about its payment.") % {
            "when": moment_text(move.due_at)
        }
    return ""


def _look(pk: int, actor: str) -> flow.Moved:
    """Do what a worker would do, and only when it is due."""
    if why := _refuse_look(Move.objects.get(pk=pk)):
        raise CommandRefused(why)
    return flow.look_at_move(move_id=pk, actor=actor)


LOOK = Operation(
    name="look",
    label=gettext_lazy("Look now"),
    explain=_explain_look,
    refusal=_refuse_look,
    run=_look,
    tell=tell_moved,
)

MOVE_OPERATIONS = (APPROVE, DENY, CONFIRM, REFUTE, WIN, LOOK)
