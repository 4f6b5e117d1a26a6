"""Money that is only authorized, in a shop: captured, released, lost, or late."""
# ruff: noqa: S101 - a test suite asserts

from __future__ import annotations

import pytest

from ... import flow
from ...exceptions import CommandRefused, NotEnoughLeft
from ...models import Case
from .base import Contract, needs
from .shop import Shop
from .stage import Act, Call, Stage, Trait, Trouble

_KEY = "c" * 36


class Reserving(Contract):
    """Captures, voids, and what others do with an authorization."""

    @needs(Trait.MANUAL, Act.AUTHORIZE)
    def test_reserved__everything_is_captured_once_whoever_asks_again(self, stage: Stage, shop: Shop) -> None:
        payment = shop.reserved()
        assert (shop.sums(), shop.now()) == (("authorized", 0, payment.amount, 0), "processing")
        flow.capture(payment_id=payment.pk, actor="ann", key=_KEY)
        flow.capture(payment_id=payment.pk, actor="ann", key=_KEY)
        shop.settle()

        assert (shop.sums(), shop.moves()) == (
            ("paid", payment.amount, 0, 0),
            [("capture", payment.amount, "succeeded")],
        )
        assert (stage.calls(Call.CAPTURE), shop.now(), Case.objects.count()) == (1, "processing", 0)

    @needs(Trait.MANUAL, Trait.PART_CAPTURE, Act.AUTHORIZE)
    def test_reserved__a_final_part_leaves_the_order_as_it_is(self, shop: Shop) -> None:
        payment = shop.reserved()
        flow.capture(payment_id=payment.pk, amount=payment.amount // 5, final=True, actor="ann")
        shop.settle()

        assert (shop.sums(), shop.now()) == (("paid", payment.amount // 5, 0, 0), "processing")
        assert Case.objects.count() == 0

    @needs(Trait.MANUAL, Trait.SEVERAL_CAPTURES, Act.AUTHORIZE)
    def test_reserved__part_by_part_until_everything_is_taken(self, stage: Stage, shop: Shop) -> None:
        payment = shop.reserved()
        part = payment.amount // 5
        flow.capture(payment_id=payment.pk, amount=part, actor="ann")
        shop.settle()
        assert (shop.sums(), shop.payment.label) == (
            ("authorized", part, payment.amount - part, 0),
            "partly captured",
        )

        flow.capture(payment_id=payment.pk, actor="ann")
        shop.settle()
        assert (shop.sums(), stage.calls(Call.CAPTURE)) == (("paid", payment.amount, 0, 0), 2)
        assert Case.objects.count() == 0

    @needs(Trait.MANUAL, Trait.ONE_CAPTURE, Trait.PART_CAPTURE, Act.AUTHORIZE)
    def test_reserved__a_part_that_is_not_the_last_is_refused_where_there_is_but_one(
        self, stage: Stage, shop: Shop
    ) -> None:
        """The provider would let go of the rest, and the shop had promised nobody to."""
        payment = shop.reserved()
        with pytest.raises(CommandRefused):
            flow.capture(payment_id=payment.pk, amount=payment.amount // 5, final=False, actor="ann")
        assert (stage.calls(Call.CAPTURE), shop.moves()) == (0, [])

    @needs(Trait.MANUAL, Act.AUTHORIZE)
    def test_reserved__more_than_there_is_is_refused_before_the_wire(self, stage: Stage, shop: Shop) -> None:
        payment = shop.reserved()
        with pytest.raises(NotEnoughLeft) as refused:
            flow.capture(payment_id=payment.pk, amount=payment.amount + 1, actor="ann")
        with pytest.raises(NotEnoughLeft):
            flow.refund(payment_id=payment.pk, actor="ann")
        assert (refused.value.left, stage.calls(Call.CAPTURE), stage.calls(Call.REFUND)) == (payment.amount, 0, 0)

    @needs(Trait.MANUAL, Act.AUTHORIZE)
    @pytest.mark.parametrize("what", [Call.CAPTURE, Call.VOID])
    def test_reserved__a_lost_answer_is_found_and_nothing_is_asked_twice(
        self, stage: Stage, shop: Shop, what: Call
    ) -> None:
        payment = shop.reserved()
        stage.trouble(what, Trouble.LOST, times=1)
        stage.trouble(Call.RETRIEVE, Trouble.BEFORE)
        (flow.capture if what is Call.CAPTURE else flow.void)(payment_id=payment.pk, actor="ann")
        stage.calm()
        shop.later()
        shop.settle()

        captured = payment.amount if what is Call.CAPTURE else 0
        assert (shop.payment.captured, shop.payment.capturable) == (captured, 0)
        assert (shop.moves(), shop.cases()) == ([(what.value, payment.amount, "succeeded")], set())

    @needs(Trait.MANUAL, Act.AUTHORIZE)
    @pytest.mark.parametrize("trouble", [Trouble.BEFORE, Trouble.BUSY])
    def test_reserved__a_capture_that_was_not_done_is_sent_again(
        self, stage: Stage, shop: Shop, trouble: Trouble
    ) -> None:
        payment = shop.reserved()
        stage.trouble(Call.CAPTURE, trouble, times=1)
        assert flow.capture(payment_id=payment.pk, actor="ann").status == "submitting"
        shop.later()
        shop.settle()
        assert (shop.sums(), shop.moves()) == (
            ("paid", payment.amount, 0, 0),
            [("capture", payment.amount, "succeeded")],
        )

    @needs(Trait.MANUAL, Trait.VOID, Act.AUTHORIZE)
    def test_reserved__its_release_cancels_the_order(self, stage: Stage, shop: Shop) -> None:
        payment = shop.reserved()
        flow.void(payment_id=payment.pk, actor="ann")
        shop.settle()

        assert (shop.payment.captured, shop.payment.capturable, shop.now()) == (0, 0, "canceled")
        assert (shop.moves(), stage.calls(Call.VOID)) == ([("void", payment.amount, "succeeded")], 1)
        assert Case.objects.count() == 0

    @needs(Trait.MANUAL, Trait.VOID, Act.AUTHORIZE)
    def test_reserved__once_captured_it_is_neither_captured_nor_released(self, stage: Stage, shop: Shop) -> None:
        payment = shop.reserved()
        flow.capture(payment_id=payment.pk, actor="ann")
        shop.settle()
        for command in (flow.void, flow.capture):
            with pytest.raises(NotEnoughLeft):
                command(payment_id=payment.pk, actor="ann")
        assert (stage.calls(Call.VOID), stage.calls(Call.CAPTURE), len(shop.moves())) == (0, 1, 1)

    @needs(Trait.MANUAL, Trait.VOID, Act.AUTHORIZE)
    def test_cancel_order__releases_what_is_only_authorized(self, stage: Stage, shop: Shop) -> None:
        payment = shop.reserved()
        flow.cancel_order(order_id=shop.order.pk, actor="ann")
        shop.settle()
        assert (shop.now(), shop.payment.captured, shop.payment.capturable) == ("canceled", 0, 0)
        assert (shop.moves(), Case.objects.count()) == ([("void", payment.amount, "succeeded")], 0)

    @needs(Trait.MANUAL, Act.AUTHORIZE)
    def test_on_fulfilment__the_money_is_taken_when_the_shop_did_its_part(self, stage: Stage, shop: Shop) -> None:
        payment = shop.reserved(capture="on_fulfilment")
        assert (shop.handed_over, shop.now()) == (1, "completed")
        shop.settle()

        assert (shop.sums(), stage.calls(Call.CAPTURE)) == (("paid", payment.amount, 0, 0), 1)
        assert (shop.moves(), shop.cases()) == ([("capture", payment.amount, "succeeded")], set())

    # -- what others do

    @needs(Trait.MANUAL, Act.AUTHORIZE, Act.CAPTURE)
    def test_elsewhere__a_capture_in_the_dashboard_pays_the_order_once(self, stage: Stage, shop: Shop) -> None:
        payment = shop.reserved()
        stage.play(shop.reference, Act.CAPTURE, webhook=False)
        asked = flow.capture(payment_id=payment.pk, actor="ann")
        shop.settle()

        assert asked.status in {"failed", "submitting", "succeeded"}
        assert (shop.sums(), shop.now()) == (("paid", payment.amount, 0, 0), "processing")

    @needs(Trait.MANUAL, Act.AUTHORIZE, Act.CAPTURE_PART)
    def test_elsewhere__a_short_capture_is_a_conflict_that_a_person_may_accept(self, shop: Shop) -> None:
        payment = shop.reserved()
        shop.news(Act.CAPTURE_PART)
        shop.ask()
        assert (shop.payment.status, shop.payment.captured, shop.now()) == (
            "conflicted",
            payment.amount // 5,
            "on_hold",
        )

        flow.accept_payment(payment_id=payment.pk, reason="agreed by phone", actor="ann")
        assert (shop.payment.status, shop.now()) == ("paid", "processing")

    @needs(Trait.MANUAL, Act.AUTHORIZE, Act.VOID)
    def test_elsewhere__a_release_in_the_dashboard_holds_the_order(self, shop: Shop) -> None:
        shop.reserved()
        shop.news(Act.VOID)
        shop.ask()
        assert (shop.payment.status, shop.now(), shop.cases()) == ("canceled", "on_hold", {"authorization_lost"})

    @needs(Trait.MANUAL, Act.AUTHORIZE, Act.LAPSE)
    def test_elsewhere__a_lapse_holds_the_order(self, shop: Shop) -> None:
        shop.reserved()
        shop.news(Act.LAPSE)
        shop.ask()
        assert (shop.payment.capturable, shop.now(), shop.cases()) == (0, "on_hold", {"authorization_lost"})

    @needs(Trait.MANUAL, Trait.VOID, Act.AUTHORIZE, Act.CANCEL)
    def test_late__what_is_only_authorized_is_released_at_once(self, stage: Stage, shop: Shop) -> None:
        shop.reserved()
        shop.order = shop.new_order()
        shop.start()
        flow.cancel_order(order_id=shop.order.pk, actor="ann")
        shop.news(Act.CANCEL)
        shop.news(Act.AUTHORIZE)
        shop.settle()

        assert (shop.payment.captured, shop.payment.capturable, shop.handed_over) == (0, 0, 0)
        assert shop.moves() == [("void", shop.order.total, "succeeded")]
        assert stage.calls(Call.VOID) == 1
