"""Bugs of other shops that belong to the time after "paid", and are not told elsewhere."""

from __future__ import annotations

import pytest

from django_payflow import checkpoints, flow
from django_payflow.models import Case, Fulfilment
from tests.aftercare import warehouse
from tests.aftercare.kit import TOTAL, again, moves, open_cases, sums
from tests.shop.models import Shipment


@pytest.mark.gauntlet("M02")
@pytest.mark.parametrize(
    ("method", "word"), [("banktransfer", "expired"), ("klarna", "expired"), ("paypal", "canceled")]
)
def test_M02__an_ending_is_not_ignored_because_of_the_method(till, method, word):
    """One plug-in took "on hold" for paid, and ignored the ending of a dozen methods."""
    till.klarna_order()
    payment = till.start(method=method)
    till.bank(payment, word)

    assert (again(payment).status, till.order, Shipment.objects.count()) == (word, "failed", 0)


@pytest.mark.gauntlet("M08")
def test_M08__webhook_return_and_sweep_at_once_reserve_and_deliver_once(till, payflow):
    payflow(STOCK=warehouse.STOCK)
    payment = till.start()
    till.sim.set_status(till.id_of(payment), "paid")

    def others() -> None:
        checkpoints.disarm()
        till.story.come_back()
        till.story.work()

    checkpoints.arm("confirm.fetched", others)
    till.story.webhook()
    till.story.come_back()
    till.story.work()

    assert (warehouse.log, Shipment.objects.count(), till.order) == (["reserve"], 1, "completed")


@pytest.mark.gauntlet("M10")
def test_M10__a_manual_capture_and_the_one_on_fulfilment_are_one(till, payflow):
    payflow(account={"CAPTURE": "on_fulfilment"}, FULFILMENT={})
    payment = till.pay("authorized", method="creditcard")
    flow.capture(payment_id=payment.pk, actor="ann")
    flow.complete_order(order_id=till.story.order.pk, actor="bob")
    till.later()
    till.ask(payment)

    assert (sums(payment), till.order) == (("paid", TOTAL, 0, 0), "completed")
    assert till.made(payment, "captures") == [(TOTAL, "succeeded")]
    assert [status for _, _, status in moves(payment)] == ["succeeded"]


@pytest.mark.gauntlet("M17")
def test_M17__a_failed_refund_or_capture_never_makes_an_order_unpaid(till):
    payment = till.pay(method="creditcard")
    flow.refund(payment_id=payment.pk, actor="ann")
    till.refund_ends(payment, "failed")

    assert (sums(payment)[0], till.order, again(payment).settles_id) == ("paid", "completed", till.story.order.pk)


@pytest.mark.gauntlet("M29")
@pytest.mark.parametrize("word", ["failed", "canceled", "expired", "pending", "authorized"])
def test_M29__only_captured_money_is_called_captured(till, payflow, word):
    codes = {"HANDLER": "tests.shop.fulfilment.ship", "NEEDS": "captured"}
    payflow(FULFILMENT={"codes": codes})
    payment = till.start(method="creditcard")
    till.bank(payment, word)
    till.later(60)

    assert (again(payment).captured, Shipment.objects.count()) == (0, 0)
    assert not Fulfilment.objects.filter(status="done").exists()


@pytest.mark.gauntlet("G19")
def test_G19__a_refunded_or_charged_back_order_is_not_called_unpaid_nor_paid_anew(till, client):
    payment = till.pay(method="creditcard")
    flow.refund(payment_id=payment.pk, actor="ann")
    till.refund_ends(payment)

    again_started = client.post(f"/payflow/start/{till.story.order.reference}/", {"account": "mollie"})

    assert again_started.status_code == 409
    assert (len(till.sim.payments()), open_cases(), Case.objects.count()) == (1, set(), 0)
