"""The story of a payment, in the order of docs/how-a-payment-flows.md."""

from __future__ import annotations

from django.core import mail

from django_payflow.models import Case, Fulfilment, Payment, PaymentEvent, WebhookDelivery
from tests.shop.models import Shipment


def test_start__creates_at_the_provider_and_redirects(story, client):
    answer = client.post(f"/payflow/start/{story.order.reference}/", {"account": "mollie"})

    payment = story.payment
    assert answer.status_code == 303
    assert answer["Location"] == payment.checkout_url
    assert payment.status == "pending"
    assert story.now().status == "pending"
    assert payment.offer_of_id == story.order.pk
    at_provider = story.sim.payments()[0]
    assert at_provider["amount"] == {"currency": "EUR", "value": "24.95"}
    assert at_provider["metadata"]["attempt"] == payment.key
    assert at_provider["id"] == story.reference
    assert payment.checkout["buyer"] == {}


def test_start__answer_lost__the_waiting_page_sends_the_buyer_on(story, client):
    story.sim.fault("create", "lost_answer", times=1)
    answer = client.post(f"/payflow/start/{story.order.reference}/", {"account": "mollie"})
    assert answer.status_code == 303
    assert answer["Location"] == f"/payflow/return/{story.payment.return_token}/"

    story.sim.advance(61)
    page = client.get(answer["Location"])

    assert page.status_code == 303
    assert page["Location"] == story.payment.checkout_url
    assert len(story.sim.payments()) == 1


def test_return__asks_the_provider_and_tells_the_truth(story):
    story.start()
    waiting = story.come_back()
    assert waiting.status_code == 200
    assert b"waiting for your payment" in waiting.content

    story.bank("paid", webhook=False)
    paid = story.come_back()

    assert b"your order is paid" in paid.content
    assert story.now().status == "processing"


def test_return__a_failed_payment_says_so_and_the_buyer_may_try_again(story):
    story.start()
    story.bank("failed", webhook=False)

    page = story.come_back()

    assert b"did not succeed" in page.content
    assert story.now().status == "failed"
    story.start()
    assert story.now().status == "pending"
    assert Payment.objects.filter(order=story.order).count() == 2


def test_return__an_order_on_hold_is_not_waiting_for_the_buyer(story):
    story.start()
    story.sim.overwrite(story.reference, amount={"currency": "EUR", "value": "1.00"})

    page = story.come_back()

    assert b"being checked" in page.content
    assert story.now().status == "on_hold"
    assert story.payment.checkout_url == ""


def test_addresses__odd_bytes_are_not_found(client, db):
    for path in ("return", "status", "start", "webhook/mollie"):
        assert client.post(f"/payflow/{path}/%00/", {"id": "tr_x"}).status_code == 404


def test_webhook__is_stored_then_the_provider_is_asked_then_everything_follows(story):
    story.start()
    story.bank("paid")

    answer = story.webhook()

    assert (answer.status_code, answer.content) == (200, b"new")
    assert story.payment.status == "paid"
    assert story.payment.captured == 2495
    assert story.now().status == "completed"
    assert story.payment.settles_id == story.order.pk
    assert Shipment.objects.count() == 1
    assert [m.to for m in mail.outbox] == [["ada@example.com"]]
    assert set(Fulfilment.objects.values_list("handler", "status")) == {("ship", "done"), ("confirmation", "done")}
    assert WebhookDelivery.objects.get().state == "done"
    assert not Case.objects.exists()
    assert PaymentEvent.objects.filter(kind="transition").count() == 5


def test_poll__finds_out_when_no_webhook_comes_and_nobody_returns(story):
    story.start()
    story.bank("paid", webhook=False)
    story.work()
    assert story.payment.status == "pending"

    story.sim.advance(61)
    story.work()

    assert story.now().status == "completed"
    assert Shipment.objects.count() == 1


def test_return__reloaded_without_end_does_not_use_up_the_providers_quota(story):
    story.start()

    pages = [story.come_back() for _ in range(30)]

    assert {page.status_code for page in pages} == {200}
    assert 1 <= len(story.sim.calls("get")) <= 12, "two periods at most"
