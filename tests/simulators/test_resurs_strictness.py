"""What the official PHP library insists on when it reads answers, applied to the Resurs simulator."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from django_payflow.simulators import Running, start
from tests.simulators.kit import Receiver
from tests.simulators.resurs_kit import STORE, ResursShop, line, shop_at, sums


@pytest.fixture
def shop(running: Running, receiver: Receiver) -> Iterator[ResursShop]:
    with shop_at(running.url, receiver.url) as shop:
        yield shop


UUID = re.compile(r"^[\da-f]{8}-[\da-f]{4}-[0-5][\da-f]{3}-[\da-d][\da-f]{3}-[\da-f]{12}$", re.IGNORECASE)
MOMENT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
URL = re.compile(r"^https?://[-a-zA-Z0-9+&@#/%?=~_|!:,.;]*[-a-zA-Z0-9+&@#/%=~_|]$")
STATUSES = {"TASK_REDIRECTION_REQUIRED", "INSPECTION", "SUPPLEMENTING_REQUIRED", "FROZEN", "ACCEPTED", "REJECTED"}
ACTIONS = {"CAPTURE", "PARTIAL_CAPTURE", "CANCEL", "PARTIAL_CANCEL", "REFUND", "PARTIAL_REFUND"}
AMOUNTS = ("totalOrderAmount", "canceledAmount", "authorizedAmount", "capturedAmount", "refundedAmount")


def is_number(value: Any, decimals: int = 2) -> bool:
    return type(value) in (int, Decimal) and Decimal(value).as_tuple().exponent >= -decimals


def check_line(line: dict[str, Any]) -> None:
    for name in ("quantity", "vatRate", "totalAmountIncludingVat", "unitAmountIncludingVat", "totalVatAmount"):
        assert is_number(line[name]), name
    assert line["quantity"] >= Decimal("0.01") and 0 <= line["vatRate"] <= 100
    assert isinstance(line["quantityUnit"], str)


def check_payment(payment: dict[str, Any]) -> None:
    """Everything the library's models and validators look at in a payment."""
    assert UUID.match(payment["id"]) and UUID.match(payment["storeId"]) and MOMENT.match(payment["created"])
    assert payment["status"] in STATUSES
    assert isinstance(payment["customer"], dict) and payment["paymentMethod"]["name"]
    order = payment["order"]
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,36}", order["orderReference"])
    assert all(is_number(order[name]) for name in AMOUNTS)
    assert {each["action"] for each in order["possibleActions"]} <= ACTIONS
    assert order["actionLog"][0]["type"] == "CREATE"
    for entry in order["actionLog"]:
        assert UUID.match(entry["actionId"]) and MOMENT.match(entry["created"])
        assert 1 <= len(entry["orderLines"]) <= 1000
        for each in entry["orderLines"]:
            check_line(each)
    assert is_number(payment["application"]["requestedCreditLimit"])
    assert all(type(payment["application"][name]) is int for name in ("approvedCreditLimit", "reference"))
    urls = payment.get("taskRedirectionUrls")
    assert urls is None or (URL.match(urls["customerUrl"]) and URL.match(urls["merchantUrl"]))


def facts(payment: dict[str, Any]) -> set[str]:
    """What the library derives from amounts and actions; there are no statuses for it."""
    order = payment["order"]
    possible = {each["action"] for each in order["possibleActions"]}
    total, canceled, authorized, captured, refunded = (order[name] for name in AMOUNTS)
    found = set()
    if not possible & {"CAPTURE", "PARTIAL_CAPTURE"} and authorized == 0 and captured > 0 and captured != refunded:
        found.add("captured")
    if authorized == 0 and captured > 0 and captured == refunded:
        found.add("refunded")
    if authorized == 0 and canceled == total:
        found.add("cancelled")
    return found


def test_payments__readable_in_every_state(shop: ResursShop) -> None:
    for word in (
        "open",
        "authorized",
        "paid",
        "processing",
        "frozen",
        "inspection",
        "supplementing",
        "failed",
        "expired",
    ):
        payment = shop.create()
        shop.set_status(payment["id"], word)
        check_payment(shop.get(payment["id"]))
    rows = shop.good("POST", "/v2/payments/search", {"storeId": STORE})["content"]
    assert len(rows) == 9
    for row in rows:
        check_payment(row)


def test_facts__follow_the_money(shop: ResursShop) -> None:
    payment = shop.accepted(order={"orderLines": [line(99.99, quantity=3, vatRate=12), line(-0.99, vatRate=6)]})
    path = f"/v2/payments/{payment['id']}"
    assert facts(payment) == set()
    steps: list[tuple[str, list[dict[str, Any]], set[str]]] = [
        ("capture", [line(33.33)], set()),
        ("capture", [], {"captured"}),
        ("refund", [line(0.01)], {"captured"}),
        ("refund", [], {"refunded"}),
    ]
    for what, lines, expected in steps:
        answered = shop.good("POST", f"{path}/{what}", {"orderLines": lines} if lines else {})
        check_payment(answered)
        assert facts(answered) == expected
    assert sums(answered) == ("99.0", "0.0", "99.0", "99.0", "0.0")
    gone = shop.accepted()
    assert facts(shop.good("POST", f"/v2/payments/{gone['id']}/cancel", {})) == {"cancelled"}


def test_lists__readable(shop: ResursShop) -> None:
    base = f"/v2/stores/{STORE}/payment_methods"
    for method in shop.good("GET", base)["content"]:
        for bound in ("minPurchaseLimit", "maxPurchaseLimit", "minApplicationLimit", "maxApplicationLimit"):
            assert is_number(method[bound]) and method[bound] >= 0
        assert all(URL.match(link["url"]) and isinstance(link["appendAmount"], bool) for link in method["legalLinks"])
        factors = shop.good("GET", f"{base}/{method['id']}/annuity_factors")["content"]
        assert bool(factors) is method["priceSignagePossible"]
        for factor in factors:
            assert type(factor["durationMonths"]) is int and isinstance(factor["paymentPlanName"], str)
            assert all(is_number(factor[name], 9) for name in ("annuityFactor", "setupFee", "administrationFee"))
        if factors:
            for cost in shop.good("GET", f"{base}/{method['id']}/price_signage?amount=1000.5")["costList"]:
                assert type(cost["durationMonths"]) is int
                assert all(is_number(value) and value >= 0 for value in cost.values())


def test_state_on_disk__tokens_payments_and_timers_survive(tmp_path: Path) -> None:
    with requests.Session() as session:
        with start(state=tmp_path) as running:
            shop = ResursShop(running.url, session, running.url)
            payment = shop.create(governmentId="198001010001", options={"callbacks": None})
            shop.sign(payment)
        with start(state=tmp_path) as running:
            again = ResursShop(running.url, session, running.url)
            again.token = shop.token
            assert again.get(payment["id"])["status"] == "FROZEN"
            again.advance(5)
            assert again.get(payment["id"])["status"] == "ACCEPTED"
