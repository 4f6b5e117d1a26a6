"""A buyer's story over Resurs Bank: every outcome, learned of by callback alone, by return alone, by poll alone."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import requests
from django.conf import settings as django_settings

from django_payflow import checkpoints, clock, flow
from django_payflow.exceptions import CheckoutRefused, InvalidCheckout
from django_payflow.models import Case, OrderLine, Payment, WebhookDelivery, get_order_model
from django_payflow.testing import deliver
from tests.conftest import new_order
from tests.resurs.wire import BUYER, NORWAY, VINCENT, options

THAWS, ANNULLED = "198001010001", "197801069241"
"""Frozen, and after five seconds approved or rejected."""
APPROVED, DENIED = "199105149612", "199111282399"
"""Inspected, and after ten seconds approved or denied."""
STAYS_FROZEN, REFUSED = "198209123705", "197211072793"


def sek_order(**details: str) -> Any:
    """849.00 SEK, bought by one of Resurs' test persons."""
    lines = [
        OrderLine(sku="SKU-1", name="Desk lamp", quantity=2, unit_price=40_000, vat_rate=25, unit="st"),
        OrderLine(name="Parcel", kind="shipping", quantity=1, unit_price=4_900, vat_rate=25, unit="st"),
    ]
    return new_order(currency="SEK", lines=lines, payment_details={**BUYER, **details})


class ResursStory:
    """One order; what happens at Resurs; and the ways in which the shop can learn of it."""

    def __init__(self, sim: Any, client: Any) -> None:
        self.sim, self.client = sim, client
        self.order = sek_order()
        self._told = 0

    def start(self, person: str = VINCENT, **kwargs: Any) -> ResursStory:
        self.order.payment_details["government_id"] = person
        self.order.save(update_fields=["payment_details"])
        flow.start_checkout(order=self.order, account="resurs", **kwargs)
        return self

    @property
    def payment(self) -> Payment:
        return Payment.objects.filter(order=self.order).latest("pk")

    @property
    def id(self) -> str:
        return self.payment.references.get().value

    def status(self) -> tuple[str, str]:
        """Of the payment and of the order."""
        return self.payment.status, get_order_model().objects.get(pk=self.order.pk).status

    def sign(self, how: str = "") -> None:
        """The buyer signs; if only the poll will tell, shortly before the next one."""
        if how == "poll":
            self.wait(57)
        self.on_page("sign")

    def on_page(self, action: str) -> None:
        """The buyer presses a button of the gateway."""
        requests.post(self.payment.checkout_url, data={"action": action}, allow_redirects=False, timeout=10)

    def in_portal(self, verb: str, **body: Any) -> None:
        """Somebody works in the merchant portal."""
        self.sim.control("POST", f"resurs/payments/{self.id}/{verb}", body)

    def wait(self, seconds: float) -> None:
        self.sim.advance(seconds)
        self.sim.control("POST", "wait", {"idle": True, "timeout": 10})

    def callbacks(self) -> list[int]:
        """All callbacks that were not delivered yet arrive; returns what they were answered."""
        fresh = self.sim.deliveries()[self._told :]
        self._told += len(fresh)
        answers = [deliver(self.client, each).status_code for each in fresh]
        flow.sweep(inline=True)
        return answers

    def learn(self, how: str) -> None:
        """The shop learns what happened in one way only."""
        if how == "callback":
            assert set(self.callbacks()) == {200}
        elif how == "return":
            assert self.client.get(f"/payflow/return/{self.payment.return_token}/").status_code in {200, 302, 303}
        else:
            due = self.payment.next_check_at
            assert due is not None, "it would never be asked about again"
            self.wait(max(0.0, (due - clock.now()).total_seconds()) + 0.5)
        flow.sweep(inline=True)

    def cases(self) -> set[str]:
        return set(Case.objects.open().values_list("kind", flat=True))

    @property
    def shipped(self) -> int:
        return self.order.shipments.count()


@pytest.fixture
def account(sim, settings) -> str:
    payflow = copy.deepcopy(django_settings.PAYFLOW)
    payflow["PROVIDERS"]["resurs"] = {
        "BACKEND": "django_payflow.providers.resurs.ResursProvider",
        "LABEL": "Invoice",
        "OPTIONS": options(base_url=sim.base_url("resurs")),
    }
    settings.PAYFLOW = payflow
    return "resurs"


@pytest.fixture
def story(account, sim, client, db) -> ResursStory:
    return ResursStory(sim, client)


WAYS = ["callback", "return", "poll"]
ANY_WAY = pytest.mark.parametrize("how", WAYS)
INSPECTED = pytest.mark.parametrize("how", ["callback", "return", "poll"])


# -- what becomes of a signature


@ANY_WAY
def test_accepted__the_authorization_secures_the_order(story, how):
    story.start()
    assert story.status() == ("pending", "pending")

    story.on_page("sign")
    story.learn(how)
    assert (*story.status(), story.shipped) == ("authorized", "completed", 1)
    assert (story.payment.capturable, story.payment.captured, story.cases()) == (84_900, 0, set())


@ANY_WAY
def test_frozen__then_approved_is_released_by_itself(story, how):
    story.start(THAWS).sign(how)
    story.learn(how)
    assert (*story.status(), story.payment.held, story.shipped) == ("processing", "on_hold", True, 0)

    story.wait(6)
    story.learn(how)
    assert (*story.status(), story.payment.held, story.shipped) == ("authorized", "completed", False, 1)
    assert story.cases() == set()


@ANY_WAY
def test_frozen__then_annulled_lets_the_buyer_try_again(story, how):
    story.start(ANNULLED).sign(how)
    story.learn(how)
    assert (*story.status(), story.payment.held) == ("processing", "on_hold", True)

    story.wait(6)
    story.learn(how)
    assert (*story.status(), story.shipped) == ("failed", "failed", 0)

    story.start().on_page("sign")
    story.learn(how)
    assert (*story.status(), story.shipped) == ("authorized", "completed", 1)


@ANY_WAY
def test_frozen__for_days_stays_on_hold_and_is_still_asked_about(story, how):
    story.start(STAYS_FROZEN).sign(how)
    story.learn(how)
    for _ in range(4):
        story.wait(86_400)
        flow.sweep(inline=True)
    assert (*story.status(), story.shipped) == ("processing", "on_hold", 0)

    story.sim.set_status(story.id, "authorized", provider="resurs", webhook=False)
    story.wait(6 * 3600 + 1)
    flow.sweep(inline=True)
    assert (*story.status(), story.shipped) == ("authorized", "completed", 1)


@INSPECTED
def test_inspection__approved_is_released_by_itself(story, how):
    story.start(APPROVED).sign(how)
    story.learn(how)
    assert (*story.status(), story.payment.held, story.shipped) == ("processing", "on_hold", True, 0)

    story.wait(11)
    story.learn(how)
    assert (*story.status(), story.payment.held, story.shipped) == ("authorized", "completed", False, 1)
    assert story.cases() == set()


@INSPECTED
def test_inspection__denied_lets_the_buyer_try_again(story, how):
    story.start(DENIED).sign(how)
    story.learn(how)
    assert (*story.status(), story.payment.held) == ("processing", "on_hold", True)

    story.wait(11)
    story.learn(how)
    assert (*story.status(), story.shipped, story.cases()) == ("failed", "failed", 0, set())


@ANY_WAY
def test_denied__lets_the_buyer_try_again(story, how):
    story.start(REFUSED).sign(how)
    story.learn(how)
    assert story.status() == ("failed", "failed")

    story.start()
    assert story.status() == ("pending", "pending")


@ANY_WAY
def test_aborted__by_the_buyer_is_canceled(story, how):
    story.start().on_page("abort")
    story.learn(how)
    assert (*story.status(), story.shipped) == ("canceled", "failed", 0)


@ANY_WAY
def test_timed_out__is_expired(story, how):
    story.start().wait(121 * 60)
    story.learn(how)
    assert (*story.status(), story.shipped) == ("expired", "failed", 0)


def test_timed_out__without_any_callback_is_found_out_by_polling(story):
    story.sim.control("POST", "resurs/settings", {"timeout_callback": False})
    story.start().wait(121 * 60)
    assert story.callbacks() == []
    assert story.status() == ("expired", "failed")


def test_callbacks__in_the_wrong_order_and_twice_change_nothing(story):
    story.start(THAWS).on_page("sign")
    story.wait(6)
    frozen, authorized = story.sim.deliveries()

    for late in (authorized, frozen, authorized, frozen):
        assert deliver(story.client, late).status_code == 200
        flow.sweep(inline=True)
    assert (*story.status(), story.shipped, story.cases()) == ("authorized", "completed", 1, set())
    assert WebhookDelivery.objects.count() == 1, "one row for a payment and kind"


# -- create that is decided at once


@pytest.mark.parametrize(
    ("lands", "payment", "order"),
    [
        ("ACCEPTED", "authorized", "completed"),
        ("REJECTED", "failed", "failed"),
        ("FROZEN", "processing", "on_hold"),
        ("INSPECTION", "processing", "on_hold"),
    ],
)
def test_create__that_is_decided_at_once_stores_the_reference(story, lands, payment, order):
    story.sim.control("POST", "resurs/settings", {"create_lands": lands})
    started = flow.start_checkout(order=story.order, account="resurs")
    flow.sweep(inline=True)

    assert story.id == story.sim.payments("resurs")[0]["id"]
    assert story.status() == (payment, order)
    assert started.url == f"/payflow/return/{story.payment.return_token}/", "the waiting page moves on by itself"


def test_create__an_early_callback_comes_again_and_then_works(story):
    """It reaches us while the answer of create is on its way: 503, and the next attempt finds everything."""
    story.sim.control("POST", "resurs/settings", {"create_lands": "FROZEN"})
    answers = []
    checkpoints.arm(
        "checkout.created", lambda: answers.append(deliver(story.client, story.sim.deliveries()[-1]).status_code)
    )
    story.start(THAWS)
    assert answers == [503]
    assert story.status() == ("processing", "on_hold")

    story.wait(6)
    assert story.callbacks() == [200, 200]
    assert (*story.status(), story.shipped) == ("authorized", "completed", 1)


def test_create__an_early_callback_after_a_lost_answer_works_too(story):
    story.sim.control("POST", "resurs/settings", {"create_lands": "ACCEPTED"})
    story.sim.fault("create", "lost_answer", provider="resurs", times=1)
    story.start()
    (early,) = story.sim.deliveries()
    assert (story.payment.status, deliver(story.client, early).status_code) == ("created", 503)

    story.wait(31)
    flow.sweep(inline=True)
    assert deliver(story.client, early).status_code == 200
    flow.sweep(inline=True)
    assert (*story.status(), story.shipped) == ("authorized", "completed", 1)
    assert (len(story.sim.payments("resurs")), len(story.sim.calls("create"))) == (1, 1)


def test_create__a_lost_answer_is_found_by_the_order_reference(story):
    story.sim.control("POST", "resurs/settings", {"search_rows": "bare", "search_delay": 120})
    story.sim.fault("create", "lost_answer", provider="resurs", times=1)
    story.start()
    story.wait(11)
    flow.sweep(inline=True)
    assert story.payment.status == "created", "the search does not know it yet"

    story.wait(601)
    flow.sweep(inline=True)
    assert story.status() == ("pending", "pending")
    assert story.payment.checkout_url.startswith(story.sim.base_url("resurs"))
    assert len(story.sim.calls("create")) == 1


def test_create__the_buyers_data_is_forgotten_once_resurs_has_it(story):
    story.start()
    assert story.payment.checkout["buyer"] == {}
    assert VINCENT not in str(story.payment.checkout)


# -- money that moves in the merchant portal

TWO_WAYS = pytest.mark.parametrize("how", ["callback", "poll"])


@pytest.fixture
def authorized(story) -> ResursStory:
    story.start().on_page("sign")
    story.learn("callback")
    assert story.status() == ("authorized", "completed")
    return story


@TWO_WAYS
def test_captured_in_part__shows_exactly_that(authorized, how):
    authorized.in_portal("capture", amount="300.05")
    authorized.learn(how)
    payment = authorized.payment
    assert (payment.status, payment.label) == ("authorized", "partly captured")
    assert (payment.captured, payment.capturable, authorized.cases()) == (30_005, 54_895, set())

    authorized.in_portal("capture")
    authorized.learn(how)
    assert (authorized.payment.status, authorized.payment.captured) == ("paid", 84_900)


@TWO_WAYS
def test_canceled_in_part__shows_exactly_that(authorized, how):
    authorized.in_portal("cancel", amount=100)
    authorized.learn(how)
    payment = authorized.payment
    assert (payment.status, payment.captured, payment.capturable) == ("conflicted", 0, 74_900)
    assert authorized.cases() == {"mismatch", "authorization_lost"}


@TWO_WAYS
def test_captured_in_part_and_the_rest_canceled__shows_exactly_that(authorized, how):
    authorized.in_portal("capture", amount=49)
    authorized.in_portal("cancel")
    authorized.learn(how)
    payment = authorized.payment
    assert (payment.status, payment.captured, payment.capturable) == ("conflicted", 4_900, 0)
    assert "mismatch" in authorized.cases()


@TWO_WAYS
@pytest.mark.parametrize(("change", "left"), [("50.00", 89_900), ("-49.00", 80_000)])
def test_modified__the_new_sum_is_not_lost(authorized, how, change, left):
    authorized.in_portal("modify", amount=change)
    authorized.learn(how)
    assert (authorized.payment.status, authorized.payment.capturable) == ("conflicted", left)
    assert "mismatch" in authorized.cases()


@TWO_WAYS
def test_modified__replaced_by_the_same_sum_is_no_news(authorized, how):
    """The portal cancels everything and adds lines: the order's total is twice as much now, the money is not."""
    authorized.in_portal("cancel")
    authorized.in_portal("modify", amount=849)
    authorized.learn(how)
    assert (authorized.payment.status, authorized.payment.capturable) == ("authorized", 84_900)
    assert authorized.cases() == set()


def test_modified__after_everything_was_canceled_wakes_the_payment(authorized):
    authorized.in_portal("cancel")
    authorized.learn("callback")
    assert (authorized.payment.status, authorized.payment.money.minor) == ("canceled", 84_900)

    authorized.in_portal("modify", amount=849)
    authorized.learn("callback")
    assert (authorized.payment.status, authorized.payment.capturable) == ("authorized", 84_900)
    assert "late_money" in authorized.cases()


@TWO_WAYS
def test_refunded_in_part__shows_exactly_that(authorized, how):
    authorized.in_portal("capture")
    authorized.learn(how)
    authorized.in_portal("refund", amount="12.34")
    authorized.learn("callback")
    payment = authorized.payment
    assert (payment.status, payment.label) == ("paid", "partly refunded")
    assert (payment.captured, payment.refunded) == (84_900, 1_234)


def test_frozen__after_the_order_was_secured_blocks_and_loses_no_sum(authorized):
    authorized.sim.set_status(authorized.id, "frozen", provider="resurs")
    authorized.learn("callback")
    payment = authorized.payment
    assert (payment.status, payment.held, payment.capturable) == ("authorized", True, 84_900)

    authorized.sim.set_status(authorized.id, "authorized", provider="resurs")
    authorized.learn("callback")
    assert (authorized.payment.status, authorized.payment.held, authorized.cases()) == ("authorized", False, set())


# -- attacks


@pytest.mark.attack(10)
def test_callback__without_our_token_asks_nobody(story):
    story.start().on_page("sign")
    (genuine,) = story.sim.deliveries()
    asked = len(story.sim.calls())
    for address in (
        "/payflow/webhook/resurs/",
        f"/payflow/webhook/resurs/{'x' * 43}-authorization/",
        genuine.path.replace("-authorization", ""),
        genuine.path.replace("-authorization", "-payout"),
        genuine.path.replace("/resurs/", "/mollie/"),
    ):
        answer = story.client.post(address, genuine.body, content_type="application/json")
        assert 400 <= answer.status_code < 500, address
    assert (len(story.sim.calls()), WebhookDelivery.objects.count()) == (asked, 0)
    assert story.status() == ("pending", "pending")


@pytest.mark.attack(19)
def test_callback__about_a_foreign_payment_at_our_address_changes_nothing(story):
    story.start()
    mine = story.sim.deliveries
    other = ResursStory(story.sim, story.client).start()
    other.on_page("sign")
    theirs = mine()[-1]
    asked = len(story.sim.calls("get"))

    ours = f"/payflow/webhook/resurs/{story.payment.webhook_token}-authorization/"
    assert story.client.post(ours, theirs.body, content_type="application/json").status_code == 404
    flow.sweep(inline=True)
    assert (story.status(), story.cases()) == (("pending", "pending"), {"foreign_object"})
    assert len(story.sim.calls("get")) == asked


@pytest.mark.attack(19)
def test_answer__that_names_another_amount_hands_nothing_over(story):
    story.start()
    story.sim.overwrite(story.id, provider="resurs", amount="8.49")
    story.on_page("sign")
    story.learn("callback")
    assert (*story.status(), story.payment.capturable, story.shipped) == ("conflicted", "on_hold", 849, 0)
    assert story.cases() == {"mismatch"}


@pytest.mark.attack(20)
def test_answer__from_another_country_is_other_money(story):
    story.start()
    story.sim.overwrite(story.id, provider="resurs", currency="NOK")
    story.on_page("sign")
    story.learn("callback")
    payment = story.payment
    assert (*story.status(), story.shipped) == ("conflicted", "on_hold", 0)
    assert (payment.observed_amount, payment.observed_currency, payment.capturable) == (84_900, "NOK", 0)


@pytest.mark.attack(22)
def test_answer__of_another_store_is_refused(story):
    story.start()
    story.sim.overwrite(story.id, provider="resurs", storeId=NORWAY)
    story.on_page("sign")
    story.callbacks()
    assert (*story.status(), story.cases()) == ("pending", "pending", {"foreign_object"})


def test_answer__unknown_word_is_shown_to_a_person(story):
    story.start()
    story.sim.overwrite(story.id, provider="resurs", status="PONDERING")
    story.wait(61)
    flow.sweep(inline=True)
    assert (*story.status(), story.cases()) == ("pending", "pending", {"unresolved"})


def test_answer__403_changes_nothing_and_is_shown_to_a_person(story):
    """An old rejected payment, or somebody else's credentials: neither may end what the buyer could still sign."""
    story.start()
    story.sim.set_status(story.id, "timeout", provider="resurs", webhook=False)
    story.sim.control("POST", "clock", {"advance": 31 * 86_400})  # Resurs forgets; we were away
    for _ in range(13):
        story.wait(3600)
        flow.sweep(inline=True)
    assert (*story.status(), story.cases()) == ("pending", "pending", {"unresolved"})


# -- what the buyer is told


def test_start__a_missing_phone_number_is_asked_for(story):
    story.order.payment_details.pop("phone")
    with pytest.raises(InvalidCheckout, match=r"Buyer\.phone") as refused:
        flow.start_checkout(order=story.order, account="resurs")
    assert "mobile phone number" in refused.value.buyer_message
    assert "resurs" not in [choice.alias for choice in flow.accounts_for(story.order)]
    assert Payment.objects.count() == 0


def test_start__without_the_device_is_refused_by_name_and_the_view_gives_it(story):
    del story.order.payment_details["ip"]
    story.order.save(update_fields=["payment_details"])
    assert "resurs" in [choice.alias for choice in flow.accounts_for(story.order)]
    with pytest.raises(CheckoutRefused, match=r"Buyer\.ip"):
        flow.start_checkout(order=story.order, account="resurs")
    assert story.sim.payments("resurs") == []

    answer = story.client.post(f"/payflow/start/{story.order.reference}/", {"account": "resurs"})
    assert (answer.status_code, answer["Location"]) == (303, story.payment.checkout_url)
