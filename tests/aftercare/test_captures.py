"""Captures and voids: what is taken, what is let go, and what the order makes of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_payflow import flow
from django_payflow.exceptions import CommandRefused, NotEnoughLeft
from django_payflow.messages import MoveKind
from django_payflow.models import Case, Fulfilment
from tests.aftercare.kit import TOTAL, again, closed_cases, left, moves, open_cases, sums
from tests.shop.models import Shipment

CAPTURE, VOID = MoveKind.CAPTURE, MoveKind.VOID


@pytest.fixture
def held(till, payflow):
    """A card payment that is authorized only; nothing is fulfilled, so the order rests in processing."""
    payflow(account={"CAPTURE": "manual"}, FULFILMENT={})
    payment = till.pay("authorized", method="creditcard")
    assert (sums(payment), till.order) == (("authorized", 0, TOTAL, 0), "processing")
    return payment


@pytest.fixture
def klarna(till, payflow):
    """An authorization that several captures may take from."""
    payflow(FULFILMENT={})
    till.klarna_order()
    return till.pay("authorized", method="klarna")


def test_capture__everything(till, held):
    asked = flow.capture(payment_id=held.pk, actor="ann")
    assert (asked.status, left(held, CAPTURE), till.made(held, "captures")) == ("pending", 0, [(TOTAL, "pending")])

    till.later()
    till.ask(held)
    assert (sums(held), moves(held)) == (("paid", TOTAL, 0, 0), [("capture", TOTAL, "succeeded")])
    assert (open_cases(), till.order) == (set(), "processing")


def test_capture__a_deliberate_part_leaves_the_order_as_it_is(till, held):
    """A card's first capture ends it: the rest is let go of on purpose, and nobody is alarmed."""
    flow.capture(payment_id=held.pk, amount=1000, actor="ann")
    till.later()
    till.ask(held)

    assert (sums(held), again(held).let_go) == (("paid", 1000, 0, 0), TOTAL - 1000)
    assert (open_cases(), till.order) == (set(), "processing")
    assert Case.objects.count() == 0


def test_capture__several_parts_until_nothing_is_left(till, klarna):
    for part in (1000, 900):
        flow.capture(payment_id=klarna.pk, amount=part, final=False, actor="ann")
        till.later()
        till.ask(klarna)
    assert (sums(klarna), again(klarna).label) == (("authorized", 1900, TOTAL - 1900, 0), "partly captured")

    flow.capture(payment_id=klarna.pk, actor="ann")
    till.later()
    till.ask(klarna)

    assert sums(klarna) == ("paid", TOTAL, 0, 0)
    assert till.made(klarna, "captures") == [(595, "succeeded"), (900, "succeeded"), (1000, "succeeded")]
    assert (Case.objects.count(), till.order) == (0, "processing")


def test_capture__a_final_part_releases_the_rest(till, klarna):
    flow.capture(payment_id=klarna.pk, amount=1000, final=True, actor="ann")
    for _ in range(3):
        till.later()
        till.ask(klarna)

    assert (sums(klarna), again(klarna).let_go) == (("paid", 1000, 0, 0), TOTAL - 1000)
    assert moves(klarna) == [("capture", 1000, "succeeded"), ("void", TOTAL - 1000, "succeeded")]
    assert (Case.objects.count(), till.order, till.calls("release")) == (0, "processing", 1)


def test_capture__that_fails_takes_back_what_it_gave_up(till, held):
    flow.capture(payment_id=held.pk, amount=1000, actor="ann")
    assert again(held).let_go == TOTAL - 1000
    capture = till.at_provider(held)["_embedded"]["captures"][0]["id"]
    till.by_hand(held, f"captures/{capture}/status", status="failed")

    assert (moves(held), again(held).let_go) == ([("capture", 1000, "failed")], 0)
    assert (left(held, CAPTURE), again(held).status) == (TOTAL, "authorized")


@pytest.mark.parametrize("amount", [TOTAL + 1, 0, -1, True, 10.0])
def test_capture__of_no_possible_amount_is_refused_before_the_wire(till, held, amount):
    with pytest.raises(CommandRefused):
        flow.capture(payment_id=held.pk, amount=amount, actor="ann")

    assert (moves(held), till.calls("capture")) == ([], 0)


def test_capture__of_what_is_paid_says_that_nothing_is_left(till):
    payment = till.pay()

    with pytest.raises(NotEnoughLeft) as refused:
        flow.capture(payment_id=payment.pk, actor="ann")

    assert refused.value.left == 0
    assert "paid" in str(refused.value)


@pytest.mark.parametrize("second", ["capture", "void"])
def test_capture__while_one_is_under_way_nothing_else_is_asked_for(till, klarna, second):
    flow.capture(payment_id=klarna.pk, amount=1000, final=False, actor="ann")

    with pytest.raises(NotEnoughLeft, match="under way"):
        getattr(flow, second)(payment_id=klarna.pk, actor="bob")

    assert (len(moves(klarna)), till.calls("release")) == (1, 0)


def test_void__before_any_capture_cancels_the_order(till, held):
    asked = flow.void(payment_id=held.pk, reason="sold out", actor="ann")
    assert (asked.status, left(held, CAPTURE)) == ("pending", 0)

    till.later()
    till.ask(held)
    assert (sums(held), again(held).label) == (("canceled", 0, 0, 0), "voided")
    assert (moves(held), till.order) == ([("void", TOTAL, "succeeded")], "canceled")
    assert Case.objects.count() == 0


def test_void__of_the_rest_leaves_the_order_as_it_is(till, klarna):
    flow.capture(payment_id=klarna.pk, amount=1000, final=False, actor="ann")
    till.later()
    till.ask(klarna)
    flow.void(payment_id=klarna.pk, actor="ann")
    till.later()
    till.ask(klarna)

    assert (sums(klarna), till.order) == (("paid", 1000, 0, 0), "processing")
    assert moves(klarna) == [("capture", 1000, "succeeded"), ("void", TOTAL - 1000, "succeeded")]
    assert Case.objects.count() == 0


@pytest.mark.gauntlet("G9")
@pytest.mark.parametrize(
    ("verb", "after", "holds"),
    [("capture", ("paid", TOTAL, 0, 0), "processing"), ("void", ("canceled", 0, 0, 0), "on_hold")],
)
def test_G9__a_capture_or_void_in_the_dashboard_appears(till, held, verb, after, holds):
    till.by_hand(held, verb)
    till.ask(held)

    assert (sums(held), till.order) == (after, holds)
    assert left(held, CAPTURE) == 0


def test_capture__that_somebody_makes_in_the_dashboard_first_is_not_made_twice(till, held):
    till.by_hand(held, "capture", webhook=False)

    asked = flow.capture(payment_id=held.pk, actor="ann")
    till.later()
    till.ask(held)

    assert asked.status == "failed"
    assert (sums(held), till.made(held, "captures")) == (("paid", TOTAL, 0, 0), [(TOTAL, "succeeded")])
    assert till.order == "processing"


# -- captured when the shop did its part


SHIP = {"ship": {"HANDLER": "tests.shop.fulfilment.ship"}}


def test_on_fulfilment__the_money_is_taken_when_every_handler_is_done(till, payflow):
    payflow(account={"CAPTURE": "on_fulfilment"}, FULFILMENT=SHIP)
    payment = till.pay("authorized", method="creditcard")

    assert (till.order, Shipment.objects.count(), moves(payment)) == ("completed", 1, [("capture", TOTAL, "pending")])
    till.later()
    till.ask(payment)
    assert (sums(payment), moves(payment)) == (("paid", TOTAL, 0, 0), [("capture", TOTAL, "succeeded")])
    assert (Case.objects.count(), till.calls("capture")) == (0, 1)


def test_on_fulfilment__not_before(till, payflow):
    broken = {**SHIP, "invoice": {"HANDLER": "tests.shop.fulfilment.nowhere"}}
    payflow(account={"CAPTURE": "on_fulfilment"}, FULFILMENT=broken)
    payment = till.pay("authorized", method="creditcard")
    till.later(3600)

    assert (till.order, moves(payment), Shipment.objects.count()) == ("processing", [], 1)


def test_on_fulfilment__by_hand_as_well(till, payflow):
    payflow(account={"CAPTURE": "on_fulfilment"}, FULFILMENT={})
    payment = till.pay("authorized", method="creditcard")
    assert (till.order, moves(payment)) == ("processing", [])

    flow.complete_order(order_id=till.story.order.pk, actor="ann")

    assert (till.order, moves(payment)) == ("completed", [("capture", TOTAL, "pending")])


def test_on_fulfilment__a_capture_that_is_refused_is_a_case(till, payflow):
    payflow(account={"CAPTURE": "on_fulfilment"}, FULFILMENT={})
    payment = till.pay("authorized", method="creditcard")
    till.by_hand(payment, "void", webhook=False)

    flow.complete_order(order_id=till.story.order.pk, actor="ann")

    assert (moves(payment), till.order) == ([("capture", TOTAL, "failed")], "completed")
    assert "move" in open_cases()


def test_needs_captured__waits_until_the_money_is_taken(till, payflow):
    """A voucher code cannot be called back."""
    codes = {"HANDLER": "tests.shop.fulfilment.ship", "NEEDS": "captured"}
    payflow(account={"CAPTURE": "manual"}, FULFILMENT={"codes": codes})
    payment = till.pay("authorized", method="creditcard")
    assert (till.order, Shipment.objects.count()) == ("processing", 0)
    assert Fulfilment.objects.get().status == "blocked"

    flow.capture(payment_id=payment.pk, actor="ann")
    assert Shipment.objects.count() == 0
    till.later()
    till.ask(payment)

    assert (till.order, Shipment.objects.count()) == ("completed", 1)


def test_needs_captured__is_satisfied_at_once_by_what_is_paid_at_once(till, payflow):
    payflow(FULFILMENT={"codes": {"HANDLER": "tests.shop.fulfilment.ship", "NEEDS": "captured"}})
    till.pay()

    assert (till.order, Shipment.objects.count()) == ("completed", 1)


def test_secured_means_captured__an_authorization_secures_nothing(till, payflow):
    payflow(account={"CAPTURE": "manual", "SECURED_MEANS": "captured"})
    payment = till.pay("authorized", method="creditcard")
    assert (till.order, Shipment.objects.count(), open_cases()) == ("pending", 0, set())

    flow.capture(payment_id=payment.pk, actor="ann")
    till.later()
    till.ask(payment)

    assert (till.order, Shipment.objects.count()) == ("completed", 1)


# -- before it is too late


def test_authorization_ending__after_four_fifths_of_its_life_a_person_is_told(till, held):
    life = again(held).capture_before - again(held).authorized_at
    assert life > timedelta(days=1)
    till.later(life.total_seconds() * 0.79)
    assert open_cases() == set()

    till.later(life.total_seconds() * 0.02)
    assert (open_cases(), till.order) == ({"authorization_ending"}, "processing")
    till.later(3600 * 7)
    assert Case.objects.filter(kind="authorization_ending").count() == 1

    flow.capture(payment_id=held.pk, actor="ann")
    till.later()
    till.ask(held)
    assert (open_cases(), closed_cases()) == (set(), {"authorization_ending"})


def test_authorization_ending__that_lapses_all_the_same_is_lost(till, held):
    life = again(held).capture_before - again(held).authorized_at
    till.later(life.total_seconds() + 7 * 3600)

    assert (again(held).status, open_cases(), till.order) == ("expired", {"authorization_lost"}, "on_hold")
    lost = Case.objects.open().get()
    flow.close_case_by_hand(case_id=lost.pk, reason="he will pay again", actor="ann")
    assert till.order == "failed"
    assert till.pay().status == "paid"
