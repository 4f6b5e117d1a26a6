"""One set of simulators without its faces: state, clock, threads, and what concerns all of them at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from django_payflow.simulators.host.agenda import Ticker, Timers
from django_payflow.simulators.host.calls import Calls
from django_payflow.simulators.host.clock import Clock
from django_payflow.simulators.host.delivery import Deliveries
from django_payflow.simulators.host.faults import Faults
from django_payflow.simulators.host.seam import Services, Simulator
from django_payflow.simulators.host.store import Store

Factory = Callable[[Services], Simulator]


class Core:
    """One set of simulators: what they share, and themselves by name."""

    def __init__(self, mounted: Mapping[str, Factory], state: Path | None) -> None:
        self.closing = threading.Event()
        self.store = Store(state)
        clock, faults = Clock(self.store), Faults(self.store)
        self.services = Services(
            store=self.store,
            clock=clock,
            timers=Timers(self.store),
            deliveries=Deliveries(self.store, clock, faults),
            faults=faults,
            calls=Calls(clock, faults),
        )
        self.simulators: dict[str, Simulator] = {}
        for name, factory in mounted.items():
            self._mount(name, factory(self.services))
        self._ticker = Ticker(clock.timestamp, [self.services.timers, self.services.deliveries])
        self._wire_up()

    def _mount(self, name: str, simulator: Simulator) -> None:
        self.simulators[name] = simulator
        self.services.faults.operations[name] = simulator.operations
        self.services.faults.extra_kinds[name] = simulator.webhook_faults
        self.services.deliveries.policies[name] = simulator.webhook_policy
        self.services.deliveries.signers[name] = simulator.sign

    def _wire_up(self) -> None:
        self.services.timers.on_timer = self._on_timer
        self.services.timers.wake = self._ticker.wake
        self.services.deliveries.wake = self._ticker.wake
        self.services.clock.watch(self._ticker.wake)

    def _on_timer(self, provider: str, job: str, subject: str, due: float) -> None:
        if provider in self.simulators:
            self.simulators[provider].on_timer(job, subject, due)

    def start(self) -> None:
        self._ticker.start()

    def idle(self) -> bool:
        """Nothing is due and nothing is being sent."""
        with self.store.lock:
            due = self.services.timers.next_due()
            late = due is not None and due <= self.services.clock.timestamp()
            return not late and not self.services.deliveries.busy()

    def wait_idle(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not self.idle():
            if time.monotonic() >= deadline or self.closing.wait(0.002):
                return False
        return True

    def reset(self) -> None:
        """As freshly started without state: no payments, deliveries, faults, calls; clock at real time."""
        with self.store.lock:
            self.services.timers.clear()
            self.services.deliveries.clear()
            self.services.calls.clear()
            self.store.clear()
            self.services.clock.restart()

    def stop_waiting(self) -> None:
        """Ends every wait of a call, so that threads come free."""
        self.closing.set()
        self.services.calls.close()

    def close(self) -> None:
        """A delivery that is being sent now is not waited for; with state on disk it is sent again."""
        self.stop_waiting()
        self._ticker.close()
        self.store.close()
