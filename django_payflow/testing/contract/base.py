"""Fixtures that every group of scenarios shares, and how a scenario says what it needs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from django.core.cache import cache
from django.urls import reverse

from ... import checkpoints, clock, metrics, tasks
from ...messages import Checkout, Reference
from ...providers.base import Provider
from .shop import Shop
from .stage import ALIASES, SHOP, Act, Stage, Trait

__all__ = ["Contract", "declared_skips", "needs", "needs_of", "scenarios"]

Scenario = TypeVar("Scenario", bound=Callable[..., None])


def needs(*what: Act | Trait) -> Callable[[Scenario], Scenario]:
    """Have a scenario skipped, with the reason, where the stage says that the provider lacks one of these."""

    def mark(scenario: Scenario) -> Scenario:
        scenario.__dict__["needs"] = what
        return scenario

    return mark


def needs_of(scenario: Any) -> tuple[Act | Trait, ...]:
    """Return what a scenario needs."""
    found: tuple[Act | Trait, ...] = getattr(scenario, "needs", ())
    return found


def scenarios(contract: type[Contract]) -> Mapping[str, Callable[..., None]]:
    """Return every scenario of a contract by its name."""
    return {
        name: scenario
        for name, scenario in inspect.getmembers(contract, inspect.isfunction)
        if name.startswith("test_")
    }


def declared_skips(contract: type[Contract], stage: Stage) -> Mapping[str, str]:
    """Return the scenarios that a stage skips, each with the reason it declares."""
    reasons = {
        name: next((why for what in needs_of(scenario) if (why := stage.lacks(what))), "")
        for name, scenario in scenarios(contract).items()
    }
    return {name: why for name, why in reasons.items() if why}


class Contract:
    """What the groups of scenarios have in common. Override the fixture ``stage``."""

    @pytest.fixture
    def stage(self) -> Stage:
        """The provider under test, on its stage."""
        raise NotImplementedError("override the fixture `stage`: return a Stage of your provider")

    @pytest.fixture(autouse=True)
    def _played_only_where_it_can_be(self, request: pytest.FixtureRequest, stage: Stage) -> None:
        for what in needs_of(getattr(request, "function", None)):
            if why := stage.lacks(what):
                pytest.skip(f"{stage.name}: {why}")

    @pytest.fixture(autouse=True)
    def configured(
        self, _played_only_where_it_can_be: None, stage: Stage, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[Callable[..., None]]:
        """Two accounts of the provider, a fulfilment, an empty provider. Yields ``change(**payflow_settings)``."""
        monkeypatch.setattr("django_payflow.providers.http.GET_PAUSES", (0.01, 0.01))
        stage.begin()
        settings.ALLOWED_HOSTS = ["*"]
        settings.PAYFLOW = {
            "BASE_URL": SHOP,
            "ALLOW_SIMULATORS": True,
            "PROVIDERS": {
                alias: {"BACKEND": stage.backend, "LABEL": f"Account {alias}", "OPTIONS": stage.options(number)}
                for number, alias in ALIASES.items()
            },
            "FULFILMENT": {"hand_over": {"HANDLER": f"{Shop.__module__}.hand_over"}},
        }
        for number, alias in ALIASES.items():
            stage.listen(number, SHOP + reverse("payflow:webhook-account", args=[alias]))
        _forget()

        def change(**values: Any) -> None:
            settings.PAYFLOW = {**settings.PAYFLOW, **values}

        yield change
        stage.calm()
        clock.move(timedelta(0))
        _forget()

    @pytest.fixture
    def provider(self, configured: Any, stage: Stage) -> Provider[Any]:
        """The adapter of account 1, recording what it sends."""
        return stage.provider()

    @pytest.fixture
    def checkout(self, configured: Any, stage: Stage) -> Checkout:
        """One attempt to pay the everyday amount at account 1."""
        return stage.checkout()

    @pytest.fixture
    def reference(self, provider: Provider[Any], checkout: Checkout) -> Reference:
        """What an open payment of that attempt is called at the provider."""
        return provider.create(checkout).report.references[0]

    @pytest.fixture
    def shop(self, db: Any, client: Any, stage: Stage, configured: Callable[..., None]) -> Shop:
        """A shop with one order to pay. Uses the database."""
        return Shop(stage, client, configured)


def _forget() -> None:
    """What this process remembers from one scenario to the next."""
    checkpoints.disarm()
    metrics.reset()
    tasks.reset()
    cache.clear()
