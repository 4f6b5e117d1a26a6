"""Control verbs and the panel: what buyers, banks and dashboards do, also against every rule."""

from __future__ import annotations

import re
from typing import Any

import pytest
import requests

from django_payflow.simulators import start
from tests.simulators.kit import Receiver, Shop
from tests.simulators.stripe_kit import DECLINED, KEY, OTHER_KEY, StripeShop, stripe_shop


@pytest.fixture
def shop(shop: Shop) -> StripeShop:
    return stripe_shop(shop)


def states(session: dict[str, Any]) -> tuple[str, str, str | None]:
    intent = session["simulator"]["payment_intent"]
    return session["status"], session["payment_status"], intent and intent["status"]


@pytest.mark.parametrize(
    ("word", "after", "last"),
    [
        ("paid", ("complete", "paid", "succeeded"), "charge.updated"),
        ("succeeded", ("complete", "paid", "succeeded"), "charge.updated"),
        ("authorized", ("complete", "unpaid", "requires_capture"), "checkout.session.completed"),
        ("processing", ("complete", "unpaid", "processing"), "checkout.session.completed"),
        ("declined", ("open", "unpaid", "requires_payment_method"), "payment_intent.payment_failed"),
        ("requires_action", ("open", "unpaid", "requires_action"), "payment_intent.requires_action"),
        ("failed", ("complete", "unpaid", "requires_payment_method"), "checkout.session.async_payment_failed"),
        ("canceled", ("expired", "unpaid", "canceled"), "checkout.session.expired"),
        ("expired", ("expired", "unpaid", None), "checkout.session.expired"),
        ("held", ("complete", "paid", "succeeded"), "review.opened"),
    ],
)
def test_status__from_an_open_session(
    shop: StripeShop, word: str, after: tuple[str, str, str | None], last: str
) -> None:
    shop.listen()
    session = shop.create()
    assert states(shop.set_status(session["id"], word)) == after
    assert shop.events()[-1] == last


def test_status__open_changes_nothing_of_an_open_session(shop: StripeShop) -> None:
    session = shop.create()
    assert shop.set_status(session["id"], "open")["url"] == session["url"]


@pytest.mark.parametrize("first", ["expired", "canceled", "failed", "declined", "processing", "authorized"])
def test_status__a_late_success(shop: StripeShop, first: str) -> None:
    session_id = shop.create()["id"]
    shop.set_status(session_id, first)
    shop.listen()
    late = shop.set_status(session_id, "paid")
    assert states(late) == ("complete", "paid", "succeeded")
    assert late["simulator"]["payment_intent"]["amount_received"] == 2495
    succeeded = [each for each in late["simulator"]["charges"] if each["status"] == "succeeded"]
    assert [each["amount_captured"] for each in succeeded] == [2495]
    assert "payment_intent.succeeded" in shop.events()
    assert shop.try_control("POST", f"stripe/payments/{session_id}/status", {"status": "paid"}).status_code == 400


@pytest.mark.parametrize(
    ("word", "after"),
    [
        ("failed", ("complete", "unpaid", "requires_payment_method")),
        ("expired", ("expired", "paid", "succeeded")),
        ("canceled", ("complete", "paid", "canceled")),
        ("open", ("open", "unpaid", "requires_payment_method")),
        ("processing", ("complete", "unpaid", "processing")),
    ],
)
def test_status__contradicting_news_after_a_success(
    shop: StripeShop, word: str, after: tuple[str, str, str | None]
) -> None:
    session_id = shop.paid()["id"]
    assert states(shop.set_status(session_id, word)) == after


def test_status__open_again_can_be_paid_again(shop: StripeShop) -> None:
    session = shop.create()
    shop.set_status(session["id"], "expired")
    assert shop.set_status(session["id"], "open")["url"] == session["url"]
    assert shop.pay(session).headers["Location"].startswith("https://shop.example/return/")


def test_status__unknown_words_and_sessions(shop: StripeShop) -> None:
    session_id = shop.create()["id"]
    unknown = shop.try_control("POST", f"stripe/payments/{session_id}/status", {"status": "rich"})
    assert unknown.status_code == 400 and "authorized" in unknown.json()["error"]
    assert shop.try_control("POST", f"stripe/payments/{session_id}/status", {}).status_code == 400
    assert shop.try_control("POST", "stripe/payments/cs_test_no/status", {"status": "paid"}).status_code == 404
    assert shop.try_control("GET", "stripe/payments/cs_test_no").status_code == 404


def test_status__without_a_webhook_is_still_an_event(shop: StripeShop) -> None:
    shop.listen()
    shop.set_status(shop.create()["id"], "paid", webhook=False)
    assert shop.events() == []
    assert len(shop.ok("GET", "/v1/events")["data"]) == 5
    assert shop.ok("GET", "/v1/events")["data"][0]["pending_webhooks"] == 0
    shop.paid()
    assert len(shop.events()) == 5


def test_review__opened_and_approved(shop: StripeShop) -> None:
    session_id = shop.create()["id"]
    shop.set_status(session_id, "held")
    send = {"expand": ["payment_intent.review"]}
    review = shop.ok("GET", f"/v1/checkout/sessions/{session_id}", send=send)["payment_intent"]["review"]
    assert (review["object"], review["open"]) == ("review", True)
    assert shop.ok("GET", "/v1/reviews")["data"] == [review]
    shop.listen()
    shop.set_status(session_id, "paid")
    assert shop.events() == ["review.closed"]
    assert shop.ok("GET", f"/v1/reviews/{review['id']}")["closed_reason"] == "approved"
    assert shop.ok("GET", "/v1/reviews")["data"] == []


def test_payments__of_all_keys_newest_first(shop: StripeShop) -> None:
    first, second = shop.create(), shop.create(OTHER_KEY)
    found = shop.control("GET", "stripe/payments")
    assert [each["id"] for each in found] == [second["id"], first["id"]]
    facts = found[1]["simulator"]
    assert facts["checkout"] == first["url"].partition("#")[0]
    assert facts["key"].startswith("sk_...") and KEY not in str(found)
    assert facts["key"] != found[0]["simulator"]["key"]


def test_overwrite(shop: StripeShop) -> None:
    shop.listen()
    session_id = shop.paid()["id"]
    before = len(shop.events())
    fields = {"amount": 1000, "currency": "usd", "livemode": True, "metadata": {"x": "1"}}
    shop.control("PATCH", f"stripe/payments/{session_id}", fields | {"charge": {"disputed": True}})
    changed = shop.get(session_id)
    intent = changed["payment_intent"]
    charge = intent["latest_charge"]
    assert (changed["amount_total"], changed["currency"], changed["livemode"]) == (1000, "usd", True)
    assert (intent["amount"], intent["amount_received"], intent["currency"]) == (1000, 1000, "usd")
    assert (charge["amount"], charge["amount_captured"], charge["disputed"]) == (1000, 1000, True)
    assert changed["metadata"] == {"x": "1"} and len(shop.events()) == before


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "cs_1"},
        {"amount": "10"},
        {"amount": True},
        {"currency": None},
        {"metadata": 1},
        {"success_url": None},
        {"charge": {"paid": 1}},
    ],
)
def test_overwrite__refused(shop: StripeShop, fields: dict[str, Any]) -> None:
    session = shop.create()
    assert shop.try_control("PATCH", f"stripe/payments/{session['id']}", fields).status_code == 400
    assert shop.get(session["id"]) == session


def test_overwrite__an_expiry_that_then_comes(shop: StripeShop) -> None:
    session = shop.create()
    shop.control("PATCH", f"stripe/payments/{session['id']}", {"expires_at": session["created"] + 60})
    shop.advance(61)
    assert shop.get(session["id"])["status"] == "expired"


def test_webhook__told_again_in_a_new_event(shop: StripeShop) -> None:
    endpoint = shop.listen(enabled_events=["checkout.session.completed"])
    session_id = shop.create()["id"]
    url = f"stripe/payments/{session_id}/webhook"
    assert shop.try_control("POST", url).status_code == 400, "nothing happened yet"
    shop.set_status(session_id, "paid")
    (delivery,) = shop.control("POST", url)["deliveries"]
    assert shop.events() == ["checkout.session.completed"] * 2
    assert shop.control("GET", f"deliveries/{delivery}")["facts"]["endpoint"] == endpoint["id"]
    unheard = shop.set_status(shop.create(OTHER_KEY)["id"], "paid")["id"]
    assert shop.try_control("POST", f"stripe/payments/{unheard}/webhook").status_code == 400


def test_refund__in_the_dashboard(shop: StripeShop) -> None:
    shop.listen()
    session_id = shop.paid()["id"]
    facts = shop.verb(session_id, "refund", amount=500, status="pending")["simulator"]
    assert shop.events()[5:] == ["refund.created"]
    shop.advance(60)
    (refund,) = facts["refunds"]
    assert (refund["amount"], refund["status"], facts["charges"][0]["amount_refunded"]) == (500, "pending", 0)
    facts = shop.control(
        "POST", f"stripe/payments/{session_id}/refunds/{refund['id']}/status", {"status": "succeeded"}
    )["simulator"]
    assert facts["charges"][0]["amount_refunded"] == 500
    facts = shop.verb(session_id, "refund")["simulator"]
    assert facts["charges"][0]["refunded"] is True
    refused = shop.try_control("POST", f"stripe/payments/{session_id}/refund", {})
    assert refused.status_code == 400 and "already been refunded" in refused.json()["error"]
    assert shop.try_control("POST", f"stripe/payments/{session_id}/refund", {"amount": 0}).status_code == 400


def test_chargeback__won(shop: StripeShop) -> None:
    session_id = shop.paid()["id"]
    shop.listen()
    (dispute,) = shop.verb(session_id, "chargeback")["simulator"]["disputes"]
    facts = shop.control("POST", f"stripe/payments/{session_id}/chargebacks/{dispute['id']}/reverse", {})["simulator"]
    assert facts["disputes"][0]["status"] == "won"
    assert shop.events() == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ]
    assert facts["charges"][0]["disputed"] is True, "that stays for ever"
    refund = shop.call("POST", "/v1/refunds", send={"charge": facts["charges"][0]["id"]})
    assert refund.status_code == 200, "what was won can be refunded"


def test_chargeback__moved_and_refused(shop: StripeShop) -> None:
    session_id = shop.paid()["id"]
    (inquiry,) = shop.verb(session_id, "chargeback", inquiry=True)["simulator"]["disputes"]
    url = f"stripe/payments/{session_id}/chargebacks/{inquiry['id']}"
    shop.control("POST", f"{url}/status", {"status": "needs_response"})
    assert shop.ok("GET", f"/v1/disputes/{inquiry['id']}")["status"] == "needs_response"
    assert shop.try_control("POST", f"{url}/status", {"status": "sad"}).status_code == 400
    other = shop.create()["id"]
    assert shop.try_control("POST", f"stripe/payments/{other}/chargeback", {}).status_code == 400
    wrong = f"stripe/payments/{other}/chargebacks/{inquiry['id']}/reverse"
    assert shop.try_control("POST", wrong, {}).status_code == 404


def facts_of(shop: StripeShop, session: dict[str, Any], verb: str, **body: Any) -> dict[str, Any]:
    facts: dict[str, Any] = shop.verb(session["id"], verb, **body)["simulator"]
    return facts


@pytest.mark.parametrize(
    ("body", "taken"), [({}, 2495), ({"amount": 499, "final": True}, 499), ({"amount": 2495}, 2495)]
)
def test_capture__in_the_dashboard(shop: StripeShop, body: dict[str, Any], taken: int) -> None:
    session = shop.held()
    shop.listen()
    facts = facts_of(shop, session, "capture", **body)
    intent, (charge,) = facts["payment_intent"], facts["charges"]
    assert (intent["status"], intent["amount_received"], intent["amount_capturable"]) == ("succeeded", taken, 0)
    assert (charge["captured"], charge["amount_captured"]) == (True, taken)
    assert shop.events() == ["charge.captured", "payment_intent.succeeded", "charge.updated"]


def test_void_and_lapse__in_the_dashboard(shop: StripeShop) -> None:
    for verb, reason, events in (
        ("void", None, ["payment_intent.canceled"]),
        ("lapse", "automatic", ["charge.expired", "payment_intent.canceled"]),
    ):
        shop.control("POST", "reset")
        session = shop.held()
        shop.listen()
        intent = facts_of(shop, session, verb)["payment_intent"]
        assert (intent["status"], intent["cancellation_reason"], intent["amount_capturable"]) == (
            "canceled",
            reason,
            0,
        )
        assert shop.events() == events
        shop.advance(8 * 86400)
        assert shop.events() == events, "what is gone does not lapse again"


@pytest.mark.parametrize("verb", ["capture", "void", "lapse"])
def test_holds__without_a_webhook_and_refused(shop: StripeShop, verb: str) -> None:
    shop.listen()

    def refusal(session_id: str, **body: Any) -> int:
        return shop.try_control("POST", f"stripe/payments/{session_id}/{verb}", body).status_code

    held, told = shop.held(), len(shop.events())
    facts_of(shop, held, verb, webhook=False)
    assert len(shop.events()) == told
    assert refusal(held["id"]) == 400, "it is gone by now"
    assert refusal(shop.paid()["id"]) == 400
    assert refusal(shop.create()["id"]) == 400
    assert refusal("cs_test_no") == 404
    assert refusal(shop.held()["id"], colour="red") == 400


@pytest.mark.parametrize("body", [{"amount": 2496}, {"amount": 0}, {"amount": "5"}, {"final": False}, {"final": 1}])
def test_capture__wrong_amounts_change_nothing(shop: StripeShop, body: dict[str, Any]) -> None:
    session = shop.held()
    assert shop.try_control("POST", f"stripe/payments/{session['id']}/capture", body).status_code == 400
    assert shop.get(session["id"]) == session


def test_chargeback__lost(shop: StripeShop) -> None:
    session = shop.paid()
    (dispute,) = facts_of(shop, session, "chargeback", amount=800)["disputes"]
    shop.listen()
    url = f"stripe/payments/{session['id']}/chargebacks/{dispute['id']}"
    (lost,) = shop.control("POST", f"{url}/lose", {})["simulator"]["disputes"]
    assert (lost["status"], lost["amount"]) == ("lost", 800)
    assert [(line["object"], line["amount"]) for line in lost["balance_transactions"]] == [
        ("balance_transaction", -800)
    ]
    assert shop.events() == ["charge.dispute.closed"]
    assert shop.try_control("POST", f"{url}/lose", {}).status_code == 400
    refund = shop.call("POST", "/v1/refunds", send={"charge": dispute["charge"], "amount": 100})
    assert refund.json()["error"]["code"] == "charge_disputed"


def test_chargeback__of_more_than_was_taken_is_refused(shop: StripeShop) -> None:
    session = shop.held()
    path = f"stripe/payments/{session['id']}/chargeback"
    assert shop.try_control("POST", path, {}).status_code == 400, "nothing was taken yet"
    shop.verb(session["id"], "capture", amount=800)
    assert shop.try_control("POST", path, {"amount": 801}).status_code == 400
    assert shop.verb(session["id"], "chargeback", amount=800)["simulator"]["disputes"][0]["amount"] == 800


def test_inquiry__takes_money_only_when_it_becomes_a_dispute(shop: StripeShop) -> None:
    session = shop.paid()
    (inquiry,) = facts_of(shop, session, "chargeback", inquiry=True)["disputes"]
    assert (inquiry["balance_transactions"], inquiry["is_charge_refundable"]) == ([], True)
    url = f"stripe/payments/{session['id']}/chargebacks/{inquiry['id']}"
    assert shop.try_control("POST", f"{url}/lose", {}).status_code == 400
    shop.listen()
    (dispute,) = shop.control("POST", f"{url}/status", {"status": "needs_response"})["simulator"]["disputes"]
    assert [line["amount"] for line in dispute["balance_transactions"]] == [-2495]
    assert dispute["is_charge_refundable"] is False
    assert shop.events() == ["charge.dispute.updated", "charge.dispute.funds_withdrawn"]
    (won,) = shop.control("POST", f"{url}/reverse", {})["simulator"]["disputes"]
    assert [line["amount"] for line in won["balance_transactions"]] == [-2495, 2495]


def test_endpoints__listed_with_their_secrets(shop: StripeShop) -> None:
    made = shop.listen(secret="whsec_chosen")
    (listed,) = shop.control("GET", "stripe/webhook_endpoints")
    assert listed["id"] == made["id"] and listed["secret"] == "whsec_chosen"
    for body in ({}, {"api_key": "x", "url": "http://127.0.0.1/"}, {"api_key": KEY, "url": 1}):
        assert shop.try_control("POST", "stripe/webhook_endpoints", body).status_code in (400, 401)
    assert shop.try_control("POST", "stripe/webhook_endpoints/we_no/rotate", {}).status_code == 404


def test_settings__say_what_they_mean(shop: StripeShop) -> None:
    values = shop.control("GET", "stripe/settings")
    assert values["meaning"].keys() == values.keys() - {"meaning"}
    assert shop.try_control("POST", "stripe/settings", {"colour": "red"}).status_code == 400
    assert shop.try_control("POST", "stripe/settings", {"completed_wait": 11}).status_code == 400
    shop.switch(methods=["card"])
    assert shop.create()["payment_method_types"] == ["card"]


def test_panel(shop: StripeShop, receiver: Receiver) -> None:
    shop.listen(enabled_events=["checkout.session.completed"])
    session = shop.create()
    shop.pay(session, DECLINED)
    page = shop.session.get(f"{shop.root}/?provider=stripe", timeout=5).text
    assert session["id"] in page and "24.95 EUR" in page and "requires_payment_method" in page
    token = re.findall(r'name="token" value="([^"]+)"', page)[0]

    def press(action: str) -> int:
        form = {"token": token, "provider": "stripe", "action": action}
        url = f"{shop.root}/panel/payments/{session['id']}"
        return shop.session.post(url, data=form, timeout=5, allow_redirects=False).status_code

    assert press("refund") == 400, "the only charge failed"
    assert press("paid") == 303
    assert press("webhook") == 303
    assert press("refund") == 303
    assert press("dance") == 400
    assert len(receiver.wait_for(2)) == 2
    assert shop.get(session["id"])["payment_intent"]["latest_charge"]["refunded"] is True


def test_state__survives_a_restart(tmp_path: Any) -> None:
    with requests.Session() as http:
        with start(state=tmp_path) as running:
            shop = StripeShop(running.url, http, "http://127.0.0.1:9/hook")
            session_id = shop.held()["id"]
        with start(state=tmp_path) as running:
            shop = StripeShop(running.url, http, "http://127.0.0.1:9/hook")
            shop.advance(7 * 86400 + 1)
            assert shop.get(session_id)["payment_intent"]["status"] == "canceled"


def test_panel__what_happens_to_the_money_later(shop: StripeShop) -> None:
    def press(session: dict[str, Any], action: str) -> int:
        page = shop.session.get(f"{shop.root}/?provider=stripe", timeout=5).text
        token = re.findall(r'name="token" value="([^"]+)"', page)[0]
        form = {"token": token, "provider": "stripe", "action": action}
        url = f"{shop.root}/panel/payments/{session['id']}"
        return shop.session.post(url, data=form, timeout=5, allow_redirects=False).status_code

    captured, void, lapsed, disputed = shop.held(), shop.held(), shop.held(), shop.paid()
    assert [press(captured, "capture"), press(void, "void"), press(lapsed, "lapse")] == [303] * 3
    states = [shop.get(each["id"])["payment_intent"]["status"] for each in (captured, void, lapsed)]
    assert states == ["succeeded", "canceled", "canceled"]
    assert [press(void, "capture"), press(captured, "void"), press(disputed, "lapse"), press(disputed, "win")] == [
        400
    ] * 4
    assert [press(disputed, action) for action in ("inquiry", "win", "chargeback", "lose")] == [303] * 4
    ends = [
        each["status"] for each in shop.control("GET", f"stripe/payments/{disputed['id']}")["simulator"]["disputes"]
    ]
    assert ends == ["warning_closed", "lost"]
    assert press(shop.create(), "capture") == 400
