"""Words of the control API for what buyer or bank did, and what each does to a payment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from django_payflow.simulators.host import Json, Refusal
from django_payflow.simulators.resurs import books
from django_payflow.simulators.resurs.ledger import OPEN, REASONS, STATUSES, Ledger
from django_payflow.simulators.resurs.movements import Movements


class Target(NamedTuple):
    """``completed`` as in tasks/status: whether the buyer did his part."""

    status: str
    reason: str | None = None
    completed: bool = True


_DENIED, _GIVEN_UP = Target("REJECTED", "CREDIT_DENIED"), Target("REJECTED", "ABORTED_BY_CUSTOMER", False)
_TIMED_OUT, _WAITING = Target("REJECTED", "TIMEOUT", False), Target(OPEN, None, False)
#: What buyers leave undone, so that tasks/status says completed=false (GUESS for the last two).
_UNFINISHED = ("TIMEOUT", "ABORTED_BY_CUSTOMER", "CANCELED", "UNKNOWN")
_NATIVE = {status: Target(status, None, status != OPEN) for status in STATUSES} | {"REJECTED": _DENIED}
_REASONS = {reason.lower(): Target("REJECTED", reason, reason not in _UNFINISHED) for reason in REASONS}
_TARGETS: Mapping[str, Target] = {
    "authorized": Target("ACCEPTED"),
    "held": Target("FROZEN"),
    "frozen": Target("FROZEN"),
    "inspection": Target("INSPECTION"),
    "supplementing": Target("SUPPLEMENTING_REQUIRED"),
    "failed": _DENIED,
    "rejected": _DENIED,
    "denied": _DENIED,
    "expired": _TIMED_OUT,
    "open": _WAITING,
    "declined": _WAITING,
    **_REASONS,
    "canceled": _GIVEN_UP,
    **_NATIVE,
}
#: Those that are more than a change of status; see ``apply``.
_SPECIAL = ("paid", "captured", "processing")
WORDS = (*_SPECIAL, *_TARGETS)


def apply(payment: Json, word: str, movements: Movements, *, webhook: bool) -> None:
    """Raises ``Refusal`` for an unknown word. ``declined``: this try failed, the page stays open."""
    ledger = movements.ledger
    authorized = books.sums_of(payment).authorized
    if word in ("paid", "captured"):
        _pay(payment, movements, authorized, webhook)
    elif word == "processing":
        ledger.leave_undecided(payment)
    elif word == "canceled" and authorized:
        movements.cancel(payment, None, {}, webhook=webhook)
    elif word == "declined" and payment["status"] == OPEN:
        return
    elif word in _TARGETS:
        _move(payment, _TARGETS[word], ledger, webhook)
    else:
        raise Refusal(f"status must be one of: {', '.join(WORDS)}")


def _pay(payment: Json, movements: Movements, authorized: int, webhook: bool) -> None:
    """Captures what is reserved; what is not approved yet is approved and captured in one."""
    if authorized:
        movements.capture(payment, None, {}, webhook=webhook)
        return
    movements.ledger.revive(payment)
    movements.ledger.move(payment, "ACCEPTED", completed=True, webhook=webhook, capture=True)


def _move(payment: Json, target: Target, ledger: Ledger, webhook: bool) -> None:
    if target.status == "ACCEPTED":
        ledger.revive(payment)
    ledger.move(payment, target.status, reason=target.reason, completed=target.completed, webhook=webhook)
