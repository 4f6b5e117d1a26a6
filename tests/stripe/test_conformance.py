"""Against Stripe's own Python library: what it signs we accept, and what we accept it accepts."""

from __future__ import annotations

import json
import re

import pytest

from django_payflow import clock
from django_payflow.exceptions import WebhookRefused
from django_payflow.providers import stripe as ours
from tests.official import official_client
from tests.stripe.wire import SECRET, adapter, event, signature, signed

library = official_client("stripe")


def test_signature__as_the_official_library_makes_it():
    raw = json.dumps(event(), indent=2)
    stamp = int(clock.now().timestamp())
    v1 = library.WebhookSignature._compute_signature(f"{stamp}.{raw}", SECRET)
    assert signature(raw.encode(), stamp=stamp) == (str(stamp), v1)

    headers = {"content-type": "application/json", "stripe-signature": f"t={stamp},v1={v1}"}
    (notice,) = adapter().parse_webhook(headers, raw.encode(), {}, "")
    assert notice.event_id == library.Webhook.construct_event(raw, f"t={stamp},v1={v1}", SECRET).id


def test_signature__what_the_library_refuses_we_refuse():
    headers, raw = signed(event(), secret="whsec_" + "o7" * 16)
    with pytest.raises(library.SignatureVerificationError):
        library.Webhook.construct_event(raw.decode(), headers["stripe-signature"], SECRET)
    with pytest.raises(WebhookRefused):
        adapter().parse_webhook(headers, raw, {}, "")


def test_signature__a_timestamp_of_the_future_passes_there_and_not_here():
    headers, raw = signed(event(), stamp=int(clock.now().timestamp()) + 3600)
    assert library.Webhook.construct_event(raw.decode(), headers["stripe-signature"], SECRET)
    with pytest.raises(WebhookRefused):
        adapter().parse_webhook(headers, raw, {}, "")


@pytest.mark.parametrize(
    ("cls", "name", "table"),
    [
        (library.checkout.Session, "status", ours.SESSION),
        (library.checkout.Session, "payment_status", ours.PAYMENT),
        (library.PaymentIntent, "status", ours.INTENT),
        (library.Dispute, "status", ours.DISPUTE),
    ],
)
def test_words__are_those_of_the_library(cls, name, table):
    assert set(re.findall(r"'([a-z_]+)'", str(cls.__annotations__[name]))) == set(table)
