"""Two attempts for one order: what the buyer gets when he presses pay again."""

from __future__ import annotations

import pytest

from django_payflow import flow
from django_payflow.exceptions import BankIsWorking, CheckoutRefused, OrderNotPayable, TooManyAttempts
from django_payflow.models import Payment
from tests.gauntlet.kit import again, open_cases
from tests.shop.models import Shipment


def start(client, story, **fields):
    return client.post(f"/payflow/start/{story.order.reference}/", {"account": "mollie", **fields})


def test_pending_same_way__the_same_address(story, client):
    first = start(client, story, method="ideal")
    second = start(client, story, method="ideal")

    assert first["Location"] == second["Location"] == story.payment.checkout_url
    assert (Payment.objects.count(), len(story.sim.payments())) == (1, 1)


def test_pending_other_method__the_first_is_cancelled_at_the_provider(story):
    first = story.start(method="banktransfer")
    second = story.start(method="ideal")

    assert (again(first).status, second.status) == ("canceled", "pending")
    assert [made["status"] for made in story.sim.payments()] == ["open", "canceled"]
    assert (again(first).offer_of_id, again(second).offer_of_id) == (None, story.order.pk)
    assert story.now().status == "pending"


def test_pending_other_method__what_cannot_be_cancelled_is_superseded_and_watched(story):
    first = story.start(method="ideal")
    second = story.start(method="creditcard")

    assert (again(first).status, again(first).withdraw, again(first).checkout_url) == ("pending", True, "")
    assert again(first).offer_of_id is None
    assert again(first).next_check_at is not None
    assert second.status == "pending"

    story.sim.set_status(first.references.get().value, "paid", webhook=False)
    story.sim.advance(61)
    story.work()
    assert (again(first).status, again(first).settles_id) == ("paid", story.order.pk), "its money is as good"
    assert story.now().status == "completed"


def test_pending_other_method__money_seen_while_ending_it_starts_no_other(story):
    first = story.start(method="banktransfer")
    story.bank("paid", webhook=False)

    with pytest.raises(OrderNotPayable):
        story.start(method="ideal")

    assert (again(first).status, Payment.objects.count()) == ("paid", 1)
    story.work()
    assert story.now().status == "completed"


def test_both_paid__the_second_is_surplus_and_the_order_unaffected(story):
    first = story.start(method="ideal")
    second = story.start(method="creditcard")
    for payment in (second, first):
        story.sim.set_status(payment.references.get().value, "paid")
        story.webhook()

    assert again(second).settles_id == story.order.pk
    assert (open_cases(), story.now().status, Shipment.objects.count()) == ({"surplus"}, "completed", 1)
    assert again(first).captured == 2495


def test_secured__other_open_attempts_are_ended_at_the_provider(story):
    first = story.start(method="ideal")
    second = story.start(method="creditcard")
    story.sim.overwrite(first.references.get().value, isCancelable=True)
    story.sim.set_status(second.references.get().value, "paid")

    story.webhook()

    assert again(first).status == "canceled"
    assert {made["status"] for made in story.sim.payments()} == {"paid", "canceled"}


def test_processing_pull__refused_politely(story, client):
    story.start(method="creditcard")
    story.bank("pending", webhook=False)
    flow.confirm(payment_id=story.payment.pk, source="poll")
    assert story.payment.status == "processing"

    for fields in ({"method": "creditcard"}, {"method": "ideal"}, {"confirmed": "1"}):
        refused = start(client, story, **fields)
        assert refused.status_code == 409
        assert b"Your bank is still working" in refused.content
    assert len(story.sim.payments()) == 1


def test_processing_pull__after_a_day_on_explicit_confirmation(story):
    first = story.start(method="creditcard")
    story.bank("pending", webhook=False)
    story.sim.advance(86400 + 60)
    story.work()

    with pytest.raises(BankIsWorking):
        story.start(method="creditcard")
    second = story.start(method="creditcard", confirmed=True)

    assert (again(first).status, second.status) == ("processing", "pending")
    assert again(first).next_check_at is not None


def test_processing_push__a_bank_transfer_does_not_bind_the_buyer(story):
    first = story.start(method="banktransfer")
    story.bank("pending", webhook=False)
    flow.confirm(payment_id=first.pk, source="poll")
    assert (again(first).status, again(first).push) == ("processing", True)

    second = story.start(method="ideal")

    assert second.status == "pending"
    assert again(first).withdraw is True


@pytest.mark.parametrize("word", ["authorized", "paid"])
def test_money__is_there_no_other_attempt(story, client, word):
    story.start(method="creditcard")
    story.bank(word)
    story.webhook()

    refused = start(client, story)

    assert (refused.status_code, len(story.sim.payments())) == (409, 1)
    assert b"not waiting for a payment" in refused.content


def test_five_attempts_an_hour(story, client):
    for _ in range(5):
        with pytest.raises(CheckoutRefused):
            story.start(method="nonsense")
    with pytest.raises(TooManyAttempts):
        story.start(method="ideal")
    assert b"too many attempts" in start(client, story).content
    assert Payment.objects.count() == 5

    story.sim.advance(3601)
    assert start(client, story).status_code == 303


def test_attempts__of_another_order_do_not_count(story):
    from tests.conftest import new_order

    for _ in range(5):
        with pytest.raises(CheckoutRefused):
            story.start(method="nonsense")
    story.order = new_order()
    assert story.start().status == "pending"


def test_two_accounts__the_first_offer_is_ended_before_the_other_account_is_asked(story, client, settings):
    import copy

    changed = copy.deepcopy(settings.PAYFLOW)
    other = copy.deepcopy(changed["PROVIDERS"]["mollie"])
    other["OPTIONS"]["api_key"] = "test_" + "o" * 30
    changed["PROVIDERS"]["other"] = other
    settings.PAYFLOW = changed
    first = story.start(method="banktransfer")

    answer = start(client, story, account="other", method="banktransfer")

    assert answer.status_code == 303
    assert (again(first).status, story.payment.account, story.payment.status) == ("canceled", "other", "pending")
    assert len({made["simulator"]["account"] for made in story.sim.payments()}) == 2
