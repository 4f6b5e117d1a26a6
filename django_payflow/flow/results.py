"""What a flow function returns, and the wakes that it carries.

The flow never imports the tasks. It says who should be woken; the caller (a view, a task, a command) hands the
result to ``tasks.wake``. Code that forgets it pays one sweep interval, nothing else: due times are in the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..states import MoveStatus

__all__ = ["Arrival", "Confirmed", "Moved", "Received", "Result", "Started", "Swept", "Wake", "WakeKind"]

WakeKind = Literal["delivery", "payment", "move", "fulfilment", "order"]


@dataclass(frozen=True)
class Wake:
    """A row that is due now."""

    kind: WakeKind
    id: int


@dataclass(frozen=True, kw_only=True)
class Result:
    """Nothing to say but whom to wake."""

    wakes: tuple[Wake, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Started(Result):
    """A checkout began, or an offer was found again."""

    payment_id: int
    url: str
    """Where to send the buyer with a 303: the hosted page; the waiting page while its address is not known."""


@dataclass(frozen=True, kw_only=True)
class Received(Result):
    """A webhook delivery was judged."""

    status: int
    """The HTTP status to answer."""
    reason: str
    """A word for log and counters."""


@dataclass(frozen=True, kw_only=True)
class Confirmed(Result):
    """The provider was asked, or not."""

    outcome: Literal["applied", "stale", "refused", "trouble", "busy", "gone"]
    """``busy``: another worker asks right now, and will look again afterwards."""
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Moved(Result):
    """A capture, void or refund was asked for, or looked up."""

    move_id: int
    status: MoveStatus
    """``submitting``: the provider's answer is not known yet, and is found out without anybody's help."""
    detail: str = ""
    """Why it was refused, or what is not clear."""


@dataclass(frozen=True, kw_only=True)
class Arrival(Result):
    """What the returning buyer should see."""

    standing: Literal["secured", "open", "dead", "review"]
    payment_id: int
    order_id: int
    url: str = ""
    """Where to go on: the shop's page when secured, the hosted page while the buyer can still pay there."""
    go_on: bool = False
    """The hosted page became known just now, so the buyer has never seen it: send him there at once."""


@dataclass(frozen=True, kw_only=True)
class Swept(Result):
    """What a sweep found due."""

    deliveries: int = 0
    payments: int = 0
    moves: int = 0
    fulfilments: int = 0
    expired_orders: int = 0
