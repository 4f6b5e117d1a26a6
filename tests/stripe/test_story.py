"""The whole story with Stripe: the flow, the adapter and the simulator; webhooks in any order, or none."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from django_payflow import flow
from django_payflow.models import Case, Payment, WebhookDelivery
from django_payflow.testing import deliver
from tests.stripe.wire import KEY, SECRET

WEBHOOK = "https://shop.test/payflow/webhook/stripe/"


@pytest.fixture
def stripe(sim, settings) -> None:
    payflow = copy.deepcopy(settings.PAYFLOW)
    payflow["PROVIDERS"]["stripe"] = {
        "BACKEND": "django_payflow.providers.stripe.StripeProvider",
        "OPTIONS": {"api_key": KEY, "signing_secrets": [SECRET], "base_url": sim.base_url("stripe")},
    }
    settings.PAYFLOW = payflow
    sim.control("POST", "stripe/webhook_endpoints", {"api_key": KEY, "url": WEBHOOK, "secret": SECRET})


class Story:
    def __init__(self, sim: Any, client: Any, order: Any) -> None:
        self.sim, self.client = sim, client
        started = flow.start_checkout(order=order, account="stripe")
        self.id, self.url = started.payment_id, started.url
        self.session = self.now().references.get().value

    def now(self) -> Payment:
        return Payment.objects.get(pk=self.id)

    @property
    def order(self) -> Any:
        return self.now().order

    def does(self, word: str) -> None:
        self.sim.set_status(self.session, word, provider="stripe")

    def webhook(self, kind: str) -> int:
        """Deliver the last event of a type, and do the work that it leaves."""
        wanted = f'"type": "{kind}"'.encode()
        delivery = next(found for found in reversed(self.sim.deliveries()) if wanted in found.body)
        status = deliver(self.client, delivery).status_code
        flow.sweep(inline=True)
        return status


@pytest.fixture
def story(stripe, sim, client, order) -> Story:
    return Story(sim, client, order)


@pytest.mark.parametrize("kind", ["checkout.session.completed", "payment_intent.succeeded", "charge.succeeded"])
def test_paid__whichever_event_comes_first(story, kind):
    """The intent and the charge are born after the session whose id is stored: their metadata leads to it."""
    story.does("paid")

    assert story.webhook(kind) == 200
    assert (story.now().status, story.now().captured) == ("paid", 2495)
    assert [ref.kind for ref in story.now().references.order_by("pk")] == ["session", "intent", "charge"]
    assert WebhookDelivery.objects.get().payment_id == story.id


def test_paid__without_any_event(story, client):
    story.does("paid")
    client.get(f"/payflow/return/{story.now().return_token}/")
    assert story.now().status == "paid"


def test_declined__the_payment_stays_open_and_can_still_be_paid(story):
    story.does("declined")
    assert story.webhook("payment_intent.payment_failed") == 200
    assert story.now().status == "pending"
    story.does("paid")
    story.webhook("checkout.session.completed")
    assert story.now().status == "paid"
    flow.sweep(inline=True)
    assert story.order.status == "completed"
    assert Payment.objects.count() == len(story.sim.payments("stripe")) == 1, "one payment, two tries in its session"


@pytest.mark.parametrize(
    ("ending", "event", "status", "captured", "ends"),
    [
        ("paid", "checkout.session.async_payment_succeeded", "paid", 2495, "completed"),
        ("failed", "checkout.session.async_payment_failed", "failed", 0, "failed"),
    ],
)
def test_debit__completed_is_not_paid__until_the_late_news(story, ending, event, status, captured, ends):
    story.does("processing")
    story.webhook("checkout.session.completed")
    flow.sweep(inline=True)
    assert (story.now().status, story.now().captured, story.order.status) == ("processing", 0, "pending")
    story.does(ending)
    story.webhook(event)
    flow.sweep(inline=True)
    assert (story.now().status, story.now().captured, story.order.status) == (status, captured, ends)


def test_refund_and_chargeback__from_the_dashboard(story, sim):
    story.does("paid")
    story.webhook("checkout.session.completed")
    sim.control("POST", f"stripe/payments/{story.session}/refund", {"amount": 700})
    assert story.webhook("refund.created") == 200, "found by the charge that it names"
    assert story.now().refunded == 700
    sim.control("POST", f"stripe/payments/{story.session}/chargeback", {"amount": 500})
    assert story.webhook("charge.dispute.created") == 200
    assert story.now().charged_back == 500


def test_expired__by_the_provider(story, sim):
    sim.advance(25 * 3600)
    flow.sweep(inline=True)
    assert story.now().status == "expired"


@pytest.mark.attack(18)
def test_other_mode__is_refused_with_a_case(story, sim):
    sim.fault("webhook", "wrong_mode", provider="stripe")
    story.does("paid")
    assert story.webhook("checkout.session.completed") == 400
    assert WebhookDelivery.objects.count() == 0
    assert Case.objects.count() == 1
