"""A newcomer buys something in a real browser, and every way in which that may end."""

from __future__ import annotations

import re

import pytest

from tests.browser.buyer import arrives_at
from tests.browser.demo import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

NOTHING_SENT = ([], [])
SOON = 20
"""Seconds; far less than the minute after which the first poll comes."""


def effects(demo, reference):
    """What the shop did for an order: its parcels and its mails."""
    return demo.parcels(reference), demo.mails(reference)


def is_done_once(demo, reference):
    """Wait for the end of the story and hold that everything happened exactly once."""
    wait_until(lambda: demo.mails(reference), SOON, "the confirmation was sent")
    assert demo.status(reference) == "completed"
    parcels, mails = effects(demo, reference)
    assert (len(parcels), len(mails)) == (1, 1)


def test_paid(buyer, demo):
    reference = buyer.order()
    buyer.go_to_payment_page()
    buyer.end_with("paid")
    page = buyer.page
    arrives_at(page, f"/orders/{reference}/$")
    page.get_by_text("Paid and shipped").wait_for()
    page.get_by_text("E-mail sent.").wait_for()
    is_done_once(demo, reference)
    assert demo.parcels(reference)[0] in page.content()
    assert page.get_by_role("button", name="pay").count() == 0


def test_paid__mailbox_shows_the_confirmation(buyer, demo):
    reference = buyer.order("Stoneware Cup")
    buyer.go_to_payment_page()
    buyer.end_with("paid")
    is_done_once(demo, reference)
    buyer.page.get_by_role("link", name="Mailbox").click()
    mail = buyer.page.locator("article.mail").filter(has_text=reference)
    assert mail.count() == 1
    assert "ada@example.nl" in mail.inner_text()


@pytest.mark.parametrize(
    ("state", "words"),
    [("failed", "did not go through"), ("canceled", "You cancelled the payment"), ("expired", "took too long")],
)
def test_not_paid(buyer, demo, state, words):
    reference = buyer.order()
    buyer.go_to_payment_page()
    buyer.end_with(state)
    buyer.page.get_by_role("link", name="Try again").click()
    buyer.page.get_by_text(words).wait_for()
    assert demo.status(reference) == "failed"
    assert effects(demo, reference) == NOTHING_SENT


def test_failed__then_tried_again_and_paid(buyer, demo):
    reference = buyer.order()
    buyer.go_to_payment_page()
    buyer.end_with("failed")
    buyer.page.get_by_role("link", name="Try again").click()
    buyer.page.get_by_role("button", name="Try again: pay €").click()
    buyer.choose_method()
    buyer.end_with("paid")
    buyer.page.get_by_text("Paid and shipped").wait_for()
    is_done_once(demo, reference)


def test_canceled_on_the_method_list(buyer, demo):
    reference = buyer.order()
    buyer.page.get_by_role("button", name="Pay €").click()
    buyer.page.get_by_role("button", name="Cancel and return").click()
    buyer.page.get_by_role("link", name="Try again").click()
    buyer.page.get_by_text("You cancelled the payment").wait_for()
    assert effects(demo, reference) == NOTHING_SENT


def test_open__then_paid_later__webhook_only(buyer, demo):
    reference = buyer.order()
    buyer.go_to_payment_page()
    buyer.end_with("open")
    buyer.page.get_by_role("heading", name="waiting for your payment").wait_for()
    assert demo.status(reference) == "pending"
    buyer.close()
    demo.control(f"mollie/payments/{demo.payment(reference)['id']}/status", {"status": "paid"})
    is_done_once(demo, reference)
    assert set(demo.deliveries(reference)) == {"sent"}


def test_open__waiting_page_moves_on_by_itself(buyer, demo):
    reference = buyer.order()
    buyer.go_to_payment_page()
    buyer.end_with("open")
    buyer.page.get_by_role("heading", name="waiting for your payment").wait_for()
    demo.control(f"mollie/payments/{demo.payment(reference)['id']}/status", {"status": "paid"})
    arrives_at(buyer.page, f"/orders/{reference}/$")
    buyer.page.get_by_text("Paid and shipped").wait_for()
    is_done_once(demo, reference)


def test_webhook_lost__found_by_polling(make_buyer, polling_demo):
    demo, buyer = polling_demo, make_buyer(polling_demo)
    demo.control("faults", {"provider": "mollie", "on": "webhook", "kind": "drop"})
    reference = buyer.order()
    buyer.go_to_payment_page()
    buyer.end_with_and_never_return("paid")
    buyer.close()
    is_done_once(demo, reference)
    assert set(demo.deliveries(reference)) == {"dropped"}
    assert not [line for line in demo.lines if "/payflow/return/" in line or "/payflow/webhook/" in line]


def test_double_click__places_one_order(buyer, demo):
    buyer.fill_checkout()
    seen = len(demo.lines)
    buyer.page.get_by_role("button", name="Place order").dblclick()
    arrives_at(buyer.page, r"/pay/$")

    def asked():
        return set(re.findall(r"GET /orders/(\w+)/pay/", "\n".join(demo.lines[seen:])))

    wait_until(asked, SOON, "the pay page was asked for")
    assert len(asked()) == 1


def test_back_button__after_paying_does_not_pay_twice(buyer, demo):
    reference = buyer.order()
    buyer.go_to_payment_page()
    buyer.end_with("paid")
    buyer.page.get_by_text("Paid and shipped").wait_for()
    buyer.page.goto(f"{demo.shop}/orders/{reference}/pay/")
    assert buyer.page.url == f"{demo.shop}/orders/{reference}/"
    is_done_once(demo, reference)
