"""Chapter five: the order is paid, the shop delivers.

A local handler runs inside one transaction together with its "done" mark: both or neither. An external one runs
outside of any transaction, with a stable key; between its call and its mark a crash repeats the call with the
same key. Retries are by the schedule in the rows.
"""

from __future__ import annotations

import math
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils.module_loading import import_string

from .. import checkpoints, clock, conf, metrics, redaction
from ..exceptions import GiveUp, RetryLater
from ..models import Fulfilment, Payment, get_order_model
from ..states import CaseKind, FulfilmentEvent, FulfilmentStatus, OrderStatus, next_fulfilment
from .books import is_ready, may_run
from .policy import capture_on_fulfilment
from .results import Result
from .rows import (
    Change,
    close_case,
    locked_fulfilment,
    locked_payments,
    open_case,
    save_fulfilment,
    save_order,
    short_transaction,
)

__all__ = ["complete", "fulfil"]

E = FulfilmentEvent
_LONGEST_PAUSE = 30 * 86400
_JITTER = random.SystemRandom()


@dataclass(frozen=True, kw_only=True)
class _Job:
    """A fulfilment that is ours to run."""

    id: int
    order_id: int
    handler: str
    key: str
    attempt: int
    token: str


def fulfil(*, fulfilment_id: int) -> Result:
    """Run one fulfilment if it is due and its order is ready. A handler's error never leaves this function."""
    change = Change(source="fulfilment", now=clock.now())
    job = short_transaction(change, lambda: _claim(change, fulfilment_id))
    wakes = tuple(change.wakes)
    if job is None:
        return Result(wakes=wakes)
    checkpoints.reached("fulfil.claimed")
    handler = conf.get().fulfilment.get(job.handler)
    if handler is None:
        return _failed(job, GiveUp(f"PAYFLOW['FULFILMENT'] has no handler {job.handler!r}"))
    try:
        function = import_string(handler.path)
        return _run_external(job, function) if handler.external else _run_local(job, function)
    except Exception as error:  # noqa: BLE001  (whatever the shop's handler raises is recorded and retried)
        return _failed(job, error)


# --- claim


def _claim(change: Change, fulfilment_id: int) -> _Job | None:
    order_id = Fulfilment.objects.values_list("order_id", flat=True).get(pk=fulfilment_id)
    order, row = locked_fulfilment(order_id, fulfilment_id)
    _wake_up(change, row)
    if FulfilmentStatus(row.status) is not FulfilmentStatus.DUE:
        return None
    payments = list(Payment.objects.filter(order_id=order_id))
    ready = is_ready(order, payments) and may_run(order, payments, row.handler)
    target = next_fulfilment(FulfilmentStatus.DUE, E.CLAIM, order_ready=ready)
    if target is FulfilmentStatus.BLOCKED:
        save_fulfilment(change, row, target)
        return None
    token = str(uuid.uuid4())
    lease = {"lease_token": token, "lease_until": change.now + conf.get().lease, "attempts": row.attempts + 1}
    save_fulfilment(change, row, target, **lease)
    return _Job(id=row.pk, order_id=order_id, handler=row.handler, key=row.key, attempt=row.attempts, token=token)


def _wake_up(change: Change, row: Fulfilment) -> None:
    """Bring back a row whose worker died, and one whose waiting time is over."""
    if row.status == FulfilmentStatus.RUNNING and row.lease_until is not None and row.lease_until <= change.now:
        # The first repeat is due at once; one whose workers keep dying waits by the schedule, and ends with it.
        pauses = conf.get().fulfilment_retry_seconds
        spent = row.attempts > len(pauses)
        pause = timedelta(seconds=pauses[row.attempts - 1] if row.repeated and not spent else 0)
        values = {
            "repeated": row.repeated + 1,
            "due_at": row.lease_until + pause,
            "lease_token": "",
            "lease_until": None,
        }
        save_fulfilment(change, row, next_fulfilment(FulfilmentStatus.RUNNING, E.LEASE_EXPIRED), **values)
        metrics.count("fulfilment_repeated", handler=row.handler)
        if spent:
            words = "its worker died every time"
            save_fulfilment(change, row, next_fulfilment(FulfilmentStatus.RETRY_WAIT, E.EXHAUSTED), error=words)
            _open_given_up(change, row, words)
            return
    if row.status == FulfilmentStatus.RETRY_WAIT and row.due_at <= change.now:
        save_fulfilment(change, row, next_fulfilment(FulfilmentStatus.RETRY_WAIT, E.WAKE))


# --- run


def _run_local(job: _Job, function: Callable[..., Any]) -> Result:
    """Handler and mark commit together. The lock on the row keeps a second runner out until then."""
    change = Change(source="fulfilment", now=clock.now())

    def work() -> None:
        order, row = locked_fulfilment(job.order_id, job.id)
        if row.status != FulfilmentStatus.RUNNING or row.lease_token != job.token:
            return  # another worker took over; its handler and mark count
        function(order, key=job.key, attempt=job.attempt)
        checkpoints.reached("fulfil.handled")
        _mark_done(change, order, row)

    short_transaction(change, work)
    checkpoints.reached("fulfil.committed")
    return Result(wakes=tuple(change.wakes))


def _run_external(job: _Job, function: Callable[..., Any]) -> Result:
    function(get_order_model()._default_manager.get(pk=job.order_id), key=job.key, attempt=job.attempt)
    checkpoints.reached("fulfil.handled")
    change = Change(source="fulfilment", now=clock.now())
    short_transaction(change, lambda: _mark_done(change, *locked_fulfilment(job.order_id, job.id)))
    checkpoints.reached("fulfil.committed")
    return Result(wakes=tuple(change.wakes))


# --- end


def _mark_done(change: Change, order: Any, row: Fulfilment) -> None:
    """The handler returned. A late "ok" of a worker whose lease ran out counts as well."""
    target = next_fulfilment(FulfilmentStatus(row.status), E.OK)
    if target is FulfilmentStatus.DONE and row.status != target:
        values = {"done_at": change.now, "error": "", "lease_token": "", "lease_until": None}
        save_fulfilment(change, row, target, **values)
        close_case(change, CaseKind.FULFILMENT, f"fulfilment:{row.pk}", "the handler succeeded")
    _complete_if_done(change, order)


def _complete_if_done(change: Change, order: Any) -> None:
    """An order is completed when every required handler is done; without any, the shop's people complete it."""
    if OrderStatus(order.status) is not OrderStatus.PROCESSING:
        return
    newest: dict[str, Fulfilment] = {}
    for row in Fulfilment.objects.filter(order_id=order.pk, required=True).order_by("generation"):
        newest[row.handler] = row
    if newest and all(row.status == FulfilmentStatus.DONE for row in newest.values()):
        complete(change, order)


def complete(change: Change, order: Any) -> None:
    """Say that the shop did what it had to, and capture what waited for that."""
    save_order(change, order, OrderStatus.COMPLETED)
    capture_on_fulfilment(change, order, locked_payments(order.pk))


def _failed(job: _Job, error: Exception) -> Result:
    """Wait and try again by the schedule, or park the row with a case."""
    change = Change(source="fulfilment", now=clock.now())
    short_transaction(change, lambda: _record_failure(change, job, error))
    return Result(wakes=tuple(change.wakes))


def _open_given_up(change: Change, row: Fulfilment, words: str) -> None:
    detail = f"{row.handler} was given up after {row.attempts} attempts: {words}"
    open_case(change, CaseKind.FULFILMENT, detail, order_id=row.order_id, subject=f"fulfilment:{row.pk}")


def _wished(seconds: object, usual: float) -> float:
    """Return the pause a handler asked for, if it is one: up to thirty days."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not math.isfinite(seconds):
        return usual
    return min(max(seconds, 0), _LONGEST_PAUSE)


def _record_failure(change: Change, job: _Job, error: Exception) -> None:
    _, row = locked_fulfilment(job.order_id, job.id)
    if row.lease_token != job.token or row.status != FulfilmentStatus.RUNNING:
        return  # another worker took over: its outcome counts
    words = redaction.scrub(f"{type(error).__name__}: {error}")[:500]
    metrics.count("fulfilment_failures", handler=row.handler)
    redaction.logger().warning("fulfilment %s attempt %d: %s", row.handler, row.attempts, words)
    values: dict[str, Any] = {"error": words, "lease_token": "", "lease_until": None}
    pauses = conf.get().fulfilment_retry_seconds
    final = isinstance(error, GiveUp) or row.attempts > len(pauses)
    if final:
        save_fulfilment(change, row, next_fulfilment(FulfilmentStatus.RUNNING, E.FINAL_ERROR), **values)
        _open_given_up(change, row, words)
        return
    pause = pauses[row.attempts - 1]
    if isinstance(error, RetryLater):
        pause = _wished(error.seconds, pause)
    values["due_at"] = change.now + timedelta(seconds=pause * _JITTER.uniform(1.0, 1.1))
    save_fulfilment(change, row, next_fulfilment(FulfilmentStatus.RUNNING, E.RETRYABLE_ERROR), **values)
