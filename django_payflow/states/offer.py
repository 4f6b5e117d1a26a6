"""Two attempts for one order: what to do about the first when the buyer starts again."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from .payment import Facts
from .words import DEAD, SECURING, P


class OfferStep(StrEnum):
    """What start_checkout does about an attempt that is already offered."""

    FINISH_CREATE = "look it up once, else supersede: nobody has its URL"
    SAME_URL = "give the same URL again"
    END_FIRST = "cancel or expire it at the provider, then decide again"
    REFUSE_BANK = "refuse: the bank is working"
    SUPERSEDE = "start anew beside it; the customer confirmed"
    REFUSE = "refuse: there is money or a question on it"
    NEW_ATTEMPT = "it is over: start anew"


def offer_step(
    facts: Facts,
    *,
    same_way: bool,
    confirmed: bool = False,
    age: timedelta = timedelta(0),
    override_after: timedelta | None = timedelta(hours=24),
) -> OfferStep:
    """Decide about the offered attempt when the buyer starts again.

    ``same_way`` is the same account and method; ``confirmed`` that the buyer asked to pay again although an
    attempt of this ``age`` is still being processed.
    """
    if facts.status in DEAD:
        return OfferStep.NEW_ATTEMPT
    if facts.held or facts.status in SECURING or facts.status is P.CONFLICTED:
        return OfferStep.REFUSE
    if facts.status is P.CREATED:
        return OfferStep.FINISH_CREATE
    if facts.status is P.PENDING and same_way:
        return OfferStep.SAME_URL
    if facts.status is P.PENDING or facts.push:
        return OfferStep.END_FIRST
    if override_after is not None and confirmed and age >= override_after:
        return OfferStep.SUPERSEDE
    return OfferStep.REFUSE_BANK
