"""Webhook endpoints, events, their signatures, and how often they are sent."""

from __future__ import annotations

import hashlib
import json
import re
from itertools import pairwise
from typing import Any

import pytest

from django_payflow.simulators.wooshpay import SCHEDULE
from django_payflow.simulators.wooshpay.signing import header_value, signed_headers
from tests.simulators.kit import Receiver
from tests.simulators.wooshpay_kit import (
    DOCUMENTED,
    KEY,
    LIVE_KEY,
    OTHER_KEY,
    SECRET,
    WooshShop,
    check_signature,
    opened_shop,
)

woosh = pytest.fixture(opened_shop)

ENDPOINTS = "/v1/webhook_endpoints"
BODY = (
    b'{"id":"evt_1790000000000000001","object":"event","created":1790000000000,"livemode":false,"data":{"object":'
    b'{"id":"pi_1789999990000000001","object":"payment_intent","amount":1234,"currency":"USD","status":"succeeded"}},'
    b'"type":"payment_intent.succeeded"}'
)
GOOD = "t=1790000000,v1=5dff30ca831c42686fba2ddbc27d4e5e61bb86f916b2c2806128864ff3f89249"


def test_signature__the_worked_example() -> None:
    assert len(BODY) == 252
    digest = "6092ff089a216c025f1a2fe7e2e1ec86169dd731fbdbefdcf820821ef721e020"
    assert hashlib.sha256(BODY).hexdigest() == digest
    assert header_value([SECRET], 1790000000, BODY) == GOOD
    assert signed_headers("Signature", [SECRET], 1790000000.9, BODY, []) == {"Signature": GOOD}


# -- endpoints ------------------------------------------------------------------------------------------


def test_endpoint__registered_changed_and_removed(woosh: WooshShop, receiver: Receiver) -> None:
    wanted = {"url": woosh.webhook_url, "enabled_events": DOCUMENTED[:2], "description": "main"}
    made = woosh.good("POST", ENDPOINTS, wanted)
    assert re.fullmatch(r"we_[0-9]{19}", made["id"]) and re.fullmatch(r"whsec_[0-9a-f]{32}", made["secret"])
    assert made | wanted | {"object": "webhook_endpoint", "status": "enabled", "api_version": "1.0.1"} == made
    assert made["livemode"] is False
    assert woosh.good("GET", f"{ENDPOINTS}/{made['id']}") == made
    assert woosh.good("GET", ENDPOINTS)["data"] == [made]
    assert woosh.good("GET", ENDPOINTS, key=OTHER_KEY)["data"] == []
    assert woosh.call("GET", f"{ENDPOINTS}/{made['id']}", key=OTHER_KEY).status_code == 404
    for method, change in (("POST", {"status": "disabled"}), ("PUT", {"enabled_events": ["*"], "description": "x"})):
        changed = woosh.good(method, f"{ENDPOINTS}/{made['id']}", change)
        assert changed | change == changed
    woosh.paid()
    assert woosh.deliveries() == [], "disabled"
    gone = woosh.good("DELETE", f"{ENDPOINTS}/{made['id']}")
    assert gone == {"id": made["id"], "object": "webhook_endpoint", "deleted": True}
    assert woosh.call("DELETE", f"{ENDPOINTS}/{made['id']}").status_code == 404
    assert receiver.seen == []


@pytest.mark.parametrize(
    "change",
    [
        {"url": None},
        {"url": "ftp://shop.example/"},
        {"enabled_events": None},
        {"enabled_events": []},
        {"enabled_events": "*"},
        {"enabled_events": ["payment.succeeded"]},
        {"secret": "whsec_mine"},
    ],
)
def test_endpoint__refused(woosh: WooshShop, change: dict[str, Any]) -> None:
    body = {"url": woosh.webhook_url, "enabled_events": ["*"]} | change
    answer = woosh.call("POST", ENDPOINTS, {name: value for name, value in body.items() if value is not None})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, next(iter(change)))


def test_control_endpoint__chosen_secret_and_account(woosh: WooshShop, receiver: Receiver) -> None:
    made = woosh.register()
    assert (made["secret"], made["enabled_events"], made["simulator"]["secrets"]) == (SECRET, DOCUMENTED, [SECRET])
    assert woosh.control("GET", "wooshpay/webhook_endpoints") == [made]
    assert woosh.good("GET", ENDPOINTS)["data"][0]["id"] == made["id"], "the shop sees it too"
    for body in ({}, {"api_key": "pk_test_x"}, {"api_key": 5}, {"api_key": KEY, "secret": ""}, {"api_key": KEY}):
        answer = woosh.try_control("POST", "wooshpay/webhook_endpoints", {"url": woosh.webhook_url} | body)
        if body == {"api_key": KEY}:
            assert answer.status_code == 201
        else:
            assert (answer.status_code, bool(answer.json()["error"])) == (400, True)
    assert woosh.try_control("POST", "wooshpay/webhook_endpoints", {"api_key": KEY}).status_code == 400
    assert woosh.control("DELETE", f"wooshpay/webhook_endpoints/{made['id']}") == {"removed": made["id"]}
    assert woosh.try_control("POST", f"wooshpay/webhook_endpoints/{made['id']}/rotate").status_code == 404


# -- events ---------------------------------------------------------------------------------------------


def test_event__on_the_wire(woosh: WooshShop, receiver: Receiver) -> None:
    woosh.register()
    session = woosh.paid()
    created, succeeded = receiver.wait_for(2)
    if b"payment_intent.created" not in created.body:  # they are sent at the same time
        created, succeeded = succeeded, created
    assert (succeeded.method, succeeded.path) == ("POST", "/hook")
    assert succeeded.headers["Content-Type"] == "application/json"
    assert "Wooshpay-Signature" not in succeeded.headers
    event = json.loads(succeeded.body)
    assert list(event) == ["id", "object", "created", "livemode", "data", "type"]
    assert re.fullmatch(r"evt_[0-9]{19}", event["id"])
    assert (event["object"], event["livemode"], event["type"]) == ("event", False, "payment_intent.succeeded")
    assert event["data"]["object"] == woosh.intent(session)
    assert json.loads(created.body)["data"]["object"]["status"] == "requires_payment_method", "as it was then"
    moment = check_signature(succeeded)
    assert 0 <= moment * 1000 - event["created"] + 1000 < 60_000, "seconds there, milliseconds here"
    assert woosh.good("GET", f"/v1/events/{event['id']}") == event
    assert woosh.call("GET", f"/v1/events/{event['id']}", key=OTHER_KEY).status_code == 404


def test_event__to_every_endpoint_that_wants_it(woosh: WooshShop, receiver: Receiver) -> None:
    woosh.register()
    woosh.register()
    woosh.register(url=f"{receiver.url}/some", enabled_events=["payment_intent.succeeded"])
    woosh.register(OTHER_KEY, url=f"{receiver.url}/other")
    woosh.register(LIVE_KEY, url=f"{receiver.url}/live")
    woosh.paid()
    deliveries = woosh.deliveries()
    paths = sorted(seen.path for seen in receiver.seen)
    assert paths == ["/hook"] * 4 + ["/some"]
    succeeded = [json.loads(each["body"])["id"] for each in deliveries if "succeeded" in each["facts"]["type"]]
    assert len(succeeded) == 3 and len(set(succeeded)) == 1, "one event, three deliveries"


def test_event__only_documented_ones_unless_switched(woosh: WooshShop) -> None:
    woosh.register(enabled_events=["*"])

    def life() -> None:
        session = woosh.paid()
        woosh.verb(session, "refund")
        (dispute,) = woosh.verb(session, "chargeback")["disputes"]
        woosh.verb(session, f"disputes/{dispute['id']}/status", {"status": "lost"})
        woosh.set_status(woosh.create(), "expired")
        woosh.set_status(woosh.create(), "session_canceled")

    life()
    before = woosh.told()
    assert set(before) <= set(DOCUMENTED)
    woosh.switch(undocumented_events=True)
    life()
    assert set(woosh.told()[len(before) :]) - set(DOCUMENTED) == {
        "checkout.session.completed",
        "checkout.session.expired",
        "checkout.session.canceled",
        "charge.refunded",
        "refund.updated",
        "charge.dispute.created",
        "charge.dispute.closed",
    }


def test_event__in_the_dialect_of_the_switches(woosh: WooshShop) -> None:
    woosh.register()
    woosh.switch(currency_case="lower", encoded_fields=True, empty_values="text")
    woosh.paid()
    about = json.loads(woosh.deliveries()[-1]["body"])["data"]["object"]
    assert (about["currency"], about["payment_method_types"], about["customer"]) == ("usd", '["card"]', "")


# -- signatures -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "names"),
    [
        ("Signature", {"Signature"}),
        ("Wooshpay-Signature", {"Wooshpay-Signature"}),
        ("both", {"Signature", "Wooshpay-Signature"}),
    ],
)
def test_signature__header_by_setting(woosh: WooshShop, receiver: Receiver, setting: str, names: set[str]) -> None:
    woosh.switch(signature_header=setting)
    woosh.register()
    woosh.create()
    (seen,) = receiver.wait_for(1)
    assert {name for name in seen.headers if "signature" in name.lower()} == names
    for name in names:
        check_signature(seen, header=name)


def test_signature__non_ascii_body(woosh: WooshShop, receiver: Receiver) -> None:
    woosh.register()
    woosh.create(payment_intent_data={"metadata": {"to": "Žižkov ☕"}})
    (seen,) = receiver.wait_for(1)
    assert "Žižkov ☕".encode() in seen.body
    check_signature(seen)


def test_rotation__two_signatures_for_a_while(woosh: WooshShop, receiver: Receiver) -> None:
    endpoint = woosh.register()
    rotated = woosh.control("POST", f"wooshpay/webhook_endpoints/{endpoint['id']}/rotate", {"secret": "whsec_new"})
    assert (rotated["secret"], rotated["simulator"]["secrets"]) == ("whsec_new", ["whsec_new", SECRET])
    woosh.create()
    (seen,) = receiver.wait_for(1)
    assert seen.headers["Signature"].count("v1=") == 2
    check_signature(seen, SECRET)
    check_signature(seen, "whsec_new")
    woosh.advance(86401)
    woosh.create()
    later = receiver.wait_for(2)[1]
    assert later.headers["Signature"].count("v1=") == 1
    check_signature(later, "whsec_new")
    made_up = woosh.control("POST", f"wooshpay/webhook_endpoints/{endpoint['id']}/rotate", {})["secret"]
    assert made_up.startswith("whsec_") and made_up != "whsec_new"


def parts(header: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in header.split(","))


@pytest.mark.parametrize("kind", ["bad_signature", "old_timestamp", "unsigned", "unknown_scheme", "other_secret"])
def test_fault__only_the_signature_is_wrong_and_once(woosh: WooshShop, receiver: Receiver, kind: str) -> None:
    woosh.register()
    woosh.fault("webhook", kind, times=1)
    woosh.create()
    woosh.create()
    woosh.settle()
    by_fault = {bool(each["faults"]): each for each in woosh.deliveries()}
    good, bad = (
        next(s for s in receiver.seen if s.body == by_fault[struck]["body"].encode()) for struck in (False, True)
    )
    now = check_signature(good)
    if kind == "unsigned":
        assert "Signature" not in bad.headers
        return
    if kind == "old_timestamp":
        assert 590 < now - check_signature(bad) < 620
        return
    with pytest.raises(AssertionError, match="no signature fits"):
        check_signature(bad)
    assert ("v0" in parts(bad.headers["Signature"])) is (kind == "unknown_scheme")
    assert abs(int(parts(bad.headers["Signature"])["t"]) - now) < 30


def test_fault__wrong_mode_is_signed_correctly(woosh: WooshShop, receiver: Receiver) -> None:
    woosh.register()
    woosh.register(url=f"{receiver.url}/second")
    woosh.fault("webhook", "wrong_mode", times=1)
    woosh.create()
    first, second = sorted(receiver.wait_for(2), key=lambda seen: seen.path)
    for seen in (first, second):
        check_signature(seen)
    assert (json.loads(first.body)["livemode"], json.loads(second.body)["livemode"]) == (True, False)


def test_fault__of_another_payment_or_times(woosh: WooshShop) -> None:
    woosh.register()
    first, second = woosh.create(), woosh.create()
    woosh.fault("webhook", "wrong_mode", times=2, payment=second["id"])
    for session in (first, second):
        for _again in range(3):
            woosh.verb(session, "webhook")
    lies = [json.loads(each["body"])["livemode"] for each in woosh.deliveries()]
    assert lies == [False] * 5 + [True, True, False]


# -- deliveries -----------------------------------------------------------------------------------------


def test_schedule__eighteen_in_72_hours() -> None:
    gaps = [later - earlier for earlier, later in pairwise(SCHEDULE)]
    assert (SCHEDULE[0], len(SCHEDULE), gaps[0]) == (0, 18, 53)
    assert all(abs(later / earlier - 1.6) < 0.01 for earlier, later in pairwise(gaps))
    assert 71.5 < SCHEDULE[-1] / 3600 < 72.5


def test_retries__until_they_are_exhausted_same_event_new_signature(woosh: WooshShop, receiver: Receiver) -> None:
    receiver.answers["/hook"] = 500
    woosh.register(enabled_events=["payment_intent.succeeded"])
    woosh.paid()
    woosh.settle()
    assert len(receiver.seen) == 1
    woosh.advance(50)
    assert len(receiver.seen) == 1
    woosh.advance(5)
    first, second = receiver.wait_for(2)
    assert first.body == second.body
    assert 50 <= check_signature(second) - check_signature(first) <= 60
    woosh.advance(4 * 86400)
    assert len(receiver.seen) == 18
    assert {seen.body for seen in receiver.seen} == {first.body}
    assert woosh.deliveries()[0]["state"] == "exhausted"
    woosh.advance(30 * 86400)
    assert len(receiver.seen) == 18


def test_retries__end_with_a_2xx(woosh: WooshShop, receiver: Receiver) -> None:
    receiver.answers["/hook"] = 302
    woosh.register()
    woosh.create()
    woosh.settle()
    receiver.answers["/hook"] = 204
    woosh.advance(60)
    woosh.advance(86400 * 3)
    (delivery,) = woosh.deliveries()
    assert (delivery["state"], [each["status"] for each in delivery["attempts"]]) == ("sent", [302, 204])


def test_deliveries__of_a_removed_endpoint_lose_their_signature(woosh: WooshShop, receiver: Receiver) -> None:
    receiver.answers["/hook"] = 500
    endpoint = woosh.register()
    woosh.create()
    woosh.settle()
    woosh.good("DELETE", f"{ENDPOINTS}/{endpoint['id']}")
    assert "Signature" not in woosh.deliveries()[0]["headers"]


def test_deliveries__shown_with_a_signature_of_now(woosh: WooshShop) -> None:
    woosh.register()
    woosh.create()
    first = parts(woosh.deliveries()[0]["headers"]["Signature"])["t"]
    woosh.advance(1000)
    assert int(parts(woosh.deliveries()[0]["headers"]["Signature"])["t"]) - int(first) >= 1000
