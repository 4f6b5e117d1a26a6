"""Every scenario must be able to fail: here it meets a provider that is wrong in just that way."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from django_payflow import registry
from django_payflow.exceptions import PayflowError
from django_payflow.providers.base import Provider
from django_payflow.testing.contract import ProviderContract, Stage, scenarios
from tests.contract.catches import CATCHES, SLOW, Catch
from tests.contract.stages import STAGES
from tests.contract.wrong import calls, declarations, moves, reports, webhooks


@pytest.mark.slow
@pytest.mark.django_db
class TestCatches(ProviderContract):
    """The contract's fixtures without its scenarios."""

    locals().update(dict.fromkeys(scenarios(ProviderContract)))

    @pytest.fixture
    def stage(self, catch: Catch, running_simulators: Any) -> Stage:
        known = (
            each for each in STAGES.values() if issubclass(catch.provider, registry.provider_class(each.backend))
        )
        backend = f"{catch.provider.__module__}.{catch.provider.__name__}"
        return type("WrongStage", (next(known),), {"backend": backend, "name": catch.provider.__name__})(
            running_simulators
        )

    def _is_caught(self, catch: Catch, request: pytest.FixtureRequest) -> None:
        scenario = scenarios(ProviderContract)[catch.scenario]
        names = list(inspect.signature(scenario).parameters)[1:]
        with pytest.raises((AssertionError, pytest.fail.Exception, PayflowError, ValueError, KeyError, IndexError)):
            values = {
                name: catch.values[name] if name in catch.values else request.getfixturevalue(name) for name in names
            }
            scenario(self, **values)

    @pytest.mark.parametrize("catch", CATCHES, ids=lambda catch: f"{catch.provider.__name__}-{catch.scenario[5:60]}")
    def test_wrong_provider__is_caught(self, catch: Catch, request: pytest.FixtureRequest) -> None:
        self._is_caught(catch, request)

    @pytest.mark.parametrize("catch", SLOW, ids=lambda catch: f"{catch.provider.__name__}-{catch.scenario[5:60]}")
    def test_wrong_provider__is_caught_in_time(self, catch: Catch, request: pytest.FixtureRequest) -> None:
        self._is_caught(catch, request)


def test_most_scenarios__were_seen_to_fail() -> None:
    known = set(scenarios(ProviderContract))
    seen = {catch.scenario for catch in CATCHES + SLOW}
    assert seen <= known
    assert len(seen) >= 0.95 * len(known), sorted(known - seen)


def test_wrong_providers__are_all_used() -> None:
    used = {catch.provider for catch in CATCHES + SLOW}
    modules = (calls, declarations, moves, reports, webhooks)
    written = {
        each
        for module in modules
        for _, each in inspect.getmembers(module, inspect.isclass)
        if each.__module__ == module.__name__ and issubclass(each, Provider)
    }
    assert written - used == {reports.Altered}
