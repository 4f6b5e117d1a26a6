"""What only a person can decide: accept, write off, record, deliver late, agree, close."""

from __future__ import annotations

from datetime import date

import pytest

from django_payflow import flow
from django_payflow.exceptions import CommandRefused, NotEnoughLeft
from django_payflow.models import Case, Move, OrderLine, PaymentEvent
from django_payflow.states import CLOSABLE, CaseKind
from django_payflow.testing.contract import Act, Stage
from django_payflow.testing.contract.base import Contract
from tests.aftercare import warehouse
from tests.aftercare.kit import TOTAL, again, closed_cases, euro, left, moves, open_cases, sums
from tests.contract.stages import STAGES
from tests.shop.models import Shipment

DAY = date(2026, 11, 20)


def conflicted(till, minor):
    payment = till.start()
    till.sim.overwrite(till.id_of(payment), amount=euro(minor))
    till.bank(payment, "paid")
    assert again(payment).status == "conflicted"
    return payment


# -- another sum


@pytest.mark.gauntlet("G6")
@pytest.mark.parametrize("minor", [TOTAL - 5, TOTAL + 500])
def test_accept__the_sum_that_is_there_settles_the_order(till, minor):
    payment = conflicted(till, minor)

    flow.accept_payment(payment_id=payment.pk, reason="five cents are not worth a letter", actor="ann")
    till.story.work()

    assert (sums(payment)[:2], till.order, Shipment.objects.count()) == (("paid", minor), "completed", 1)
    assert "mismatch" not in open_cases()
    event = PaymentEvent.objects.filter(kind="command", actor="ann").latest("pk")
    assert "five cents" in event.summary


def test_accept__a_later_change_raises_the_doubt_again(till):
    payment = conflicted(till, TOTAL - 5)
    flow.accept_payment(payment_id=payment.pk, reason="ok", actor="ann")
    till.sim.overwrite(till.id_of(payment), amount=euro(TOTAL + 5))
    till.ask(payment)

    assert (again(payment).status, open_cases()) == ("conflicted", {"mismatch"})


@pytest.mark.parametrize("reason", ["", "   "])
def test_accept__without_a_reason_is_refused(till, reason):
    payment = conflicted(till, TOTAL - 5)

    with pytest.raises(CommandRefused, match="why"):
        flow.accept_payment(payment_id=payment.pk, reason=reason, actor="ann")
    assert again(payment).status == "conflicted"


def test_accept__of_what_is_right_is_refused(till):
    payment = till.pay()

    with pytest.raises(CommandRefused, match="paid"):
        flow.accept_payment(payment_id=payment.pk, reason="yes", actor="ann")


def test_refund__of_what_is_conflicted_resolves_it(till):
    payment = conflicted(till, TOTAL - 5)
    flow.refund(payment_id=payment.pk, actor="ann")
    till.refund_ends(payment)

    assert sums(payment) == ("conflicted", TOTAL - 5, 0, TOTAL - 5)
    assert (open_cases(), till.order) == (set(), "failed")


# -- another currency, or money that is gone


def test_other_currency__what_was_observed_is_refunded_then_written_off(till):
    payment = till.start()
    till.sim.overwrite(till.id_of(payment), amount={"currency": "USD", "value": "24.95"})
    till.bank(payment, "paid")
    with pytest.raises(CommandRefused):
        flow.accept_payment(payment_id=payment.pk, reason="dollars are fine", actor="ann")
    with pytest.raises(CommandRefused, match="still money"):
        flow.write_off_payment(payment_id=payment.pk, reason="enough", actor="ann")

    flow.refund(payment_id=payment.pk, actor="ann")
    made = till.at_provider(payment)["_embedded"]["refunds"]
    assert [each["amount"] for each in made] == [{"currency": "USD", "value": "24.95"}]
    till.refund_ends(payment)
    assert (Move.objects.get().currency, Move.objects.get().status, left(payment)) == ("USD", "succeeded", 0)

    flow.write_off_payment(payment_id=payment.pk, reason="sent back", actor="ann")
    assert (again(payment).status, open_cases()) == ("conflicted", set())
    assert again(payment).written_off_at is not None
    assert till.order == "failed"
    assert till.pay().status == "paid"


def test_write_off__is_for_conflicts_only(till):
    payment = till.pay()

    with pytest.raises(CommandRefused, match="conflicted"):
        flow.write_off_payment(payment_id=payment.pk, reason="why not", actor="ann")


def test_write_off__of_money_that_vanished_lets_the_order_go_on(till, no_hurry):
    payment = till.pay()
    till.bank(payment, "open")
    till.later(61)
    assert (again(payment).status, till.order) == ("conflicted", "on_hold")

    flow.write_off_payment(payment_id=payment.pk, reason="the bank's error, says the bank", actor="ann")

    assert (open_cases(), till.order) == (set(), "failed")


# -- late money


def late(till):
    payment = till.start(method="banktransfer")
    flow.cancel_order(order_id=till.story.order.pk, actor="ann")
    till.bank(payment, "paid")
    assert (till.order, open_cases()) == ("on_hold", {"late_money"})
    return payment


def test_deliver_late__the_order_goes_on(till):
    payment = late(till)

    flow.deliver_late(payment_id=payment.pk, reason="it is on the shelf", actor="bob")
    till.story.work()

    assert (till.order, open_cases(), Shipment.objects.count()) == ("completed", set(), 1)
    assert Case.objects.get().resolved_by == "bob"


def test_deliver_late__without_stock_is_refused(till, payflow):
    payflow(STOCK=warehouse.STOCK)
    payment = late(till)
    warehouse.trouble.add("sold out")

    with pytest.raises(CommandRefused, match="stock"):
        flow.deliver_late(payment_id=payment.pk, reason="please", actor="bob")

    assert (till.order, open_cases(), Shipment.objects.count()) == ("on_hold", {"late_money"}, 0)
    assert warehouse.log == ["reserve", "release"]


def test_deliver_late__while_its_money_goes_back_is_refused(till):
    payment = late(till)
    flow.refund(payment_id=payment.pk, actor="ann")

    with pytest.raises(CommandRefused, match="under way"):
        flow.deliver_late(payment_id=payment.pk, reason="he changed his mind", actor="bob")


def test_deliver_late__of_money_in_time_is_refused(till):
    payment = till.pay()

    with pytest.raises(CommandRefused, match="no late money"):
        flow.deliver_late(payment_id=payment.pk, reason="x", actor="bob")


def test_late_money__that_a_person_refunds_closes_its_case(till):
    payment = late(till)
    flow.refund(payment_id=payment.pk, actor="ann")
    till.refund_ends(payment)

    assert (open_cases(), till.order, Shipment.objects.count()) == (set(), "canceled", 0)


@pytest.mark.attack(24)
def test_attack_24__the_cart_changed_after_the_attempt_was_started(till):
    """The old attempt asks for the old sum: its money holds the order, nothing is delivered for it."""
    payment = till.start(method="ideal")
    order = till.story.order
    OrderLine.objects.create(order=order, name="Big pot", quantity=1, unit_price=5000, vat_rate=21)
    type(order).objects.filter(pk=order.pk).update(total=TOTAL + 5000)
    till.bank(payment, "paid")

    assert (sums(payment), till.order) == (("paid", TOTAL, 0, 0), "on_hold")
    assert (open_cases(), Shipment.objects.count()) == ({"unsettled"}, 0)
    flow.accept_payment(payment_id=payment.pk, reason="the pot is a present", actor="ann")
    till.story.work()
    assert (till.order, open_cases(), Shipment.objects.count()) == ("completed", set(), 1)


@pytest.mark.attack(24)
def test_attack_24__a_new_attempt_for_the_new_cart_ends_the_old_one(till):
    first = till.start(method="banktransfer")
    order = till.story.order
    OrderLine.objects.create(order=order, name="Big pot", quantity=1, unit_price=5000, vat_rate=21)
    type(order).objects.filter(pk=order.pk).update(total=TOTAL + 5000)
    till.story.now()
    second = till.pay(method="banktransfer")
    assert (again(first).status, again(second).captured, till.order) == ("canceled", TOTAL + 5000, "completed")

    till.bank(first, "paid")
    assert (sums(first), till.order, Shipment.objects.count()) == (("paid", TOTAL, 0, 0), "completed", 1)
    assert open_cases() == {"surplus", "late_money"}


@pytest.mark.attack(24)
def test_attack_24__a_cheaper_cart_is_delivered_and_the_difference_is_a_case(till):
    payment = till.start(method="ideal")
    order = till.story.order
    type(order).objects.filter(pk=order.pk).update(total=1790)
    till.bank(payment, "paid")

    assert (till.order, Shipment.objects.count(), open_cases()) == ("completed", 1, {"surplus"})
    assert "7.05" in Case.objects.get().detail


# -- four eyes


@pytest.fixture
def strict(payflow):
    payflow(REFUND_APPROVAL_ABOVE={"EUR": 1000})


@pytest.mark.attack(40)
def test_approval__above_the_limit_nothing_moves_until_a_second_person_agrees(till, strict):
    payment = till.pay()
    asked = flow.refund(payment_id=payment.pk, amount=1001, actor="ann")
    till.later(86400)
    assert (asked.status, till.made(payment), left(payment)) == ("requested", [], TOTAL - 1001)

    for nobody in ("ann", ""):
        with pytest.raises(CommandRefused):
            flow.approve_move(move_id=asked.move_id, actor=nobody)
    assert flow.approve_move(move_id=asked.move_id, actor="bob").status == "pending"
    assert (till.made(payment), Move.objects.get().approved_by) == ([(1001, "pending")], "bob")
    with pytest.raises(CommandRefused):
        flow.approve_move(move_id=asked.move_id, actor="bob")


def test_approval__up_to_the_limit_nobody_is_asked(till, strict):
    payment = till.pay()

    assert flow.refund(payment_id=payment.pk, amount=1000, actor="ann").status == "pending"
    assert till.made(payment) == [(1000, "pending")]


def test_approval__denied_frees_what_it_had_reserved(till, strict):
    payment = till.pay()
    asked = flow.refund(payment_id=payment.pk, actor="ann")
    with pytest.raises(NotEnoughLeft):
        flow.refund(payment_id=payment.pk, amount=1, actor="ann")

    assert flow.deny_move(move_id=asked.move_id, actor="bob", reason="no").status == "canceled"
    assert (left(payment), till.made(payment)) == (TOTAL, [])
    with pytest.raises(CommandRefused):
        flow.approve_move(move_id=asked.move_id, actor="bob")


def test_approval__a_setting_needs_nobody(till, payflow):
    payflow(REFUND_APPROVAL_ABOVE={"EUR": 0}, LATE_PAYMENT="refund")
    payment = till.start(method="banktransfer")
    flow.cancel_order(order_id=till.story.order.pk, actor="ann")
    till.bank(payment, "paid")

    assert till.made(payment) == [(TOTAL, "pending")]


# -- cases


@pytest.mark.parametrize("kind", sorted(set(CaseKind) - CLOSABLE))
def test_close_case__one_that_only_its_answer_can_end_is_refused(till, kind):
    payment = till.pay()
    case = Case.objects.create(
        kind=kind.value, payment=payment, order_id=payment.order_id, open_key=f"{kind.value}:payment:{payment.pk}"
    )

    with pytest.raises(CommandRefused):
        flow.close_case_by_hand(case_id=case.pk, reason="go away", actor="ann")
    assert again(case).is_open


def test_close_case__a_surplus_that_may_stay_does_not_come_back(till):
    first, second = till.start(method="ideal"), till.start(method="creditcard")
    till.bank(second, "paid")
    till.bank(first, "paid")
    flow.close_case_by_hand(case_id=Case.objects.open().get().pk, reason="he gave it to us", actor="ann")
    till.ask(first)

    assert (open_cases(), closed_cases()) == (set(), {"surplus"})


def test_close_case__a_lost_chargeback_lets_nothing_be_delivered(till, no_hurry):
    payment = till.pay()
    till.by_hand(payment, "chargeback")
    assert till.order == "on_hold"

    flow.close_case_by_hand(case_id=Case.objects.open().get().pk, reason="lost for good", actor="ann")

    assert till.order != "processing"
    assert (again(payment).settles_id, Shipment.objects.count()) == (None, 0)


def test_close_case__twice_is_refused(till):
    payment = till.pay()
    till.by_hand(payment, "chargeback")
    case = Case.objects.open().get()
    flow.close_case_by_hand(case_id=case.pk, reason="lost", actor="ann")

    with pytest.raises(CommandRefused, match="already"):
        flow.close_case_by_hand(case_id=case.pk, reason="lost", actor="ann")


def test_record__is_not_for_a_provider_that_tells_itself(till):
    payment = till.pay()
    for record in (flow.record_refund, flow.record_chargeback):
        with pytest.raises(CommandRefused, match="itself"):
            record(payment_id=payment.pk, amount=1, reference="x", booked_on=DAY, actor="ann")
    assert moves(payment) == []


# -- a bank that tells nothing


class TestGolomt(Contract):
    """Refunds and chargebacks are on paper there: people record them."""

    @pytest.fixture
    def stage(self, running_simulators) -> Stage:
        return STAGES["golomt"](running_simulators)

    @pytest.fixture
    def paid(self, shop):
        shop.start()
        shop.news(Act.PAY)
        assert shop.payment.status == "paid"
        return shop.payment

    def test_refund__is_arranged_on_paper_and_counts_when_it_is_confirmed(self, shop, paid):
        asked = flow.refund(payment_id=paid.pk, amount=1000, actor="ann")
        assert (asked.status, left(paid)) == ("manual", paid.amount - 1000)
        with pytest.raises(NotEnoughLeft):
            flow.refund(payment_id=paid.pk, amount=paid.amount, actor="ann")

        flow.confirm_move(move_id=asked.move_id, reference="GB-77", booked_on=DAY, actor="bob")

        assert (again(paid).refunded, left(paid), shop.now()) == (1000, paid.amount - 1000, "completed")
        shop.later(3700)
        shop.ask()
        assert again(paid).refunded == 1000, "a report that tells nothing takes nothing back"

    def test_refund__that_the_bank_would_not_make_is_denied_or_refuted(self, shop, paid):
        for end in (flow.deny_move, flow.refute_move):
            asked = flow.refund(payment_id=paid.pk, amount=1000, actor="ann")
            end(move_id=asked.move_id, reason="the bank says no", actor="bob")
            assert (again(paid).refunded, left(paid)) == (0, paid.amount)

    def test_record_refund__of_what_the_bank_did_without_us(self, shop, paid):
        flow.record_refund(payment_id=paid.pk, amount=paid.amount, reference="GB-1", booked_on=DAY, actor="ann")

        assert (again(paid).label, left(paid), shop.now()) == ("refunded", 0, "completed")
        with pytest.raises(CommandRefused):
            flow.record_refund(payment_id=paid.pk, amount=1, reference="GB-2", booked_on=DAY, actor="ann")

    @pytest.mark.parametrize("amount", [0, -1, 10**10])
    def test_record__of_no_possible_amount_is_refused(self, shop, paid, amount):
        for record in (flow.record_refund, flow.record_chargeback):
            with pytest.raises(CommandRefused):
                record(payment_id=paid.pk, amount=amount, reference="GB-1", booked_on=DAY, actor="ann")
        assert moves(paid) == []

    def test_record__without_evidence_is_refused(self, shop, paid):
        for record in (flow.record_refund, flow.record_chargeback):
            with pytest.raises(CommandRefused, match="reference"):
                record(payment_id=paid.pk, amount=1, reference=" ", booked_on=DAY, actor="ann")
        assert (again(paid).refunded, again(paid).charged_back) == (0, 0)

    def test_record_chargeback__and_its_win(self, shop, paid):
        flow.record_chargeback(payment_id=paid.pk, amount=1000, reference="GB-3", booked_on=DAY, actor="ann")
        assert (again(paid).charged_back, shop.cases()) == (1000, {"chargeback"})
        assert left(paid) == paid.amount - 1000

        flow.record_win(move_id=Move.objects.get().pk, reason="the bank's letter of Monday", actor="ann")
        assert (again(paid).charged_back, shop.cases(), left(paid)) == (0, set(), paid.amount)
        with pytest.raises(CommandRefused):
            flow.record_win(move_id=Move.objects.get().pk, reason="again", actor="ann")

    def test_cancel_order__with_money_waits_for_the_paper(self, shop, configured):
        configured(FULFILMENT={})
        shop.start()
        shop.news(Act.PAY)
        flow.cancel_order(order_id=shop.order.pk, reason="sold out", actor="ann")
        assert (shop.now(), moves(shop.payment)) == ("canceled", [("refund", shop.payment.amount, "manual")])

        flow.confirm_move(move_id=Move.objects.get().pk, reference="GB-9", actor="bob")
        assert (shop.now(), again(shop.payment).label, shop.cases()) == ("canceled", "refunded", set())
