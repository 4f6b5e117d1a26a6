"""A program of the demo that runs as a process of its own."""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import IO

logger = logging.getLogger(__name__)

PROJECT = Path(__file__).resolve().parents[2]
_TIME = re.compile(r"\A\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[,.]\d+ ")
PATIENCE = 5.0
"""Seconds between asking a child to stop and ending its whole group."""


class Child:
    """A child process in a group of its own, so that Ctrl-C reaches it through us and in order."""

    def __init__(self, name: str, command: Sequence[str], *, is_ready: Callable[[], bool]) -> None:
        self.name = name
        self.is_ready = is_ready
        self._command = list(command)
        self._process: subprocess.Popen[str] | None = None
        self._reader: Thread | None = None

    def start(self) -> None:
        """Start the process, and a thread that passes on its lines under the child's name."""
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            cwd=PROJECT,
            start_new_session=True,
        )
        self._reader = Thread(target=_pass_on, args=[self._process.stdout], name=self.name, daemon=True)
        self._reader.start()

    def is_alive(self) -> bool:
        """Tell whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def ask_to_stop(self) -> None:
        """Send SIGTERM; the child ends in its own time."""
        if self._process is not None and self.is_alive():
            self._process.terminate()

    def stop(self) -> None:
        """Wait for the end, and enforce it for the child and all of its children."""
        if self._process is None:
            return
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(PATIENCE)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._reader is not None:
            self._reader.join(1)


def _pass_on(output: IO[str]) -> None:
    with output as lines:
        for line in lines:
            if text := _TIME.sub("", line.rstrip()):
                logger.info("%s", text)
