"""A fulfilment: one handler's work for one order, as a table."""

from __future__ import annotations

from enum import StrEnum

from ..exceptions import CommandRefused
from .words import F


class FulfilmentEvent(StrEnum):
    """What can happen to a fulfilment row."""

    UNBLOCK = "unblock"
    BLOCK = "block"
    CLAIM = "claim"
    OK = "ok"
    RETRYABLE_ERROR = "retryable error"
    FINAL_ERROR = "final error"
    LEASE_EXPIRED = "lease expired"
    WAKE = "wake"
    EXHAUSTED = "exhausted"
    OPERATOR_RETRY = "operator retry"
    CANCEL = "cancel"


E = FulfilmentEvent
REFUSE = "refuse"
STAY = "."

_COLUMNS = tuple(FulfilmentEvent)
_ROWS: dict[F, str] = {
    #             unblock block  claim    ok   retryable  final  lease      wake exhausted operator cancel
    F.BLOCKED: "  due     .      refuse   done .          .      .          .    .         refuse   canceled",
    F.DUE: "      .       blocked running* done .         .      .          .    .         refuse   canceled",
    F.RUNNING: "  .       .      refuse   done retry_wait failed retry_wait .    .         refuse   refuse",
    F.RETRY_WAIT: ".      blocked refuse  done .          .      .          due  failed    refuse   canceled",
    F.DONE: "     .       .      refuse   .    .          .      .          .    .         refuse   refuse",
    F.FAILED: "   .       .      refuse   .    .          .      .          .    .         due*     canceled",
    F.CANCELED: " .       .      refuse   .    .          .      .          .    .         due*     refuse",
}
FULFILMENT_TABLE: dict[tuple[F, E], str] = {
    (state, event): word for state, row in _ROWS.items() for event, word in zip(_COLUMNS, row.split(), strict=True)
}
"""(status, event) -> new status, ``.`` (stays) or ``refuse``; ``*``: if the order is ready, else ``blocked``."""

FULFILMENT_MOVES: dict[F, frozenset[F]] = {
    target: frozenset(
        state
        for (state, _), word in FULFILMENT_TABLE.items()
        if word.rstrip("*") == target.value or (word.endswith("*") and target is F.BLOCKED)
    )
    for target in F
}

FULFILMENT_RETRY_SECONDS = (10, 60, 300, 900, 3600, 10800, 21600, 43200, 86400)
"""Waiting times before the second, third ... call of a handler that failed; after the last one it is given up."""


def next_fulfilment(state: F, event: E, *, order_ready: bool = True) -> F:
    """Return the status after an event. Raises ``CommandRefused`` where the table says refuse."""
    word = FULFILMENT_TABLE[state, event]
    if word == REFUSE:
        raise CommandRefused(f"a fulfilment that is {state.value} cannot take '{event.value}'")
    if word == STAY:
        return state
    if word.endswith("*") and not order_ready:
        return F.BLOCKED
    return F(word.rstrip("*"))
