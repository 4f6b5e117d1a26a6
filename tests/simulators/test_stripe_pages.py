"""The hosted page, as a browser walks through it."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
import requests

from tests.simulators.kit import Receiver, Shop
from tests.simulators.stripe_kit import (
    BAD_IBAN,
    CANCEL,
    DECLINED,
    GOOD,
    IBAN,
    POOR,
    SECURE,
    SLOW_IBAN,
    StripeShop,
    line,
    stripe_shop,
)


@pytest.fixture
def shop(shop: Shop) -> StripeShop:
    return stripe_shop(shop)


def states(session: dict[str, Any]) -> tuple[str, str, str | None]:
    intent = session["payment_intent"]
    return session["status"], session["payment_status"], intent and intent["status"]


def returned(answer: requests.Response, session: dict[str, Any]) -> bool:
    where = f"https://shop.example/return/9b1d/?sid={session['id']}"
    return (answer.status_code, answer.headers.get("Location")) == (303, where)


def test_page__what_it_shows(shop: StripeShop) -> None:
    session = shop.create(customer_email="ada@example.com")
    page = shop.visit(session["url"])
    assert page.status_code == 200
    for words in ("SIMULATOR", "24.95 EUR", "Order 2026-0042", f'href="{CANCEL}"', 'value="ada@example.com"', "IBAN"):
        assert words in page.text, words
    assert "no-store" in page.headers["Cache-Control"]
    address = f'action="/stripe/c/pay/{session["id"]}"'
    assert page.text.count("<form") == page.text.count(address) == 2, "or browsers keep the fragment on all redirects"
    assert "IBAN" not in shop.visit(shop.create(line_items=[line(currency="usd")])["url"]).text
    assert shop.visit(f"{shop.url}/c/pay/cs_test_unknown").status_code == 404


def test_card__pays_and_returns(shop: StripeShop) -> None:
    session = shop.create()
    assert returned(shop.pay(session), session)
    assert states(shop.get(session["id"])) == ("complete", "paid", "succeeded")
    done = shop.visit(session["url"])
    assert "all done here" in done.text and session["id"] in done.text
    again = shop.pay(session)
    assert again.status_code == 303 and "/c/pay/" in again.headers["Location"], "it cannot be paid twice"
    assert len(shop.ok("GET", "/v1/charges")["data"]) == 1


@pytest.mark.parametrize(
    ("number", "code", "decline"),
    [
        (DECLINED, "card_declined", "generic_decline"),
        (POOR, "card_declined", "insufficient_funds"),
        ("4000000000009987", "card_declined", "lost_card"),
        ("4000000000000069", "expired_card", "expired_card"),
        ("4000000000000127", "incorrect_cvc", "incorrect_cvc"),
        ("4000000000000119", "processing_error", "processing_error"),
        ("4012888888881881", "card_declined", "test_mode_live_card"),
    ],
)
def test_decline__leaves_the_session_open_for_another_try(
    shop: StripeShop, number: str, code: str, decline: str
) -> None:
    session = shop.create()
    refused = shop.pay(session, number)
    assert refused.status_code == 303 and refused.headers["Location"].endswith(f"/c/pay/{session['id']}")
    tried = shop.get(session["id"])
    assert states(tried) == ("open", "unpaid", "requires_payment_method")
    error = tried["payment_intent"]["last_payment_error"]
    assert (error["type"], error["code"], error["decline_code"]) == ("card_error", code, decline)
    assert tried["payment_intent"]["latest_charge"]["status"] == "failed"
    assert error["message"].replace("'", "&#39;") in shop.visit(session["url"]).text
    assert returned(shop.pay(session), session)
    paid = shop.get(session["id"])
    assert states(paid) == ("complete", "paid", "succeeded")
    assert paid["payment_intent"]["id"] == tried["payment_intent"]["id"], "one PaymentIntent, two charges"
    assert paid["payment_intent"]["last_payment_error"] is None
    assert len(shop.ok("GET", "/v1/charges")["data"]) == 2


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"number": "4242424242424241"}, "number is invalid"),
        ({"number": "none"}, "number is invalid"),
        ({"expiry": "12 / 20"}, "in the past"),
        ({"expiry": "soon"}, "date is incomplete"),
        ({"cvc": ""}, "code is incomplete"),
    ],
)
def test_form__refused_without_an_attempt(shop: StripeShop, form: dict[str, str], words: str) -> None:
    session = shop.create()
    answer = shop.pay(session, **{"number": GOOD, **form})
    assert answer.status_code == 200 and words in answer.text
    assert states(shop.get(session["id"])) == ("open", "unpaid", None)


def test_three_d_secure__completed(shop: StripeShop) -> None:
    session = shop.create()
    step = shop.pay(session, SECURE)
    address = f"{shop.root}{step.headers['Location']}"
    assert address.endswith("/authenticate")
    assert states(shop.get(session["id"])) == ("open", "unpaid", "requires_action")
    page = shop.visit(address).text
    assert "Complete authentication" in page and "Fail authentication" in page
    assert returned(shop.submit(address, result="complete"), session)
    charge = shop.get(session["id"])["payment_intent"]["latest_charge"]
    assert charge["payment_method_details"]["card"]["three_d_secure"]["result"] == "authenticated"
    assert shop.submit(address, result="complete").headers["Location"].endswith(f"/c/pay/{session['id']}")


def test_three_d_secure__failed_then_another_card(shop: StripeShop) -> None:
    session = shop.create()
    address = f"{shop.root}{shop.pay(session, SECURE).headers['Location']}"
    assert shop.submit(address, result="fail").headers["Location"].endswith(f"/c/pay/{session['id']}")
    failed = shop.get(session["id"])
    assert states(failed) == ("open", "unpaid", "requires_payment_method")
    assert failed["payment_intent"]["last_payment_error"]["code"] == "payment_intent_authentication_failure"
    assert failed["payment_intent"]["latest_charge"] is None
    assert "could not authenticate" in shop.visit(session["url"]).text
    assert returned(shop.pay(session), session)


def test_three_d_secure__then_declined(shop: StripeShop) -> None:
    session = shop.create()
    address = f"{shop.root}{shop.pay(session, '4000008260003178').headers['Location']}"
    assert shop.submit(address, result="complete").headers["Location"].endswith(f"/c/pay/{session['id']}")
    error = shop.get(session["id"])["payment_intent"]["last_payment_error"]
    assert error["decline_code"] == "insufficient_funds"


@pytest.mark.parametrize(
    ("iban", "seconds", "after", "news"),
    [
        (IBAN, 11, ("complete", "paid", "succeeded"), "async_payment_succeeded"),
        (SLOW_IBAN, 185, ("complete", "paid", "succeeded"), "async_payment_succeeded"),
        (BAD_IBAN, 11, ("complete", "unpaid", "requires_payment_method"), "async_payment_failed"),
    ],
)
def test_direct_debit__decided_later(
    shop: StripeShop, iban: str, seconds: float, after: tuple[str, str, str], news: str
) -> None:
    shop.listen()
    session = shop.create()
    assert returned(shop.debit(session, iban), session)
    assert states(shop.get(session["id"])) == ("complete", "unpaid", "processing")
    assert shop.events() == [
        "payment_intent.created",
        "charge.pending",
        "payment_intent.processing",
        "checkout.session.completed",
    ]
    shop.advance(seconds - 10)
    assert states(shop.get(session["id"]))[2] == "processing"
    shop.advance(10)
    assert states(shop.get(session["id"])) == after
    assert f"checkout.session.{news}" in shop.events()[4:]


def test_direct_debit__not_for_a_hold_and_not_with_any_number(shop: StripeShop) -> None:
    session = shop.create()
    assert "test accounts" in shop.debit(session, "DE89370400440532013000").text
    manual = shop.create(payment_intent_data={"capture_method": "manual"})
    assert manual["payment_method_types"] == ["card"]
    assert "not offered" in shop.debit(manual).text
    assert states(shop.get(manual["id"])) == ("open", "unpaid", None)


def test_expired__has_a_page_of_its_own(shop: StripeShop) -> None:
    session = shop.create()
    shop.ok("POST", f"/v1/checkout/sessions/{session['id']}/expire")
    page = shop.visit(session["url"])
    assert "has expired" in page.text and CANCEL in page.text
    assert shop.pay(session).headers["Location"].endswith(f"/c/pay/{session['id']}")
    assert states(shop.get(session["id"])) == ("expired", "unpaid", None)


def test_template__only_literal_braces_are_replaced(shop: StripeShop) -> None:
    session = shop.create(success_url="https://shop.example/r?a=%7BCHECKOUT_SESSION_ID%7D&b={CHECKOUT_SESSION_ID}")
    where = shop.pay(session).headers["Location"]
    assert where == f"https://shop.example/r?a=%7BCHECKOUT_SESSION_ID%7D&b={session['id']}"


def test_redirect__waits_for_the_answer_to_completed(shop: StripeShop, receiver: Receiver) -> None:
    shop.listen(enabled_events=["checkout.session.completed"])
    gate = receiver.gates["/hook"] = threading.Event()
    session, answers = shop.create(), []
    buyer = threading.Thread(target=lambda: answers.append(shop.pay(session)))
    buyer.start()
    receiver.wait_for(1)
    assert not answers, "the shop was told and has not answered"
    gate.set()
    buyer.join(5)
    assert returned(answers[0], session)


def test_redirect__waits_no_longer_than_the_setting_says(shop: StripeShop, receiver: Receiver) -> None:
    shop.listen(enabled_events=["checkout.session.completed"])
    shop.switch(completed_wait=0)
    receiver.gates["/hook"] = threading.Event()
    began = time.monotonic()
    session = shop.create()
    assert returned(shop.pay(session), session)
    assert time.monotonic() - began < 5
    receiver.gates["/hook"].set()


def test_foreign_pages__cannot_pay(shop: StripeShop) -> None:
    session = shop.create()
    answer = shop.session.post(session["url"], headers={"Origin": "https://evil.example"}, timeout=5)
    assert answer.status_code == 403
    assert states(shop.get(session["id"])) == ("open", "unpaid", None)


def test_card__pressed_in_four_tabs_pays_once(shop: StripeShop) -> None:
    session = shop.create()
    form = {"method": "card", "number": GOOD, "expiry": "12 / 34", "cvc": "123"}

    def press() -> None:
        requests.post(session["url"].partition("#")[0], data=form, timeout=5, allow_redirects=False)

    tabs = [threading.Thread(target=press) for _ in range(4)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join(5)
    assert [each["status"] for each in shop.ok("GET", "/v1/charges")["data"]] == ["succeeded"]
