"""What happens by itself to money that came too late, or twice. Money moves out only where a setting says so.

Called at the end of every recomputation of an order, under its lock. Only intents are committed here; who carries
them out asks once more whether they are still wanted.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.utils.module_loading import import_string

from .. import conf
from ..exceptions import CommandRefused
from ..messages import MoveKind
from ..models import Case, Move, Payment
from ..states import FULFILLING, SECURING, CaseKind, MoveStatus, OrderOutcome, OrderStatus, PaymentStatus, releasable
from .intents import as_asked, backend_of, new_move
from .rows import Change, close_cases, locked_moves, note, open_case, save_order
from .stock import try_to_reserve

__all__ = ["apply_policies", "capture_on_fulfilment", "is_still_wanted", "release_rest", "reopen"]

REST = "final_capture"
LATE, SURPLUS, ON_FULFILMENT = "late_payment", "surplus", "on_fulfilment"


def apply_policies(change: Change, order: Any, payments: Iterable[Payment], outcome: OrderOutcome) -> bool:
    """Do what the settings say about late and second money. Returns whether the order was reopened."""
    # What is paid for goes its way: money beside it is surplus, and about what is delivered a person decides.
    late = [] if OrderStatus(order.status) in FULFILLING else _late_payments(payments, outcome)
    for payment in late:
        if conf.get().late_payment == "reopen" and _may_reopen(change, order, payment):
            reopen(change, order, payment, "the shop takes it although it came late")
            return True
    for payment in payments:
        if payment in late:
            _send_back(change, payment, LATE, refund=conf.get().late_payment == "refund")
        elif payment.pk in outcome.surplus:
            pause = timedelta(seconds=conf.get().surplus_seconds)
            _send_back(change, payment, SURPLUS, refund=conf.get().surplus == "refund", pause=pause)
    return False


def _late_payments(payments: Iterable[Payment], outcome: OrderOutcome) -> list[Payment]:
    """Payments with an open case about late money, which is still there."""
    holding = {p.pk: p for p in payments if PaymentStatus(p.status) in SECURING and p.facts.money_left > 0}
    if not holding:
        return []
    open_cases = Case.objects.open().filter(kind=CaseKind.LATE_MONEY.value, payment_id__in=holding)
    named = {*open_cases.values_list("payment_id", flat=True), *outcome.late}
    return [payment for pk, payment in holding.items() if pk in named and pk not in outcome.surplus]


def _may_reopen(change: Change, order: Any, payment: Payment) -> bool:
    """Ask the shop once per payment, and take its stock."""
    if payment.facts.money + payment.let_go < order.total or payment.currency != order.currency or payment.held:
        return False
    path = conf.get().may_reopen
    if path and not import_string(path)(order):
        return False
    return try_to_reserve(change, order)


def reopen(change: Change, order: Any, payment: Payment, why: str) -> None:
    """Let a closed order go on: its late money counts as if it had come in time."""
    close_cases(change, [CaseKind.LATE_MONEY], payment, why)
    save_order(change, order, OrderStatus(order.status), canceled_at=None)
    note(change, order.pk, payment, "command", f"late payment accepted: {why}")


def _send_back(
    change: Change, payment: Payment, policy: str, *, refund: bool, pause: timedelta = timedelta(0)
) -> None:
    """What is only authorized is voided at once; captured money goes back where the setting says so. Tried once."""
    moves = locked_moves(payment.pk)
    if any(move.policy == policy for move in moves):
        return
    only_authorized = payment.captured == 0 and releasable(payment.facts, as_asked(moves)) > 0
    if only_authorized and not backend_of(payment).supports_void:
        return
    if not only_authorized and not refund:
        return
    kind = MoveKind.VOID if only_authorized else MoveKind.REFUND
    due = None if only_authorized or not pause else change.now + pause
    _try(change, payment, kind, policy=policy, due_at=due)


def is_still_wanted(row: Move, payment: Payment, outcome: OrderOutcome) -> bool:
    """Whether a move that waited for its time should be made: a second payment may have become the only one."""
    return row.policy != SURPLUS or payment.pk in outcome.surplus


def capture_on_fulfilment(change: Change, order: Any, payments: Iterable[Payment]) -> None:
    """Every required handler is done: capture what settles the order, where the account says so."""
    for payment in payments:
        account = conf.get().providers.get(payment.account)
        wanted = payment.settles_id == order.pk and account is not None and account.capture == "on_fulfilment"
        if not wanted or payment.capturable == 0:
            continue
        if not any(m.policy == ON_FULFILMENT for m in locked_moves(payment.pk)):
            _try(change, payment, MoveKind.CAPTURE, policy=ON_FULFILMENT)


def release_rest(change: Change, payment: Payment) -> None:
    """After a capture that was to be the last one, release what the provider still holds."""
    if payment.capturable == 0 or payment.let_go == 0 or not backend_of(payment).supports_void:
        return
    moves = locked_moves(payment.pk)
    done = [m for m in moves if m.kind == MoveKind.CAPTURE and m.status == MoveStatus.SUCCEEDED and m.let_go > 0]
    if done and releasable(payment.facts, as_asked(moves)) > 0 and not any(m.policy == REST for m in moves):
        _try(change, payment, MoveKind.VOID, policy=REST)


def _try(change: Change, payment: Payment, kind: MoveKind, *, policy: str, due_at: datetime | None = None) -> None:
    try:
        new_move(change, payment, kind, policy=policy, due_at=due_at)
    except CommandRefused as refused:
        words = f"{kind.value} by the setting for {policy.replace('_', ' ')} could not be asked for: {refused}"
        open_case(change, CaseKind.MOVE, words, payment=payment)
