"""Control verbs, settings and the panel of the Golomt simulator."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.simulators.golomt_kit import PAID, GolomtShop, hmac_hex, opened_shop, outcome_message

golomt = pytest.fixture(opened_shop)


def test_payments__newest_first_with_what_tests_need(golomt: GolomtShop) -> None:
    golomt.create("ORD1")
    opened = golomt.create("ORD2")
    newest, oldest = golomt.control("GET", "golomt/payments")
    assert (newest["id"], oldest["id"], newest["status"]) == ("ORD2", "ORD1", "open")
    assert (newest["amount"], newest["currency"]) == ("18500.00", "MNT")
    facts = newest["simulator"]
    assert facts["checkout"] == f"{golomt.url}/payment/mn/{opened['invoice']}"
    assert golomt.session.get(facts["checkout"], timeout=5).status_code == 200
    assert facts["merchant"] == "default" and facts["key"].startswith("...")
    assert "sim-golomt-token" not in str(newest)
    assert golomt.control("GET", "golomt/payments/ORD2") == newest
    assert golomt.try_control("GET", "golomt/payments/ORD3").status_code == 404


@pytest.mark.parametrize(
    ("word", "status", "wire", "code"),
    [
        ("paid", "paid", "SENT", "000"),
        ("declined", "declined", "SENT", "300"),
        ("insufficient_funds", "insufficient_funds", "SENT", "901"),
        ("failed", "failed", "SENT", "902"),
        ("authentication_failed", "authentication_failed", "SENT", "903"),
        ("canceled", "canceled", "SENT", "904"),
        ("expired", "expired", "PENDING", None),
        ("open", "open", "PENDING", None),
        ("PENDING", "open", "PENDING", None),
        ("processing", "processing", "SENT", None),
        ("SENT", "processing", "SENT", None),
    ],
)
def test_status_words(golomt: GolomtShop, word: str, status: str, wire: str, code: str | None) -> None:
    golomt.create()
    assert golomt.set_status("ORD100045", word)["status"] == status
    asked = golomt.inquiry()
    assert (asked["status"], asked["errorCode"]) == (wire, code)
    assert asked["checksum"] == hmac_hex(outcome_message(asked))


@pytest.mark.parametrize("body", [{}, {"status": "authorized"}, {"status": 1}, {"status": "paid", "x": 1}])
def test_status__unknown_words_are_answered_with_the_known(golomt: GolomtShop, body: dict[str, Any]) -> None:
    golomt.create()
    answer = golomt.try_control("POST", "golomt/payments/ORD100045/status", body)
    assert answer.status_code == 400
    if "x" not in body:
        assert "paid, declined" in answer.json()["error"] and "PENDING, SENT" in answer.json()["error"]
    assert golomt.inquiry()["status"] == "PENDING"


def test_status__any_code_to_the_letter(golomt: GolomtShop) -> None:
    golomt.create()
    golomt.set_status("ORD100045", "failed", errorCode="116", errorDesc="Үлдэгдэл хүрэлцэхгүй")
    asked = golomt.inquiry()
    assert (asked["errorCode"], asked["errorDesc"]) == ("116", "Үлдэгдэл хүрэлцэхгүй")
    assert asked["checksum"] == hmac_hex("ORD10004511618500.00")
    assert golomt.set_status("ORD100045", "SENT", errorCode="00")["status"] == "failed", "two zeros are not paid"
    for wrong in ({"status": "paid", "errorCode": "116"}, {"status": "failed", "errorCode": "000"}):
        assert golomt.try_control("POST", "golomt/payments/ORD100045/status", wrong).status_code == 400


def test_status__late_success_after_the_timer(golomt: GolomtShop) -> None:
    golomt.create()
    golomt.advance(601)
    assert golomt.control("GET", "golomt/payments/ORD100045")["status"] == "expired"
    golomt.advance(3600)
    golomt.set_status("ORD100045", "paid")
    assert (golomt.inquiry()["errorCode"], golomt.inquiry()["errorDesc"]) == ("000", PAID)
    assert [each["errorCode"] for each in golomt.pushed()] == ["000"]
    moves = golomt.control("GET", "golomt/payments/ORD100045")["simulator"]["moves"]
    assert [each["to"] for each in moves] == ["expired", "paid"]


def test_status__contradicting_news(golomt: GolomtShop) -> None:
    golomt.paid()
    golomt.set_status("ORD100045", "declined")
    assert golomt.inquiry()["errorCode"] == "300"
    assert "token" not in golomt.inquiry()
    golomt.set_status("ORD100045", "paid")
    assert [each["errorCode"] for each in golomt.pushed()] == ["000", "300", "000"]


def test_status__open_again_has_a_fresh_timer(golomt: GolomtShop) -> None:
    golomt.create()
    golomt.advance(601)
    golomt.set_status("ORD100045", "open")
    golomt.advance(300)
    assert golomt.control("GET", "golomt/payments/ORD100045")["status"] == "open"
    golomt.advance(301)
    assert golomt.control("GET", "golomt/payments/ORD100045")["status"] == "expired"


def test_overwrite__any_field_and_no_push(golomt: GolomtShop) -> None:
    golomt.paid(genToken="N")
    golomt.control("PATCH", "golomt/payments/ORD100045", {"amount": "1.00", "wireStatus": "FROZEN", "bank": None})
    asked = golomt.inquiry()
    assert (asked["amount"], asked["status"], asked["bank"]) == ("1.00", "FROZEN", None)
    assert asked["checksum"] == hmac_hex("ORD1000450001.00")
    assert len(golomt.deliveries()) == 1
    golomt.control("PATCH", "golomt/payments/ORD100045", {"amount": "much"})
    golomt.settings(amounts="two_decimals")
    assert golomt.inquiry()["amount"] == "much"
    assert golomt.session.get(f"{golomt.root}/?provider=golomt", timeout=5).status_code == 200


@pytest.mark.parametrize("body", [{"id": "x"}, {"metadata": {}}, {"amount": None}, {"amount": 1}, {"callback": "x"}])
def test_overwrite__what_could_not_be_shown(golomt: GolomtShop, body: dict[str, Any]) -> None:
    golomt.create()
    assert golomt.try_control("PATCH", "golomt/payments/ORD100045", body).status_code == 400


def test_chargeback__is_said_to_be_on_paper(golomt: GolomtShop) -> None:
    golomt.paid()
    answer = golomt.try_control("POST", "golomt/payments/ORD100045/chargeback", {})
    assert (answer.status_code, "on paper" in answer.json()["error"]) == (400, True)


@pytest.mark.parametrize("verb", ["capture", "void", "lapse"])
def test_authorization__there_is_none_to_take_release_or_lose(golomt: GolomtShop, verb: str) -> None:
    before = golomt.paid()
    answer = golomt.try_control("POST", f"golomt/payments/ORD100045/{verb}", {})
    assert (answer.status_code, "at once" in answer.json()["error"]) == (400, True)
    assert golomt.control("GET", "golomt/payments/ORD100045")["inquiry"] == before["inquiry"]
    assert golomt.try_control("POST", f"golomt/payments/NOBODY/{verb}", {}).status_code == 404


@pytest.mark.parametrize("status", ["pending", "failed", None, ["succeeded"]])
def test_refund__is_done_or_is_not_in_the_list(golomt: GolomtShop, status: Any) -> None:
    golomt.paid()
    path = "golomt/payments/ORD100045"
    assert golomt.try_control("POST", f"{path}/refund", {"status": status}).status_code == 400
    assert golomt.control("GET", path)["simulator"]["reversed"] is None
    golomt.control("POST", f"{path}/refund", {"status": "succeeded"})
    assert golomt.control("GET", path)["simulator"]["reversed"] is not None


def test_settings__all_with_their_meaning(golomt: GolomtShop) -> None:
    found = golomt.control("GET", "golomt/settings")
    meaning = found.pop("meaning")
    assert meaning.keys() == found.keys()
    assert (found["push_url"], found["push_schedule"], found["page_seconds"]) == (golomt.push_url, [0], 600)
    golomt.control("POST", "reset")
    assert golomt.control("GET", "golomt/settings")["push_url"] is None


@pytest.mark.parametrize(
    "wanted",
    [
        {"push_url": "shop.example/push"},
        {"push_url": 7},
        {"push_url": "http://[x"},
        {"push": "yes"},
        {"push_schedule": []},
        {"push_schedule": [60, 0]},
        {"page_seconds": -1},
        {"amounts": []},
        {"expiry_answer": "902"},
        {"spoilt_answers": {"push": "unsigned"}},
        {"spoilt_answers": {"inquiry": "v0"}},
        {"token_outcome": "open"},
        {"colour": "blue"},
    ],
)
def test_settings__unfit_values(golomt: GolomtShop, wanted: dict[str, Any]) -> None:
    before = golomt.control("GET", "golomt/settings")
    assert golomt.try_control("POST", "golomt/settings", wanted).status_code == 400
    assert golomt.control("GET", "golomt/settings") == before


def test_panel__rows_and_actions(golomt: GolomtShop) -> None:
    opened = golomt.create()

    def page() -> str:
        answer = golomt.session.get(f"{golomt.root}/?provider=golomt", timeout=5)
        assert answer.status_code == 200
        return answer.text

    def act(action: str) -> int:
        token = re.search(r'name="token" value="([\w-]+)"', page())
        assert token
        form = {"token": token[1], "provider": "golomt", "action": action}
        url = f"{golomt.root}/panel/payments/ORD100045"
        return golomt.session.post(url, data=form, allow_redirects=False, timeout=5).status_code

    assert f"/golomt/payment/mn/{opened['invoice']}" in page()
    assert "18500.00 MNT" in page()
    assert act("webhook") == 400, "nothing to push yet"
    for action, code in (
        ("declined", "300"),
        ("expired", None),
        ("processing", None),
        ("open", None),
        ("paid", "000"),
    ):
        assert act(action) == 303
        assert golomt.inquiry()["errorCode"] == code
    assert (act("webhook"), act("refund"), act("dance")) == (303, 303, 400)
    assert "reversed" in page()
    assert len(golomt.deliveries()) == 3
