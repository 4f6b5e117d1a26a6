"""kill -9 between any two steps: after a restart everything ends paid and fulfilled once, without a person.

A process is armed with a checkpoint, hangs there, and is killed with all of its children. Then fresh ones start.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import requests

from tests.services.harness import eventually
from tests.services.shop import ONCE, UNPAID, Order, Process, Site

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.gauntlet("G10")]

IN_THE_WORKER = [
    "webhook.claimed",
    "confirm.claimed",
    "confirm.fetched",
    "confirm.committed",
    "fulfil.claimed",
    "fulfil.handled",
]
AT_THE_START = ["checkout.intent", "checkout.created"]
AT_THE_WEBHOOK = ["webhook.stored"]
AT_THE_RETURN = ["return.before", "confirm.claimed", "confirm.fetched", "confirm.committed"]


def _kill_there(process: Process, checkpoint: str) -> None:
    process.await_line(f"checkpoint {checkpoint} reached")
    process.kill()


def _webhook_arrives(site: Site, order: Order) -> None:
    reference = site.reference(order)
    site.bank.set(reference, "paid")
    eventually(lambda: site.bank.webhook_states(reference), ["sent"])


@pytest.mark.parametrize("checkpoint", IN_THE_WORKER)
def test_worker_killed__the_next_one_finishes_what_it_held(site, checkpoint):
    site.web()
    order = site.order()
    site.started(order)
    _webhook_arrives(site, order)

    _kill_there(site.worker(checkpoint=f"{checkpoint}:hang", ready=False), checkpoint)
    assert site.books(order) != ONCE
    site.worker(beat=True, ready=False)

    site.ends_well(order)


def test_worker_killed__between_sending_a_mail_and_its_mark_repeats_the_same_message(site):
    site.web()
    order = site.order()
    site.bank.set(site.started(order), "paid", webhook=False)
    site.door(f"confirm/{site.payment_id(order)}/")
    site.door(f"fulfil/{site.fulfilment_id(order, 'ship')}/")

    worker = site.worker(checkpoint="fulfil.handled:hang", ready=False)
    site.beat()
    _kill_there(worker, "fulfil.handled")
    assert len(site.mails(order)) == 1
    site.worker(ready=False)

    site.ends_well(order, expected=replace(ONCE, mails=2))
    assert len(set(site.mails(order))) == 1
    repeated = site.database.rows("SELECT repeated FROM payflow_fulfilment WHERE handler = 'confirmation'")
    assert repeated == [(1,)]


@pytest.mark.parametrize("checkpoint", AT_THE_START)
def test_web_killed__while_starting_a_payment_leaves_one_that_the_buyer_can_pay(site, checkpoint):
    web = site.web(checkpoint=f"{checkpoint}:hang")
    order = site.order()
    with ThreadPoolExecutor(1) as buyer:
        click = buyer.submit(site.start, order)
        _kill_there(web, checkpoint)
        assert isinstance(click.exception(10), requests.ConnectionError)
    site.web()
    site.worker(beat=True, ready=False)

    eventually(lambda: site.books(order), UNPAID)
    page = site.bank.payments_of(order.reference)[0]["_links"]["checkout"]["href"]
    assert site.start(order).headers["Location"] == page
    site.bank.set(site.reference(order), "paid")
    site.ends_well(order)


@pytest.mark.parametrize("checkpoint", AT_THE_WEBHOOK)
def test_web_killed__before_it_answered_a_webhook_that_it_had_stored(site, checkpoint):
    web = site.web(checkpoint=f"{checkpoint}:hang")
    order = site.order()
    reference = site.started(order)
    site.bank.set(reference, "paid")
    _kill_there(web, checkpoint)
    eventually(lambda: site.bank.webhook_states(reference), ["failed"])
    site.web()
    site.worker(beat=True, ready=False)

    site.ends_well(order)


@pytest.mark.parametrize("checkpoint", AT_THE_RETURN)
def test_web_killed__while_the_buyer_returns_and_no_webhook_comes(open_site, redis, checkpoint):
    site = open_site(SITE_BROKER=redis.url, SITE_POLL_SECONDS="2")
    web = site.web(checkpoint=f"{checkpoint}:hang")
    order = site.order()
    site.bank.set(site.started(order), "paid", webhook=False)
    with ThreadPoolExecutor(1) as buyer:
        page = buyer.submit(site.come_back, order)
        _kill_there(web, checkpoint)
        assert isinstance(page.exception(10), requests.ConnectionError)
    site.web()
    site.worker(beat=True, ready=False)

    site.ends_well(order)


@pytest.mark.parametrize("checkpoint", IN_THE_WORKER)
def test_sweep_killed__the_next_run_of_cron_finishes_it(open_site, checkpoint):
    """The smallest shop: SQLite, no Celery, the whole work is done by ``manage.py payflow_sweep``."""
    site = open_site("sqlite")
    site.web()
    order = site.order()
    site.started(order)
    _webhook_arrives(site, order)

    _kill_there(site.command("payflow_sweep", checkpoint=f"{checkpoint}:hang"), checkpoint)
    assert site.books(order) != ONCE

    def after_the_next_run():
        site.sweep()
        return site.books(order)

    eventually(after_the_next_run, ONCE)
    assert after_the_next_run() == ONCE
