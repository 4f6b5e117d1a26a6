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


class MoveStatus(StrEnum):
    """A capture, void or refund."""

    REQUESTED = "requested"
    """Waits for its time, or for a second person."""
    MANUAL = "manual"
    """The provider has no call for it: a person arranges it there, and confirms it here."""
    SUBMITTING = "submitting"
    """Being asked for, or asked for with an unknown outcome."""
    PENDING = "pending"
    """The provider has it and works on it."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    RETURNED = "returned"
    """A refund that had succeeded came back; a dispute that was won."""


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
    AUTHORIZATION_ENDING = "authorization_ending"
    CHARGEBACK = "chargeback"
    OVERDRAWN = "overdrawn"
    REFUND_RETURNED = "refund_returned"
    MOVE = "move"
    UNKNOWN_OBJECT = "unknown_object"
    UNRESOLVED = "unresolved"
    FOREIGN_OBJECT = "foreign_object"
    FULFILMENT = "fulfilment"
    STOCK = "stock"


P = PaymentStatus
O = OrderStatus  # noqa: E741  (read beside P and F in the tables below)
F = FulfilmentStatus
M = MoveStatus

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
    CaseKind.LATE_MONEY: "Money arrived after the order or the payment had ended. Either deliver (press Deliver: the "
    "order goes on as if it had come in time), or send it back: refund what was captured, void what is authorized. "
    "The case closes itself when no money is left.",
    CaseKind.MISMATCH: "The provider names another amount or currency than the order, or money that was there is "
    "gone. Compare both; do not deliver before the money is right. Then accept the amount that is there, or refund "
    "what was observed; when nothing is left, write the payment off.",
    CaseKind.SURPLUS: "There is more money than the order costs: a second payment, or one that was started before "
    "the order became cheaper. Refund what is too much (or void it), or close the case if it may be kept.",
    CaseKind.UNSETTLED: "There is money, but it does not settle the order. Compare the order's total with the "
    "payment; accept what is there to deliver, or refund it.",
    CaseKind.AUTHORIZATION_LOST: "The authorization fell away before it was captured. Close the case to let the "
    "customer pay again.",
    CaseKind.AUTHORIZATION_ENDING: "The authorization will run out soon, and then the money is gone. Capture it now, "
    "or void it.",
    CaseKind.CHARGEBACK: "The customer's bank took money back. Answer the dispute in the provider's dashboard. The "
    "case closes itself when the dispute is won; close it by hand when it is lost for good.",
    CaseKind.OVERDRAWN: "More was refunded or charged back than was captured. Compare with the provider's statement, "
    "settle it there, then close the case.",
    CaseKind.REFUND_RETURNED: "A refund that had been made came back: the customer does not have the money. Refund "
    "again in another way, or close the case when he has been paid otherwise.",
    CaseKind.MOVE: "A capture, void or refund was refused, or nobody knows whether it took place. Look it up in the "
    "provider's dashboard; then confirm or refute it, ask for it again, or close the case.",
    CaseKind.UNKNOWN_OBJECT: "The provider no longer knows this payment. Look it up in the provider's dashboard, "
    "then close the case.",
    CaseKind.UNRESOLVED: "The provider gave no final or no readable answer. Look the payment up in its dashboard.",
    CaseKind.FOREIGN_OBJECT: "A notification named a payment that is not ours. If it repeats, check the webhook "
    "address and the API key; then close the case.",
    CaseKind.FULFILMENT: "A fulfilment step was given up. Read its error, mend the cause, then retry it.",
    CaseKind.STOCK: "The shop's code could not release what it had reserved for an order that ended. Mend the cause; "
    "the next sweep tries again.",
}
"""What a person should do next, in plain words."""

CLOSABLE = frozenset(CaseKind) - {CaseKind.LATE_MONEY, CaseKind.MISMATCH, CaseKind.FULFILMENT, CaseKind.STOCK}
"""Kinds that a person may close by saying so; the others end when their question is answered."""
