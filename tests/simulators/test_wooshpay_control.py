"""Control verbs and the panel of the WooshPay simulator."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import requests

from django_payflow.simulators import start
from django_payflow.simulators.wooshpay import NOT_IMITATED
from tests.simulators.kit import Receiver
from tests.simulators.wooshpay_kit import LIVE_KEY, Buyer, WooshShop, opened_shop

woosh = pytest.fixture(opened_shop)


def states(woosh: WooshShop, session: dict[str, Any]) -> tuple[str, str, str]:
    seen = woosh.get(session["id"])
    return seen["status"], seen["payment_status"], woosh.intent(session)["status"]


@pytest.mark.parametrize(
    ("word", "reads", "wanted", "event"),
    [
        ("paid", "paid", ("complete", "paid", "succeeded"), "payment_intent.succeeded"),
        ("succeeded", "paid", ("complete", "paid", "succeeded"), "payment_intent.succeeded"),
        ("authorized", "authorized", ("complete", "unpaid", "requires_capture"), None),
        ("requires_capture", "authorized", ("complete", "unpaid", "requires_capture"), None),
        ("processing", "processing", ("complete", "unpaid", "processing"), None),
        ("declined", "open", ("open", "unpaid", "requires_payment_method"), "payment_intent.payment_failed"),
        ("failed", "failed", ("expired", "unpaid", "requires_payment_method"), "payment_intent.payment_failed"),
        ("canceled", "canceled", ("expired", "unpaid", "canceled"), "payment_intent.canceled"),
        ("expired", "expired", ("expired", "unpaid", "requires_payment_method"), None),
        ("open", "open", ("open", "unpaid", "requires_payment_method"), None),
        (
            "requires_action",
            "requires_action",
            ("open", "unpaid", "requires_action"),
            "payment_intent.requires_action",
        ),
        ("requires_confirmation", "open", ("open", "unpaid", "requires_confirmation"), None),
        ("session_canceled", "canceled", ("canceled", "unpaid", "requires_payment_method"), None),
    ],
)
def test_status__every_word(
    woosh: WooshShop, word: str, reads: str, wanted: tuple[str, str, str], event: str | None
) -> None:
    woosh.register()
    session = woosh.create()
    assert woosh.set_status(session, word)["status"] == reads
    assert states(woosh, session) == wanted
    assert woosh.told() == ["payment_intent.created"] + ([event] if event else [])


WORDS = ["paid", "authorized", "processing", "declined", "failed", "canceled", "expired", "open", "session_canceled"]


@pytest.mark.parametrize("before", WORDS)
def test_status__anything_may_follow_anything(woosh: WooshShop, before: str) -> None:
    session = woosh.create()
    for after in WORDS:
        woosh.set_status(session, before)
        woosh.set_status(session, after)
        intent = woosh.intent(session)
        assert intent["amount_received"] == (1234 if after == "paid" else 0)
        assert intent["amount_capturable"] == (1234 if after == "authorized" else 0)
        assert (woosh.get(session["id"])["payment_status"] == "paid") is (after == "paid")
    assert woosh.session.get(f"{woosh.root}/?provider=wooshpay", timeout=5).status_code == 200


def test_status__late_success_after_expiry(woosh: WooshShop) -> None:
    woosh.register()
    session = woosh.create()
    woosh.advance(90_000)
    assert states(woosh, session)[0] == "expired"
    woosh.set_status(session, "paid", method="alipay")
    assert states(woosh, session) == ("complete", "paid", "succeeded")
    charge = woosh.good("GET", "/v1/charges")["data"][0]
    assert charge["payment_method_details"] == {"type": "alipay"}
    assert woosh.told()[-1] == "payment_intent.succeeded"


def test_status__open_again_after_expiry_lasts_another_day(woosh: WooshShop) -> None:
    session = woosh.create()
    woosh.advance(90_000)
    woosh.set_status(session, "open")
    woosh.advance(3600)
    assert states(woosh, session)[0] == "open"
    woosh.advance(86400)
    assert states(woosh, session)[0] == "expired"


def test_status__without_a_webhook(woosh: WooshShop) -> None:
    woosh.register()
    session = woosh.create()
    for word in WORDS:
        woosh.set_status(session, word, webhook=False)
    assert woosh.told() == ["payment_intent.created"]


@pytest.mark.parametrize(
    "body",
    [{}, {"status": "held"}, {"status": 5}, {"status": "paid", "webhook": 1}, {"status": "paid", "method": "x"}],
)
def test_status__refused_with_the_known_words(woosh: WooshShop, body: dict[str, Any]) -> None:
    session = woosh.create()
    answer = woosh.try_control("POST", f"wooshpay/payments/{session['id']}/status", body)
    assert answer.status_code == 400
    if "status" not in body or body["status"] != "paid":
        assert all(word in answer.json()["error"] for word in WORDS)
    assert states(woosh, session)[0] == "open"
    assert woosh.try_control("POST", "wooshpay/payments/cs_none/status", {"status": "paid"}).status_code == 404


def test_payments__newest_first_with_what_the_api_hides(woosh: WooshShop) -> None:
    old, new = woosh.create(), woosh.create(LIVE_KEY)
    found = woosh.control("GET", "wooshpay/payments")
    assert [each["id"] for each in found] == [new["id"], old["id"]]
    assert [each["livemode"] for each in found] == [True, False]
    one = woosh.control("GET", f"wooshpay/payments/{old['id']}")
    assert woosh.control("GET", f"wooshpay/payments/{old['payment_intent']}") == one
    assert one | {"status": "open", "amount": 1234, "currency": "USD", "payment_intent": old["payment_intent"]} == one
    assert one["session"] == old
    assert one["simulator"]["key"].startswith("sk_...")
    assert one["simulator"]["checkout"] == old["url"]


def test_overwrite__both_objects_and_each_alone(woosh: WooshShop) -> None:
    woosh.register()
    session = woosh.paid()
    where = f"wooshpay/payments/{session['id']}"
    woosh.control("PATCH", where, {"amount": 100, "currency": "EUR", "metadata": {"order_id": "other"}})
    seen, intent = woosh.get(session["id"]), woosh.intent(session)
    assert (seen["amount_total"], intent["amount"], intent["amount_received"]) == (100, 100, 100)
    assert (seen["currency"], intent["currency"]) == ("EUR", "EUR")
    assert (seen["metadata"], intent["metadata"]) == ({"order_id": "other"},) * 2
    lies = {"session": {"payment_status": "unpaid"}, "intent": {"amount_received": 7, "livemode": True}}
    woosh.control("PATCH", where, lies | {"client_reference_id": "ORD1"})
    seen, intent = woosh.get(session["id"]), woosh.intent(session)
    assert (seen["payment_status"], seen["livemode"], seen["client_reference_id"]) == ("unpaid", False, "ORD1")
    assert (intent["amount_received"], intent["livemode"], intent["amount"]) == (7, True, 100)
    woosh.control("PATCH", where, {"intent": {"status": "unheard_of"}})
    assert woosh.intent(session)["status"] == "unheard_of"
    woosh.control("PATCH", where, {"session": {"status": "open"}, "last_payment_error": 7})
    assert woosh.session.get(session["url"], timeout=5).status_code == 200
    assert len(woosh.told()) == 2, "overwriting tells nobody"
    assert woosh.session.get(f"{woosh.root}/?provider=wooshpay", timeout=5).status_code == 200


def test_overwrite__expiry_is_obeyed(woosh: WooshShop) -> None:
    session = woosh.create()
    woosh.control("PATCH", f"wooshpay/payments/{session['id']}", {"expires_at": session["created"]})
    woosh.settle()
    assert states(woosh, session)[0] == "expired"


@pytest.mark.parametrize(
    "body",
    [
        {"amount": "5"},
        {"amount": -1},
        {"currency": None},
        {"status": "open"},
        {"livemode": "no"},
        {"colour": "red"},
        {"session": "open"},
        {"intent": {"colour": 1}},
        {"intent": {"status": None}},
        {"session": {"payment_method_types": None}},
        {"amount": 5, "id": "cs_1"},
    ],
)
def test_overwrite__only_what_can_still_be_shown(woosh: WooshShop, body: dict[str, Any]) -> None:
    session = woosh.create()
    before = woosh.control("GET", f"wooshpay/payments/{session['id']}")
    answer = woosh.try_control("PATCH", f"wooshpay/payments/{session['id']}", body)
    assert (answer.status_code, bool(answer.json()["error"])) == (400, True)
    assert woosh.control("GET", f"wooshpay/payments/{session['id']}") == before


@pytest.mark.parametrize(
    ("word", "event"),
    [
        ("open", "payment_intent.created"),
        ("declined", "payment_intent.payment_failed"),
        ("requires_action", "payment_intent.requires_action"),
        ("paid", "payment_intent.succeeded"),
        ("canceled", "payment_intent.canceled"),
    ],
)
def test_webhook__about_the_present_state(woosh: WooshShop, word: str, event: str) -> None:
    session = woosh.create()
    woosh.set_status(session, word)
    answer = woosh.try_control("POST", f"wooshpay/payments/{session['id']}/webhook", {})
    assert (answer.status_code, "endpoint" in answer.json()["error"]) == (400, True)
    woosh.register()
    (delivery,) = woosh.verb(session, "webhook")["deliveries"]
    assert woosh.told() == [event]
    assert woosh.control("GET", f"deliveries?payment={session['id']}")[0]["id"] == delivery


def test_settings__listed_changed_refused_and_forgotten(woosh: WooshShop) -> None:
    settings = woosh.control("GET", "wooshpay/settings")
    assert set(settings) - {"meaning"} == set(settings["meaning"])
    assert settings["signature_header"] == "Signature"
    woosh.switch(signature_header="both")
    assert woosh.control("GET", "wooshpay/settings")["signature_header"] == "both"
    for wrong in ({"unknown": 1}, {"signature_header": "X"}, {"magic_amounts": 1}, {"disabled_methods": ["coins"]}):
        assert woosh.try_control("POST", "wooshpay/settings", wrong).status_code == 400
    woosh.control("POST", "reset")
    assert woosh.control("GET", "wooshpay/settings")["signature_header"] == "Signature"


def test_index__every_verb_has_its_line(woosh: WooshShop) -> None:
    verbs = [each for each in woosh.control("GET", "")["endpoints"] if "/wooshpay/" in each["path"]]
    assert len(verbs) >= 14 and all(each["what"] for each in verbs)
    assert {"create", "refund", "capture", "get_intent"} <= set(woosh.control("GET", "")["providers"]["wooshpay"])
    assert len(NOT_IMITATED.strip().splitlines()) > 5


# -- the panel ------------------------------------------------------------------------------------------


def press(woosh: WooshShop, session: dict[str, Any], action: str) -> requests.Response:
    page = woosh.session.get(f"{woosh.root}/?provider=wooshpay", timeout=5).text
    token = re.search(r'name="token" value="([\w-]+)"', page)
    assert token
    form = {"token": token[1], "provider": "wooshpay", "action": action}
    url = f"{woosh.root}/panel/payments/{session['id']}"
    return woosh.session.post(url, data=form, allow_redirects=False, timeout=5)


def test_panel__rows_and_buttons(woosh: WooshShop, receiver: Receiver) -> None:
    woosh.register()
    session = woosh.create()
    page = woosh.session.get(f"{woosh.root}/?provider=wooshpay", timeout=5).text
    assert all(text in page for text in (session["id"], "12.34 USD", "Order ORD100045", "Dispute lost"))
    assert session["url"].replace("&", "&amp;") in page
    for action in ("won", "refund", "chargeback", "dance"):
        assert press(woosh, session, action).status_code == 400
    for action in ("authorized", "paid", "webhook", "chargeback", "won", "refund"):
        assert press(woosh, session, action).status_code == 303
    payment = woosh.control("GET", f"wooshpay/payments/{session['id']}")
    assert (payment["status"], payment["refunds"][0]["amount"]) == ("paid", 1234)
    assert payment["disputes"][0]["status"] == "won"
    page = woosh.session.get(f"{woosh.root}/?provider=wooshpay", timeout=5).text
    assert "refunded 12.34 USD" in page and "dispute won" in page
    assert press(woosh, {"id": "cs_none"}, "paid").status_code == 404


@pytest.mark.parametrize(("action", "status"), [("capture", "paid"), ("void", "canceled"), ("lapse", "canceled")])
def test_panel__reserved_money(woosh: WooshShop, action: str, status: str) -> None:
    session = woosh.manual()
    assert press(woosh, session, action).status_code == 400
    assert press(woosh, session, "authorized").status_code == 303
    assert press(woosh, session, action).status_code == 303
    assert woosh.control("GET", f"wooshpay/payments/{session['id']}")["status"] == status


def test_panel__refund_that_fails_and_inquiry_that_is_closed(woosh: WooshShop) -> None:
    session = woosh.paid()
    assert press(woosh, session, "refund_fails").status_code == 400
    for action in ("refund", "refund_fails", "inquiry"):
        assert press(woosh, session, action).status_code == 303
    payment = woosh.control("GET", f"wooshpay/payments/{session['id']}")
    assert (payment["refunds"][0]["status"], payment["disputes"][0]["status"]) == ("failed", "warning_needs_response")
    assert press(woosh, session, "won").status_code == 303
    closed = woosh.control("GET", f"wooshpay/payments/{session['id']}")["disputes"]
    assert [each["status"] for each in closed] == ["warning_closed"]


# -- what is kept ---------------------------------------------------------------------------------------


def test_state__survives_a_restart(tmp_path: Path, receiver: Receiver) -> None:
    with requests.Session() as http:
        http.trust_env = False
        with start(state=tmp_path) as running:
            shop = WooshShop(running.url, http, f"{receiver.url}/hook")
            shop.register()
            session = shop.create()
        with start(state=tmp_path) as running:
            shop = WooshShop(running.url, http, f"{receiver.url}/hook")
            again = shop.get(session["id"])
            assert again["payment_intent"] == session["payment_intent"]
            assert again["url"].startswith(running.url)
            Buyer(shop, again).send(test_card="4111111111111111")
            assert shop.told()[-1] == "payment_intent.succeeded"
            shop.create()
            shop.advance(90_000)
            assert [each["status"] for each in shop.control("GET", "wooshpay/payments")] == ["expired", "paid"]
