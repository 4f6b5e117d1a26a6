"""The doctor's figures show what waits although it is tried again and again; and a wrong clock doubles no money.

In one process: the clock of the shop is its own.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from django_payflow import clock, flow
from django_payflow.models import Move
from django_payflow.testing.contract import Act, Call, Trouble
from django_payflow.testing.contract.base import Contract
from tests.contract.stages import STAGES

pytestmark = [pytest.mark.slow, pytest.mark.gauntlet("G13")]


class TestInVain(Contract):
    @pytest.fixture
    def stage(self, running_simulators: Any) -> Any:
        return STAGES["mollie"](running_simulators)

    def test_provider_down_for_an_hour__a_delivery_and_a_payment_that_are_tried_in_vain_are_too_old(self, shop):
        shop.start()
        shop.stage.trouble(Call.RETRIEVE, Trouble.BEFORE)
        shop.stage.play(shop.reference, Act.PAY)
        shop.deliver(shop.stage.deliveries()[-1])
        for _ in range(70):
            shop.later(60)

        assert [figure.name for figure in flow.figures() if figure.is_too_old] == ["delivery", "check"]
        assert max(figure.seconds for figure in flow.figures()) <= 71 * 60
        shop.stage.calm()
        for _ in range(70):
            shop.later(60)
        assert [figure.waiting for figure in flow.figures()] == [0, 0, 0, 0]
        assert shop.now() == "completed"

    def test_page_reloaded_while_the_provider_is_down__waits_no_longer_for_it(self, shop):
        """Each look is one more trouble, and the pauses of so many would be hours."""
        shop.start()
        shop.stage.trouble(Call.RETRIEVE, Trouble.BEFORE)
        for _ in range(20):
            shop.later(20)
            shop.ask()

        assert 0 < max(figure.seconds for figure in flow.figures()) <= 20 * 20 + 30

    def test_refund_turned_away_for_an_hour__is_too_old(self, shop):
        payment = shop.paid()
        shop.stage.trouble(Call.REFUND, Trouble.BUSY)
        flow.refund(payment_id=payment.pk, amount=100, actor="ann")
        for _ in range(70):
            shop.later(60)

        assert Move.objects.values_list("status", "attempts").get() == ("submitting", 0)
        assert [figure.name for figure in flow.figures() if figure.is_too_old] == ["check"]

    def test_refund__after_a_report_of_the_future_no_look_that_failed_counts(self, shop):
        """Our clock was three days ahead when the payment was read; then the answer of a refund is lost."""
        payment, right = shop.paid(), clock.offset()
        clock.move(right + timedelta(days=3))
        shop.ask()
        clock.move(right)
        shop.stage.trouble(Call.REFUND, Trouble.LOST, times=1)
        shop.stage.trouble(Call.RETRIEVE, Trouble.BEFORE)

        flow.refund(payment_id=payment.pk, amount=payment.amount // 5, actor="ann")
        for _ in range(6):
            shop.later(3600)  # Mollie forgets a key after an hour
        shop.stage.calm()
        for _ in range(6):
            shop.later(3600)

        assert shop.stage.sent_back(shop.reference) == [payment.amount // 5]
