"""Checkout sessions: what is asked, answered, refused, listed and when they end."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest

from tests.simulators.wooshpay_kit import CANCEL, KEY, LIVE_KEY, OTHER_KEY, RETURN, WooshShop, opened_shop

woosh = pytest.fixture(opened_shop)

SESSIONS = "/v1/checkout/sessions"
SHEET = """
    id object created livemode currency customer mode shipping status url cancel_url success_url client_reference_id
    customer_email metadata line_items payment_intent payment_method_types payment_status amount_subtotal amount_total
    billing_address_collection expires_at
"""
INTENT = """
    id object created livemode currency amount amount_received amount_capturable status customer description metadata
    merchant_order_id shipping client_secret last_payment_error next_action payment_method payment_method_types
    payment_method_options capture_method confirmation_method receipt_email return_url statement_descriptor
    statement_descriptor_suffix cancel_at cancellation_reason 3ds_status
"""


def test_create__every_field_of_the_sample(woosh: WooshShop) -> None:
    session = woosh.create()
    assert set(session) == set(SHEET.split())
    assert session | {"object": "checkout.session", "status": "open", "payment_status": "unpaid"} == session
    assert (session["amount_total"], session["amount_subtotal"], session["currency"]) == (1234, 1234, "USD")
    assert (session["success_url"], session["cancel_url"]) == (RETURN, CANCEL)
    assert (session["customer"], session["shipping"], session["livemode"]) == ("", None, False)
    assert session["client_reference_id"] == "ORD100045"
    assert session["metadata"] == {"order_id": "ORD100045"}
    (item,) = session["line_items"]["data"]
    assert session["line_items"] | {"object": "list", "url": None, "has_more": None} == session["line_items"]
    assert (item["object"], item["quantity"], item["amount_total"]) == ("item", 1, 1234)
    assert (item["price"]["unit_amount"], item["price"]["product"]["name"]) == (1234, "Order ORD100045")


def test_create__ids_times_and_address(woosh: WooshShop) -> None:
    session = woosh.create()
    item = session["line_items"]["data"][0]
    ids = [session["id"], session["payment_intent"], item["id"], item["price"]["id"], item["price"]["product"]["id"]]
    prefixes = ["cs", "pi", "li", "price", "prod"]
    assert all(re.fullmatch(rf"{p}_[0-9]{{19}}", each) for p, each in zip(prefixes, ids, strict=True))
    assert len(set(ids)) == 5
    assert session["expires_at"] - session["created"] == 86400_000
    assert len(str(session["created"])) == 13
    address, key = session["url"].split("?key=")
    assert address == f"{woosh.url}/pay/cs_test_{session['id'][3:]}"
    assert base64.b64decode(key).decode().startswith("pk_test_")
    assert "simulator" not in base64.b64decode(key).decode(), "tells nothing of the secret key"


def test_create__the_intent_is_there_at_once(woosh: WooshShop) -> None:
    session = woosh.create()
    intent = woosh.intent(session)
    assert (intent["id"], intent["object"]) == (session["payment_intent"], "payment_intent")
    assert (intent["status"], intent["amount"], intent["amount_received"]) == ("requires_payment_method", 1234, 0)
    assert (intent["metadata"], intent["merchant_order_id"]) == ({"order_id": "ORD100045"}, None)
    assert intent["client_secret"].startswith(f"{intent['id']}_secret_")
    assert set(intent) == set(INTENT.split())


def test_create__several_items_add_up(woosh: WooshShop) -> None:
    items = [
        {"price_data": {"currency": "jpy", "unit_amount": 700, "product_data": {"name": "Tea"}}, "quantity": 3},
        {"price_data": {"currency": "JPY", "unit_amount": 50, "product_data": {"name": "Cup"}}},
    ]
    session = woosh.create(line_items=items)
    assert (session["amount_total"], session["currency"]) == (2150, "JPY")
    listed = woosh.good("GET", f"{SESSIONS}/{session['id']}/line_items")
    assert [each["amount_total"] for each in listed["data"]] == [2100, 50]
    assert (listed["object"], listed["has_more"]) == ("list", False)


def test_create__live_key(woosh: WooshShop) -> None:
    session = woosh.create(LIVE_KEY)
    assert session["livemode"] is True
    assert f"/pay/cs_live_{session['id'][3:]}?key=" in session["url"]


def test_create__form_encoded_as_the_introduction_says(woosh: WooshShop) -> None:
    form = {
        "success_url": RETURN,
        "cancel_url": CANCEL,
        "metadata[order]": "12",
        "payment_method_types[0]": "alipay",
        "line_items[0][price_data][currency]": "USD",
        "line_items[0][price_data][unit_amount]": "1250",
        "line_items[0][price_data][product_data][name]": "Tea",
        "line_items[0][quantity]": "2",
    }
    session = woosh.good("POST", SESSIONS, data=form, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert (session["amount_total"], session["metadata"]) == (2500, {"order": "12"})
    assert session["payment_method_types"] == ["alipay"]


def item(**price: Any) -> dict[str, Any]:
    whole = {"currency": "USD", "unit_amount": 1000, "product_data": {"name": "Tea"}} | price
    return {"line_items": [{"price_data": {k: v for k, v in whole.items() if v is not None}, "quantity": 1}]}


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"success_url": None}, "success_url"),
        ({"cancel_url": None}, "cancel_url"),
        ({"line_items": None}, "line_items"),
        ({"line_items": []}, "line_items"),
        ({"line_items": {"0": 1}}, "line_items"),
        ({"line_items": ["tea"]}, "line_items[0]"),
        ({"success_url": "javascript:alert(1)"}, "success_url"),
        ({"success_url": "https://shop.example/\r\nX: y"}, "success_url"),
        ({"cancel_url": "https://[::1"}, "cancel_url"),
        ({"status": "open"}, "status"),
        ({"return_url": RETURN}, "return_url"),
        ({"mode": "setup"}, "mode"),
        ({"mode": "pay"}, "mode"),
        ({"metadata": {"order": 12}}, "metadata"),
        ({"client_reference_id": 12}, "client_reference_id"),
        ({"client_reference_id": "x" * 501}, "client_reference_id"),
        ({"payment_method_types": ["coins"]}, "payment_method_types"),
        ({"payment_method_types": "card"}, "payment_method_types"),
        ({"payment_intent_data": {"capture_method": "later"}}, "payment_intent_data.capture_method"),
        ({"payment_intent_data": []}, "payment_intent_data"),
        ({"expires_at": 1}, "expires_at"),
        (item(unit_amount=None), "line_items[0].price_data.unit_amount"),
        (item(unit_amount="1000"), "line_items[0].price_data.unit_amount"),
        (item(unit_amount=10.5), "line_items[0].price_data.unit_amount"),
        (item(unit_amount=True), "line_items[0].price_data.unit_amount"),
        (item(unit_amount=-1), "line_items[0].price_data.unit_amount"),
        (item(unit_amount=0), "line_items"),
        (item(currency="DOLLAR"), "line_items[0].price_data.currency"),
        (item(product_data={}), "line_items[0].price_data.product_data.name"),
    ],
)
def test_create__refused_with_the_name_of_the_field(woosh: WooshShop, changes: dict[str, Any], param: str) -> None:
    answer = woosh.call("POST", SESSIONS, woosh.order(**changes))
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert error["code"].startswith("parameter_") and param in error["message"]
    assert woosh.control("GET", "wooshpay/payments") == []


@pytest.mark.parametrize("body", ["{", "[]", '{"a": NaN}', "\x00", "[" * 100_000])
def test_create__not_a_json_object(woosh: WooshShop, body: str) -> None:
    answer = woosh.call("POST", SESSIONS, data=body)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


def test_create__method_that_is_not_enabled(woosh: WooshShop) -> None:
    woosh.switch(disabled_methods=["alipay"])
    answer = woosh.call("POST", SESSIONS, woosh.order(payment_method_types=["alipay"]))
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "payment_method_types")


def test_expiry__may_be_chosen_in_either_unit(woosh: WooshShop) -> None:
    soon = woosh.create()["created"] + 3600_000
    assert woosh.create(expires_at=soon)["expires_at"] == soon
    assert woosh.create(expires_at=soon // 1000)["expires_at"] == soon // 1000 * 1000


def test_expiry__after_24_hours_without_any_event(woosh: WooshShop) -> None:
    woosh.register(enabled_events=["*"])
    session = woosh.create()
    woosh.advance(86390)
    assert woosh.get(session["id"])["status"] == "open"
    woosh.advance(20)
    assert (woosh.get(session["id"])["status"], woosh.intent(session)["status"]) == (
        "expired",
        "requires_payment_method",
    )
    assert woosh.told() == ["payment_intent.created"]


def test_expire__only_while_open(woosh: WooshShop) -> None:
    session = woosh.create()
    answer = woosh.good("POST", f"{SESSIONS}/{session['id']}/expire")
    assert (answer["id"], answer["status"], answer["payment_status"]) == (session["id"], "expired", "unpaid")
    again = woosh.call("POST", f"{SESSIONS}/{session['id']}/expire")
    assert again.status_code == 400
    assert "expired" in again.json()["error"]["message"], "an integrator reads the status there"
    paid = woosh.paid()
    assert woosh.call("POST", f"{SESSIONS}/{paid['id']}/expire").status_code == 400
    assert woosh.get(paid["id"])["status"] == "complete"


def test_retrieve__unknown_malformed_and_of_others(woosh: WooshShop) -> None:
    session = woosh.create()
    for wanted, key, status in (
        (session["id"], KEY, 200),
        (session["id"], OTHER_KEY, 404),
        ("cs_1790000000000000001", KEY, 404),
        (f"cs_test_{session['id'][3:]}", KEY, 400),
        ("{CHECKOUT_SESSION_ID}", KEY, 400),
        (session["payment_intent"], KEY, 400),
    ):
        answer = woosh.call("GET", f"{SESSIONS}/{wanted}", key=key)
        assert answer.status_code == status, wanted
        if status == 400:
            assert answer.json()["error"]["message"] == "id is invalid"


@pytest.mark.parametrize("path", [SESSIONS, f"{SESSIONS}/list"])
def test_list__pages_in_query_and_body(woosh: WooshShop, path: str) -> None:
    oldest, *_others, newest = [woosh.create()["id"] for _number in range(4)]
    woosh.create(OTHER_KEY)
    first = woosh.good("GET", f"{path}?limit=3")
    assert (first["object"], first["has_more"], len(first["data"])) == ("list", True, 3)
    assert first["data"][0]["id"] == newest
    last = first["data"][-1]["id"]
    for rest in (
        woosh.good("GET", f"{path}?starting_after={last}"),
        woosh.good("GET", path, {"starting_after": last, "limit": 2}),
    ):
        assert ([each["id"] for each in rest["data"]], rest["has_more"]) == ([oldest], False)
    before = woosh.good("GET", path, {"ending_before": oldest, "limit": 2})
    assert [each["id"] for each in before["data"]] == [each["id"] for each in first["data"][1:]]
    assert before["has_more"] is True


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "starting_after=cs_1", "page=2", "created[about]=1", "created=1"]
)
def test_list__misuse(woosh: WooshShop, query: str) -> None:
    assert woosh.call("GET", f"{SESSIONS}?{query}").status_code == 400


def test_list__window_of_creation_times(woosh: WooshShop) -> None:
    early = woosh.create()
    woosh.advance(1000)
    late = woosh.create()
    border = early["created"] + 500_000
    path = "/v1/payment_intents"
    for sent, wanted in (({"gt": border}, late), ({"lte": border}, early), ({"gte": border // 1000}, late)):
        found = woosh.good("GET", path, {"created": sent})
        assert [each["id"] for each in found["data"]] == [wanted["payment_intent"]]
    assert len(woosh.good("GET", f"{path}?created[gt]={border}")["data"]) == 1
