"""Payments to be called about: rows written directly, and for draining their twins at the simulator."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from threading import local
from typing import Any

import requests

from bench.settings import API_KEY
from django_payflow import clock
from django_payflow.messages import Checkout
from django_payflow.models import Order, Payment, ProviderReference
from django_payflow.models.payment import new_key, new_token
from django_payflow.states import OrderStatus, PaymentStatus

_MINOR = 2500
_local = local()


@dataclass(frozen=True, kw_only=True)
class Seed:
    """A payment that is open here, and what the provider calls it."""

    key: str
    token: str
    reference: str


def made_up(count: int) -> list[Seed]:
    """Store payments that no provider knows: enough for answering, which asks nobody."""
    return _store([Seed(key=(key := new_key()), token=new_token(), reference=_fake(key)) for _ in range(count)])


def _fake(key: str) -> str:
    return "tr_" + key.replace("-", "")


def paid_at_simulator(count: int, url: str) -> list[Seed]:
    """Store payments that were paid at the simulator, which sent no webhook about them."""
    with ThreadPoolExecutor(4) as pool:
        return _store(list(pool.map(lambda _: _pay(url), range(count))))


def _pay(url: str) -> Seed:
    if not hasattr(_local, "session"):
        _local.session = requests.Session()
    session, key = _local.session, new_key()
    body = {
        "amount": {"currency": "EUR", "value": f"{_MINOR / 100:.2f}"},
        "description": "Bench",
        "redirectUrl": "https://shop.test/",
        "metadata": {"attempt": key},
    }
    bearer = {"Authorization": f"Bearer {API_KEY}"}
    made = session.post(f"{url}/mollie/v2/payments", json=body, headers=bearer, timeout=10)
    made.raise_for_status()
    reference = made.json()["id"]
    status = {"status": "paid", "webhook": False}
    session.post(f"{url}/_control/mollie/payments/{reference}/status", json=status, timeout=10).raise_for_status()
    return Seed(key=key, token=new_token(), reference=reference)


def _store(seeds: list[Seed]) -> list[Seed]:
    """Write an order, a payment and a reference for each, as a checkout leaves them."""
    now = clock.now()
    orders = Order.objects.bulk_create(
        [Order(status=OrderStatus.PENDING, total=_MINOR, currency="EUR", placed_at=now) for _ in seeds]
    )
    payments = Payment.objects.bulk_create(
        [_payment(order, seed, now) for order, seed in zip(orders, seeds, strict=True)]
    )
    references = [
        ProviderReference(payment=payment, account="mollie", kind="payment", value=seed.reference)
        for payment, seed in zip(payments, seeds, strict=True)
    ]
    ProviderReference.objects.bulk_create(references)
    return seeds


def _payment(order: Order, seed: Seed, now: Any) -> Payment:
    checkout = Checkout(
        key=seed.key,
        account="mollie",
        order_reference=order.reference,
        description="Bench",
        amount=_MINOR,
        currency="EUR",
        return_url="https://shop.test/",
        webhook_url="https://shop.test/",
        created_at=now,
    )
    return Payment(
        order=order,
        offer_of=order,
        account="mollie",
        key=seed.key,
        webhook_token=seed.token,
        status=PaymentStatus.PENDING,
        amount=_MINOR,
        currency="EUR",
        checkout=checkout.to_json(),
        created_at=now,
        next_check_at=now + timedelta(hours=1),
    )
