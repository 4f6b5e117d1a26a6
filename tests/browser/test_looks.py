"""The shop on a desk and on a phone: nothing sticks out sideways, and pictures for people to judge."""

from __future__ import annotations

import pytest

from tests.browser.buyer import Buyer, arrives_at

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SIZES = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture(params=SIZES)
def view(request, browser, demo, screenshot):
    """A buyer on a screen of this size, and a look that is checked and kept."""
    context = browser.new_context(viewport=SIZES[request.param])
    buyer = Buyer(context.new_page(), demo)

    def look(name):
        buyer.page.wait_for_load_state("load")
        wider = buyer.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        screenshot(buyer.page, f"{request.param}-{name}")
        assert wider <= 0, f"{name} is {wider} px wider than the {request.param}"

    yield buyer, look
    context.close()


def test_pages_on_the_way_to_a_paid_order(view, demo):
    buyer, look = view
    page = buyer.page
    page.goto(f"{demo.shop}/")
    look("1-catalogue")
    page.goto(f"{demo.shop}/products/gooseneck-kettle/")
    look("2-product")
    page.get_by_role("button", name="Add to basket").click()
    look("3-basket")
    buyer.fill_checkout()
    look("4-checkout")
    page.get_by_role("button", name="Place order").click()
    arrives_at(page, r"/pay/$")
    look("5-payment")
    page.get_by_role("button", name="Pay €").click()
    page.get_by_role("button", name="iDEAL").wait_for()
    look("6-hosted-methods")
    page.get_by_role("button", name="iDEAL").click()
    look("7-hosted-chooser")
    buyer.end_with("paid")
    page.get_by_text("E-mail sent.").wait_for()
    look("8-order")
    page.get_by_role("link", name="Mailbox").click()
    look("9-mailbox")


def test_pages_of_payments_that_do_not_succeed(view):
    buyer, look = view
    buyer.order()
    buyer.go_to_payment_page()
    buyer.end_with("open")
    buyer.page.get_by_role("heading", name="waiting for your payment").wait_for()
    look("waiting")
    buyer.page.get_by_role("link", name="Continue to the payment page").click()
    buyer.choose_method()
    buyer.end_with("failed")
    buyer.page.get_by_role("link", name="Try again").wait_for()
    look("failed")
    buyer.page.get_by_role("link", name="Try again").click()
    look("order-failed")


def test_keyboard__reaches_the_content_first(buyer, demo):
    buyer.page.goto(f"{demo.shop}/")
    buyer.page.keyboard.press("Tab")
    assert buyer.page.evaluate("document.activeElement.textContent") == "Skip to the content"


def test_every_input_has_a_label(buyer):
    buyer.fill_checkout()
    unnamed = "[...document.querySelectorAll('input:not([type=hidden])')].filter(i => !i.labels.length).length"
    assert buyer.page.evaluate(unnamed) == 0
