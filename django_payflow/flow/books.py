"""An order follows its payments, and its fulfilments follow the order. Only under the order's lock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from .. import conf
from ..models import Case, Fulfilment, Payment
from ..states import (
    ALIVE,
    BLOCKING_CASES,
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
    next_fulfilment,
    recompute,
)
from .rows import Change, close_cases, locked_fulfilments, open_case, save_facts, save_fulfilment, save_order

__all__ = ["is_ready", "recompute_order", "withdraw"]


def recompute_order(change: Change, order: Any, payments: list[Payment]) -> OrderOutcome:
    """Say anew what an order's status is, and do what follows from it."""
    outcome = recompute(
        OrderStatus(order.status),
        order.total,
        [_attempt(order, payment) for payment in payments],
        blocked=_has_blocking_case(order, payments),
        past_deadline=_is_past(order.pay_before, change.now),
    )
    _keep_money_cases(change, order, payments, outcome)
    _keep_links(change, order, payments, outcome)
    first_time = outcome.status is OrderStatus.PROCESSING and order.secured_at is None
    before = order.status
    save_order(change, order, outcome.status, **({"secured_at": change.now} if first_time else {}))
    if first_time:
        _start_fulfilment(change, order)
        _end_other_attempts(change, payments, outcome)
    elif order.status != before or order.status == OrderStatus.COMPLETED:
        _fulfilments_follow(change, order)
    return outcome


def _attempt(order: Any, payment: Payment) -> Attempt:
    account = conf.get().providers.get(payment.account)
    return Attempt(
        id=payment.pk,
        facts=payment.facts,
        secured_by_authorization=account is None or account.secured_means == "authorized",
        same_currency=payment.currency == order.currency,
        settling=payment.settles_id == order.pk,
    )


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
        if payment.pk in outcome.surplus:
            detail = f"{payment.facts.money_left} {payment.currency} (minor units) beside the payment that settles"
            open_case(change, CaseKind.SURPLUS, detail, payment=payment)
        elif PaymentStatus(payment.status) in SECURING:
            close_cases(change, [CaseKind.SURPLUS], payment, "no longer a second payment")
        if payment.pk in outcome.unsettled:
            detail = f"{payment.money} does not settle an order of {order.amount}"
            open_case(change, CaseKind.UNSETTLED, detail, payment=payment)
        elif PaymentStatus(payment.status) in SECURING:
            close_cases(change, [CaseKind.UNSETTLED], payment, "it settles the order, or another question came first")


def _keep_links(change: Change, order: Any, payments: list[Payment], outcome: OrderOutcome) -> None:
    """Point ``settles`` at one payment and take back offers that are over: first clear, then set, both are unique."""
    for payment in sorted(payments, key=lambda p: p.pk == outcome.settles):
        columns: dict[str, Any] = {"settles_id": order.pk if payment.pk == outcome.settles else None}
        if payment.offer_of_id is not None and PaymentStatus(payment.status) not in ALIVE:
            columns["offer_of_id"] = None
        save_facts(change, payment, payment.facts, **columns)


def _start_fulfilment(change: Change, order: Any) -> None:
    for name, handler in conf.get().fulfilment.items():
        row = Fulfilment.objects.create(
            order_id=order.pk, handler=name, required=handler.required, due_at=change.now, created_at=change.now
        )
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


def _fulfilments_follow(change: Change, order: Any) -> None:
    ready = FulfilmentEvent.UNBLOCK if is_ready(order) else FulfilmentEvent.BLOCK
    event = FulfilmentEvent.CANCEL if order.status == OrderStatus.CANCELED else ready
    for row in locked_fulfilments(order.pk):
        status = FulfilmentStatus(row.status)
        if event is FulfilmentEvent.CANCEL and status in {FulfilmentStatus.RUNNING, FulfilmentStatus.DONE}:
            continue  # it cannot be called back; the operator sees both
        if event is FulfilmentEvent.CANCEL and status is FulfilmentStatus.CANCELED:
            continue
        target = next_fulfilment(status, event)
        if target is not status:
            save_fulfilment(change, row, target, due_at=change.now)
        if target is FulfilmentStatus.DUE:
            change.wake("fulfilment", row.pk)


def is_ready(order: Any) -> bool:
    """Whether fulfilments of this order may run: processing or completed, and nothing blocks."""
    if OrderStatus(order.status) not in FULFILLING:
        return False
    payments = list(Payment.objects.filter(order_id=order.pk))
    return not (_has_blocking_case(order, payments) or any(blocks(payment.facts) for payment in payments))
