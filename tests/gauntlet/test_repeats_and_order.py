"""The same news often, old news late, news before its time."""

from __future__ import annotations

import pytest
from django.core import mail

from django_payflow import checkpoints, clock, flow
from django_payflow.models import Payment, WebhookDelivery
from tests.attacks.kit import hook, post, state_of
from tests.conftest import new_order
from tests.gauntlet.kit import again, done, open_cases, transitions
from tests.shop.models import Shipment


@pytest.mark.gauntlet("G1")
@pytest.mark.parametrize("worker_keeps_pace", [True, False])
def test_G1__the_same_webhook_a_hundred_times_has_one_effect(story, client, worker_keeps_pace):
    """One after the other; in parallel is another file's part."""
    payment = story.start()
    story.bank("paid")

    for _ in range(100):
        assert post(client, hook(payment), f"id={story.reference}").status_code == 200
        if worker_keeps_pace and WebhookDelivery.objects.get().hits in {1, 2, 50, 99}:
            story.work()
    story.work()

    assert transitions(payment) == ["created -> pending", "pending -> paid"]
    assert (Shipment.objects.count(), len(mail.outbox)) == (1, 1)
    assert (story.now().status, done()) == ("completed", {"ship": "done", "confirmation": "done"})
    delivery = WebhookDelivery.objects.get()
    assert (delivery.hits, delivery.state) == (100, "done")
    assert story.payment.captured == 2495


# -- G3, M16, M17, M24, M03: old news


@pytest.mark.gauntlet("G3")
def test_G3__a_late_notice_about_a_paid_payment_changes_nothing(story):
    """Mollie's notices do not say what they are about: an old one only makes us look."""
    story.start()
    story.bank("paid")
    story.webhook()
    known = state_of(story.payment)

    for _ in range(3):
        story.webhook()

    assert state_of(story.payment) == known
    assert (story.now().status, open_cases()) == ("completed", set())


@pytest.mark.gauntlet("G3")
@pytest.mark.parametrize("old_word", ["expired", "failed", "canceled", "open"])
def test_G3__an_old_answer_that_arrives_after_the_new_one(story, old_word):
    """A worker fetches, is held up until its lease is over; another one books the money; then the first goes on."""
    payment = story.start()
    story.bank(old_word, webhook=False)

    def meanwhile() -> None:
        checkpoints.disarm()
        story.sim.advance(61)
        story.bank("paid", webhook=False)
        flow.confirm(payment_id=payment.pk, source="webhook")

    checkpoints.arm("confirm.fetched", meanwhile)
    late = flow.confirm(payment_id=payment.pk, source="poll")

    assert late.outcome == "stale"
    assert (story.payment.status, story.payment.captured) == ("paid", 2495)
    assert story.now().status == "processing"
    assert open_cases() == set()
    assert again(payment).next_check_at <= clock.now(), "and one fresh look is due at once"
    story.work()
    assert (story.now().status, transitions(payment)[-1]) == ("completed", "pending -> paid")


@pytest.mark.gauntlet("G3")
@pytest.mark.gauntlet("M24")
def test_M24__an_old_answer_that_knew_of_money_is_not_lost_either(story):
    """The other way round: the held-up worker saw paid, the newer answer says open."""
    payment = story.start()
    story.bank("paid", webhook=False)

    def meanwhile() -> None:
        checkpoints.disarm()
        story.sim.advance(61)
        story.bank("open", webhook=False)
        story.sim.overwrite(story.reference, description="changed", expiresAt="2099-01-01T00:00:00+00:00")
        flow.confirm(payment_id=payment.pk, source="poll")

    checkpoints.arm("confirm.fetched", meanwhile)
    flow.confirm(payment_id=payment.pk, source="webhook")

    assert story.payment.captured == 2495


@pytest.mark.gauntlet("M16")
def test_M16__the_first_attempts_failure_after_the_second_ones_success(story):
    first = story.start(method="banktransfer")
    story.sim.overwrite(first.references.get().value, isCancelable=False)
    second = story.start(method="creditcard")
    story.sim.set_status(second.references.get().value, "paid")
    story.webhook()
    assert story.now().status == "completed"

    story.sim.set_status(first.references.get().value, "failed")
    story.webhook()

    assert (again(first).status, again(second).status) == ("failed", "paid")
    assert (story.now().status, again(second).settles_id) == ("completed", story.order.pk)
    assert open_cases() == set()


@pytest.mark.gauntlet("M17")
@pytest.mark.parametrize("word", ["failed", "expired", "canceled"])
def test_M17__a_contradiction_after_paid_never_unpays_silently(story, word):
    """The provider itself takes its word back: after two looks that is a conflict for a person, not a downgrade."""
    story.start()
    story.bank("paid")
    story.webhook()

    story.bank(word)
    story.webhook()
    assert (story.payment.status, story.payment.captured) == ("paid", 2495), "one look is not enough"
    assert story.now().status == "completed"

    story.sim.advance(61)
    story.work()
    assert (story.payment.status, story.payment.doubt, story.payment.captured) == ("conflicted", "vanished", 2495)
    assert (open_cases(), story.now().status) == ({"mismatch"}, "completed")
    assert Shipment.objects.count() == 1


@pytest.mark.gauntlet("M17")
def test_M17__a_contradiction_that_heals(story):
    story.start()
    story.bank("paid")
    story.webhook()
    story.bank("failed")
    story.webhook()
    story.sim.advance(61)
    story.work()

    story.bank("paid")
    story.webhook()

    assert (story.payment.status, open_cases()) == ("paid", set())


@pytest.mark.gauntlet("M03")
def test_M03__the_return_of_a_second_open_attempt_does_not_unpay_the_order(story, client):
    first = story.start(method="banktransfer")
    story.sim.overwrite(first.references.get().value, isCancelable=False)
    second = story.start(method="ideal")
    story.sim.set_status(first.references.get().value, "paid")
    story.webhook()
    assert story.now().status == "completed"

    page = client.get(f"/payflow/return/{second.return_token}/")

    assert b"order is paid" in page.content, "this buyer owes nothing"
    assert (story.now().status, again(first).settles_id) == ("completed", story.order.pk)
    assert Shipment.objects.count() == 1


# -- G12, M05: news before its time


@pytest.mark.gauntlet("G12")
@pytest.mark.gauntlet("M05")
def test_M05__webhook_before_the_references_are_stored(story, client):
    """It arrives between the provider's answer and our commit: kept, refused with 503, applied afterwards."""
    seen = {}

    def in_between() -> None:
        checkpoints.disarm()
        made = story.sim.payments()[0]
        story.sim.set_status(made["id"], "paid", method="creditcard")
        seen["answer"] = post(client, hook(Payment.objects.get()), f"id={made['id']}").status_code
        seen["delivery"] = WebhookDelivery.objects.get().state
        flow.process_delivery(delivery_id=WebhookDelivery.objects.get().pk)

    checkpoints.arm("checkout.created", in_between)
    payment = story.start()

    assert seen == {"answer": 503, "delivery": "pending"}
    story.work()
    assert (again(payment).status, story.now().status) == ("paid", "completed")
    assert WebhookDelivery.objects.get().state == "done"
    assert story.webhook().status_code == 200, "the provider's own repeat finds everything in place"
    assert Shipment.objects.count() == 1


@pytest.mark.gauntlet("G12")
def test_G12__webhook_before_the_create_call_was_even_answered(story, client):
    """The repeated create call is answered with a picture of the past: that must not pass for the news."""
    story.sim.fault("create", "lost_answer", times=1)
    payment = story.start()
    made = story.sim.payments()[0]["id"]
    story.sim.set_status(made, "paid", method="creditcard")

    assert post(client, hook(payment), f"id={made}").status_code == 503
    story.work()

    assert (story.payment.status, story.now().status) == ("paid", "completed")
    assert len(story.sim.payments()) == 1


@pytest.mark.gauntlet("G12")
def test_G12__what_was_answered_with_503_survives_without_the_providers_repeat(story, client):
    """Mollie gives up after ten tries: our own inbox must be enough."""
    story.sim.fault("create", "5xx", done=True, times=1)
    payment = story.start()
    made = story.sim.payments()[0]["id"]
    story.sim.fault("create", "5xx", times=2)
    story.sim.fault("get", "5xx", times=6)
    story.sim.set_status(made, "paid", method="creditcard")
    post(client, hook(payment), f"id={made}")

    for _ in range(8):
        story.sim.advance(600)
        story.work()

    assert (story.payment.status, story.now().status) == ("paid", "completed")
    assert WebhookDelivery.objects.get().state == "done"


# -- G13, M06: no news at all


@pytest.mark.gauntlet("G13")
@pytest.mark.gauntlet("M06")
@pytest.mark.parametrize("after", [5, 19 * 60, 50 * 60, 5 * 3600])
def test_G13__webhook_lost_and_browser_closed(story, after):
    """The poller finishes within its schedule: 60 s in the first 20 minutes, 5 minutes to 1 h, 15 to 6 h."""
    story.start(method="banktransfer")
    passed = 0
    while passed < after:
        step = min(600, after - passed)
        story.sim.advance(step)
        story.work()
        passed += step
    story.bank("paid", webhook=False)
    pause = 61 if after < 20 * 60 else 301 if after < 3600 else 901

    story.sim.advance(pause)
    story.work()

    assert story.now().status == "completed"
    assert story.sim.deliveries() == []


@pytest.mark.gauntlet("G13")
def test_G13__two_days_of_outage(story):
    """No lower bound: what fell due long ago is found by the first sweep."""
    others = [type(story)(story.sim, story.client, new_order()) for _ in range(3)]
    for one in (story, *others):
        one.start(method="banktransfer")
        one.bank("paid", webhook=False)

    story.sim.advance(2 * 86400)
    story.work()

    assert [one.now().status for one in (story, *others)] == ["completed"] * 4


@pytest.mark.gauntlet("G13")
def test_G13__a_payment_whose_schedule_is_over_opens_a_case_and_is_never_failed_by_us(story):
    story.start(method="banktransfer")
    story.sim.overwrite(story.reference, expiresAt="2020-01-01T00:00:00+00:00")
    story.sim.set_status(story.reference, "pending", webhook=False)

    for _ in range(17):
        story.sim.advance(86400)
        story.work()

    assert story.payment.status == "processing"
    assert open_cases() == {"unresolved"}
    assert story.payment.next_check_at is None
    story.bank("paid")
    story.webhook()
    assert (story.now().status, open_cases()) == ("completed", set()), "money still counts, and closes the case"


@pytest.mark.gauntlet("M22")
def test_M22__the_handler_needs_no_session_and_no_cookie(story):
    from django.test import Client

    story.start()
    story.bank("paid", webhook=False)
    fresh = Client()

    page = fresh.get(f"/payflow/return/{story.payment.return_token}/")

    assert b"order is paid" in page.content
    assert not fresh.cookies
    refused = fresh.post(f"/payflow/start/{story.order.reference}/", {"account": "mollie"})
    assert refused.status_code == 409, "and nobody pays twice because a page did not know better"
    assert len(story.sim.payments()) == 1


# -- news that arrives while somebody asks and every place is taken


def _news_while_asked(story, *, before: str, then) -> None:
    """A worker has just fetched ``before``; something happens, and its webhook is worked on before he settles."""
    payment = story.start(method="creditcard")
    story.bank(before, webhook=False)

    def meanwhile() -> None:
        checkpoints.disarm()
        then()
        post(story.client, hook(payment), f"id={story.reference}")
        flow.process_delivery(delivery_id=WebhookDelivery.objects.get().pk)

    checkpoints.arm("confirm.fetched", meanwhile)
    flow.confirm(payment_id=payment.pk, source="poll")
    story.work()


@pytest.mark.gauntlet("G2")
@pytest.mark.parametrize("places", [1, 16])
def test_news_while_asked__a_chargeback_is_not_forgotten(story, payflow, places):
    payflow(FETCHES_PER_ACCOUNT=places)
    _news_while_asked(
        story,
        before="paid",
        then=lambda: story.sim.control("POST", f"mollie/payments/{story.reference}/chargeback", {"webhook": False}),
    )
    for _ in range(3):
        story.sim.advance(86400)
        story.work()

    assert story.payment.charged_back == 2495
    assert open_cases() == {"chargeback"}


@pytest.mark.gauntlet("G2")
@pytest.mark.parametrize("places", [1, 16])
def test_news_while_asked__money_is_not_forgotten(story, payflow, places):
    payflow(FETCHES_PER_ACCOUNT=places)
    _news_while_asked(story, before="open", then=lambda: story.bank("paid", webhook=False))
    story.sim.advance(61)
    story.work()
    assert (story.payment.captured, story.now().status) == (2495, "completed")
