"""The database crashes in the middle of everything, and comes back: what was answered "stored" is stored."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.services.conftest import show_on_failure
from tests.services.harness import Bank, Redis, eventually
from tests.services.outage import OutageShop, Sale, ends_well
from tests.services.private_postgres import DatabaseThere, PrivatePostgres

pytestmark = [
    pytest.mark.services,
    pytest.mark.slow,
    pytest.mark.reported,
    pytest.mark.gauntlet("G10"),
    pytest.mark.timeout(600),
]

HERE = "mollie"
PATIENCE = 60.0


@pytest.fixture
def server() -> Iterator[PrivatePostgres]:
    one = PrivatePostgres()
    yield one
    one.remove()


@pytest.fixture
def shop(
    request: pytest.FixtureRequest, server: PrivatePostgres, redis: Redis, tmp_path: Path, django_db_blocker: Any
) -> Iterator[OutageShop]:
    bank = Bank(tmp_path / "bank")
    database = DatabaseThere(server, tmp_path, django_db_blocker.unblock).migrate()
    one = OutageShop(database, bank, redis, tmp_path)
    show_on_failure(request, one.site)
    yield one
    one.stop()
    bank.kill()


class Provider:
    """It sends the webhooks of some payments again and again, and remembers what it was answered."""

    def __init__(self, shop: OutageShop, sales: list[Sale]) -> None:
        column = "SELECT webhook_token FROM payflow_payment WHERE order_id = %s"
        self._calls = [
            (
                f"{shop.site.urls[0]}/payflow/webhook/{HERE}/{shop.site.database.rows(column, sale.order.id)[0][0]}/",
                shop.reference(sale),
            )
            for sale in sales
        ]
        self.answers: list[tuple[str, int]] = []
        self._over = threading.Event()

    def statuses(self, since: int = 0) -> set[int]:
        return {status for _, status in self.answers[since:]}

    def taken(self) -> Counter[str]:
        """How often each was answered with 200."""
        return Counter(reference for reference, status in self.answers if status == 200)

    @contextmanager
    def calling(self) -> Iterator[None]:
        with ThreadPoolExecutor(2) as callers:
            calls = [callers.submit(self._call, turn) for turn in range(2)]
            try:
                yield
            finally:
                self._over.set()
        for call in calls:
            call.result()

    def _call(self, turn: int) -> None:
        while not self._over.wait(0.05):
            url, reference = self._calls[turn % len(self._calls)]
            answer = requests.post(url, data={"id": reference}, timeout=PATIENCE)
            self.answers.append((reference, answer.status_code))
            turn += 1


def _stored(shop: OutageShop) -> Counter[str]:
    rows = shop.site.database.rows("SELECT reference, SUM(hits) FROM payflow_webhookdelivery GROUP BY reference")
    return Counter({reference: int(hits) for reference, hits in rows})


def _what_is_answered(shop: OutageShop, sale: Sale, fresh: Sale, ids: tuple[str, int]) -> dict[str, int]:
    token, payment = ids
    asked = {
        "start": partial(shop.press_pay, fresh),
        "return": partial(requests.get, f"{shop.site.urls[0]}/payflow/return/{token}/", timeout=PATIENCE),
        "refund": partial(shop.site.door, f"refund/{payment}/", amount="100"),
        "sweep": partial(shop.site.door, "sweep/"),
    }
    return {name: ask().status_code for name, ask in asked.items()}


def test_database_crashes__while_a_payment_is_confirmed_a_webhook_stored_and_a_refund_made(shop, server):
    kept = shop.pays(shop.sell(HERE))
    shop.converge([kept])
    told, returning, fresh = shop.sell(HERE), shop.sell(HERE), shop.order_at(HERE)
    repeated = [shop.pays(shop.sell(HERE), told=False) for _ in range(4)]
    token = shop.site.database.rows("SELECT return_token FROM payflow_payment WHERE order_id = %s", told.order.id)
    ids = token[0][0], shop.site.payment_id(kept.order)
    processes = [process for process in shop.site.processes if process.name != "payflow_doctor"]
    provider, wire = Provider(shop, repeated), shop.wires[HERE]

    with ThreadPoolExecutor(2) as people, provider.calling():
        eventually(lambda: len(provider.taken()), len(repeated), seconds=PATIENCE)
        wire.break_("slow", seconds=PATIENCE)
        refund = people.submit(shop.ask_refund, kept)
        shop.pays(told)
        shop.pays(returning, told=False)
        page = people.submit(shop.site.come_back, returning.order)
        eventually(lambda: wire.spoilt >= 3, True, seconds=PATIENCE)
        server.crash()
        wire.mend()  # the provider's answers come to a shop without a database
        answers = refund.result(), page.result()
        eventually(lambda: 503 in provider.statuses(), True, seconds=PATIENCE)
        called_before = len(provider.answers)
        down = _what_is_answered(shop, told, fresh, ids)
        said = shop.doctor()
        while_down = provider.statuses(called_before)
        server.start()
        back = len(provider.answers)
        eventually(lambda: 200 in provider.statuses(back), True, seconds=PATIENCE)

    assert {answer.status_code for answer in answers if answer is not None} == {500}
    assert set(down.values()) == {500}
    assert while_down == {503}
    assert (said.status, said.findings["database"], said.figures) == (1, "wrong", {})
    assert provider.taken() <= _stored(shop)
    assert [process.name for process in processes if not process.running] == []
    eventually(partial(_can_press_pay, shop, fresh), True, seconds=PATIENCE)
    ends_well(shop, "database crashed and restarted", [kept, told, returning, *repeated, shop.pays(fresh)], said)


def _can_press_pay(shop: OutageShop, sale: Sale) -> bool:
    with suppress(requests.ConnectionError):
        return shop.press_pay(sale).status_code == 303
    return False
