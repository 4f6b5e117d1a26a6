"""Deliveries: what is sent, when it is tried again, what counts as accepted, and where nothing is sent."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from tests.simulators.kit import Receiver, Shop

SINCE_CHANGE = [0, 60, 180, 420, 900, 1860, 3600, 7200, 14400, 93600]


def only(shop: Shop) -> dict[str, Any]:
    (delivery,) = shop.deliveries()
    return delivery


def test_the_classic_webhook_on_the_wire(shop: Shop, receiver: Receiver) -> None:
    payment = shop.paid()
    (seen,) = receiver.wait_for(1)
    assert (seen.method, seen.path, seen.body) == ("POST", "/hook", f"id={payment['id']}".encode())
    assert seen.headers == {
        "Host": receiver.url.removeprefix("http://"),
        "User-Agent": "Mollie HTTP client/1.0",
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "*/*",
        "Accept-Encoding": "deflate, gzip",
        "Content-Length": str(len(seen.body)),
    }
    delivery = only(shop)
    assert (delivery["state"], delivery["due"], delivery["provider"]) == ("sent", None, "mollie")
    assert delivery["payment"] == payment["id"]
    assert [(each["status"], each["error"]) for each in delivery["attempts"]] == [(200, None)]


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_is_accepted(shop: Shop, receiver: Receiver, status: int) -> None:
    receiver.answers["/hook"] = status
    shop.paid()
    assert only(shop)["state"] == "sent"


def test_ten_attempts_at_the_documented_times_then_silence(shop: Shop, receiver: Receiver) -> None:
    receiver.answers["/hook"] = 500
    shop.paid()
    shop.settle()
    for number, (earlier, since) in enumerate(zip(SINCE_CHANGE, SINCE_CHANGE[1:], strict=False), start=1):
        assert len(receiver.seen) == number
        assert only(shop)["state"] == "failed"
        shop.advance(since - earlier - 5)
        assert len(receiver.seen) == number, f"attempt {number + 1} came too early"
        shop.advance(5.5)
        receiver.wait_for(number + 1)
        shop.control("POST", "clock", {"advance": -0.5})
    delivery = only(shop)
    assert (delivery["state"], delivery["due"], len(delivery["attempts"])) == ("exhausted", None, 10)
    shop.advance(30 * 86400)
    assert len(receiver.seen) == 10


def test_a_jump_over_the_whole_schedule_makes_all_attempts(shop: Shop, receiver: Receiver) -> None:
    receiver.answers["/hook"] = 503
    shop.paid()
    shop.settle()
    shop.advance(2 * 86400)
    assert len(receiver.seen) == 10
    assert only(shop)["state"] == "exhausted"


def test_accepted_on_a_retry(shop: Shop, receiver: Receiver) -> None:
    receiver.answers["/hook"] = 500
    shop.paid()
    shop.settle()
    receiver.answers["/hook"] = 200
    shop.advance(61)
    delivery = only(shop)
    assert (delivery["state"], [each["status"] for each in delivery["attempts"]]) == ("sent", [500, 200])
    shop.advance(86400)
    assert len(receiver.seen) == 2


def test_nobody_listens(shop: Shop) -> None:
    shop.paid(webhookUrl="http://127.0.0.1:9/hook")
    delivery = only(shop)
    assert (delivery["state"], delivery["attempts"][0]["status"]) == ("failed", None)
    assert "connection failed" in delivery["attempts"][0]["error"]


@pytest.mark.parametrize(
    ("status", "method", "keeps_body"),
    [(301, "GET", False), (302, "GET", False), (307, "POST", True), (308, "POST", True)],
)
def test_redirects(shop: Shop, receiver: Receiver, status: int, method: str, keeps_body: bool) -> None:
    receiver.answers["/hook"] = (status, {"Location": "/hook/"})
    payment = shop.paid()
    first, second = receiver.wait_for(2)
    assert first.method == "POST"
    assert (second.method, second.path) == (method, "/hook/")
    assert second.body == (f"id={payment['id']}".encode() if keeps_body else b"")
    assert ("Content-Type" in second.headers) is keeps_body
    assert only(shop)["state"] == "sent"


def test_redirects__not_in_circles_and_not_elsewhere(shop: Shop, receiver: Receiver) -> None:
    receiver.answers["/hook"] = (307, {"Location": "/hook"})
    receiver.answers["/away"] = (307, {"Location": "http://192.0.2.1/hook"})
    shop.paid()
    shop.paid(webhookUrl=f"{receiver.url}/away")
    circle, away = shop.deliveries()
    assert "too many redirects" in circle["attempts"][0]["error"]
    assert "only talk to this machine" in away["attempts"][0]["error"]


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/hook",
        "http://192.0.2.1/hook",
        "http://0.0.0.0/hook",
        "http://127.0.0.1.shop.example/hook",
        "http://127.0.0.1@shop.example/hook",
        "http://shop.example\\@127.0.0.1/hook",
        "http://127.1/hook",
        "http://[fe80::1]/hook",
    ],
)
def test_other_machines__recorded_and_never_contacted(shop: Shop, url: str) -> None:
    shop.paid(webhookUrl=url)
    delivery = only(shop)
    assert (delivery["state"], delivery["due"], delivery["attempts"]) == ("failed", None, [])
    assert delivery["note"] == "not sent: simulators only talk to this machine"
    shop.control("POST", f"deliveries/{delivery['id']}/send")
    assert "only talk to this machine" in only(shop)["attempts"][0]["error"]


def test_localhost_by_name(shop: Shop, receiver: Receiver) -> None:
    shop.paid(webhookUrl=f"{receiver.url.replace('127.0.0.1', 'localhost')}/hook")
    receiver.wait_for(1)
    assert only(shop)["state"] == "sent"


def test_too_slow__a_200_after_the_patience_is_a_failure(shop: Shop, receiver: Receiver) -> None:
    shop.control("POST", "mollie/settings", {"webhook_timeout": 0.2})
    gate = receiver.gates["/hook"] = threading.Event()
    shop.paid()
    delivery = only(shop)
    gate.set()
    assert (delivery["state"], delivery["attempts"][0]["status"]) == ("failed", None)
    assert "no answer within 0.2 s" in delivery["attempts"][0]["error"]
    assert shop.control("GET", "mollie/settings")["webhook_timeout"] == 0.2
    shop.control("POST", "reset")
    assert shop.control("GET", "mollie/settings")["webhook_timeout"] == 15


def test_one_slow_receiver_delays_nobody_else(shop: Shop, receiver: Receiver) -> None:
    receiver.gates["/slow"] = threading.Event()
    for _ in range(12):
        shop.paid(webhookUrl=f"{receiver.url}/slow")
    receiver.wait_for(12)
    shop.paid()
    assert receiver.wait_for(13)[-1].path == "/hook"
    busy = shop.try_control("POST", "wait", {"idle": True, "timeout": 0.05})
    assert (busy.status_code, "error" in busy.json()) == (408, True)
    assert [each["sending"] for each in shop.control("GET", "deliveries")].count(True) == 12
    receiver.gates["/slow"].set()
    assert {each["state"] for each in shop.deliveries()} == {"sent"}


def test_many_more_than_can_fly_at_once_all_arrive(shop: Shop, receiver: Receiver) -> None:
    gate = receiver.gates["/hook"] = threading.Event()
    for _ in range(40):
        shop.paid()
    receiver.wait_for(16)
    gate.set()
    receiver.wait_for(40)
    assert {each["state"] for each in shop.deliveries()} == {"sent"}


def test_hold__recorded_not_sent_released_in_order(shop: Shop, receiver: Receiver) -> None:
    shop.control("POST", "hold", {"on": True})
    payments = [shop.paid()["id"] for _ in range(3)]
    held = shop.deliveries()
    assert [each["state"] for each in held] == ["held"] * 3
    assert [each["payment"] for each in held] == payments
    assert receiver.seen == []

    shop.control("POST", f"deliveries/{held[1]['id']}/send")
    assert [each["state"] for each in shop.deliveries()] == ["held", "sent", "held"]
    shop.control("POST", "hold", {"on": False})
    receiver.wait_for(3)
    assert [each["state"] for each in shop.deliveries()] == ["sent"] * 3
    assert shop.control("GET", "hold") == {"on": False}


def test_send_again__does_not_use_up_the_schedule(shop: Shop, receiver: Receiver) -> None:
    receiver.answers["/hook"] = 500
    shop.paid()
    planned = only(shop)
    shop.control("POST", f"deliveries/{planned['id']}/send")
    again = only(shop)
    assert [each["by"] for each in again["attempts"]] == ["schedule", "hand"]
    assert (again["state"], again["due"]) == ("failed", planned["due"])
    receiver.answers["/hook"] = 200
    shop.control("POST", f"deliveries/{planned['id']}/send")
    assert (only(shop)["state"], only(shop)["due"]) == ("sent", None)
    shop.control("POST", f"deliveries/{planned['id']}/send")
    receiver.wait_for(4)
    assert only(shop)["state"] == "sent"
    assert shop.try_control("POST", "deliveries/dlv_none/send").status_code == 404


def test_send_again__while_the_scheduled_attempt_is_on_its_way(shop: Shop, receiver: Receiver) -> None:
    receiver.answers["/hook"] = 500
    gate = receiver.gates["/hook"] = threading.Event()
    shop.paid()
    receiver.wait_for(1)
    del receiver.gates["/hook"]
    (waiting,) = shop.control("GET", "deliveries")
    shop.control("POST", f"deliveries/{waiting['id']}/send")
    receiver.wait_for(2)
    while not shop.control("GET", "deliveries")[0]["attempts"]:
        assert len(receiver.seen) == 2
    gate.set()
    assert sorted(each["by"] for each in only(shop)["attempts"]) == ["hand", "schedule"]
    assert len(receiver.seen) == 2


def test_webhook_by_hand_and_filters(shop: Shop) -> None:
    first, second = shop.paid()["id"], shop.create()["id"]
    shop.control("POST", f"mollie/payments/{second}/webhook")
    shop.settle()
    assert [each["payment"] for each in shop.control("GET", f"deliveries?payment={second}")] == [second]
    assert len(shop.control("GET", "deliveries?provider=mollie&state=sent")) == 2
    assert shop.control("GET", f"deliveries?payment={first}")[0]["id"].startswith("dlv_")


def test_sending_starts_at_once(shop: Shop, receiver: Receiver) -> None:
    started = time.monotonic()
    shop.paid()
    receiver.wait_for(1)
    assert time.monotonic() - started < 10, "the ticker was not woken; it looks by itself once a minute"
