"""Recovery without Celery: no worker, no beat, no broker. Cron runs ``manage.py payflow_sweep``, and that is all.

While cron is at work not even a web process runs. Where the story waits for a lease, a pause or a bank, the clock of
the shop and of the simulators is moved to that moment, which is where cron would find something to do.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.services.conftest import show_on_failure
from tests.services.databases import Database
from tests.services.harness import Bank, free_port
from tests.services.matrix import Remote
from tests.services.shop import ONCE, UNPAID, Books, Order, Site

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.timeout(300)]

LEASE = 60
TOTAL = 2495
RUNS = 40
"""Of cron, until a story counts as one that does not end."""
WEB_POINTS = ["move.intent", "move.claimed", "move.called"]
CRON_POINTS = ["move.claimed", "move.called", "move.settled"]


def first_and_rest(points: list[str]) -> list[Any]:
    """The first one is played in ``make test-all``, the others in ``make soak``."""
    first, *rest = points
    return [first, *(pytest.param(point, marks=pytest.mark.soak) for point in rest)]


class CronShop:
    """The smallest shop: a web process while somebody is there, and cron."""

    def __init__(self, database: Database, bank: Bank, directory: Path) -> None:
        bank.reset()
        bank.control("POST", "mollie/settings", {"refund_sent_after": 600, "refund_done_after": 600})
        self.bank, self.kind, clock_file = bank, database.kind, directory / "clock"
        self._traps, self._stumbles = directory / "traps", directory / "stumbles"
        self._traps.mkdir()
        self._stumbles.mkdir()
        self.sim = Remote(bank, clock_file)
        later = {
            "BACKEND": "mollie",
            "OPTIONS": {"api_key": "test_" + "l" * 30, "base_url": f"{bank.url}/mollie"},
            "CAPTURE": "on_fulfilment",
        }
        self.site = Site(
            database,
            bank,
            directory,
            CELERY_BROKER_URL=f"amqp://guest@127.0.0.1:{free_port()}//",
            SITE_LEASE_SECONDS=str(LEASE),
            SITE_ACCOUNTS=json.dumps({"later": later}),
            SITE_CLOCK=str(clock_file),
            SITE_TRAPS=str(self._traps),
            SITE_POINTS=" ".join({*WEB_POINTS, *CRON_POINTS}),
            SITE_STUMBLES=str(self._stumbles),
        )

    # -- what people and accidents do

    def paid_at_the_bank(self, *, account: str = "mollie", word: str = "paid") -> Order:
        """Its buyer has paid and closed his browser; no webhook comes."""
        order = self.site.order()
        assert self.site.start(order, account=account, method="creditcard").status_code == 303
        self.bank.set(self.site.reference(order), word, webhook=False)
        return order

    def known(self, order: Order) -> Order:
        """The shop has heard of the money, and has done nothing about it yet."""
        assert self.site.door(f"confirm/{self.site.payment_id(order)}/").json() == {"outcome": "applied"}
        return order

    def lay(self, trap: str) -> None:
        """The next process of the role that passes the point dies there."""
        (self._traps / f"{trap}.struck").unlink(missing_ok=True)
        (self._traps / trap).touch()

    def has_struck(self, trap: str) -> bool:
        return (self._traps / f"{trap}.struck").exists()

    def stumble(self, order: Order, times: int) -> None:
        """Shipping fails that often."""
        (self._stumbles / order.reference).write_text(str(times))

    def everybody_leaves(self) -> None:
        """From now on there is cron."""
        for process in self.site.processes:
            process.kill()
        assert not any(process.running for process in self.site.processes)

    # -- cron

    def cron(self, what: str, done: Callable[[], bool]) -> None:
        """Run the sweep, and let the clock go on to the next moment that matters, until it is done."""
        for _ in range(RUNS):
            self.site.sweep()
            if done():
                return
            self._go_on()
        raise AssertionError(f"cron ran {RUNS} times, and it is not {what}: {self.moves()}")

    def changes_nothing_more(self, *orders: Order) -> None:
        """After a day everything is as it was."""
        seen = [self._all(order) for order in orders]
        self.sim.advance(86_400)
        self.site.sweep()
        assert [self._all(order) for order in orders] == seen

    def _all(self, order: Order) -> tuple[Books, list[Any], list[Any]]:
        return self.site.books(order), self.moves(order), self.sums(order)

    def _go_on(self) -> None:
        now = datetime.now(UTC) + timedelta(seconds=self.sim.moved)
        moments = [moment for moment in self._moments() if moment > now]
        if moments:
            self.sim.advance((min(moments) - now).total_seconds() + 0.05)

    def _moments(self) -> Iterator[datetime]:
        """When rows want somebody; a leased one not before its lease is over."""
        for due, lease in self.site.database.rows(
            "SELECT next_check_at, lease_until FROM payflow_payment"
            " UNION ALL SELECT due_at, lease_until FROM payflow_move"
            " UNION ALL SELECT due_at, lease_until FROM payflow_webhookdelivery WHERE state = 'pending'"
            " UNION ALL SELECT due_at, lease_until FROM payflow_fulfilment"
            " WHERE status IN ('due', 'running', 'retry_wait')"
        ):
            if due is not None:
                yield max(_moment(each) for each in (due, lease) if each is not None)

    # -- the books

    def moves(self, order: Order | None = None) -> list[tuple[Any, ...]]:
        """Kind, amount and status of each capture, void and refund; of all orders, if none is named."""
        return self.site.database.rows(
            "SELECT m.kind, m.amount, m.status FROM payflow_move m JOIN payflow_payment p ON p.id = m.payment_id"
            " WHERE p.order_id = %s OR %s = 0 ORDER BY m.id",
            *[order.id if order else 0] * 2,
        )

    def sums(self, order: Order) -> list[tuple[Any, ...]]:
        statement = "SELECT status, captured, capturable, refunded FROM payflow_payment WHERE order_id = %s"
        return self.site.database.rows(statement, order.id)

    def order_status(self, order: Order) -> str:
        return self.site.books(order).order

    def made_at_the_bank(self, order: Order, what: str) -> list[tuple[str, str]]:
        """Its captures or refunds there: amount and status."""
        there = self.bank.control("GET", f"mollie/payments/{self.site.reference(order)}")
        return [(each["amount"]["value"], each["status"]) for each in there["_embedded"][what]]

    def state_at_the_bank(self, order: Order) -> str:
        return str(self.bank.payments_of(order.reference)[0]["status"])


def _moment(value: Any) -> datetime:
    """SQLite tells text, PostgreSQL a moment."""
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@pytest.fixture(scope="module")
def cron_bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    """Simulators whose clock moves with these shops' alone."""
    running = Bank(tmp_path_factory.mktemp("simulators"))
    yield running
    running.kill()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.soak)])
def shop(
    request: pytest.FixtureRequest, tmp_path: Path, cron_bank: Bank, migrated: Callable[[str], Database]
) -> Iterator[CronShop]:
    """A shop of its own for every story, so that cron finds this story and no other. Its web process runs."""
    database = migrated(request.param).copy()
    made = CronShop(database, cron_bank, tmp_path)
    try:
        show_on_failure(request, made.site)
        made.site.web()
        yield made
    finally:
        made.site.stop()
        database.drop()


# -- the stories


@pytest.mark.gauntlet("G13")
def test_lost_webhook__and_a_closed_browser_cron_finds_the_money(shop):
    order = shop.paid_at_the_bank()
    assert shop.site.books(order) == UNPAID
    shop.everybody_leaves()

    shop.cron("completed", lambda: shop.site.books(order) == ONCE)

    shop.changes_nothing_more(order)


def test_capture__on_fulfilment_is_made_by_cron(shop):
    order = shop.paid_at_the_bank(account="later", word="authorized")
    shop.everybody_leaves()

    shop.cron("captured", lambda: shop.sums(order) == [("paid", TOTAL, 0, 0)])

    assert shop.order_status(order) == "completed"
    assert shop.moves(order) == [("capture", TOTAL, "succeeded")]
    assert shop.made_at_the_bank(order, "captures") == [("24.95", "succeeded")]
    assert (shop.site.books(order).shipments, shop.site.books(order).cases) == (1, ())
    shop.changes_nothing_more(order)


@pytest.mark.gauntlet("G10")
@pytest.mark.parametrize("point", first_and_rest(CRON_POINTS))
def test_capture__whose_cron_is_killed_is_made_once_by_the_next(shop, point):
    order = shop.paid_at_the_bank(account="later", word="authorized")
    shop.everybody_leaves()
    trap = f"payflow_sweep.{point}"
    shop.lay(trap)
    shop.sim.advance(LEASE * 10)
    killed = shop.site.command("payflow_sweep")
    assert killed.wait() == -9
    assert shop.has_struck(trap)

    shop.cron("captured", lambda: shop.sums(order) == [("paid", TOTAL, 0, 0)])

    assert shop.moves(order) == [("capture", TOTAL, "succeeded")]
    assert shop.made_at_the_bank(order, "captures") == [("24.95", "succeeded")]
    shop.changes_nothing_more(order)


@pytest.mark.gauntlet("G7")
@pytest.mark.gauntlet("G10")
@pytest.mark.parametrize("point", WEB_POINTS)
def test_refund__whose_web_process_is_killed_is_made_once_by_cron(shop, point):
    order = shop.known(shop.paid_at_the_bank())
    shop.site.sweep()
    assert shop.site.books(order) == ONCE
    shop.lay(f"web.{point}")
    with pytest.raises(requests.ConnectionError):
        shop.site.door(f"refund/{shop.site.payment_id(order)}/", amount="500")
    assert shop.has_struck(f"web.{point}")
    assert shop.moves(order) == [("refund", 500, "submitting")]
    assert len(shop.made_at_the_bank(order, "refunds")) == (1 if point == "move.called" else 0)
    shop.everybody_leaves()

    shop.cron("refunded", lambda: shop.moves(order) == [("refund", 500, "succeeded")])

    assert shop.sums(order) == [("paid", TOTAL, 0, 500)]
    assert shop.made_at_the_bank(order, "refunds") == [("5.00", "refunded")]
    assert shop.site.books(order) == ONCE
    shop.changes_nothing_more(order)


@pytest.mark.gauntlet("G11")
def test_fulfilment__that_failed_twice_is_done_by_cron_and_took_effect_once(shop):
    order = shop.known(shop.paid_at_the_bank())
    shop.stumble(order, times=2)
    shop.everybody_leaves()

    shop.cron("completed", lambda: shop.site.books(order) == ONCE)

    attempts = shop.site.database.rows(
        "SELECT attempts FROM payflow_fulfilment WHERE order_id = %s AND handler = 'ship'", order.id
    )
    assert attempts == [(3,)]
    shop.changes_nothing_more(order)


@pytest.mark.gauntlet("G10")
@pytest.mark.parametrize("point", first_and_rest(["move.called", "move.claimed"]))
def test_void__of_a_cancelled_order_whose_web_process_was_killed_is_made_by_cron(shop, point):
    order = shop.known(shop.paid_at_the_bank(account="later", word="authorized"))
    shop.lay(f"web.{point}")
    with pytest.raises(requests.ConnectionError):
        shop.site.door(f"cancel/{order.id}/")
    assert shop.has_struck(f"web.{point}")
    assert shop.order_status(order) == "canceled"
    assert shop.moves(order) == [("void", TOTAL, "submitting")]
    shop.everybody_leaves()

    shop.cron("released", lambda: shop.sums(order) == [("canceled", 0, 0, 0)])

    assert shop.moves(order) == [("void", TOTAL, "succeeded")]
    assert shop.state_at_the_bank(order) == "canceled"
    assert shop.site.books(order).shipments == 0
    shop.changes_nothing_more(order)


# -- two crons


def test_two_crons__at_once_do_nothing_twice(shop):
    """Everything from above waits at the same time. Each run takes seconds, so that the next minute's meets it."""
    lost = [shop.paid_at_the_bank() for _ in range(3)]
    stumbling = shop.known(shop.paid_at_the_bank())
    shop.stumble(stumbling, times=2)
    captured = shop.known(shop.paid_at_the_bank(account="later", word="authorized"))
    canceled = shop.known(shop.paid_at_the_bank(account="later", word="authorized"))
    refunded = shop.known(shop.paid_at_the_bank())
    shop.site.door(f"fulfil/{shop.site.fulfilment_id(refunded, 'ship')}/")
    shop.lay("web.move.intent")
    with pytest.raises(requests.ConnectionError):
        shop.site.door(f"refund/{shop.site.payment_id(refunded)}/", amount="500")
    shop.site.web()
    shop.lay("web.move.claimed")
    with pytest.raises(requests.ConnectionError):
        shop.site.door(f"cancel/{canceled.id}/")
    shop.everybody_leaves()
    for operation in ("get", "refund", "capture"):
        shop.bank.fault(operation, "slow", seconds=0.5, times=2)

    def done() -> bool:
        paid = [shop.site.books(order) == ONCE for order in (*lost, stumbling, refunded)]
        moved = sorted(shop.moves()) == [
            ("capture", TOTAL, "succeeded"),
            ("refund", 500, "succeeded"),
            ("void", TOTAL, "succeeded"),
        ]
        return all(paid) and moved and shop.sums(captured) == [("paid", TOTAL, 0, 0)]

    for _ in range(RUNS):
        crons = [shop.site.command("payflow_sweep") for _ in range(2)]
        assert [cron.wait(60) for cron in crons] == [0, 0]
        assert not any("Traceback" in cron.log for cron in crons), crons[0].log + crons[1].log
        if done():
            break
        shop._go_on()

    assert done()
    assert shop.made_at_the_bank(refunded, "refunds") == [("5.00", "refunded")]
    assert shop.made_at_the_bank(captured, "captures") == [("24.95", "succeeded")]
    assert shop.state_at_the_bank(canceled) == "canceled"
    assert [shop.site.books(order).shipments for order in (captured, canceled)] == [1, 0]
    shop.changes_nothing_more(*lost, stumbling, captured, canceled, refunded)
