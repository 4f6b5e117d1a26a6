"""What becomes of payments at the Resurs simulator: test persons, time, callbacks and their schedule."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
import requests

from django_payflow.simulators import Running
from django_payflow.simulators.resurs.callbacks import schedule
from tests.simulators.kit import Receiver
from tests.simulators.resurs_kit import DENMARK, FINLAND, NORWAY, ResursShop, actions, shop_at, sums


@pytest.fixture
def shop(running: Running, receiver: Receiver) -> Iterator[ResursShop]:
    with shop_at(running.url, receiver.url) as shop:
        yield shop


INSPECTS = {"handleManualInspection": True}


def state(shop: ResursShop, payment_id: str) -> tuple[str, str | None]:
    payment = shop.get(payment_id)
    return payment["status"], payment.get("rejectedReason", {}).get("category")


@pytest.mark.parametrize(
    ("person", "lands", "seconds", "ends", "told"),
    [
        ("198305147715", "ACCEPTED", None, "ACCEPTED", ["authorization AUTHORIZED"]),
        ("8305147715", "ACCEPTED", None, "ACCEPTED", ["authorization AUTHORIZED"]),
        ("830514-7715", "ACCEPTED", None, "ACCEPTED", ["authorization AUTHORIZED"]),
        ("198801082382", "ACCEPTED", None, "ACCEPTED", ["authorization AUTHORIZED"]),
        ("197211072793", "REJECTED", None, "REJECTED", ["authorization REJECTED"]),
        ("195004269741", "REJECTED", None, "REJECTED", ["authorization REJECTED"]),
        ("198209123705", "FROZEN", None, "FROZEN", ["authorization FROZEN"]),
        ("198001010001", "FROZEN", 5, "ACCEPTED", ["authorization FROZEN", "authorization AUTHORIZED"]),
        ("199401012381", "FROZEN", 600, "ACCEPTED", ["authorization FROZEN", "authorization AUTHORIZED"]),
        ("197801069241", "FROZEN", 5, "REJECTED", ["authorization FROZEN", "authorization REJECTED"]),
        ("198909194451", "FROZEN", 600, "REJECTED", ["authorization FROZEN", "authorization REJECTED"]),
        ("199105149612", "INSPECTION", 10, "ACCEPTED", None),
        ("199010242395", "INSPECTION", 300, "ACCEPTED", None),
        ("199010122399", "INSPECTION", 1800, "ACCEPTED", None),
        ("198711192396", "INSPECTION", 86400, "ACCEPTED", None),
        ("199111282399", "INSPECTION", 10, "REJECTED", None),
        ("198810112394", "INSPECTION", 300, "REJECTED", None),
        ("198806192392", "INSPECTION", 1800, "REJECTED", None),
        ("199111292398", "INSPECTION", 86400, "REJECTED", None),
    ],
)
def test_swedish_test_persons(
    shop: ResursShop, person: str, lands: str, seconds: int | None, ends: str, told: list[str] | None
) -> None:
    payment = shop.create(governmentId=person, options=INSPECTS)
    shop.sign(payment)
    assert shop.get(payment["id"])["status"] == lands
    if seconds is not None:
        shop.advance(seconds - 1)
        shop.log_in()
        assert shop.get(payment["id"])["status"] == lands
        shop.advance(1)
    shop.advance(3600)
    shop.log_in()
    assert shop.get(payment["id"])["status"] == ends
    last = "AUTHORIZED" if ends == "ACCEPTED" else "REJECTED"
    inspected = ["creditApplication INSPECTION", "creditApplication CREDIT_APPROVED", f"authorization {last}"]
    if ends == "REJECTED":
        inspected.remove("creditApplication CREDIT_APPROVED")
    assert shop.told() == (inspected if told is None else told)


@pytest.mark.parametrize(
    ("person", "reason"),
    [("197211072793", "CREDIT_DENIED"), ("197801069241", "PAYMENT_FROZEN"), ("199111282399", "CREDIT_DENIED")],
)
def test_rejections__name_their_reason(shop: ResursShop, person: str, reason: str) -> None:
    payment = shop.create(governmentId=person, options=INSPECTS)
    shop.sign(payment)
    shop.advance(10)
    assert state(shop, payment["id"]) == ("REJECTED", reason)
    assert sums(shop.get(payment["id"])) == ("849.0", "0.0", "0.0", "0.0", "0.0")


@pytest.mark.parametrize(
    ("store", "accepted", "denied", "frozen", "phone"),
    [
        (NORWAY, "180872-48794", "010249-24986", "020849-29428", "49999999"),
        (FINLAND, "230580-7335", "220950-9256", "140584-4785", "+3585005555127"),
        (DENMARK, "140285-3877", "021250-0003", "060580-3736", "+4525557585"),
    ],
)
def test_neighbours__test_persons(
    shop: ResursShop, store: str, accepted: str, denied: str, frozen: str, phone: str
) -> None:
    method = shop.good("GET", f"/v2/stores/{store}/payment_methods")["content"][0]["id"]
    seen = []
    for person in (accepted, denied, frozen):
        payment = shop.create(storeId=store, paymentMethodId=method, governmentId=person, mobilePhone=phone)
        shop.sign(payment)
        seen.append(shop.get(payment["id"])["status"])
    assert seen == ["ACCEPTED", "REJECTED", "FROZEN"]


@pytest.mark.parametrize(
    ("person", "options", "expected"),
    [
        ("198209123705", {"handleFrozenPayments": False}, ("REJECTED", "PAYMENT_FROZEN")),
        ("198209123705", {"handleFrozenPayments": None}, ("FROZEN", None)),
        ("198001010001", {"handleFrozenPayments": None}, ("REJECTED", "PAYMENT_FROZEN")),
        ("199105149612", {"handleManualInspection": False}, ("REJECTED", "CREDIT_DENIED")),
    ],
)
def test_what_the_shop_cannot_handle(
    shop: ResursShop, person: str, options: dict[str, object], expected: tuple[str, str | None]
) -> None:
    payment = shop.create(governmentId=person, options=options)
    shop.sign(payment)
    assert state(shop, payment["id"]) == expected


@pytest.mark.parametrize(
    ("lands", "told"),
    [
        ("ACCEPTED", ["authorization AUTHORIZED"]),
        ("REJECTED", ["authorization REJECTED"]),
        ("FROZEN", ["authorization FROZEN"]),
        ("INSPECTION", ["creditApplication INSPECTION"]),
    ],
)
def test_create__may_end_at_once(shop: ResursShop, lands: str, told: list[str]) -> None:
    shop.settings(create_lands=lands)
    payment = shop.create()
    assert (payment["status"], "taskRedirectionUrls" in payment) == (lands, False)
    assert shop.told() == told
    assert shop.good("GET", f"/v2/payments/{payment['id']}/tasks/status")["completed"] is True


def test_create__lands_where_the_person_leads(shop: ResursShop) -> None:
    shop.settings(create_lands="government_id")
    payment = shop.create(governmentId="198001010001")
    assert payment["status"] == "FROZEN"
    shop.advance(5)
    assert (state(shop, payment["id"]), actions(shop.get(payment["id"]))[0]) == (("ACCEPTED", None), "CAPTURE")


# -- time to live ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("minutes", "seconds"), [(None, 120 * 60), (1, 60), (43200, 43200 * 60)])
def test_time_to_live(shop: ResursShop, minutes: int | None, seconds: int) -> None:
    payment = shop.create(options={"timeToLiveInMinutes": minutes})
    shop.settings(token_seconds=10**7)
    shop.log_in()
    shop.advance(seconds - 2)
    assert state(shop, payment["id"]) == ("TASK_REDIRECTION_REQUIRED", None)
    shop.advance(2)
    assert state(shop, payment["id"]) == ("REJECTED", "TIMEOUT")
    assert shop.good("GET", f"/v2/payments/{payment['id']}/tasks/status")["completed"] is False
    assert shop.told() == ["authorization REJECTED"]


def test_time_to_live__callback_is_a_setting(shop: ResursShop) -> None:
    shop.settings(timeout_callback=False)
    shop.create(options={"timeToLiveInMinutes": 1})
    shop.advance(61)
    assert shop.told() == []


def test_time_to_live__ends_with_the_signature(shop: ResursShop) -> None:
    payment = shop.accepted(options={"timeToLiveInMinutes": 5})
    shop.advance(600)
    assert state(shop, payment["id"]) == ("ACCEPTED", None)


# -- callbacks ------------------------------------------------------------------------------------------


def test_callbacks__say_what_the_documentation_says(shop: ResursShop, receiver: Receiver) -> None:
    payment = shop.accepted()
    entry = shop.good("POST", f"/v2/payments/{payment['id']}/capture", {})["order"]["actionLog"][1]
    authorization, management = receiver.wait_for(2)
    body = json.loads(authorization.body)
    assert set(body) == {"paymentId", "status", "created"}
    assert (authorization.method, authorization.path) == ("POST", "/authorization")
    assert (body["paymentId"], body["status"]) == (payment["id"], "AUTHORIZED")
    datetime.fromisoformat(body["created"])
    assert management.path == "/management"
    body = json.loads(management.body)
    assert set(body) == {"paymentId", "action", "actionId", "created"}
    assert (body["action"], body["actionId"]) == ("CAPTURE", entry["actionId"])
    for seen in (authorization, management):
        headers = {name.lower() for name in seen.headers}
        assert seen.headers["Content-Type"] == "application/json"
        assert not {name for name in headers if "signature" in name or "digest" in name or name == "authorization"}


def test_callbacks__of_every_movement(shop: ResursShop) -> None:
    payment = shop.accepted()
    for what, total in (("capture", 100), ("refund", 50), ("cancel", 100), ("order", 20)):
        lines = [{"quantity": 1, "quantityUnit": "st", "vatRate": 25, "totalAmountIncludingVat": total}]
        shop.good("POST", f"/v2/payments/{payment['id']}/{what}", {"orderLines": lines})
    assert shop.told()[1:] == [f"management {word}" for word in ("CAPTURE", "REFUND", "CANCEL", "MODIFY_ORDER")]


def test_callbacks__credit_application_names_the_application(shop: ResursShop, receiver: Receiver) -> None:
    payment = shop.create(governmentId="199105149612", options=INSPECTS)
    shop.sign(payment)
    (seen,) = receiver.wait_for(1)
    body = json.loads(seen.body)
    assert (seen.path, set(body), body["status"]) == ("/credit", {"applicationId", "status", "created"}, "INSPECTION")
    assert body["applicationId"] != payment["id"]


def test_callbacks__only_where_an_address_was_given(shop: ResursShop) -> None:
    payment = shop.accepted(options={"callbacks": {"management": {"url": f"{shop.receiver_url}/m"}}})
    assert shop.told() == []
    shop.good("POST", f"/v2/payments/{payment['id']}/capture", {})
    assert shop.told() == ["management CAPTURE"]
    shop.accepted(options={"callbacks": None})
    assert len(shop.deliveries()) == 1


def test_schedule__to_the_second() -> None:
    moments = schedule()
    assert (len(moments), moments[:4], moments[-1]) == (20, (0, 30, 75, 135), 130335)


def test_callbacks__redirects_are_not_followed(shop: ResursShop, receiver: Receiver) -> None:
    receiver.answers["/authorization"] = (302, {"Location": "/elsewhere"})
    shop.accepted()
    assert shop.deliveries()[0]["state"] == "failed"
    assert [seen.path for seen in receiver.seen] == ["/authorization"]


def test_callbacks__twenty_attempts_in_about_36_hours(shop: ResursShop, receiver: Receiver) -> None:
    receiver.answers["/authorization"] = 503
    shop.accepted()
    waits = [30, 45, 60, 90, 150, 240, 330, 510, 780, 1200, 1800, 2700, 3600, 5400, 9000, 14400, 18000, 28800, 43200]
    for number, wait in enumerate(waits, start=1):
        (delivery,) = shop.deliveries()
        assert (len(delivery["attempts"]), delivery["state"]) == (number, "failed")
        shop.advance(wait - 2)
        assert len(shop.deliveries()[0]["attempts"]) == number
        shop.advance(2)
    (delivery,) = shop.deliveries()
    assert (len(delivery["attempts"]), delivery["state"], delivery["due"]) == (20, "exhausted", None)
    assert {attempt["status"] for attempt in delivery["attempts"]} == {503}
    shop.advance(10 * 86400)
    assert len(receiver.seen) == 20


@pytest.mark.parametrize("refusal", [503, 408, 400])
def test_callbacks__tried_again_until_taken(shop: ResursShop, receiver: Receiver, refusal: int) -> None:
    receiver.answers["/authorization"] = refusal
    shop.accepted()
    assert shop.deliveries()[0]["state"] == "failed"
    receiver.answers["/authorization"] = 202
    shop.advance(30)
    (delivery,) = shop.deliveries()
    assert (delivery["state"], [each["status"] for each in delivery["attempts"]]) == ("sent", [refusal, 202])
    first, second = receiver.wait_for(2)
    assert first.body == second.body


def test_callbacks__waits_can_be_shrunk(shop: ResursShop, receiver: Receiver) -> None:
    shop.settings(callback_time_factor=0.1)
    receiver.answers["/authorization"] = 503
    shop.accepted()
    shop.settle()
    shop.advance(3)
    assert len(shop.deliveries()[0]["attempts"]) == 2


def test_callbacks__duplicated_and_reordered_by_faults(shop: ResursShop, receiver: Receiver) -> None:
    shop.fault("webhook", "duplicate", times=1)
    shop.accepted()
    receiver.wait_for(2)
    shop.fault("webhook", "reorder", times=1)
    payment = shop.create(governmentId="198001010001")
    shop.sign(payment)
    shop.settle()
    shop.advance(5)
    assert [json.loads(seen.body)["status"] for seen in receiver.wait_for(4)[2:]] == ["AUTHORIZED", "FROZEN"]


def test_registered_callbacks__for_payments_without_their_own(shop: ResursShop, receiver: Receiver) -> None:
    store = shop.order()["storeId"]
    urls = {"authorization": {"url": f"{receiver.url}/store/{{payment_id}}"}}
    registered = shop.good("POST", "/v2/callbacks", {"stores": [store], "callbacks": urls})
    assert registered["content"] == [{"stores": [store], "callbacks": urls}]
    assert shop.good("GET", "/v2/callbacks") == registered
    payment = shop.accepted(options={"callbacks": None})
    (seen,) = receiver.wait_for(1)
    assert seen.path == f"/store/{payment['id']}"
    (entry,) = shop.good("GET", f"/v2/callbacks/payments/{payment['id']}/stream")["content"]
    assert entry["type"] == "authorization"


def test_callback_test__calls_the_address_now(shop: ResursShop, receiver: Receiver) -> None:
    receiver.answers["/bad"] = 500

    def tried(url: str) -> tuple[str, int]:
        found = shop.good("POST", "/v2/callbacks/test", {"url": url})
        return found["status"], found["code"]

    assert tried(f"{receiver.url}/good") == ("OK", 200)
    assert tried(f"{receiver.url}/bad") == ("FAILED", 500)
    assert tried("https://shop.example/cb") == ("INVALID_URL", 0)
    assert tried("http://127.0.0.1:1/") == ("ERROR", 0)


def test_callback_test__lets_the_shop_call_meanwhile(shop: ResursShop, receiver: Receiver) -> None:
    shop.log_in()
    gate = receiver.gates["/slow"] = threading.Event()
    path, body = "/v2/callbacks/test", {"url": f"{receiver.url}/slow"}
    with ThreadPoolExecutor(1) as pool, requests.Session() as session:
        other = ResursShop(shop.root, session, receiver.url)
        other.token = shop.token
        asked = pool.submit(other.good, "POST", path, body)
        receiver.wait_for(1)
        assert shop.create()["status"] == "TASK_REDIRECTION_REQUIRED"
        assert not asked.done()
        gate.set()
        assert asked.result(10) == {"status": "OK", "code": 200}


def test_strict_callback_url(shop: ResursShop) -> None:
    shop.settings(strict_callback_url=True)
    assert set(shop.refused("POST", "/v2/payments", shop.order())) == {
        f"options.callbacks.{kind}.url" for kind in ("authorization", "management", "creditApplication")
    }
    good = {"callbacks": {"authorization": {"url": "https://shop.example/cb"}}}
    payment = shop.accepted(options=good)
    (delivery,) = shop.deliveries()
    assert (delivery["payment"], delivery["state"]) == (payment["id"], "failed")
