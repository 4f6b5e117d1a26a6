"""The simulated clock: real time plus an offset that can be moved. Everything that lasts asks this clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from django_payflow.simulators.host.store import Store


class Clock:
    """Seconds since the epoch inside, aware UTC datetimes outside; the offset survives a restart."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._watchers: list[Callable[[], None]] = []
        self._offset = float((store.get("host", "clock") or {"offset": 0})["offset"])

    @property
    def offset(self) -> float:
        return self._offset

    def timestamp(self) -> float:
        return time.time() + self._offset

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.timestamp(), UTC)

    def iso(self) -> str:
        return iso(self.timestamp())

    def set_offset(self, offset: float) -> None:
        datetime.fromtimestamp(time.time() + offset, UTC)  # refuses years no calendar has
        self._offset = offset
        self._store.put("host", "clock", {"offset": offset})
        for watcher in self._watchers:
            watcher()

    def advance(self, seconds: float) -> None:
        self.set_offset(self._offset + seconds)

    def watch(self, watcher: Callable[[], None]) -> None:
        """``watcher`` is called after every move, so that what became due happens at once."""
        self._watchers.append(watcher)


def iso(timestamp: float) -> str:
    """ISO 8601 with whole seconds and an explicit offset."""
    return datetime.fromtimestamp(int(timestamp), UTC).isoformat()


def from_iso(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
