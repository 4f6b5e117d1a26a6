"""How many rows of one account are asked about at once: a hanging provider must not take every worker.

A lease is a place. The account's row is locked last of all (order, payments, moves, account) and until the commit
that takes the place, so that one worker takes the last one; other accounts never wait for it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from .. import conf
from ..models import Move, Payment
from .rows import Change, lock_account

__all__ = ["BUSY_PAUSE", "has_no_place", "places_taken"]

BUSY_PAUSE = timedelta(seconds=5)
"""When a row without a place is looked at again."""


def places_taken(account: str, now: datetime) -> int:
    """Return how many payments and moves of an account are being asked about."""
    moves = Move.objects.filter(payment__account=account, lease_until__gt=now)
    return Payment.objects.leased(account, now).count() + moves.count()


def has_no_place(change: Change, account: str) -> bool:
    """Tell whether the lease that was just written is one too many; nobody else can take one before our commit."""
    lock_account(account)
    return places_taken(account, change.now) > conf.get().fetches_per_account
