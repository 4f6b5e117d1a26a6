"""An order follows its payments, and its fulfilments follow the order. Only under the order's lock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from .. import conf
from ..models import Case, Fulfilment, Move, Payment
from ..money import readable
from ..states import (
    ALIVE,
    BLOCKING_CASES,
    DEAD,
    FULFILLING,
    SECURING,
    Attempt,
    CaseKind,
    FulfilmentEvent,
    FulfilmentStatus,
    OrderOutcome,
    OrderStatus,
    PaymentStatus,
    blocks,
    going_back,
    next_fulfilment,
    recompute,
)
from .intents import as_asked
from .policy import apply_policies
from .rows import Change, close_cases, locked_fulfilments, open_case, save_facts, save_fulfilment, save_order
from .stock import follow_stock

__all__ = ["fulfilments_follow", "is_captured", "is_ready", "look_at", "may_run", "recompute_order", "withdraw"]


def recompute_order(change: Change, order: Any, payments: list[Payment]) -> OrderOutcome:
    """Say anew what an order's status is, and do what follows from it."""
    outcome = _recompute(change, order, payments)
    if apply_policies(change, order, payments, outcome):
        outcome = _recompute(change, order, payments)
    follow_stock(change, order)
    return outcome


def _recompute(change: Change, order: Any, payments: list[Payment]) -> OrderOutcome:
    outcome = look_at(change, order, payments)
    _keep_money_cases(change, order, payments, outcome)
    _keep_links(change, order, payments, outcome)
    first_time = outcome.status is OrderStatus.PROCESSING and order.secured_at is None
    before = order.status
    save_order(change, order, outcome.status, **({"secured_at": change.now} if first_time else {}))
    if first_time:
        _start_fulfilment(change, order, payments)
        _end_other_attempts(change, payments, outcome)
    elif order.status != before or order.status == OrderStatus.COMPLETED or _waits_for_capture(order, payments):
        fulfilments_follow(change, order, payments)
    return outcome


def look_at(change: Change, order: Any, payments: list[Payment]) -> OrderOutcome:
    """Say what the payments make of an order now, without writing anything."""
    back = _going_back(payments)
    return recompute(
        OrderStatus(order.status),
        order.total,
        [_attempt(order, payment, back.get(payment.pk, 0)) for payment in payments],
        blocked=_has_blocking_case(order, payments),
        past_deadline=_is_past(order.pay_before, change.now),
        canceled=order.canceled_at is not None,
    )


def _going_back(payments: Iterable[Payment]) -> dict[int, int]:
    """Return what was asked to go back and is still there, by payment."""
    holding = {p.pk: p for p in payments if PaymentStatus(p.status) in SECURING}
    found: dict[int, list[Move]] = {}
    for row in Move.objects.filter(payment_id__in=holding).defer("request") if holding else ():
        found.setdefault(row.payment_id, []).append(row)
    return {pk: going_back(holding[pk].facts, as_asked(rows, holding[pk])) for pk, rows in found.items()}


def _attempt(order: Any, payment: Payment, back: int) -> Attempt:
    account = conf.get().providers.get(payment.account)
    return Attempt(
        id=payment.pk,
        facts=payment.facts,
        secured_by_authorization=account is None or account.secured_means == "authorized",
        same_currency=payment.currency == order.currency,
        settling=payment.settles_id == order.pk,
        going_back=back,
    )


def _waits_for_capture(order: Any, payments: Iterable[Payment]) -> bool:
    """Some step waits for the money to be captured, and it may have been captured just now."""
    needs = any(handler.needs == "captured" for handler in conf.get().fulfilment.values())
    return needs and OrderStatus(order.status) in FULFILLING and is_captured(order, payments)


def is_captured(order: Any, payments: Iterable[Payment]) -> bool:
    """Whether the money that settles the order is taken, not only reserved."""
    settling = [p for p in payments if p.settles_id == order.pk]
    return order.total == 0 or any(p.captured > 0 and p.capturable == 0 for p in settling)


def _has_blocking_case(order: Any, payments: Iterable[Payment]) -> bool:
    """Late money beside a payment that settles the order is surplus: it must not stop what is paid for."""
    cases = Case.objects.open().filter(order_id=order.pk, kind__in=[kind.value for kind in BLOCKING_CASES])
    settling = {p.pk for p in payments if p.settles_id == order.pk and PaymentStatus(p.status) in SECURING}
    return any(
        not (settling and kind == CaseKind.LATE_MONEY and payment_id not in settling)
        for kind, payment_id in cases.values_list("kind", "payment_id")
    )


def _is_past(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and now >= moment


def _keep_money_cases(change: Change, order: Any, payments: list[Payment], outcome: OrderOutcome) -> None:
    for payment in payments:
        if payment.pk in outcome.late:
            open_case(change, CaseKind.LATE_MONEY, "money reached an order that was already closed", payment=payment)
        if payment.pk in outcome.surplus or _is_too_much(order, payment, outcome):
            what = "beside the payment that settles" if payment.pk in outcome.surplus else "more than the order costs"
            extra = payment.facts.money_left - (0 if payment.pk in outcome.surplus else order.total)
            detail = f"{readable(extra, payment.currency)} {what}"
            if not _judged(payment, CaseKind.SURPLUS, detail):
                open_case(change, CaseKind.SURPLUS, detail, payment=payment)
        elif PaymentStatus(payment.status) in SECURING | DEAD:
            close_cases(change, [CaseKind.SURPLUS], payment, "no longer a second payment")
        if payment.pk in outcome.unsettled:
            detail = f"{payment.money} does not settle an order of {order.amount}"
            open_case(change, CaseKind.UNSETTLED, detail, payment=payment)
        elif PaymentStatus(payment.status) in SECURING | DEAD:
            close_cases(change, [CaseKind.UNSETTLED], payment, "it settles the order, or another question came first")


def _is_too_much(order: Any, payment: Payment, outcome: OrderOutcome) -> bool:
    """The order became cheaper after the buyer was sent to pay, or after he paid."""
    return payment.pk == outcome.settles and 0 < order.total < payment.facts.money_left


def _judged(payment: Payment, kind: CaseKind, detail: str) -> bool:
    """Whether a person closed a case that said exactly this."""
    closed = Case.objects.filter(payment=payment, kind=kind.value, detail=detail, open_key=None)
    return closed.exclude(resolved_by="").exists()


def _keep_links(change: Change, order: Any, payments: list[Payment], outcome: OrderOutcome) -> None:
    """Point ``settles`` at one payment and take back offers that are over: first clear, then set, both are unique."""
    for payment in sorted(payments, key=lambda p: p.pk == outcome.settles):
        columns: dict[str, Any] = {"settles_id": order.pk if payment.pk == outcome.settles else None}
        if payment.offer_of_id is not None and PaymentStatus(payment.status) not in ALIVE:
            columns["offer_of_id"] = None
        save_facts(change, payment, payment.facts, **columns)


def _start_fulfilment(change: Change, order: Any, payments: list[Payment]) -> None:
    for name, handler in conf.get().fulfilment.items():
        may = may_run(order, payments, name)
        row = Fulfilment.objects.create(
            order_id=order.pk,
            handler=name,
            required=handler.required,
            status=(FulfilmentStatus.DUE if may else FulfilmentStatus.BLOCKED).value,
            due_at=change.now,
            created_at=change.now,
        )
        if may:
            change.wake("fulfilment", row.pk)


def _end_other_attempts(change: Change, payments: list[Payment], outcome: OrderOutcome) -> None:
    for payment in payments:
        if payment.pk != outcome.settles and PaymentStatus(payment.status) in ALIVE:
            withdraw(change, payment)


def withdraw(change: Change, payment: Payment, *, keep_offer: bool = False) -> None:
    """Have an open attempt ended at the provider: the next question about it tries that first."""
    columns = {"withdraw": True, "checkout_url": "", **({} if keep_offer else {"offer_of_id": None})}
    save_facts(change, payment, payment.facts, quiet={"next_check_at": change.now}, **columns)
    change.wake("payment", payment.pk)


def fulfilments_follow(change: Change, order: Any, payments: list[Payment]) -> None:
    ready = is_ready(order, payments)
    for row in locked_fulfilments(order.pk):
        status = FulfilmentStatus(row.status)
        event = _event_for(order, payments, row, ready=ready)
        if event is FulfilmentEvent.CANCEL and status in _NOT_CALLED_BACK:
            continue
        target = next_fulfilment(status, event)
        if target is not status:
            save_fulfilment(change, row, target, due_at=change.now)
        if target is FulfilmentStatus.DUE:
            change.wake("fulfilment", row.pk)


_NOT_CALLED_BACK = frozenset({FulfilmentStatus.RUNNING, FulfilmentStatus.DONE, FulfilmentStatus.CANCELED})
"""What runs or is done stays so; the operator sees both."""


def _event_for(order: Any, payments: list[Payment], row: Fulfilment, *, ready: bool) -> FulfilmentEvent:
    if order.status == OrderStatus.CANCELED:
        return FulfilmentEvent.CANCEL
    return FulfilmentEvent.UNBLOCK if ready and may_run(order, payments, row.handler) else FulfilmentEvent.BLOCK


def may_run(order: Any, payments: Iterable[Payment], handler: str) -> bool:
    """Whether a handler has what it ``NEEDS``."""
    found = conf.get().fulfilment.get(handler)
    return found is None or found.needs != "captured" or is_captured(order, payments)


def is_ready(order: Any, payments: list[Payment] | None = None) -> bool:
    """Whether fulfilments of this order may run: processing or completed, and nothing blocks."""
    if OrderStatus(order.status) not in FULFILLING:
        return False
    if payments is None:
        payments = list(Payment.objects.filter(order_id=order.pk))
    return not (_has_blocking_case(order, payments) or any(blocks(payment.facts) for payment in payments))
