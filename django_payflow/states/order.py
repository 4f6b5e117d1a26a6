"""An order: what its payments make of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .payment import Facts
from .words import ALIVE, CLOSED_ORDER, DEAD, SECURING, O, P


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A payment as its order sees it."""

    id: int
    facts: Facts
    secured_by_authorization: bool = True
    """The account's ``SECURED_MEANS``: is an authorization enough?"""
    same_currency: bool = True
    """The order still has the currency that the payment was made for."""
    settling: bool = False
    """It settles the order now."""
    going_back: int = 0
    """Minor units that are on their way back: refunds and voids that were asked for and have not ended."""


@dataclass(frozen=True, kw_only=True)
class OrderOutcome:
    """What the payments make of an order."""

    status: O
    settles: int | None = None
    """The payment that settles it."""
    surplus: frozenset[int] = frozenset()
    """Other payments that still hold money."""
    unsettled: frozenset[int] = frozenset()
    """Payments whose money secures nothing: they hold the order."""
    late: frozenset[int] = frozenset()
    """Payments whose money reached a closed order."""


def recompute(
    status: O,
    total: int,
    attempts: Iterable[Attempt],
    *,
    blocked: bool = False,
    past_deadline: bool = False,
    canceled: bool = False,
) -> OrderOutcome:
    """Say what an order's status is, given its payments in the order they were started.

    ``blocked`` is an open blocking case; ``past_deadline`` that the time to pay is over; ``canceled`` that somebody
    cancelled the order, and nobody took that back.
    """
    rows = list(attempts)
    settling = _settling(total, rows)
    surplus = frozenset(a.id for a in rows if settling and a.id != settling.id and _keeps_money(a.facts))
    late = frozenset(a.id for a in rows if _stays(a)) if status in CLOSED_ORDER else frozenset()
    held_up = blocked or any(blocks(a.facts) for a in rows)
    open_order = status not in CLOSED_ORDER | {O.COMPLETED} and not held_up and settling is None
    unsettled = frozenset(a.id for a in rows if open_order and total > 0 and _secures_nothing(a))
    return OrderOutcome(
        status=_order_status(
            status, total, rows, settling, held_up=held_up, past_deadline=past_deadline, canceled=canceled
        ),
        unsettled=unsettled,
        settles=settling.id if settling else None,
        surplus=surplus,
        late=late,
    )


def _order_status(
    status: O,
    total: int,
    rows: list[Attempt],
    settling: Attempt | None,
    *,
    held_up: bool,
    past_deadline: bool,
    canceled: bool,
) -> O:
    if status is O.COMPLETED:
        return status
    if status in CLOSED_ORDER:
        holding = any(_stays(a) or _conflicts(a.facts) for a in rows)
        return O.ON_HOLD if holding else status
    if held_up:
        return O.ON_HOLD
    if settling is not None or (total == 0 and status is not O.DRAFT):
        return O.PROCESSING
    if any(_secures_nothing(a) for a in rows):
        return O.ON_HOLD  # such as the rest after a chargeback: a person decides
    if (canceled and not any(_stays(a) for a in rows)) or _went_back(rows):
        return O.CANCELED
    return _unpaid_status(status, rows, past_deadline)


def _went_back(rows: list[Attempt]) -> bool:
    """The order was paid, and all of it was refunded: on purpose, so nobody is asked to pay again."""
    if any(_keeps_money(a.facts) for a in rows):
        return False
    settled = any(a.settling and a.facts.fully_refunded for a in rows)
    never_did = any(a.facts.fully_refunded and a.facts.status is P.PAID for a in rows)
    return settled or (never_did and not any(a.facts.status in ALIVE for a in rows))


def _unpaid_status(status: O, rows: list[Attempt], past_deadline: bool) -> O:
    waiting = any(a.facts.status in ALIVE or _waits_for_capture(a) for a in rows)
    if past_deadline and not waiting:
        return O.EXPIRED
    if waiting:
        return O.PENDING
    if any(a.settling and a.facts.released for a in rows):
        return O.CANCELED
    if rows:
        return O.FAILED
    return status if status is O.DRAFT else O.PENDING


def _settling(total: int, rows: list[Attempt]) -> Attempt | None:
    able = [a for a in rows if _can_settle(total, a)]
    return next((a for a in able if a.settling), able[0] if able else None)


def _can_settle(total: int, attempt: Attempt) -> bool:
    facts = attempt.facts
    if (
        not attempt.same_currency
        or facts.status not in SECURING
        or facts.held
        or facts.charged_back > 0
        or facts.fully_refunded
    ):
        return False
    secured = facts.captured + (facts.capturable if attempt.secured_by_authorization else 0)
    if secured <= 0:
        return False
    return facts.accepted is not None or secured + facts.let_go >= total


def _waits_for_capture(attempt: Attempt) -> bool:
    return attempt.facts.status is P.AUTHORIZED and not attempt.secured_by_authorization


def _secures_nothing(attempt: Attempt) -> bool:
    return _keeps_money(attempt.facts) and not _waits_for_capture(attempt)


def blocks(facts: Facts) -> bool:
    """Whether a payment holds its order up: a conflict, or a review of money that may still come or is there."""
    return _conflicts(facts) or (facts.held and facts.status not in DEAD and not facts.fully_refunded)


def _conflicts(facts: Facts) -> bool:
    return facts.status is P.CONFLICTED and not facts.resolved


def _stays(attempt: Attempt) -> bool:
    """Money that nobody sends back."""
    return _keeps_money(attempt.facts) and attempt.facts.money_left > attempt.going_back


def _keeps_money(facts: Facts) -> bool:
    return facts.status in SECURING and facts.money_left > 0
