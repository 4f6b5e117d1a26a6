"""Capture, cancel, refunds and disputes through the API, and finding payments again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulators.wooshpay_kit import KEY, OTHER_KEY, WooshShop, opened_shop

woosh = pytest.fixture(opened_shop)

WEEK = 7 * 86400


def authorized(woosh: WooshShop, **changes: Any) -> dict[str, Any]:
    session = woosh.manual(**changes)
    woosh.set_status(session, "authorized")
    return session


def path(session: dict[str, Any], verb: str) -> str:
    return f"/v1/payment_intents/{session['payment_intent']}/{verb}"


def refund(woosh: WooshShop, session: dict[str, Any], **body: Any) -> Any:
    return woosh.call("POST", "/v1/refunds", {"payment_intent": session["payment_intent"]} | body)


# -- capture and cancel ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("body", "captured"), [(None, 1234), ({}, 1234), ({"amount_to_capture": 800}, 800)])
def test_capture__whole_or_part_once(woosh: WooshShop, body: Any, captured: int) -> None:
    woosh.register()
    session = authorized(woosh)
    intent = woosh.good("POST", path(session, "capture"), body)
    assert (intent["status"], intent["amount"]) == ("succeeded", 1234)
    assert (intent["amount_received"], intent["amount_capturable"]) == (captured, 0)
    assert woosh.get(session["id"])["payment_status"] == "paid"
    assert woosh.told() == ["payment_intent.created", "payment_intent.succeeded"]
    (charge,) = woosh.good("GET", "/v1/charges")["data"]
    assert (charge["captured"], charge["amount_captured"], charge["amount"]) == (True, captured, 1234)
    assert woosh.call("POST", path(session, "capture")).status_code == 400
    woosh.advance(WEEK + 10)
    assert woosh.intent(session)["status"] == "succeeded"


@pytest.mark.parametrize("amount", [0, -1, 1235, "800", 8.5, True])
def test_capture__unfit_amounts(woosh: WooshShop, amount: Any) -> None:
    session = authorized(woosh)
    answer = woosh.call("POST", path(session, "capture"), {"amount_to_capture": amount})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "amount_to_capture")
    assert woosh.intent(session)["status"] == "requires_capture"


def test_capture__only_what_was_reserved(woosh: WooshShop) -> None:
    for session in (woosh.create(), woosh.paid()):
        answer = woosh.call("POST", path(session, "capture"))
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "payment_intent_unexpected_state")
    assert woosh.call("POST", path(authorized(woosh), "capture"), key=OTHER_KEY).status_code == 404


def test_authorization__lapses_after_seven_days(woosh: WooshShop) -> None:
    woosh.register()
    session = authorized(woosh)
    woosh.advance(WEEK - 10)
    assert woosh.intent(session)["status"] == "requires_capture"
    woosh.advance(20)
    intent = woosh.intent(session)
    assert (intent["status"], intent["amount_capturable"], intent["amount_received"]) == ("canceled", 0, 0)
    assert woosh.told()[-1] == "payment_intent.canceled"
    assert woosh.call("POST", path(session, "capture")).status_code == 400


def test_cancel__a_sessions_intent_is_expired_instead(woosh: WooshShop) -> None:
    session = woosh.create()
    body = {"cancellation_reason": "customer cancelled"}
    for status in ("requires_payment_method", "requires_confirmation", "requires_action"):
        woosh.set_status(session, status)
        answer = woosh.call("POST", path(session, "cancel"), body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "payment_intent_in_session")
    assert "expire the session" in answer.json()["error"]["message"]
    answer = woosh.call("POST", path(woosh.paid(), "cancel"), body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "payment_intent_unexpected_state")


def test_cancel__releases_what_was_reserved_unless_switched(woosh: WooshShop) -> None:
    woosh.register()
    session = authorized(woosh)
    assert woosh.call("POST", path(session, "cancel"), {}).json()["error"]["param"] == "cancellation_reason"
    woosh.switch(cancel_authorized=False)
    body = {"cancellation_reason": "requested_by_customer"}
    assert woosh.call("POST", path(session, "cancel"), body).status_code == 400
    woosh.switch(cancel_authorized=True)
    intent = woosh.good("POST", path(session, "cancel"), body)
    assert (intent["status"], intent["cancellation_reason"]) == ("canceled", "requested_by_customer")
    assert intent["amount_capturable"] == 0
    assert woosh.told()[-1] == "payment_intent.canceled"


# -- refunds --------------------------------------------------------------------------------------------


def test_refund__the_sample(woosh: WooshShop) -> None:
    woosh.register()
    session = woosh.paid()
    answer = refund(woosh, session, amount=500, reason="requested_by_customer", metadata={"refund_ref": "RF-1"})
    made = answer.json()
    assert answer.status_code == 200
    assert (
        made
        | {
            "object": "refund",
            "amount": 500,
            "currency": "USD",
            "metadata": {"refund_ref": "RF-1"},
            "payment_intent": session["payment_intent"],
            "reason": "requested_by_customer",
            "receipt_number": None,
            "status": "succeeded",
            "description": None,
            "failure_reason": None,
        }
        == made
    )
    assert made["id"].startswith("re_") and len(made) == 12
    assert woosh.good("GET", f"/v1/refunds/{made['id']}") == made
    assert woosh.call("GET", f"/v1/refunds/{made['id']}", key=OTHER_KEY).status_code == 404
    assert woosh.intent(session)["status"] == "succeeded"
    assert woosh.told()[-1] == "charge.refund.updated"
    assert woosh.call("GET", "/v1/refunds").status_code == 405, "there is no list of refunds"


def test_refund__parts_as_text_or_number_up_to_the_sum(woosh: WooshShop) -> None:
    session = woosh.paid()
    assert refund(woosh, session, amount="500").json()["amount"] == 500
    assert refund(woosh, session, amount=700).json()["amount"] == 700
    assert refund(woosh, session, amount=35).status_code == 400
    assert refund(woosh, session).json()["amount"] == 34
    assert refund(woosh, session).status_code == 400
    (charge,) = woosh.good("GET", "/v1/charges")["data"]
    assert (charge["amount_refunded"], charge["refunded"]) == (1234, True)


@pytest.mark.parametrize(
    "body",
    [
        {"payment_intent": None},
        {"payment_intent": "cs_1"},
        {"amount": 0},
        {"amount": -5},
        {"amount": "5.00"},
        {"amount": 5.0},
        {"amount": True},
        {"amount": 1235},
        {"reason": "mood"},
        {"metadata": "x"},
        {"charge": "ch_1"},
    ],
)
def test_refund__refused(woosh: WooshShop, body: dict[str, Any]) -> None:
    session = woosh.paid()
    assert refund(woosh, session, **body).status_code == 400
    assert woosh.control("GET", f"wooshpay/payments/{session['id']}")["refunds"] == []


def test_refund__needs_money_and_the_permission(woosh: WooshShop) -> None:
    assert refund(woosh, woosh.create()).status_code == 400
    session = woosh.paid()
    assert (
        woosh.call("POST", "/v1/refunds", {"payment_intent": session["payment_intent"]}, OTHER_KEY).status_code == 404
    )
    woosh.switch(refunds_enabled=False)
    assert refund(woosh, session).status_code == 402
    woosh.switch(error_envelope="flat")
    assert refund(woosh, session).json()["code"] == "refunds_not_enabled"


def test_refund__of_a_partial_capture(woosh: WooshShop) -> None:
    session = authorized(woosh)
    woosh.good("POST", path(session, "capture"), {"amount_to_capture": 800})
    assert refund(woosh, session, amount=801).status_code == 400
    assert refund(woosh, session).json()["amount"] == 800


def test_refund__pending_first(woosh: WooshShop) -> None:
    woosh.register()
    woosh.switch(refund_starts="pending", refund_seconds=100)
    session = woosh.paid()
    made = refund(woosh, session, amount=1000).json()
    assert made["status"] == "pending"
    assert refund(woosh, session, amount=1000).status_code == 400, "what is pending counts"
    woosh.advance(101)
    assert woosh.good("GET", f"/v1/refunds/{made['id']}")["status"] == "succeeded"
    assert woosh.told()[-2:] == ["charge.refund.updated"] * 2


def test_refund__one_per_idempotency_key(woosh: WooshShop) -> None:
    session = woosh.paid()
    body = {"payment_intent": session["payment_intent"], "amount": 100}
    ids = {
        woosh.good("POST", "/v1/refunds", body, headers={"Idempotency-Key": "refund-1"})["id"] for _again in range(3)
    }
    assert len(ids) == 1
    assert len(woosh.control("GET", f"wooshpay/payments/{session['id']}")["refunds"]) == 1


# -- control verbs about money back ---------------------------------------------------------------------


def test_dashboard_refund__and_its_failure(woosh: WooshShop) -> None:
    woosh.register()
    session = woosh.paid()
    payment = woosh.verb(session, "refund", {"amount": 234})
    (made,) = payment["refunds"]
    assert (made["amount"], made["status"]) == (234, "succeeded")
    failed = woosh.verb(session, f"refunds/{made['id']}/status", {"status": "failed"})["refunds"][0]
    assert (failed["status"], failed["failure_reason"]) == ("failed", "unknown")
    assert woosh.told()[-2:] == ["charge.refund.updated"] * 2
    assert woosh.verb(session, "refund", {"webhook": False})["refunds"][1]["amount"] == 1234
    assert len(woosh.told()) == 4
    pending = woosh.paid()
    assert woosh.verb(pending, "refund", {"status": "pending"})["refunds"][0]["status"] == "pending"


def test_dispute__made_lost_and_won(woosh: WooshShop) -> None:
    woosh.register()
    session = woosh.paid()
    (dispute,) = woosh.verb(session, "chargeback", {"amount": 1000})["disputes"]
    assert (dispute["object"], dispute["status"], dispute["amount"]) == ("dispute", "needs_response", 1000)
    assert woosh.good("GET", f"/v1/disputes/{dispute['id']}") == dispute
    woosh.verb(session, f"disputes/{dispute['id']}/status", {"status": "lost"})
    assert woosh.good("GET", f"/v1/disputes/{dispute['id']}")["status"] == "lost"
    woosh.verb(session, f"chargebacks/{dispute['id']}/reverse")
    assert woosh.good("GET", f"/v1/disputes/{dispute['id']}")["status"] == "won"
    assert woosh.told()[-3:] == ["charge.dispute.updated"] * 3
    assert woosh.good("GET", f"/v1/charges/{dispute['charge']}")["disputed"] is True
    early = woosh.verb(woosh.paid(), "chargeback", {"status": "warning_needs_response"})
    assert early["disputes"][0]["status"] == "warning_needs_response"


def test_dispute__begins_as_an_inquiry_that_is_closed(woosh: WooshShop) -> None:
    woosh.register()
    session = woosh.paid()
    (inquiry,) = woosh.verb(session, "chargeback", {"inquiry": True, "amount": 300})["disputes"]
    assert (inquiry["status"], inquiry["amount"]) == ("warning_needs_response", 300)
    closed = woosh.verb(session, f"chargebacks/{inquiry['id']}/reverse")["disputes"]
    assert [each["status"] for each in closed] == ["warning_closed"]
    assert woosh.told()[-2:] == ["charge.dispute.updated"] * 2


def test_dispute__is_lost_for_good(woosh: WooshShop) -> None:
    woosh.register()
    session = woosh.paid()
    (dispute,) = woosh.verb(session, "chargeback")["disputes"]
    lost = woosh.verb(session, f"chargebacks/{dispute['id']}/lose", {"webhook": False})["disputes"]
    assert [each["status"] for each in lost] == ["lost"]
    assert woosh.told()[-1:] == ["charge.dispute.updated"] and len(woosh.told()) == 3
    woosh.verb(session, f"chargebacks/{dispute['id']}/lose")
    assert len(woosh.told()) == 4


# -- control verbs about reserved money -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "captured"), [({}, 1234), ({"amount": 800}, 800), ({"amount": 1234, "final": False}, 1234)]
)
def test_dashboard_capture__whole_or_part_once(woosh: WooshShop, body: dict[str, Any], captured: int) -> None:
    woosh.register()
    session = authorized(woosh)
    payment = woosh.verb(session, "capture", body)
    assert (payment["status"], payment["intent"]["amount_received"]) == ("paid", captured)
    assert (payment["intent"]["amount_capturable"], payment["charges"][0]["amount_captured"]) == (0, captured)
    assert woosh.told()[-1] == "payment_intent.succeeded"
    assert woosh.try_control("POST", f"wooshpay/payments/{session['id']}/capture", {}).status_code == 400


@pytest.mark.parametrize("verb", ["void", "lapse"])
def test_dashboard_release__and_lapse(woosh: WooshShop, verb: str) -> None:
    woosh.register()
    session = authorized(woosh)
    payment = woosh.verb(session, verb)
    reason = {"void": None, "lapse": "automatic"}[verb]
    assert (payment["status"], payment["intent"]["cancellation_reason"]) == ("canceled", reason)
    assert payment["intent"]["amount_capturable"] == 0
    assert woosh.told()[-1] == "payment_intent.canceled"


@pytest.mark.parametrize("verb", ["capture", "void", "lapse"])
def test_reserved_money__silently(woosh: WooshShop, verb: str) -> None:
    woosh.register()
    session = authorized(woosh)
    assert woosh.verb(session, verb, {"webhook": False})["status"] in ("paid", "canceled")
    assert woosh.told() == ["payment_intent.created"]


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("capture", {"amount": 1235}),
        ("capture", {"amount": 0}),
        ("capture", {"amount": "800"}),
        ("capture", {"amount": 800, "final": False}),
        ("capture", {"final": 1}),
        ("capture", {"sum": 800}),
        ("void", {"amount": 800}),
        ("lapse", {"webhook": "no"}),
        ("refund", {}),
        ("chargeback", {}),
    ],
)
def test_reserved_money__refused_in_words(woosh: WooshShop, verb: str, body: dict[str, Any]) -> None:
    session = authorized(woosh)
    answer = woosh.try_control("POST", f"wooshpay/payments/{session['id']}/{verb}", body)
    assert answer.status_code == 400 and len(answer.json()["error"]) > 10
    assert woosh.intent(session)["status"] == "requires_capture"


@pytest.mark.parametrize("status", ["open", "paid", "canceled", "expired", "processing"])
def test_reserved_money__there_has_to_be_some(woosh: WooshShop, status: str) -> None:
    session = authorized(woosh)
    woosh.set_status(session, status)
    for verb in ("capture", "void", "lapse"):
        answer = woosh.try_control("POST", f"wooshpay/payments/{session['id']}/{verb}", {})
        assert (answer.status_code, "only reserved money" in answer.json()["error"]) == (400, True)


# -- faults of these operations -------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["capture", "cancel", "refund"])
@pytest.mark.parametrize(
    ("fault", "done"),
    [({"kind": "5xx"}, False), ({"kind": "429"}, False), ({"kind": "5xx", "done": True}, True)],
)
def test_fault__done_or_not(woosh: WooshShop, operation: str, fault: dict[str, Any], done: bool) -> None:
    session = woosh.paid() if operation == "refund" else authorized(woosh)
    woosh.control("POST", "faults", {"provider": "wooshpay", "on": operation, "times": 1, **fault})
    calls: dict[str, tuple[str, dict[str, Any]]] = {
        "capture": (path(session, "capture"), {"amount_to_capture": 800}),
        "cancel": (path(session, "cancel"), {"cancellation_reason": "requested_by_customer"}),
        "refund": ("/v1/refunds", {"payment_intent": session["payment_intent"], "amount": 800}),
    }
    where, body = calls[operation]
    assert woosh.call("POST", where, body, headers={"Idempotency-Key": "key-1"}).status_code in (429, 500, 503)
    assert moved(woosh, session) is done
    woosh.good("POST", where, body, headers={"Idempotency-Key": "key-1"})
    assert moved(woosh, session)
    assert len(woosh.control("GET", f"wooshpay/payments/{session['id']}")["refunds"]) == (operation == "refund")


def moved(woosh: WooshShop, session: dict[str, Any]) -> bool:
    payment = woosh.control("GET", f"wooshpay/payments/{session['id']}")
    captured_by_hand = payment["intent"]["capture_method"] == "manual"
    return payment["intent"]["status"] != "requires_capture" if captured_by_hand else bool(payment["refunds"])


def test_money_back__refused_in_words(woosh: WooshShop) -> None:
    open_session, paid = woosh.create(), woosh.paid()
    for session, verb, body in (
        (open_session, "refund", {}),
        (open_session, "chargeback", {}),
        (paid, "refund", {"amount": "5"}),
        (paid, "refund", {"amount": 99999}),
        (paid, "refund", {"status": "lost"}),
        (paid, "refund", {"sum": 1}),
        (paid, "chargeback", {"status": "succeeded"}),
        (paid, "chargeback", {"amount": 1235}),
        (paid, "chargeback", {"inquiry": "yes"}),
    ):
        answer = woosh.try_control("POST", f"wooshpay/payments/{session['id']}/{verb}", body)
        assert answer.status_code == 400 and len(answer.json()["error"]) > 10
    for gone in ("refunds/re_1/status", "disputes/dp_1/status", "chargebacks/dp_1/reverse", "chargebacks/dp_1/lose"):
        assert woosh.try_control("POST", f"wooshpay/payments/{paid['id']}/{gone}", {}).status_code == 404
    payment = woosh.control("GET", f"wooshpay/payments/{paid['id']}")
    assert (payment["refunds"], payment["disputes"]) == ([], [])


# -- finding again --------------------------------------------------------------------------------------


def search(woosh: WooshShop, query: str, **more: Any) -> Any:
    return woosh.call("GET", "/v1/payment_intents/search", params={"query": query} | more)


def test_search__by_merchant_order_id(woosh: WooshShop) -> None:
    found = search(woosh, "merchant_order_id:'ORD100045'")
    assert found.json() == {"object": "list", "url": "/v1/payment_intents/search", "has_more": False, "data": []}
    woosh.create()
    assert search(woosh, "merchant_order_id:'ORD100045'").json()["data"] == [], "unproven, so off"
    woosh.switch(reference_on_intent=True)
    sessions = [woosh.create(payment_intent_data=None) for _number in range(2)]
    woosh.create(OTHER_KEY)
    answer = search(woosh, "merchant_order_id:'ORD100045'").json()
    assert [each["id"] for each in answer["data"]] == [each["payment_intent"] for each in sessions[::-1]]
    assert answer["data"][0]["metadata"] == {"order_id": "ORD100045"}
    limited = search(woosh, 'merchant_order_id:"ORD100045"', limit=1).json()
    assert (len(limited["data"]), limited["has_more"]) == (1, True)
    in_body = woosh.good("GET", "/v1/payment_intents/search", {"query": "merchant_order_id:'ORD100045'", "limit": 1})
    assert in_body == limited


@pytest.mark.parametrize(
    ("query", "more"),
    [("", {}), ("order", {}), ("metadata['x']:'y'", {}), ("merchant_order_id:'x'", {"limit": 101})],
)
def test_search__misuse(woosh: WooshShop, query: str, more: dict[str, Any]) -> None:
    assert search(woosh, query, **more).status_code == 400


def test_lists__of_intents_and_charges_belong_to_the_account(woosh: WooshShop) -> None:
    sessions = [woosh.paid() for _number in range(3)]
    woosh.create(OTHER_KEY)
    page = woosh.good("GET", "/v1/payment_intents", {"limit": 2})
    assert [each["id"] for each in page["data"]] == [each["payment_intent"] for each in sessions[:0:-1]]
    assert (page["has_more"], page["url"]) == (True, "/v1/payment_intents")
    assert len(woosh.good("GET", "/v1/charges")["data"]) == 3
    assert woosh.good("GET", "/v1/charges", key=OTHER_KEY)["data"] == []
    charge = woosh.good("GET", "/v1/charges?limit=1")["data"][0]
    assert woosh.good("GET", f"/v1/charges/{charge['id']}") == charge
    assert woosh.call("GET", f"/v1/charges/{charge['id']}", key=OTHER_KEY).status_code == 404
    for kind, wanted in (("payment_intents", "pi_1"), ("charges", "ch_1"), ("disputes", "dp_1"), ("events", "evt_1")):
        assert woosh.call("GET", f"/v1/{kind}/{wanted}", key=KEY).status_code == 404
        assert woosh.call("GET", f"/v1/{kind}/nonsense", key=KEY).status_code == 400
