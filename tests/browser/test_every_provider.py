"""A buyer at each provider's hosted page: paid, declined and paid after all, late, given up."""

from __future__ import annotations

import re

import pytest

from tests.browser.buyer import arrives_at
from tests.browser.demo import wait_until
from tests.browser.test_buying import NOTHING_SENT, SOON, effects, is_done_once

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def at_the_hosted_page(buyer, provider):
    """Order something, choose the provider, and stand on its page."""
    reference = buyer.order()
    buyer.page.get_by_label(re.compile(provider)).check()
    buyer.page.get_by_role("button", name="Pay €").click()
    arrives_at(buyer.page, f"^{re.escape(buyer.demo.simulators)}/{provider.lower()}/")
    return reference


def by_card(page, number):
    page.get_by_label("Card number").fill(number)
    page.get_by_role("button", name="Pay 8.95").click()


def webhooks(demo, provider):
    return [delivery for delivery in demo.control("deliveries") if delivery["provider"] == provider]


@pytest.mark.parametrize(("provider", "card"), [("Stripe", "4242424242424242"), ("WooshPay", "4111111111111111")])
def test_paid_by_card(buyer, demo, provider, card):
    reference = at_the_hosted_page(buyer, provider)
    by_card(buyer.page, card)
    arrives_at(buyer.page, f"/orders/{reference}/")
    buyer.page.get_by_text("Paid and shipped").wait_for()
    is_done_once(demo, reference)
    signed = webhooks(demo, provider.lower())
    assert signed
    wait_until(lambda: {each["state"] for each in webhooks(demo, provider.lower())} == {"sent"}, SOON, "accepted")


@pytest.mark.parametrize(("provider", "good"), [("Stripe", "4242424242424242"), ("WooshPay", "4111111111111111")])
def test_declined__and_paid_with_another_card_on_the_same_page(buyer, demo, provider, good):
    reference = at_the_hosted_page(buyer, provider)
    by_card(buyer.page, "4000000000000002")
    buyer.page.get_by_text(re.compile("declined", re.IGNORECASE)).first.wait_for()
    assert demo.status(reference) == "pending"
    by_card(buyer.page, good)
    buyer.page.get_by_text("Paid and shipped").wait_for()
    is_done_once(demo, reference)


@pytest.mark.parametrize("provider", ["Stripe", "WooshPay"])
def test_three_d_secure(buyer, demo, provider):
    reference = at_the_hosted_page(buyer, provider)
    by_card(buyer.page, "4000000000003220")
    buyer.page.get_by_role("button", name=re.compile("Complete", re.IGNORECASE)).click()
    buyer.page.get_by_text("Paid and shipped").wait_for()
    is_done_once(demo, reference)


@pytest.mark.parametrize("provider", ["Stripe", "WooshPay"])
def test_back_to_the_shop_without_paying(buyer, demo, provider):
    reference = at_the_hosted_page(buyer, provider)
    buyer.page.get_by_text(re.compile("shop without paying|return to the shop")).click()
    buyer.page.get_by_role("heading", name="waiting for your payment").wait_for()
    assert demo.status(reference) == "pending"
    assert effects(demo, reference) == NOTHING_SENT
    buyer.page.get_by_role("link", name="Continue to the payment page").click()
    arrives_at(buyer.page, f"/{provider.lower()}/")


def test_stripe_debit__is_shipped_when_the_bank_has_paid(buyer, demo):
    reference = at_the_hosted_page(buyer, "Stripe")
    buyer.page.get_by_label("IBAN").fill("AT321904300235473204")
    buyer.page.get_by_role("button", name="Debit").click()
    buyer.page.get_by_role("heading", name="waiting for your payment").wait_for()
    assert buyer.page.get_by_role("link", name="Continue to the payment page").count() == 0
    assert effects(demo, reference) == NOTHING_SENT
    (payment,) = [one for one in demo.control("stripe/payments") if one["client_reference_id"] == reference]
    demo.control(f"stripe/payments/{payment['id']}/status", {"status": "paid"})
    arrives_at(buyer.page, f"/orders/{reference}/")
    is_done_once(demo, reference)


def test_provider_changed_before_paying__the_first_page_is_ended(buyer, demo):
    reference = at_the_hosted_page(buyer, "Stripe")
    buyer.page.goto(f"{demo.shop}/orders/{reference}/pay/")
    buyer.page.get_by_label(re.compile("WooshPay")).check()
    buyer.page.get_by_role("button", name=re.compile("€")).click()
    arrives_at(buyer.page, "/wooshpay/")
    (first,) = [one for one in demo.control("stripe/payments") if one["client_reference_id"] == reference]
    assert first["status"] == "expired"
    by_card(buyer.page, "4111111111111111")
    buyer.page.get_by_text("Paid and shipped").wait_for()
    is_done_once(demo, reference)
