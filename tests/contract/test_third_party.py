"""A third party's provider takes the same test: a dotted path, a stage of its own, one fixture, nothing registered.

Its books are kept in memory: the suite asks for no simulator of ours, and for a network only where it says so.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from django_payflow.providers import BUILTIN
from django_payflow.providers.base import Provider
from django_payflow.testing.contract import ProviderContract, Stage, declared_skips, scenarios
from tests.contract.village_stage import VillageBankStage


class TestVillageBank(ProviderContract):
    @pytest.fixture
    def stage(self) -> Stage:
        return VillageBankStage()


def test_third_party__is_registered_nowhere_and_plays_the_most_of_it() -> None:
    assert VillageBankStage.backend not in {*BUILTIN, *BUILTIN.values()}
    skipped = declared_skips(ProviderContract, VillageBankStage())
    assert len(skipped) <= 0.11 * len(scenarios(ProviderContract)), sorted(skipped)


def test_page__names_the_count_of_scenarios_and_every_part_of_the_seam() -> None:
    page = Path(__file__).resolve().parent.parent.parent / "docs" / "your-own-provider.md"
    text = page.read_text(encoding="utf-8")
    assert f"The suite has {len(scenarios(ProviderContract))} scenarios" in text
    flags = (name for name in vars(Provider) if name.startswith(("supports_", "tells_", "marks_")))
    for name in (*flags, "unlisted", "drops_canceled_refunds", "authorization_life", *Provider.__abstractmethods__):
        assert name in text, name
