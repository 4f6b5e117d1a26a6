"""kill -9 at every named point, at every provider: nothing is lost, nothing is doubled, and nobody had to help.

``make test-all`` plays every point at Mollie, and at the other providers the points beside a call to the adapter;
``make soak`` plays every point at every provider, and two kills in one story for every ordered pair of points.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from tests.services import ledger
from tests.services.conftest import show_on_failure
from tests.services.harness import Bank, Redis, free_port
from tests.services.matrix import AT_AN_ADAPTER, POINTS, PROVIDERS, CrashShop, CrashStory, Verdict, can_be_played

pytestmark = [
    pytest.mark.services,
    pytest.mark.slow,
    pytest.mark.reported,
    pytest.mark.gauntlet("G10"),
    pytest.mark.timeout(300),
]

EVERY_POINT = [(PROVIDERS[0], point) for point in POINTS]
BESIDE_A_CALL = list(itertools.product(PROVIDERS[1:], AT_AN_ADAPTER))
THE_REST = [each for each in itertools.product(PROVIDERS[1:], POINTS) if each[1] not in AT_AN_ADAPTER]
PAIRS = list(itertools.product(POINTS, POINTS))


def _named(cases: list[tuple[str, str]]) -> list[Any]:
    return [pytest.param(*case, id="-".join(case)) for case in cases]


@pytest.fixture(scope="module")
def crash_shop(tmp_path_factory: pytest.TempPathFactory, migrated: Any) -> Iterator[CrashShop]:
    """One shop for all kills: web, worker and beat, PostgreSQL, and a Redis and simulators of its own."""
    bank = Bank(tmp_path_factory.mktemp("bank"))
    redis = Redis(tmp_path_factory.mktemp("redis"), free_port())
    database = migrated("postgres").copy()
    shop = CrashShop(database, bank, redis, tmp_path_factory.mktemp("shop"))
    yield shop
    shop.stop()
    database.drop()
    redis.kill()
    bank.kill()


@pytest.fixture
def play(request: pytest.FixtureRequest, crash_shop: CrashShop) -> Any:
    """Play a story with kills at these points, in this order, and write down what came of it."""
    show_on_failure(request, crash_shop.site)

    def at(provider: str, *points: str) -> Verdict:
        if why := can_be_played(crash_shop.stages[provider], points):
            pytest.skip(f"{provider}: {why}")
        verdict = CrashStory(crash_shop, provider, points).play()
        ledger.write("pair" if len(points) > 1 else "point", verdict)
        return verdict

    return at


@pytest.mark.parametrize(("provider", "point"), _named([*EVERY_POINT, *BESIDE_A_CALL]))
def test_point__a_kill_there_loses_nothing_and_doubles_nothing(play, provider, point):
    verdict = play(provider, point)

    assert verdict.struck == (point,)
    assert verdict.is_clean, verdict


@pytest.mark.soak
@pytest.mark.parametrize(("provider", "point"), _named(THE_REST))
def test_point__at_every_other_provider_too(play, provider, point):
    verdict = play(provider, point)

    assert verdict.struck == (point,)
    assert verdict.is_clean, verdict


@pytest.mark.soak
@pytest.mark.parametrize("points", PAIRS, ids=[f"{first},{second}" for first, second in PAIRS])
def test_pair__a_second_kill_while_the_first_one_heals_changes_nothing(play, points):
    """Where the second point is not passed any more after the first, one kill is all there is."""
    verdict = play(PROVIDERS[0], *points)

    assert verdict.struck[:1] == points[:1]
    assert verdict.is_clean, verdict
