"""Saved cards: a token by paying, payments with it, binding without paying; and the settlement list."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.simulators.golomt_kit import (
    BEARER,
    CALLBACK,
    MERCHANT_ID,
    Buyer,
    GolomtShop,
    hmac_hex,
    opened_shop,
    outcome_message,
)

golomt = pytest.fixture(opened_shop)

UNKNOWN = "0" * 64


def saved_card(golomt: GolomtShop) -> str:
    golomt.paid()
    return str(golomt.inquiry()["token"])


def binding(transaction_id: str = "TOK100001", **changes: str) -> dict[str, str]:
    body = {"callback": CALLBACK, "returnType": "GET", "transactionId": transaction_id} | changes
    return body | {"checksum": hmac_hex(body["transactionId"] + body["returnType"] + body["callback"])}


def settlements(golomt: GolomtShop, token: str = BEARER, merchant_id: str = MERCHANT_ID, **query: Any) -> Any:
    body = {"checksum": hmac_hex(merchant_id + token), "token": token, "merchantId": merchant_id}
    params = {"page": "0", "size": "50", "start": "2000-01-01", "end": "2100-01-01"} | query
    return golomt.call("/api/getSettlementDetails", body, params=params)


# -- paying ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("amount", ["18500.00", "18500"])
def test_pay__done_at_once(golomt: GolomtShop, amount: str) -> None:
    token = saved_card(golomt)
    body = golomt.token_payment(token, amount=amount, invoice="")
    answer = golomt.good("/api/pay", body)
    assert list(answer) == ["amount", "errorDesc", "checksum", "errorCode", "cardNumber", "transactionId"]
    assert answer == {
        "amount": amount,
        "errorDesc": "Амжилттай",
        "checksum": hmac_hex(f"ORD100046000{amount}"),
        "errorCode": "000",
        "cardNumber": "949625******0003",
        "transactionId": "ORD100046",
    }
    assert len(golomt.pushed()) == 1, "of the first payment only"


def test_pay__language(golomt: GolomtShop) -> None:
    token = saved_card(golomt)
    assert golomt.good("/api/pay", golomt.token_payment(token, "A1", lang="EN"))["errorDesc"] == "Successful"
    without = golomt.token_payment(token, "A2")
    del without["lang"]
    assert golomt.good("/api/pay", without)["errorDesc"] == "Амжилттай"
    assert golomt.refused("/api/pay", golomt.token_payment(token, "A3", lang="DE"))[0] == 400


def test_pay__declined_is_a_200(golomt: GolomtShop) -> None:
    token = saved_card(golomt)
    golomt.settings(token_outcome="declined")
    assert golomt.good("/api/pay", golomt.token_payment(token))["errorCode"] == "300"
    checked = golomt.good("/api/check", golomt.question("ORD100046"))
    assert list(checked) == [
        "amount",
        "errorDesc",
        "checksum",
        "errorCode",
        "transactionId",
        "cardNumber",
        "token",
    ]
    assert (checked["errorCode"], checked["token"]) == ("300", token), "the token is there after a failure too"
    assert checked["checksum"] == hmac_hex(f"ORD10004630018500.00{token}")


def test_pay__after_a_lost_answer_check_and_inquiry_know(golomt: GolomtShop) -> None:
    token = saved_card(golomt)
    golomt.fault("pay", "5xx", times=1, done=True)
    assert golomt.refused("/api/pay", golomt.token_payment(token))[0] == 503
    assert golomt.refused("/api/pay", golomt.token_payment(token))[2] == "transactionId ORD100046 is already used"
    assert golomt.good("/api/check", golomt.question("ORD100046"))["errorCode"] == "000"
    asked = golomt.inquiry("ORD100046")
    assert (asked["status"], asked["errorCode"], "token" in asked) == ("SENT", "000", False)
    assert asked["checksum"] == hmac_hex(outcome_message(asked))


def test_pay__the_order_of_the_checksum_is_another(golomt: GolomtShop) -> None:
    token = saved_card(golomt)
    body = golomt.token_payment(token) | {"checksum": hmac_hex(f"ORD10004618500.00{token}")}
    assert golomt.refused("/api/pay", body)[2] == "checksum is not valid"
    unlike = golomt.token_payment(token) | {"checksum": hmac_hex(f"18500ORD100046{token}")}
    assert golomt.refused("/api/pay", unlike)[2] == "checksum is not valid", "one client hashes another spelling"


def test_pay__tokens_that_are_no_good(golomt: GolomtShop) -> None:
    token = saved_card(golomt)
    refused = golomt.refused("/api/pay", golomt.token_payment(UNKNOWN))
    assert refused == (400, "NotFound", "token is not found")
    golomt.control("POST", "golomt/merchants", {"name": "second", "secret": "sim-golomt-secret", "bearer": "b2"})
    assert golomt.refused("/api/pay", golomt.token_payment(token), bearer="b2")[1] == "NotFound", "another merchant's"
    golomt.settings(tokens_enabled=False)
    assert golomt.refused("/api/pay", golomt.token_payment(token))[:2] == (403, "Forbidden")
    golomt.settings(tokens_enabled=True)
    assert golomt.call("/api/pay", golomt.token_payment(token)).ok, "no refusal used the id up"


def test_check__is_for_payments_by_token(golomt: GolomtShop) -> None:
    golomt.create()
    assert golomt.refused("/api/check", golomt.question("ORD100045"))[:2] == (400, "NotFound")


# -- binding --------------------------------------------------------------------------------------------


def test_binding__a_token_without_paying(golomt: GolomtShop) -> None:
    opened = golomt.good("/api/confirmation", binding())
    assert list(opened) == ["checksum", "transactionId", "invoice"]
    assert opened["checksum"] == hmac_hex(f"{opened['invoice']}TOK100001")
    waiting = golomt.good("/api/get/token", golomt.question("TOK100001"))
    assert (waiting["errorCode"], waiting["token"]) == (None, None)
    assert waiting["checksum"] == hmac_hex("TOK100001")

    buyer = Buyer(golomt, opened["invoice"], "confirmation", "mn")
    assert re.search(r"header__amount\">\d{3}\.\d\d ₮<", buyer.page.text)
    assert buyer.press("pay").headers["Location"].startswith(f"{CALLBACK}?invoice=TOK100001&status_code=000")
    bound = golomt.good("/api/get/token", golomt.question("TOK100001"))
    assert list(bound) == [
        "bankCode",
        "bank",
        "errorDesc",
        "errorCode",
        "cardHolder",
        "transactionId",
        "cardNumber",
        "token",
        "checksum",
    ]
    assert re.fullmatch("[0-9a-f]{64}", bound["token"])
    assert bound["checksum"] == hmac_hex(f"TOK100001{bound['token']}")
    assert golomt.call("/api/pay", golomt.token_payment(bound["token"])).ok
    assert golomt.pushed() == []


def test_binding__refusals(golomt: GolomtShop) -> None:
    with_amount = binding() | {"checksum": hmac_hex(f"TOK100001GET{CALLBACK}1.00")}
    assert golomt.refused("/api/confirmation", with_amount)[2] == "checksum is not valid"
    golomt.good("/api/confirmation", binding())
    assert golomt.refused("/api/confirmation", binding())[2] == "transactionId TOK100001 is already used"
    assert golomt.refused("/api/invoice", golomt.order("TOK100001"))[2] == "transactionId TOK100001 is already used"
    assert golomt.refused("/api/inquiry", golomt.question("TOK100001"))[1] == "NotFound"


# -- settlements ----------------------------------------------------------------------------------------


def test_settlements__paid_transactions_and_their_reversal(golomt: GolomtShop) -> None:
    golomt.create("ORD1")
    golomt.paid("ORD2")
    golomt.good("/api/confirmation", binding())
    golomt.set_status("TOK100001", "paid")
    (row,) = settlements(golomt).json()["content"]
    assert (row["merchantInvoice"], row["respCode"], row["amount"]) == ("ORD2", "00", "18500.00")
    assert (row["freeText2"], row["transferStatus"], row["reversedDate"]) == ("CHECKED", "NEW", None)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", row["requestDate"])
    assert (len(row["tranTime"]), len(row["tranDate"]), row["merchantId"]) == (6, 4, MERCHANT_ID)

    before = golomt.inquiry("ORD2")
    assert golomt.try_control("POST", "golomt/payments/ORD2/refund", {"amount": "1.00"}).status_code == 400
    golomt.control("POST", "golomt/payments/ORD2/refund", {"amount": "18500.00"})
    (row,) = settlements(golomt).json()["content"]
    assert row["reversedDate"] is not None
    assert golomt.inquiry("ORD2") == before, "the reversal shows nowhere else"
    golomt.control("POST", "golomt/payments/ORD2/refund/undo")
    assert settlements(golomt).json()["content"][0]["reversedDate"] is None
    assert golomt.try_control("POST", "golomt/payments/ORD1/refund").status_code == 400, "not paid"


def test_settlements__pages_tokens_and_days(golomt: GolomtShop) -> None:
    for number in range(3):
        golomt.paid(f"ORD{number}")
    first = settlements(golomt, size="2").json()
    assert [each["merchantInvoice"] for each in first["content"]] == ["ORD0", "ORD1"]
    assert first["pageable"] == {"first": True, "last": False, "totalPages": 2, "totalElements": 3}
    second = settlements(golomt, size="2", page="1").json()
    assert [each["merchantInvoice"] for each in second["content"]] == ["ORD2"]
    assert second["pageable"] == {"first": False, "last": True, "totalPages": 2, "totalElements": 3}
    token = golomt.inquiry("ORD1")["token"]
    assert [each["merchantInvoice"] for each in settlements(golomt, token).json()["content"]] == ["ORD1"]
    assert settlements(golomt, end="2001-01-01").json()["content"] == []


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"token": UNKNOWN}, "NotFound"),
        ({"merchant_id": "1"}, "NotFound"),
        ({"merchant_id": ""}, "Validation"),
        ({"start": "2026-7-1"}, "Validation"),
        ({"start": "2100-01-02"}, "Validation"),
        ({"size": "0"}, "Validation"),
        ({"page": "-1"}, "Validation"),
    ],
)
def test_settlements__refusals(golomt: GolomtShop, changes: dict[str, str], error: str) -> None:
    answer = settlements(golomt, **changes)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
