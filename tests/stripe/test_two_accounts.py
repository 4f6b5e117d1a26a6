"""Two Stripe accounts in one shop: alias, row and signature agree, and credentials travel with each call."""

from __future__ import annotations

import copy
import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from django_payflow import clock, flow, registry
from django_payflow.messages import Checkout, Reference
from django_payflow.models import Case, Payment, WebhookDelivery
from django_payflow.testing import deliver
from tests.conftest import new_order

ACCOUNTS = {
    "stripe-eu": {"key": "sk_test_europe0123456789abcdef", "secret": "whsec_europe_0123456789abcdef"},
    "stripe-us": {"key": "sk_test_america0123456789abcdef", "secret": "whsec_america_0123456789abcdef"},
}


def fingerprint(key: str) -> str:
    """How the simulator names a key in its log of calls."""
    return f"sk_...{hashlib.sha256(key.encode()).hexdigest()[:8]}"


@pytest.fixture
def accounts(sim, settings) -> Any:
    payflow = copy.deepcopy(settings.PAYFLOW)
    for alias, account in ACCOUNTS.items():
        payflow["PROVIDERS"][alias] = {
            "BACKEND": "stripe",
            "OPTIONS": {
                "api_key": account["key"],
                "signing_secrets": [account["secret"]],
                "base_url": sim.base_url("stripe"),
            },
        }
        url = f"https://shop.test/payflow/webhook/{alias}/"
        endpoint = {"api_key": account["key"], "url": url, "secret": account["secret"]}
        sim.control("POST", "stripe/webhook_endpoints", endpoint)
    settings.PAYFLOW = payflow
    return sim


def checkout(number: int, alias: str) -> Checkout:
    return Checkout(
        key=f"{alias}-{number:04}",
        account=alias,
        order_reference=f"{alias}-{number}",
        description=f"Order {number}",
        amount=1000 + number,
        currency="EUR",
        return_url=f"https://shop.test/{alias}/{number}/",
        webhook_url="",
        created_at=clock.now(),
    )


@pytest.mark.gauntlet("G17")
def test_accounts__in_eight_threads_every_call_carries_its_own_key(accounts):
    def buy(number: int) -> str:
        alias = list(ACCOUNTS)[number % 2]
        asked = checkout(number, alias)
        made = registry.provider(alias).create(asked)
        session = made.report.references[0].value
        registry.provider(alias).retrieve(asked, Reference(kind="session", value=session))
        registry.provider(alias).cancel(asked, Reference(kind="session", value=session))
        return session

    with ThreadPoolExecutor(8) as pool:
        sessions = list(pool.map(buy, range(64)))

    calls = [call for call in accounts.calls() if call["provider"] == "stripe"]
    assert len(calls) == 3 * 64
    keys = {alias: fingerprint(account["key"]) for alias, account in ACCOUNTS.items()}
    owner = {payment["id"]: payment["simulator"]["key"] for payment in accounts.payments("stripe")}
    assert [owner[session] for session in sessions] == [keys[list(ACCOUNTS)[number % 2]] for number in range(64)]
    assert all(call["status"] == 200 for call in calls)
    assert {call["key"] for call in calls} == set(keys.values())
    assert all(call["key"] == owner[call["payment"]] for call in calls if call["payment"])
    creates = {call["idempotency_key"]: call["key"] for call in calls if call["operation"] == "create"}
    assert creates == {f"{alias}-{n:04}": keys[alias] for n in range(64) for alias in [list(ACCOUNTS)[n % 2]]}


@pytest.mark.gauntlet("G17")
@pytest.mark.django_db(transaction=True)
def test_accounts__whole_checkouts_in_eight_threads(accounts):
    if connection.vendor == "sqlite":
        pytest.skip("SQLite in memory lets only one thread write; the other databases run this")
    orders = [new_order() for _ in range(16)]

    def buy(number: int) -> None:
        try:
            flow.start_checkout(order=orders[number], account=list(ACCOUNTS)[number % 2])
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(buy, range(16)))

    owner = {payment["id"]: payment["simulator"]["key"] for payment in accounts.payments("stripe")}
    rows = Payment.objects.values_list("account", "references__value")
    assert len(rows) == len(owner) == 16
    assert all(owner[session] == fingerprint(ACCOUNTS[alias]["key"]) for alias, session in rows)


@pytest.mark.django_db
@pytest.mark.attack(3)
@pytest.mark.attack(13)
def test_attack_13__a_genuine_delivery_of_one_account_at_the_others_address(accounts, client):
    started = flow.start_checkout(order=new_order(), account="stripe-eu")
    session = Payment.objects.get(pk=started.payment_id).references.get().value
    accounts.set_status(session, "paid", provider="stripe")
    (first, *_) = accounts.deliveries()
    strayed = type(first)(**{**vars(first), "path": first.path.replace("stripe-eu", "stripe-us")})
    before = WebhookDelivery.objects.count(), Case.objects.count()

    assert deliver(client, strayed).status_code == 401
    assert (WebhookDelivery.objects.count(), Case.objects.count()) == before
    assert deliver(client, first).status_code == 200
    flow.sweep(inline=True)
    assert Payment.objects.get().status == "paid"


@pytest.mark.django_db
def test_accounts__a_session_of_the_other_account_is_not_found_with_our_key(accounts):
    started = flow.start_checkout(order=new_order(), account="stripe-eu")
    payment = Payment.objects.get(pk=started.payment_id)
    Payment.objects.update(account="stripe-us")

    flow.confirm(payment_id=payment.pk, source="test")

    payment.refresh_from_db()
    assert (payment.status, payment.captured) == ("pending", 0)
    assert accounts.calls()[-1]["key"] == fingerprint(ACCOUNTS["stripe-us"]["key"])
    assert accounts.calls()[-1]["status"] == 404
