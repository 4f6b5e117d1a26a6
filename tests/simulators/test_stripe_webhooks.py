"""Events and their deliveries: what is told, how it is signed, when it is tried again, who is asked."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any

import pytest

from django_payflow.simulators.stripe.signing import signature
from tests.simulators.kit import Receiver, Seen, Shop
from tests.simulators.stripe_kit import (
    DECLINED,
    KEY,
    LIVE_KEY,
    OTHER_KEY,
    SECRET,
    SECURE,
    VERSION,
    StripeShop,
    stripe_shop,
)

CARD = [
    "payment_intent.created",
    "charge.succeeded",
    "payment_intent.succeeded",
    "checkout.session.completed",
    "charge.updated",
]
ONLY = ["checkout.session.completed"]
ENDPOINTS = "/v1/webhook_endpoints"


@pytest.fixture
def shop(shop: Shop) -> StripeShop:
    return stripe_shop(shop)


def parts(header: str) -> list[tuple[str, str]]:
    return [(name, value) for name, _, value in (part.partition("=") for part in header.split(","))]


def good(seen: Seen, secret: str = SECRET) -> bool:
    """Verified as a shop would, age included."""
    fields = parts(seen.headers["Stripe-Signature"])
    moment = dict(fields)["t"]
    wanted = hmac.new(secret.encode(), moment.encode() + b"." + seen.body, hashlib.sha256).hexdigest()
    return int(moment) >= time.time() - 300 and wanted in [value for name, value in fields if name == "v1"]


def test_signature__worked_by_another_program() -> None:
    """The digest is what ``openssl dgst -sha256 -hmac`` prints for the same text."""
    body = b'{"id": "evt_1", "type": "checkout.session.completed"}'
    made = signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 1772359260, body)
    assert made == "3aa526e99a4fabab677d1b4728c54f9198326c8ef5ca2d3e2eed49e5396eb52c"


def test_delivery__on_the_wire(shop: StripeShop, receiver: Receiver) -> None:
    shop.listen(enabled_events=ONLY)
    session = shop.paid()
    (seen,) = receiver.wait_for(1)
    assert seen.headers["Content-Type"] == "application/json; charset=utf-8"
    assert seen.headers["User-Agent"] == "Stripe/1.0 (+https://stripe.com/docs/webhooks)"
    names = [name for name, _ in parts(seen.headers["Stripe-Signature"])]
    assert names == ["t", "v1", "v0"] and " " not in seen.headers["Stripe-Signature"]
    assert good(seen) and not good(seen, "whsec_other")
    event = json.loads(seen.body)
    assert seen.body.startswith(b'{\n  "id": "evt_')
    assert (event["object"], event["type"], event["livemode"]) == ("event", ONLY[0], False)
    assert (event["api_version"], event["pending_webhooks"]) == (VERSION, 1)
    assert event["request"] == {"id": None, "idempotency_key": None}
    told = event["data"]["object"]
    assert (told["id"], told["payment_status"], told["url"]) == (session["id"], "paid", None)
    assert told["payment_intent"] == session["payment_intent"]["id"], "ids, nothing is expanded"
    assert "previous_attributes" not in event["data"]


def test_events__in_the_usual_order(shop: StripeShop) -> None:
    shop.listen()
    session = shop.create()
    shop.pay(session, DECLINED)
    assert shop.events() == ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]
    shop.pay(session, SECURE)
    assert shop.events()[3:] == ["payment_intent.requires_action"]
    shop.paid()
    assert shop.events()[4:] == CARD
    updated = json.loads(shop.deliveries()[-1]["body"])
    assert updated["data"]["previous_attributes"] == {"balance_transaction": None}


def test_events__snapshots_and_the_request_that_caused_them(shop: StripeShop) -> None:
    shop.listen(enabled_events=["checkout.session.expired"])
    session = shop.create()
    answer = shop.call("POST", f"/v1/checkout/sessions/{session['id']}/expire", headers={"Idempotency-Key": "e1"})
    shop.ok("POST", f"/v1/checkout/sessions/{session['id']}", send={"metadata": {"later": "1"}})
    (event,) = shop.ok("GET", "/v1/events", send={"type": "checkout.session.expired"})["data"]
    assert event["request"] == {"id": answer.headers["Request-Id"], "idempotency_key": "e1"}
    assert event["data"]["object"]["metadata"] == {"attempt": "9b1d"}


def test_events__listed_filtered_and_kept_for_a_month(shop: StripeShop, receiver: Receiver) -> None:
    shop.listen(enabled_events=ONLY)
    receiver.answers["/hook"] = 500
    shop.paid()
    shop.settle()
    listed = shop.ok("GET", "/v1/events")["data"]
    assert [each["type"] for each in listed] == CARD[::-1], "also those nobody wanted to hear of"
    missed = shop.ok("GET", "/v1/events", send={"delivery_success": "false"})["data"]
    assert [(each["type"], each["pending_webhooks"]) for each in missed] == [(ONLY[0], 1)]
    some = shop.ok("GET", "/v1/events", send={"types": ["charge.updated", "charge.succeeded"]})["data"]
    assert [each["type"] for each in some] == ["charge.updated", "charge.succeeded"]
    assert shop.ok("GET", f"/v1/events/{missed[0]['id']}")["id"] == missed[0]["id"]
    assert shop.ok("GET", "/v1/events", OTHER_KEY)["data"] == []
    assert shop.ok("GET", "/v1/events", send={"created": {"lt": listed[0]["created"] - 60}})["data"] == []
    shop.advance(30 * 86400 + 60)
    recent = [each["type"] for each in shop.ok("GET", "/v1/events")["data"]]
    assert not set(recent) & set(CARD)


# -- secrets --------------------------------------------------------------------------------------------


def test_rotation__one_v1_for_each_secret_that_is_good(shop: StripeShop, receiver: Receiver) -> None:
    endpoint = shop.listen(enabled_events=ONLY)
    rotated = shop.control("POST", f"stripe/webhook_endpoints/{endpoint['id']}/rotate", {"secret": "whsec_new"})
    assert rotated["simulator"]["active_secrets"] == ["whsec_new", SECRET]
    shop.paid()
    (both,) = receiver.wait_for(1)
    assert [name for name, _ in parts(both.headers["Stripe-Signature"])] == ["t", "v1", "v1", "v0"]
    assert good(both) and good(both, "whsec_new")
    shop.advance(24 * 3600 + 1)
    shop.paid()
    alone = receiver.wait_for(2)[1]
    assert good(alone, "whsec_new") and not good(alone)


def test_signatures__live_mode_has_no_v0(shop: StripeShop, receiver: Receiver) -> None:
    shop.listen(LIVE_KEY, enabled_events=ONLY)
    shop.set_status(shop.create(LIVE_KEY)["id"], "paid")
    (seen,) = receiver.wait_for(1)
    assert [name for name, _ in parts(seen.headers["Stripe-Signature"])] == ["t", "v1"]
    assert json.loads(seen.body)["livemode"] is True and good(seen)


def test_retry__is_signed_afresh(shop: StripeShop, receiver: Receiver) -> None:
    shop.listen(enabled_events=ONLY)
    receiver.answers["/hook"] = 500
    shop.paid()
    shop.settle()
    shop.advance(3600 + 1)
    first, second = receiver.wait_for(2)
    times = [int(dict(parts(seen.headers["Stripe-Signature"]))["t"]) for seen in (first, second)]
    assert times[1] - times[0] >= 3600
    assert first.body == second.body and good(first) and good(second)


@pytest.mark.parametrize(
    ("kind", "schemes", "verifies"),
    [
        ("bad_signature", ["t", "v1", "v0"], False),
        ("old_timestamp", ["t", "v1", "v0"], False),
        ("unknown_scheme", ["t", "v0"], False),
        ("other_secret", ["t", "v1", "v0"], False),
        ("wrong_mode", ["t", "v1", "v0"], True),
    ],
)
def test_faults__of_the_signature(
    shop: StripeShop, receiver: Receiver, kind: str, schemes: list[str], verifies: bool
) -> None:
    shop.listen(enabled_events=ONLY)
    shop.fault("webhook", kind, times=1)
    shop.paid()
    (seen,) = receiver.wait_for(1)
    assert [name for name, _ in parts(seen.headers["Stripe-Signature"])] == schemes
    assert good(seen) is verifies
    assert json.loads(seen.body)["livemode"] is (kind == "wrong_mode")
    shop.paid()
    assert good(receiver.wait_for(2)[1]), "the fault is used up"


def test_fault__old_timestamp_is_signed_well_but_ten_minutes_old(shop: StripeShop, receiver: Receiver) -> None:
    shop.listen(enabled_events=ONLY)
    shop.fault("webhook", "old_timestamp", times=1)
    shop.paid()
    (seen,) = receiver.wait_for(1)
    fields = dict(parts(seen.headers["Stripe-Signature"]))
    assert 590 <= time.time() - int(fields["t"]) <= 660
    assert fields["v1"] == signature(SECRET, int(fields["t"]), seen.body)


def test_fault__unsigned(shop: StripeShop, receiver: Receiver) -> None:
    shop.listen(enabled_events=ONLY)
    shop.fault("webhook", "unsigned", times=1)
    shop.paid()
    assert "Stripe-Signature" not in receiver.wait_for(1)[0].headers


def test_duplicates__with_the_same_id_and_with_another(shop: StripeShop, receiver: Receiver) -> None:
    shop.listen(enabled_events=ONLY)
    shop.fault("webhook", "duplicate", times=1)
    shop.paid()
    same = receiver.wait_for(2)
    assert len({json.loads(seen.body)["id"] for seen in same}) == 1
    shop.fault("webhook", "twin", times=1)
    session = shop.paid()
    twins = [json.loads(seen.body) for seen in receiver.wait_for(4)[2:]]
    assert len({event["id"] for event in twins}) == 2
    assert {event["data"]["object"]["id"] for event in twins} == {session["id"]}
    shop.settle()
    assert len(receiver.seen) == 4


# -- the schedule ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "hours"),
    [("sandbox", [0, 1, 2, 3]), ("live", [0, 1 / 60, 5 / 60, 0.5, 2, 5, 10, 22, 34, 46, 58, 70])],
)
def test_schedule(shop: StripeShop, receiver: Receiver, schedule: str, hours: list[float]) -> None:
    shop.listen(enabled_events=ONLY)
    shop.switch(webhook_schedule=schedule)
    receiver.answers["/hook"] = 500
    shop.paid()
    shop.settle()
    for number, (earlier, since) in enumerate(zip(hours, hours[1:], strict=False), start=1):
        assert len(receiver.seen) == number
        shop.advance((since - earlier) * 3600 - 5)
        assert len(receiver.seen) == number, f"attempt {number + 1} came too early"
        shop.advance(5.5)
        receiver.wait_for(number + 1)
        shop.control("POST", "clock", {"advance": -0.5})
    assert shop.deliveries()[0]["state"] == "exhausted"


def test_redirects__are_failures(shop: StripeShop, receiver: Receiver) -> None:
    shop.listen(enabled_events=ONLY)
    receiver.answers["/hook"] = (307, {"Location": "/other"})
    shop.paid()
    (delivery,) = shop.deliveries()
    assert (delivery["state"], len(receiver.seen)) == ("failed", 1)


# -- endpoints ------------------------------------------------------------------------------------------


def test_endpoints__through_the_api(shop: StripeShop, receiver: Receiver) -> None:
    made = shop.ok("POST", ENDPOINTS, send={"url": shop.webhook_url, "enabled_events": ONLY, "metadata": {"a": "1"}})
    secret = made.pop("secret")
    assert secret.startswith("whsec_") and len(secret) == 38
    assert (made["status"], made["enabled_events"], made["livemode"]) == ("enabled", ONLY, False)
    url = f"{ENDPOINTS}/{made['id']}"
    assert shop.ok("GET", url) == made, "the secret is told once"
    assert [each["id"] for each in shop.ok("GET", ENDPOINTS)["data"]] == [made["id"]]
    assert shop.call("GET", url, OTHER_KEY).status_code == 404
    shop.paid()
    assert good(receiver.wait_for(1)[0], secret)
    assert shop.ok("POST", url, send={"disabled": True})["status"] == "disabled"
    shop.paid()
    assert shop.ok("POST", url, send={"disabled": False, "enabled_events": ["*"]})["enabled_events"] == ["*"]
    assert shop.ok("DELETE", url) == {"id": made["id"], "object": "webhook_endpoint", "deleted": True}
    assert shop.call("GET", url).status_code == 404
    shop.paid()
    assert shop.events() == ONLY


@pytest.mark.parametrize(
    "body", [{"url": "http://127.0.0.1/"}, {"enabled_events": ["*"]}, {"url": "x", "enabled_events": ["*"]}]
)
def test_endpoints__refused(shop: StripeShop, body: dict[str, Any]) -> None:
    assert shop.call("POST", ENDPOINTS, send=body).status_code == 400


def test_endpoints__sixteen_at_most(shop: StripeShop) -> None:
    for _ in range(16):
        shop.listen()
    assert (
        shop.try_control("POST", "stripe/webhook_endpoints", {"api_key": KEY, "url": "http://127.0.0.1/"}).status_code
        == 400
    )


def test_endpoints__each_account_hears_of_its_own(shop: StripeShop, receiver: Receiver) -> None:
    shop.listen(enabled_events=ONLY)
    shop.listen(OTHER_KEY, url=f"{receiver.url}/other", secret="whsec_theirs", enabled_events=ONLY)
    shop.paid()
    shop.set_status(shop.create(OTHER_KEY)["id"], "paid")
    mine, theirs = receiver.wait_for(2)
    assert (mine.path, theirs.path) == ("/hook", "/other")
    assert good(mine) and good(theirs, "whsec_theirs")


def test_endpoints__speak_their_own_version(shop: StripeShop, receiver: Receiver) -> None:
    shop.listen(api_version="2025-10-29.clover", enabled_events=ONLY)
    shop.paid()
    assert json.loads(receiver.wait_for(1)[0].body)["api_version"] == "2025-10-29.clover"
