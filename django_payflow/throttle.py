"""Count something per key and period in the shop's cache."""

from __future__ import annotations

from django.core.cache import cache

from . import clock, metrics, redaction

__all__ = ["too_many"]


def too_many(key: str, *, limit: int, seconds: int) -> bool:
    """Count one more, and say whether that is more than ``limit`` in this period.

    A cache that does not work counts nothing: it must neither answer 500 nor keep anybody out.
    """
    name = f"payflow:{key}:{int(clock.now().timestamp() // seconds)}"
    try:
        cache.add(name, 0, timeout=2 * seconds)
        return bool(cache.incr(name) > limit)
    except ValueError:  # the entry was evicted between the two calls
        return False
    except Exception as broken:  # noqa: BLE001  (each cache library raises its own)
        metrics.count("cache_failures")
        redaction.logger().warning("nothing is throttled, the cache does not work: %s", type(broken).__name__)
        return False
