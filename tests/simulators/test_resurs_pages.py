"""The hosted gateway of the Resurs simulator, as a buyer walks through it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from django_payflow.simulators import Running
from tests.simulators.kit import Receiver
from tests.simulators.resurs_kit import FAIL, MOCKS, OK, STORE, ResursShop, line, shop_at


@pytest.fixture
def shop(running: Running, receiver: Receiver) -> Iterator[ResursShop]:
    with shop_at(running.url, receiver.url) as shop:
        yield shop


def open_page(shop: ResursShop, payment: dict[str, Any]) -> requests.Response:
    return shop.session.get(payment["taskRedirectionUrls"]["customerUrl"], allow_redirects=False, timeout=5)


def buttons(page: requests.Response) -> list[str]:
    return [html.unescape(text) for text in re.findall(r"<button[^>]*>(.*?)</button>", page.text)]


def test_page__shows_the_order_and_buttons(shop: ResursShop) -> None:
    page = open_page(shop, shop.create())
    assert page.status_code == 200
    assert "849.00 SEK" in page.text and "Order ORD-1042" in page.text and "Desk lamp" in page.text
    assert buttons(page)[:3] == ["Sign", "Reject", "Abort"]
    assert "SIMULATOR" in page.text and "government_id" not in page.text
    assert "form-action" not in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("action", "target", "status", "reason", "completed"),
    [
        ("sign", OK, "ACCEPTED", None, True),
        ("reject", FAIL, "REJECTED", "CREDIT_DENIED", True),
        ("abort", FAIL, "REJECTED", "ABORTED_BY_CUSTOMER", False),
        ("freeze", OK, "FROZEN", None, True),
        ("inspect", OK, "INSPECTION", None, True),
        ("no_funds", FAIL, "REJECTED", "INSUFFICIENT_FUNDS", True),
        ("break", FAIL, "REJECTED", "TECHNICAL_ERROR", True),
    ],
)
def test_every_button(
    shop: ResursShop, action: str, target: str, status: str, reason: str | None, completed: bool
) -> None:
    payment = shop.create()
    assert action in re.findall(r'name="action" value="(\w+)"', open_page(shop, payment).text)
    answer = shop.sign(payment, action)
    assert (answer.status_code, answer.headers["Location"]) == (303, target)
    found = shop.get(payment["id"])
    assert (found["status"], found.get("rejectedReason", {}).get("category")) == (status, reason)
    assert shop.good("GET", f"/v2/payments/{payment['id']}/tasks/status")["completed"] is completed


@pytest.mark.parametrize(("person", "target"), [("198209123705", OK), ("197211072793", FAIL)])
def test_sign__returns_where_the_outcome_says(shop: ResursShop, person: str, target: str) -> None:
    assert shop.sign(shop.create(governmentId=person)).headers["Location"] == target


def test_signed_twice__changes_nothing(shop: ResursShop) -> None:
    payment = shop.create()
    shop.sign(payment)
    assert shop.sign(payment, "abort").headers["Location"] == OK
    assert shop.get(payment["id"])["status"] == "ACCEPTED"
    page = open_page(shop, payment)
    assert "nothing left to sign" in page.text and html.escape(OK) in page.text
    assert buttons(page) == []
    assert shop.told() == ["authorization AUTHORIZED"]


def test_id__asked_for_where_the_shop_named_none(shop: ResursShop) -> None:
    payment = shop.create(governmentId=None)
    assert 'name="government_id"' in open_page(shop, payment).text
    assert shop.sign(payment, government_id="12").status_code == 400
    assert shop.get(payment["id"])["status"] == "TASK_REDIRECTION_REQUIRED"
    assert shop.sign(payment, government_id="197211072793").headers["Location"] == FAIL
    assert shop.get(payment["id"])["customer"]["governmentId"] == "197211072793"
    unnamed = shop.create(governmentId=None)
    assert shop.sign(unnamed).headers["Location"] == OK


@pytest.mark.parametrize(
    ("card", "status"), [("4925 0000 0000 0004", "ACCEPTED"), ("4925 0000 0000 0087", "REJECTED")]
)
def test_cards__the_two_test_numbers(shop: ResursShop, card: str, status: str) -> None:
    methods = shop.good("GET", f"/v2/stores/{STORE}/payment_methods")["content"]
    method = next(each["id"] for each in methods if each["type"] == "DEBIT_CARD")
    payment = shop.create(paymentMethodId=method)
    assert 'name="card"' in open_page(shop, payment).text
    shop.sign(payment, card=card)
    assert shop.get(payment["id"])["status"] == status


def test_no_addresses__stays_at_the_gateway(shop: ResursShop) -> None:
    payment = shop.create(options={"redirectionUrls": None})
    url = payment["taskRedirectionUrls"]["customerUrl"]
    assert shop.sign(payment).headers["Location"] == url
    assert "Back to the shop" not in open_page(shop, payment).text


def mocked(**other: str) -> dict[str, Any]:
    values = dict.fromkeys(MOCKS, "SUCCESS") | other
    return {"custom": [{"key": f"MOCK_{name}", "value": value} for name, value in values.items()]}


def test_automatic_signing__opening_the_page_is_enough(shop: ResursShop) -> None:
    payment = shop.create(metadata=mocked())
    assert shop.get(payment["id"])["status"] == "TASK_REDIRECTION_REQUIRED"
    page = requests.get(payment["taskRedirectionUrls"]["customerUrl"], allow_redirects=False, timeout=5)
    assert page.status_code == 200
    assert f'content="1;url={html.escape(OK)}"' in page.text
    assert shop.get(payment["id"])["status"] == "ACCEPTED"
    open_page(shop, payment)
    assert shop.told() == ["authorization AUTHORIZED"]


def test_automatic_signing__follows_the_person_and_may_fail(shop: ResursShop) -> None:
    frozen = shop.create(metadata=mocked(), governmentId="198001010001")
    open_page(shop, frozen)
    assert shop.get(frozen["id"])["status"] == "FROZEN"
    failed = shop.create(metadata=mocked(SIGNING="FAILURE"))
    assert FAIL in open_page(shop, failed).text
    assert shop.get(failed["id"])["status"] == "REJECTED"


def test_pages__refuse_what_they_do_not_know(shop: ResursShop) -> None:
    payment = shop.create(order={"orderLines": [line(5, description="<b>&")]})
    assert shop.sign(payment, "dance").status_code == 400
    assert "&lt;b&gt;&amp;" in open_page(shop, payment).text
    assert shop.session.get(f"{shop.url}/gateway/customer/none", timeout=5).status_code == 404
    url = payment["taskRedirectionUrls"]["customerUrl"]
    foreign = shop.session.post(url, data={"action": "sign"}, headers={"Origin": "https://evil.example"}, timeout=5)
    assert foreign.status_code == 403
    assert shop.get(payment["id"])["status"] == "TASK_REDIRECTION_REQUIRED"
    assert shop.session.get(payment["taskRedirectionUrls"]["merchantUrl"], timeout=5).status_code == 200


def test_legal_links__lead_somewhere(shop: ResursShop) -> None:
    methods = shop.good("GET", f"/v2/stores/{STORE}/payment_methods")["content"]
    links = [link for method in methods for link in method["legalLinks"] if link["appendAmount"]]
    assert "849" in shop.session.get(f"{links[0]['url']}849", timeout=5).text
