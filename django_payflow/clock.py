"""The one source of time. Tests move it; nothing else in the package asks the operating system."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_offset = timedelta(0)


def now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC) + _offset


def offset() -> timedelta:
    """Return how far this process's clock was moved from real time."""
    return _offset


def move(to: timedelta) -> None:
    """Set the offset from real time. For the test kit, which moves the simulators' clock by the same amount."""
    global _offset
    _offset = to
