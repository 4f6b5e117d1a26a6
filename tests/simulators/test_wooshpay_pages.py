"""The hosted pages, as a browser walks through them."""

from __future__ import annotations

import pytest

from tests.simulators.wooshpay_kit import CANCEL, RETURN, Buyer, WooshShop, opened_shop

woosh = pytest.fixture(opened_shop)

OK, DECLINED, NO_FUNDS = "4111 1111 1111 1111", "4000000000000002", "4000-0000-0000-9995"
CHALLENGED, DISPUTED = "4000000000003220", "4000000000000259"


def test_card__paid_and_back_to_the_shop(woosh: WooshShop) -> None:
    woosh.register()
    session = woosh.create()
    buyer = Buyer(woosh, session)
    assert buyer.texts('class="header__amount">(.*?)<') == ["12.34 USD"]
    assert buyer.texts('class="header__info">(.*?)<') == ["Order ORD100045"]
    assert "SIMULATOR" in buyer.page.text and "Pay 12.34 USD" in buyer.page.text
    assert buyer.methods == [], "only what the shop asked for"
    answer = buyer.card(OK)
    assert (answer.status_code, answer.headers["Location"]) == (303, RETURN)
    seen, intent = woosh.get(session["id"]), woosh.intent(session)
    assert (seen["status"], seen["payment_status"]) == ("complete", "paid")
    assert (intent["status"], intent["amount_received"]) == ("succeeded", 1234)
    assert intent["payment_method"].startswith("pm_")
    assert woosh.told() == ["payment_intent.created", "payment_intent.succeeded"]


def test_card__at_once_with_a_button(woosh: WooshShop) -> None:
    session = woosh.create()
    buyer = Buyer(woosh, session)
    assert len(buyer.texts(r'name="test_card" value="(\d{16})"')) == 5
    buyer.send(test_card="4111111111111111")
    assert woosh.intent(session)["status"] == "succeeded"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (DECLINED, "card_declined"),
        (NO_FUNDS, "insufficient_funds"),
        ("1234", "incorrect_number"),
        ("", "incorrect_number"),
    ],
)
def test_card__declined_leaves_the_page_open(woosh: WooshShop, number: str, code: str) -> None:
    woosh.register()
    session = woosh.create()
    buyer = Buyer(woosh, session)
    answer = buyer.card(number)
    assert (answer.status_code, answer.headers["Location"]) == (303, session["url"])
    assert 'role="alert"' in buyer.page.text
    error = woosh.intent(session)["last_payment_error"]
    assert (error["type"], error["code"]) == ("card_error", code)
    assert error["message"] in buyer.page.text
    assert (woosh.get(session["id"])["status"], woosh.intent(session)["status"]) == (
        "open",
        "requires_payment_method",
    )
    assert buyer.card(OK).headers["Location"] == RETURN
    assert woosh.intent(session) | {"status": "succeeded", "last_payment_error": None} == woosh.intent(session)
    assert woosh.told()[1:] == ["payment_intent.payment_failed", "payment_intent.succeeded"]
    charges = woosh.good("GET", "/v1/charges")["data"]
    assert [(each["status"], each["failure_code"]) for each in charges] == [("succeeded", None), ("failed", code)]


@pytest.mark.parametrize(("result", "status"), [("passed", "succeeded"), ("failed", "requires_payment_method")])
def test_card__three_d_secure(woosh: WooshShop, result: str, status: str) -> None:
    woosh.register()
    session = woosh.create()
    buyer = Buyer(woosh, session)
    buyer.card(CHALLENGED)
    assert "/challenge?" in buyer.page.url and "Complete authentication" in buyer.page.text
    intent = woosh.intent(session)
    assert (intent["status"], intent["next_action"]["type"]) == ("requires_action", "challenge_redirect")
    assert woosh.get(session["id"])["status"] == "open"
    answer = buyer.send(result=result)
    assert answer.headers["Location"] == (RETURN if result == "passed" else session["url"])
    intent = woosh.intent(session)
    assert (intent["status"], intent["next_action"]) == (status, None)
    last = "payment_intent.succeeded" if result == "passed" else "payment_intent.payment_failed"
    assert woosh.told() == ["payment_intent.created", "payment_intent.requires_action", last]


def test_challenge__left_for_another_card(woosh: WooshShop) -> None:
    session = woosh.create()
    buyer = Buyer(woosh, session)
    buyer.card(CHALLENGED)
    challenge = buyer.page.url
    buyer.page = buyer.session.get(session["url"], timeout=5)
    buyer.card(OK)
    assert woosh.intent(session)["status"] == "succeeded"
    late = buyer.send(challenge, result="failed")
    assert late.status_code == 200 and "nothing left to pay" in late.text
    assert woosh.intent(session)["status"] == "succeeded"


def test_challenge__an_answer_nobody_waits_for_pays_nothing(woosh: WooshShop) -> None:
    session = woosh.create()
    buyer = Buyer(woosh, session)
    buyer.card(CHALLENGED)
    challenge = buyer.page.url
    buyer.send(challenge, result="failed")
    assert buyer.send(challenge, result="passed").headers["Location"] == session["url"]
    assert woosh.intent(session)["status"] == "requires_payment_method"


def test_card__paid_and_disputed_later(woosh: WooshShop) -> None:
    woosh.register()
    session = woosh.create()
    Buyer(woosh, session).card(DISPUTED)
    assert woosh.good("GET", "/v1/disputes/list")["data"] == []
    woosh.advance(61)
    (dispute,) = woosh.good("GET", "/v1/disputes/list")["data"]
    assert (dispute["status"], dispute["amount"]) == ("needs_response", 1234)
    assert dispute["payment_intent"] == session["payment_intent"]
    assert woosh.told()[-1] == "charge.dispute.updated"
    assert woosh.intent(session)["status"] == "succeeded"


def test_card__manual_capture_reserves(woosh: WooshShop) -> None:
    woosh.register()
    session = woosh.manual()
    assert Buyer(woosh, session).card(OK).headers["Location"] == RETURN
    intent = woosh.intent(session)
    assert (intent["status"], intent["amount_capturable"], intent["amount_received"]) == ("requires_capture", 1234, 0)
    seen = woosh.get(session["id"])
    assert (seen["status"], seen["payment_status"]) == ("complete", "unpaid")
    assert woosh.told() == ["payment_intent.created"], "no event is documented for this"


@pytest.mark.parametrize(
    ("state", "then", "event"),
    [
        ("late_success", "succeeded", "payment_intent.succeeded"),
        ("late_failure", "requires_payment_method", "payment_intent.payment_failed"),
    ],
)
@pytest.mark.parametrize("method", ["alipay", "bank_transfer_id"])
def test_delayed_method(woosh: WooshShop, method: str, state: str, then: str, event: str) -> None:
    woosh.register()
    session = woosh.create(payment_method_types=["card", method])
    buyer = Buyer(woosh, session)
    assert buyer.methods == [method]
    buyer.choose(method)
    assert buyer.texts(r'name="final_state" value="(\w+)"') == ["paid", "late_success", "late_failure", "declined"]
    assert buyer.send(final_state=state).headers["Location"] == RETURN
    waiting = woosh.get(session["id"])
    assert (waiting["status"], waiting["payment_status"]) == ("complete", "unpaid")
    assert (woosh.intent(session)["status"], woosh.intent(session)["amount_received"]) == ("processing", 0)
    assert woosh.told() == ["payment_intent.created"]
    woosh.advance(3590)
    assert woosh.intent(session)["status"] == "processing"
    woosh.advance(20)
    assert woosh.intent(session)["status"] == then
    paid = state == "late_success"
    seen = woosh.get(session["id"])
    assert (seen["status"], seen["payment_status"]) == ("complete", "paid" if paid else "unpaid")
    assert woosh.told()[1:] == [event]
    woosh.advance(86400)
    assert woosh.get(session["id"])["status"] == "complete"


def test_delayed_method__failed_and_open_again(woosh: WooshShop) -> None:
    woosh.switch(late_failure_leaves="open", delayed_seconds=10)
    session = woosh.create(payment_method_types=["alipay"])
    buyer = Buyer(woosh, session)
    buyer.choose("alipay")
    buyer.send(final_state="late_failure")
    woosh.advance(11)
    assert woosh.get(session["id"])["status"] == "open"
    buyer.page = buyer.session.get(session["url"], timeout=5)
    assert "The payment was not completed." in buyer.page.text
    woosh.advance(86400)
    assert woosh.get(session["id"])["status"] == "expired"


def test_method__at_once_and_failed(woosh: WooshShop) -> None:
    for state, status in (("paid", "succeeded"), ("declined", "requires_payment_method")):
        session = woosh.create(payment_method_types=["ideal"])
        buyer = Buyer(woosh, session)
        assert 'name="number"' not in buyer.page.text
        buyer.choose("ideal")
        buyer.send(final_state=state)
        assert woosh.intent(session)["status"] == status


def test_methods__what_is_not_offered_is_not_taken(woosh: WooshShop) -> None:
    session = woosh.create(payment_method_types=["ideal"])
    address, key = session["url"].split("?")
    for url, form in (
        (session["url"], {"number": "4111111111111111"}),
        (f"{address}/method/alipay?{key}", {"final_state": "paid"}),
        (f"{address}/method/card?{key}", {"final_state": "paid"}),
        (f"{address}/method/ideal?{key}", {"final_state": "free"}),
    ):
        assert woosh.session.post(url, data=form, timeout=5).status_code == 400
    assert woosh.intent(session)["status"] == "requires_payment_method"


def test_methods__without_a_wish_several_are_offered(woosh: WooshShop) -> None:
    session = woosh.create(payment_method_types=None)
    buyer = Buyer(woosh, session)
    assert {"alipay", "bank_transfer_id"} <= set(buyer.methods) and 'name="number"' in buyer.page.text
    assert session["payment_method_types"] == ["card", *buyer.methods]
    woosh.switch(disabled_methods=["alipay"])
    assert "alipay" not in Buyer(woosh, session).methods


def test_cancel__is_a_link_and_changes_nothing(woosh: WooshShop) -> None:
    session = woosh.create()
    assert CANCEL in Buyer(woosh, session).texts(r'<a href="([^"]+)">Cancel')
    assert woosh.get(session["id"])["status"] == "open"


def test_return__exactly_as_given_unless_switched(woosh: WooshShop) -> None:
    url = "http://localhost:9/ret{CHECKOUT_SESSION_ID}?id={CHECKOUT_SESSION_ID}&a=%2F|'x'"
    session = woosh.create(success_url=url)
    assert Buyer(woosh, session).card(OK).headers["Location"] == url
    woosh.switch(substitute_session_id=True)
    session = woosh.create(success_url=url)
    assert Buyer(woosh, session).card(OK).headers["Location"] == url.replace("{CHECKOUT_SESSION_ID}", session["id"])


def test_return__not_ascii(woosh: WooshShop) -> None:
    session = woosh.create(success_url="https://shop.example/zurück?x=é")
    assert Buyer(woosh, session).card(OK).headers["Location"] == "https://shop.example/zur%C3%BCck?x=%C3%A9"


def test_over__says_so_and_leads_back(woosh: WooshShop) -> None:
    for status, back in (("paid", RETURN), ("expired", CANCEL), ("canceled", CANCEL)):
        session = woosh.create()
        first = Buyer(woosh, session)
        woosh.set_status(session, status)
        assert "nothing left to pay" in first.card(OK).text
        assert first.send(session["url"].replace("?", "/challenge?"), result="passed").status_code == 200
        seen = Buyer(woosh, session)
        assert seen.texts('class="state">(.*?)<') == [status]
        assert back in seen.texts(r'class="button" href="([^"]+)"')
        assert woosh.control("GET", f"wooshpay/payments/{session['id']}")["status"] == status


def test_two_tabs__one_charge(woosh: WooshShop) -> None:
    session = woosh.create()
    first, second = Buyer(woosh, session), Buyer(woosh, session)
    first.card(OK)
    assert "nothing left to pay" in second.card(OK).text
    assert len(woosh.good("GET", "/v1/charges")["data"]) == 1


def test_address__wrong_key_or_mode_is_nobodys(woosh: WooshShop) -> None:
    session = woosh.create()
    other = woosh.create("sk_test_other")
    key, other_key = session["url"].split("=", 1)[1], other["url"].split("=", 1)[1]
    for url in (
        session["url"].split("?")[0],
        session["url"].replace(key, other_key),
        session["url"].replace("cs_test_", "cs_live_"),
        session["url"].replace("cs_test_", "cs_"),
    ):
        assert woosh.session.get(url, timeout=5).status_code == 404
        assert woosh.session.post(url, data={"number": OK}, timeout=5).status_code == 404


def test_pages__escaped_guarded_and_without_script(woosh: WooshShop) -> None:
    nasty = '"><script>alert(1)</script>{{ 7 * 7 }}'
    price = {"currency": "USD", "unit_amount": 1000, "product_data": {"name": nasty}}
    session = woosh.create(
        line_items=[{"price_data": price}], cancel_url="https://shop.example/?a='\"&b=<x>".replace(" ", "")
    )
    page = Buyer(woosh, session).page
    assert "<script" not in page.text and "{{ 7 * 7 }}" in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    foreign = woosh.session.post(
        session["url"], data={"number": OK}, headers={"Origin": "https://evil.example"}, timeout=5
    )
    assert foreign.status_code == 403
    assert woosh.get(session["id"])["status"] == "open"
