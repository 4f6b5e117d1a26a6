"""The bank's calls on the wire: shapes to the letter, and what is refused."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
import requests

from tests.simulators.golomt_kit import (
    BEARER,
    CALLBACK,
    EXPIRED_CARD,
    PAID,
    SECRET,
    GolomtShop,
    hmac_hex,
    opened_shop,
    outcome_message,
)

golomt = pytest.fixture(opened_shop)

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
TOKEN = r"[0-9a-f]{64}"
CALLS = ["invoice", "inquiry", "pay", "check", "confirmation", "get/token", "getSettlementDetails"]


# -- who asks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize("authorization", [None, "", "Bearer ", "Bearer wrong", BEARER, f"Basic {BEARER}"])
def test_without_the_token__403_and_nothing_else(golomt: GolomtShop, path: str, authorization: str | None) -> None:
    headers = {"Content-Type": "application/json"}
    if authorization is not None:
        headers["Authorization"] = authorization
    answer = golomt.call(f"/api/{path}", {}, bearer=None, headers=headers)
    assert (answer.status_code, answer.content, answer.headers.get("Content-Length")) == (403, b"", "0")
    assert "Content-Type" not in answer.headers


def test_forbidden_setting__as_if_the_token_were_withdrawn(golomt: GolomtShop) -> None:
    golomt.create()
    golomt.settings(forbidden=True)
    answer = golomt.call("/api/inquiry", golomt.question("ORD100045"))
    assert (answer.status_code, answer.content) == (403, b"")
    golomt.settings(forbidden=False)
    assert golomt.inquiry()["status"] == "PENDING"
    assert [each["status"] for each in golomt.control("GET", "calls?provider=golomt")] == [200, 403, 200]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_everything_is_post(golomt: GolomtShop, method: str) -> None:
    answer = golomt.call("/api/inquiry", golomt.question("ORD100045"), method=method)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert answer.json()["path"] == "/api/inquiry"


def test_unknown_address(golomt: GolomtShop) -> None:
    assert golomt.refused("/api/refund", {})[:2] == (404, "NotFound")
    assert golomt.call("/api/refund", {}, bearer="wrong").content == b""


# -- the invoice ----------------------------------------------------------------------------------------


def test_invoice__three_fields_and_a_checksum(golomt: GolomtShop) -> None:
    answer = golomt.call("/api/invoice", golomt.order())
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    opened = answer.json()
    assert list(opened) == ["checksum", "transactionId", "invoice"]
    assert opened["transactionId"] == "ORD100045"
    assert re.fullmatch(UUID, opened["invoice"])
    assert opened["checksum"] == hmac_hex(f"{opened['invoice']}ORD100045")


def test_invoice__with_a_deeplink(golomt: GolomtShop) -> None:
    opened = golomt.create(socialDeeplink="Y", email="buyer@shop.example")
    key = opened["socialDeeplink"].removeprefix("socialpay-payment://key=")
    assert base64.b64decode(key, validate=True)


@pytest.mark.parametrize("amount", ["1", "18000", "18500.5", "18500.00", "0.01"])
def test_invoice__amounts_come_back_as_they_were_sent(golomt: GolomtShop, amount: str) -> None:
    golomt.create(amount=amount)
    assert golomt.inquiry()["amount"] == amount


@pytest.mark.parametrize(
    ("style", "amount", "expected"),
    [
        ("two_decimals", "18000", "18000.00"),
        ("shortest", "18000.00", "18000"),
        ("shortest", "0.50", "0.5"),
        ("as_sent", "18000.0", "18000.0"),
    ],
)
def test_amounts_setting__hashed_as_written(golomt: GolomtShop, style: str, amount: str, expected: str) -> None:
    golomt.settings(amounts=style)
    golomt.paid(amount=amount)
    for body in (golomt.inquiry(), *golomt.pushed()):
        assert body["amount"] == expected
        assert body["checksum"] == hmac_hex(outcome_message(body))


def test_invoice__what_clients_in_the_field_send(golomt: GolomtShop) -> None:
    """No genToken but a getToken, an unknown field, hyphens in the id, no deeplink wish, the other address."""
    golomt.create("order-12345", genToken=None, socialDeeplink=None, getToken="N", invoice="")
    body = golomt.order("order-12346", returnType="POST")
    assert golomt.good("/api/merchant/invoice", body)["transactionId"] == "order-12346"
    headers = {"Content-Type": "application/json; charset=utf-8"}
    assert golomt.good("/api/inquiry", golomt.question("order-12346"), headers=headers)["status"] == "PENDING"


@pytest.mark.parametrize("field", ["amount", "callback", "checksum", "returnType", "transactionId"])
@pytest.mark.parametrize("value", [None, ""])
def test_invoice__missing_fields_are_named(golomt: GolomtShop, field: str, value: str | None) -> None:
    body = golomt.order() | {field: value}
    assert golomt.refused("/api/invoice", body) == (400, "Validation", f"{field} must not be empty")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount", 18500),
        ("amount", "0.00"),
        ("amount", "-1"),
        ("amount", "1,500.00"),
        ("amount", "1.005"),
        ("amount", "1e3"),
        ("amount", "01.00"),
        ("amount", "١٢"),
        ("transactionId", "ORD1000456789012"),
        ("transactionId", "ORD 100045"),
        ("transactionId", "ЗАХ100045"),
        ("transactionId", 100045),
        ("returnType", "get"),
        ("returnType", "PUT"),
        ("callback", "shop.example/return"),
        ("callback", "javascript:alert(1)"),
        ("callback", "myapp://paid"),
        ("callback", "https:///return"),
        ("callback", "https://shop.example/a b"),
        ("callback", "https://shop.example/\r\nX: y"),
        ("genToken", "true"),
        ("socialDeeplink", True),
    ],
)
def test_invoice__unfit_fields_are_named(golomt: GolomtShop, field: str, value: Any) -> None:
    status, error, message = golomt.refused("/api/invoice", golomt.order(**{field: value}))
    assert (status, error) == (400, "Validation")
    assert message.startswith(field)
    assert golomt.control("GET", "golomt/payments") == []


def test_invoice__a_deeplink_as_callback_goes_with_mobile_only(golomt: GolomtShop) -> None:
    golomt.create(returnType="MOBILE", callback="myapp://paid")


@pytest.mark.parametrize("length", [15, 16])
def test_transaction_ids__less_than_16_characters(golomt: GolomtShop, length: int) -> None:
    answer = golomt.call("/api/invoice", golomt.order("A1" * 7 + "B" * (length - 14)))
    assert answer.status_code == (200 if length == 15 else 400)


@pytest.mark.parametrize(("rule", "taken"), [("documented", [True, False, False]), ("long", [True, True, True])])
def test_transaction_ids__the_rule_is_a_setting(golomt: GolomtShop, rule: str, taken: list[bool]) -> None:
    golomt.settings(transaction_ids=rule)
    ids = ["ORD100045", "ORD-100045", "MEF2026-000123-R2"]
    assert [golomt.call("/api/invoice", golomt.order(each)).ok for each in ids] == taken


@pytest.mark.parametrize("status", [None, "paid", "declined", "expired"])
def test_transaction_ids__never_used_twice(golomt: GolomtShop, status: str | None) -> None:
    golomt.create()
    if status:
        golomt.set_status("ORD100045", status)
    refused = (400, "Validation", "transactionId ORD100045 is already used")
    assert golomt.refused("/api/invoice", golomt.order()) == refused
    golomt.advance(30 * 86400)
    assert golomt.refused("/api/invoice", golomt.order(amount="1.00")) == refused


def test_checksums__one_wrong_digit_is_refused(golomt: GolomtShop) -> None:
    right = golomt.order()
    last = "0" if right["checksum"][-1] != "0" else "1"
    for wrong in (
        right["checksum"][:-1] + last,
        right["checksum"].upper(),
        golomt.order(secret="other")["checksum"],
        "x",
        "ä" * 64,
    ):
        body = right | {"checksum": wrong}
        assert golomt.refused("/api/invoice", body) == (400, "Validation", "checksum is not valid")
    unlike = right | {"amount": "18500"}
    assert golomt.refused("/api/invoice", unlike)[2] == "checksum is not valid", "hashed is what is sent"
    assert golomt.call("/api/invoice", right).ok


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'"x"', b"\xff", b'{"transactionId": "\\ud800"}'])
def test_bodies_that_are_no_json_object(golomt: GolomtShop, data: bytes) -> None:
    for path in CALLS:
        status, error, _message = golomt.refused(f"/api/{path}", None, data=data)
        assert (status, error) == (400, "Validation")


def test_bodies_must_be_declared_as_json(golomt: GolomtShop) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert golomt.refused("/api/invoice", golomt.order(), headers=form)[:2] == (400, "Validation")


def test_errors__the_documented_shape(golomt: GolomtShop) -> None:
    error = golomt.call("/api/invoice", {}).json()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", error["timestamp"])
    assert (error["path"], error["status"]) == ("/api/invoice", 400)


# -- the inquiry ----------------------------------------------------------------------------------------


def test_inquiry__pending_is_all_null(golomt: GolomtShop) -> None:
    golomt.create()
    assert golomt.inquiry() == {
        "status": "PENDING",
        "amount": "18500.00",
        "bank": None,
        "errorDesc": None,
        "checksum": "841f53dc6009dd6dbd2c154aa0875e6f30d8d3533f3e29844256b78946e1ea28",
        "errorCode": None,
        "cardHolder": None,
        "transactionId": "ORD100045",
        "cardNumber": None,
        "token": None,
    }


def test_inquiry__paid_with_and_without_token(golomt: GolomtShop) -> None:
    golomt.paid()
    answer = golomt.inquiry()
    token = answer.pop("token")
    assert re.fullmatch(TOKEN, token)
    assert answer == {
        "status": "SENT",
        "amount": "18500.00",
        "bank": "Голомт банк",
        "errorDesc": PAID,
        "checksum": hmac_hex(f"ORD10004500018500.00{token}"),
        "errorCode": "000",
        "cardHolder": "SIM BUYER",
        "transactionId": "ORD100045",
        "cardNumber": "949625******0003",
    }
    golomt.paid("ORD100046", genToken="N")
    assert "token" not in golomt.inquiry("ORD100046")


def test_inquiry__declined_is_sent_too(golomt: GolomtShop) -> None:
    golomt.create()
    golomt.set_status("ORD100045", "declined")
    answer = golomt.inquiry()
    assert (answer["status"], answer["errorCode"], answer["errorDesc"]) == ("SENT", "300", EXPIRED_CARD)
    assert answer["checksum"] == "94e6bf2ccb2bdaa3ca5da2e33617c9a7d26b100b39f69e8ffacdbbc231c7244b"
    assert "token" not in answer
    assert EXPIRED_CARD.encode() in golomt.call("/api/inquiry", golomt.question("ORD100045")).content, "plain UTF-8"


def test_inquiry__not_found_and_not_yours(golomt: GolomtShop) -> None:
    missing = (400, "NotFound", "transaction ORD100045 is not found")
    assert golomt.refused("/api/inquiry", golomt.question("ORD100045")) == missing
    golomt.control("POST", "golomt/merchants", {"name": "second", "secret": "s2", "bearer": "b2"})
    golomt.create()
    assert golomt.refused("/api/inquiry", golomt.question("ORD100045", "s2"), bearer="b2") == missing
    wrong = golomt.refused("/api/inquiry", golomt.question("ORD100045"), bearer="b2")
    assert wrong == (400, "Validation", "checksum is not valid")


def test_inquiry__asking_with_the_invoice_is_wrong(golomt: GolomtShop) -> None:
    """A client in the field does; the bank knows the shop's own number only."""
    opened = golomt.create()
    assert golomt.refused("/api/inquiry", golomt.question(opened["invoice"]))[1] == "NotFound"


# -- two merchants --------------------------------------------------------------------------------------


def test_two_merchants__own_secrets_own_ids(golomt: GolomtShop) -> None:
    second = {"name": "second", "secret": "s2", "bearer": "b2", "merchant_id": "000000000099999"}
    shown = golomt.control("POST", "golomt/merchants", second)
    assert "s2" not in shown.values() and "b2" not in shown.values()
    golomt.create()
    golomt.create(secret="s2", bearer="b2", amount="7.00")
    assert golomt.good("/api/inquiry", golomt.question("ORD100045", "s2"), bearer="b2")["amount"] == "7.00"
    assert golomt.inquiry()["amount"] == "18500.00"

    answer = golomt.try_control("GET", "golomt/payments/ORD100045")
    assert (answer.status_code, "default, second" in answer.json()["error"]) == (400, True)
    golomt.control("POST", "golomt/payments/ORD100045/status?merchant=second", {"status": "paid"})
    assert golomt.inquiry()["status"] == "PENDING"
    assert len(golomt.control("GET", "golomt/payments?merchant=second")) == 1


def test_merchants__changing_a_secret(golomt: GolomtShop) -> None:
    golomt.create()
    golomt.control("POST", "golomt/merchants", {"name": "default", "secret": "rotated"})
    assert golomt.refused("/api/inquiry", golomt.question("ORD100045"))[2] == "checksum is not valid"
    assert golomt.call("/api/inquiry", golomt.question("ORD100045", "rotated")).ok
    assert golomt.control("GET", "golomt/settings")["push_url"] == golomt.push_url, "untouched by it"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "x y", "secret": "s", "bearer": "b"},
        {"name": "second", "secret": "s"},
        {"name": "second", "secret": "", "bearer": "b"},
        {"name": "second", "secret": "s", "bearer": BEARER},
        {"name": "second", "secret": "s", "bearer": "b", "push_url": "ftp://x"},
    ],
)
def test_merchants__unfit(golomt: GolomtShop, body: dict[str, Any]) -> None:
    assert golomt.try_control("POST", "golomt/merchants", body).status_code == 400
    assert len(golomt.control("GET", "golomt/merchants")) == 1


# -- faults ---------------------------------------------------------------------------------------------


def test_faults__of_the_host(golomt: GolomtShop) -> None:
    golomt.create()
    question = golomt.question("ORD100045")
    golomt.fault("inquiry", "5xx", times=1, status=500)
    assert golomt.refused("/api/inquiry", question)[:2] == (500, "Internal")
    golomt.fault("inquiry", "not_found", payment="ORD100045", times=1)
    assert golomt.refused("/api/inquiry", question)[:2] == (404, "NotFound")
    golomt.fault("inquiry", "changed_amount", times=1, amount={"currency": "MNT", "value": "1.00"})
    golomt.set_status("ORD100045", "paid")
    assert golomt.inquiry()["amount"] == "1.00"
    entry = golomt.control("GET", "calls?provider=golomt")[-1]
    assert (entry["operation"], entry["payment"]) == ("inquiry", "ORD100045")
    assert BEARER not in str(entry) and SECRET not in str(entry)


def test_faults__a_lost_answer_leaves_the_invoice_there(golomt: GolomtShop) -> None:
    """The trap of this bank: asking again is refused, and no call ever tells the invoice again."""
    golomt.fault("invoice", "lost_answer", times=1)
    with pytest.raises(requests.ConnectionError):
        golomt.create()
    assert golomt.refused("/api/invoice", golomt.order())[2] == "transactionId ORD100045 is already used"
    assert golomt.inquiry()["status"] == "PENDING"
    assert golomt.control("GET", "golomt/payments/ORD100045")["callback"] == CALLBACK
