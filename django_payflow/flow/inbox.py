"""A stored delivery between its arrival and its end: claim, done, later."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from .. import clock, conf
from ..messages import Reference
from ..models import DeliveryState, WebhookDelivery
from .rows import Change

__all__ = ["ClaimedDelivery", "claim_delivery", "hand_over", "mark_done", "postpone", "set_aside", "trouble_pause"]

_PAUSES = (10, 30, 60, 300, 900, 3600)
_ASKS_PER_MINUTE = 5
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class ClaimedDelivery:
    """A delivery that is ours to process; ``hits`` tells whether it came again meanwhile."""

    id: int
    token: str
    hits: int
    attempts: int
    account: str
    reference: str
    payment_id: int | None
    parts: tuple[Reference, ...]
    """Refunds and disputes that it names."""
    received_at: datetime


def trouble_pause(troubles: int) -> timedelta:
    """How long to wait after so many failures in a row, the last one not counted; an hour at most."""
    return timedelta(seconds=_PAUSES[min(troubles, len(_PAUSES) - 1)])


def claim_delivery(delivery_id: int) -> ClaimedDelivery | None:
    """Take the lease on a due delivery; ``None`` when it is done, somebody else has it, or it was asked about a lot.

    A delivery that is repeated without end is asked about a few times a minute: the provider's quota is ours to
    protect, and what it says is asked for again when the minute is over.
    """
    now, token = clock.now(), str(uuid.uuid4())
    rows = WebhookDelivery.objects.filter(pk=delivery_id, state=DeliveryState.PENDING).free(now)
    if not rows.update(lease_token=token, lease_until=now + conf.get().lease):
        return None
    row = WebhookDelivery.objects.get(pk=delivery_id)
    if not _may_ask(row, now):
        return None
    return ClaimedDelivery(
        id=row.pk,
        token=token,
        hits=row.hits,
        attempts=row.attempts,
        account=row.account,
        reference=row.reference,
        payment_id=row.payment_id,
        parts=tuple(Reference(kind=kind, value=value) for kind, value in row.parts),
        received_at=row.received_at,
    )


def _may_ask(row: WebhookDelivery, now: datetime) -> bool:
    rows = WebhookDelivery.objects.filter(pk=row.pk, lease_token=row.lease_token)
    if row.asks_since is None or now >= row.asks_since + _MINUTE:
        rows.update(asks=1, asks_since=now)
    elif row.asks < _ASKS_PER_MINUTE:
        rows.update(asks=row.asks + 1)
    else:
        rows.update(due_at=row.asks_since + _MINUTE, lease_token="", lease_until=None)
        return False
    return True


def mark_done(change: Change, delivery: ClaimedDelivery) -> None:
    """Mark it processed; one that came again since it was claimed stays due."""
    done = {"state": DeliveryState.DONE, "done_at": change.now, "error": ""}
    if not _unrepeated(delivery).update(**done, lease_token="", lease_until=None):
        _leave_due(change, delivery)


def postpone(change: Change, delivery: ClaimedDelivery, why: str) -> None:
    """Try again later; one that came again since it was claimed brought news, and stays due."""
    later = {
        "due_at": change.now + trouble_pause(delivery.attempts),
        "attempts": delivery.attempts + 1,
        "error": why[:300],
    }
    mine = _unrepeated(delivery).filter(lease_token=delivery.token)
    if not mine.update(**later, lease_token="", lease_until=None):
        _leave_due(change, delivery)


def set_aside(change: Change, delivery: ClaimedDelivery, why: str) -> None:
    """Nothing here will ever need it: an object of another system that shares the provider account."""
    aside = {"state": DeliveryState.IGNORED, "done_at": change.now, "error": why[:300]}
    mine = WebhookDelivery.objects.filter(pk=delivery.id, lease_token=delivery.token)
    mine.update(**aside, lease_token="", lease_until=None)


def _unrepeated(delivery: ClaimedDelivery) -> QuerySet[WebhookDelivery]:
    return WebhookDelivery.objects.filter(pk=delivery.id, hits=delivery.hits)


def _leave_due(change: Change, delivery: ClaimedDelivery) -> None:
    mine = WebhookDelivery.objects.filter(pk=delivery.id, lease_token=delivery.token)
    mine.update(lease_token="", lease_until=None)
    change.wake("delivery", delivery.id)


def hand_over(change: Change, delivery: ClaimedDelivery | None) -> None:
    """Its payment is marked to be asked again anyhow, in the same transaction: the delivery is done with.

    Not if it names something that only it can name: that one waits for its turn.
    """
    if delivery is None:
        return
    if delivery.parts:
        postpone(change, delivery, "the payment is being asked about")
    else:
        mark_done(change, delivery)
