"""Chapter two: the buyer comes back, with nothing but an unguessable token. The page tells the truth.

The browser proves nothing: whatever the address says beside the token is ignored, and the provider is asked.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from .. import checkpoints, conf
from ..models import Payment
from ..states import ALIVE, DEAD, FULFILLING, OrderStatus, PaymentStatus
from ..throttle import too_many
from .addresses import page_is_lost, retry_url, success_url
from .confirm import confirm
from .results import Arrival, Wake

__all__ = ["handle_return", "payment_standing"]

_ASKS, _PERIOD = 6, 10
"""The return page asks the provider at most this often in so many seconds."""

Standing = Literal["secured", "open", "dead", "review"]


def handle_return(*, token: str) -> Arrival | None:
    """Ask about the returning buyer's payment, within the return page's patience, and say what to show.

    ``None``: no payment has this token.
    """
    payment = _find(token)
    if payment is None:
        return None
    if PaymentStatus(payment.status) not in ALIVE:
        return _arrival(payment, ())
    if too_many(f"return:{payment.pk}", limit=_ASKS, seconds=_PERIOD):
        return _arrival(payment, ())  # reloaded without end: what the books know is good enough for a while
    never_seen = not payment.checkout_url
    checkpoints.reached("return.before")
    wakes = confirm(payment_id=payment.pk, source="return", patience=conf.get().return_patience).wakes
    payment = Payment.objects.select_related("order").get(pk=payment.pk)
    arrival = _arrival(payment, wakes)
    return replace(arrival, go_on=never_seen and arrival.standing == "open" and bool(arrival.url))


def payment_standing(*, token: str) -> Arrival | None:
    """Say what the books know, without asking anybody. For the waiting page, which calls this every few seconds."""
    payment = _find(token)
    return _arrival(payment, ()) if payment else None


def _find(token: str) -> Payment | None:
    if len(token) > 64 or not token.isascii():
        return None
    return Payment.objects.select_related("order").filter(return_token=token).first()


def _arrival(payment: Payment, wakes: tuple[Wake, ...]) -> Arrival:
    standing = _standing(payment, payment.order)
    url = {
        "secured": success_url(payment.order),
        "dead": retry_url(payment.order),
        "open": _page_still_open(payment),
        "review": "",
    }[standing]
    return Arrival(standing=standing, payment_id=payment.pk, order_id=payment.order_id, url=url, wakes=wakes)


def _standing(payment: Payment, order: Any) -> Standing:
    status, order_status = PaymentStatus(payment.status), OrderStatus(order.status)
    if order_status in FULFILLING and status is not PaymentStatus.CONFLICTED:
        return "secured"  # by this attempt or by another one: this buyer owes nothing
    if status in DEAD:
        return "dead"
    if payment.asked_wrong or order_status is OrderStatus.ON_HOLD:
        return "review"
    if status in ALIVE and not payment.held:
        return "open"
    return "review"


def _page_still_open(payment: Payment) -> str:
    """Where the buyer has something to do: on the hosted page, or, if its address is lost, in the shop once more.

    Not once his bank is working.
    """
    if not payment.offer_of_id or payment.status == PaymentStatus.PROCESSING:
        return ""
    return retry_url(payment.order) if page_is_lost(payment) else payment.checkout_url
