"""Counters of this process, by name and a few small labels. A shop reads them with ``snapshot()``.

Labels come from small sets only (account, reason, outcome): never an id, an address or an amount.
"""

from __future__ import annotations

from collections import Counter
from threading import Lock

_lock = Lock()
_counters: Counter[tuple[str, tuple[tuple[str, str], ...]]] = Counter()


def count(name: str, **labels: str) -> None:
    """Add one to a counter."""
    with _lock:
        _counters[name, tuple(sorted(labels.items()))] += 1


def value(name: str, **labels: str) -> int:
    """Return a counter's value, summed over every label that is not named."""
    wanted = set(labels.items())
    with _lock:
        return sum(n for (key, found), n in _counters.items() if key == name and wanted <= set(found))


def snapshot() -> dict[str, int]:
    """Return every counter as ``name{label=value,...}`` -> number."""
    with _lock:
        items = list(_counters.items())
    return {
        name + ("{" + ",".join(f"{k}={v}" for k, v in labels) + "}" if labels else ""): number
        for (name, labels), number in items
    }


def reset() -> None:
    """Forget everything. For tests."""
    with _lock:
        _counters.clear()
