"""Checkout Sessions on the wire: what is created, what is refused, how it is fetched, listed, changed and expired."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.simulators.kit import Shop
from tests.simulators.stripe_kit import (
    CANCEL,
    DECLINED,
    KEY,
    LIVE_KEY,
    OTHER_KEY,
    RETURN,
    StripeShop,
    line,
    stripe_shop,
)

SESSIONS = "/v1/checkout/sessions"
#: All of it could be expanded, but no more than four levels.
DEEP = "payment_intent.latest_charge.payment_intent.latest_charge.balance_transaction"
#: As recorded at 2026-03-25.dahlia; line items come only when asked for.
KEYS = """
    id object adaptive_pricing after_expiration allow_promotion_codes amount_subtotal amount_total automatic_tax
    billing_address_collection cancel_url client_reference_id client_secret collected_information consent
    consent_collection created currency currency_conversion custom_fields custom_text customer customer_account
    customer_creation customer_details customer_email discounts expires_at integration_identifier invoice
    invoice_creation livemode locale metadata mode origin_context payment_intent payment_link
    payment_method_collection payment_method_configuration_details payment_method_options payment_method_types
    payment_status permissions phone_number_collection recovered_from saved_payment_method_options setup_intent
    shipping_address_collection shipping_cost shipping_options status submit_type subscription success_url
    total_details ui_mode url wallet_options
""".split()


@pytest.fixture
def shop(shop: Shop) -> StripeShop:
    return stripe_shop(shop)


def test_create__the_full_shape_with_200(shop: StripeShop) -> None:
    answer = shop.call("POST", SESSIONS, send=shop.order())
    session = answer.json()
    assert answer.status_code == 200
    assert answer.headers["Request-Id"].startswith("req_")
    assert answer.headers["Stripe-Version"] == "2026-03-25.dahlia"
    assert session["id"].startswith("cs_test_a1") and len(session["id"]) == 66
    wanted = {
        "object": "checkout.session",
        "amount_subtotal": 2495,
        "amount_total": 2495,
        "currency": "eur",
        "cancel_url": CANCEL,
        "success_url": RETURN,
        "client_reference_id": "2026-0042",
        "metadata": {"attempt": "9b1d"},
        "mode": "payment",
        "payment_intent": None,
        "payment_status": "unpaid",
        "status": "open",
        "livemode": False,
        "ui_mode": "hosted_page",
        "customer_details": None,
        "payment_method_types": ["card", "sepa_debit"],
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
    }
    assert {name: session[name] for name in wanted} == wanted
    assert session["url"].startswith(f"{shop.url}/c/pay/{session['id']}#fid")
    assert len(session["url"]) > 255
    assert session["expires_at"] == session["created"] + 24 * 3600
    assert list(session) == KEYS


def test_create__several_lines_add_up(shop: StripeShop) -> None:
    items = [line(895, quantity=2), line(705), line(unit_amount=None) | {"price_data": decimal_price("0.333")}]
    items[2]["quantity"] = 100
    session = shop.create(line_items=items, expand=["line_items"])
    assert session["amount_total"] == 895 * 2 + 705 + 33
    assert [item["amount_total"] for item in session["line_items"]["data"]] == [1790, 705, 33]
    assert session["line_items"]["data"][0]["price"]["unit_amount"] == 895


def decimal_price(value: str) -> dict[str, Any]:
    return {"currency": "eur", "unit_amount_decimal": value, "product_data": {"name": "Per gram"}}


def test_create__modes_and_versions(shop: StripeShop) -> None:
    live = shop.create(LIVE_KEY)
    assert live["livemode"] is True and live["id"].startswith("cs_live_")
    older = shop.ok("POST", SESSIONS, send=shop.order(), headers={"Stripe-Version": "2025-10-29.clover"})
    assert older["ui_mode"] == "hosted"
    assert (
        "version"
        in shop.refused("POST", SESSIONS, send=shop.order(), headers={"Stripe-Version": "yesterday"})["message"]
    )


@pytest.mark.parametrize(
    ("amount", "currency"), [(50, "eur"), (30, "gbp"), (50, "jpy"), (500, "isk"), (1230, "kwd"), (500, "ugx")]
)
def test_amounts__good_ones(shop: StripeShop, amount: int, currency: str) -> None:
    session = shop.create(line_items=[line(amount, currency)])
    assert (session["amount_total"], session["currency"]) == (amount, currency)


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        (49, "eur", "amount_too_small"),
        (299, "sek", "amount_too_small"),
        (1234567890123, "eur", "parameter_invalid_integer"),
        (550, "isk", "parameter_invalid_integer"),
        (150, "ugx", "parameter_invalid_integer"),
        (1234, "kwd", "parameter_invalid_integer"),
        (100, "xxx", None),
        (-1, "eur", "parameter_invalid_integer"),
    ],
)
def test_amounts__refused(shop: StripeShop, amount: int, currency: str, code: str | None) -> None:
    error = shop.refused("POST", SESSIONS, send=shop.order(line_items=[line(amount, currency)]))
    assert (error["type"], error.get("code")) == ("invalid_request_error", code)


def test_amounts__nothing_to_pay(shop: StripeShop) -> None:
    session = shop.create(line_items=[line(0)])
    assert session["payment_status"] == "no_payment_required"
    assert shop.submit(session["url"]).status_code == 303
    done = shop.get(session["id"])
    assert (done["status"], done["payment_status"], done["payment_intent"]) == (
        "complete",
        "no_payment_required",
        None,
    )


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"success_url": None}, "parameter_missing", "success_url"),
        ({"mode": None}, "parameter_missing", "mode"),
        ({"line_items": None}, "parameter_missing", "line_items"),
        ({"colour": "red"}, "parameter_unknown", "colour"),
        ({"payment_intent_data": {"colour": "red"}}, "parameter_unknown", "payment_intent_data[colour]"),
        (
            {"line_items": [{"price_data": line()["price_data"]}]},
            "parameter_missing",
            "line_items[0][quantity]",
        ),
        ({"line_items": [line()] * 101}, None, "line_items"),
        ({"line_items": [line(), line(currency="usd")]}, None, "line_items"),
        ({"line_items": [{"quantity": 1, "price": "price_1"}]}, "resource_missing", "line_items[0][price]"),
        ({"success_url": "shop"}, "url_invalid", "success_url"),
        ({"customer": "cus_1"}, "resource_missing", "customer"),
        ({"customer_email": "nobody"}, "email_invalid", "customer_email"),
        ({"client_reference_id": "x" * 201}, None, "client_reference_id"),
        ({"locale": "klingon"}, None, "locale"),
        ({"payment_intent_data": {"capture_method": "later"}}, None, "payment_intent_data[capture_method]"),
        ({"metadata": {"x" * 41: "1"}}, None, "metadata"),
        ({"metadata": {"x": "1" * 501}}, None, "metadata[x]"),
        ({"metadata": {f"k{at}": "1" for at in range(51)}}, None, "metadata"),
        (
            {"payment_method_types": ["sepa_debit"], "line_items": [line(currency="usd")]},
            None,
            "payment_method_types",
        ),
    ],
)
def test_create__refused(shop: StripeShop, changes: dict[str, Any], code: str | None, param: str) -> None:
    error = shop.refused("POST", SESSIONS, send=shop.order(**changes))
    assert (error["type"], error.get("code"), error["param"]) == ("invalid_request_error", code, param)
    assert shop.control("GET", "stripe/payments") == []


def test_create__line_item_limits_are_inclusive(shop: StripeShop) -> None:
    assert shop.create(line_items=[line(100)] * 100)["amount_total"] == 10000


def test_expires_at__bounds(shop: StripeShop) -> None:
    now = shop.create()["created"]
    for seconds, good in ((25 * 60, False), (31 * 60, True), (24 * 3600 - 60, True), (24 * 3600 + 60, False)):
        answer = shop.call("POST", SESSIONS, send=shop.order(expires_at=now + seconds))
        assert answer.ok is good, f"{seconds}: {answer.text}"
        if not good:
            assert answer.json()["error"]["param"] == "expires_at"


def test_forms__empty_brackets_and_json(shop: StripeShop) -> None:
    session = shop.create()
    expanded = shop.call("GET", f"{SESSIONS}/{session['id']}?expand[]=line_items").json()
    assert expanded["line_items"]["data"][0]["description"] == "Order 2026-0042"
    answer = shop.call("POST", SESSIONS, json=shop.order())
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    assert shop.call("POST", SESSIONS, data=[("a[b", "1")]).status_code == 400


def test_keys(shop: StripeShop) -> None:
    session_id = shop.create()["id"]
    url = f"{SESSIONS}/{session_id}"
    basic = base64.b64encode(f"{KEY}:".encode()).decode()
    assert shop.call("GET", url, headers={"Authorization": f"Basic {basic}"}).status_code == 200
    for key in ("sk_prod_x", "nonsense", "pk_test_" + "k" * 24):
        answer = shop.call("GET", url, key)
        assert (answer.status_code, answer.json()["error"]["type"]) == (401, "invalid_request_error")
    assert shop.call("GET", url, headers={"Authorization": ""}).status_code == 401
    missing = shop.call("GET", url, OTHER_KEY)
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "resource_missing")
    assert shop.call("GET", url, "rk_test_" + "k" * 24).status_code == 404, "a restricted key is an account too"


def test_restricted_keys__may_lack_a_permission(shop: StripeShop) -> None:
    shop.switch(restricted_keys_lack=["create"])
    key = "rk_test_" + "r" * 24
    assert shop.call("POST", SESSIONS, key, send=shop.order()).status_code == 403
    assert shop.call("GET", SESSIONS, key).status_code == 200
    assert shop.call("POST", SESSIONS, send=shop.order()).status_code == 200


def test_calls__name_the_key(shop: StripeShop) -> None:
    shop.create()
    shop.create(OTHER_KEY)
    shop.call("GET", SESSIONS, "sk_wrong")
    first, second, wrong = shop.control("GET", "calls")
    assert first["key"] != second["key"] and first["key"].startswith("sk_...")
    assert KEY not in str([first, second]) and wrong["status"] == 401 and wrong["key"]


def test_retrieve__everything_in_one_call(shop: StripeShop) -> None:
    session = shop.paid()
    intent = session["payment_intent"]
    charge = intent["latest_charge"]
    assert session["url"] is None and session["status"] == "complete" and session["payment_status"] == "paid"
    assert session["customer_details"]["email"] == "ada@example.com"
    assert (intent["status"], intent["amount_received"], intent["metadata"]) == (
        "succeeded",
        2495,
        {"attempt": "9b1d"},
    )
    assert charge["metadata"] == {"attempt": "9b1d"}, "the PaymentIntent's, not the session's"
    assert charge["payment_method_details"]["card"]["last4"] == "4242"
    assert "refunds" not in charge
    more = shop.get(session["id"], **{"expand[1]": "payment_intent.latest_charge.refunds"})
    assert more["payment_intent"]["latest_charge"]["refunds"]["data"] == []
    listed = shop.ok("GET", SESSIONS, send={"expand": ["data.payment_intent"]})
    assert listed["data"][0]["payment_intent"]["id"] == intent["id"]


def test_metadata__of_the_session_is_not_copied(shop: StripeShop) -> None:
    session = shop.paid(payment_intent_data=None)
    assert session["metadata"] == {"attempt": "9b1d"}
    assert session["payment_intent"]["metadata"] == {}


@pytest.mark.parametrize("path", ["colour", "payment_intent.colour", "amount_total", DEEP])
def test_expand__refused(shop: StripeShop, path: str) -> None:
    session = shop.paid()
    error = shop.refused("GET", f"{SESSIONS}/{session['id']}", send={"expand": [path]})
    assert (error["type"], error["param"], "code" in error) == ("invalid_request_error", "expand", False)


def test_list__pages_and_filters(shop: StripeShop) -> None:
    made = [shop.create()["id"] for _ in range(5)][::-1]
    paid = shop.paid()
    shop.create(OTHER_KEY)
    first = shop.ok("GET", SESSIONS, send={"limit": 2, "status": "open"})
    assert first["object"] == "list" and first["url"] == SESSIONS and first["has_more"] is True
    assert [each["id"] for each in first["data"]] == made[:2]
    rest = shop.ok("GET", SESSIONS, send={"limit": 3, "status": "open", "starting_after": made[1]})
    assert [each["id"] for each in rest["data"]] == made[2:] and rest["has_more"] is False
    before = shop.ok("GET", SESSIONS, send={"limit": 2, "status": "open", "ending_before": made[4]})
    assert [each["id"] for each in before["data"]] == made[2:4] and before["has_more"] is True
    by_intent = shop.ok("GET", SESSIONS, send={"payment_intent": paid["payment_intent"]["id"]})
    assert [each["id"] for each in by_intent["data"]] == [paid["id"]]
    mail = {"customer_details": {"email": "ada@example.com"}}
    assert [each["id"] for each in shop.ok("GET", SESSIONS, send=mail)["data"]] == [paid["id"]]


def test_list__by_time(shop: StripeShop) -> None:
    early = shop.create()
    shop.advance(100)
    late = shop.create()
    since = shop.ok("GET", SESSIONS, send={"created": {"gte": late["created"] - 60}})
    assert [each["id"] for each in since["data"]] == [late["id"]]
    until = shop.ok("GET", SESSIONS, send={"created": {"lt": late["created"]}})
    assert [each["id"] for each in until["data"]] == [early["id"]]


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"limit": 101}, "limit"),
        ({"limit": 0}, "limit"),
        ({"starting_after": "cs_test_unknown"}, "starting_after"),
        ({"client_reference_id": "2026-0042"}, "client_reference_id"),
        ({"status": "paid"}, "status"),
        ({"created": {"after": 1}}, "created[after]"),
    ],
)
def test_list__refused(shop: StripeShop, query: dict[str, Any], param: str) -> None:
    assert shop.refused("GET", SESSIONS, send=query)["param"] == param


def test_line_items(shop: StripeShop) -> None:
    session = shop.create(line_items=[line(100), line(200), line(300)])
    page = shop.ok("GET", f"{SESSIONS}/{session['id']}/line_items", send={"limit": 2})
    assert [each["amount_total"] for each in page["data"]] == [100, 200] and page["has_more"] is True


def test_update__merges_metadata(shop: StripeShop) -> None:
    url = f"{SESSIONS}/{shop.create()['id']}"
    assert shop.ok("POST", url, send={"metadata": {"more": "1"}})["metadata"] == {"attempt": "9b1d", "more": "1"}
    assert shop.ok("POST", url, send={"metadata": {"attempt": ""}})["metadata"] == {"more": "1"}
    assert shop.ok("POST", url, send={"metadata": ""})["metadata"] == {}


def test_expire__and_the_race_with_a_payment(shop: StripeShop) -> None:
    shop.listen()
    session = shop.create()
    url = f"{SESSIONS}/{session['id']}/expire"
    expired = shop.ok("POST", url)
    assert (expired["status"], expired["url"], expired["payment_status"]) == ("expired", None, "unpaid")
    assert shop.events() == ["checkout.session.expired"]
    error = shop.refused("POST", url)
    assert error["type"] == "invalid_request_error" and "code" not in error and "`expired`" in error["message"]
    paid = shop.paid()
    assert '["open"]' in shop.refused("POST", f"{SESSIONS}/{paid['id']}/expire")["message"]
    assert shop.get(paid["id"])["payment_status"] == "paid"


def test_expiry__by_time_cancels_what_was_tried(shop: StripeShop) -> None:
    shop.listen()
    session = shop.create(expires_at=shop.create()["created"] + 1900)
    shop.pay(session, DECLINED)
    shop.advance(1890)
    assert shop.get(session["id"])["status"] == "open"
    shop.advance(15)
    expired = shop.get(session["id"])
    assert (expired["status"], expired["url"]) == ("expired", None)
    assert expired["payment_intent"]["status"] == "canceled"
    assert expired["payment_intent"]["cancellation_reason"] == "expired"
    assert shop.events()[-2:] == ["payment_intent.canceled", "checkout.session.expired"]


def test_addresses_that_do_not_exist(shop: StripeShop) -> None:
    assert shop.refused("GET", "/v1/coffee", 404)["type"] == "invalid_request_error"
    assert shop.refused("GET", f"{SESSIONS}/cs_test_unknown", 404)["param"] == "id"
    assert shop.refused("GET", "/v1/payment_intents/pi_unknown", 404)["param"] == "intent"


def test_account_and_balance(shop: StripeShop) -> None:
    shop.paid()
    account = shop.ok("GET", "/v1/account")
    assert account["id"] != shop.ok("GET", "/v1/account", OTHER_KEY)["id"]
    balance = shop.ok("GET", "/v1/balance")
    assert balance["livemode"] is False and balance["pending"][0]["amount"] == 2495 - (2495 * 15 // 1000 + 25)
