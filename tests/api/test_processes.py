"""The API in real processes: the same key from everywhere at the same moment, and workers that are killed."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
import requests

from tests.api.kit import NEW_ORDER
from tests.services.databases import Database
from tests.services.harness import Bank, Process, at_once, eventually
from tests.services.shop import PATIENCE, Site

pytestmark = pytest.mark.services
KINDS = ["postgres", "sqlite", *(["mariadb"] if os.environ.get("PAYFLOW_TEST_DATABASE") == "mariadb" else [])]
USER = {"DJANGO_SUPERUSER_USERNAME": "ada", "DJANGO_SUPERUSER_PASSWORD": "secret", "DJANGO_SUPERUSER_EMAIL": "a@b.nl"}


class PatientSite(Site):
    """Its first request imports the framework, which takes a busy machine longer than a ping waits."""

    def _pings(self, process: Process, url: str) -> bool:
        with suppress(requests.Timeout):
            return super()._pings(process, url)
        return False


@pytest.fixture
def open_site(tmp_path: Any, django_db_blocker: Any) -> Iterator[Callable[[str], Site]]:
    """A shop with the API, on a database of its own, and a superuser."""
    bank = Bank(tmp_path / "bank")
    sites: list[Site] = []

    def open_one(kind: str) -> Site:
        database = Database(kind, tmp_path, django_db_blocker.unblock).migrate()
        site = PatientSite(database, bank, tmp_path, DJANGO_SETTINGS_MODULE="tests.api.site_settings", **USER)
        sites.append(site)
        assert site.command("createsuperuser", "--noinput").wait() == 0, site.log
        return site

    with django_db_blocker.unblock():
        yield open_one
        for site in sites:
            site.stop()
            site.database.drop()
    bank.kill()


def post(site: Site, path: str, body: Any, key: str) -> requests.Response:
    return requests.post(
        f"{site._url()}/api{path}",
        json=body,
        auth=("ada", "secret"),
        headers={"Idempotency-Key": key},
        timeout=PATIENCE,
    )


def paid_payment(site: Site) -> str:
    """Order, start, pay; everything but the buyer is the API."""
    reference = post(site, "/orders/", NEW_ORDER, "order").json()["reference"]
    started = post(site, f"/orders/{reference}/payments/", {"account": "mollie"}, "start").json()
    pk, provider_id = site.database.rows(
        "SELECT p.id, r.value FROM payflow_payment p JOIN payflow_providerreference r ON r.payment_id = p.id"
    )[0]
    site.bank.set(provider_id, "paid", webhook=False)
    assert site.door(f"confirm/{pk}/").json() == {"outcome": "applied"}
    return str(started["payment"])


def rows_of(site: Site, table: str) -> int:
    return int(site.database.rows(f"SELECT COUNT(*) FROM {table}")[0][0])


@pytest.mark.gauntlet("G7")
@pytest.mark.parametrize("kind", KINDS)
def test_twenty_at_once__under_one_key_are_one_order_and_one_refund(open_site, kind):
    site = open_site(kind)
    site.web()
    site.web(second=True)
    payment = paid_payment(site)
    refund = partial(post, site, f"/payments/{payment}/refund/", {"amount": 500}, "refund")
    orders_before = rows_of(site, "payflow_orderline")

    refunds = at_once([refund] * 20)
    orders = at_once([partial(post, site, "/orders/", NEW_ORDER, "another")] * 20)

    assert {each.status_code for each in refunds} <= {202, 409}, Counter(each.text for each in refunds)
    assert {each.status_code for each in orders} <= {201, 409}, Counter(each.text for each in orders)
    assert {each.json()["code"] for each in [*refunds, *orders] if each.status_code == 409} <= {"in_progress"}
    assert len({each.json()["id"] for each in refunds if each.status_code == 202}) == 1
    assert rows_of(site, "payflow_move") == 1
    assert len(site.bank.calls("refund")) == 1
    assert rows_of(site, "payflow_orderline") == orders_before + len(NEW_ORDER["lines"])
    again = refund()
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (202, "true")


KILLED_AT = ["api.claimed", "move.claimed", "move.called", "move.settled", "api.worked"]


@pytest.mark.slow
@pytest.mark.gauntlet("G7")
@pytest.mark.parametrize("point", KILLED_AT)
def test_killed__at_any_point_the_repeated_request_refunds_once(open_site, point):
    site = open_site("sqlite")
    healthy = site.web()
    payment = paid_payment(site)
    healthy.kill()
    doomed = site.web(checkpoint=f"{point}:kill")
    path = f"/payments/{payment}/refund/"

    with pytest.raises(requests.ConnectionError):
        post(site, path, {"amount": 500}, "refund")
    doomed.kill()
    site.web()

    eventually(lambda: post(site, path, {"amount": 500}, "refund").status_code, 202, seconds=PATIENCE)
    assert site.door("sweep/").status_code == 200
    assert rows_of(site, "payflow_move") == 1
    eventually(lambda: _refunds(site), 1)


def _refunds(site: Site) -> int:
    return sum(len(payment["_embedded"]["refunds"]) for payment in site.bank.control("GET", "mollie/payments"))


def test_killed__while_an_order_is_created_the_repeated_request_creates_one(open_site):
    site = open_site("sqlite")
    doomed = site.web(checkpoint="api.worked:kill")
    with pytest.raises(requests.ConnectionError):
        post(site, "/orders/", NEW_ORDER, "order")
    doomed.kill()
    assert rows_of(site, "payflow_orderline") == 0
    site.web()

    eventually(lambda: post(site, "/orders/", NEW_ORDER, "order").status_code, 201, seconds=PATIENCE)
    assert rows_of(site, "payflow_orderline") == len(NEW_ORDER["lines"])
