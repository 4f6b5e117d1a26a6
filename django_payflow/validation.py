"""What is refused before the wire: requests that a provider would refuse, or that would charge something else.

Every refusal is an ``InvalidCheckout``: its text tells the shop's developer what to mend, its ``buyer_message`` is
what the buyer may read.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from . import conf
from .conf import Account
from .exceptions import ConfigurationError, InvalidCheckout
from .messages import Capture, Checkout
from .money import MAX_MINOR, Money, exponent
from .providers.base import Provider, is_loopback

__all__ = ["refuse_invalid"]

_METHOD = re.compile(r"[A-Za-z0-9_.-]{1,40}", re.ASCII)


def refuse_invalid(order: Any, checkout: Checkout, provider: Provider[Any]) -> None:
    """Raise ``InvalidCheckout`` unless the order, its account and its provider fit each other. Calls nobody."""
    account = conf.get().account(checkout.account)
    if checkout.method is not None and not _METHOD.fullmatch(checkout.method):
        raise InvalidCheckout(f"{checkout.method!r:.60} is not a provider's word for a payment method")
    _refuse_sums(order, checkout)
    if checkout.amount == 0:  # an order of zero is placed without asking anybody
        return
    _refuse_for_account(account, checkout)
    _refuse_email(checkout.buyer.email)
    _refuse_addresses(conf.get().base_url, live=provider.live)
    if checkout.capture is Capture.MANUAL and not provider.supports_manual_capture:
        raise InvalidCheckout(f"{provider.name} cannot authorize only; remove CAPTURE from {account.alias!r}")
    provider.check(checkout)


def _refuse_sums(order: Any, checkout: Checkout) -> None:
    if checkout.amount < 0:
        raise InvalidCheckout(f"order {order.reference} has a negative total")
    if checkout.amount > MAX_MINOR:
        raise InvalidCheckout(f"the total of order {order.reference} is larger than any currency needs")
    try:
        exponent(checkout.currency)
    except ConfigurationError as unknown:
        raise InvalidCheckout(str(unknown)) from None
    for line in checkout.lines:
        if line.quantity < 1:
            raise InvalidCheckout(f"order {order.reference} has a line with the quantity {line.quantity}")
    lines = sum(line.total for line in checkout.lines)
    if checkout.lines and lines != checkout.amount:
        raise InvalidCheckout(
            f"the lines of order {order.reference} add up to {lines}, its total is {checkout.amount} (minor units)"
        )


def _refuse_for_account(account: Account, checkout: Checkout) -> None:
    currency, total = checkout.currency, Money(minor=checkout.amount, currency=checkout.currency)
    if account.currencies and currency not in account.currencies:
        raise InvalidCheckout(
            f"account {account.alias!r} takes {' '.join(account.currencies)}, not {currency} (its CURRENCIES)",
            buyer_message=f"{account.label} does not take {currency}. Please choose another way to pay.",
        )
    least, most = account.minimum.get(currency), account.maximum.get(currency)
    if least is not None and total.minor < least:
        raise InvalidCheckout(
            f"{total} is below the MINIMUM of account {account.alias!r}, {least} (minor units)",
            buyer_message=f"{total} is too little for {account.label}. Please choose another way to pay.",
        )
    if most is not None and total.minor > most:
        raise InvalidCheckout(
            f"{total} is above the MAXIMUM of account {account.alias!r}, {most} (minor units)",
            buyer_message=f"{total} is too much for {account.label}. Please choose another way to pay.",
        )


def _refuse_email(address: str) -> None:
    if not address:
        return
    try:
        validate_email(address)
    except ValidationError:
        raise InvalidCheckout(
            "the order's e-mail address is none; a provider would refuse the payment",
            buyer_message="Please check your e-mail address: it does not look like one.",
        ) from None


def _refuse_addresses(base_url: str, *, live: bool) -> None:
    """The buyer must be able to come back, and the provider to call: a payment nobody hears of is a support case."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if not conf.serves(host):
        raise InvalidCheckout(f"ALLOWED_HOSTS lacks {host!r}, the host of BASE_URL: buyers could not come back")
    if live and (parts.scheme != "https" or is_loopback(host)):
        raise InvalidCheckout(f"BASE_URL is {base_url!r}: with a live key it must be a public https address")
