"""The adapter's tests, without the waits between repeated GETs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.resurs.wire import adapter


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: Any) -> None:
    """A GET that met a passing fault is repeated at once: what is tested is that it is, not how long it waits."""
    monkeypatch.setattr("django_payflow.providers.http.GET_PAUSES", (0.01, 0.01))


@pytest.fixture
def resurs(sim: Any) -> Any:
    """The adapter, against the simulator that speaks Resurs Bank's wire format."""
    return adapter(sim.base_url("resurs"))
