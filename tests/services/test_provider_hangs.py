"""A provider that does not answer costs time and nothing else: no transaction stays open, no row stays locked."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.services.harness import eventually
from tests.services.shop import Site

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
