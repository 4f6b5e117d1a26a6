"""Lost answers and a provider in trouble: one payment there, the buyer gets on, and nothing is concluded."""
# ruff: noqa: S101 - a test suite asserts

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.urls import reverse

from ... import clock
from ...models import Payment
from .base import Contract, needs
from .shop import Shop
from .stage import Act, Call, Stage, Trait, Trouble

GUARD = 8
"""Seconds: against hanging for ever, not a measurement."""


class LostCreate(Contract):
    """The create call's answer does not arrive."""

    @needs(Trait.ORPHANS, Trait.PAGE_AGAIN)
    @pytest.mark.parametrize("trouble", [Trouble.LOST, Trouble.TRUNCATED, Trouble.AFTER])
    def test_lost__the_sweep_adopts_the_payment_and_the_buyer_goes_on(
        self, stage: Stage, shop: Shop, trouble: Trouble
    ) -> None:
        stage.trouble(Call.CREATE, trouble, times=1)
        answer = shop.press_pay()
        waiting = reverse("payflow:return", args=[shop.payment.return_token])
        assert (answer.status_code, answer["Location"]) == (303, waiting)
        assert (shop.payment.status, shop.payment.references.count()) == ("created", 0)

        shop.later(11)
        assert stage.payments() == [shop.reference]
        assert (shop.payment.status, len(stage.payments())) == ("pending", 1)
        assert shop.watch() == {"standing": "open", "next": shop.payment.checkout_url}
        assert stage.page(shop.payment.checkout_url)[0] == 200

        shop.news(Act.PAY)
        assert (shop.now(), shop.handed_over, Payment.objects.count()) == ("completed", 1, 1)

    @needs(Trait.ORPHANS, Trait.PAGE_AGAIN)
    def test_lost__pressing_pay_again_makes_no_second_payment(self, stage: Stage, shop: Shop) -> None:
        stage.trouble(Call.CREATE, Trouble.LOST, times=1)
        shop.press_pay()
        shop.press_pay()
        shop.later(11)

        assert len(stage.payments()) == 1
        assert shop.press_pay()["Location"] == shop.payment.checkout_url

    @needs(Trait.ORPHANS, Trait.PAGE_AGAIN)
    def test_lost__the_waiting_buyer_himself_brings_it_on(self, stage: Stage, shop: Shop) -> None:
        stage.trouble(Call.CREATE, Trouble.LOST, times=1)
        shop.press_pay()

        page = shop.come_back()
        assert (page.status_code, page["Location"]) == (303, shop.payment.checkout_url)
        assert len(stage.payments()) == 1

    @needs(Trait.ORPHANS, Trait.PAGE_ONCE)
    @pytest.mark.parametrize("trouble", [Trouble.LOST, Trouble.TRUNCATED, Trouble.AFTER])
    def test_lost_page__the_sweep_adopts_the_payment_and_paying_again_gives_a_new_page(
        self, stage: Stage, shop: Shop, trouble: Trouble
    ) -> None:
        stage.trouble(Call.CREATE, trouble, times=1)
        answer = shop.press_pay()
        waiting = reverse("payflow:return", args=[shop.payment.return_token])
        assert (answer.status_code, answer["Location"]) == (303, waiting)

        shop.later(11)
        assert stage.payments() == [shop.reference]
        assert (shop.payment.status, shop.payment.checkout_url) == ("pending", "")
        assert stage.calls(Call.CREATE) == 1, "what exists is not made again"

        answer = shop.press_pay()
        assert (answer.status_code, answer["Location"]) == (303, shop.payment.checkout_url)
        assert stage.page(shop.payment.checkout_url)[0] == 200
        assert (Payment.objects.count(), len(stage.payments())) == (2, 2)
        shop.news(Act.PAY)
        assert (shop.now(), shop.handed_over, shop.cases()) == ("completed", 1, set())

    @needs(Trait.ORPHANS, Trait.PAGE_ONCE)
    def test_lost_page__pressing_pay_again_at_once_gives_a_page_too(self, stage: Stage, shop: Shop) -> None:
        stage.trouble(Call.CREATE, Trouble.LOST, times=1)
        shop.press_pay()

        assert shop.press_pay()["Location"] == shop.payment.checkout_url
        assert shop.press_pay()["Location"] == shop.payment.checkout_url
        assert len(stage.payments()) == 2, "the one whose page is lost, and the one that is offered"

    @needs(Trait.ORPHANS, Trait.PAGE_ONCE)
    def test_lost_page__money_for_it_is_seen_all_the_same(self, stage: Stage, shop: Shop) -> None:
        """Nobody should have that page. Whoever pays there pays: once is enough, twice is for a person."""
        stage.trouble(Call.CREATE, Trouble.LOST, times=1)
        shop.press_pay()
        lost = shop.payment
        shop.press_pay()

        shop.news(Act.PAY, shop.reference_of(lost))
        assert (shop.now(), shop.handed_over) == ("completed", 1)
        shop.news(Act.PAY)
        assert [payment.captured for payment in Payment.objects.order_by("pk")] == [shop.order.total] * 2
        assert shop.handed_over == 1
        assert "surplus" in shop.cases()

    @needs(Trait.KEYS)
    def test_lost__is_asked_for_under_one_and_the_same_key(self, stage: Stage, shop: Shop) -> None:
        stage.trouble(Call.CREATE, Trouble.LOST, times=2)
        shop.press_pay()
        shop.later(11)
        shop.later(61)

        assert set(stage.keys()) == {shop.payment.key}
        assert len(stage.payments()) == 1

    @needs(Trait.FIND)
    def test_lost__beyond_the_keys_life_it_is_found_and_not_made_again(self, stage: Stage, shop: Shop) -> None:
        stage.trouble(Call.CREATE, Trouble.LOST, times=1)
        payment = shop.start(method=stage.cancelable_method)
        stage.play(stage.payments()[0], Act.PAY, webhook=False)

        shop.later((stage.provider_class.key_life + timedelta(hours=1)).total_seconds())
        assert stage.payments() == [shop.reference]
        assert (stage.calls(Call.CREATE), payment.key) == (1, shop.payment.key)
        assert (shop.payment.status, shop.now(), shop.handed_over) == ("paid", "completed", 1)

    @needs(Trait.FIND)
    def test_lost__and_nowhere_to_be_found_is_given_up_after_two_searches(self, stage: Stage, shop: Shop) -> None:
        stage.trouble(Call.CREATE, Trouble.BEFORE)
        shop.start()
        stage.advance((stage.provider_class.key_life + timedelta(hours=1)).total_seconds())

        shop.work()
        assert shop.payment.status == "created"
        shop.later(9 * 60)
        assert shop.payment.status == "created"
        shop.later(61)
        assert (shop.payment.status, shop.now(), stage.payments()) == ("failed", "failed", [])
        stage.calm()
        assert shop.press_pay()["Location"] == shop.payment.checkout_url
        assert stage.payments() == [shop.reference]

    @needs(Trait.FIND)
    def test_lost__a_search_that_fails_proves_nothing(self, stage: Stage, shop: Shop) -> None:
        stage.trouble(Call.CREATE, Trouble.LOST, times=1)
        shop.start()
        stage.trouble(Call.FIND, stage.failed_search)
        life = (stage.provider_class.key_life + timedelta(hours=1)).total_seconds()
        for seconds in (life, 1000, 1000):
            shop.later(seconds)
            assert shop.payment.status == "created"

        stage.calm()
        shop.later(3700)
        assert stage.payments() == [shop.reference]

    @needs(Trait.FIND, Trait.AMOUNT)
    def test_orphan__that_asks_for_other_money_is_not_adopted(self, stage: Stage, shop: Shop) -> None:
        stage.trouble(Call.CREATE, Trouble.LOST, times=1)
        shop.start(method=stage.cancelable_method)
        stage.tell(stage.payments()[0], amount=shop.order.total - 100)
        shop.later((stage.provider_class.key_life + timedelta(hours=1)).total_seconds())

        assert (shop.payment.references.count(), shop.payment.checkout_url) == (0, "")
        assert shop.cases() == {"foreign_object"}

    @needs(Trait.AGAIN)
    @pytest.mark.parametrize("trouble", [Trouble.BEFORE, Trouble.BUSY])
    def test_not_done__is_sent_again(self, stage: Stage, shop: Shop, trouble: Trouble) -> None:
        stage.trouble(Call.CREATE, trouble, times=1)
        assert shop.press_pay().status_code == 303
        assert stage.payments() == []

        shop.later(11)
        assert (stage.payments(), shop.payment.status) == ([shop.reference], "pending")

    @needs(Trait.AGAIN)
    def test_turned_away__the_providers_pause_is_kept(self, stage: Stage, shop: Shop) -> None:
        stage.trouble(Call.CREATE, Trouble.BUSY, times=1, retry_after=300)
        shop.press_pay()

        shop.later(290)
        assert stage.calls(Call.CREATE) == 1
        shop.later(11)
        assert (stage.calls(Call.CREATE), len(stage.payments())) == (2, 1)

    @needs(Trait.REFUSES)
    def test_refused__the_buyer_is_told_politely_and_may_try_again(self, stage: Stage, shop: Shop) -> None:
        refused = shop.press_pay(method=stage.refused_method)

        assert (refused.status_code, shop.payment.status, shop.now()) == (409, "failed", "failed")
        assert shop.press_pay().status_code == 303

    @needs(Trait.ORPHANS)
    @pytest.mark.slow
    def test_hang__pressing_pay_takes_bounded_time(self, stage: Stage, shop: Shop) -> None:
        shop.change(START_PATIENCE=0.5)
        stage.trouble(Call.CREATE, Trouble.SLOW, times=1)
        began = time.monotonic()

        assert shop.press_pay().status_code == 303
        assert time.monotonic() - began < GUARD
        assert shop.payment.status == "created", "the answer was waited for"
        ends = time.monotonic() + GUARD
        while not stage.calls(Call.CREATE):  # logged when its answer is sent; until then the key is in use
            assert time.monotonic() < ends, "the call that nobody waits for never ended"
            time.sleep(0.05)
        shop.later(11)
        assert (len(stage.payments()), shop.payment.status) == (1, "pending")


class TroubledAsking(Contract):
    """Asking about a payment fails."""

    @pytest.mark.parametrize("trouble", [Trouble.BEFORE, Trouble.BUSY, Trouble.LOST, Trouble.TRUNCATED])
    def test_trouble__leaves_the_payment_as_it_is_and_asks_again(
        self, stage: Stage, shop: Shop, trouble: Trouble
    ) -> None:
        shop.start()
        stage.play(shop.reference, Act.PAY, webhook=False)
        stage.trouble(Call.RETRIEVE, trouble)
        known = shop.state()

        assert shop.ask().outcome == "trouble"
        assert shop.state() == known
        later = shop.payment.next_check_at
        assert later is not None and clock.now() < later <= clock.now() + timedelta(seconds=60)
        stage.calm()
        shop.later(61)
        assert (shop.payment.status, shop.handed_over) == ("paid", 1)

    def test_missing__for_a_moment_is_no_news(self, stage: Stage, shop: Shop) -> None:
        shop.start()
        stage.play(shop.reference, Act.PAY, webhook=False)
        stage.trouble(Call.RETRIEVE, Trouble.MISSING, times=1)

        shop.ask()
        assert (shop.payment.status, shop.cases()) == ("pending", set())
        shop.later(61)
        assert (shop.payment.status, shop.handed_over) == ("paid", 1)

    def test_missing__never_takes_money_back(self, stage: Stage, shop: Shop) -> None:
        shop.start()
        shop.news(Act.PAY)
        stage.trouble(Call.RETRIEVE, Trouble.MISSING)
        for _ in range(5):
            shop.ask()
            shop.later(86400)

        assert (shop.payment.status, shop.payment.captured, shop.now()) == ("paid", shop.order.total, "completed")
        assert shop.handed_over == 1

    @pytest.mark.slow
    @pytest.mark.parametrize("trouble", [Trouble.HANG, Trouble.SLOW])
    def test_hang__the_returning_buyer_waits_a_moment_only(self, stage: Stage, shop: Shop, trouble: Trouble) -> None:
        shop.change(RETURN_PATIENCE=0.5)
        shop.start()
        stage.play(shop.reference, Act.PAY, webhook=False)
        stage.trouble(Call.RETRIEVE, trouble)
        began = time.monotonic()

        assert shop.come_back().status_code == 200
        assert time.monotonic() - began < GUARD
        assert shop.payment.status == "pending"
        stage.calm()
        shop.later(61)
        assert (shop.payment.status, shop.handed_over) == ("paid", 1)
