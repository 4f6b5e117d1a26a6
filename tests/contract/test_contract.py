"""The public contract, over every built-in provider and its simulator."""

from __future__ import annotations

from typing import Any

import pytest

from django_payflow.providers import BUILTIN
from django_payflow.testing.contract import ProviderContract, Stage
from tests.contract.stages import STAGES


class TestBuiltin(ProviderContract):
    @pytest.fixture(params=[name for name in BUILTIN if name in STAGES])
    def stage(self, request: pytest.FixtureRequest, running_simulators: Any) -> Stage:
        return STAGES[request.param](running_simulators)


def test_every_builtin_provider_has_a_stage() -> None:
    assert sorted(STAGES) == sorted(BUILTIN)
