"""What is forgotten, and that money never is."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from django_payflow import clock, flow
from django_payflow.models import (
    Fulfilment,
    IdempotentRequest,
    Payment,
    PaymentEvent,
    ProviderReference,
    WebhookDelivery,
    get_order_model,
)
from tests.conftest import new_order


@pytest.fixture
def paid(story: Any) -> Any:
    """A story that is over: paid, fulfilled, with a webhook in the inbox and a refund."""
    story.start()
    story.bank("paid")
    story.webhook()
    flow.refund(payment_id=story.payment.pk, amount=500, actor="ann")
    return story


def money(payment: Payment) -> dict[str, Any]:
    fresh = Payment.objects.get(pk=payment.pk)
    moves = list(fresh.moves.order_by("pk").values_list("kind", "status", "amount", "key"))
    names = ("status", "amount", "captured", "refunded", "key", "version", "settles_id")
    return {name: getattr(fresh, name) for name in names} | {"moves": moves}


def purge(*args: str) -> dict[str, Any]:
    out = StringIO()
    call_command("payflow_purge", "--json", *args, stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def test_purge__young_rows_stay(paid):
    assert purge() == {"deliveries": 0, "events": 0, "orders": 0, "api_keys": 0, "still_open": []}
    assert WebhookDelivery.objects.count() > 0


def test_purge__old_deliveries_go_and_money_stays(paid):
    before = money(paid.payment)
    events = PaymentEvent.objects.count()
    paid.sim.advance(91 * 86400)

    assert purge("--dry-run")["deliveries"] == WebhookDelivery.objects.count()
    assert purge()["deliveries"] > 0

    assert WebhookDelivery.objects.count() == 0
    assert money(paid.payment) == before
    assert PaymentEvent.objects.count() == events


def test_purge__a_delivery_that_waits_is_kept_however_old_it_is(paid):
    WebhookDelivery.objects.update(state="pending")
    paid.sim.advance(1000 * 86400)

    purge()

    assert WebhookDelivery.objects.filter(state="pending").exists()


def test_purge__old_events_lose_their_data_and_keep_their_lines(paid):
    lines = list(PaymentEvent.objects.values_list("summary", flat=True))
    assert PaymentEvent.objects.exclude(data={}).exists()
    paid.sim.advance(731 * 86400)

    assert purge()["events"] > 0

    assert not PaymentEvent.objects.exclude(data={}).filter(at__lt=clock.now() - timedelta(days=730)).exists()
    assert list(PaymentEvent.objects.values_list("summary", flat=True))[: len(lines)] == lines


def test_purge__personal_fields_are_kept_unless_a_setting_says_how_long(paid, settings):
    paid.sim.advance(10_000 * 86400)
    assert purge()["orders"] == 0

    settings.PAYFLOW = {**settings.PAYFLOW, "RETENTION_DAYS": {"PERSONAL": 365}}

    assert purge()["orders"] == 1
    assert (paid.now().email, paid.now().name) == ("", "")
    assert purge()["orders"] == 0


def test_purge__api_answers_are_forgotten_after_a_week(db, sim):
    IdempotentRequest.objects.create(principal="user:1", key="a", fingerprint="x", status=200, answer={})
    sim.advance(8 * 86400)
    IdempotentRequest.objects.create(principal="user:1", key="b", fingerprint="x", status=200, answer={})

    assert purge()["api_keys"] == 1
    assert list(IdempotentRequest.objects.values_list("key", flat=True)) == ["b"]


@pytest.mark.attack(46)
def test_attack_46__erasing_a_customer_keeps_the_money_and_its_record(paid):
    before = money(paid.payment)
    references = set(ProviderReference.objects.values_list("value", flat=True))
    fulfilments = list(Fulfilment.objects.values_list("handler", "status"))
    other = new_order(email="bob@example.com")

    told = purge("--customer", "ADA@example.com")

    assert (told["orders"], told["still_open"]) == (1, [])
    order = paid.now()
    assert (order.email, order.name, order.payment_details) == ("", "", {})
    assert (order.total, order.status) == (2495, "completed")
    assert money(paid.payment) == before
    assert set(ProviderReference.objects.values_list("value", flat=True)) == references
    assert list(Fulfilment.objects.values_list("handler", "status")) == fulfilments
    assert {bytes(row.body) for row in WebhookDelivery.objects.filter(payment=paid.payment)} == {b""}
    kept = json.dumps(list(PaymentEvent.objects.values("summary", "data")))
    assert "ada@example.com" not in kept and "Ada" not in kept
    assert get_order_model().objects.get(pk=other.pk).email == "bob@example.com"


@pytest.mark.attack(46)
def test_attack_46__an_order_that_is_not_over_is_left_alone_and_named(story):
    story.start()

    told = purge("--customer", "ada@example.com")

    assert (told["orders"], told["still_open"]) == (0, [story.order.reference])
    assert story.now().email == "ada@example.com"
