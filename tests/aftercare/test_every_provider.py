"""The same stories over every provider that can play them: museum pieces, disputes, dashboards, manual capture."""

from __future__ import annotations

from typing import Any

import pytest

from django_payflow import flow
from django_payflow.exceptions import CommandRefused, NotEnoughLeft
from django_payflow.messages import MoveKind
from django_payflow.models import Case, Move, Payment, PaymentEvent
from django_payflow.testing.contract import Act, Call, Stage, Trait, Trouble
from django_payflow.testing.contract.base import Contract, needs
from django_payflow.testing.contract.shop import ONE, TWO
from tests.aftercare.kit import again, left, moves, open_cases
from tests.contract.stages import STAGES

DAY = 86400
REFUND = MoveKind.REFUND


def manual(shop: Any, **account: Any) -> None:
    """Account one authorizes only."""
    entry = {"BACKEND": shop.stage.backend, "OPTIONS": shop.stage.options(), "CAPTURE": "manual", **account}
    shop.change(PROVIDERS={ONE: entry}, FULFILMENT={})


def paid(shop: Any) -> Payment:
    shop.start()
    shop.news(Act.PAY)
    assert shop.payment.status == "paid"
    return shop.payment


def held(shop: Any) -> Payment:
    manual(shop)
    shop.start()
    shop.news(Act.AUTHORIZE)
    assert (shop.payment.status, shop.now()) == ("authorized", "processing")
    return shop.payment


def settle(shop: Any) -> None:
    """Two hours and two days pass; whatever is due by then gets done."""
    for seconds in (3700, 3700, 2 * DAY):
        shop.later(seconds)
        shop.ask()


def refunded_there(shop: Any) -> int:
    """How many refunds the provider has."""
    return len(shop.stage.refunds(shop.stage.payment(shop.reference)))


def order_story(payment: Payment) -> list[str]:
    """What happened to the order's status, in order."""
    rows = PaymentEvent.objects.filter(order_id=payment.order_id, kind="transition", summary__startswith="order:")
    return list(rows.order_by("pk").values_list("summary", flat=True))


class TestEveryProvider(Contract):
    @pytest.fixture(params=sorted(STAGES))
    def stage(self, request: pytest.FixtureRequest, running_simulators: Any) -> Stage:
        return STAGES[request.param](running_simulators)

    # -- refunds

    @needs(Trait.REFUND)
    @pytest.mark.gauntlet("G7")
    def test_G7__everything_is_refunded_once_whoever_presses_again(self, shop: Any) -> None:
        payment = paid(shop)
        flow.refund(payment_id=payment.pk, actor="ann", key="k" * 36)
        flow.refund(payment_id=payment.pk, actor="ann", key="k" * 36)
        flow.carry_out(move_id=Move.objects.get().pk)
        with pytest.raises(NotEnoughLeft):
            flow.refund(payment_id=payment.pk, actor="bob")
        settle(shop)

        assert (refunded_there(shop), again(payment).refunded, left(payment)) == (1, payment.amount, 0)
        assert (moves(payment), again(payment).label) == ([("refund", payment.amount, "succeeded")], "refunded")
        assert shop.cases() == set()

    @needs(Trait.REFUND, Trait.PART_REFUND)
    @pytest.mark.gauntlet("G8")
    @pytest.mark.gauntlet("M14")
    def test_G8__two_equal_partial_refunds_are_two(self, shop: Any) -> None:
        payment = paid(shop)
        part = payment.amount // 5
        for _ in range(2):
            flow.refund(payment_id=payment.pk, amount=part, actor="ann")
        settle(shop)

        assert (refunded_there(shop), again(payment).refunded) == (2, 2 * part)
        assert (again(payment).label, left(payment), shop.cases()) == (
            "partly refunded",
            payment.amount - 2 * part,
            set(),
        )

    @needs(Trait.REFUND)
    @pytest.mark.gauntlet("M12")
    @pytest.mark.parametrize("trouble", [Trouble.LOST, Trouble.AFTER])
    @pytest.mark.parametrize("outage", [False, True])
    def test_M12__a_refund_whose_answer_was_lost_is_never_doubled(
        self, stage: Stage, shop: Any, trouble: Trouble, outage: bool
    ) -> None:
        """Also where nobody can look for a day, so that the key's life is over."""
        payment = paid(shop)
        stage.trouble(Call.REFUND, trouble, times=1)
        if outage:
            stage.trouble(Call.RETRIEVE, Trouble.BEFORE)
        asked = flow.refund(payment_id=payment.pk, actor="ann")
        if outage:
            stage.advance(2 * 86400)
            stage.calm()
        settle(shop)

        assert refunded_there(shop) == 1
        row = again(Move.objects.get(pk=asked.move_id))
        if MoveKind.REFUND in stage.provider_class.unlisted and row.status == "submitting":
            assert shop.cases() == {"move"}, "nobody can look it up: a person must"
            assert left(payment) == 0
            flow.confirm_move(move_id=row.pk, reference="seen in the dashboard", actor="ann")
        assert (again(row).status, left(payment), shop.cases()) == ("succeeded", 0, set())

    @needs(Trait.REFUND)
    def test_not_sent__a_refund_that_never_arrived_is_made(self, stage: Stage, shop: Any) -> None:
        payment = paid(shop)
        stage.trouble(Call.REFUND, Trouble.BUSY, times=1)
        flow.refund(payment_id=payment.pk, actor="ann")
        settle(shop)

        assert (refunded_there(shop), moves(payment)) == (1, [("refund", payment.amount, "succeeded")])

    @needs(Act.REFUND_PENDING, Act.REFUND_ARRIVES)
    @pytest.mark.gauntlet("G9")
    def test_G9__a_pending_dashboard_refund_appears_and_arrives(self, shop: Any) -> None:
        payment = paid(shop)
        shop.news(Act.REFUND_PENDING)
        assert (moves(payment), again(payment).refunded) == ([("refund", payment.amount, "pending")], 0)
        assert left(payment) == 0

        shop.news(Act.REFUND_ARRIVES)
        assert (moves(payment), again(payment).refunded) == (
            [("refund", payment.amount, "succeeded")],
            payment.amount,
        )
        assert (shop.now(), shop.cases()) == ("completed", set())

    @needs(Trait.REFUND, Act.REFUND_ARRIVES, Act.REFUND_FAILS)
    def test_returned__a_refund_that_comes_back_is_a_case_and_can_be_made_again(self, shop: Any) -> None:
        payment = paid(shop)
        flow.refund(payment_id=payment.pk, actor="ann")
        shop.news(Act.REFUND_ARRIVES)
        assert again(payment).refunded == payment.amount
        shop.news(Act.REFUND_FAILS)

        assert (moves(payment), again(payment).refunded) == ([("refund", payment.amount, "returned")], 0)
        assert (shop.cases(), shop.now(), left(payment)) == ({"refund_returned"}, "completed", payment.amount)

    @needs(Act.REFUND_PART)
    @pytest.mark.gauntlet("G9")
    def test_G9__two_quick_dashboard_refunds_are_two(self, stage: Stage, shop: Any) -> None:
        """One package looks at the newest refund only, and loses the other."""
        payment = paid(shop)
        if MoveKind.REFUND in stage.provider_class.unlisted:  # known by its webhook only
            shop.news(Act.REFUND_PART)
        else:
            stage.play(shop.reference, Act.REFUND_PART, webhook=False)
        shop.news(Act.REFUND_PART)

        assert again(payment).refunded == 2 * (payment.amount // 5)
        assert [kind for kind, _, _ in moves(payment)] in (["refund"] * 2, [])

    # -- disputes

    @needs(Act.CHARGE_BACK, Act.WIN)
    @pytest.mark.parametrize("delivered", [True, False])
    def test_dispute__open_then_won(self, shop: Any, delivered: bool) -> None:
        if not delivered:
            shop.change(FULFILMENT={})
        payment = paid(shop)
        shop.news(Act.CHARGE_BACK)
        assert (again(payment).charged_back, shop.cases()) == (payment.amount, {"chargeback"})
        assert (shop.now(), left(payment)) == ("completed" if delivered else "on_hold", 0)
        assert moves(payment) == [("dispute", payment.amount, "pending")]

        shop.news(Act.WIN)
        assert (again(payment).charged_back, shop.cases()) == (0, set())
        assert (shop.now(), left(payment)) == ("completed" if delivered else "processing", payment.amount)

    @needs(Act.CHARGE_BACK, Act.LOSE)
    def test_dispute__lost_for_good(self, shop: Any) -> None:
        shop.change(FULFILMENT={})
        payment = paid(shop)
        shop.news(Act.CHARGE_BACK)
        shop.news(Act.LOSE)

        assert (again(payment).charged_back, moves(payment)) == (
            payment.amount,
            [("dispute", payment.amount, "succeeded")],
        )
        assert (shop.cases(), shop.now()) == ({"chargeback"}, "on_hold")

    @needs(Act.INQUIRE, Act.INQUIRY_OVER)
    def test_inquiry__after_the_order_is_secured_blocks_what_does_not_run(self, shop: Any) -> None:
        shop.change(FULFILMENT={})
        payment = paid(shop)
        shop.news(Act.INQUIRE)
        assert (again(payment).held, again(payment).charged_back, shop.now()) == (True, 0, "on_hold")

        shop.news(Act.INQUIRY_OVER)
        assert (again(payment).held, shop.now(), shop.cases()) == (False, "processing", set())

    # -- review

    @needs(Act.HOLD)
    def test_held__then_accepted(self, shop: Any) -> None:
        shop.start()
        shop.news(Act.HOLD)
        assert (shop.payment.held, shop.now(), shop.handed_over) == (True, "on_hold", 0)

        shop.news(Act.PAY)
        assert (shop.payment.held, shop.now(), shop.handed_over, shop.cases()) == (False, "completed", 1, set())

    @needs(Act.HOLD)
    def test_held__then_rejected_does_not_leave_the_order_on_hold(self, stage: Stage, shop: Any) -> None:
        shop.start()
        shop.news(Act.HOLD)
        shop.news(Act.CANCEL if stage.name == "resurs" else Act.REFUND)

        assert shop.now() in {"failed", "canceled"}
        assert shop.handed_over == 0

    # -- manual capture

    @needs(Trait.MANUAL, Act.AUTHORIZE)
    @pytest.mark.gauntlet("M10")
    def test_M10__everything_is_captured_once(self, stage: Stage, shop: Any) -> None:
        payment = held(shop)
        flow.capture(payment_id=payment.pk, actor="ann", key="c" * 36)
        flow.capture(payment_id=payment.pk, actor="ann", key="c" * 36)
        settle(shop)

        assert (again(payment).status, again(payment).captured) == ("paid", payment.amount)
        assert (moves(payment), stage.calls(Call.CAPTURE)) == ([("capture", payment.amount, "succeeded")], 1)
        assert (shop.now(), Case.objects.count()) == ("processing", 0)
        with pytest.raises(CommandRefused):
            flow.capture(payment_id=payment.pk, actor="bob")

    @needs(Trait.MANUAL, Trait.PART_CAPTURE, Act.AUTHORIZE)
    def test_capture__a_deliberate_final_part_leaves_the_order_as_it_is(self, shop: Any) -> None:
        payment = held(shop)
        part = payment.amount // 5
        flow.capture(payment_id=payment.pk, amount=part, final=True, actor="ann")
        settle(shop)

        assert (again(payment).status, again(payment).captured, again(payment).capturable) == ("paid", part, 0)
        assert (shop.now(), Case.objects.count()) == ("processing", 0)
        assert again(payment).let_go == payment.amount - part

    @needs(Trait.MANUAL, Trait.VOID, Act.AUTHORIZE)
    def test_void__cancels_the_order(self, stage: Stage, shop: Any) -> None:
        payment = held(shop)
        flow.void(payment_id=payment.pk, actor="ann")
        settle(shop)

        assert (again(payment).captured, again(payment).capturable, shop.now()) == (0, 0, "canceled")
        assert (moves(payment), Case.objects.count()) == ([("void", payment.amount, "succeeded")], 0)
        assert stage.calls(Call.VOID) == 1

    @needs(Trait.MANUAL, Act.AUTHORIZE)
    @pytest.mark.gauntlet("M12")
    @pytest.mark.parametrize("what", [Call.CAPTURE, Call.VOID])
    def test_M12__a_lost_answer_to_a_capture_or_void_is_found(self, stage: Stage, shop: Any, what: Call) -> None:
        payment = held(shop)
        stage.trouble(what, Trouble.LOST, times=1)
        stage.trouble(Call.RETRIEVE, Trouble.BEFORE)
        (flow.capture if what is Call.CAPTURE else flow.void)(payment_id=payment.pk, actor="ann")
        stage.advance(2 * 3600)
        stage.calm()
        settle(shop)

        assert [(kind, status) for kind, _, status in moves(payment)] == [(what.value, "succeeded")]
        assert again(payment).captured == (payment.amount if what is Call.CAPTURE else 0)
        assert (again(payment).capturable, shop.cases()) == (0, set())

    @needs(Act.AUTHORIZE, Act.LAPSE, Trait.MANUAL)
    def test_lapse__before_capture_holds_the_order(self, shop: Any) -> None:
        payment = held(shop)
        shop.news(Act.LAPSE)
        shop.ask()

        assert again(payment).status in {"canceled", "expired"}
        assert (shop.now(), shop.cases()) == ("on_hold", {"authorization_lost"})

    @needs(Act.AUTHORIZE, Act.CAPTURE_PART, Trait.MANUAL)
    def test_dashboard__a_short_capture_is_a_conflict(self, shop: Any) -> None:
        payment = held(shop)
        shop.news(Act.CAPTURE_PART)
        shop.ask()

        assert (again(payment).status, again(payment).captured, shop.now()) == (
            "conflicted",
            payment.amount // 5,
            "on_hold",
        )
        flow.accept_payment(payment_id=payment.pk, reason="agreed by phone", actor="ann")
        assert (again(payment).status, shop.now(), shop.cases() - {"authorization_lost"}) == (
            "paid",
            "processing",
            set(),
        )

    # -- the whole order

    @needs(Trait.MANUAL, Act.AUTHORIZE, Trait.VOID)
    def test_cancel_order__of_authorized_money_releases_it(self, stage: Stage, shop: Any) -> None:
        payment = held(shop)
        flow.cancel_order(order_id=shop.order.pk, actor="ann")
        settle(shop)

        assert (shop.now(), again(payment).capturable, again(payment).captured) == ("canceled", 0, 0)
        assert (moves(payment), stage.calls(Call.VOID)) == ([("void", payment.amount, "succeeded")], 1)
        assert Case.objects.count() == 0

    @needs(Trait.REFUND)
    @pytest.mark.parametrize("late", ["hold", "refund"])
    def test_cancel_order__of_paid_money_refunds_it_once(self, stage: Stage, shop: Any, late: str) -> None:
        shop.change(FULFILMENT={}, LATE_PAYMENT=late)
        payment = paid(shop)
        flow.cancel_order(order_id=shop.order.pk, actor="ann")
        settle(shop)

        assert (shop.now(), again(payment).label, refunded_there(shop)) == ("canceled", "refunded", 1)
        assert moves(payment) == [("refund", payment.amount, "succeeded")]
        assert (Case.objects.count(), order_story(payment)[-1]) == (0, "order: processing -> canceled")

    # -- two accounts, strange currencies

    @needs(Trait.REFUND)
    @pytest.mark.gauntlet("G17")
    def test_G17__a_refund_goes_to_the_account_that_was_paid(self, stage: Stage, shop: Any) -> None:
        made = {}
        for account in (ONE, TWO):
            shop.order = shop.new_order()
            shop.start(account)
            shop.news(Act.PAY)
            made[account] = (shop.payment, shop.reference)
        for payment, _ in made.values():
            assert flow.refund(payment_id=payment.pk, actor="ann").status in {"pending", "succeeded"}

        for _, reference in made.values():
            assert len(stage.refunds(stage.payment(reference))) == 1

    @needs(Trait.REFUND, Trait.PART_REFUND)
    @pytest.mark.gauntlet("G18")
    @pytest.mark.gauntlet("M23")
    def test_G18__a_refund_is_exact_in_every_currency(self, stage: Stage, shop: Any) -> None:
        for currency, amount in stage.amounts:
            shop.order = shop.new_order(currency, amount)
            payment = paid(shop)
            part = amount if amount < 10 else amount // 2 // 10 * 10
            if currency in {"ISK", "UGX"} and stage.name == "stripe":
                part = amount
            assert flow.refund(payment_id=payment.pk, amount=part, actor="ann").status in {"pending", "succeeded"}
            settle(shop)
            assert (again(payment).refunded, left(payment)) == (part, amount - part), currency


class TestMixed:
    """What needs two kinds of money for one order."""

    def test_banktransfer__open_for_days_does_not_block_the_card_and_both_paying_is_surplus(self, till: Any) -> None:
        transfer = till.start(method="banktransfer")
        till.sim.overwrite(till.id_of(transfer), isCancelable=False)
        till.later(3 * 86400)
        card = till.pay(method="creditcard")
        assert (till.order, again(transfer).status) == ("completed", "pending")

        till.bank(transfer, "paid")
        assert (till.order, open_cases(), again(card).settles_id) == ("completed", {"surplus"}, till.story.order.pk)
