"""Authentic, but about other money, another merchant or another order than we think."""

from __future__ import annotations

import pytest

from django_payflow import flow
from django_payflow.models import Case, Fulfilment, Payment, PaymentEvent, WebhookDelivery
from tests.attacks.kit import genuine_foreign_payment, hook, post, rows, state_of
from tests.conftest import new_order
from tests.shop.models import Shipment


def open_cases() -> set[str]:
    return set(Case.objects.open().values_list("kind", flat=True))


def security_events(payment) -> int:
    return PaymentEvent.objects.filter(payment=payment, kind="security").count()


# -- 19, 20: other money for our reference


OTHER_MONEY = [
    # number, what the provider says, captured, observed in another currency
    pytest.param({"currency": "EUR", "value": "0.01"}, 1, None, marks=pytest.mark.attack(19), id="19-one-cent"),
    pytest.param(
        {"currency": "EUR", "value": "24.94"}, 2494, None, marks=pytest.mark.attack(19), id="19-a-cent-less"
    ),
    pytest.param({"currency": "EUR", "value": "30.00"}, 3000, None, marks=pytest.mark.attack(19), id="19-more"),
    pytest.param({"currency": "JPY", "value": "2495"}, 0, 2495, marks=pytest.mark.attack(20), id="20-same-digits"),
    pytest.param({"currency": "USD", "value": "24.95"}, 0, 2495, marks=pytest.mark.attack(20), id="20-same-number"),
]


@pytest.mark.parametrize(("amount", "captured", "observed"), OTHER_MONEY)
def test_attack_19_20__other_money_is_conflicted_and_nothing_is_delivered(story, amount, captured, observed):
    story.start()
    story.sim.overwrite(story.reference, amount=amount)
    story.bank("paid")

    assert story.webhook().status_code == 200

    payment = story.payment
    assert (payment.status, payment.captured, payment.amount) == ("conflicted", captured, 2495)
    assert payment.observed_amount == observed
    assert payment.observed_currency == (amount["currency"] if observed else "")
    assert open_cases() == {"mismatch"}
    assert story.now().status == "on_hold"
    assert (Fulfilment.objects.count(), Shipment.objects.count()) == (0, 0)
    assert b"is being checked" in story.come_back().content


@pytest.mark.parametrize(("amount", "captured", "observed"), OTHER_MONEY)
def test_attack_19_20__the_page_asks_for_other_money_before_anybody_paid(story, amount, captured, observed):
    """Nobody shall pay a wrong sum: the page is taken back while it is still open."""
    story.start()
    story.sim.overwrite(story.reference, amount=amount, isCancelable=True)

    flow.confirm(payment_id=story.payment.pk, source="poll")
    assert (story.payment.checkout_url, open_cases(), story.now().status) == ("", {"mismatch"}, "on_hold")
    assert story.come_back().status_code == 200
    story.work()

    assert story.payment.status == "canceled"
    assert story.sim.payments()[0]["status"] == "canceled"
    assert story.now().status == "failed"
    assert open_cases() == set()
    assert story.start().status == "pending", "the buyer may try again"


@pytest.mark.attack(19)
def test_attack_19__amount_changed_after_it_was_paid(story):
    """Already delivered: the order stays, a person looks."""
    story.start()
    story.bank("paid")
    story.webhook()
    story.sim.overwrite(story.reference, amount={"currency": "EUR", "value": "99.00"})

    story.webhook()

    assert (story.payment.status, story.payment.captured) == ("conflicted", 9900)
    assert (story.now().status, open_cases()) == ("completed", {"mismatch"})
    assert Shipment.objects.count() == 1


@pytest.mark.attack(19)
def test_attack_19__a_small_genuine_payment_of_the_buyers_own_pointed_at_a_big_order(story, client):
    """One euro paid for one order, its id sent to the address of another one."""
    small = type(story)(story.sim, client, new_order(lines=_one_line(100)))
    small.start()
    small.bank("paid", webhook=False)
    big = story.start()
    known = state_of(big)

    answers = [post(client, hook(big), f"id={small.reference}") for _ in range(5)]
    story.work()

    assert [answer.status_code for answer in answers] == [404] * 5
    assert state_of(big) == known
    assert story.now().status == "pending"
    assert Case.objects.filter(kind="foreign_object").count() == 1
    assert Shipment.objects.count() == 0


@pytest.mark.attack(19)
def test_attack_19__a_genuine_foreign_payment_pointed_at_our_order(story, client):
    """Also one that claims, in its metadata, to be our attempt."""
    payment = story.start()
    known, before = state_of(payment), rows()
    foreign = genuine_foreign_payment(story.sim, value="24.95", metadata={"attempt": payment.key})

    for _ in range(3):
        assert post(client, hook(payment), f"id={foreign}").status_code == 404
    story.work()

    assert state_of(payment) == known
    assert rows() == before | {"Case": 1}
    assert story.sim.calls("get") == []

    story.sim.advance(3601)
    story.sim.set_status(story.reference, "open", webhook=False)
    post(client, hook(payment), f"id={foreign}")
    assert Case.objects.filter(kind="foreign_object").count() == 2, "one per account and hour"


@pytest.mark.attack(19)
def test_attack_19__a_foreign_payment_while_our_reference_is_not_stored_yet(story, client):
    """The create call's answer is lost. Somebody names a payment that is not ours: ours is found by its own mark."""
    story.sim.fault("create", "lost_answer", times=1)
    payment = story.start()
    ours = story.sim.payments()[0]["id"]
    foreign = genuine_foreign_payment(story.sim, value="24.95")

    assert post(client, hook(payment), f"id={foreign}").status_code == 503
    story.work()

    assert story.reference == ours
    assert story.payment.status == "pending"
    assert WebhookDelivery.objects.get().state == "done"


def _one_line(price: int):
    from django_payflow.models import OrderLine

    return [OrderLine(sku="S", name="Small", quantity=1, unit_price=price, vat_rate=21)]


# -- 21: metadata


@pytest.mark.attack(21)
@pytest.mark.parametrize("attempt", ["00000000-0000-4000-8000-000000000000", "another-order"])
def test_attack_21__metadata_that_names_another_attempt(story, attempt):
    story.start()
    story.sim.overwrite(story.reference, metadata={"order": "X", "attempt": attempt})
    story.bank("paid")

    story.webhook()

    assert (story.payment.status, story.payment.settles_id) == ("paid", story.order.pk)
    assert story.now().status == "completed", "our own mapping from reference to order wins"
    assert open_cases() == {"foreign_object"}


@pytest.mark.attack(21)
def test_attack_21__metadata_that_names_another_of_our_own_orders(story, client):
    other = type(story)(story.sim, client, new_order())
    victim = other.start()
    story.start()
    story.sim.overwrite(story.reference, metadata={"order": other.order.reference, "attempt": victim.key})
    story.bank("paid")
    known = state_of(victim)

    story.webhook()

    assert (story.now().status, other.now().status) == ("completed", "pending")
    assert state_of(victim) == known


@pytest.mark.attack(21)
@pytest.mark.parametrize("metadata", [None, "", [], "text", {"attempt": ""}])
def test_attack_21__no_metadata_is_no_contradiction(story, metadata):
    story.start()
    story.sim.overwrite(story.reference, metadata=metadata)
    story.bank("paid")

    story.webhook()

    assert (story.now().status, open_cases()) == ("completed", set())


# -- 22: merchant, mode, object


@pytest.mark.attack(22)
@pytest.mark.parametrize("lie", [{"profileId": "pfl_Stranger"}, {"mode": "live"}])
def test_attack_22__another_profile_or_mode_on_a_later_answer(story, lie):
    payment = story.start()
    story.sim.overwrite(story.reference, **lie)
    story.bank("paid")
    known = state_of(payment)

    answer = story.webhook()

    assert answer.status_code == 200, "it was authentic and is stored; what it led to is refused"
    assert state_of(payment) == known
    assert story.now().status == "pending"
    assert security_events(payment) == 1
    assert open_cases() == {"foreign_object"}
    assert Shipment.objects.count() == 0
    assert story.payment.next_check_at is not None, "and it is looked at again"


@pytest.mark.attack(22)
def test_attack_22__a_lie_that_was_taken_back(story):
    story.start()
    truth = story.sim.payments()[0]["profileId"]
    story.sim.overwrite(story.reference, profileId="pfl_Stranger")
    story.bank("paid")
    story.webhook()
    story.sim.overwrite(story.reference, profileId=truth)

    story.sim.advance(86400 + 60)
    story.work()

    assert story.now().status == "completed"


@pytest.mark.attack(22)
def test_attack_22__the_create_call_answers_in_the_other_mode(story, payflow):
    """Refused at once, and the buyer is not sent to a page of play money."""
    from tests.mollie.wire import answer, payment, serving

    with serving(lambda connection, _: connection.sendall(answer(payment(mode="live"), 201))) as wire:
        payflow(options={"base_url": wire.url})
        started = flow.start_checkout(order=story.order, account="mollie")

    mine = Payment.objects.get(pk=started.payment_id)
    assert (mine.status, mine.checkout_url, mine.references.count()) == ("created", "", 0)
    assert started.url == f"/payflow/return/{mine.return_token}/"
    assert security_events(mine) == 1
    assert open_cases() == {"foreign_object"}


@pytest.mark.attack(22)
def test_attack_22__an_object_that_already_belongs_to_another_payment(story, client, payflow):
    """A replayed create answer: the reference is another attempt's, so nothing is stored for this one."""
    from tests.mollie.wire import answer, payment, serving

    first = story.start()
    taken = story.reference
    other = new_order()

    def replay(connection, request):
        import json

        mark = json.loads(request.body)["metadata"]
        connection.sendall(answer(payment(id=taken, metadata=mark, profileId="pfl_Any"), 201))

    with serving(replay) as wire:
        payflow(options={"base_url": wire.url})
        started = flow.start_checkout(order=other, account="mollie")

    second = Payment.objects.get(pk=started.payment_id)
    assert (second.references.count(), second.checkout_url) == (0, "")
    assert first.references.get().value == taken
    assert security_events(second) == 1
