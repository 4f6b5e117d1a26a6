"""Wrong money, wrong mode, strange words: recorded, shown to a person, and never a reason to hand anything over."""
# ruff: noqa: S101 - a test suite asserts

from __future__ import annotations

import pytest

from .base import Contract, needs
from .shop import Shop
from .stage import Act, Stage, Trait


class Doubting(Contract):
    """The provider's answer is not what was asked for."""

    @needs(Trait.AMOUNT)
    @pytest.mark.parametrize("difference", [-1, 1, -100, 10_000])
    def test_wrong_amount__is_booked_exactly_and_hands_nothing_over(
        self, stage: Stage, shop: Shop, difference: int
    ) -> None:
        shop.order = shop.new_order(total=20_000)
        shop.start()
        stage.tell(shop.reference, amount=20_000 + difference)
        shop.news(Act.PAY)

        assert (shop.payment.status, shop.payment.captured) == ("conflicted", 20_000 + difference)
        assert (shop.cases(), shop.now(), shop.handed_over) == ({"mismatch"}, "on_hold", 0)

    @needs(Trait.AMOUNT)
    def test_wrong_amount__that_is_put_right_closes_its_case(self, stage: Stage, shop: Shop) -> None:
        shop.start()
        stage.tell(shop.reference, amount=shop.order.total - 1)
        shop.news(Act.PAY)
        assert shop.now() == "on_hold"

        stage.tell(shop.reference, amount=shop.order.total)
        shop.ask()
        shop.work()
        assert (shop.payment.status, shop.cases(), shop.now()) == ("paid", set(), "completed")
        assert shop.handed_over == 1

    @needs(Trait.AMOUNT)
    def test_wrong_demand__takes_the_page_back_before_anybody_pays(self, stage: Stage, shop: Shop) -> None:
        shop.start()
        stage.tell(shop.reference, amount=shop.order.total + 100)
        shop.ask()

        assert (shop.payment.checkout_url, shop.payment.withdraw) == ("", True)
        assert shop.cases() == {"mismatch"}

    @needs(Trait.CURRENCY)
    def test_wrong_currency__is_kept_beside_the_books_and_hands_nothing_over(self, stage: Stage, shop: Shop) -> None:
        """The same number in another currency is other money."""
        shop.start()
        other = stage.other_currency
        stage.tell(shop.reference, currency=other)
        shop.news(Act.PAY)

        payment = shop.payment
        assert (payment.status, payment.captured, payment.observed_currency) == ("conflicted", 0, other)
        assert (shop.now(), shop.handed_over) == ("on_hold", 0)

    @needs(Trait.MODE)
    def test_wrong_mode__is_refused_and_changes_nothing(self, stage: Stage, shop: Shop) -> None:
        shop.start()
        known = shop.state()
        stage.tell(shop.reference, live=True)
        stage.play(shop.reference, Act.PAY, webhook=False)

        assert shop.ask().outcome == "refused"
        assert (shop.state(), shop.now(), shop.handed_over) == (known, "pending", 0)
        assert shop.cases() == {"foreign_object"}

    @needs(Trait.STRANGE_WORD)
    def test_unknown_word__is_shown_to_a_person_and_asked_about_again(self, stage: Stage, shop: Shop) -> None:
        shop.start()
        known = shop.state()
        stage.tell(shop.reference, word="paid-ish")

        assert shop.ask().outcome == "trouble"
        assert (shop.state(), shop.cases(), shop.now()) == (known, {"unresolved"}, "pending")
        shop.news(Act.PAY)
        shop.ask()
        shop.work()
        assert (shop.payment.status, shop.cases(), shop.handed_over) == ("paid", set(), 1)

    @needs(Trait.MARK, Trait.FOREIGN_MARK)
    def test_copied_mark__makes_no_second_payment_ours(self, stage: Stage, shop: Shop) -> None:
        """Somebody with an account at the same shop copies our metadata into a payment of his own."""
        shop.start()
        kept = shop.reference
        stranger = stage.provider().create(stage.checkout()).report.references[0].value
        stage.tell(stranger, mark=shop.payment.key)
        stage.play(stranger, Act.PAY)
        for delivery in stage.deliveries():
            shop.deliver(delivery)
        shop.later()

        assert shop.state()["references"] and kept in shop.state()["references"]
        assert stranger not in shop.state()["references"]
        assert (shop.payment.status, shop.handed_over) == ("pending", 0)
