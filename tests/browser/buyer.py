"""A buyer with a browser: what somebody does who wants a packet of tea."""

from __future__ import annotations

import re

REFERENCE = re.compile(r"/orders/([^/]+)/")


def arrives_at(page, address):
    """Wait until the page has this address (a regular expression).

    Not ``wait_for_url``: that waits for one navigation, and fails when a second click or a reload replaces it.
    """
    from playwright.sync_api import expect  # only where it is installed: without it these tests are skipped

    expect(page).to_have_url(re.compile(address), timeout=20_000)


class Buyer:
    """One person, one browser window."""

    def __init__(self, page, demo):
        self.page = page
        self.demo = demo

    def order(self, product="Assam Breakfast", **address):
        """Basket, checkout, placed order. Returns its reference; the pay button is in view."""
        self.fill_checkout(product)
        self.fill_address(**address)
        self.page.get_by_role("button", name="Place order").click()
        arrives_at(self.page, r"/pay/$")
        return REFERENCE.search(self.page.url)[1]

    def fill_checkout(self, product="Assam Breakfast"):
        """Put a product into the basket and write name and address."""
        page = self.page
        page.goto(f"{self.demo.shop}/")
        page.get_by_role("link", name=product).click()
        page.get_by_role("button", name="Add to basket").click()
        page.get_by_role("link", name="To the checkout").click()
        page.get_by_label("Your name").fill("Ada de Vries")
        page.get_by_label("E-mail address").fill("ada@example.nl")

    def fill_address(self, country="", **fields):
        """Choose a country, and write what an invoice needs: fields by their labels."""
        if country:
            self.page.get_by_label("Country").select_option(country)
        if fields:
            self.page.get_by_text("Address and phone").click()
        for label, value in fields.items():
            self.page.get_by_label(label.replace("_", " "), exact=True).fill(value)

    def go_to_payment_page(self):
        """Leave for the provider and choose how to pay there."""
        self.page.get_by_role("button", name="Pay €").click()
        arrives_at(self.page, f"^{re.escape(self.demo.simulators)}/")
        self.choose_method()

    def choose_method(self, method="iDEAL"):
        """Choose a way to pay on the provider's list."""
        self.page.get_by_role("button", name=method).click()
        self.page.wait_for_selector("input[name=final_state]")

    def end_with(self, state):
        """Choose how the payment ends; the provider sends the browser back to the shop."""
        self.page.locator(f"input[name=final_state][value={state}]").check()
        self.page.locator("button[name=submit]").click()

    def end_with_and_never_return(self, state):
        """The same, but the connection breaks before the provider can send the browser back."""

        def answer_is_lost(route):
            route.fetch(max_redirects=0)
            route.abort()

        self.page.route("**/test-mode*", answer_is_lost)
        with self.page.expect_event("requestfailed"):
            self.end_with(state)

    def close(self):
        """Close the browser, cookies and all."""
        self.page.context.close()
