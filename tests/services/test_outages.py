"""The broker forgets everything, dies, or falls silent: no buyer and no provider notices, and nothing is lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

import pytest
import requests

from tests.services.harness import Redis, eventually, free_port, silent_server
from tests.services.shop import ONCE, UNPAID, Order, Site

pytestmark = [pytest.mark.services, pytest.mark.slow]

HANG_GUARD = 2.0
"""Seconds. A healthy answer takes hundredths; the broker's timeouts would make an unguarded publish take many."""


def _promptly(call: Callable[[], requests.Response]) -> requests.Response:
    began = time.monotonic()
    answer = call()
    spent = time.monotonic() - began
    assert spent < HANG_GUARD, f"{answer.request.url} took {spent:.1f} s"
    return answer


def _serve_without_broker(site: Site) -> list[Order]:
    """A webhook, a return and a start while nobody can be woken; each order has paid when this is over."""
    orders = site.orders(3)
    for order in orders:
        assert _promptly(partial(site.start, order)).status_code == 303
        site.bank.set(site.reference(order), "paid", webhook=False)
    told, returned, both = orders
    for order in (told, both):
        answer = _promptly(partial(site.webhook, order))
        assert (answer.status_code, answer.text) == (200, "new")
    for order in (returned, both):
        page = _promptly(partial(site.come_back, order))
        assert page.status_code == 200
        assert "your order is paid" in page.text
    assert site.books(told) == UNPAID
    return orders


def test_broker_emptied__while_fifty_webhooks_wait(site, redis):
    site.web()
    site.web(second=True)
    orders = site.orders(50)
    for order in orders:
        site.bank.set(site.started(order), "paid")
    eventually(lambda: redis.waiting, 50)

    assert redis.ask("FLUSHDB") == "OK"
    assert redis.waiting == 0
    site.worker(ready=False)
    site.beat()

    site.ends_well(*orders)
    inbox = site.database.rows("SELECT state, hits, COUNT(*) FROM payflow_webhookdelivery GROUP BY state, hits")
    assert inbox == [("done", 1, 50)]


def test_broker_dead__webhooks_and_returns_answer_and_the_work_is_done_when_it_is_back(open_site, tmp_path):
    port = free_port()
    site = open_site(SITE_BROKER=f"redis://127.0.0.1:{port}/0")
    site.web()

    orders = _serve_without_broker(site)

    with _redis(tmp_path, port):
        site.worker(ready=False)
        site.beat()
        site.ends_well(*orders)


def test_broker_dies__under_a_running_shop_which_goes_on_when_it_is_back(site, redis, tmp_path):
    site.web()
    worker, beat = site.worker(), site.beat()
    before = site.order()
    site.bank.set(site.started(before), "paid")
    site.ends_well(before)

    redis.kill()
    orders = _serve_without_broker(site)

    with _redis(tmp_path, redis.port) as again:
        site.ends_well(*orders, seconds=60)
        worker.kill()
        beat.kill()
        waiting = again.waiting
        eventually(lambda: site.webhook(before).status_code == 200 and again.waiting > waiting, True)


def test_broker_silent__webhooks_and_returns_answer_and_the_work_is_done_when_it_talks(open_site, tmp_path):
    port = free_port()
    site = open_site(SITE_BROKER=f"redis://127.0.0.1:{port}/0")
    site.web()

    with silent_server(port):
        orders = _serve_without_broker(site)

    with _redis(tmp_path, port):
        site.worker(ready=False)
        site.beat()
        site.ends_well(*orders)


def test_broker_freezes__under_a_running_shop_which_goes_on_when_it_thaws(site, redis):
    site.web()
    site.worker()
    site.beat()
    before = site.order()
    site.bank.set(site.started(before), "paid")
    site.ends_well(before)

    with redis.frozen():
        orders = _serve_without_broker(site)

    site.ends_well(*orders, seconds=60)


@contextmanager
def _redis(directory: Path, port: int) -> Iterator[Redis]:
    running = Redis(directory, port)
    try:
        yield running
    finally:
        running.kill()


def test_cache_dead__refusals_are_still_refusals(open_site):
    """The cache only counts refused webhooks; where it is gone, nobody is throttled, and nobody sees a traceback."""
    site = open_site(SITE_BROKER="memory://localhost", SITE_CACHE=f"redis://127.0.0.1:{free_port()}/0")
    site.web()
    url = f"{site.urls[0]}/payflow/webhook/mollie/nobody-knows-this/"

    answer = _promptly(lambda: requests.post(url, data={"id": "tr_" + "x" * 20}, timeout=10))

    assert (answer.status_code, answer.text) == (404, "unknown_token")


@pytest.mark.parametrize("state", ["dead", "silent"])
def test_broker_of_the_default_kind__dead_or_silent_slows_nobody(open_site, state):
    """AMQP is what Celery talks where a shop configured nothing, which a shop with cron only never did."""
    port = free_port()
    site = open_site("sqlite", CELERY_BROKER_URL=f"amqp://guest@127.0.0.1:{port}//")
    site.web()

    with silent_server(port) if state == "silent" else nullcontext():
        orders = _serve_without_broker(site)

    site.works_out(*orders)


def test_cron_only__finishes_a_paid_story(open_site):
    """No Celery: the shop has no app of its own, and where Celery's default one looks for a broker there is none."""
    site = open_site("sqlite", CELERY_BROKER_URL=f"amqp://guest@127.0.0.1:{free_port()}//")
    site.web()
    order = site.order()
    reference = site.started(order)
    site.bank.set(reference, "paid")
    eventually(lambda: site.bank.webhook_states(reference), ["sent"])
    assert site.books(order) == UNPAID

    site.sweep()

    assert site.books(order) == ONCE
    site.sweep()
    assert site.books(order) == ONCE
