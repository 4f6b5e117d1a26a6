"""What the buyer's bank does with captured money, as the payment shows it."""
# ruff: noqa: S101 - a test suite asserts

from __future__ import annotations

from typing import Any

import pytest

from ...messages import Checkout
from ...providers.base import Provider
from .base import Contract, needs
from .desk import Desk
from .stage import Act, Stage, Trait


class Disputing(Contract):
    """``Report.disputes``, ``charged_back`` and ``held``."""

    @pytest.fixture
    def sold(self, stage: Stage, provider: Provider[Any], checkout: Checkout) -> Desk:
        """A payment that was paid."""
        return Desk.open(stage, provider, checkout, Act.PAY)

    @needs(Act.CHARGE_BACK_PART, Trait.LISTS_DISPUTES)
    def test_dispute__of_a_part_takes_that_part(self, sold: Desk) -> None:
        sold.play(Act.CHARGE_BACK_PART)
        report = sold.look()
        assert (report.captured, report.charged_back) == (sold.amount, sold.part)
        assert [(move.amount, move.status) for move in report.disputes] == [(sold.part, "open")]

    @needs(Act.CHARGE_BACK, Act.LOSE, Trait.LISTS_DISPUTES)
    def test_dispute__that_is_lost_keeps_the_money_away(self, sold: Desk) -> None:
        sold.play(Act.CHARGE_BACK)
        sold.play(Act.LOSE)
        report = sold.look()
        assert (report.charged_back, [move.status for move in report.disputes]) == (sold.amount, ["lost"])

    @needs(Act.INQUIRE, Act.INQUIRY_OVER, Trait.LISTS_DISPUTES)
    def test_inquiry__takes_no_money_and_holds_while_it_is_open(self, sold: Desk) -> None:
        sold.play(Act.INQUIRE)
        report = sold.look()
        assert (report.held, report.charged_back, report.captured) == (True, 0, sold.amount)
        assert [move.status for move in report.disputes] == ["inquiry"]

        sold.play(Act.INQUIRY_OVER)
        assert (sold.look().held, sold.look().charged_back) == (False, 0)
