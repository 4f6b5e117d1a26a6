"""Late and contradictory news, row by row: what becomes of the payment, of the order, and of the money."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_payflow import clock, flow
from django_payflow.models import Fulfilment
from tests.aftercare import warehouse
from tests.aftercare.kit import TOTAL, again, closed_cases, euro, moves, open_cases, sums
from tests.conftest import new_order
from tests.shop.models import Shipment


@pytest.fixture(params=["expired", "canceled"])
def late(request, till):
    """An order that ended before anybody paid: its time was over, or somebody cancelled it."""
    till.story.order = new_order(pay_before=clock.now() + timedelta(minutes=10))
    payment = till.start(method="banktransfer")
    if request.param == "canceled":
        flow.cancel_order(order_id=till.story.order.pk, actor="ann")
    else:
        till.later(601)
    assert (again(payment).status, till.order) == ("canceled", request.param)
    return payment


# -- paid after expiry or cancel


def test_late__hold_is_the_default_a_person_decides(till, late):
    till.bank(late, "paid")
    till.later(86400)

    assert (sums(late), till.order) == (("paid", TOTAL, 0, 0), "on_hold")
    assert (open_cases(), moves(late), till.made(late)) == ({"late_money"}, [], [])
    assert Shipment.objects.count() == 0


def test_late__refund_sends_it_back_at_once_and_the_order_is_over(till, late, payflow):
    payflow(LATE_PAYMENT="refund")
    till.bank(late, "paid")

    assert moves(late) == [("refund", TOTAL, "pending")]
    assert till.made(late) == [(TOTAL, "pending")]

    till.refund_ends(late)
    assert (sums(late), till.order) == (("paid", TOTAL, 0, TOTAL), "canceled")
    assert (open_cases(), Shipment.objects.count()) == (set(), 0)
    assert again(late).label == "refunded"


def test_late__refund_is_tried_once_however_often_the_bank_repeats_itself(till, late, payflow):
    payflow(LATE_PAYMENT="refund")
    till.bank(late, "paid")
    for _ in range(3):
        till.bank(late, "paid")
        till.later(3700)

    assert (len(till.made(late)), len(moves(late))) == (1, 1)
    assert open_cases() <= {"late_money"}, "a second try would be refused, and told"


def test_late__refund_that_the_provider_refuses_is_a_case(till, late, payflow):
    payflow(LATE_PAYMENT="refund")
    till.sim.overwrite(till.id_of(late), method="paysafecard")
    till.bank(late, "paid")

    assert (moves(late), till.made(late)) == ([("refund", TOTAL, "failed")], [])
    assert (open_cases(), till.order) == ({"late_money", "move"}, "on_hold")


def test_late__reopen_delivers_as_if_it_had_come_in_time(till, late, payflow):
    payflow(LATE_PAYMENT="reopen")
    till.bank(late, "paid")

    assert (sums(late), till.order) == (("paid", TOTAL, 0, 0), "completed")
    assert (open_cases(), closed_cases(), Shipment.objects.count()) == (set(), {"late_money"}, 1)


@pytest.mark.parametrize("why", ["too late", "sold out"])
def test_late__reopen_needs_the_shops_consent_and_its_stock(till, late, payflow, why):
    payflow(LATE_PAYMENT="reopen", MAY_REOPEN=warehouse.MAY_REOPEN, STOCK=warehouse.STOCK)
    warehouse.trouble.add(why)
    till.bank(late, "paid")

    assert (till.order, open_cases(), Shipment.objects.count()) == ("on_hold", {"late_money"}, 0)
    assert (moves(late), warehouse.log) == ([], [])

    warehouse.trouble.clear()
    till.bank(late, "paid")
    assert (till.order, Shipment.objects.count()) == ("completed", 1)
    assert warehouse.log == ["reserve"]


def test_late__reopen_is_not_for_less_than_the_order_costs(till, late, payflow):
    payflow(LATE_PAYMENT="reopen")
    till.sim.overwrite(till.id_of(late), amount=euro(100))
    till.bank(late, "paid")

    assert (again(late).status, till.order, Shipment.objects.count()) == ("conflicted", "on_hold", 0)
    assert "mismatch" in open_cases()


# -- authorized after expiry or cancel


@pytest.mark.parametrize("setting", ["hold", "refund"])
def test_late__what_is_only_authorized_is_voided_at_once(till, late, payflow, setting):
    payflow(LATE_PAYMENT=setting)
    ended = till.order
    till.bank(late, "authorized")
    assert (till.order, moves(late)[0][:2]) == ("on_hold", ("void", TOTAL))

    till.later()
    till.ask(late)
    assert moves(late) == [("void", TOTAL, "succeeded")]
    assert (sums(late), till.order) == (("canceled", 0, 0, 0), ended)
    assert (open_cases(), Shipment.objects.count(), till.calls("release")) == (set(), 0, 1)


def test_late__reopen_keeps_an_authorization(till, late, payflow):
    payflow(LATE_PAYMENT="reopen")
    till.bank(late, "authorized")

    assert (again(late).status, till.order, moves(late)) == ("authorized", "completed", [])
    assert Shipment.objects.count() == 1


# -- paid after "failed"


@pytest.mark.parametrize("setting", ["hold", "refund", "reopen"])
def test_late__paid_after_failed_is_accepted_whatever_the_setting_says(till, payflow, setting):
    payflow(LATE_PAYMENT=setting)
    payment = till.pay("failed")
    till.bank(payment, "paid")

    assert (till.order, open_cases(), moves(payment)) == ("completed", set(), [])


# -- a second payment for a secured order


@pytest.fixture
def twice(till):
    """Two attempts; the second was paid first and settles the order, and the first is not paid yet."""
    first, second = till.start(method="ideal"), till.start(method="creditcard")
    till.bank(second, "paid")
    assert till.order == "completed"
    return first, second


def test_surplus__hold_is_the_default(till, twice):
    first, second = twice
    till.bank(first, "paid")
    till.later(86400)

    assert (open_cases(), till.order, moves(first), moves(second)) == ({"surplus"}, "completed", [], [])
    assert Shipment.objects.count() == 1


def test_surplus__refund_after_a_quarter_of_an_hour(till, twice, payflow):
    payflow(SURPLUS="refund")
    first, second = twice
    till.bank(first, "paid")
    assert (moves(first), till.made(first)) == ([("refund", TOTAL, "requested")], [])

    till.later(890)
    assert till.made(first) == []
    till.later(20)
    assert (moves(first), till.made(first)) == ([("refund", TOTAL, "pending")], [(TOTAL, "pending")])

    till.refund_ends(first)
    assert (open_cases(), till.order, moves(second)) == (set(), "completed", [])
    assert sums(second) == ("paid", TOTAL, 0, 0)


def test_surplus__that_was_promoted_meanwhile_is_kept(till, no_hurry, payflow):
    """The payment that settled the order was charged back: the second one is needed now."""
    payflow(SURPLUS="refund")
    first, second = till.start(method="ideal"), till.start(method="creditcard")
    till.bank(second, "paid")
    till.bank(first, "paid")
    assert again(second).settles_id is not None
    till.by_hand(second, "refund", status="refunded")
    assert again(first).settles_id == till.story.order.pk

    till.later(1000)

    assert (moves(first), till.made(first)) == ([("refund", TOTAL, "canceled")], [])
    assert (open_cases(), till.order) == (set(), "processing")


def test_surplus__that_somebody_refunded_meanwhile_is_not_refunded_twice(till, twice, payflow):
    payflow(SURPLUS="refund")
    first, _ = twice
    till.bank(first, "paid")
    till.by_hand(first, "refund", status="refunded")

    till.later(1000)

    assert till.made(first) == [(TOTAL, "refunded")]
    assert ("refund", TOTAL, "canceled") in moves(first)
    assert open_cases() == set()


def test_surplus__what_is_only_authorized_is_voided_at_once(till, twice):
    first, _ = twice
    till.bank(first, "expired")
    till.bank(first, "authorized")
    assert moves(first)[0][:2] == ("void", TOTAL)

    till.later()
    till.ask(first)
    assert (moves(first), again(first).status) == ([("void", TOTAL, "succeeded")], "canceled")
    assert (open_cases(), till.order, Shipment.objects.count()) == (set(), "completed", 1)


def test_surplus__an_attempt_that_is_being_withdrawn_is_ended_before_its_hold_counts(till, twice):
    """Mollie still cancels what is only authorized, so there is nothing to void."""
    first, _ = twice
    till.bank(first, "authorized")

    assert (again(first).status, moves(first), till.calls("release")) == ("canceled", [], 0)
    assert (open_cases(), till.order) == (set(), "completed")


# -- less, more, another currency


@pytest.mark.parametrize("word", [1, TOTAL - 1, TOTAL + 1, TOTAL * 2])
def test_mismatch__another_sum_than_expected_holds_the_order(till, word):
    payment = till.start()
    till.sim.overwrite(till.id_of(payment), amount=euro(word))
    till.bank(payment, "paid")

    assert (again(payment).status, till.order, open_cases()) == ("conflicted", "on_hold", {"mismatch"})
    assert (moves(payment), Shipment.objects.count()) == ([], 0)


def test_mismatch__another_currency_leaves_our_sums_alone(till):
    payment = till.start()
    till.sim.overwrite(till.id_of(payment), amount={"currency": "USD", "value": "24.95"})
    till.bank(payment, "paid")

    fresh = again(payment)
    assert (sums(payment), till.order) == (("conflicted", 0, 0, 0), "on_hold")
    assert (fresh.observed_amount, fresh.observed_currency, open_cases()) == (TOTAL, "USD", {"mismatch"})


# -- captured short, vanished, lost


def test_captured_short__by_others_is_a_conflict(till, payflow, no_hurry):
    payflow(account={"CAPTURE": "manual"})
    payment = till.pay("authorized", method="creditcard")
    assert till.order == "processing"
    till.by_hand(payment, "capture", amount=euro(500))
    till.ask(payment)

    assert (sums(payment)[:3], till.order) == (("conflicted", 500, 0), "on_hold")
    assert {"mismatch", "authorization_lost"} <= open_cases()


def test_captured_short__a_completed_order_stays_completed(till, payflow):
    payflow(account={"CAPTURE": "manual"})
    payment = till.pay("authorized", method="creditcard")
    assert till.order == "completed"
    till.by_hand(payment, "capture", amount=euro(500))
    till.ask(payment)

    assert (again(payment).status, till.order) == ("conflicted", "completed")
    assert "mismatch" in open_cases()


def test_vanished__needs_two_looks_a_minute_apart(till, no_hurry):
    payment = till.pay()
    till.bank(payment, "open")
    assert (again(payment).status, till.order) == ("paid", "processing")

    till.later(61)
    assert (again(payment).status, till.order, open_cases()) == ("conflicted", "on_hold", {"mismatch"})
    till.bank(payment, "paid")
    assert (again(payment).status, till.order, open_cases()) == ("paid", "processing", set())


@pytest.mark.parametrize(("verb", "word"), [("lapse", "expired"), ("void", "canceled")])
def test_authorization_lost__before_capture_holds_the_order(till, payflow, no_hurry, verb, word):
    payflow(account={"CAPTURE": "manual"})
    payment = till.pay("authorized", method="creditcard")
    till.by_hand(payment, verb)

    assert (again(payment).status, till.order, open_cases()) == (word, "on_hold", {"authorization_lost"})


# -- news that change nothing


def test_old_failed_notice__the_fetch_says_paid(till):
    payment = till.start()
    till.bank(payment, "failed", told=False)
    till.bank(payment, "paid", told=True)
    before = again(payment).version
    till.story.webhook()

    assert (again(payment).version, till.order, open_cases()) == (before, "completed", set())


@pytest.mark.parametrize("word", ["failed", "canceled", "expired"])
def test_attempt_one_dies__after_attempt_two_was_paid(till, twice, word):
    first, second = twice
    till.bank(first, word)

    assert (again(first).status, sums(second)[0], till.order) == (word, "paid", "completed")
    assert (open_cases(), Shipment.objects.count()) == (set(), 1)


# -- cancelled while the bank works


@pytest.mark.parametrize(("setting", "ends"), [("hold", "on_hold"), ("refund", "canceled"), ("reopen", "completed")])
def test_cancel_while_processing__money_that_lands_follows_the_setting(till, payflow, setting, ends):
    payflow(LATE_PAYMENT=setting)
    payment = till.start(method="creditcard")
    till.bank(payment, "pending")
    flow.cancel_order(order_id=till.story.order.pk, actor="ann")
    assert (again(payment).status, till.order) == ("processing", "canceled")
    assert again(payment).next_check_at is not None

    till.bank(payment, "paid")

    assert moves(payment) == ([("refund", TOTAL, "pending")] if setting == "refund" else [])
    if setting == "refund":
        till.refund_ends(payment)
    assert (again(payment).status, till.order) == ("paid", ends)


# -- money that goes back, or is taken back


def test_dashboard_refund__whole_before_fulfilment_cancels_the_order(till, no_hurry):
    payment = till.pay()
    till.by_hand(payment, "refund", status="refunded")

    assert (sums(payment), till.order) == (("paid", TOTAL, 0, TOTAL), "canceled")
    assert (moves(payment), open_cases()) == ([("refund", TOTAL, "succeeded")], set())


def test_dashboard_refund__whole_after_fulfilment_changes_only_the_sums(till):
    payment = till.pay()
    till.by_hand(payment, "refund", status="refunded")

    assert (again(payment).label, till.order, open_cases()) == ("refunded", "completed", set())


@pytest.mark.parametrize("fulfilled", [True, False])
@pytest.mark.parametrize("amount", [TOTAL, 500])
def test_chargeback__before_and_after_fulfilment_also_partial(till, payflow, fulfilled, amount):
    if not fulfilled:
        payflow(FULFILMENT={})
    payment = till.pay()
    till.by_hand(payment, "chargeback", amount=euro(amount))

    order = "completed" if fulfilled else "on_hold"
    assert (again(payment).charged_back, again(payment).label, till.order) == (amount, "charged back", order)
    assert (open_cases(), moves(payment)) == ({"chargeback"}, [("dispute", amount, "pending")])

    back = till.at_provider(payment)["_embedded"]["chargebacks"][0]["id"]
    till.by_hand(payment, f"chargebacks/{back}/reverse")
    assert (again(payment).charged_back, open_cases()) == (0, set())
    assert (till.order, moves(payment)) == (
        "completed" if fulfilled else "processing",
        [("dispute", amount, "failed")],
    )


def test_chargeback__what_is_not_delivered_is_not_delivered_until_it_is_won(till, payflow):
    """The handler is due, the chargeback is faster; after the win it runs, once."""
    payment = till.start()
    till.sim.set_status(till.id_of(payment), "paid", webhook=False)
    flow.confirm(payment_id=payment.pk, source="poll")
    till.by_hand(payment, "chargeback")

    assert (till.order, Shipment.objects.count()) == ("on_hold", 0)
    assert set(Fulfilment.objects.values_list("status", flat=True)) == {"blocked"}

    back = till.at_provider(payment)["_embedded"]["chargebacks"][0]["id"]
    till.by_hand(payment, f"chargebacks/{back}/reverse")
    assert (till.order, Shipment.objects.count()) == ("completed", 1)
