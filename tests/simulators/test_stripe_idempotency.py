"""Idempotency keys, and what faults leave under them."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import requests

from tests.simulators.kit import Shop
from tests.simulators.stripe_kit import OTHER_KEY, StripeShop, stripe_shop

SESSIONS = "/v1/checkout/sessions"


@pytest.fixture
def shop(shop: Shop) -> StripeShop:
    return stripe_shop(shop)


def post(shop: StripeShop, path: str = SESSIONS, key: str = "one", **send: Any) -> requests.Response:
    return shop.call("POST", path, send=send or shop.order(), headers={"Idempotency-Key": key})


def sessions(shop: StripeShop) -> int:
    return len(shop.control("GET", "stripe/payments"))


def test_replay__the_first_answer_with_its_headers(shop: StripeShop) -> None:
    first, again = post(shop), post(shop)
    assert again.content == first.content and again.status_code == 200
    assert "Idempotent-Replayed" not in first.headers and again.headers["Idempotent-Replayed"] == "true"
    assert first.headers["Original-Request"] == first.headers["Request-Id"]
    assert again.headers["Original-Request"] == first.headers["Request-Id"] != again.headers["Request-Id"]
    assert first.headers["Idempotency-Key"] == again.headers["Idempotency-Key"] == "one"
    assert sessions(shop) == 1
    assert [call["replayed"] for call in shop.control("GET", "calls")] == [False, True]


def test_replay__lasts_a_day_and_belongs_to_the_account(shop: StripeShop) -> None:
    first = post(shop).json()["id"]
    other = shop.call("POST", SESSIONS, OTHER_KEY, send=shop.order(), headers={"Idempotency-Key": "one"})
    assert other.json()["id"] != first
    shop.advance(24 * 3600 - 60)
    assert post(shop).json()["id"] == first
    shop.advance(61)
    assert post(shop).json()["id"] != first


def test_reuse__for_something_else(shop: StripeShop) -> None:
    session = shop.paid()
    post(shop)
    for answer in (
        post(shop, **shop.order(client_reference_id="other")),
        post(shop, "/v1/refunds", payment_intent=session["payment_intent"]["id"]),
    ):
        error = answer.json()["error"]
        assert (answer.status_code, error["type"], "code" in error) == (400, "idempotency_error", False)


def test_conflict__while_the_first_is_on_its_way(shop: StripeShop) -> None:
    shop.fault("create", "slow", seconds=30, times=1)
    answers: list[requests.Response] = []
    first = threading.Thread(target=lambda: answers.append(post(shop)))
    first.start()
    while sessions(shop) == 0:
        pass
    second = post(shop)
    assert (second.status_code, second.json()["error"]["code"]) == (409, "idempotency_key_in_use")
    assert second.json()["error"]["type"] == "idempotency_error"
    assert second.headers["Stripe-Should-Retry"] == "true"
    shop.control("POST", "reset")  # lets the slow answer go
    first.join(5)
    assert answers[0].status_code == 200


def test_refusals__of_what_was_carried_out_are_remembered(shop: StripeShop) -> None:
    session = shop.create()
    expire = f"{SESSIONS}/{session['id']}/expire"
    shop.set_status(session["id"], "paid")
    refused = shop.call("POST", expire, headers={"Idempotency-Key": "e"})
    shop.set_status(session["id"], "open")
    again = shop.call("POST", expire, headers={"Idempotency-Key": "e"})
    assert refused.status_code == again.status_code == 400 and "Idempotent-Replayed" in again.headers
    assert shop.get(session["id"])["status"] == "open"


def test_refusals__of_wrong_parameters_are_not(shop: StripeShop) -> None:
    assert post(shop, **shop.order(success_url=None)).status_code == 400
    good = post(shop)
    assert good.status_code == 200 and "Idempotent-Replayed" not in good.headers
    assert shop.call("POST", SESSIONS, "nonsense", headers={"Idempotency-Key": "two"}).status_code == 401
    assert post(shop, key="two").status_code == 200
    assert post(shop, key="x" * 256).status_code == 400


def test_500__is_remembered_and_503_is_not(shop: StripeShop) -> None:
    shop.fault("create", "5xx", status=500, times=1)
    first, again = post(shop, key="a"), post(shop, key="a")
    assert (first.status_code, first.json()["error"]["type"]) == (500, "api_error")
    assert again.status_code == 500 and "Idempotent-Replayed" in again.headers
    assert sessions(shop) == 0
    shop.fault("create", "5xx", times=1)
    assert post(shop, key="b").status_code == 503
    assert post(shop, key="b").status_code == 200


def test_lost_answers__are_replayed(shop: StripeShop) -> None:
    shop.fault("create", "lost_answer", times=1)
    with pytest.raises(requests.ConnectionError):
        post(shop, key="a")
    assert post(shop, key="a").headers["Idempotent-Replayed"] == "true"
    shop.fault("create", "5xx", status=500, done=True, times=1)
    assert post(shop, key="b").status_code == 500
    assert post(shop, key="b").status_code == 200
    assert sessions(shop) == 2


@pytest.mark.parametrize("said", ["absent", "true", "false"])
def test_429__with_and_without_the_retry_header(shop: StripeShop, said: str) -> None:
    shop.switch(rate_limit_should_retry=said)
    shop.fault("create", "429", times=1)
    limited = post(shop)
    assert (limited.status_code, limited.json()["error"]["code"]) == (429, "rate_limit")
    assert limited.headers.get("Stripe-Should-Retry", "absent") == said
    assert post(shop).status_code == 200, "a 429 is not remembered"


def test_faults__strike_one_payment_by_whatever_object_a_call_names(shop: StripeShop) -> None:
    one, two = shop.paid(), shop.paid()
    shop.fault("any", "5xx", payment=one["id"])
    assert shop.call("GET", f"/v1/payment_intents/{one['payment_intent']['id']}").status_code == 503
    assert shop.call("GET", f"/v1/payment_intents/{two['payment_intent']['id']}").status_code == 200
    sent = {"payment_intent": one["payment_intent"]["id"]}
    assert shop.call("POST", "/v1/refunds", send=sent).status_code == 503
    assert shop.call("GET", "/v1/refunds", send=sent).status_code == 503


def test_fault__changes_the_amount_from_now_on(shop: StripeShop) -> None:
    session = shop.paid()
    shop.fault("get", "changed_amount", amount={"currency": "USD", "value": "10.00"}, times=1)
    for _ in range(2):
        changed = shop.get(session["id"])
        assert (changed["amount_total"], changed["currency"]) == (1000, "usd")
        assert changed["payment_intent"]["amount_received"] == 1000


def test_fault__not_found_while_young(shop: StripeShop) -> None:
    shop.fault("get", "not_found", seconds=30)
    url = f"{SESSIONS}/{shop.create()['id']}"
    assert shop.call("GET", url).status_code == 404
    shop.advance(31)
    assert shop.call("GET", url).status_code == 200


def moves(shop: StripeShop) -> dict[str, tuple[str, dict[str, Any]]]:
    """Operation -> where it is asked for, and what is sent; each about a payment of its own."""
    held, other, paid = (each["payment_intent"]["id"] for each in (shop.held(), shop.held(), shop.paid()))
    return {
        "capture": (f"/v1/payment_intents/{held}/capture", {"amount_to_capture": 800}),
        "void": (f"/v1/payment_intents/{other}/cancel", {"cancellation_reason": "abandoned"}),
        "refund": ("/v1/refunds", {"payment_intent": paid, "amount": 700}),
    }


@pytest.mark.parametrize("operation", ["capture", "void", "refund"])
def test_moves__are_done_once_under_one_key(shop: StripeShop, operation: str) -> None:
    path, send = moves(shop)[operation]
    first, again = post(shop, path, **send), post(shop, path, **send)
    assert first.status_code == 200 and again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(shop.ok("GET", "/v1/refunds")["data"]) == (1 if operation == "refund" else 0)


@pytest.mark.parametrize("operation", ["capture", "void", "refund"])
@pytest.mark.parametrize(
    ("fault", "first", "again"),
    [
        ({"kind": "5xx"}, 503, False),
        ({"kind": "5xx", "done": True}, 503, True),
        ({"kind": "429"}, 429, False),
        ({"kind": "not_found"}, 404, False),
        ({"kind": "lost_answer"}, None, True),
        ({"kind": "truncated"}, None, True),
    ],
)
def test_moves__what_a_fault_leaves_under_the_key(
    shop: StripeShop, operation: str, fault: dict[str, Any], first: int | None, again: bool
) -> None:
    path, send = moves(shop)[operation]
    shop.fault(operation, times=1, **fault)
    if first is None:
        with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
            post(shop, path, **send)
    else:
        assert post(shop, path, **send).status_code == first
    answer = post(shop, path, **send)
    assert (answer.status_code, "Idempotent-Replayed" in answer.headers) == (200, again)


@pytest.mark.parametrize("operation", ["capture", "void", "refund"])
def test_moves__a_500_is_kept_and_other_bytes_are_refused(shop: StripeShop, operation: str) -> None:
    path, send = moves(shop)[operation]
    shop.fault(operation, "5xx", status=500, times=1)
    assert [post(shop, path, **send).status_code for _ in range(2)] == [500, 500]
    changed = {"cancellation_reason": "duplicate"} if operation == "void" else {**send, "metadata": {"a": "1"}}
    error = post(shop, path, **changed).json()["error"]
    assert (error["type"], "code" in error) == ("idempotency_error", False)
    assert post(shop, path, key="two", **send).status_code == 200
