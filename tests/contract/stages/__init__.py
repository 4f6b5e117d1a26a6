"""The stages of the built-in providers. A provider in ``BUILTIN`` without one is a failing test."""

from __future__ import annotations

from django_payflow.testing.contract.simulated import SimulatorStage
from tests.contract.stages.golomt import GolomtStage
from tests.contract.stages.mollie import MollieStage
from tests.contract.stages.resurs import ResursStage
from tests.contract.stages.stripe import StripeStage
from tests.contract.stages.wooshpay import WooshPayStage

__all__ = ["STAGES"]

STAGES: dict[str, type[SimulatorStage]] = {
    "mollie": MollieStage,
    "stripe": StripeStage,
    "wooshpay": WooshPayStage,
    "golomt": GolomtStage,
    "resurs": ResursStage,
}
