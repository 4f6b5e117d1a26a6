"""The words: statuses, doubts, kinds of cases, and which status may follow which."""

from __future__ import annotations

from enum import StrEnum


class PaymentStatus(StrEnum):
    """One attempt at one provider account."""

    CREATED = "created"
    PENDING = "pending"
    PROCESSING = "processing"
    AUTHORIZED = "authorized"
    PAID = "paid"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"
    CONFLICTED = "conflicted"


class OrderStatus(StrEnum):
    """The shop's words for an order."""

    DRAFT = "draft"
    PENDING = "pending"
    PROCESSING = "processing"
    ON_HOLD = "on_hold"
    FAILED = "failed"
    COMPLETED = "completed"
    CANCELED = "canceled"
    EXPIRED = "expired"


class FulfilmentStatus(StrEnum):
    """One handler's work for one order."""

    BLOCKED = "blocked"
    DUE = "due"
    RUNNING = "running"
    RETRY_WAIT = "retry_wait"
    DONE = "done"
    FAILED = "failed"
    CANCELED = "canceled"


class Doubt(StrEnum):
    """Why the money cannot be believed or accepted; any of them makes the payment ``conflicted``."""

    NONE = ""
    VANISHED = "vanished"
    CURRENCY = "currency"
    AMOUNT = "amount"


class CaseKind(StrEnum):
    """What a person must look at."""

    LATE_MONEY = "late_money"
    MISMATCH = "mismatch"
    SURPLUS = "surplus"
    UNSETTLED = "unsettled"
    AUTHORIZATION_LOST = "authorization_lost"
    CHARGEBACK = "chargeback"
    OVERDRAWN = "overdrawn"
    UNKNOWN_OBJECT = "unknown_object"
    UNRESOLVED = "unresolved"
    FOREIGN_OBJECT = "foreign_object"
    FULFILMENT = "fulfilment"


P = PaymentStatus
O = OrderStatus  # noqa: E741  (read beside P and F in the tables below)
F = FulfilmentStatus

ALIVE = frozenset({P.CREATED, P.PENDING, P.PROCESSING})
"""The attempt may still bring money, and none is there yet."""
DEAD = frozenset({P.FAILED, P.CANCELED, P.EXPIRED})
"""The provider said it is over. Money can still wake it."""
SECURING = frozenset({P.AUTHORIZED, P.PAID})
PAYABLE_ORDER = frozenset({O.DRAFT, O.PENDING, O.FAILED})
"""A buyer may start or repeat a payment."""
CLOSED_ORDER = frozenset({O.CANCELED, O.EXPIRED})
FULFILLING = frozenset({O.PROCESSING, O.COMPLETED})
"""A fulfilment may run: completed too, for the handlers that are not required."""
BLOCKING_CASES = frozenset(
    {
        CaseKind.LATE_MONEY,
        CaseKind.MISMATCH,
        CaseKind.AUTHORIZATION_LOST,
        CaseKind.CHARGEBACK,
        CaseKind.OVERDRAWN,
    }
)

PAYMENT_MOVES: dict[P, frozenset[P]] = {
    target: frozenset(P) - {P.PAID} if target not in {P.PAID, P.CONFLICTED} else frozenset(P)
    for target in P
    if target is not P.CREATED
}
"""Target -> allowed sources. Nothing returns to ``created``; ``paid`` leads only to ``paid`` or ``conflicted``."""

ORDER_MOVES: dict[O, frozenset[O]] = {
    O.PENDING: frozenset({O.DRAFT, O.FAILED, O.ON_HOLD, O.PROCESSING}),
    O.PROCESSING: frozenset({O.DRAFT, O.PENDING, O.FAILED, O.ON_HOLD}),
    O.ON_HOLD: frozenset({O.DRAFT, O.PENDING, O.PROCESSING, O.FAILED, O.CANCELED, O.EXPIRED}),
    O.FAILED: frozenset({O.DRAFT, O.PENDING, O.ON_HOLD, O.PROCESSING}),
    O.CANCELED: frozenset({O.DRAFT, O.PENDING, O.PROCESSING, O.ON_HOLD, O.FAILED}),
    O.EXPIRED: frozenset({O.DRAFT, O.PENDING, O.FAILED, O.ON_HOLD, O.PROCESSING}),
    O.COMPLETED: frozenset({O.PROCESSING}),
}
"""Target -> allowed sources. ``completed`` is left by nothing; a closed order wakes only to ``on_hold``."""

CASE_ADVICE: dict[CaseKind, str] = {
    CaseKind.LATE_MONEY: "Money arrived after the payment had ended. Decide whether to deliver or to refund it.",
    CaseKind.MISMATCH: "The provider names another amount or currency than the order. Compare both; do not deliver "
    "before the money is right.",
    CaseKind.SURPLUS: "A second payment arrived for an order that is already paid. Refund it at the provider.",
    CaseKind.UNSETTLED: "There is money, but it does not settle the order. Compare the order's total with the "
    "payment; deliver, or refund it at the provider.",
    CaseKind.AUTHORIZATION_LOST: "The authorization fell away before it was captured. Ask the customer to pay again.",
    CaseKind.CHARGEBACK: "The customer's bank took money back. Answer the dispute in the provider's dashboard.",
    CaseKind.OVERDRAWN: "More was refunded or charged back than was captured. Compare with the provider's statement.",
    CaseKind.UNKNOWN_OBJECT: "The provider no longer knows this payment. Look it up in the provider's dashboard.",
    CaseKind.UNRESOLVED: "The provider gave no final or no readable answer. Look the payment up in its dashboard.",
    CaseKind.FOREIGN_OBJECT: "A notification named a payment that is not ours. If it repeats, check the webhook "
    "address and the API key.",
    CaseKind.FULFILMENT: "A fulfilment step was given up. Read its error, mend the cause, then retry it.",
}
