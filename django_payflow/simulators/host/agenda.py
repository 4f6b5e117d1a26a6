"""What happens by itself when simulated time passes: timers of the simulators, and the thread that runs them."""

from __future__ import annotations

import heapq
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from django_payflow.simulators.host.store import Store

OnTimer = Callable[[str, str, str, float], None]

log = logging.getLogger("django_payflow.simulators")


class DueHeap:
    """Keys ordered by due time. Moving or dropping a key leaves a stale heap entry, skipped when it surfaces."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, str]] = []
        self._due: dict[str, float] = {}

    def set(self, key: str, due: float) -> None:
        self._due[key] = due
        heapq.heappush(self._heap, (due, key))

    def drop(self, key: str) -> None:
        self._due.pop(key, None)

    def clear(self) -> None:
        self._heap.clear()
        self._due.clear()

    def next_due(self) -> float | None:
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: float) -> str | None:
        """The key that is longest due, taken out; None when nothing is due."""
        due = self.next_due()
        if due is None or due > now:
            return None
        key = heapq.heappop(self._heap)[1]
        del self._due[key]
        return key


class Source(Protocol):
    """Something the ticker serves. Both methods are called with the store's lock free."""

    def run_due(self, now: float) -> None: ...

    def next_due(self) -> float | None: ...


class Timers:
    """Jobs of the simulators, kept in the store: an expiry, a refund that reaches the bank, a late answer."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._heap = DueHeap()
        self.on_timer: OnTimer | None = None
        self.wake: Callable[[], None] = lambda: None
        for timer in store.find("timers"):
            self._heap.set(timer["key"], timer["due"])

    def set(self, provider: str, job: str, subject: str, due: float) -> None:
        """One timer per provider, job and subject; setting it again moves it."""
        key = f"{provider}:{job}:{subject}"
        timer = {"key": key, "provider": provider, "job": job, "subject": subject, "due": due}
        with self._store.change():
            self._store.put("timers", key, timer)
            self._heap.set(key, due)
        self.wake()

    def cancel(self, provider: str, job: str, subject: str) -> None:
        key = f"{provider}:{job}:{subject}"
        with self._store.change():
            self._store.delete("timers", key)
            self._heap.drop(key)

    def clear(self) -> None:
        with self._store.lock:
            self._heap.clear()

    def next_due(self) -> float | None:
        with self._store.lock:
            return self._heap.next_due()

    def run_due(self, now: float) -> None:
        """Each timer runs in one change with its own removal: after a crash it is either done or still set."""
        while True:
            with self._store.change():
                key = self._heap.pop_due(now)
                if key is None:
                    return
                timer = self._store.get("timers", key)
                if timer is None or self.on_timer is None:
                    continue
                self._store.delete("timers", key)
                self.on_timer(timer["provider"], timer["job"], timer["subject"], timer["due"])


class Ticker:
    """One thread that sleeps until the next thing is due; ``wake`` makes it look at once."""

    def __init__(self, now: Callable[[], float], sources: Sequence[Source]) -> None:
        self._now = now
        self._sources = sources
        self._bell = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="simulators-ticker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        self._bell.set()

    def close(self) -> None:
        self._closing = True
        self._bell.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._closing:
            for source in self._sources:
                self._run_source(source)
            self._bell.wait(self._seconds_to_next())
            self._bell.clear()

    def _run_source(self, source: Source) -> None:
        try:
            source.run_due(self._now())
        except Exception:  # one broken timer must not stop the clock for all the others
            if not self._closing:
                log.exception("a timer failed; it is skipped until the next start")

    def _seconds_to_next(self) -> float | None:
        moments = [due for source in self._sources if (due := source.next_due()) is not None]
        if not moments:
            return None
        # Never longer than a minute: real time may be set back under us.
        return min(max(min(moments) - self._now(), 0.0), 60.0)
