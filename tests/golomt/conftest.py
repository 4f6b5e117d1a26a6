"""The adapter at the simulated bank, and a shop that has an account there."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from django.conf import settings as django_settings

from tests.golomt.wire import BEARER, KEY, adapter

PUSH_URL = "https://shop.test/payflow/webhook/golomt/"


@pytest.fixture
def golomt(sim: Any) -> Any:
    """The adapter, against the simulator that speaks the bank's wire format."""
    return adapter(sim.base_url("golomt"))


@pytest.fixture
def account(sim: Any, settings: Any) -> Any:
    """Give the shop an account at the simulated bank, whose pushes it gets; returns what changes its options."""

    def change(**options: Any) -> str:
        payflow = copy.deepcopy(django_settings.PAYFLOW)
        payflow["PROVIDERS"]["golomt"] = {
            "BACKEND": "django_payflow.providers.golomt.GolomtProvider",
            "LABEL": "Golomt Bank",
            "OPTIONS": {
                "bearer_token": BEARER,
                "merchant_key": KEY,
                "test": True,
                "base_url": sim.base_url("golomt"),
                **options,
            },
        }
        settings.PAYFLOW = payflow
        return "golomt"

    sim.control("POST", "golomt/settings", {"push_url": PUSH_URL})
    change()
    return change
