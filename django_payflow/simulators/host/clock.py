"""The simulated clock: real time plus an offset that can be moved. Everything that lasts asks this clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from django_payflow.simulators.host.store import Store


class Clock:
    """Seconds since the epoch inside, aware UTC datetimes outside; the offset survives a restart.

    Signatures are made at ``signing_time``: a shop whose own clock was not moved along would refuse tomorrow's.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._watchers: list[Callable[[], None]] = []
        remembered = store.get("host", "clock") or {}
        self._offset = float(remembered.get("offset", 0))
        self._shared = float(remembered.get("shared", 0))

    @property
    def offset(self) -> float:
        return self._offset

    def timestamp(self) -> float:
        return time.time() + self._offset

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.timestamp(), UTC)

    def iso(self) -> str:
        return iso(self.timestamp())

    def signing_time(self) -> float:
        """The time as the shops have it: moved only by moves that they shared."""
        return time.time() + self._shared

    def set_offset(self, offset: float, *, shared: bool = False) -> None:
        """``shared``: the shops' clocks are moved by as much."""
        datetime.fromtimestamp(time.time() + offset, UTC)  # refuses years no calendar has
        self._shared += offset - self._offset if shared else 0
        self._offset = offset
        self._store.put("host", "clock", {"offset": offset, "shared": self._shared})
        for watcher in self._watchers:
            watcher()

    def restart(self) -> None:
        """Back to real time, for everybody."""
        self._shared = 0.0
        self.set_offset(0)

    def watch(self, watcher: Callable[[], None]) -> None:
        """``watcher`` is called after every move, so that what became due happens at once."""
        self._watchers.append(watcher)


def iso(timestamp: float) -> str:
    """ISO 8601 with whole seconds and an explicit offset."""
    return datetime.fromtimestamp(int(timestamp), UTC).isoformat()


def from_iso(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
