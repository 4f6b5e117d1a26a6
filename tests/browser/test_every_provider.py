"""A buyer at each provider's hosted page: paid, declined and paid after all, late, given up."""

from __future__ import annotations

import re

import pytest

from tests.browser.buyer import arrives_at
from tests.browser.demo import wait_until
from tests.browser.test_buying import NOTHING_SENT, SOON, effects, is_done_once

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def at_the_hosted_page(buyer, provider, **address):
    """Order something, choose the provider, and stand on its page."""
    reference = buyer.order(**address)
    buyer.page.get_by_label(re.compile(provider)).check()
    buyer.page.locator("form.pay button").click()
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


@pytest.mark.parametrize(
    ("ending", "status"),
    [("pay", "completed"), ("pay_no_push", "completed"), ("decline", "failed"), ("cancel", "failed")],
)
def test_golomt(buyer, demo, ending, status):
    reference = at_the_hosted_page(buyer, "Golomt", country="MN")
    assert "34 905.00" in buyer.page.content(), "8.95 euro in tögrög"
    buyer.page.locator(f"[name=ending][value={ending}]").click()
    if status == "completed":
        buyer.page.get_by_text("Paid and shipped").wait_for()
        is_done_once(demo, reference)
    else:
        buyer.page.get_by_role("link", name="Try again").wait_for()
        assert (demo.status(reference), effects(demo, reference)) == (status, NOTHING_SENT)


def test_golomt__a_forged_return_shows_the_truth(buyer, demo):
    reference = at_the_hosted_page(buyer, "Golomt", country="MN")
    (payment,) = [one for one in demo.control("golomt/payments") if one["simulator"]["checkout"] == buyer.page.url]
    buyer.page.goto(f"{payment['callback']}?invoice={payment['id']}&status_code=000&desc=paid")
    buyer.page.get_by_role("heading", name="waiting for your payment").wait_for()
    assert (demo.status(reference), effects(demo, reference)) == ("pending", NOTHING_SENT)


SWEDE = {"Street": "Glassgatan 15", "Postal_code": "41655", "City": "Göteborg", "Mobile_phone": "0701112233"}


def identify(page, government_id):
    page.get_by_label("Personal or company number").fill(government_id)


def test_resurs__is_not_offered_without_an_address(buyer, demo):
    buyer.order(country="SE")
    assert buyer.page.get_by_label(re.compile("Stripe")).count() == 1
    assert buyer.page.get_by_label(re.compile("Resurs")).count() == 0


def test_resurs__signed_is_shipped_before_the_money_is_captured(buyer, demo):
    reference = at_the_hosted_page(buyer, "Resurs", country="SE", **SWEDE)
    identify(buyer.page, "198305147715")
    buyer.page.get_by_role("button", name="Sign").click()
    buyer.page.get_by_text("Approved", exact=True).first.wait_for()
    is_done_once(demo, reference)


def test_resurs__aborted_can_be_tried_again(buyer, demo):
    reference = at_the_hosted_page(buyer, "Resurs", country="SE", **SWEDE)
    buyer.page.get_by_role("button", name="Abort").click()
    buyer.page.get_by_role("link", name="Try again").wait_for()
    assert (demo.status(reference), effects(demo, reference)) == ("failed", NOTHING_SENT)


def test_resurs__frozen_is_held_and_released_by_itself(buyer, demo):
    reference = at_the_hosted_page(buyer, "Resurs", country="SE", **SWEDE)
    identify(buyer.page, "198001010001")
    buyer.page.get_by_role("button", name="Sign").click()
    wait_until(lambda: demo.status(reference) == "on_hold", SOON, "on hold")
    assert effects(demo, reference) == NOTHING_SENT
    is_done_once(demo, reference)
