"""A provider that does not answer costs time and nothing else: no transaction stays open, no row stays locked."""

from __future__ import annotations

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from tests.services.conftest import KINDS
from tests.services.harness import Bank, at_once, eventually
from tests.services.shop import ONCE, PATIENCE, Site

pytestmark = [pytest.mark.services, pytest.mark.slow]


def _held_at_the_database(site: Site) -> list[tuple]:
    """Open transactions and locks on payflow's tables in the shop's database, but for those of this very look."""
    return site.database.rows(
        "SELECT 'transaction', state FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
        " UNION ALL SELECT relation::regclass::text, mode FROM pg_locks"
        " WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " AND pid <> pg_backend_pid() AND relation::regclass::text LIKE 'payflow%%'"
    )


def _being_asked(site: Site) -> int:
    return site.database.rows("SELECT COUNT(*) FROM payflow_payment WHERE lease_until > now()")[0][0]


@pytest.mark.gauntlet("G15")
def test_provider_hangs__no_transaction_and_no_lock_is_held_meanwhile(open_site, redis):
    site = open_site(SITE_BROKER=redis.url, SITE_LEASE_SECONDS="30")
    site.web()
    told, returned, starting = site.orders(3)
    for order in (told, returned):
        site.bank.set(site.started(order), "paid", webhook=False)
    with site.database.transaction("SELECT id FROM payflow_payment FOR UPDATE"):
        assert ("transaction", "idle in transaction") in _held_at_the_database(site)
        assert ("payflow_payment", "RowShareLock") in _held_at_the_database(site)
    eventually(lambda: _held_at_the_database(site), [])

    for operation in ("get", "create"):
        site.bank.fault(operation, "slow", seconds=4, times=10)
    site.worker()
    with ThreadPoolExecutor(2) as buyers:
        assert site.webhook(told).status_code == 200
        page, click = buyers.submit(site.come_back, returned), buyers.submit(site.start, starting)
        eventually(lambda: _being_asked(site), 3, seconds=3)
        looks = _look_for_a_second(site)
        began = time.monotonic()
        assert site.webhook(told).status_code == 200
        spent = time.monotonic() - began
        assert (page.result().status_code, click.result().status_code) == (200, 303)

    assert looks > 10
    assert spent < 2

    site.bank.control("DELETE", "faults")
    site.beat()
    site.webhook(returned)
    site.ends_well(told, returned)


def _look_for_a_second(site: Site) -> int:
    """Look again and again while three calls hang; return how often nothing at all was held."""
    ends, looks = time.monotonic() + 1, 0
    while time.monotonic() < ends:
        assert _held_at_the_database(site) == []
        looks += 1
    assert _being_asked(site) == 3
    return looks


def test_provider_slower_than_the_lease__nothing_happens_twice(open_site):
    """The first asker's lease runs out, a second one asks, and the first one's answer comes before the second's."""
    site = open_site(SITE_BROKER="memory://localhost", SITE_LEASE_SECONDS="1")
    site.web()
    site.web(second=True)
    order = site.order()
    site.bank.set(site.started(order), "paid", webhook=False)
    site.bank.fault("get", "slow", seconds=2.5, times=2)

    with ThreadPoolExecutor(1) as buyer:
        page = buyer.submit(site.come_back, order)
        eventually(lambda: _being_asked(site), 1)
        eventually(lambda: _being_asked(site), 0)
        assert not page.done()
        second = site.door(f"confirm/{site.payment_id(order)}/")

    assert page.result().status_code == 200
    assert second.json() == {"outcome": "stale"}
    assert len(site.bank.calls("get")) == 2
    site.works_out(order)


def test_database_connections_cut__while_the_provider_is_asked_are_made_anew(open_site):
    site = open_site(SITE_BROKER="memory://localhost", SITE_LEASE_SECONDS="30")
    site.web()
    order = site.order()
    site.bank.set(site.started(order), "paid", webhook=False)
    site.bank.fault("get", "slow", seconds=2, times=1)

    with ThreadPoolExecutor(1) as buyer:
        page = buyer.submit(site.come_back, order)
        eventually(lambda: _being_asked(site), 1)
        cut = site.database.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    assert (True,) in cut
    assert page.result().status_code == 200
    assert "your order is paid" in page.result().text
    site.works_out(order)


def _being_moved(site: Site) -> int:
    return site.database.rows("SELECT COUNT(*) FROM payflow_move WHERE lease_until > now()")[0][0]


@pytest.mark.gauntlet("G15")
def test_provider_hangs__in_a_refund_and_a_capture_nothing_is_held_meanwhile(open_site, bank):
    later = {"later": {**_another_account(bank), "CAPTURE": "manual"}}
    site = open_site(SITE_BROKER="memory://localhost", SITE_LEASE_SECONDS="30", SITE_ACCOUNTS=json.dumps(later))
    site.web()
    paid, reserved = site.orders(2)
    for order, account, word in ((paid, "mollie", "paid"), (reserved, "later", "authorized")):
        site.start(order, account=account, method="creditcard")
        site.bank.set(site.reference(order), word, webhook=False)
        assert site.door(f"confirm/{site.payment_id(order)}/").json() == {"outcome": "applied"}
    for operation in ("refund", "capture"):
        site.bank.fault(operation, "slow", seconds=4, times=1)

    with ThreadPoolExecutor(2) as people:
        refund = people.submit(site.door, f"refund/{site.payment_id(paid)}/", amount="500")
        capture = people.submit(site.door, f"capture/{site.payment_id(reserved)}/")
        eventually(lambda: _being_moved(site), 2, seconds=4)
        ends, looks = time.monotonic() + 1, 0
        while time.monotonic() < ends:
            assert _held_at_the_database(site) == []
            looks += 1
        assert (_being_moved(site), refund.done(), capture.done()) == (2, False, False)

    assert looks > 10
    assert [each.result().json()["status"] for each in (refund, capture)] == ["pending", "pending"]
    assert [len(site.bank.calls(operation)) for operation in ("refund", "capture")] == [1, 1]


def _another_account(bank: Bank, provider: str = "mollie", **options: str) -> dict[str, Any]:
    base = {"api_key": "test_" + "l" * 30, "base_url": f"{bank.url}/{provider}"}
    return {"BACKEND": provider, "OPTIONS": {**base, **options}}


@pytest.mark.gauntlet("G15")
def test_provider_hangs__payments_elsewhere_go_on_and_the_doctor_names_the_busy_account(open_site, redis, bank):
    """Five payments of an account that hangs would keep both workers busy; it may have one of them at a time."""
    other = {"elsewhere": _another_account(bank, "stripe", api_key="sk_test_" + "e" * 30)}
    other["elsewhere"]["OPTIONS"]["signing_secrets"] = ["whsec_" + "e" * 30]
    site = open_site(
        SITE_BROKER=redis.url, SITE_LEASE_SECONDS="30", SITE_FETCHES="1", SITE_ACCOUNTS=json.dumps(other)
    )
    site.web()
    *stuck, free = site.orders(6)
    for order in stuck:
        site.bank.set(site.started(order), "paid", webhook=False)
    site.start(free, account="elsewhere")
    bank.control("POST", f"stripe/payments/{site.reference(free)}/status", {"status": "paid", "webhook": False})
    bank.fault("get", "slow", seconds=8, times=5)
    site.worker(ready=False)
    for order in stuck:
        assert site.webhook(order).status_code == 200
    eventually(lambda: _being_asked(site), 1)

    site.database.execute("UPDATE payflow_payment SET next_check_at = now() WHERE account = 'elsewhere'")
    site.beat()
    eventually(lambda: site.books(free).fulfilments, ONCE.fulfilments, seconds=PATIENCE)

    waiting = [order for order in stuck if site.books(order).payments == ("pending",)]
    assert (_being_asked(site) <= 1, len(waiting) >= 3) == (True, True)
    eventually(lambda: _the_doctor_says(site, "provider mollie"), True, seconds=2 * PATIENCE)
    bank.control("DELETE", "faults")
    site.ends_well(*stuck, seconds=2 * PATIENCE)


@pytest.mark.gauntlet("G15")
@pytest.mark.gauntlet("G20")
@pytest.mark.parametrize("kind", KINDS)
def test_provider_hangs__eight_workers_at_once_do_not_take_a_third_place_of_two(open_site, bank, kind):
    """Each of them asks about a payment of its own: what they race for is the account's last place."""
    site = open_site(kind, SITE_BROKER="memory://localhost", SITE_LEASE_SECONDS="30", SITE_FETCHES="2")
    site.web()
    site.web(second=True)
    orders = site.orders(8)
    for order in orders:
        site.bank.set(site.started(order), "paid", webhook=False)
    bank.fault("get", "slow", seconds=2, times=2)

    answers = at_once([partial(site.door, f"confirm/{site.payment_id(order)}/") for order in orders])

    assert Counter(answer.json()["outcome"] for answer in answers) == {"applied": 2, "busy": 6}
    site.works_out(*orders)


def _the_doctor_says(site: Site, words: str) -> bool:
    doctor = site.command("payflow_doctor", "--offline")
    doctor.wait()
    return any(words in line and "FETCHES_PER_ACCOUNT" in line for line in doctor.lines)
