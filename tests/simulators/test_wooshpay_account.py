"""Who may ask, in which dialect the answers come, idempotency keys, and calls that go wrong."""

from __future__ import annotations

import base64
import json
import threading
from typing import Any

import pytest
import requests

from tests.simulators.wooshpay_kit import HEADERS, KEY, OTHER_KEY, WooshShop, opened_shop

woosh = pytest.fixture(opened_shop)

SESSIONS = "/v1/checkout/sessions"


def basic(credentials: str) -> dict[str, Any]:
    return {"auth": None, "headers": {"Authorization": f"Basic {base64.b64encode(credentials.encode()).decode()}"}}


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"headers": {"Authorization": "Basic c2tfdGVzdF9zaW11bGF0b3I6"}, "auth": None}, 200),
        (basic("sk_test_simulator:secret"), 401),
        (basic("sk_test_simulator"), 401),
        (basic("simulator:"), 401),
        (basic("sk_test_:"), 401),
        (basic("pk_test_simulator:"), 403),
        ({"headers": {"Authorization": "Basic ***"}, "auth": None}, 401),
        ({"headers": {"Authorization": "Bearer sk_test_simulator"}, "auth": None}, 401),
        ({"auth": None}, 401),
    ],
)
def test_authorization(woosh: WooshShop, more: dict[str, Any], status: int) -> None:
    answer = woosh.call("GET", SESSIONS, **more)
    assert answer.status_code == status
    if status != 200:
        assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(("header", "method"), [(h, m) for h in HEADERS for m in ("GET", "POST")])
def test_required_headers__and_the_switch(woosh: WooshShop, header: str, method: str) -> None:
    body = woosh.order() if method == "POST" else None
    for wrong in (None, "text/html"):
        answer = woosh.call(method, SESSIONS, body, headers={header: wrong})
        assert answer.status_code == 400, wrong
        assert header in answer.json()["error"]["message"]
    woosh.switch(required_headers=False)
    assert woosh.call(method, SESSIONS, body, headers={header: None}).status_code == 200


def test_calls__logged_with_the_fingerprint_of_the_key(woosh: WooshShop) -> None:
    session = woosh.create()
    woosh.intent(session)
    woosh.call("GET", SESSIONS, auth=("nonsense", ""))
    create, get, refused = woosh.control("GET", "calls?provider=wooshpay")
    assert (create["operation"], create["status"], get["operation"]) == ("create", 200, "get_intent")
    assert get["payment"] == session["id"]
    assert create["key"] == get["key"] == woosh.control("GET", "wooshpay/payments")[0]["simulator"]["key"]
    assert create["key"].startswith("sk_...")
    assert (refused["status"], refused["key"][:3]) == (401, "...")
    assert KEY not in json.dumps([woosh.control("GET", path) for path in ("calls", "wooshpay/payments")])


# -- dialects -------------------------------------------------------------------------------------------


def test_errors__flat_envelope(woosh: WooshShop) -> None:
    woosh.switch(error_envelope="flat")
    error = woosh.call("POST", SESSIONS, woosh.order(success_url=None)).json()
    assert error == {
        "type": "invalid_request_error",
        "code": "parameter_missing",
        "message": "success_url is required",
        "param": "success_url",
    }


def test_errors__addresses_and_methods_that_do_not_exist(woosh: WooshShop) -> None:
    for method, path, status in (("GET", "/v1/refunds", 405), ("GET", "/v1/nothing", 404), ("PUT", SESSIONS, 405)):
        answer = woosh.call(method, path)
        assert (answer.status_code, answer.json()["error"]["type"]) == (status, "invalid_request_error")


@pytest.mark.parametrize(("mode", "nothing"), [("null", None), ("text", "")])
def test_empty_values(woosh: WooshShop, mode: str, nothing: str | None) -> None:
    session = woosh.create(customer_email=None)
    woosh.switch(empty_values=mode)
    seen = woosh.get(session["id"])
    assert (seen["customer"], seen["shipping"], seen["customer_email"]) == (nothing, nothing, nothing)
    assert woosh.intent(session)["last_payment_error"] == nothing
    woosh.switch(empty_values="absent")
    assert not {"customer", "shipping", "customer_email"} & set(woosh.get(session["id"]))
    assert woosh.get(session["id"])["livemode"] is False


def test_other_dialects(woosh: WooshShop) -> None:
    session = woosh.create(currency="usd")
    assert session["currency"] == "USD"
    woosh.switch(currency_case="lower", encoded_fields=True, stray_live_mode=True, amount_received="absent")
    seen, intent = woosh.get(session["id"]), woosh.intent(session)
    assert (seen["currency"], seen["line_items"]["data"][0]["price"]["currency"], intent["currency"]) == ("usd",) * 3
    assert (seen["live_mode"], intent["live_mode"]) == (False, False)
    assert (intent["payment_method_types"], intent["next_action"]) == ('["card"]', "")
    assert json.loads(intent["payment_method_options"])["card"] == {"request_three_d_secure": "auto"}
    assert "amount_received" not in intent
    woosh.switch(intent_in_session="object", encoded_fields=False)
    assert woosh.get(session["id"])["payment_intent"]["id"] == session["payment_intent"]


# -- idempotency and magic amounts ----------------------------------------------------------------------


def keyed(woosh: WooshShop, key: str, api_key: str = KEY, **changes: Any) -> Any:
    return woosh.call("POST", SESSIONS, woosh.order(**changes), api_key, headers={"Idempotency-Key": key})


def test_idempotency__same_key_one_session(woosh: WooshShop) -> None:
    first, again = keyed(woosh, "one"), keyed(woosh, "one")
    assert first.content == again.content
    assert ("Idempotent-Replayed" in first.headers, again.headers["Idempotent-Replayed"]) == (False, "true")
    assert len(woosh.control("GET", "wooshpay/payments")) == 1
    assert keyed(woosh, "one", OTHER_KEY).json()["id"] != first.json()["id"]


def test_idempotency__other_parameters(woosh: WooshShop) -> None:
    keyed(woosh, "used")
    answer = keyed(woosh, "used", amount=999)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "idempotency_error")


def test_idempotency__key_too_long(woosh: WooshShop) -> None:
    assert keyed(woosh, "k" * 255).status_code == 200
    assert keyed(woosh, "k" * 256).status_code == 400


def test_idempotency__at_the_same_time(woosh: WooshShop) -> None:
    woosh.fault("create", "slow", seconds=2, times=1)
    slow: list[Any] = []
    thread = threading.Thread(target=lambda: slow.append(keyed(woosh, "busy")))
    thread.start()
    while woosh.control("GET", "faults"):  # once it is taken, the first call waits with its answer
        assert thread.is_alive()
    answer = keyed(woosh, "busy")
    thread.join()
    assert (slow[0].status_code, answer.status_code) == (200, 409)
    assert answer.json()["error"]["type"] == "idempotency_error"
    assert len(woosh.control("GET", "wooshpay/payments")) == 1


def test_magic_amount_13__an_internal_error_once(woosh: WooshShop) -> None:
    first = keyed(woosh, "thirteen", amount=2013)
    assert (first.status_code, first.json()["error"]["type"]) == (500, "api_error")
    assert first.json()["error"]["message"] == "a temporary problem with internal servers"
    assert woosh.control("GET", "wooshpay/payments") == []
    again = keyed(woosh, "thirteen", amount=2013)
    assert again.status_code == 200 and "Idempotent-Replayed" not in again.headers
    assert keyed(woosh, "another", amount=2013).status_code == 500


def test_magic_amount_29__too_many_requests(woosh: WooshShop) -> None:
    for _again in range(2):
        assert keyed(woosh, "many", amount=2029).status_code == 429
    woosh.switch(magic_amounts=False)
    assert keyed(woosh, "many", amount=2029).status_code == 200
    assert keyed(woosh, "one", amount=2013).status_code == 200


def test_faults__lost_answer_then_the_same_key(woosh: WooshShop) -> None:
    woosh.fault("create", "lost_answer", times=1)
    with pytest.raises(requests.ConnectionError):
        keyed(woosh, "lost")
    again = keyed(woosh, "lost")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert [each["id"] for each in woosh.control("GET", "wooshpay/payments")] == [again.json()["id"]]


def test_faults__5xx_not_found_and_changed_amount(woosh: WooshShop) -> None:
    session = woosh.create()
    woosh.fault("get_intent", "5xx", times=1, status=502)
    answer = woosh.call("GET", f"/v1/payment_intents/{session['payment_intent']}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "internal_error")
    woosh.fault("get_intent", "not_found", seconds=60, payment=session["id"])
    assert woosh.call("GET", f"/v1/payment_intents/{session['payment_intent']}").status_code == 404
    woosh.advance(61)
    amount = {"currency": "EUR", "value": "10.01"}
    woosh.fault("get_intent", "changed_amount", amount=amount, times=1)
    for _again in range(2):
        seen = woosh.intent(session)
        assert (seen["amount"], seen["currency"], seen["amount_received"]) == (1001, "EUR", 0)
    assert woosh.get(session["id"])["amount_total"] == 1001
