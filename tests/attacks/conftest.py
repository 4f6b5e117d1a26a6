"""More accounts for the attacks: a second Mollie account, and a bank that signs."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from django_payflow import clock
from tests.attacks.signing_bank import SigningBank

SECRET = "bank-secret-0123456789"


@pytest.fixture
def payflow(sim: Any, settings: Any) -> Any:
    """Change ``settings.PAYFLOW`` in place of the simulator's view: ``payflow(RETRY_URL="/x/")``."""

    def change(
        *, options: dict[str, Any] | None = None, providers: dict[str, Any] | None = None, **values: Any
    ) -> None:
        changed = copy.deepcopy(settings.PAYFLOW)
        changed["PROVIDERS"]["mollie"]["OPTIONS"].update(options or {})
        changed["PROVIDERS"].update(providers or {})
        settings.PAYFLOW = {**changed, **values}

    return change


@pytest.fixture
def fresh_hour(sim: Any) -> None:
    """Begin an hour, and with it a minute: what is counted per minute or hour is not split by its end."""
    sim.advance(3600 - clock.now().timestamp() % 3600)


@pytest.fixture
def two_accounts(payflow: Any, sim: Any) -> Any:
    """Another account at the same provider: the alias ``other``, with a key of its own."""
    options = {"api_key": "test_" + "o" * 30, "base_url": sim.base_url("mollie")}
    payflow(providers={"other": {"BACKEND": "django_payflow.providers.mollie.MollieProvider", "OPTIONS": options}})


@pytest.fixture
def bank(payflow: Any) -> Any:
    """An account at a bank that signs its webhooks."""
    backend = "tests.attacks.signing_bank.SigningBank"
    payflow(providers={"bank": {"BACKEND": backend, "OPTIONS": {"signing_secrets": [SECRET]}}})
    SigningBank.says.clear()
    SigningBank.asked.clear()
    return SigningBank


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: Any) -> None:
    """A GET that met a passing fault is repeated at once: what is tested is that it is, not how long it waits."""
    monkeypatch.setattr("django_payflow.providers.http.GET_PAUSES", (0.01, 0.01))
