"""The only writer: locks in one order, conditional updates, events and cases.

Lock order: order -> payments by id -> moves by id -> fulfilments by id -> account. Rows are read again under the
lock, decided on, and written where status and version are still those decided from; that condition also carries
SQLite, which has no row locks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from django.db import OperationalError, connections, models, router, transaction

from .. import clock, metrics, redaction, signals
from ..models import FACT_COLUMNS, AccountLock, Case, Fulfilment, Move, Payment, PaymentEvent, get_order_model
from ..states import CaseKind, Facts, FulfilmentStatus, MoveStatus, OrderStatus
from .results import Wake

__all__ = [
    "Change",
    "ChangedMeanwhile",
    "close_case",
    "close_cases",
    "keep_move",
    "lock_account",
    "locked_fulfilment",
    "locked_fulfilments",
    "locked_move",
    "locked_moves",
    "locked_order",
    "locked_payment",
    "locked_payments",
    "note",
    "open_case",
    "save_facts",
    "save_fulfilment",
    "save_move",
    "save_order",
    "short_transaction",
]

Q = TypeVar("Q", bound="models.QuerySet[Any]")
T = TypeVar("T")
_TRIES = 6
_OVER = frozenset({OrderStatus.COMPLETED, OrderStatus.CANCELED, OrderStatus.EXPIRED})


class ChangedMeanwhile(Exception):
    """A conditional update met another status or version: read again, decide again."""


@dataclass
class Change:
    """What one transaction did, for after its commit: signals to send, rows to wake."""

    source: str
    now: datetime
    actor: str = ""
    wakes: list[Wake] = field(default_factory=list)
    announcements: list[tuple[Any, Any, dict[str, Any]]] = field(default_factory=list)

    @classmethod
    def asked_by(cls, actor: str) -> Change:
        """Begin a change that a person, or the shop's own code, asks for now."""
        return cls(source="operator" if actor else "shop", now=clock.now(), actor=actor)

    def wake(self, kind: Any, pk: int) -> None:
        """Ask for a row to be woken after the commit."""
        if Wake(kind, pk) not in self.wakes:
            self.wakes.append(Wake(kind, pk))

    def announce(self, signal: Any, sender: Any, **values: Any) -> None:
        """Send a signal after the commit."""
        self.announcements.append((signal, sender, values))

    def send_signals(self) -> None:
        """Send what was announced; a receiver's error is logged, never raised into the flow."""
        for signal, sender, values in self.announcements:
            for receiver, outcome in signal.send_robust(sender, **values):
                if isinstance(outcome, Exception):
                    redaction.logger().error("signal receiver %r failed: %s", receiver, type(outcome).__name__)
        self.announcements.clear()


def short_transaction(change: Change, work: Callable[[], T]) -> T:
    """Run ``work`` in one durable transaction, again from the start if rows changed meanwhile; then signal.

    A deadlock or a serialization failure that the database reports is such a change.
    """
    alias = router.db_for_write(Payment)
    for turn in range(_TRIES):
        change.wakes.clear()
        change.announcements.clear()
        try:
            with transaction.atomic(using=alias, durable=True):
                result = work()
            break
        except (ChangedMeanwhile, OperationalError):
            if turn == _TRIES - 1 or connections[alias].in_atomic_block:
                raise
            metrics.count("transaction_retries", source=change.source)
    change.send_signals()
    return result


def _lock(rows: Q) -> Q:
    alias = rows.db if rows.db != "default" else router.db_for_write(Payment)
    weak = connections[alias].features.has_select_for_no_key_update
    return rows.using(alias).select_for_update(no_key=weak)


def locked_order(order_id: int) -> Any:
    """Lock an order and return it as it is now."""
    return _lock(get_order_model()._default_manager.filter(pk=order_id)).get()


def locked_payments(order_id: int) -> list[Payment]:
    """Lock every payment of an order, by id. Only under the order's lock."""
    return list(_lock(Payment.objects.filter(order_id=order_id)).order_by("pk"))


def locked_payment(payment_id: int) -> tuple[Any, list[Payment], Payment]:
    """Lock the order of a payment and all its payments; return them, and the one that is meant."""
    order_id = Payment.objects.values_list("order_id", flat=True).get(pk=payment_id)
    order, payments = locked_order(order_id), locked_payments(order_id)
    return order, payments, next(payment for payment in payments if payment.pk == payment_id)


def locked_move(move_id: int) -> tuple[Any, list[Payment], Payment, Move]:
    """Lock the order of a move, all its payments and the moves of one; return them, and the one that is meant."""
    order, payments, payment = locked_payment(Move.objects.values_list("payment_id", flat=True).get(pk=move_id))
    return order, payments, payment, next(row for row in locked_moves(payment.pk) if row.pk == move_id)


def locked_moves(payment_id: int) -> list[Move]:
    """Lock every capture, void, refund and dispute of a payment, by id. Only under the order's lock."""
    return list(_lock(Move.objects.filter(payment_id=payment_id)).order_by("pk"))


def locked_fulfilments(order_id: int) -> list[Fulfilment]:
    """Lock every fulfilment of an order, by id. Only under the order's lock."""
    return list(_lock(Fulfilment.objects.filter(order_id=order_id)).order_by("pk"))


def locked_fulfilment(order_id: int, fulfilment_id: int) -> tuple[Any, Fulfilment]:
    """Lock an order and its fulfilments, and return the order and the one that is meant."""
    order = locked_order(order_id)
    return order, next(row for row in locked_fulfilments(order_id) if row.pk == fulfilment_id)


def lock_account(alias: str) -> None:
    """Lock a provider account's row until the end of the transaction. Nothing else may be locked after it."""
    AccountLock.objects.get_or_create(account=alias)
    _lock(AccountLock.objects.filter(account=alias)).get()


# --- conditional writes


def save_facts(
    change: Change, payment: Payment, facts: Facts, *, quiet: dict[str, Any] | None = None, **columns: Any
) -> bool:
    """Write new facts and other changed columns of a payment; one more ``version`` if anything changed.

    ``quiet`` columns (lease, next check) are bookkeeping: written along, without counting as a change.
    Returns whether anything but bookkeeping changed.
    """
    old_status, old_version = payment.status, payment.version
    changed = _assign(payment, {**{name: getattr(facts, name) for name in FACT_COLUMNS}, **columns})
    if facts.status != old_status:
        payment.move_to(facts.status)
        changed["status"] = payment.status
    if changed:
        payment.version = changed["version"] = old_version + 1
    written = {**changed, **_assign(payment, quiet or {})}
    fitting = Payment.objects.filter(pk=payment.pk, status=old_status, version=old_version)
    if written and not fitting.update(**written):
        raise ChangedMeanwhile
    if "status" in changed:
        _status_changed(change, payment.order_id, payment, "payment", old_status, payment.status)
        values = {"payment_id": payment.pk, "old": old_status, "new": payment.status}
        change.announce(signals.payment_changed, Payment, **values)
    return bool(changed)


def _fit(row: Any, name: str, value: Any) -> Any:
    """Cut a provider's word to its column: recording a fact must never fail, least of all for its length."""
    if not isinstance(value, str):
        return value
    return value.replace("\x00", "")[: getattr(row._meta.get_field(name), "max_length", None)]


def _assign(row: Any, values: dict[str, Any]) -> dict[str, Any]:
    """Set attributes and return those that differed, as the database wants them."""
    fitting = {name: _fit(row, name, getattr(value, "value", value)) for name, value in values.items()}
    changed = {name: value for name, value in fitting.items() if getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    return changed


def save_order(change: Change, order: Any, status: OrderStatus, **columns: Any) -> None:
    """Move an order and write other changed columns."""
    old = order.status
    if status in _OVER:  # no provider will need it again
        columns["payment_details"] = {}
    changed = _assign(order, columns)
    if status != old:
        order.move_to(status)
        changed["status"] = order.status
    if not changed:
        return
    model = type(order)
    if not model._default_manager.filter(pk=order.pk, status=old).update(**changed):
        raise ChangedMeanwhile
    if "status" in changed:
        _status_changed(change, order.pk, None, "order", old, order.status)
        change.announce(signals.order_changed, model, order_id=order.pk, old=old, new=order.status)


def save_fulfilment(change: Change, row: Fulfilment, status: FulfilmentStatus, **columns: Any) -> None:
    """Move a fulfilment and write other changed columns."""
    old, old_lease = row.status, row.lease_token
    changed = _assign(row, columns)
    if status != old:
        row.move_to(status)
        changed["status"] = row.status
    if changed and not Fulfilment.objects.filter(pk=row.pk, status=old, lease_token=old_lease).update(**changed):
        raise ChangedMeanwhile
    if "status" in changed:
        summary = f"{row.handler}: {old} -> {row.status}"
        note(change, row.order_id, None, PaymentEvent.Kind.FULFILMENT, summary, {"error": row.error})


def keep_move(change: Change, payment: Payment, row: Move, **columns: Any) -> None:
    """Write columns of a capture, void or refund whose status stays."""
    save_move(change, payment, row, MoveStatus(row.status), **columns)


def save_move(change: Change, payment: Payment, row: Move, status: MoveStatus, **columns: Any) -> None:
    """Move a capture, void or refund and write other changed columns."""
    old, old_lease = row.status, row.lease_token
    changed = _assign(row, columns)
    if status != old:
        row.move_to(status)
        changed["status"] = row.status
    if changed and not Move.objects.filter(pk=row.pk, status=old, lease_token=old_lease).update(**changed):
        raise ChangedMeanwhile
    if "status" not in changed:
        return
    summary = f"{row}: {old} -> {row.status}"
    data = {"from": old, "to": row.status, "amount": row.amount, "currency": row.currency, "error": row.error}
    note(change, payment.order_id, payment, PaymentEvent.Kind.MOVE, summary, {**data, "key": row.key})
    metrics.count("moves", kind=row.kind, source=change.source, to=row.status)
    redaction.logger().info("payment %s %s: %s -> %s (%s)", payment, row, old, row.status, change.source)
    values = {"move_id": row.pk, "payment_id": payment.pk, "kind": row.kind, "old": old, "new": row.status}
    change.announce(signals.move_changed, Move, **values)


# --- the record


def note(
    change: Change,
    order_id: int,
    payment: Payment | None,
    kind: str,
    summary: str,
    data: dict[str, Any] | None = None,
) -> None:
    """Append an event; secrets and personal data are removed here, whoever wrote the summary."""
    PaymentEvent.objects.create(
        order_id=order_id,
        payment=payment,
        kind=kind,
        source=change.source,
        actor=change.actor[:150],
        summary=redaction.scrub(summary)[:300],
        data=redaction.scrub_json(data or {}),
        at=change.now,
    )


def _status_changed(change: Change, order_id: int, payment: Payment | None, what: str, old: str, new: str) -> None:
    note(change, order_id, payment, PaymentEvent.Kind.TRANSITION, f"{what}: {old} -> {new}", {"from": old, "to": new})
    metrics.count("transitions", model=what, source=change.source, to=new)
    redaction.logger().info("%s %s: %s -> %s (%s)", what, payment or order_id, old, new, change.source)


# --- cases


def open_case(
    change: Change,
    kind: CaseKind,
    detail: str,
    *,
    payment: Payment | None = None,
    order_id: int | None = None,
    subject: str = "",
) -> Case:
    """Open a case, or count it once more while it is open. One is open per kind and subject."""
    subject = subject or (f"payment:{payment.pk}" if payment else f"order:{order_id}")
    detail = redaction.scrub(detail)[:500]
    values = {"kind": kind.value, "payment": payment, "order_id": payment.order_id if payment else order_id}
    case, new = Case.objects.get_or_create(
        open_key=f"{kind.value}:{subject}",
        defaults={**values, "detail": detail, "opened_at": change.now},
    )
    if new:
        metrics.count("cases", kind=kind.value)
        redaction.logger().warning("case opened: %s (%s) %s", kind.value, subject, detail)
        change.announce(signals.case_opened, Case, case_id=case.pk, kind=kind.value)
    elif case.detail != detail:
        Case.objects.filter(pk=case.pk).update(times=case.times + 1, detail=detail)
    return case


def close_cases(change: Change, kinds: Iterable[CaseKind], payment: Payment, resolution: str) -> int:
    """Close what the facts resolved."""
    return _close(change, [f"{kind.value}:payment:{payment.pk}" for kind in kinds], resolution)


def close_case(change: Change, kind: CaseKind, subject: str, resolution: str) -> int:
    """Close the case about a subject that is not a payment."""
    return _close(change, [f"{kind.value}:{subject}"], resolution)


def _close(change: Change, keys: list[str], resolution: str) -> int:
    return Case.objects.filter(open_key__in=keys).update(
        closed_at=change.now,
        open_key=None,
        resolution=redaction.scrub(resolution)[:300],
        resolved_by=change.actor[:150],
    )
