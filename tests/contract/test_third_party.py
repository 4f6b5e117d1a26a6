"""A third party's provider takes the same test: a dotted path, a stage of its own, one fixture, nothing registered.

Its books are kept in memory: the suite asks for no simulator of ours, and for a network only where it says so.
"""

from __future__ import annotations

import pytest

from django_payflow.providers import BUILTIN
from django_payflow.testing.contract import ProviderContract, Stage, declared_skips, scenarios
from tests.contract.village_bank import VillageBankStage


class TestVillageBank(ProviderContract):
    @pytest.fixture
    def stage(self) -> Stage:
        return VillageBankStage()


def test_third_party__is_registered_nowhere_and_plays_the_most_of_it() -> None:
    assert VillageBankStage.backend not in {*BUILTIN, *BUILTIN.values()}
    skipped = declared_skips(ProviderContract, VillageBankStage())
    assert len(skipped) <= 0.1 * len(scenarios(ProviderContract)), sorted(skipped)
