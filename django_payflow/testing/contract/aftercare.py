"""What a shop, a person or a buyer's bank does with money that is there: refunds, cancelled orders, disputes."""
# ruff: noqa: S101 - a test suite asserts

from __future__ import annotations

from typing import Any

import pytest

from ... import flow
from ...exceptions import NotEnoughLeft
from ...messages import MoveKind
from ...models import Case, Payment
from .base import Contract, needs
from .shop import ONE, TWO, Shop
from .stage import Act, Call, Stage, Trait, Trouble

_KEY = "k" * 36


def _left(shop: Shop) -> int:
    return flow.left_to(MoveKind.REFUND, shop.payment)[0]


class Aftercare(Contract):
    """Refunds, cancelled orders and disputes of a paid order."""

    @needs(Trait.REFUND)
    def test_refunding__everything_once_whoever_asks_again(self, stage: Stage, shop: Shop) -> None:
        payment = shop.paid()
        first = flow.refund(payment_id=payment.pk, actor="ann", key=_KEY)
        again = flow.refund(payment_id=payment.pk, actor="ann", key=_KEY)
        with pytest.raises(NotEnoughLeft):
            flow.refund(payment_id=payment.pk, actor="bob")
        shop.settle()

        assert first.move_id == again.move_id
        assert (stage.sent_back(shop.reference), shop.moves()) == (
            [payment.amount],
            [("refund", payment.amount, "succeeded")],
        )
        assert (shop.sums(), shop.payment.label) == (("paid", payment.amount, 0, payment.amount), "refunded")
        assert (shop.now(), shop.handed_over, shop.cases()) == ("completed", 1, set())

    @needs(Trait.REFUND, Trait.PART_REFUND)
    def test_refunding__in_parts_until_nothing_is_left(self, stage: Stage, shop: Shop) -> None:
        payment = shop.paid()
        part = payment.amount // 5
        flow.refund(payment_id=payment.pk, amount=part, actor="ann")
        shop.settle()
        assert (shop.payment.label, shop.payment.refunded, _left(shop)) == (
            "partly refunded",
            part,
            payment.amount - part,
        )

        flow.refund(payment_id=payment.pk, actor="ann")
        shop.settle()
        assert (shop.payment.label, shop.payment.refunded, _left(shop)) == ("refunded", payment.amount, 0)
        assert (sorted(stage.sent_back(shop.reference)), shop.cases()) == ([part, payment.amount - part], set())

    def test_refunding__more_than_is_left_is_refused_before_the_wire(self, stage: Stage, shop: Shop) -> None:
        payment = shop.paid()
        asked = stage.calls()
        with pytest.raises(NotEnoughLeft) as refused:
            flow.refund(payment_id=payment.pk, amount=payment.amount + 1, actor="ann")

        assert (refused.value.left, stage.calls(), shop.moves()) == (payment.amount, asked, [])

    @needs(Trait.REFUND)
    @pytest.mark.parametrize("trouble", [Trouble.LOST, Trouble.TRUNCATED])
    def test_refunding__a_lost_answer_is_found_and_nothing_is_doubled(
        self, stage: Stage, shop: Shop, trouble: Trouble
    ) -> None:
        payment = shop.paid()
        stage.trouble(Call.REFUND, trouble, times=1)
        stage.trouble(Call.RETRIEVE, Trouble.BEFORE)
        assert flow.refund(payment_id=payment.pk, actor="ann").status == "submitting"
        assert _left(shop) == 0, "it is reserved while nobody knows"
        stage.calm()
        shop.later()
        shop.settle()

        assert (stage.sent_back(shop.reference), shop.moves()) == (
            [payment.amount],
            [("refund", payment.amount, "succeeded")],
        )
        assert shop.cases() == set()

    @needs(Trait.REFUND)
    @pytest.mark.parametrize("trouble", [Trouble.BEFORE, Trouble.BUSY])
    def test_refunding__what_was_not_done_is_sent_again(self, stage: Stage, shop: Shop, trouble: Trouble) -> None:
        payment = shop.paid()
        stage.trouble(Call.REFUND, trouble, times=1)
        assert flow.refund(payment_id=payment.pk, actor="ann").status == "submitting"
        shop.later()
        shop.settle()

        assert (stage.sent_back(shop.reference), shop.moves()) == (
            [payment.amount],
            [("refund", payment.amount, "succeeded")],
        )

    @needs(Trait.REFUND, Trait.PART_REFUND, Act.REFUND, Trait.LISTS_REFUNDS)
    def test_refunding__what_somebody_sent_back_before_us_is_refused_and_counted_once(
        self, stage: Stage, shop: Shop
    ) -> None:
        payment = shop.paid()
        stage.play(shop.reference, Act.REFUND, webhook=False)

        asked = flow.refund(payment_id=payment.pk, amount=payment.amount // 5, actor="ann")
        assert asked.status == "failed"
        shop.ask()
        assert (shop.payment.refunded, _left(shop)) == (payment.amount, 0)
        assert stage.sent_back(shop.reference) == [payment.amount]

    @needs(Act.REFUND_PENDING, Act.REFUND_ARRIVES)
    def test_refunding__on_its_way_it_is_reserved_and_then_it_counts(self, shop: Shop) -> None:
        payment = shop.paid()
        shop.news(Act.REFUND_PENDING)
        assert (shop.moves(), shop.payment.refunded, _left(shop)) == ([("refund", payment.amount, "pending")], 0, 0)

        shop.news(Act.REFUND_ARRIVES)
        assert (shop.moves(), shop.payment.refunded) == ([("refund", payment.amount, "succeeded")], payment.amount)

    @needs(Trait.REFUND, Act.REFUND_ARRIVES, Act.REFUND_FAILS)
    def test_refunding__what_comes_back_is_a_case_and_can_be_sent_again(self, shop: Shop) -> None:
        payment = shop.paid()
        flow.refund(payment_id=payment.pk, actor="ann")
        shop.news(Act.REFUND_ARRIVES)
        shop.news(Act.REFUND_FAILS)

        assert (shop.moves(), shop.payment.refunded) == ([("refund", payment.amount, "returned")], 0)
        assert (shop.cases(), _left(shop)) == ({"refund_returned"}, payment.amount)

    @needs(Trait.REFUND, Trait.PART_REFUND, Act.REFUND_PART)
    def test_refunding__one_from_the_dashboard_stands_beside_ours(self, shop: Shop) -> None:
        payment = shop.paid()
        part = payment.amount // 5
        flow.refund(payment_id=payment.pk, amount=2 * part, actor="ann")
        shop.news(Act.REFUND_PART)
        shop.settle()

        assert shop.moves() == [("refund", 2 * part, "succeeded"), ("refund", part, "succeeded")]
        assert (shop.payment.refunded, _left(shop)) == (3 * part, payment.amount - 3 * part)

    @needs(Trait.NO_REFUND)
    def test_refunding__without_a_call_it_waits_for_a_person_who_arranged_it(self, stage: Stage, shop: Shop) -> None:
        payment = shop.paid()
        asked = stage.calls()
        waiting = flow.refund(payment_id=payment.pk, amount=payment.amount // 5, actor="ann")
        assert (waiting.status, shop.payment.refunded) == ("manual", 0)

        done = flow.confirm_move(move_id=waiting.move_id, reference="letter of the bank", actor="ann")
        assert (done.status, stage.calls()) == ("succeeded", asked)
        assert _left(shop) == payment.amount - payment.amount // 5

    @needs(Trait.REFUND)
    def test_two_accounts__each_refund_goes_to_the_one_that_was_paid(self, stage: Stage, shop: Shop) -> None:
        made = []
        for account in (ONE, TWO):
            shop.order = shop.new_order()
            made.append((shop.paid(account), shop.reference))
        for payment, _ in reversed(made):
            flow.refund(payment_id=payment.pk, actor="ann")

        assert [stage.sent_back(reference) for _, reference in made] == [[payment.amount] for payment, _ in made]

    @needs(Trait.REFUND)
    def test_cancel_order__gives_the_money_back(self, stage: Stage, shop: Shop) -> None:
        shop.change(FULFILMENT={})
        payment = shop.paid()
        assert shop.now() == "processing"
        flow.cancel_order(order_id=shop.order.pk, actor="ann")
        shop.settle()

        assert (shop.now(), shop.payment.label, Case.objects.count()) == ("canceled", "refunded", 0)
        assert stage.sent_back(shop.reference) == [payment.amount]

    # -- disputes

    @needs(Act.CHARGE_BACK_PART)
    def test_disputed__a_part_is_a_case_and_the_rest_can_be_refunded(self, shop: Shop) -> None:
        payment = shop.paid()
        part = payment.amount // 5
        shop.news(Act.CHARGE_BACK_PART)

        assert (shop.payment.label, shop.payment.charged_back) == ("charged back", part)
        assert (shop.moves(), shop.cases(), _left(shop)) == (
            [("dispute", part, "pending")],
            {"chargeback"},
            payment.amount - part,
        )

    @needs(Act.CHARGE_BACK, Act.LOSE)
    def test_disputed__and_lost_the_money_stays_away(self, shop: Shop) -> None:
        payment = shop.paid()
        shop.news(Act.CHARGE_BACK)
        shop.news(Act.LOSE)

        assert (shop.payment.charged_back, shop.cases(), _left(shop)) == (payment.amount, {"chargeback"}, 0)
        assert shop.moves() == [("dispute", payment.amount, "succeeded")]

    @needs(Act.CHARGE_BACK, Act.WIN)
    def test_disputed__and_won_the_order_goes_on(self, shop: Shop) -> None:
        shop.change(FULFILMENT={})
        payment = shop.paid()
        shop.news(Act.CHARGE_BACK)
        assert (shop.now(), _left(shop)) == ("on_hold", 0)

        shop.news(Act.WIN)
        assert (shop.now(), _left(shop), shop.moves()) == (
            "processing",
            payment.amount,
            [("dispute", payment.amount, "failed")],
        )

    @needs(Act.INQUIRE, Act.INQUIRY_OVER)
    def test_inquiry__holds_the_order_and_lets_it_go(self, shop: Shop) -> None:
        shop.change(FULFILMENT={})
        shop.paid()
        shop.news(Act.INQUIRE)
        assert (shop.payment.held, shop.payment.charged_back, shop.now()) == (True, 0, "on_hold")

        shop.news(Act.INQUIRY_OVER)
        assert (shop.payment.held, shop.now(), shop.cases()) == (False, "processing", set())

    @needs(Trait.SILENT_DISPUTES)
    def test_disputed__where_no_provider_tells_a_person_records_it(self, shop: Shop) -> None:
        payment = shop.paid()
        told: dict[str, Any] = {
            "payment_id": payment.pk,
            "reference": "letter of the bank",
            "booked_on": None,
            "actor": "ann",
        }
        flow.record_chargeback(amount=payment.amount // 5, **told)

        assert (shop.payment.charged_back, shop.cases()) == (payment.amount // 5, {"chargeback"})
        shop.ask()
        assert shop.payment.charged_back == payment.amount // 5, "the provider's next answer does not undo it"
        assert Payment.objects.get(pk=payment.pk).status == "paid"
