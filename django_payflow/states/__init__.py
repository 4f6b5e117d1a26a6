"""What every status does, as data and pure functions: models, flow, admin, docs and tests read this one copy.

The word of a payment says what the *attempt* does, the sums say what the *money* does; "refunded", "partly
captured", "charged back" and "on hold" are labels derived from both. Orders follow payments, fulfilments follow
orders. Nothing here touches a database or a clock: moments are passed in.

Principles: facts are never refused; ``paid`` leads only to ``paid`` or ``conflicted``; the same report twice
equals once; every late money and every conflict opens a case.
"""

from .fulfilment import (
    FULFILMENT_MOVES,
    FULFILMENT_RETRY_SECONDS,
    FULFILMENT_TABLE,
    REFUSE,
    STAY,
    FulfilmentEvent,
    next_fulfilment,
)
from .offer import OfferStep, offer_step
from .order import Attempt, OrderOutcome, blocks, recompute
from .payment import VANISH_CONFIRMED_AFTER, Facts, Outcome, label_of, read_report, read_stale_report
from .words import (
    ALIVE,
    BLOCKING_CASES,
    CASE_ADVICE,
    CLOSED_ORDER,
    DEAD,
    FULFILLING,
    ORDER_MOVES,
    PAYABLE_ORDER,
    PAYMENT_MOVES,
    SECURING,
    CaseKind,
    Doubt,
    FulfilmentStatus,
    OrderStatus,
    PaymentStatus,
)

__all__ = [
    "ALIVE",
    "BLOCKING_CASES",
    "CASE_ADVICE",
    "CLOSED_ORDER",
    "DEAD",
    "FULFILLING",
    "FULFILMENT_MOVES",
    "FULFILMENT_RETRY_SECONDS",
    "FULFILMENT_TABLE",
    "ORDER_MOVES",
    "PAYABLE_ORDER",
    "PAYMENT_MOVES",
    "REFUSE",
    "SECURING",
    "STAY",
    "VANISH_CONFIRMED_AFTER",
    "Attempt",
    "CaseKind",
    "Doubt",
    "Facts",
    "FulfilmentEvent",
    "FulfilmentStatus",
    "OfferStep",
    "OrderOutcome",
    "OrderStatus",
    "Outcome",
    "PaymentStatus",
    "blocks",
    "label_of",
    "next_fulfilment",
    "offer_step",
    "read_report",
    "read_stale_report",
    "recompute",
]
