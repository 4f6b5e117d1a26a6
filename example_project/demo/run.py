"""Start the programs, wait until all of them answer, watch them, and stop all together."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Sequence

from .programs import Program

READY_WITHIN = 60.0


class DemoFailed(Exception):
    """The demo could not start or go on; the message is for the terminal."""


class Demo:
    """A handful of programs that live and die together."""

    def __init__(self, programs: Sequence[Program]) -> None:
        self._programs = list(programs)
        self._stop = threading.Event()

    def obey_signals(self) -> None:
        """Let Ctrl-C, ``kill`` and a closed terminal end the demo."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self._stop.set())

    def open(self) -> bool:
        """Start everything and wait until it answers. ``False`` means that somebody wants to stop already."""
        deadline = time.monotonic() + READY_WITHIN
        for program in self._programs:
            program.start()
        return all(self._wait_for(program, deadline) for program in self._programs)

    def watch(self) -> None:
        """Stay until a signal comes. Raises ``DemoFailed`` when a program ends by itself."""
        while not self._stop.wait(0.5):
            self._check_alive()

    def close(self) -> None:
        """Stop everything: first ask all, then wait for each."""
        for program in reversed(self._programs):
            if program.is_alive():
                program.ask_to_stop()
        for program in reversed(self._programs):
            program.stop()

    def _wait_for(self, program: Program, deadline: float) -> bool:
        while not program.is_ready():
            self._check_alive()
            if time.monotonic() > deadline:
                raise DemoFailed(f"{program.name} did not answer within {READY_WITHIN:.0f} seconds.")
            if self._stop.wait(0.1):
                return False
        return not self._stop.is_set()

    def _check_alive(self) -> None:
        for program in self._programs:
            if not program.is_alive() and not self._stop.is_set():
                raise DemoFailed(f"{program.name} has ended; its last lines above say why.")
