"""Every fault, seen from the client's or the receiver's side."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests

from tests.simulators.kit import Receiver, Shop


def kinds(shop: Shop) -> list[str]:
    return [each["kind"] for each in shop.control("GET", "faults")]


def exists(shop: Shop) -> int:
    return len(shop.control("GET", "mollie/payments"))


# -- webhooks -----------------------------------------------------------------------------------------------


def test_duplicate__copies_at_the_same_time(shop: Shop, receiver: Receiver) -> None:
    shop.fault("webhook", "duplicate", copies=4, times=1)
    payment = shop.paid()
    assert [seen.body for seen in receiver.wait_for(4)] == [f"id={payment['id']}".encode()] * 4
    assert [each["faults"] for each in shop.deliveries()] == [["duplicate"]] * 4
    shop.paid()
    assert len(shop.deliveries()) == 5, "used up"


def test_delay__on_the_simulated_clock(shop: Shop, receiver: Receiver) -> None:
    shop.fault("webhook", "delay", seconds=300)
    shop.paid()
    shop.advance(290)
    assert receiver.seen == []
    shop.advance(15)
    receiver.wait_for(1)


def test_drop__never_sent_and_recorded(shop: Shop, receiver: Receiver) -> None:
    shop.fault("webhook", "drop")
    shop.paid()
    shop.advance(3 * 86400)
    (delivery,) = shop.deliveries()
    assert (delivery["state"], delivery["attempts"], receiver.seen) == ("dropped", [], [])


def test_reorder__the_later_one_comes_first(shop: Shop, receiver: Receiver) -> None:
    shop.fault("webhook", "reorder", times=1)
    first = shop.paid()["id"]
    assert shop.deliveries()[0]["state"] == "held"
    second = shop.paid()["id"]
    bodies = [seen.body.decode() for seen in receiver.wait_for(2)]
    assert bodies == [f"id={second}", f"id={first}"]
    assert [each["state"] for each in shop.deliveries()] == ["sent", "sent"]


def test_match__only_the_payment_named(shop: Shop, receiver: Receiver) -> None:
    named, other = shop.create()["id"], shop.create()["id"]
    shop.fault("webhook", "drop", payment=named)
    shop.set_status(named, "paid")
    shop.set_status(other, "paid")
    assert {each["payment"]: each["state"] for each in shop.deliveries()} == {named: "dropped", other: "sent"}


# -- API calls ----------------------------------------------------------------------------------------------


def test_5xx__nothing_is_done(shop: Shop) -> None:
    shop.fault("create", "5xx", status=502, times=2)
    for _ in range(2):
        answer = shop.call("POST", "/v2/payments", json=shop.order())
        assert (answer.status_code, answer.json()["title"]) == (502, "Bad Gateway")
    assert exists(shop) == 0
    shop.create()
    assert kinds(shop) == []


def test_5xx__that_was_done_all_the_same(shop: Shop) -> None:
    shop.fault("create", "5xx", done=True, times=1)
    assert shop.call("POST", "/v2/payments", json=shop.order()).status_code == 503
    assert exists(shop) == 1


@pytest.mark.parametrize("retry_after", [None, 7])
def test_429(shop: Shop, retry_after: int | None) -> None:
    shop.fault("get", "429", times=1, retry_after=retry_after)
    path = f"/v2/payments/{shop.create()['id']}"
    answer = shop.call("GET", path)
    assert (answer.status_code, answer.json()["title"]) == (429, "Too Many Requests")
    assert answer.headers.get("Retry-After") == (None if retry_after is None else str(retry_after))
    assert shop.call("GET", path).status_code == 200


def test_lost_answer__done_and_then_silence(shop: Shop) -> None:
    shop.fault("create", "lost_answer", times=1)
    headers = {"Idempotency-Key": "lost"}
    with pytest.raises(requests.ConnectionError):
        shop.call("POST", "/v2/payments", json=shop.order(), headers=headers)
    assert exists(shop) == 1
    again = shop.call("POST", "/v2/payments", json=shop.order(), headers=headers)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert exists(shop) == 1
    lost, replay = shop.control("GET", "calls")
    assert (lost["status"], lost["faults"], replay["status"]) == (None, ["lost_answer"], 201)


def test_lost_answer__on_a_kept_alive_connection(shop: Shop) -> None:
    payment = shop.create()
    shop.fault("cancel", "lost_answer", times=1)
    shop.control("PATCH", f"mollie/payments/{payment['id']}", {"isCancelable": True})
    with pytest.raises(requests.ConnectionError):
        shop.call("DELETE", f"/v2/payments/{payment['id']}")
    assert shop.get(payment["id"])["status"] == "canceled"


def test_truncated__half_of_the_body_under_its_full_length(shop: Shop) -> None:
    path = f"{shop.url}/v2/payments/{shop.create()['id']}"
    shop.fault("get", "truncated", times=1)
    headers = {"Authorization": "Bearer test_" + "k" * 30}
    with shop.session.get(path, headers=headers, stream=True, timeout=5) as answer:
        announced, got = int(answer.headers["Content-Length"]), b""
        with pytest.raises(requests.RequestException):
            for chunk in answer.iter_content(64):
                got += chunk
    assert answer.status_code == 200
    assert 0 < len(got) < announced
    assert got.startswith(b'{"resource":"payment"')


def test_hang__slower_than_the_clients_patience(shop: Shop) -> None:
    payment_id = shop.create()["id"]
    shop.fault("get", "hang", times=1, seconds=0.6)
    with pytest.raises(requests.RequestException):
        shop.call("GET", f"/v2/payments/{payment_id}", timeout=0.2)
    assert shop.get(payment_id)["status"] == "open"


def test_slow__in_real_seconds(shop: Shop) -> None:
    shop.fault("create", "slow", seconds=0.3, times=1)
    started = time.monotonic()
    shop.create()
    assert 0.3 <= time.monotonic() - started < 15


def test_slow__the_webhook_may_beat_the_answer(shop: Shop, receiver: Receiver) -> None:
    shop.fault("create", "slow", seconds=30, times=1)
    with pytest.raises(requests.ReadTimeout):
        shop.call("POST", "/v2/payments", json=shop.order(), timeout=0.2)
    while not exists(shop):
        """On a busy machine the call may arrive after the client has given up."""
    shop.set_status(shop.control("GET", "mollie/payments")[0]["id"], "paid")
    receiver.wait_for(1)


def test_not_found__for_so_many_calls(shop: Shop) -> None:
    payment_id = shop.create()["id"]
    shop.fault("get", "not_found", times=2, payment=payment_id)
    statuses = [shop.call("GET", f"/v2/payments/{payment_id}").status_code for _ in range(3)]
    assert statuses == [404, 404, 200]
    assert shop.get(shop.create()["id"])


def test_not_found__while_the_payment_is_young(shop: Shop) -> None:
    old = shop.create()["id"]
    shop.advance(60)
    shop.fault("get", "not_found", seconds=30)
    young = shop.create()["id"]
    assert shop.call("GET", f"/v2/payments/{old}").status_code == 200
    assert shop.call("GET", f"/v2/payments/{young}").status_code == 404
    shop.advance(31)
    assert shop.call("GET", f"/v2/payments/{young}").status_code == 200
    assert kinds(shop) == ["not_found"]


OTHER = {"currency": "JPY", "value": "1"}


def test_changed_amount__at_creation_and_ever_after(shop: Shop) -> None:
    shop.fault("create", "changed_amount", amount=OTHER, times=1)
    payment = shop.create()
    assert payment["amount"] == OTHER
    assert shop.get(payment["id"])["amount"] == OTHER
    assert shop.create()["amount"]["value"] == "24.95"


@pytest.mark.parametrize("operation", ["get", "list"])
def test_changed_amount__later(shop: Shop, operation: str) -> None:
    payment, other = shop.paid(), shop.paid()
    shop.fault(operation, "changed_amount", amount=OTHER, times=1, payment=payment["id"])
    shop.call("GET", "/v2/payments") if operation == "list" else shop.get(payment["id"])
    assert shop.get(payment["id"])["amount"] == OTHER
    assert shop.get(payment["id"])["amountRemaining"] == OTHER
    assert shop.get(other["id"])["amount"]["value"] == "24.95"


def test_any__every_call_and_no_webhook(shop: Shop) -> None:
    payment_id = shop.create()["id"]
    shop.fault("any", "5xx")
    for method, path in (("GET", "/v2/payments"), ("GET", f"/v2/payments/{payment_id}"), ("GET", "/v2/methods")):
        assert shop.call(method, path).status_code == 503
    shop.set_status(payment_id, "paid")
    assert shop.deliveries()[0]["state"] == "sent"


def test_faults_of_refunds_and_captures(shop: Shop) -> None:
    payment_id = shop.paid()["id"]
    shop.fault("refund", "lost_answer", times=1)
    with pytest.raises(requests.ConnectionError):
        shop.call("POST", f"/v2/payments/{payment_id}/refunds", json={"amount": {"currency": "EUR", "value": "1.00"}})
    assert shop.call("GET", f"/v2/payments/{payment_id}/refunds").json()["count"] == 1


# -- the list of faults -------------------------------------------------------------------------------------


def test_list_count_down_and_remove(shop: Shop) -> None:
    first = shop.fault("get", "5xx", times=3)
    second = shop.fault("webhook", "drop")
    assert first["id"] != second["id"]
    shop.call("GET", f"/v2/payments/{shop.create()['id']}")
    assert [(each["kind"], each["times"]) for each in shop.control("GET", "faults")] == [("5xx", 2), ("drop", None)]
    shop.control("DELETE", f"faults/{first['id']}")
    assert kinds(shop) == ["drop"]
    assert shop.try_control("DELETE", f"faults/{first['id']}").status_code == 404
    shop.control("DELETE", "faults")
    assert kinds(shop) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"provider": "paypal"},
        {"on": "dance"},
        {"kind": "explode"},
        {"kind": "drop"},  # a webhook's fault on a call
        {"on": "webhook", "kind": "slow"},
        {"times": 0},
        {"times": "2"},
        {"seconds": -1},
        {"status": 200},
        {"kind": "changed_amount"},
        {"kind": "changed_amount", "amount": {"currency": "EUR", "value": "lots"}},
        {"payment": 5},
        {"surprise": True},
        {"id": "flt_mine"},
    ],
    ids=str,
)
def test_unfit_faults_are_refused_with_a_sentence(shop: Shop, wrong: dict[str, Any]) -> None:
    answer = shop.try_control("POST", "faults", {"provider": "mollie", "on": "get", "kind": "5xx", **wrong})
    assert answer.status_code == 400
    assert len(answer.json()["error"]) > 10
    assert kinds(shop) == []
