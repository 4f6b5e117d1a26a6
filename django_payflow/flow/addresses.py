"""Where the buyer and the provider are sent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.urls import reverse

from .. import conf, registry
from ..messages import Checkout
from ..models import Payment

__all__ = ["account_webhook_url", "addressed", "page_is_lost", "retry_url", "success_url", "waiting_url"]


def addressed(checkout: Checkout, *, hint: str, return_token: str) -> Checkout:
    """Return the frozen request with the addresses of this attempt: unguessable, and absolute for the provider."""
    base = conf.get().base_url
    return replace(
        checkout,
        return_url=base + reverse("payflow:return", args=[return_token]),
        webhook_url=base + reverse("payflow:webhook", args=[checkout.account, hint]),
    )


def account_webhook_url(account: str) -> str:
    """Return the address to register at a provider that takes one for the whole account."""
    return conf.get().base_url + reverse("payflow:webhook-account", args=[account])


def page_is_lost(payment: Payment) -> bool:
    """Say whether the payment exists while its page was in an answer that never came: nobody can pay there."""
    backend = conf.get().account(payment.account).backend
    known = payment.reported_at is not None and not payment.checkout_url
    return known and registry.provider_class(backend).tells_page_once


def waiting_url(payment: Payment) -> str:
    """Return the page that watches a payment and moves on by itself."""
    return reverse("payflow:return", args=[payment.return_token])


def success_url(order: Any) -> str:
    """Return the shop's page for a paid order; empty when the settings name none."""
    return conf.get().success_url.format(reference=order.reference)


def retry_url(order: Any) -> str:
    """Return where "try again" leads; empty when the settings name no page."""
    return conf.get().retry_url.format(reference=order.reference)
