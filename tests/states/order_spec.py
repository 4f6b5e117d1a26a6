"""What payments make of an order, said a second time: the table of the specification, first match.

As in ``spec``, nothing here calls the rules; a payment is what its columns say.
"""

from __future__ import annotations

from collections.abc import Sequence

from django_payflow.states import Attempt, OrderStatus, PaymentStatus
from tests.states.spec import row_resolved

O, P = OrderStatus, PaymentStatus  # noqa: E741  (read beside P, as in the rules)
ALIVE = {P.CREATED, P.PENDING, P.PROCESSING}
DEAD = {P.FAILED, P.CANCELED, P.EXPIRED}
CLOSED = {O.CANCELED, O.EXPIRED}


def money_left(a: Attempt) -> int:
    """Money that is believed, and neither went back nor was withdrawn; minor units."""
    f = a.facts
    if f.status not in {P.AUTHORIZED, P.PAID}:
        return 0
    return max(0, f.captured + f.capturable - f.refunded - f.charged_back)


def has_money_left(a: Attempt) -> bool:
    return money_left(a) > 0


def stays(a: Attempt) -> bool:
    """Somebody would have to send it back: what was asked for already does not cover it."""
    return has_money_left(a) and money_left(a) > a.going_back


def refunded_fully(a: Attempt) -> bool:
    return a.facts.captured > 0 and a.facts.capturable == 0 and a.facts.refunded >= a.facts.captured


def released(a: Attempt) -> bool:
    """All of it was given up by us, before any of it was taken."""
    return a.facts.captured == a.facts.capturable == 0 and a.facts.let_go >= a.facts.expected > 0


def may_settle(a: Attempt, total: int) -> bool:
    f = a.facts
    enough = f.captured + (f.capturable if a.secured_by_authorization else 0)
    stops = f.held or f.status not in {P.AUTHORIZED, P.PAID} or f.charged_back > 0 or refunded_fully(a)
    return enough > 0 and not stops and (f.accepted is not None or enough + f.let_go >= total)


def settling_one(attempts: Sequence[Attempt], total: int) -> Attempt | None:
    """The one that settles keeps settling; else the first that can."""
    able = [a for a in attempts if may_settle(a, total)]
    return next((a for a in able if a.settling), next(iter(able), None))


def conflicted(a: Attempt) -> bool:
    return a.facts.status is P.CONFLICTED and not row_resolved(a.facts)


def conflicted_or_in_review(a: Attempt) -> bool:
    reviewed = a.facts.held and a.facts.status not in DEAD and not refunded_fully(a)
    return conflicted(a) or reviewed


def waits_for_capture(a: Attempt) -> bool:
    return a.facts.status is P.AUTHORIZED and not a.secured_by_authorization


def everything_went_back(attempts: Sequence[Attempt]) -> bool:
    """It settled, and was refunded; or it was refunded before it could settle, and nothing else may still pay."""
    if any(map(has_money_left, attempts)):
        return False
    if any(a.settling and refunded_fully(a) for a in attempts):
        return True
    return not any(a.facts.status in ALIVE for a in attempts) and any(
        a.facts.status is P.PAID and refunded_fully(a) for a in attempts
    )


def expected_order_status(
    status: O,
    total: int,
    attempts: Sequence[Attempt],
    *,
    blocked: bool = False,
    past_deadline: bool = False,
    canceled: bool = False,
) -> O:
    """Return the status of an order whose total is above zero."""
    if status is O.COMPLETED:
        return O.COMPLETED
    if status in CLOSED:
        return O.ON_HOLD if any(conflicted(a) or stays(a) for a in attempts) else status
    waits = any(a.facts.status in ALIVE or waits_for_capture(a) for a in attempts)
    table = [
        (blocked or any(map(conflicted_or_in_review, attempts)), O.ON_HOLD),
        (settling_one(attempts, total) is not None, O.PROCESSING),
        (any(has_money_left(a) and not waits_for_capture(a) for a in attempts), O.ON_HOLD),
        (canceled and not any(map(stays, attempts)), O.CANCELED),
        (everything_went_back(attempts), O.CANCELED),
        (past_deadline and not waits, O.EXPIRED),
        (waits, O.PENDING),
        (any(a.settling and released(a) for a in attempts), O.CANCELED),
        (bool(attempts), O.FAILED),
        (status is O.DRAFT, O.DRAFT),
    ]
    return next((word for holds, word in table if holds), O.PENDING)
