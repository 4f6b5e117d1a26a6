"""The one gate through which every provider call passes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import connections, transaction

from .. import metrics, redaction
from ..exceptions import InsideTransaction, ProviderError

__all__ = ["CallNote", "call", "outside_of_transactions", "refuse_inside_transaction"]

T = TypeVar("T")
V = TypeVar("V", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class CallNote:
    """What the record keeps of a provider call."""

    operation: str
    outcome: str
    code: str = ""
    milliseconds: int = 0
    message: str = ""


def refuse_inside_transaction() -> None:
    """Raise ``InsideTransaction`` if any database transaction is open; a test case's own block does not count."""
    for connection in connections.all(initialized_only=True):
        if any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks):
            raise InsideTransaction(
                "a payment provider is about to be asked while a database transaction is open. "
                "Call the flow outside of atomic(); with ATOMIC_REQUESTS, mark your view with "
                "@transaction.non_atomic_requests."
            )


def outside_of_transactions(view: V) -> V:
    """Let a view ask a provider: no database wraps it in a transaction, whatever ``ATOMIC_REQUESTS`` says."""
    for alias in connections:
        view = transaction.non_atomic_requests(alias)(view)
    return view


def call(account: str, operation: str, ask: Callable[[], T]) -> tuple[T | ProviderError, CallNote]:
    """Make a provider call and say how it went. A ``ProviderError`` is returned, everything else is raised."""
    refuse_inside_transaction()
    began = time.monotonic()
    answer: T | ProviderError
    try:
        answer = ask()
    except ProviderError as bad_end:
        answer = bad_end
    spent = int((time.monotonic() - began) * 1000)
    error = answer if isinstance(answer, ProviderError) else None
    note = CallNote(
        operation=operation,
        outcome=error.outcome if error else "ok",
        code=error.code if error else "",
        milliseconds=spent,
        message=redaction.scrub(str(error))[:200] if error else "",
    )
    metrics.count("provider_calls", account=account, operation=operation, outcome=note.outcome)
    redaction.logger().log(
        logging.WARNING if error else logging.INFO,
        "provider call account=%s operation=%s outcome=%s code=%s ms=%d %s",
        account,
        operation,
        note.outcome,
        note.code,
        spent,
        note.message,
    )
    return answer, note
