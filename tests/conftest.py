"""Fixtures of the whole suite: simulators that play the providers, a clock that moves, orders to pay."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache

from django_payflow import checkpoints, flow, metrics, tasks
from django_payflow.models import OrderLine, Payment, get_order_model
from django_payflow.testing import Simulators, deliver
from tests.databases import postgres_url, redis_url

RAN_WITHOUT: list[str] = []
THOROUGH = (
    "tests/simulators/",
    "tests/aftercare/test_every_provider.py",
    "tests/golomt/test_broken_wires.py",
    "tests/mollie/test_broken_wires.py",
    "tests/stripe/test_broken_wires.py",
    "tests/wooshpay/test_broken_wires.py",
)
"""What ``make test`` leaves to ``make test-all`` for the sake of time: it rarely breaks, or says what others say."""
AT_ONCE = ("mollie", "stripe")
"""Providers whose stories through the flow are played by ``make test``; those of the others by ``make test-all``."""


def pytest_configure(config: pytest.Config) -> None:
    if postgres_url() is None:
        RAN_WITHOUT.append("PostgreSQL")
    if redis_url() is None:
        RAN_WITHOUT.append("Redis")
    if RAN_WITHOUT and os.environ.get("CI") == "true":
        raise pytest.UsageError(f"CI=true, but this machine runs without {' and '.join(RAN_WITHOUT)}")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that touch no database: another database has nothing to show with them."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        touches = fixtures & {"db", "transactional_db"} or item.get_closest_marker("django_db")
        if not touches and not item.get_closest_marker("services"):
            item.add_marker(pytest.mark.plain)
        if item.nodeid.startswith(THOROUGH) and "official_client" not in item.nodeid:
            item.add_marker(pytest.mark.thorough)
        story = touches and item.nodeid.startswith("tests/contract/test_contract.py")
        if story and not any(f"[{name}" in item.nodeid for name in AT_ONCE):
            item.add_marker(pytest.mark.thorough)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    from tests.contract import report  # models: not before Django is set up

    report.write(terminalreporter)
    if RAN_WITHOUT:
        names = " and ".join(RAN_WITHOUT)
        terminalreporter.write_line(
            f"Ran on SQLite only: no {names} found here, the tests that need them were skipped."
        )


@pytest.fixture(scope="session")
def running_simulators() -> Iterator[Simulators]:
    with Simulators() as running:
        yield running


@pytest.fixture(autouse=True)
def _fresh_process_state() -> Iterator[None]:
    yield
    checkpoints.disarm()
    metrics.reset()
    tasks.reset()
    cache.clear()


@pytest.fixture
def sim(running_simulators: Simulators, settings: Any) -> Iterator[Simulators]:
    """The simulators, empty, holding webhooks back; and the settings pointing at them."""
    running_simulators.reset()
    payflow = copy.deepcopy(django_settings.PAYFLOW)
    payflow["PROVIDERS"]["mollie"]["OPTIONS"]["base_url"] = running_simulators.base_url("mollie")
    settings.PAYFLOW = payflow
    yield running_simulators
    running_simulators.reset()


def new_order(**fields: Any) -> Any:
    """Save an order of 24.95 euro with two lines."""
    values = {"currency": "EUR", "email": "ada@example.com", "name": "Ada", **fields}
    lines = [
        OrderLine(sku="TEA", name="Sencha", quantity=2, unit_price=895, vat_rate=21),
        OrderLine(sku="POT", name="Small pot", quantity=1, unit_price=705, vat_rate=21),
    ]
    return get_order_model().objects.new(lines=values.pop("lines", lines), **values)


@pytest.fixture
def order(db: None) -> Any:
    return new_order()


class Story:
    """One buyer's story, told step by step; every step is what really happens."""

    def __init__(self, sim: Simulators, client: Any, order: Any) -> None:
        self.sim, self.client, self.order = sim, client, order

    def start(self, **kwargs: Any) -> Payment:
        """Press pay; the create call is made at the simulator."""
        started = flow.start_checkout(order=self.order, account="mollie", **kwargs)
        return Payment.objects.get(pk=started.payment_id)

    @property
    def payment(self) -> Payment:
        return Payment.objects.filter(order=self.order).latest("pk")

    @property
    def reference(self) -> str:
        return self.payment.references.get().value

    def bank(self, status: str, **kwargs: Any) -> None:
        """The buyer or the bank does something."""
        self.sim.set_status(self.reference, status, **kwargs)

    def webhook(self) -> Any:
        """The last webhook that the provider made reaches the shop; its work is done as a worker would."""
        answer = deliver(self.client, self.sim.deliveries()[-1])
        self.work()
        return answer

    def work(self) -> None:
        """Everything that is due gets done, as by the sweep."""
        flow.sweep(inline=True)

    def come_back(self) -> Any:
        return self.client.get(f"/payflow/return/{self.payment.return_token}/")

    def now(self) -> Any:
        """The order as the database has it."""
        self.order = get_order_model().objects.get(pk=self.order.pk)
        return self.order


@pytest.fixture
def story(sim: Simulators, client: Any, order: Any) -> Story:
    return Story(sim, client, order)
