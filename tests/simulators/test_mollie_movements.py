"""Captures, releases, refunds and chargebacks."""

from __future__ import annotations

import re
from typing import Any

import pytest
import requests

from tests.simulators.kit import ADDRESS, OTHER_KEY, Shop

HOUR, DAY = 3600, 86400


def eur(value: str) -> dict[str, str]:
    return {"currency": "EUR", "value": value}


def authorized(shop: Shop, **changes: Any) -> str:
    payment = shop.create(**{"method": "creditcard", "captureMode": "manual", "amount": eur("10.00"), **changes})
    return str(shop.set_status(payment["id"], "authorized")["id"])


def klarna(shop: Shop) -> str:
    line = {"description": "Chair", "quantity": 1, "unitPrice": eur("10.00"), "totalAmount": eur("10.00")}
    return authorized(shop, method="klarna", captureMode=None, lines=[line], billingAddress=ADDRESS)


def capture(shop: Shop, payment_id: str, **body: Any) -> requests.Response:
    return shop.call("POST", f"/v2/payments/{payment_id}/captures", json=body)


def refund(shop: Shop, payment_id: str, value: str | None, **body: Any) -> requests.Response:
    amount = {} if value is None else {"amount": eur(value)}
    return shop.call("POST", f"/v2/payments/{payment_id}/refunds", json=amount | body)


# -- captures and release -----------------------------------------------------------------------------------


def test_capture__pending_then_succeeded_then_paid(shop: Shop) -> None:
    payment_id = authorized(shop)
    answer = capture(shop, payment_id, description="Shipped", metadata={"parcel": 1})
    made = answer.json()
    assert answer.status_code == 201
    assert made["resource"] == "capture"
    assert made["id"].startswith("cpt_")
    assert (made["status"], made["amount"], made["paymentId"]) == (
        "pending",
        {"value": "10.00", "currency": "EUR"},
        payment_id,
    )
    assert (made["description"], made["metadata"]) == ("Shipped", {"parcel": 1})
    assert {"self", "payment", "documentation"} <= set(made["_links"])
    assert shop.get(payment_id)["status"] == "authorized"

    shop.advance(10)
    paid = shop.get(payment_id, embed="captures")
    assert paid["status"] == "paid"
    assert paid["paidAt"] and paid["authorizedAt"]
    assert paid["amountCaptured"]["value"] == paid["amountRemaining"]["value"] == "10.00"
    assert [each["status"] for each in paid["_embedded"]["captures"]] == ["succeeded"]
    assert shop.call("GET", made["_links"]["self"]["href"]).json()["status"] == "succeeded"
    assert len(shop.deliveries()) == 2, "authorized, and the capture's change"


def test_capture__in_part_pays_a_card_payment_with_what_was_taken(shop: Shop) -> None:
    payment_id = authorized(shop)
    capture(shop, payment_id, amount=eur("8.00"))
    shop.advance(10)
    paid = shop.get(payment_id)
    assert paid["status"] == "paid"
    assert (paid["amountCaptured"]["value"], paid["amountRemaining"]["value"]) == ("8.00", "8.00")
    assert refund(shop, payment_id, "10.00").json()["field"] == "amount.value"


def test_capture__several_while_the_method_allows_it(shop: Shop) -> None:
    payment_id = klarna(shop)
    capture(shop, payment_id, amount=eur("4.00"))
    shop.advance(10)
    assert shop.get(payment_id)["status"] == "authorized"
    assert shop.get(payment_id)["amountCaptured"]["value"] == "4.00"
    capture(shop, payment_id)
    shop.advance(10)
    assert shop.get(payment_id)["status"] == "paid"
    assert shop.call("GET", f"/v2/payments/{payment_id}/captures").json()["count"] == 2


def test_capture__refused(shop: Shop) -> None:
    payment_id = authorized(shop)
    assert capture(shop, payment_id, amount=eur("10.01")).json()["field"] == "amount.value"
    wrong_currency = {"currency": "USD", "value": "1.00"}
    assert capture(shop, payment_id, amount=wrong_currency).json()["field"] == "amount.currency"
    assert capture(shop, payment_id, amount=eur("1")).json()["field"] == "amount.value"
    assert capture(shop, payment_id, what="ever").json()["field"] == "what"
    assert capture(shop, payment_id).status_code == 201
    assert capture(shop, payment_id).status_code == 422, "all of it is on its way already"
    assert capture(shop, shop.paid()["id"]).status_code == 422
    assert capture(shop, "tr_unknown").status_code == 404
    assert shop.call("POST", f"/v2/payments/{payment_id}/captures", OTHER_KEY, json={}).status_code == 404


def test_capture__the_bank_says_no(shop: Shop) -> None:
    payment_id = authorized(shop)
    made = capture(shop, payment_id).json()["id"]
    shop.control("POST", f"mollie/payments/{payment_id}/captures/{made}/status", {"status": "failed"})
    assert shop.get(payment_id)["status"] == "authorized"
    assert len(shop.deliveries()) == 2
    shop.advance(60)
    assert shop.call("GET", f"/v2/payments/{payment_id}/captures/{made}").json()["status"] == "failed"
    late = shop.set_status(payment_id, "paid", webhook=False)
    assert late["amountRemaining"]["value"] == "10.00", "a capture that failed took nothing away"
    shop.set_status(payment_id, "authorized", webhook=False)
    assert capture(shop, payment_id).status_code == 201, "and may be tried again"


def test_capture__after_the_hold_lapsed_fails_the_payment(shop: Shop) -> None:
    shop.control("POST", "mollie/settings", {"lapsed_hold": "stays"})
    payment_id = authorized(shop)
    shop.advance(8 * DAY)
    assert shop.get(payment_id)["status"] == "authorized"
    assert capture(shop, payment_id).status_code == 201
    shop.advance(10)
    assert shop.get(payment_id)["status"] == "failed"


def test_release__202_without_body_then_canceled(shop: Shop) -> None:
    payment_id = authorized(shop)
    answer = shop.call("POST", f"/v2/payments/{payment_id}/release-authorization")
    assert (answer.status_code, answer.content) == (202, b"")
    assert shop.get(payment_id)["status"] == "authorized"
    shop.advance(10)
    assert shop.get(payment_id)["status"] == "canceled"
    assert len(shop.deliveries()) == 2
    again = shop.call("POST", f"/v2/payments/{payment_id}/release-authorization")
    assert again.status_code == 422


def test_release__after_a_capture_is_paid(shop: Shop) -> None:
    payment_id = klarna(shop)
    capture(shop, payment_id, amount=eur("4.00"))
    shop.advance(10)
    shop.call("POST", f"/v2/payments/{payment_id}/release-authorization")
    shop.advance(10)
    paid = shop.get(payment_id)
    assert (paid["status"], paid["amountCaptured"]["value"], paid["amountRemaining"]["value"]) == (
        "paid",
        "4.00",
        "4.00",
    )


def test_cancel__voids_an_authorization(shop: Shop) -> None:
    payment_id = authorized(shop)
    assert shop.call("DELETE", f"/v2/payments/{payment_id}").json()["status"] == "canceled"


# -- refunds ------------------------------------------------------------------------------------------------


def test_refund__from_pending_to_the_buyer(shop: Shop) -> None:
    payment = shop.paid()
    answer = refund(shop, payment["id"], "10.00", description="Broken", metadata={"case": 9})
    made = answer.json()
    assert answer.status_code == 201
    assert (made["resource"], made["status"], made["paymentId"]) == ("refund", "pending", payment["id"])
    assert made["amount"] == {"value": "10.00", "currency": "EUR"}
    assert made["settlementAmount"] == {"value": "-10.00", "currency": "EUR"}
    assert (made["description"], made["metadata"]) == ("Broken", {"case": 9})
    now = shop.get(payment["id"], embed="refunds")
    assert now["status"] == "paid"
    assert (now["amountRefunded"]["value"], now["amountRemaining"]["value"]) == ("10.00", "14.95")
    assert now["_embedded"]["refunds"][0]["id"] == made["id"]
    assert now["_links"]["refunds"]["href"].endswith(f"{payment['id']}/refunds")

    href = made["_links"]["self"]["href"]
    assert len(shop.deliveries()) == 1, "a pending refund tells nobody"
    shop.advance(2 * HOUR + 60)
    assert shop.call("GET", href).json()["status"] == "processing"
    shop.advance(DAY + 60)
    assert shop.call("GET", href).json()["status"] == "refunded"
    assert len(shop.deliveries()) == 3


def test_refund__time_may_jump_over_several_steps(shop: Shop) -> None:
    payment = shop.paid()
    made = refund(shop, payment["id"], "1.00").json()
    shop.advance(30 * DAY)
    assert shop.call("GET", made["_links"]["self"]["href"]).json()["status"] == "refunded"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "amount"),
        ({"amount": eur("24.96")}, "amount.value"),
        ({"amount": eur("0.00")}, "amount.value"),
        ({"amount": eur("5")}, "amount.value"),
        ({"amount": {"currency": "USD", "value": "1.00"}}, "amount.currency"),
        ({"amount": eur("1.00"), "testmode": True}, "testmode"),
        ({"amount": eur("1.00"), "description": "x" * 256}, "description"),
    ],
)
def test_refund__refused(shop: Shop, body: dict[str, Any], field: str) -> None:
    payment_id = shop.paid()["id"]
    answer = shop.call("POST", f"/v2/payments/{payment_id}/refunds", json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert shop.get(payment_id)["amountRefunded"]["value"] == "0.00"


def test_refund__not_before_it_is_paid_and_not_for_every_method(shop: Shop) -> None:
    assert refund(shop, shop.create()["id"], "1.00").status_code == 422
    card = shop.paid(method="paysafecard")
    assert "amountRemaining" not in card
    assert refund(shop, card["id"], "1.00").status_code == 422


def test_refund__the_same_amount_within_an_hour_is_409(shop: Shop) -> None:
    payment_id = shop.paid()["id"]
    assert refund(shop, payment_id, "5.00").status_code == 201
    duplicate = refund(shop, payment_id, "5.00")
    assert (duplicate.status_code, duplicate.json()["title"]) == (409, "Conflict")
    assert refund(shop, payment_id, "5.01").status_code == 201
    assert refund(shop, shop.paid()["id"], "5.00").status_code == 201
    shop.advance(HOUR + 1)
    assert refund(shop, payment_id, "5.00").status_code == 201


def test_refund__with_one_key_is_made_once(shop: Shop) -> None:
    payment_id = shop.paid()["id"]
    answers = [
        shop.call(
            "POST",
            f"/v2/payments/{payment_id}/refunds",
            json={"amount": eur("5.00")},
            headers={"Idempotency-Key": "r"},
        )
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert shop.get(payment_id)["amountRefunded"]["value"] == "5.00"


def test_refund__canceled_while_it_waits(shop: Shop) -> None:
    payment_id = shop.paid()["id"]
    href = refund(shop, payment_id, "5.00").json()["_links"]["self"]["href"]
    answer = shop.call("DELETE", href)
    assert (answer.status_code, answer.content) == (204, b"")
    assert shop.call("GET", href).status_code == 404
    assert shop.get(payment_id)["amountRemaining"]["value"] == "24.95"
    assert shop.call("GET", f"/v2/payments/{payment_id}/refunds").json()["count"] == 0
    shop.control("POST", "mollie/settings", {"canceled_refunds": "shown"})
    assert shop.call("GET", href).json()["status"] == "canceled"


def test_refund__on_its_way_cannot_be_canceled(shop: Shop) -> None:
    payment_id = shop.paid()["id"]
    href = refund(shop, payment_id, "5.00").json()["_links"]["self"]["href"]
    shop.advance(3 * HOUR)
    assert shop.call("DELETE", href).status_code == 422


def test_refund__queued_without_balance_waits(shop: Shop) -> None:
    shop.control("POST", "mollie/settings", {"refund_starts": "queued"})
    payment_id = shop.paid()["id"]
    made = refund(shop, payment_id, "5.00").json()
    assert made["status"] == "queued"
    shop.advance(7 * DAY)
    href = made["_links"]["self"]["href"]
    assert shop.call("GET", href).json()["status"] == "queued"
    shop.control("POST", f"mollie/payments/{payment_id}/refunds/{made['id']}/status", {"status": "pending"})
    shop.advance(3 * HOUR)
    assert shop.call("GET", href).json()["status"] == "processing"


def test_refund__comes_back_failed(shop: Shop) -> None:
    payment_id = shop.paid()["id"]
    made = refund(shop, payment_id, "5.00").json()
    shop.control("POST", f"mollie/payments/{payment_id}/refunds/{made['id']}/status", {"status": "failed"})
    assert shop.get(payment_id)["amountRefunded"]["value"] == "0.00"
    assert len(shop.deliveries()) == 2


def test_refund__in_the_dashboard_takes_all_that_remains(shop: Shop) -> None:
    payment_id = shop.paid()["id"]
    refund(shop, payment_id, "5.00")
    now = shop.control("POST", f"mollie/payments/{payment_id}/refund", {"status": "refunded"})
    assert now["amountRemaining"]["value"] == "0.00"
    assert [each["amount"]["value"] for each in now["_embedded"]["refunds"]] == ["5.00", "19.95"]
    assert len(shop.deliveries()) == 2, "paid, and refunded"
    refused = shop.try_control("POST", f"mollie/payments/{payment_id}/refund", {})
    assert refused.status_code == 422


def test_refunds__of_the_whole_account_in_pages(shop: Shop) -> None:
    made = [refund(shop, shop.paid()["id"], "1.00").json()["id"] for _ in range(3)][::-1]
    page = shop.call("GET", "/v2/refunds", params={"limit": "2"}).json()
    rest = shop.call("GET", page["_links"]["next"]["href"]).json()
    assert [each["id"] for each in page["_embedded"]["refunds"] + rest["_embedded"]["refunds"]] == made
    assert shop.call("GET", "/v2/refunds", OTHER_KEY).json()["count"] == 0


# -- chargebacks --------------------------------------------------------------------------------------------


def test_chargeback__and_its_reversal(shop: Shop) -> None:
    payment_id = shop.paid()["id"]
    shop.control("POST", f"mollie/payments/{payment_id}/chargeback", {})
    now = shop.get(payment_id, embed="chargebacks")
    back = now["_embedded"]["chargebacks"][0]
    assert now["status"] == "paid"
    assert (now["amountChargedBack"]["value"], now["amountRemaining"]["value"]) == ("24.95", "0.00")
    assert back["id"].startswith("chb_")
    assert (back["reversedAt"], back["settlementAmount"]["value"]) == (None, "-24.95")
    assert set(back["reason"]) == {"code", "description"}
    assert shop.call("GET", f"/v2/payments/{payment_id}/chargebacks").json()["count"] == 1

    shop.control("POST", f"mollie/payments/{payment_id}/chargebacks/{back['id']}/reverse", {})
    href = back["_links"]["self"]["href"]
    assert shop.call("GET", href).json()["reversedAt"]
    assert shop.get(payment_id)["amountRemaining"]["value"] == "24.95"
    assert len(shop.deliveries()) == 3


def test_chargeback__in_part(shop: Shop) -> None:
    payment_id = shop.paid()["id"]
    now = shop.control("POST", f"mollie/payments/{payment_id}/chargeback", {"amount": eur("4.95"), "webhook": False})
    assert (now["amountChargedBack"]["value"], now["amountRemaining"]["value"]) == ("4.95", "20.00")
    assert len(shop.deliveries()) == 1
    assert shop.try_control("POST", f"mollie/payments/{shop.create()['id']}/chargeback", {}).status_code == 400


def test_chargeback__never_takes_more_than_there_is(shop: Shop) -> None:
    payment_id = shop.paid()["id"]
    path = f"mollie/payments/{payment_id}/chargeback"
    for value in ("24.96", "0.00"):
        assert shop.try_control("POST", path, {"amount": eur(value)}).status_code == 400
    shop.control("POST", path, {"amount": eur("20.00")})
    shop.control("POST", path, {})
    now = shop.get(payment_id, embed="chargebacks")
    assert [each["amount"]["value"] for each in now["_embedded"]["chargebacks"]] == ["20.00", "4.95"]
    assert shop.try_control("POST", path, {}).status_code == 400
    assert shop.try_control("POST", path, {"inquiry": True}).status_code == 400, "there is no such thing here"


def test_chargeback__is_reversed_once(shop: Shop) -> None:
    payment_id = shop.paid()["id"]
    back = shop.control("POST", f"mollie/payments/{payment_id}/chargeback", {})["_embedded"]["chargebacks"][0]["id"]
    path = f"mollie/payments/{payment_id}/chargebacks/{back}/reverse"
    shop.control("POST", path, {"webhook": False})
    assert len(shop.deliveries()) == 2, "paid, and charged back"
    assert shop.try_control("POST", path, {}).status_code == 400
    shop.control("POST", f"mollie/payments/{payment_id}/chargeback", {})


# -- what dashboards and banks do to an authorization -------------------------------------------------------


def test_dashboard__captures_everything_at_once(shop: Shop) -> None:
    payment_id = authorized(shop)
    now = shop.control("POST", f"mollie/payments/{payment_id}/capture", {})
    assert (now["status"], now["amountCaptured"]["value"]) == ("paid", "10.00")
    assert [each["status"] for each in now["_embedded"]["captures"]] == ["succeeded"]
    assert len(shop.deliveries()) == 2
    assert shop.try_control("POST", f"mollie/payments/{payment_id}/capture", {}).status_code == 422


def test_dashboard__captures_a_part_and_keeps_or_lets_go_of_the_rest(shop: Shop) -> None:
    path = f"mollie/payments/{klarna(shop)}/capture"
    now = shop.control("POST", path, {"amount": eur("4.00"), "final": False, "webhook": False})
    assert (now["status"], now["amountCaptured"]["value"]) == ("authorized", "4.00")
    assert len(shop.deliveries()) == 1
    now = shop.control("POST", path, {"amount": eur("1.00")})
    assert (now["status"], now["amountCaptured"]["value"], now["amountRemaining"]["value"]) == (
        "paid",
        "5.00",
        "5.00",
    )
    assert len(shop.deliveries()) == 2


@pytest.mark.parametrize(("verb", "status"), [("void", "canceled"), ("lapse", "expired")])
def test_dashboard__an_authorization_ends(shop: Shop, verb: str, status: str) -> None:
    payment_id = authorized(shop)
    path = f"mollie/payments/{payment_id}/{verb}"
    assert shop.control("POST", path, {"webhook": False})["status"] == status
    assert "captureBefore" not in shop.get(payment_id)
    assert len(shop.deliveries()) == 1
    assert shop.try_control("POST", path, {}).status_code == 422
    assert shop.try_control("POST", f"mollie/payments/{shop.paid()['id']}/{verb}", {}).status_code == 422
    assert shop.control("POST", f"mollie/payments/{authorized(shop)}/{verb}", {})["status"] == status
    assert len(shop.deliveries()) == 4, "of three payments their first news, and of the last its end"


def test_dashboard__a_capture_of_too_much_is_refused_and_changes_nothing(shop: Shop) -> None:
    payment_id = authorized(shop)
    for amount in (eur("10.01"), eur("0.00"), {"currency": "USD", "value": "1.00"}):
        refused = shop.try_control("POST", f"mollie/payments/{payment_id}/capture", {"amount": amount})
        assert refused.status_code == 422
    assert shop.get(payment_id, embed="captures")["_embedded"]["captures"] == []


def test_release__takes_a_capture_with_it_that_is_still_with_the_bank(shop: Shop) -> None:
    payment_id = klarna(shop)
    shop.control("POST", "mollie/settings", {"capture_seconds": 60})
    capture(shop, payment_id, amount=eur("4.00"))
    shop.call("POST", f"/v2/payments/{payment_id}/release-authorization")
    shop.advance(10)
    now = shop.get(payment_id, embed="captures")
    assert (now["status"], now["_embedded"]["captures"][0]["status"]) == ("canceled", "failed")
    shop.advance(100)
    assert shop.get(payment_id)["status"] == "canceled"


def test_release__that_the_issuer_ignores(shop: Shop) -> None:
    payment_id = authorized(shop)
    shop.control("POST", "mollie/settings", {"release_works": False})
    assert shop.call("POST", f"/v2/payments/{payment_id}/release-authorization").status_code == 202
    shop.advance(HOUR)
    assert shop.get(payment_id)["status"] == "authorized"


@pytest.mark.parametrize("name", ["capture", "refund", "release"])
def test_faults__work_for_what_moves_money(shop: Shop, name: str) -> None:
    payment_id = shop.paid()["id"] if name == "refund" else authorized(shop)
    path = {"capture": "captures", "refund": "refunds", "release": "release-authorization"}[name]
    body = {} if name == "release" else {"amount": eur("1.00")}

    def ask() -> requests.Response:
        headers = {"Idempotency-Key": "f"}
        return shop.call("POST", f"/v2/payments/{payment_id}/{path}", json=body, headers=headers)

    for fault, status in (({"kind": "5xx", "status": 500}, 500), ({"kind": "429"}, 429)):
        shop.fault(name, times=1, **fault)
        assert ask().status_code == status
    assert shop.get(payment_id, embed="captures,refunds")["_embedded"] == {"captures": [], "refunds": []}
    shop.fault(name, "lost_answer", times=1)
    with pytest.raises(requests.ConnectionError):
        ask()
    again = ask()
    assert again.headers["Idempotent-Replayed"] == "true"
    made = shop.get(payment_id, embed="captures,refunds")["_embedded"]
    assert len(made["captures"]) + len(made["refunds"]) == (0 if name == "release" else 1)


@pytest.mark.parametrize("name", ["capture", "refund"])
def test_idempotency__the_same_key_with_another_amount_is_a_400(shop: Shop, name: str) -> None:
    payment_id = shop.paid()["id"] if name == "refund" else authorized(shop)
    path, headers = f"/v2/payments/{payment_id}/{name}s", {"Idempotency-Key": "x"}
    assert shop.call("POST", path, json={"amount": eur("1.00")}, headers=headers).status_code == 201
    assert shop.call("POST", path, json={"amount": eur("2.00")}, headers=headers).status_code == 400
    assert shop.call("GET", path).json()["count"] == 1


def test_panel__has_a_button_for_each(shop: Shop) -> None:
    for action, status in (("capture", "paid"), ("void", "canceled"), ("lapse", "expired")):
        payment_id = authorized(shop)
        page = shop.session.get(f"{shop.root}/", timeout=5).text
        token = re.search(r'name="token" value="([\w-]+)"', page)
        assert token and f'value="{action}"' in page
        form = {"token": token[1], "provider": "mollie", "action": action}
        shop.session.post(f"{shop.root}/panel/payments/{payment_id}", data=form, timeout=5)
        assert shop.get(payment_id)["status"] == status
