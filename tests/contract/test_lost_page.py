"""Where only the answer to the create call leads to the page: a buyer whose page is lost must be told so."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from django_payflow.testing.contract import Call, Contract, Shop, Stage, Trouble
from tests.contract.stages import STAGES


class TestLostPage(Contract):
    @pytest.fixture
    def stage(self, running_simulators: Any) -> Stage:
        return STAGES["golomt"](running_simulators)

    def test_waiting_buyer__is_led_to_pay_again(self, stage: Stage, shop: Shop) -> None:
        shop.change(RETRY_URL="/again/{reference}/")
        again = f"/again/{shop.order.reference}/"
        stage.trouble(Call.CREATE, Trouble.LOST, times=1)
        waiting = shop.press_pay()["Location"]
        assert waiting == reverse("payflow:return", args=[shop.payment.return_token])

        shop.later(11)
        assert shop.watch() == {"standing": "open", "next": again}
        page = shop.come_back()
        assert (page.status_code, page["Location"]) == (303, again)

        assert shop.press_pay()["Location"] == shop.payment.checkout_url
