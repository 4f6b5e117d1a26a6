"""What becomes of payments as simulated time passes, and what moves their status."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.simulators.kit import Receiver, Shop

MINUTE, HOUR, DAY = 60, 3600, 86400


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("method", "seconds"),
    [
        ("ideal", 15 * MINUTE),
        ("creditcard", 30 * MINUTE),
        ("mybank", 45 * MINUTE),
        ("bancontact", HOUR),
        ("paypal", 72 * HOUR),
        ("banktransfer", 12 * DAY),
        (["ideal", "creditcard"], 15 * MINUTE),
    ],
)
def test_expiry__by_method_and_by_itself(shop: Shop, receiver: Receiver, method: object, seconds: int) -> None:
    payment = shop.create(method=method)
    due = moment(payment["expiresAt"])
    assert abs(due - moment(payment["createdAt"]) - timedelta(seconds=seconds)) <= timedelta(seconds=1)

    shop.advance(seconds - 5)
    assert shop.get(payment["id"])["status"] == "open"
    assert receiver.seen == []
    shop.advance(10)
    expired = shop.get(payment["id"])
    assert expired["status"] == "expired"
    assert moment(expired["expiredAt"]) == due
    assert [seen.body for seen in receiver.wait_for(1)] == [f"id={payment['id']}".encode()]


def test_expiry__due_date_of_a_bank_transfer(shop: Shop) -> None:
    now = moment(shop.control("GET", "clock")["now"])
    wanted = now.date() + timedelta(days=10)
    payment = shop.create(method="banktransfer", dueDate=wanted.isoformat())
    due = datetime.fromisoformat(payment["dueDate"]).date()
    assert due.weekday() < 5
    assert wanted <= due <= wanted + timedelta(days=2)
    shop.advance(9 * DAY)
    assert shop.get(payment["id"])["status"] == "open"
    shop.advance(4 * DAY)
    assert shop.get(payment["id"])["status"] == "expired"


def test_expiry__not_once_something_happened(shop: Shop) -> None:
    ids = {status: shop.set_status(shop.create()["id"], status)["id"] for status in ("pending", "paid", "failed")}
    ids["canceled"] = shop.create()["id"]
    shop.control("PATCH", f"mollie/payments/{ids['canceled']}", {"status": "canceled"})
    shop.advance(HOUR)
    assert {status: shop.get(payment_id)["status"] for status, payment_id in ids.items()} == {
        status: status for status in ids
    }


def test_late_success__expired_then_paid(shop: Shop) -> None:
    payment = shop.create()
    shop.advance(HOUR)
    assert shop.get(payment["id"])["status"] == "expired"
    late = shop.set_status(payment["id"], "paid")
    assert late["status"] == "paid"
    assert "expiredAt" not in late
    assert len(shop.deliveries()) == 2


@pytest.mark.parametrize(
    ("status", "webhooks"),
    [("open", 0), ("pending", 0), ("authorized", 1), ("paid", 1), ("failed", 1), ("canceled", 1), ("expired", 1)],
)
def test_status__webhooks_as_documented(shop: Shop, status: str, webhooks: int) -> None:
    shop.set_status(shop.create()["id"], status)
    assert len(shop.deliveries()) == webhooks


def test_status__webhook_suppressed_and_method_named(shop: Shop) -> None:
    payment = shop.set_status(shop.create()["id"], "paid", webhook=False, method="paypal")
    assert (payment["status"], payment["method"]) == ("paid", "paypal")
    assert shop.deliveries() == []


def test_no_webhook_url__nothing_is_sent(shop: Shop) -> None:
    payment = shop.paid(webhookUrl=None)
    assert shop.deliveries() == []
    refused = shop.try_control("POST", f"mollie/payments/{payment['id']}/webhook")
    assert (refused.status_code, "webhookUrl" in refused.json()["error"]) == (400, True)


def test_authorized__holds_for_a_week_then_lapses(shop: Shop) -> None:
    payment = shop.set_status(shop.create(method="creditcard", captureMode="manual")["id"], "authorized")
    held = moment(payment["captureBefore"]) - moment(payment["authorizedAt"])
    assert held == timedelta(days=7)
    assert payment["isCancelable"] is True
    assert "checkout" not in payment["_links"]
    shop.advance(7 * DAY - 60)
    assert shop.get(payment["id"])["status"] == "authorized"
    shop.advance(120)
    assert shop.get(payment["id"])["status"] == "expired"


def test_capture_delay__captured_without_being_asked(shop: Shop) -> None:
    payment = shop.set_status(shop.create(method="creditcard", captureDelay="2 days")["id"], "authorized")
    shop.advance(2 * DAY - 60)
    assert shop.get(payment["id"])["status"] == "authorized"
    shop.advance(120)
    paid = shop.get(payment["id"])
    assert (paid["status"], paid["amountCaptured"]["value"]) == ("paid", "24.95")
