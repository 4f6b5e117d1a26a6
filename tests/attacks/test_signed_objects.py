"""A signed delivery may name an object that we do not store: a charge of our session, another system's payment,
the other mode. The account, the row and the signature must agree, and nothing waits for ever."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from django_payflow import clock, flow
from django_payflow.models import Case, Payment, WebhookDelivery
from tests.attacks.kit import rows
from tests.attacks.signing_bank import event
from tests.attacks.test_webhook_authenticity import at_bank, signed

__all__ = ["at_bank"]


@pytest.fixture
def wait() -> Any:
    def moved(span: timedelta) -> None:
        clock.move(clock.offset() + span)

    yield moved
    clock.move(timedelta(0))


def test_unstored_object__that_carries_our_mark_has_its_payment_asked_about(at_bank, bank, client):
    bank.says[reference := at_bank.references.get().value] = "paid"

    answer = signed(client, event("charge_1", mark=at_bank.key))
    flow.sweep(inline=True)

    assert answer.status_code == 200
    assert bank.asked == [reference], "the stored reference is asked about, never the one in the delivery"
    assert Payment.objects.get().status == "paid"


def test_unstored_object__that_names_a_stored_one_beside_itself_is_asked_about(at_bank, bank, client):
    bank.says[reference := at_bank.references.get().value] = "paid"

    assert signed(client, event("refund_1", also=[reference])).status_code == 200
    flow.sweep(inline=True)

    assert bank.asked == [reference]


def test_mark__at_another_account_finds_nothing(at_bank, bank, client):
    Payment.objects.update(account="bank-two")

    answer = signed(client, event("charge_1", mark=at_bank.key))
    flow.sweep(inline=True)

    assert answer.status_code == 503
    assert bank.asked == []
    assert WebhookDelivery.objects.get().payment_id is None


def test_mark__that_no_payment_has_is_kept_refused_and_shown_to_a_person_once(fresh_hour, at_bank, bank, client):
    answers = [signed(client, event(f"charge_{number}", number=number, mark="no-such-key")) for number in (1, 2, 2)]

    assert [answer.status_code for answer in answers] == [503, 503, 503]
    assert WebhookDelivery.objects.filter(state="pending").count() == 2
    assert [case.kind for case in Case.objects.all()] == ["foreign_object"]


def test_unmatched__is_set_aside_after_three_days_and_then_accepted(at_bank, bank, client, wait):
    assert signed(client, event("refund_of_another_shop")).status_code == 503
    flow.sweep(inline=True)
    wait(timedelta(days=2, hours=23))
    flow.sweep(inline=True)
    assert WebhookDelivery.objects.get().state == "pending"

    wait(timedelta(hours=2))
    flow.sweep(inline=True)

    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.lease_until) == ("ignored", None)
    assert "no payment stores this reference" in delivery.error
    assert signed(client, event("refund_of_another_shop")).status_code == 200
    assert Case.objects.count() == 0
    assert set(bank.asked) <= {at_bank.references.get().value}, "the poll of our own payment, nobody else's"


def test_object_of_another_system__is_accepted_and_ignored_unless_a_row_stores_it(at_bank, bank, client):
    bank.says[reference := at_bank.references.get().value] = "paid"

    strange = signed(client, event("charge_of_another_shop", number=1, foreign=True))
    flow.sweep(inline=True)
    assert (strange.status_code, strange.content) == (200, b"ignored")
    assert WebhookDelivery.objects.get().state == "ignored"

    ours = signed(client, event(reference, number=2, foreign=True))
    flow.sweep(inline=True)
    assert (ours.status_code, Payment.objects.get().status) == (200, "paid"), "a mark that got lost loses no money"


@pytest.mark.attack(18)
def test_attack_18__a_genuine_event_of_the_other_mode_is_refused_with_a_case(fresh_hour, at_bank, bank, client):
    before = WebhookDelivery.objects.count(), at_bank.status

    answers = [signed(client, event("b_live", number=number, live=True)) for number in range(3)]

    assert {answer.status_code for answer in answers} == {400}
    assert (WebhookDelivery.objects.count(), Payment.objects.get().status) == before
    assert [case.kind for case in Case.objects.all()] == ["foreign_object"], "one case an hour, not one each"
    assert bank.asked == []


@pytest.mark.attack(18)
def test_attack_18__a_forged_one_opens_no_case(at_bank, client):
    before = rows()
    assert signed(client, event("b_live", live=True), signature="0" * 64).status_code == 401
    assert rows() == before
