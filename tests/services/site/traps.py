"""What a test can do to a running shop from outside: kill a process at a named point, and move its clock.

A trap is a file ``<role>.<point>``: the first process of that role that passes the point takes it away and dies by
SIGKILL, or raises there if the file says ``raise``. So one shop can be hit at every point in turn, without being
started again each time.
"""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from pathlib import Path

from django_payflow import checkpoints, clock


def lay(directory: Path, role: str, points: str) -> None:
    """Watch these points in this process and those forked from it."""
    for point in points.split():
        checkpoints.arm(point, lambda trap=directory / f"{role}.{point}": _spring(trap))


def _spring(trap: Path) -> None:
    struck = trap.with_name(f"{trap.name}.struck")
    try:
        trap.rename(struck)
    except FileNotFoundError:
        return
    if struck.read_text() == "raise":
        raise RuntimeError(f"somebody's bug at {trap.name}")
    os.kill(os.getpid(), signal.SIGKILL)


def follow_clock(file: Path) -> None:
    """Have payflow's time be moved by what the file says, in seconds. To be called before any model is imported."""
    real = clock.now

    def moved() -> object:
        clock.move(timedelta(seconds=float(file.read_text())))
        return real()

    clock.now = moved
