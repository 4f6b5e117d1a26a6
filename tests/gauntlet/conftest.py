"""Settings of a story, changed on the way."""

from __future__ import annotations

import copy
from typing import Any

import pytest


@pytest.fixture
def payflow(sim: Any, settings: Any) -> Any:
    """Change ``settings.PAYFLOW``: ``payflow(LEASE_SECONDS=5)``, ``payflow(options={"api_key": ...})``."""

    def change(*, options: dict[str, Any] | None = None, **values: Any) -> None:
        changed = copy.deepcopy(settings.PAYFLOW)
        changed["PROVIDERS"]["mollie"]["OPTIONS"].update(options or {})
        settings.PAYFLOW = {**changed, **values}

    return change


@pytest.fixture
def no_hurry(payflow: Any) -> Any:
    """No fulfilment is configured, so an order rests in processing."""
    payflow(FULFILMENT={})


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: Any) -> None:
    """A GET that met a passing fault is repeated at once: what is tested is that it is, not how long it waits."""
    monkeypatch.setattr("django_payflow.providers.http.GET_PAUSES", (0.01, 0.01))
