"""Before chapter one, sometimes: a signed link in an e-mail or from a phone call, that starts the checkout later.

The link itself starts nothing: mail programs open every link they see. It leads to a page with a button.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django.core import signing
from django.urls import reverse

from .. import clock, conf
from ..exceptions import CommandRefused, ConfigurationError
from ..models import get_order_model
from .checkout import AccountChoice, accounts_for

__all__ = ["Invitation", "pay_link", "read_pay_link"]

_SALT = "payflow.pay-link"
_LONGEST = 1000
"""Characters of a token; a longer one is not ours."""


@dataclass(frozen=True, kw_only=True)
class Invitation:
    """What a pay link invites to."""

    order: Any
    standing: Literal["payable", "expired", "closed"]
    """``closed``: the order is paid, being paid, or over."""
    choices: tuple[AccountChoice, ...] = ()
    """The accounts that the buyer may choose; one, when the link names it."""
    method: str | None = None


def pay_link(
    order: Any, *, expires_in: timedelta | None = None, account: str | None = None, method: str | None = None
) -> str:
    """Return an absolute address that lets its holder pay an order until it expires.

    ``expires_in`` is ``PAYFLOW["PAY_LINK_DAYS"]`` by default; an order's own deadline ends it earlier. ``account``
    and ``method`` fix the way to pay, otherwise the buyer chooses. The link shows the order's reference and total
    to whoever has it. Raises ``CommandRefused`` for an order that cannot be paid, ``ConfigurationError`` for an
    unknown account.
    """
    if not order.can_be_paid:
        raise CommandRefused(f"order {order.reference} is {order.status}: there is nothing to pay")
    if account is not None:
        conf.get().account(account)
    ends = clock.now() + (timedelta(days=conf.get().pay_link_days) if expires_in is None else expires_in)
    if order.pay_before is not None:
        ends = min(ends, order.pay_before)
    content = {"order": order.reference, "ends": int(ends.timestamp()), "account": account, "method": method}
    token = signing.dumps({name: value for name, value in content.items() if value is not None}, salt=_SALT)
    return conf.get().base_url + reverse("payflow:pay", args=[token])


def read_pay_link(token: str) -> Invitation | None:
    """Say what a pay link invites to now; ``None`` for a token that we did not make, or of an order that is gone."""
    if len(token) > _LONGEST:
        return None
    try:
        content = signing.loads(token, salt=_SALT)
    except signing.BadSignature:
        return None
    order = get_order_model()._default_manager.filter(reference=content["order"]).first()
    if order is None:
        return None
    if clock.now() >= datetime.fromtimestamp(content["ends"], tz=clock.now().tzinfo):
        return Invitation(order=order, standing="expired")
    if not order.can_be_paid:
        return Invitation(order=order, standing="closed")
    wanted = content.get("account")
    choices = tuple(choice for choice in accounts_for(order) if wanted in {None, choice.alias})
    if not choices:
        raise ConfigurationError(f"no account takes order {order.reference} any more")
    return Invitation(order=order, standing="payable", choices=choices, method=content.get("method"))
