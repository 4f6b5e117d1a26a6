"""The panel, as somebody clicks through it."""

from __future__ import annotations

import re

import pytest
import requests

from tests.simulators.kit import Receiver, Shop


def page(shop: Shop) -> str:
    answer = shop.session.get(f"{shop.root}/", timeout=5)
    assert answer.status_code == 200
    return answer.text


def post(shop: Shop, path: str, **form: str) -> requests.Response:
    token = re.search(r'name="token" value="([\w-]+)"', page(shop))
    assert token
    data = {"token": token[1], "provider": "mollie"} | form
    return shop.session.post(f"{shop.root}/panel/{path}", data=data, allow_redirects=False, timeout=5)


def test_empty(shop: Shop) -> None:
    text = page(shop)
    assert "No payment yet" in text
    assert 'aria-current="page"' in text and ">Mollie</a>" in text


def test_payments__shown_and_moved(shop: Shop, receiver: Receiver) -> None:
    payment = shop.create(description="Tea & cups")
    text = page(shop)
    assert payment["id"] in text and "Tea &amp; cups" in text and "24.95 EUR" in text
    assert payment["_links"]["checkout"]["href"] in text
    answer = post(shop, f"payments/{payment['id']}", action="paid")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/?provider=mollie#{payment['id']}")
    assert shop.get(payment["id"])["status"] == "paid"
    receiver.wait_for(1)
    post(shop, f"payments/{payment['id']}", action="webhook")
    receiver.wait_for(2)
    post(shop, f"payments/{payment['id']}", action="refund")
    assert shop.get(payment["id"])["amountRemaining"]["value"] == "0.00"


def test_payments__what_cannot_be_done_is_said(shop: Shop) -> None:
    payment = shop.create()
    for action in ("chargeback", "refund", "dance"):
        answer = post(shop, f"payments/{payment['id']}", action=action)
        assert answer.status_code in (400, 422)
        assert 'role="alert"' in answer.text
    assert post(shop, "payments/tr_none", action="paid").status_code == 404


def test_deliveries__attempts_and_send_again(shop: Shop, receiver: Receiver) -> None:
    receiver.answers["/hook"] = 500
    shop.paid()
    (delivery,) = shop.deliveries()
    assert 'class="badge failed"' in page(shop)
    receiver.answers["/hook"] = 200
    assert post(shop, f"deliveries/{delivery['id']}/send").status_code == 303
    assert [each["by"] for each in shop.deliveries()[0]["attempts"]] == ["schedule", "hand"]
    assert 'class="badge sent"' in page(shop)


def test_faults__added_and_removed(shop: Shop) -> None:
    form = {"on": "get", "kind": "429", "times": "3", "retry_after": "5", "payment": " ", "seconds": ""}
    assert post(shop, "faults", **form).status_code == 303
    (fault,) = shop.control("GET", "faults")
    assert (fault["on"], fault["kind"], fault["times"], fault["retry_after"]) == ("get", "429", 3, 5)
    post(shop, "faults", on="create", kind="changed_amount", value="1.00", currency="EUR", times="")
    assert shop.control("GET", "faults")[1]["amount"] == {"value": "1.00", "currency": "EUR"}
    assert post(shop, "faults", on="get", kind="drop").status_code == 400
    assert post(shop, "faults", on="get", kind="slow", seconds="long").status_code == 400
    post(shop, f"faults/{fault['id']}/remove")
    assert [each["kind"] for each in shop.control("GET", "faults")] == ["changed_amount"]


def test_clock_hold_and_reset(shop: Shop) -> None:
    shop.create()
    post(shop, "clock", advance="900")
    post(shop, "clock", advance="86400")
    assert shop.control("GET", "clock")["offset"] == 87300
    post(shop, "clock", advance="real")
    assert shop.control("GET", "clock")["offset"] == 0
    assert post(shop, "clock", advance="1e9").status_code == 400
    post(shop, "hold", on="true")
    assert shop.control("GET", "hold") == {"on": True}
    post(shop, "hold", on="false")
    assert shop.control("GET", "hold") == {"on": False}
    post(shop, "reset")
    assert shop.control("GET", "mollie/payments") == []


@pytest.mark.parametrize("headers", [{}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "same-site"}])
def test_other_web_pages_command_nothing(shop: Shop, headers: dict[str, str]) -> None:
    shop.create()
    for data in ({}, {"token": "guessed"}):
        answer = shop.session.post(f"{shop.root}/panel/reset", data=data, headers=headers, timeout=5)
        assert answer.status_code == 403
    assert len(shop.control("GET", "mollie/payments")) == 1
