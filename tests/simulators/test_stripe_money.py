"""Captures, voids, refunds and disputes: what they do, and what refuses them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulators.kit import Shop
from tests.simulators.stripe_kit import DECLINED, OTHER_KEY, StripeShop, stripe_shop

SLOW_REFUND, BAD_REFUND = "4000000000007726", "4000000000005126"


@pytest.fixture
def shop(shop: Shop) -> StripeShop:
    return stripe_shop(shop)


def intent_of(session: dict[str, Any]) -> str:
    return str(session["payment_intent"]["id"])


def paid_with(shop: StripeShop, number: str) -> dict[str, Any]:
    session = shop.create()
    shop.pay(session, number)
    return shop.get(session["id"])


# -- captures -------------------------------------------------------------------------------------------


def test_hold__then_capture(shop: StripeShop) -> None:
    shop.listen()
    session = shop.held()
    intent = session["payment_intent"]
    charge = intent["latest_charge"]
    assert (session["status"], session["payment_status"]) == ("complete", "unpaid")
    assert (intent["status"], intent["amount_capturable"], intent["amount_received"]) == ("requires_capture", 2495, 0)
    assert (charge["status"], charge["paid"], charge["captured"]) == ("succeeded", True, False)
    before = charge["payment_method_details"]["card"]["capture_before"]
    assert before - charge["created"] == 7 * 86400
    taken = shop.ok("POST", f"/v1/payment_intents/{intent['id']}/capture")
    assert (taken["status"], taken["amount_capturable"], taken["amount_received"]) == ("succeeded", 0, 2495)
    assert shop.get(session["id"])["payment_status"] == "paid"
    assert shop.events() == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.amount_capturable_updated",
        "checkout.session.completed",
        "charge.captured",
        "payment_intent.succeeded",
        "charge.updated",
    ]


def test_capture__of_a_part(shop: StripeShop) -> None:
    intent_id = intent_of(session := shop.held())
    url = f"/v1/payment_intents/{intent_id}/capture"
    error = shop.refused("POST", url, send={"amount_to_capture": 2496})
    assert (error["code"], error["param"]) == ("amount_too_large", "amount_to_capture")
    assert shop.refused("POST", url, send={"amount_to_capture": 0})["code"] == "parameter_invalid_integer"
    assert shop.refused("POST", url, send={"final_capture": "false"})["param"] == "final_capture"
    taken = shop.ok("POST", url, send={"amount_to_capture": 2000})
    assert (taken["amount"], taken["amount_received"]) == (2495, 2000)
    charge = shop.get(session["id"])["payment_intent"]["latest_charge"]
    assert (charge["amount_captured"], charge["amount_refunded"], charge["refunded"]) == (2000, 0, False)
    assert shop.ok("GET", "/v1/refunds")["data"] == [], "since basil a partial capture makes no refund"
    again = shop.refused("POST", url)
    assert again["code"] == "payment_intent_unexpected_state" and again["payment_intent"]["status"] == "succeeded"


def test_void(shop: StripeShop) -> None:
    intent_id = intent_of(session := shop.held())
    url = f"/v1/payment_intents/{intent_id}/cancel"
    assert shop.refused("POST", url, send={"cancellation_reason": "mood"})["param"] == "cancellation_reason"
    void = shop.ok("POST", url, send={"cancellation_reason": "requested_by_customer"})
    assert (void["status"], void["cancellation_reason"]) == ("canceled", "requested_by_customer")
    assert shop.refused("POST", url)["code"] == "payment_intent_unexpected_state"
    after = shop.get(session["id"])
    assert (after["status"], after["payment_status"]) == ("complete", "unpaid")
    assert after["payment_intent"]["latest_charge"]["refunded"] is False


@pytest.mark.parametrize("number", [DECLINED, "4242424242424242"])
def test_void__only_while_a_capture_is_awaited(shop: StripeShop, number: str) -> None:
    intent_id = intent_of(paid_with(shop, number))
    assert (
        shop.refused("POST", f"/v1/payment_intents/{intent_id}/cancel")["code"] == "payment_intent_unexpected_state"
    )


def test_hold__lapses_after_seven_days(shop: StripeShop) -> None:
    shop.listen()
    session = shop.held()
    shop.advance(7 * 86400 - 60)
    assert shop.get(session["id"])["payment_intent"]["status"] == "requires_capture"
    shop.advance(61)
    intent = shop.get(session["id"])["payment_intent"]
    assert (intent["status"], intent["cancellation_reason"]) == ("canceled", "automatic")
    assert shop.events()[-2:] == ["charge.expired", "payment_intent.canceled"]
    error = shop.refused("POST", f"/v1/payment_intents/{intent['id']}/capture")
    assert error["code"] == "payment_intent_unexpected_state"


def test_hold__lapsed_but_not_canceled_yet(shop: StripeShop) -> None:
    shop.switch(lapsed_hold="stays")
    intent_id = intent_of(shop.held())
    shop.advance(8 * 86400)
    error = shop.refused("POST", f"/v1/payment_intents/{intent_id}/capture")
    assert error["code"] == "charge_expired_for_capture"


# -- refunds --------------------------------------------------------------------------------------------


def test_refund__in_two_parts(shop: StripeShop) -> None:
    session = shop.paid()
    shop.listen()
    charge_id = session["payment_intent"]["latest_charge"]["id"]
    first = shop.ok(
        "POST",
        "/v1/refunds",
        send={"payment_intent": intent_of(session), "amount": 500, "metadata": {"a": "1"}, "reason": "duplicate"},
    )
    assert (first["object"], first["status"], first["amount"], first["charge"]) == (
        "refund",
        "succeeded",
        500,
        charge_id,
    )
    assert first["id"].startswith("re_") and first["metadata"] == {"a": "1"} and first["reason"] == "duplicate"
    assert "livemode" not in first and "failure_reason" not in first and "pending_reason" not in first
    charge = shop.ok("GET", f"/v1/charges/{charge_id}")
    assert (charge["amount_refunded"], charge["refunded"]) == (500, False)
    rest = shop.ok("POST", "/v1/refunds", send={"charge": charge_id})
    assert rest["amount"] == 1995
    charge = shop.ok("GET", f"/v1/charges/{charge_id}")
    assert (charge["amount_refunded"], charge["refunded"]) == (2495, True)
    after = shop.get(session["id"])
    assert (after["payment_status"], after["payment_intent"]["status"]) == ("paid", "succeeded")
    listed = shop.ok("GET", "/v1/refunds", send={"payment_intent": intent_of(session)})
    assert [each["id"] for each in listed["data"]] == [rest["id"], first["id"]]
    assert shop.events() == ["refund.created", "charge.refunded"] * 2


def test_refund__refusals(shop: StripeShop) -> None:
    session, held = shop.paid(), shop.held()
    intent_id, charge_id = intent_of(session), session["payment_intent"]["latest_charge"]["id"]
    failed = shop.create()
    shop.pay(failed, DECLINED)

    def refusal(status: int = 400, **send: Any) -> tuple[str | None, str | None, str]:
        error = shop.refused("POST", "/v1/refunds", status, send=send)
        assert error["type"] == "invalid_request_error"
        return error.get("code"), error.get("param"), error["message"]

    assert refusal()[:2] == (None, None)
    assert refusal(payment_intent=intent_id, amount=0)[:2] == ("parameter_invalid_integer", "amount")
    assert refusal(payment_intent=intent_id, amount=-5)[:2] == ("parameter_invalid_integer", "amount")
    code, param, message = refusal(payment_intent=intent_id, amount=2496)
    assert (code, param) == (None, "amount") and "greater than charge amount" in message
    assert refusal(payment_intent=intent_of(held))[:2] == (None, None)
    assert refusal(payment_intent=intent_of(shop.get(failed["id"])))[:2] == (None, None)
    assert refusal(404, charge="ch_unknown")[:2] == ("resource_missing", "id")
    assert refusal(404, payment_intent="pi_unknown")[0] == "resource_missing"
    shop.ok("POST", "/v1/refunds", send={"charge": charge_id, "amount": 495})
    code, param, message = refusal(charge=charge_id, amount=2001)
    assert (code, param) == (None, "amount") and "unrefunded amount" in message
    shop.ok("POST", "/v1/refunds", send={"charge": charge_id})
    assert refusal(charge=charge_id)[:2] == ("charge_already_refunded", None)
    assert refusal(charge=charge_id, colour="red")[:2] == ("parameter_unknown", "colour")
    assert shop.call("POST", "/v1/refunds", OTHER_KEY, send={"charge": charge_id}).status_code == 404


def test_refund__that_takes_its_time(shop: StripeShop) -> None:
    session = paid_with(shop, SLOW_REFUND)
    shop.listen()
    refund = shop.ok("POST", "/v1/refunds", send={"payment_intent": intent_of(session), "amount": 500})
    assert (refund["status"], refund["pending_reason"], refund["balance_transaction"]) == (
        "pending",
        "processing",
        None,
    )
    assert shop.get(session["id"])["payment_intent"]["latest_charge"]["amount_refunded"] == 0
    assert shop.refused("POST", "/v1/refunds", send={"payment_intent": intent_of(session), "amount": 1996})
    shop.advance(11)
    done = shop.ok("GET", f"/v1/refunds/{refund['id']}", send={"expand": ["balance_transaction"]})
    assert (done["status"], done["balance_transaction"]["amount"]) == ("succeeded", -500)
    assert shop.get(session["id"])["payment_intent"]["latest_charge"]["amount_refunded"] == 500
    assert shop.events() == ["refund.created", "refund.updated", "charge.refund.updated", "charge.refunded"]


def test_refund__that_fails_later(shop: StripeShop) -> None:
    session = paid_with(shop, BAD_REFUND)
    shop.listen()
    refund = shop.ok("POST", "/v1/refunds", send={"payment_intent": intent_of(session)})
    assert refund["status"] == "succeeded"
    shop.advance(11)
    failed = shop.ok("GET", f"/v1/refunds/{refund['id']}")
    assert failed["status"] == "failed" and failed["failure_reason"]
    charge = shop.get(session["id"])["payment_intent"]["latest_charge"]
    assert (charge["amount_refunded"], charge["refunded"]) == (0, False)
    assert "refund.failed" in shop.events()


def test_refund__canceled_and_updated(shop: StripeShop) -> None:
    session = shop.paid()
    done = shop.ok("POST", "/v1/refunds", send={"payment_intent": intent_of(session), "amount": 100})
    error = shop.refused("POST", f"/v1/refunds/{done['id']}/cancel")
    assert "code" not in error
    shop.switch(refund_starts="requires_action")
    waiting = shop.ok("POST", "/v1/refunds", send={"payment_intent": intent_of(session), "amount": 100})
    assert waiting["status"] == "requires_action" and "next_action" in waiting
    assert shop.ok("POST", f"/v1/refunds/{waiting['id']}/cancel")["status"] == "canceled"
    updated = shop.ok("POST", f"/v1/refunds/{done['id']}", send={"metadata": {"note": "x"}})
    assert updated["metadata"] == {"note": "x"}
    charge = shop.get(session["id"])["payment_intent"]["latest_charge"]
    assert charge["amount_refunded"] == 100


def test_refund__of_a_direct_debit(shop: StripeShop) -> None:
    session = shop.create()
    shop.debit(session)
    shop.advance(11)
    refund = shop.ok("POST", "/v1/refunds", send={"payment_intent": intent_of(shop.get(session["id"]))})
    assert (refund["status"], refund["destination_details"]["type"]) == ("pending", "sepa_debit")


# -- disputes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "reason", "status", "events"),
    [
        (
            "4000000000000259",
            "fraudulent",
            "needs_response",
            ["charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.updated"],
        ),
        (
            "4000000000002685",
            "product_not_received",
            "needs_response",
            ["charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.updated"],
        ),
        ("4000000000001976", "fraudulent", "warning_needs_response", ["charge.dispute.created", "charge.updated"]),
    ],
)
def test_dispute_cards(shop: StripeShop, number: str, reason: str, status: str, events: list[str]) -> None:
    session = paid_with(shop, number)
    shop.listen()
    shop.advance(6)
    assert shop.events() == events
    (dispute,) = shop.ok("GET", "/v1/disputes", send={"payment_intent": intent_of(session)})["data"]
    assert (dispute["reason"], dispute["status"], dispute["amount"]) == (reason, status, 2495)
    assert shop.ok("GET", f"/v1/disputes/{dispute['id']}")["charge"] == dispute["charge"]
    charge = shop.get(session["id"])["payment_intent"]["latest_charge"]
    assert charge["disputed"] is True
    answer = shop.call("POST", "/v1/refunds", send={"charge": charge["id"], "amount": 100})
    if status == "needs_response":
        assert answer.json()["error"]["code"] == "charge_disputed"
    else:
        assert answer.status_code == 200, "an inquiry takes no money"


def test_early_fraud_warning(shop: StripeShop) -> None:
    session = paid_with(shop, "4000000000005423")
    shop.listen()
    shop.advance(6)
    assert shop.events() == ["radar.early_fraud_warning.created"]
    assert shop.get(session["id"])["payment_intent"]["latest_charge"]["disputed"] is False


@pytest.mark.parametrize(
    ("evidence", "status", "last"),
    [
        ("winning_evidence", "won", ["charge.dispute.closed", "charge.dispute.funds_reinstated"]),
        ("losing_evidence", "lost", ["charge.dispute.updated", "charge.dispute.closed"]),
        ("I sent it", "under_review", ["charge.updated", "charge.dispute.updated"]),
    ],
)
def test_dispute__answered(shop: StripeShop, evidence: str, status: str, last: list[str]) -> None:
    session = shop.paid()
    shop.listen()
    facts = shop.verb(session["id"], "chargeback", amount=2000)["simulator"]
    (dispute,) = facts["disputes"]
    assert dispute["amount"] == 2000
    url = f"/v1/disputes/{dispute['id']}"
    assert shop.ok("POST", url, send={"evidence": {"uncategorized_text": evidence}})["status"] == status
    assert shop.events()[-2:] == last
    if status != "under_review":
        shop.refused("POST", f"{url}/close")


def test_dispute__given_up(shop: StripeShop) -> None:
    session = shop.paid()
    (dispute,) = shop.verb(session["id"], "chargeback")["simulator"]["disputes"]
    assert shop.ok("POST", f"/v1/disputes/{dispute['id']}/close")["status"] == "lost"


# -- search ---------------------------------------------------------------------------------------------


def test_search__lags_and_reads_metadata(shop: StripeShop) -> None:
    session = shop.paid()
    query = {"query": "metadata['attempt']:'9b1d' AND status:'succeeded'"}
    assert shop.ok("GET", "/v1/payment_intents/search", send=query)["data"] == []
    shop.advance(31)
    shop.paid(payment_intent_data={"metadata": {"attempt": "other"}})
    shop.advance(31)
    found = shop.ok("GET", "/v1/payment_intents/search", send=query)
    assert (found["object"], found["next_page"]) == ("search_result", None)
    assert [each["id"] for each in found["data"]] == [intent_of(session)]
    page = shop.ok("GET", "/v1/payment_intents/search", send={"query": "amount>2000", "limit": 1})
    assert page["has_more"] is True
    more = {"query": "amount>2000", "limit": 1, "page": page["next_page"]}
    assert [each["id"] for each in shop.ok("GET", "/v1/payment_intents/search", send=more)["data"]] == [
        intent_of(session)
    ]


@pytest.mark.parametrize("query", ["", "colour:'red'", "metadata['a':'b'", "amount>1 AND amount<3 OR amount:2"])
def test_search__refused(shop: StripeShop, query: str) -> None:
    assert shop.refused("GET", "/v1/payment_intents/search", send={"query": query})["param"] == "query"
