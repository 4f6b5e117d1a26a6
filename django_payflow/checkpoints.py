"""Named points between two steps of the story, so that a test can stop or kill a process exactly there.

Outside tests ``reached`` is a dictionary look-up that finds nothing. A test arms a point in its own process with
``arm``; a process started by a test reads ``PAYFLOW_CHECKPOINT=name:kill`` (die by SIGKILL) or
``name:hang`` (wait for the kill from outside, after writing a line that the test awaits).
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable

_armed: dict[str, Callable[[], None]] = {}


def reached(name: str) -> None:
    """Mark a point of the story. Does nothing unless the point is armed."""
    if (action := _armed.get(name)) is not None:
        action()


def arm(name: str, action: Callable[[], None]) -> None:
    """Call ``action`` whenever the story passes ``name`` in this process."""
    _armed[name] = action


def disarm() -> None:
    """Forget every armed point."""
    _armed.clear()


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _hang(name: str) -> Callable[[], None]:
    def wait() -> None:
        sys.stderr.write(f"checkpoint {name} reached\n")
        sys.stderr.flush()
        threading.Event().wait()

    return wait


def arm_from_environment() -> None:
    """Arm what ``PAYFLOW_CHECKPOINT`` names. Called once when Django starts; unset in any real shop."""
    name, _, action = os.environ.get("PAYFLOW_CHECKPOINT", "").partition(":")
    if name and action in {"kill", "hang"}:
        arm(name, _kill if action == "kill" else _hang(name))
