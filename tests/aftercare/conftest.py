"""A shop's till, its settings, and a warehouse that counts."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from tests.aftercare import warehouse
from tests.aftercare.kit import Till


@pytest.fixture
def till(story: Any) -> Till:
    return Till(story)


@pytest.fixture
def payflow(sim: Any, settings: Any) -> Any:
    """Change ``settings.PAYFLOW``: ``payflow(SURPLUS="refund")``, ``payflow(account={"CAPTURE": "manual"})``."""

    def change(*, account: dict[str, Any] | None = None, **values: Any) -> None:
        changed = copy.deepcopy(settings.PAYFLOW)
        changed["PROVIDERS"]["mollie"].update(account or {})
        settings.PAYFLOW = {**changed, **values}

    return change


@pytest.fixture
def no_hurry(payflow: Any) -> Any:
    """No fulfilment is configured, so an order rests in processing."""
    payflow(FULFILMENT={})


@pytest.fixture(autouse=True)
def _stocktaking() -> Iterator[None]:
    warehouse.forget()
    yield
    warehouse.forget()


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: Any) -> None:
    monkeypatch.setattr("django_payflow.providers.http.GET_PAUSES", (0.01, 0.01))
