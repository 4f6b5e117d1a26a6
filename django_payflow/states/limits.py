"""How much may be captured, released or refunded: bounds of our own requests. Facts of a provider know no bounds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..messages import MoveKind
from .move import RESERVING, UNDER_WAY
from .payment import Facts
from .words import Doubt, M, P

__all__ = ["Asked", "capturable", "going_back", "must_go_back", "refund_currency", "refundable", "releasable"]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A move as the bounds see it."""

    kind: MoveKind
    status: M
    amount: int
    currency: str
    unseen: bool = False
    """It ended, and no report has shown that yet."""


def refund_currency(facts: Facts) -> str:
    """Return the currency in which money could be sent back: the one that is there."""
    return facts.observed_currency if facts.doubt is Doubt.CURRENCY else facts.currency


def refundable(facts: Facts, moves: Iterable[Asked]) -> int:
    """Return what a new refund may be at most, in minor units of ``refund_currency``."""
    currency = refund_currency(facts)
    refunds = [m for m in moves if m.kind is MoveKind.REFUND and m.currency == currency]
    reserved = sum(m.amount for m in refunds if m.status in RESERVING)
    if facts.doubt is Doubt.CURRENCY:
        return max(0, (facts.observed_amount or 0) - reserved)
    # What was refunded without a row of ours (a provider that lists no refunds) counts as well.
    under_way = sum(m.amount for m in refunds if m.status in UNDER_WAY)
    return max(0, facts.captured - facts.charged_back - max(reserved, facts.refunded + under_way))


def capturable(facts: Facts, moves: Iterable[Asked]) -> int:
    """Return what may be captured now; nothing while a capture or a void is under way."""
    return 0 if facts.held or facts.status is not P.AUTHORIZED or _is_busy(moves) else facts.capturable


def releasable(facts: Facts, moves: Iterable[Asked]) -> int:
    """Return what a void would release now, in minor units of ``refund_currency``."""
    if _is_busy(moves):
        return 0
    if facts.doubt is Doubt.CURRENCY:  # authorized or captured, nobody knows: the provider will say
        return facts.observed_amount or 0
    return facts.capturable if facts.status in {P.AUTHORIZED, P.CONFLICTED} else 0


def _is_busy(moves: Iterable[Asked]) -> bool:
    return any(m.kind in {MoveKind.CAPTURE, MoveKind.VOID} and m.status in UNDER_WAY for m in moves)


def must_go_back(facts: Facts, moves: Iterable[Asked]) -> bool:
    """Whether a conflicted payment still holds money, which must go back before it can be written off."""
    if facts.capturable > 0:
        return True
    if facts.doubt is Doubt.CURRENCY:
        return refundable(facts, moves) > 0
    vanished = facts.doubt is Doubt.VANISHED and facts.reported_captured is not None
    captured = (facts.reported_captured or 0) if vanished else facts.captured
    return captured > facts.refunded + facts.charged_back


def going_back(facts: Facts, moves: Iterable[Asked]) -> int:
    """Return what was asked to go back and is still in the sums, in minor units.

    A refund that the provider has just confirmed is not in the report yet that the sums come from.
    """
    own = [m for m in moves if m.currency == facts.currency]
    refunds = [m for m in own if m.kind is MoveKind.REFUND]
    under_way = sum(m.amount for m in refunds if m.status in UNDER_WAY)
    reserved = sum(m.amount for m in refunds if m.status in RESERVING)
    voids = [m for m in own if m.kind is MoveKind.VOID]
    released = sum(m.amount for m in voids if m.status in UNDER_WAY or (m.unseen and m.status is M.SUCCEEDED))
    return max(under_way, reserved - facts.refunded) + min(released, facts.capturable)
