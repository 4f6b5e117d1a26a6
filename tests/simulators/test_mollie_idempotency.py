"""``Idempotency-Key``: one object per key and hour, replayed answers, refusals of misuse."""

from __future__ import annotations

import threading

import pytest
import requests

from tests.simulators.kit import KEY, OTHER_KEY, Shop


def create(shop: Shop, idempotency_key: str, key: str = KEY, **changes: object) -> requests.Response:
    return shop.call(
        "POST", "/v2/payments", key, json=shop.order(**changes), headers={"Idempotency-Key": idempotency_key}
    )


def test_same_key_same_body__one_payment_replayed(shop: Shop) -> None:
    first, again = create(shop, "one"), create(shop, "one")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Content-Type"] == "application/hal+json"
    assert len(shop.control("GET", "mollie/payments")) == 1
    assert [call["replayed"] for call in shop.control("GET", "calls")] == [False, True]


def test_same_parameters_in_another_order__still_the_same(shop: Shop) -> None:
    first = create(shop, "order")
    body = dict(reversed(list(shop.order().items())))
    again = shop.call("POST", "/v2/payments", json=body, headers={"Idempotency-Key": "order"})
    assert again.json()["id"] == first.json()["id"]


def test_other_body_or_endpoint__400(shop: Shop) -> None:
    payment = create(shop, "used").json()
    other_body = create(shop, "used", description="Another order")
    path = f"/v2/payments/{payment['id']}/refunds"
    other_endpoint = shop.call("POST", path, json=shop.order(), headers={"Idempotency-Key": "used"})
    for answer in (other_body, other_endpoint):
        assert (answer.status_code, answer.json()["title"]) == (400, "Bad Request")
    assert create(shop, "used").json()["id"] == payment["id"], "the first answer is still there"


def test_key_is_forgotten_after_an_hour_of_simulated_time(shop: Shop) -> None:
    first = create(shop, "hour").json()["id"]
    shop.advance(3590)
    assert create(shop, "hour").json()["id"] == first
    shop.advance(20)
    later = create(shop, "hour")
    assert later.json()["id"] != first
    assert "Idempotent-Replayed" not in later.headers


def test_keys_belong_to_the_account(shop: Shop) -> None:
    assert create(shop, "mine").json()["id"] != create(shop, "mine", OTHER_KEY).json()["id"]


def test_refusals_below_500_are_remembered_too(shop: Shop) -> None:
    refused = create(shop, "bad", method="coins")
    again = create(shop, "bad", method="coins")
    assert (refused.status_code, again.status_code) == (422, 422)
    assert again.headers["Idempotent-Replayed"] == "true"


def test_a_503_is_not_remembered(shop: Shop) -> None:
    shop.fault("create", "5xx", times=1)
    assert create(shop, "down").status_code == 503
    assert create(shop, "down").status_code == 201


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_ignored_on_other_methods(shop: Shop, method: str) -> None:
    path = f"/v2/payments/{shop.create(method='banktransfer')['id']}"
    headers = {"Idempotency-Key": "ignored"}
    for _ in range(2):
        answer = shop.call(method, path, json={} if method == "DELETE" else {"description": "New"}, headers=headers)
        assert "Idempotent-Replayed" not in answer.headers
    assert create(shop, "ignored").status_code == 201


def test_second_call_while_the_first_still_runs__409(shop: Shop) -> None:
    shop.fault("create", "slow", seconds=30, times=1)
    answers: list[requests.Response] = []
    done = threading.Event()

    def first() -> None:
        with requests.Session() as session:
            mine = Shop(shop.root, session, shop.webhook_url)
            answers.append(create(mine, "busy"))
            done.set()

    thread = threading.Thread(target=first)
    thread.start()
    while not shop.control("GET", "mollie/payments"):
        assert not done.wait(0.01)
    second = create(shop, "busy")
    assert (second.status_code, second.json()["title"]) == (409, "Conflict")
    assert create(shop, "free").status_code == 201
    assert not answers
    shop.control("POST", "reset")  # ends the waiting of faults that were set
    thread.join(5)
    assert [answer.status_code for answer in answers] == [201]


def test_many_at_once_with_one_key__one_payment(shop: Shop) -> None:
    start, statuses = threading.Barrier(8), []

    def press_pay() -> None:
        with requests.Session() as session:
            start.wait()
            statuses.append(create(Shop(shop.root, session, shop.webhook_url), "double").status_code)

    threads = [threading.Thread(target=press_pay) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) <= {201, 409}
    assert 201 in statuses
    assert len(shop.control("GET", "mollie/payments")) == 1
