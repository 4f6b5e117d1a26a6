"""A capture, void or refund that somebody asked for, or that the provider did on its own, as a table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ..exceptions import CommandRefused
from .words import M


class MoveEvent(StrEnum):
    """What can happen to a move. ``reply``: the answer to our call; ``seen``: what a report of the payment shows."""

    APPROVE = "approve"
    DENY = "deny"
    REPLY_PENDING = "reply pending"
    REPLY_DONE = "reply done"
    REPLY_REJECTED = "reply rejected"
    SEEN_PENDING = "seen pending"
    SEEN_SUCCEEDED = "seen succeeded"
    SEEN_FAILED = "seen failed"
    SEEN_CANCELED = "seen canceled"
    GONE = "gone from the list"
    CONFIRMED = "operator confirms"
    REFUTED = "operator refutes"


E = MoveEvent
_REFUSE, _STAY, _CASE = "refuse", ".", "!"

_ASKED: dict[M, str] = {
    #                approve     deny      pending   done        rejected
    M.REQUESTED: " submitting* canceled  .         .           .",
    M.MANUAL: "    refuse      canceled  .         .           .",
    M.SUBMITTING: "refuse      refuse    pending   succeeded   failed",
    M.PENDING: "   refuse      refuse    .         succeeded   .",
    M.SUCCEEDED: " refuse      refuse    .         .           .",
    M.FAILED: "    refuse      refuse    pending!  succeeded!  .",
    M.CANCELED: "  refuse      refuse    pending!  succeeded!  .",
    M.RETURNED: "  refuse      refuse    .         .           .",
}
_SEEN: dict[M, str] = {
    #                pending   succeeded   failed     canceled   gone      confirmed  refuted
    M.REQUESTED: " pending   succeeded   .          .          .         refuse     refuse",
    M.MANUAL: "    .         succeeded   .          .          .         succeeded  canceled",
    M.SUBMITTING: "pending   succeeded   failed     canceled   .         succeeded  failed",
    M.PENDING: "   .         succeeded   failed     canceled   canceled  succeeded  failed",
    M.SUCCEEDED: " .         .           returned!  returned!  .         refuse     refuse",
    M.FAILED: "    pending!  succeeded!  .          .          .         refuse     refuse",
    M.CANCELED: "  pending!  succeeded!  .          .          .         refuse     refuse",
    M.RETURNED: "  pending!  succeeded!  .          .          .         refuse     refuse",
}
MOVE_TABLE: dict[tuple[M, E], str] = {
    (state, event): word
    for state in M
    for event, word in zip(MoveEvent, [*_ASKED[state].split(), *_SEEN[state].split()], strict=True)
}
"""(status, event) -> new status, ``.`` (stays) or ``refuse``. ``*``: ``manual`` where the provider has no such call;
``!``: a person should look."""

MOVE_MOVES: dict[M, frozenset[M]] = {
    target: frozenset(
        state
        for (state, _), word in MOVE_TABLE.items()
        if word.rstrip("*!") == target.value or (word.endswith("*") and target is M.MANUAL)
    )
    for target in M
}

RESERVING = frozenset({M.REQUESTED, M.MANUAL, M.SUBMITTING, M.PENDING, M.SUCCEEDED})
"""Refunds in these states use up what may be refunded."""
UNDER_WAY = frozenset({M.REQUESTED, M.MANUAL, M.SUBMITTING, M.PENDING})
"""Asked for, and not at its end."""


@dataclass(frozen=True, kw_only=True)
class MoveStep:
    """What an event makes of a move."""

    status: M
    alarm: bool = False
    """Nobody expected that: a person should look."""


def next_move(state: M, event: E, *, manual: bool = False) -> MoveStep:
    """Return the step after an event. ``manual``: the provider has no call for this kind.

    Raises ``CommandRefused`` where the table says refuse.
    """
    word = MOVE_TABLE[state, event]
    if word == _REFUSE:
        raise CommandRefused(f"a move that is {state.value} cannot take '{event.value}'")
    if word == _STAY:
        return MoveStep(status=state)
    if word.endswith("*") and manual:
        return MoveStep(status=M.MANUAL)
    return MoveStep(status=M(word.rstrip("*!")), alarm=word.endswith(_CASE))
