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
from .limits import Asked, capturable, going_back, must_go_back, refund_currency, refundable, releasable
from .move import MOVE_MOVES, MOVE_TABLE, RESERVING, UNDER_WAY, MoveEvent, MoveStep, next_move
from .offer import OfferStep, offer_step
from .order import Attempt, OrderOutcome, blocks, recompute
from .payment import (
    VANISH_CONFIRMED_AFTER,
    Facts,
    Outcome,
    accept,
    label_of,
    let_go,
    read_report,
    read_stale_report,
    record_sums,
    write_off,
)
from .words import (
    ALIVE,
    BLOCKING_CASES,
    CASE_ADVICE,
    CLOSABLE,
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
    MoveStatus,
    OrderStatus,
    PaymentStatus,
)

__all__ = [
    "ALIVE",
    "BLOCKING_CASES",
    "CASE_ADVICE",
    "CLOSABLE",
    "CLOSED_ORDER",
    "DEAD",
    "FULFILLING",
    "FULFILMENT_MOVES",
    "FULFILMENT_RETRY_SECONDS",
    "FULFILMENT_TABLE",
    "MOVE_MOVES",
    "MOVE_TABLE",
    "ORDER_MOVES",
    "PAYABLE_ORDER",
    "PAYMENT_MOVES",
    "REFUSE",
    "RESERVING",
    "SECURING",
    "STAY",
    "UNDER_WAY",
    "VANISH_CONFIRMED_AFTER",
    "Asked",
    "Attempt",
    "CaseKind",
    "Doubt",
    "Facts",
    "FulfilmentEvent",
    "FulfilmentStatus",
    "MoveEvent",
    "MoveStatus",
    "MoveStep",
    "OfferStep",
    "OrderOutcome",
    "OrderStatus",
    "Outcome",
    "PaymentStatus",
    "accept",
    "blocks",
    "capturable",
    "going_back",
    "label_of",
    "let_go",
    "must_go_back",
    "next_fulfilment",
    "next_move",
    "offer_step",
    "read_report",
    "read_stale_report",
    "recompute",
    "record_sums",
    "refund_currency",
    "refundable",
    "releasable",
    "write_off",
]
