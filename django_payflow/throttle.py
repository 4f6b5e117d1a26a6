"""Count something per key and period in the shop's cache."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

from django.core.cache import cache
from django.utils.crypto import salted_hmac

from . import clock, metrics, redaction

__all__ = ["SLOW_DOWN", "starts_wait", "too_many"]

SLOW_DOWN = "There were too many attempts to pay from here. Please wait a minute and try again."
_MINUTE = 60


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


def starts_wait(*, limit: int, address: str = "", session: str = "", customer: str = "") -> int:
    """Count one more start of a payment. Returns the seconds to wait if there are too many this minute, else 0.

    Who is stopped as an address is not counted as a session or customer any more. The cache holds no personal data.
    """
    whose = {"address": _network(address), "session": session, "customer": customer.strip().lower()}
    for kind, who in whose.items():
        key = f"start:{kind}:{salted_hmac('payflow.throttle', who).hexdigest()}"
        if who and too_many(key, limit=limit, seconds=_MINUTE):
            metrics.count("starts_throttled", by=kind)
            redaction.logger().warning("a start was throttled: too many by one %s", kind)
            return _MINUTE - int(clock.now().timestamp()) % _MINUTE
    return 0


def _network(address: str) -> str:
    """Return what is counted of a buyer's address: of IPv6 the network that one subscriber has.

    Nothing for an address that is not public: it is a proxy's, and stands for everybody behind it.
    """
    try:
        found = ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    if not found.is_global:
        return ""
    return str(ip_network((found.packed, 64), strict=False) if isinstance(found, IPv6Address) else found)
