"""Hours and days of outage: everything converges without a person, and the doctor's figures showed it meanwhile.

The processes are real; the days are days of the shop's clock and the provider's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from django_payflow.testing.contract import Trait
from tests.services.conftest import show_on_failure
from tests.services.harness import Bank, Redis, eventually, free_port
from tests.services.matrix import PROVIDERS
from tests.services.outage import HOUR, STRIDE, OutageShop, Sale, ends_well
from tests.services.wire import TROUBLES

pytestmark = [
    pytest.mark.services,
    pytest.mark.slow,
    pytest.mark.reported,
    pytest.mark.gauntlet("G13"),
    pytest.mark.timeout(900),
]

FIRST, *OTHERS = PROVIDERS
EVERY_PROVIDER = [FIRST, *(pytest.param(name, marks=pytest.mark.soak) for name in OTHERS)]
READ_TIMEOUT = 1.0
"""Seconds, of the accounts' options: a slow provider is then one that takes thirty times as long as we wait."""
DAY = 24 * HOUR
PATIENCE = 60.0


class Opened:
    """The shop of a module's tests, with what belongs to it."""

    def __init__(self, factory: pytest.TempPathFactory, migrated: Any, **options: Any) -> None:
        self.bank = Bank(factory.mktemp("bank"))
        self.directory, self.port = factory.mktemp("redis"), free_port()
        self.redis = Redis(self.directory, self.port)
        self.database = migrated("postgres").copy()
        self.shop = OutageShop(self.database, self.bank, self.redis, factory.mktemp("shop"), **options)

    def close(self) -> None:
        self.shop.stop()
        self.database.drop()
        self.redis.kill()
        self.bank.kill()


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory, migrated: Any) -> Iterator[Opened]:
    """One shop for all outages."""
    one = Opened(tmp_path_factory, migrated, read_timeout=READ_TIMEOUT)
    yield one
    one.close()


@pytest.fixture
def shop(request: pytest.FixtureRequest, opened: Opened) -> OutageShop:
    show_on_failure(request, opened.shop.site)
    if not opened.shop.has_workers():  # a test failed half-way
        opened.shop.workers_come()
    return opened.shop


def _delivered(shop: OutageShop, provider: str, number: int) -> list[Sale]:
    """Sales of before the outage, with nothing left to do."""
    sales = [shop.pays(shop.sell(provider)) for _ in range(number)]
    shop.converge(sales)
    return sales


def _dies(shop: OutageShop, point: str, deed: Callable[[], Any]) -> None:
    """A process dies at this point of what is done."""
    shop.clear()
    shop.lay(point)
    deed()
    eventually(lambda: shop.is_sprung(point), True, seconds=PATIENCE)
    shop.clear()


@pytest.mark.parametrize("provider", EVERY_PROVIDER)
def test_workers_gone_for_two_days__all_that_happened_is_done_when_they_are_back(shop, provider):
    can_refund = not shop.stages[provider].lacks(Trait.REFUND)
    kept = _delivered(shop, provider, 4 if can_refund else 1)
    shop.workers_go()
    sales = [*kept, shop.pays(shop.sell(provider, later=can_refund)), shop.pays(shop.sell(provider), told=False)]
    assert shop.site.come_back(sales[-1].order).status_code == 200  # the page asks; nobody is there to deliver

    for period in range(6):
        sales.append(shop.pays(shop.sell(provider)))
        sales.append(shop.pays(shop.sell(provider), told=False))
        if can_refund:
            _somebody_refunds(shop, period, kept)
        shop.sim.advance(8 * HOUR)

    said = shop.doctor()
    assert (said.status, said.findings["sweep"]) == (1, "wrong")
    assert said.too_old == {"delivery", "fulfilment", "check"} | ({"uncertain"} if can_refund else set())
    assert min(said.figures[name]["seconds"] for name in ("delivery", "fulfilment", "check")) > 47 * HOUR
    shop.workers_come()
    ends_well(shop, f"{provider}: workers and beat gone for two days", sales, said)


def _somebody_refunds(shop: OutageShop, period: int, kept: list[Sale]) -> None:
    """A person, a person whose web dies, and the dashboard, with and without a webhook."""
    answered, died, told, untold = kept
    if period == 1:
        answer = shop.ask_refund(answered)
        assert answer is not None
        assert answer.json()["status"] in {"pending", "succeeded"}
    elif period == 2:
        _dies(shop, "web.move.called", lambda: shop.ask_refund(died))
    elif period == 3:
        shop.refunded_in_dashboard(told, told=True)
        shop.refunded_in_dashboard(untold, told=False)


def test_providers_down_for_an_hour__one_refuses_and_one_talks_rubbish(shop):
    """The clock strides, so that there are fewer calls than in real life; ``make soak`` makes them all."""
    troubles = {FIRST: "refused", OTHERS[0]: "rubbish"}
    _an_hour_of_trouble(shop, troubles, "two providers down for an hour", stride=HOUR / 3)


@pytest.mark.soak
@pytest.mark.parametrize("turn", range(len(TROUBLES)))
def test_providers_down_for_an_hour__each_in_another_way(shop, turn):
    """In every turn another trouble strikes a provider: after five turns all have had all."""
    troubles = {name: TROUBLES[(number + turn) % len(TROUBLES)] for number, name in enumerate(PROVIDERS)}
    _an_hour_of_trouble(shop, troubles, f"every provider down for an hour, each in another way ({turn + 1})")


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_provider_slow_for_an_hour__thirty_real_seconds_a_call_with_default_timeouts(
    request, tmp_path_factory, migrated
):
    one = Opened(tmp_path_factory, migrated)
    show_on_failure(request, one.shop.site)
    try:
        _an_hour_of_trouble(one.shop, {FIRST: "slow"}, "an hour of 30 seconds per call")
    finally:
        one.close()


def _an_hour_of_trouble(shop: OutageShop, troubles: dict[str, str], name: str, *, stride: float = STRIDE) -> None:
    # A refund that got no answer for longer than its key lives, and that no list shows, is for a person to judge.
    listed = [each for each in troubles if shop.stages[each].lacks(Trait.UNLISTED_REFUNDS)]
    refundable = [each for each in listed if not shop.stages[each].lacks(Trait.REFUND)]
    kept = [sale for each in refundable for sale in _delivered(shop, each, 1)]
    told, untold = ([shop.sell(each) for each in troubles] for _ in range(2))
    starting = [shop.order_at(each) for each in troubles]

    with shop.broken(troubles, seconds=30):
        for sale in told:
            shop.pays(sale)
        for sale in untold:
            shop.pays(sale, told=False)
        for sale in kept:
            shop.ask_refund(sale)
        for sale in starting:
            assert not _is_led_to_the_page(shop, sale)
        shop.pass_time(1.1 * HOUR, patience=PATIENCE, stride=stride)
        said = shop.doctor()
        unfinished = [sale for sale in (*told, *untold, *kept) if not shop.is_settled(sale)]

    assert unfinished == [*told, *untold, *kept]
    assert said.status == 1
    assert "uncertain" in said.too_old
    silent = [each for each, trouble in troubles.items() if trouble != "rubbish"]  # some rubbish looks like an answer
    assert {said.findings[f"provider {each}"] for each in silent} == {"wrong"}
    for sale in starting:
        _tries_until_paid(shop, sale)
    ends_well(shop, name, [*kept, *told, *untold, *starting], said)


def _is_led_to_the_page(shop: OutageShop, sale: Sale) -> bool:
    answer = shop.press_pay(sale)
    assert answer.status_code in {303, 409}, answer.text[:500]  # never an error page
    return answer.headers.get("Location", "").startswith(shop.wires[sale.stage.name].url)


def _tries_until_paid(shop: OutageShop, sale: Sale) -> None:
    """The buyer tries again every five minutes, for as long as a patient buyer would."""
    for _ in range(8):
        if _is_led_to_the_page(shop, sale):
            shop.pays(sale)
            return
        shop.pass_time(HOUR / 12)
    raise AssertionError(f"not led to the page: {shop.story_of(sale)}")


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        pytest.param(3 * DAY, -3 * DAY, id="three days forward and back"),
        pytest.param(0.0, -HOUR, id="an hour back", marks=pytest.mark.soak),
    ],
)
def test_our_clock_jumps__what_was_written_in_the_future_waits_no_longer_than_the_jump_and_a_day(shop, wrong, right):
    """Workers die with leases that were given by the wrong clock; then the clock is put right."""
    (kept,) = _delivered(shop, FIRST, 1)
    told, claimed, delivering, untold = (shop.sell(FIRST) for _ in range(4))
    shop.set_our_clock(wrong)
    try:
        shop.pays(told)
        eventually(partial(shop.is_settled, told), True, seconds=PATIENCE)
        _dies(shop, "worker.confirm.claimed", lambda: shop.pays(claimed))
        _dies(shop, "worker.fulfil.claimed", lambda: shop.pays(delivering))
        _dies(shop, "web.move.called", lambda: shop.ask_refund(kept))
        fresh = shop.sell(FIRST)
        said = shop.doctor()
        shop.set_our_clock(right)
        shop.pays(fresh)
        shop.pays(untold, told=False)

        jump = timedelta(seconds=-right)
        sales = [kept, told, claimed, delivering, untold, fresh]
        name = "our clock three days ahead, and back" if wrong else "our clock put back by an hour"
        seconds = ends_well(shop, name, sales, said, longest=jump + timedelta(hours=2))
        # A payment whose webhook is lost, and which seemed old when it was last asked about, waits a day longer.
        assert seconds < -right + DAY + 2 * HOUR
    finally:
        shop.set_our_clock(-(wrong + right))


def test_broker_dead_for_the_whole_story__the_sweep_alone_ends_it(shop, opened):
    kept = _delivered(shop, FIRST, 2)
    shop.workers_go()
    opened.redis.kill()
    asked, in_the_dashboard = kept
    sales = [*kept, *(shop.pays(shop.sell(FIRST, later=later)) for later in (False, True))]
    sales += [shop.pays(shop.sell(FIRST), told=False) for _ in range(2)]
    assert shop.site.come_back(sales[-1].order).status_code == 200
    assert shop.ask_refund(asked) is not None
    shop.refunded_in_dashboard(in_the_dashboard, told=True)
    shop.sim.advance(1.1 * HOUR)

    said = shop.doctor()
    assert (said.status, said.findings["broker"]) == (1, "warning")
    assert said.too_old == {"delivery", "fulfilment", "check"}
    ends_well(shop, "broker dead, cron only", sales, said, sweep=shop.site.sweep)

    opened.redis = Redis(opened.directory, opened.port)
    shop.workers_come()
