"""The hosted pages, as a browser walks through them."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.simulators.kit import Shop

RETURN, CANCEL = "https://shop.example/return/9b1d/", "https://shop.example/cancel/9b1d/"


class Buyer:
    """Follows one payment's pages; never leaves for the shop."""

    def __init__(self, shop: Shop, payment: dict[str, Any]) -> None:
        self.session, self.root = shop.session, shop.root
        self.page = self.open(payment["_links"]["checkout"]["href"])

    def open(self, url: str) -> requests.Response:
        return self.session.get(url, timeout=5)

    def texts(self, pattern: str) -> list[str]:
        return [html.unescape(found) for found in re.findall(pattern, self.page.text)]

    @property
    def states(self) -> list[str]:
        return self.texts(r'name="final_state" value="(\w+)"')

    @property
    def methods(self) -> list[str]:
        return self.texts(r'name="method" value="(\w+)"')

    def choose_method(self, method: str) -> None:
        self.page = self.session.post(self.page.url, data={"method": method}, timeout=5)

    def end(self, state: str, **more: Any) -> requests.Response:
        (token,) = self.texts(r'name="token" value="(\w+)"')
        (action,) = self.texts(r'action="([^"]+)"')
        form = {"token": token, "final_state": state, "submit": "1"}
        return self.session.post(f"{self.root}{action}", data=form, allow_redirects=False, timeout=5, **more)


def test_method_list_then_chooser_then_back_to_the_shop(shop: Shop) -> None:
    payment = shop.create(redirectUrl=RETURN)
    buyer = Buyer(shop, payment)
    assert "/checkout/select-method/" in buyer.page.url
    assert {"ideal", "creditcard", "paypal"} <= set(buyer.methods)
    assert not {"directdebit", "blik", "klarna"} & set(buyer.methods), "recurring, other currency, needs lines"
    assert buyer.texts('class="header__amount">(.*?)<') == ["24.95 EUR"]
    assert buyer.texts('class="header__info">(.*?)<') == ["Order 2026-0042"]
    assert "SIMULATOR" in buyer.page.text

    buyer.choose_method("ideal")
    assert "/checkout/test-mode?method=ideal&token=" in buyer.page.url
    assert shop.get(payment["id"])["method"] == "ideal"
    assert buyer.states == ["paid", "open", "pending", "failed", "canceled", "expired"]
    assert 'name="submit"' in buyer.page.text

    answer = buyer.end("paid")
    assert (answer.status_code, answer.headers["Location"]) == (303, RETURN)
    paid = shop.get(payment["id"])
    assert (paid["status"], paid["method"], paid["details"]["consumerName"]) == ("paid", "ideal", "Sim Buyer")
    assert [each["state"] for each in shop.deliveries()] == ["sent"]


def test_only_the_methods_that_the_shop_offers(shop: Shop) -> None:
    assert Buyer(shop, shop.create(method=["ideal", "paypal", "twint"])).methods == ["ideal", "paypal"]
    single = Buyer(shop, shop.create(method="ideal"))
    assert "test-mode?method=ideal" in single.page.url
    assert "Choose another way" not in single.page.text


def test_expiry_follows_the_method_chosen(shop: Shop) -> None:
    payment = shop.create()
    Buyer(shop, payment).choose_method("banktransfer")
    assert shop.get(payment["id"])["expiresAt"] > payment["expiresAt"]
    shop.advance(3600)
    assert shop.get(payment["id"])["status"] == "open"


@pytest.mark.parametrize(
    ("state", "target", "webhooks"),
    [
        ("paid", RETURN, 1),
        ("failed", RETURN, 1),
        ("expired", RETURN, 1),
        ("canceled", CANCEL, 1),
        ("pending", RETURN, 0),
        ("open", RETURN, 0),
    ],
)
def test_every_ending(shop: Shop, state: str, target: str, webhooks: int) -> None:
    payment = shop.create(method="ideal", redirectUrl=RETURN, cancelUrl=CANCEL)
    answer = Buyer(shop, payment).end(state)
    assert (answer.status_code, answer.headers["Location"]) == (303, target)
    assert shop.get(payment["id"])["status"] == state
    assert len(shop.deliveries()) == webhooks


def test_canceled_without_cancel_url_returns_like_all_others(shop: Shop) -> None:
    answer = Buyer(shop, shop.create(method="ideal", redirectUrl=RETURN)).end("canceled")
    assert answer.headers["Location"] == RETURN


def test_cancel_on_the_method_list(shop: Shop) -> None:
    payment = shop.create(redirectUrl=RETURN, cancelUrl=CANCEL)
    buyer = Buyer(shop, payment)
    answer = shop.session.post(buyer.page.url, data={"cancel": "1"}, allow_redirects=False, timeout=5)
    assert answer.headers["Location"] == CANCEL
    assert shop.get(payment["id"])["status"] == "canceled"
    assert len(shop.deliveries()) == 1


def test_reserving_methods_end_authorized(shop: Shop) -> None:
    payment = shop.create(method="creditcard", captureMode="manual")
    buyer = Buyer(shop, payment)
    assert "authorized" in buyer.states
    assert not {"paid", "pending"} & set(buyer.states)
    assert buyer.end("paid").status_code == 400, "not offered, not taken"
    assert shop.get(payment["id"])["status"] == "open"
    buyer.end("authorized")
    assert shop.get(payment["id"])["status"] == "authorized"


def test_a_pending_payment_can_still_be_decided(shop: Shop) -> None:
    payment = shop.create(method="ideal")
    Buyer(shop, payment).end("pending")
    again = Buyer(shop, shop.get(payment["id"]))
    assert "open" not in again.states
    again.end("paid")
    assert shop.get(payment["id"])["status"] == "paid"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("1001.00", "invalid_card_number"),
        ("1007.00", "insufficient_funds"),
        ("1011.00", "card_declined"),
        ("1000.00", None),
    ],
)
def test_magic_card_amounts(shop: Shop, value: str, reason: str | None) -> None:
    payment = shop.create(method="creditcard", amount={"currency": "EUR", "value": value})
    Buyer(shop, payment).end("failed")
    details = shop.get(payment["id"]).get("details") or {}
    assert details.get("failureReason") == reason


def test_a_finished_payment_says_so_and_links_back(shop: Shop) -> None:
    payment = shop.create(method="ideal", redirectUrl=RETURN)
    first, second = Buyer(shop, payment), Buyer(shop, payment)
    first.end("paid")
    late = second.end("failed")
    assert "test-mode/completed" in late.headers["Location"]
    assert shop.get(payment["id"])["status"] == "paid"

    page = first.open(payment["_links"]["checkout"]["href"])
    assert urlsplit(page.url).path == "/mollie/checkout/test-mode/completed"
    assert "completed" in page.text
    assert f'href="{RETURN}"' in page.text
    assert len(shop.deliveries()) == 1


@pytest.mark.parametrize("method", ["<b>coins & more</b>", 7, ["ideal"]])
def test_a_method_that_no_table_knows(shop: Shop, method: object) -> None:
    """Tests overwrite it to see what a shop makes of it; our own pages must survive that too."""
    payment = shop.create(method="ideal")
    lied = shop.control("PATCH", f"mollie/payments/{payment['id']}", {"method": method})
    assert lied["method"] == shop.get(payment["id"])["method"] == method
    assert Buyer(shop, lied).methods == ["ideal"]
    assert shop.session.get(shop.root, timeout=5).status_code == 200
    for status in ("pending", "open", "failed", "authorized", "paid"):
        assert shop.set_status(payment["id"], status)["status"] == status


def test_change_payment_state__refund_and_chargeback(shop: Shop) -> None:
    for wanted, amount in (("refund", "amountRefunded"), ("chargeback", "amountChargedBack")):
        payment = shop.paid()
        url = payment["_links"]["changePaymentState"]["href"]
        assert wanted in shop.session.get(url, timeout=5).text
        token = url.rsplit("=", 1)[1]
        shop.session.post(url.split("?")[0], data={"token": token, "final_state": wanted}, timeout=5)
        assert shop.get(payment["id"])[amount]["value"] == "24.95"


def test_everything_is_escaped(shop: Shop) -> None:
    nasty = '"><script>alert(1)</script>{{ 7 * 7 }}'
    payment = shop.create(
        description=nasty, redirectUrl="https://shop.example/?a=1&b=%22'\"><script>", method="ideal"
    )
    buyer = Buyer(shop, payment)
    buyer.end("paid")
    for page in (
        buyer.page,
        buyer.open(payment["_links"]["checkout"]["href"]),
        shop.session.get(shop.root, timeout=5),
    ):
        assert "<script" not in page.text
        assert "&lt;script&gt;" in page.text
        assert "49" not in re.sub(r"tr_\w+|\w{30}", "", page.text).split("{{ 7 * 7 }}")[0][-20:]


def test_pages_take_no_orders_from_other_web_pages(shop: Shop) -> None:
    payment = shop.create(method="ideal")
    buyer = Buyer(shop, payment)
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert buyer.end("paid", headers=headers).status_code == 403
    assert shop.get(payment["id"])["status"] == "open"
    assert buyer.end("paid", headers={"Origin": shop.root, "Sec-Fetch-Site": "same-origin"}).status_code == 303


def test_pages_load_nothing_from_elsewhere(shop: Shop) -> None:
    page = Buyer(shop, shop.create()).page
    assert not re.search(r'(src|href|url\()="?(https?:)?//(?!127\.0\.0\.1)', page.text)
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["/checkout/select-method/nothere", "/checkout/test-mode?token=x", "/checkout/test-mode"]
)
def test_unknown_addresses(shop: Shop, path: str) -> None:
    answer = shop.session.get(f"{shop.url}{path}", timeout=5)
    assert (answer.status_code, "text/html" in answer.headers["Content-Type"]) == (404, True)


def test_the_token_is_not_the_payment_id(shop: Shop) -> None:
    payment = shop.create()
    guessed = f"{shop.url}/checkout/select-method/{payment['id'].removeprefix('tr_')}"
    assert shop.session.get(guessed, timeout=5).status_code == 404
