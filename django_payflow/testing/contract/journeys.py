"""Whole stories, from "pay" to "handed over": the buyer, the provider and the shop, with the database."""
# ruff: noqa: S101 - a test suite asserts

from __future__ import annotations

from datetime import timedelta

import pytest

from ... import clock, flow
from ...exceptions import BankIsWorking, InvalidCheckout, OrderNotPayable
from ...models import Payment
from .base import Contract, needs
from .shop import ONE, TWO, Shop
from .stage import Act, Stage, Trait


class Journeys(Contract):
    """One order, one or two attempts, every ending."""

    def test_pay__leads_to_the_hosted_page(self, stage: Stage, shop: Shop) -> None:
        answer = shop.press_pay()

        assert (answer.status_code, answer["Location"]) == (303, shop.payment.checkout_url)
        assert stage.page(answer["Location"])[0] == 200
        assert (shop.payment.status, shop.now()) == ("pending", "pending")
        assert stage.asked(shop.reference).amount == shop.order.total

    def test_pay__a_double_click_gives_the_same_page(self, stage: Stage, shop: Shop) -> None:
        first, second = shop.press_pay(), shop.press_pay()

        assert first["Location"] == second["Location"]
        assert len(stage.payments()) == 1

    def test_paid__the_webhook_brings_it(self, shop: Shop) -> None:
        shop.start()
        shop.news(Act.PAY)

        assert (shop.payment.status, shop.payment.captured) == ("paid", shop.order.total)
        assert (shop.now(), shop.handed_over, shop.cases()) == ("completed", 1, set())

    def test_paid__the_returning_buyer_brings_it(self, stage: Stage, shop: Shop) -> None:
        shop.start()
        stage.play(shop.reference, Act.PAY, webhook=False)

        assert b"paid" in shop.come_back().content
        shop.work()
        assert (shop.now(), shop.handed_over) == ("completed", 1)

    def test_paid__the_poll_brings_it_when_no_webhook_ever_comes(self, stage: Stage, shop: Shop) -> None:
        shop.start()
        stage.play(shop.reference, Act.PAY, webhook=False)

        shop.later(301)
        assert (shop.payment.status, shop.now(), shop.handed_over) == ("paid", "completed", 1)

    def test_paid__after_two_days_of_outage_it_is_found_all_the_same(self, stage: Stage, shop: Shop) -> None:
        shop.start()
        stage.play(shop.reference, Act.PAY, webhook=False)

        shop.later(2 * 86400)
        assert (shop.payment.captured, shop.handed_over) == (shop.order.total, 1)

    def test_paid__webhook_return_and_poll_together_have_one_effect(self, stage: Stage, shop: Shop) -> None:
        shop.start()
        shop.news(Act.PAY)
        shop.come_back()
        shop.ask()
        shop.later()

        assert (shop.now(), shop.handed_over, shop.payment.captured) == ("completed", 1, shop.order.total)

    @needs(Trait.PAGE)
    def test_paid__on_the_hosted_page_itself(self, stage: Stage, shop: Shop) -> None:
        page = shop.press_pay()["Location"]

        back = stage.pay_on_page(page)
        assert shop.payment.return_token in back
        shop.come_back()
        shop.work()
        assert (shop.now(), shop.handed_over) == ("completed", 1)

    def test_paid__in_every_currency_to_the_last_unit(self, stage: Stage, shop: Shop) -> None:
        for currency, amount in stage.amounts:
            shop.order = shop.new_order(currency, amount)
            shop.start()
            shop.news(Act.PAY)
            assert (shop.payment.captured, shop.payment.status) == (amount, "paid"), currency
            assert (shop.now(), shop.handed_over) == ("completed", 1)

    def test_money__the_provider_does_not_take_is_refused_before_the_wire(self, stage: Stage, shop: Shop) -> None:
        currency, amount = next((code, minor) for code, minor in stage.refuses if minor > 0)
        shop.order = shop.new_order(currency, amount)

        assert shop.press_pay().status_code == 409
        with pytest.raises(InvalidCheckout):
            shop.start()
        assert flow.accounts_for(shop.order) == []
        assert (stage.calls(), Payment.objects.count(), shop.now()) == (0, 0, "draft")

    @needs(Trait.NO_MANUAL)
    def test_manual_capture__is_refused_before_the_wire_where_there_is_none(self, stage: Stage, shop: Shop) -> None:
        account = {"BACKEND": stage.backend, "OPTIONS": stage.options(), "CAPTURE": "manual"}
        shop.change(PROVIDERS={ONE: account})

        with pytest.raises(InvalidCheckout):
            shop.start()
        assert (stage.calls(), Payment.objects.count()) == (0, 0)

    def test_browser__proves_nothing(self, stage: Stage, shop: Shop) -> None:
        shop.start()
        for query in (
            "?status=paid",
            "?success=true&result=ok&errorCode=000",
            "?payment_intent=x&redirect_status=succeeded",
        ):
            assert shop.come_back(query).status_code == 200
        shop.work()

        assert (shop.payment.status, shop.now(), shop.handed_over) == ("pending", "pending", 0)

    @needs(Act.FAIL)
    def test_failed__the_buyer_is_told_and_may_try_again(self, shop: Shop) -> None:
        shop.start()
        shop.news(Act.FAIL)
        assert (shop.payment.status, shop.now()) == ("failed", "failed")
        assert shop.watch()["standing"] == "dead"

        assert shop.press_pay().status_code == 303
        shop.news(Act.PAY)
        assert (shop.now(), shop.handed_over, Payment.objects.count()) == ("completed", 1, 2)

    @needs(Act.CANCEL)
    def test_canceled__the_buyer_is_told_and_may_try_again(self, shop: Shop) -> None:
        shop.start()
        shop.news(Act.CANCEL)
        assert (shop.payment.status, shop.now()) == ("canceled", "failed")

        shop.start()
        shop.news(Act.PAY)
        assert (shop.now(), shop.handed_over) == ("completed", 1)

    @needs(Act.EXPIRE)
    def test_expired__the_buyer_may_try_again(self, shop: Shop) -> None:
        shop.start()
        shop.news(Act.EXPIRE)
        assert (shop.payment.status, shop.now()) == ("expired", "failed")

        shop.start()
        shop.news(Act.PAY)
        assert (shop.now(), shop.handed_over) == ("completed", 1)

    @needs(Trait.EXPIRES)
    def test_expired__comes_by_polling_alone(self, stage: Stage, shop: Shop) -> None:
        shop.start()
        shop.later(stage.lifetime.total_seconds() + 60)
        assert (shop.payment.status, shop.now()) == ("expired", "failed")

    @needs(Act.DECLINE)
    def test_declined__the_attempt_lives_on_and_can_still_be_paid(self, shop: Shop) -> None:
        shop.start()
        shop.news(Act.DECLINE)
        assert (shop.payment.status, shop.now()) == ("pending", "pending")

        shop.news(Act.PAY)
        assert (shop.now(), shop.handed_over, Payment.objects.count()) == ("completed", 1, 1)

    @needs(Act.PROCESS)
    def test_processing__nothing_is_handed_over_and_nobody_pays_twice(self, shop: Shop) -> None:
        shop.start()
        shop.news(Act.PROCESS)
        assert (shop.payment.status, shop.now(), shop.handed_over) == ("processing", "pending", 0)
        if not shop.payment.push:
            with pytest.raises(BankIsWorking):
                shop.start()

        shop.news(Act.PAY)
        assert (shop.now(), shop.handed_over) == ("completed", 1)

    @needs(Act.PROCESS, Act.FAIL)
    def test_processing__that_fails_lets_the_buyer_try_again(self, shop: Shop) -> None:
        shop.start()
        shop.news(Act.PROCESS)
        shop.news(Act.FAIL)
        assert (shop.payment.status, shop.now(), shop.handed_over) == ("failed", "failed", 0)
        assert shop.press_pay().status_code == 303

    @needs(Act.AUTHORIZE)
    def test_authorized__secures_the_order(self, shop: Shop) -> None:
        shop.start()
        shop.news(Act.AUTHORIZE)

        assert (shop.payment.status, shop.payment.capturable) == ("authorized", shop.order.total)
        assert (shop.now(), shop.handed_over) == ("completed", 1)
        with pytest.raises(OrderNotPayable):
            shop.start()

    @needs(Act.HOLD)
    def test_held__waits_for_the_review_and_then_goes_on(self, shop: Shop) -> None:
        shop.start()
        shop.news(Act.HOLD)
        assert (shop.payment.held, shop.handed_over) == (True, 0)

        shop.news(Act.PAY)
        assert (shop.payment.held, shop.now(), shop.handed_over) == (False, "completed", 1)

    @needs(Act.EXPIRE)
    def test_late_money__after_expiry_a_person_decides(self, shop: Shop) -> None:
        shop.start()
        shop.news(Act.EXPIRE)
        shop.news(Act.PAY)

        assert (shop.payment.status, shop.payment.captured) == ("paid", shop.order.total)
        assert (shop.cases(), shop.now(), shop.handed_over) == ({"late_money"}, "on_hold", 0)

    @needs(Act.FAIL)
    def test_late_money__after_failure_is_accepted(self, shop: Shop) -> None:
        shop.start()
        shop.news(Act.FAIL)
        shop.news(Act.PAY)
        assert (shop.payment.status, shop.now(), shop.handed_over, shop.cases()) == ("paid", "completed", 1, set())

    @needs(Act.REFUND)
    def test_refund__from_the_dashboard_appears(self, shop: Shop) -> None:
        shop.start()
        shop.news(Act.PAY)
        shop.news(Act.REFUND)

        assert (shop.payment.status, shop.payment.label) == ("paid", "refunded")
        assert (shop.payment.refunded, shop.payment.captured) == (shop.order.total, shop.order.total)
        assert (shop.now(), shop.handed_over) == ("completed", 1)

    @needs(Act.REFUND_PART)
    def test_refund__of_a_part_appears(self, shop: Shop) -> None:
        shop.start()
        shop.news(Act.PAY)
        shop.news(Act.REFUND_PART)
        assert (shop.payment.label, shop.payment.refunded) == ("partly refunded", shop.order.total // 5)

    @needs(Act.CHARGE_BACK)
    def test_chargeback__appears_with_a_case(self, shop: Shop) -> None:
        shop.start()
        shop.news(Act.PAY)
        shop.news(Act.CHARGE_BACK)
        assert (shop.payment.label, shop.payment.charged_back) == ("charged back", shop.order.total)
        assert shop.cases() == {"chargeback"}

    @needs(Act.CHARGE_BACK, Act.WIN)
    def test_chargeback__that_was_won_closes_its_case(self, shop: Shop) -> None:
        shop.start()
        shop.news(Act.PAY)
        shop.news(Act.CHARGE_BACK)
        shop.news(Act.WIN)
        assert (shop.payment.charged_back, shop.cases()) == (0, set())

    @needs(Trait.CANCEL)
    def test_deadline__an_open_payment_is_ended_at_the_provider(self, stage: Stage, shop: Shop) -> None:
        shop.order = shop.new_order(pay_before=clock.now() + timedelta(minutes=10))
        shop.start(method=stage.cancelable_method)

        shop.later(601)
        assert shop.payment.status in {"canceled", "expired"}
        assert shop.now() == "expired"
        assert not stage.payable(shop.reference)
        shop.news(Act.PAY)
        assert (shop.handed_over, shop.cases()) == (0, {"late_money"}), "and money after that is for a person"

    @needs(Trait.CANCEL)
    def test_two_accounts__the_first_offer_is_ended_before_the_second_account_is_asked(
        self, stage: Stage, shop: Shop
    ) -> None:
        first = shop.start(method=stage.cancelable_method)
        second = shop.start(account=TWO, method=stage.cancelable_method)

        assert Payment.objects.get(pk=first.pk).status in {"canceled", "expired"}
        assert not stage.payable(shop.reference_of(first))
        assert (second.account, second.status) == (TWO, "pending")
        shop.news(Act.PAY)
        assert (shop.now(), shop.handed_over) == ("completed", 1)

    @needs(Act.FAIL)
    def test_two_accounts__the_second_pays_after_the_first_failed(self, shop: Shop) -> None:
        shop.start()
        shop.news(Act.FAIL)
        shop.start(account=TWO)
        shop.news(Act.PAY)

        assert [payment.status for payment in Payment.objects.order_by("pk")] == ["failed", "paid"]
        assert (shop.now(), shop.handed_over) == ("completed", 1)

    @needs(Act.FAIL)
    def test_two_attempts__both_paid_hand_over_once_and_show_the_surplus(self, shop: Shop) -> None:
        first = shop.start()
        shop.news(Act.FAIL)
        shop.start()
        shop.news(Act.PAY)
        shop.news(Act.PAY, shop.reference_of(first))

        assert [payment.captured for payment in Payment.objects.order_by("pk")] == [shop.order.total] * 2
        assert (shop.now(), shop.handed_over) == ("completed", 1)
        assert "surplus" in shop.cases()
