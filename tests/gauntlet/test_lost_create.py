"""The create call's answer is lost. There must be one payment at the provider, and the buyer must get on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_payflow import checkpoints, clock, flow
from django_payflow.exceptions import BankIsWorking, CheckoutRefused
from django_payflow.models import Case, Payment
from tests.conftest import new_order
from tests.gauntlet.kit import again, open_cases, transitions
from tests.shop.models import Shipment

LOST = ["lost_answer", "truncated", {"kind": "5xx", "done": True}]


def fault(story, kind, **more) -> None:
    described = kind if isinstance(kind, dict) else {"kind": kind}
    story.sim.fault("create", **{"times": 1, **described, **more})


def status_of(client, payment) -> dict:
    return client.get(f"/payflow/status/{payment.return_token}/").json()


@pytest.mark.gauntlet("G15")
@pytest.mark.parametrize("kind", LOST)
def test_lost_answer__the_sweep_adopts_the_payment_and_the_buyer_goes_on(story, client, kind):
    fault(story, kind)
    started = client.post(f"/payflow/start/{story.order.reference}/", {"account": "mollie"})
    payment = story.payment
    assert (started.status_code, started["Location"]) == (303, f"/payflow/return/{payment.return_token}/")
    assert (payment.status, payment.references.count()) == ("created", 0)
    assert status_of(client, payment) == {"standing": "open", "next": ""}

    story.sim.advance(11)
    story.work()

    (made,) = story.sim.payments()
    assert story.reference == made["id"]
    assert again(payment).status == "pending"
    page = again(payment).checkout_url
    assert page == made["simulator"]["checkout"]
    assert status_of(client, payment) == {"standing": "open", "next": page}
    assert story.start().checkout_url == page
    assert client.post(f"/payflow/start/{story.order.reference}/", {"account": "mollie"})["Location"] == page
    assert {call["idempotency_key"] for call in story.sim.calls("create")} == {payment.key}
    assert again(payment).checkout["buyer"] == {}

    story.bank("paid")
    story.webhook()
    assert (story.now().status, Shipment.objects.count(), Payment.objects.count()) == ("completed", 1, 1)


@pytest.mark.gauntlet("G15")
def test_lost_answer__the_buyer_himself_brings_it_on_by_waiting(story, client):
    """The waiting page asks, too: no sweep is needed."""
    fault(story, "lost_answer")
    client.post(f"/payflow/start/{story.order.reference}/", {"account": "mollie"})

    page = client.get(f"/payflow/return/{story.payment.return_token}/")

    assert (page.status_code, page["Location"]) == (303, story.payment.checkout_url)
    assert len(story.sim.payments()) == 1


@pytest.mark.gauntlet("G15")
def test_lost_answer__beyond_the_keys_life_it_is_found_by_listing(story, client):
    """The provider has forgotten the key: another create call would make a second payment."""
    story.order.payflow_lines()
    fault(story, "lost_answer")
    payment = story.start(method="banktransfer")

    story.sim.advance(2 * 3600)
    story.work()

    (made,) = story.sim.payments()
    assert story.reference == made["id"]
    assert len(story.sim.calls("create")) == 1
    assert len(story.sim.calls("list")) == 1
    assert again(payment).checkout_url == made["simulator"]["checkout"]
    assert status_of(client, payment)["next"] == made["simulator"]["checkout"]
    story.bank("paid")
    story.webhook()
    assert story.now().status == "completed"


@pytest.mark.gauntlet("G15")
def test_lost_answer__beyond_the_keys_life_and_paid_meanwhile(story):
    """Nobody had the address, but a webhook may have told the buyer's bank otherwise: money is money."""
    fault(story, "lost_answer")
    story.start(method="banktransfer")
    story.sim.set_status(story.sim.payments()[0]["id"], "paid", webhook=False)

    story.sim.advance(2 * 3600)
    story.work()

    assert (story.payment.status, story.now().status, Shipment.objects.count()) == ("paid", "completed", 1)


@pytest.mark.gauntlet("G15")
def test_never_arrived__two_searches_ten_minutes_apart_before_it_is_given_up(story):
    fault(story, "5xx", times=100)
    payment = story.start()
    story.sim.advance(2 * 3600)

    story.work()
    assert (again(payment).status, len(story.sim.calls("list"))) == ("created", 1)
    story.sim.advance(9 * 60)
    story.work()
    assert (again(payment).status, len(story.sim.calls("list"))) == ("created", 1)
    story.sim.advance(61)
    story.work()

    assert (again(payment).status, len(story.sim.calls("list"))) == ("failed", 2)
    assert story.now().status == "failed"
    story.sim.clear_faults()
    assert story.start().status == "pending"


FAILED_SEARCHES = [
    ("list", {"kind": "not_found"}),
    ("get", {"kind": "not_found"}),
]


@pytest.mark.gauntlet("G15")
@pytest.mark.parametrize(("on", "how"), FAILED_SEARCHES)
def test_search_that_fails__proves_nothing(story, on, how):
    """The payment exists. That our question about it is refused (404 for a moment, a new key) is no news."""
    fault(story, "lost_answer")
    payment = story.start(method="banktransfer")
    story.sim.advance(2 * 3600)
    story.sim.fault(on, times=1, **how)

    story.work()
    assert again(payment).status == "created"

    story.sim.advance(3700)
    story.work()
    assert again(payment).status == "pending"
    assert story.now().status == "pending"


@pytest.mark.gauntlet("G15")
def test_key_revoked_meanwhile__proves_nothing_about_the_payment(story, payflow):
    """Within the key's life: the repeat is refused with 401, the search as well. The payment is there."""
    from tests.mollie.wire import always, answer, serving

    fault(story, "lost_answer")
    payment = story.start(method="banktransfer")
    home = story.sim.base_url("mollie")
    story.sim.advance(11)
    with serving(always(answer({"status": 401, "title": "Unauthorized Request"}, 401))) as wire:
        payflow(options={"base_url": wire.url})
        story.work()
    assert again(payment).status == "created"

    payflow(options={"base_url": home})
    story.sim.advance(3700)
    story.work()
    assert again(payment).status == "pending"


@pytest.mark.gauntlet("G15")
@pytest.mark.parametrize("kind", ["429", "5xx"])
def test_not_sent__is_sent_again_with_the_same_key(story, client, kind):
    fault(story, kind)
    client.post(f"/payflow/start/{story.order.reference}/", {"account": "mollie"})
    assert story.sim.payments() == []

    story.sim.advance(11)
    story.work()

    assert len(story.sim.payments()) == 1
    assert len({call["idempotency_key"] for call in story.sim.calls("create")}) == 1
    assert story.payment.status == "pending"


@pytest.mark.gauntlet("G15")
def test_turned_away__the_providers_own_pause_is_kept(story):
    fault(story, {"kind": "429", "retry_after": 300})
    story.start()

    story.sim.advance(290)
    story.work()
    assert len(story.sim.calls("create")) == 1
    story.sim.advance(11)
    story.work()
    assert len(story.sim.payments()) == 1


def test_rejected__the_attempt_fails_at_once_and_the_buyer_may_try_again(story, client):
    refused = client.post(f"/payflow/start/{story.order.reference}/", {"account": "mollie", "method": "nonsense"})

    assert refused.status_code == 409
    assert b"Please try again or choose another way" in refused.content
    assert (story.payment.status, story.payment.next_check_at) == ("failed", None)
    assert story.now().status == "failed"
    assert client.post(f"/payflow/start/{story.order.reference}/", {"account": "mollie"}).status_code == 303
    assert story.now().status == "pending"
    assert transitions(Payment.objects.earliest("pk")) == ["created -> failed"]


def test_rejected__asking_about_it_makes_no_payment_of_it(story, client):
    """The operator's "ask the provider" on a dead attempt must not bring a payment into the world."""
    with pytest.raises(CheckoutRefused):
        story.start(method="nonsense")
    calls = len(story.sim.calls("create"))

    flow.ask_provider(payment_id=story.payment.pk, actor="ada")

    assert len(story.sim.calls("create")) == calls
    assert (story.payment.status, story.sim.payments()) == ("failed", [])


def test_created__the_buyer_presses_pay_again_while_the_first_call_is_running(story, client):
    """A double click: the second request does not call the provider, and leads to the page that waits."""
    seen = {}

    def double_click() -> None:
        checkpoints.disarm()
        seen["answer"] = client.post(f"/payflow/start/{story.order.reference}/", {"account": "mollie"})

    checkpoints.arm("checkout.intent", double_click)
    story.start()
    story.work()

    assert seen["answer"]["Location"] == f"/payflow/return/{story.payment.return_token}/"
    assert (len(story.sim.payments()), Payment.objects.count()) == (1, 1)


def test_created__a_buyer_who_chooses_another_way_is_not_stuck_behind_it(story):
    """'The offer is created: look up once, else supersede (nobody has its URL)'."""
    fault(story, "5xx", times=2)
    first = story.start(method="creditcard")
    assert first.status == "created"

    second = story.start(method="banktransfer")

    assert second.pk != first.pk
    assert (second.status, second.method) == ("pending", "banktransfer")


def test_adopted__only_what_asks_for_the_same_money(story):
    """An orphan with our mark and another amount is not ours to offer."""
    fault(story, "lost_answer")
    payment = story.start(method="banktransfer")
    story.sim.overwrite(story.sim.payments()[0]["id"], amount={"currency": "EUR", "value": "1.00"})
    story.sim.advance(2 * 3600)

    story.work()

    assert (again(payment).status, again(payment).references.count()) == ("created", 0)
    assert open_cases() == {"foreign_object"}
    assert Case.objects.count() == 1


def test_adopted__two_with_our_mark_are_one_and_a_foreigner(story):
    """Somebody copies our metadata into a payment of his own: ours is stored already, and stays."""
    payment = story.start()
    kept = story.reference
    copy = story.sim.payments()[0]["metadata"]
    from tests.attacks.kit import genuine_foreign_payment

    genuine_foreign_payment(story.sim, value="24.95", metadata=copy)
    story.sim.advance(61)
    story.work()

    assert [row.value for row in again(payment).references.all()] == [kept]
    assert again(payment).status == "pending"


def test_busy_creation__another_way_is_asked_for_while_the_first_call_runs(story):
    """The lease is with the first call: the second request is told to wait, or gets the waiting page."""
    seen = []

    def other_way() -> None:
        checkpoints.disarm()
        try:
            seen.append(flow.start_checkout(order=story.order, account="mollie", method="ideal").url)
        except BankIsWorking as wait:
            seen.append(wait.buyer_message)

    checkpoints.arm("checkout.intent", other_way)
    story.start(method="creditcard")

    assert len(seen) == 1
    assert len(story.sim.payments()) == 1


def test_superseded__what_never_arrived_is_looked_for_but_not_made(story):
    fault(story, "5xx", times=2)
    first = story.start(method="creditcard")
    second = story.start(method="banktransfer")
    assert second.pk != first.pk

    for _ in range(3):
        story.sim.advance(660)
        story.work()

    assert [made["metadata"]["attempt"] for made in story.sim.payments()] == [second.key]
    assert again(first).status == "failed"


def test_deadline__what_never_arrived_is_not_made_for_an_order_that_is_over(story):
    story.order = new_order(pay_before=clock.now() + timedelta(minutes=5))
    fault(story, "5xx")
    story.start(method="ideal")

    for _ in range(3):
        story.sim.advance(660)
        story.work()

    assert story.sim.payments() == []
    assert story.now().status == "expired"
