"""Captures, voids and refunds from the desk, and what only a person can decide about a payment."""

from __future__ import annotations

import uuid

import pytest
from django.contrib.admin.models import LogEntry

from django_payflow import flow
from django_payflow.exceptions import CommandRefused
from django_payflow.models import Case, Move, Payment, PaymentEvent
from tests.admin.conftest import address, again, command, refund_of, said_on, words

pytestmark = pytest.mark.urls("tests.admin.urls")


def given(actor="grace"):
    """The command in the record: its words, and who gave it."""
    event = PaymentEvent.objects.filter(kind="command", source="operator").latest("pk")
    assert event.actor == actor
    return event.summary


def logged():
    return [entry.get_change_message() for entry in LogEntry.objects.order_by("pk")]


def buttons(browser, row):
    """The commands that a row's page offers."""
    return [str(label) for _, label in browser.get(address(row)).context["payflow_operations"]]


# --- refund


def test_refund__page_says_what_will_happen_and_does_nothing(paid, treasurer):
    asked = len(paid.sim.calls())

    page = treasurer.get(address(paid.payment, "refund"))

    text = words(page)
    assert f"mollie is told to send the amount below back to the buyer of {paid.reference}." in text
    assert "At most 24.95 EUR are left to be refunded." in text
    assert "test mode: no real money moves" in text
    assert "second person" not in text
    assert said_on(page)["amount"] == "24.95"
    assert len(paid.sim.calls()) == asked
    assert not Move.objects.exists()


def test_refund__of_a_part_is_sent_once_and_recorded(paid, treasurer):
    page = command(treasurer, paid.payment, "refund", amount="10.00", reason="one pot was broken")

    move = Move.objects.get()
    assert (move.kind, move.amount, move.currency, move.actor) == ("refund", 1000, "EUR", "grace")
    assert (move.status, move.reason) == ("pending", "one pot was broken")
    assert len(paid.sim.calls("refund")) == 1
    assert "Refund of 10.00 EUR: the provider has it and works on it." in words(page)
    assert given() == "refund of 10.00 EUR asked for: one pot was broken"
    assert logged() == ["Refund: refund of 10.00 EUR"]


def test_refund__the_same_page_sent_twice_makes_one(paid, treasurer):
    url = address(paid.payment, "refund")
    said = {**said_on(treasurer.get(url)), "amount": "10.00"}

    answers = [treasurer.post(url, said) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert Move.objects.count() == len(paid.sim.calls("refund")) == 1


def test_refund__of_everything_twice_makes_one_and_no_error(paid, treasurer):
    url = address(paid.payment, "refund")
    said = said_on(treasurer.get(url))

    treasurer.post(url, said)
    page = treasurer.post(url, said, follow=True)

    assert '<li class="error">' not in page.content.decode()
    assert (Move.objects.get().amount, len(paid.sim.calls("refund"))) == (2495, 1)


def test_refund__two_pages_make_two(paid, treasurer):
    for _ in range(2):
        command(treasurer, paid.payment, "refund", amount="10.00")
        paid.sim.advance(3700)  # Mollie takes an equal refund within an hour for the same one

    assert Move.objects.count() == 2


def test_refund__a_used_page_that_says_something_else_is_refused(paid, treasurer):
    url = address(paid.payment, "refund")
    said = said_on(treasurer.get(url))
    treasurer.post(url, {**said, "amount": "10.00"})

    page = treasurer.post(url, {**said, "amount": "5.00"})

    assert page.status_code == 200
    assert "This page was used already, for a refund of 10.00 EUR. Open it anew." in words(page)
    assert Move.objects.count() == 1


@pytest.mark.parametrize("key", ["", "x", "../../etc", "b4e7c5d0-1f0e-11f1-8000-000000000000", "0" * 32])
def test_refund__a_forged_key_is_refused(paid, treasurer, key):
    page = treasurer.post(address(paid.payment, "refund"), {"amount": "1.00", "key": key})

    assert page.status_code == 200
    assert "This page cannot be used" in words(page)
    assert not Move.objects.exists()


@pytest.mark.parametrize(
    ("amount", "told"),
    [
        ("24.96", "not enough left: 24.95 EUR can be refunded, not 24.96 EUR"),
        ("99999999999.00", "not enough left"),
        ("0", "must be above zero"),
        ("-1.00", "must be above zero"),
        ("1.005", "Write EUR with at most 2 decimals after a point, such as 123.45."),
        ("", "This field is required"),
    ],
)
def test_refund__a_wrong_amount_shows_the_page_again(paid, treasurer, amount, told):
    url = address(paid.payment, "refund")
    said = {**said_on(treasurer.get(url)), "amount": amount, "reason": "keeps what was written"}

    page = treasurer.post(url, said)

    assert page.status_code == 200
    assert "Nothing was done." in words(page)
    assert told in words(page)
    assert said_on(page) == said
    assert not Move.objects.exists()
    assert paid.sim.calls("refund") == []
    assert logged() == []


def test_refund__after_an_error_the_same_page_works(paid, treasurer):
    url = address(paid.payment, "refund")
    page = treasurer.post(url, {**said_on(treasurer.get(url)), "amount": "24.96"})

    treasurer.post(url, {**said_on(page), "amount": "24.95"})

    assert Move.objects.get().amount == 2495


def test_refund__says_that_the_provider_refused(paid, treasurer):
    paid.sim.fault("refund", "not_found", times=1)

    page = command(treasurer, paid.payment, "refund", amount="10.00")

    assert '<li class="error">' in page.content.decode()
    assert "Refund of 10.00 EUR: it failed" in words(page)
    assert Move.objects.get().status == "failed"


def test_refund__says_that_nobody_knows(paid, treasurer):
    paid.sim.fault("refund", "5xx", status=502)

    page = command(treasurer, paid.payment, "refund", amount="10.00")

    assert '<li class="warning">' in page.content.decode()
    assert "the provider's answer is not known" in words(page)
    assert Move.objects.get().status == "submitting"


def test_refund__above_the_limit_waits_for_a_second_person(paid, treasurer, shop_setting):
    shop_setting(REFUND_APPROVAL_ABOVE={"EUR": 500})
    told = words(treasurer.get(address(paid.payment, "refund")))
    assert "Above 5.00 EUR, earlier refunds of this payment included, nothing is sent yet" in told

    page = command(treasurer, paid.payment, "refund", amount="5.01")

    assert "nothing was sent yet. A second person must approve it." in words(page)
    assert "waits for approval" in words(page)
    assert (Move.objects.get().status, paid.sim.calls("refund")) == ("requested", [])


def test_refund__at_a_bank_without_the_call_sends_nothing(at_golomt, treasurer, sim):
    told = words(treasurer.get(address(at_golomt, "refund")))
    assert "Nothing is sent: golomt has no call for refunds. Arrange it with the bank" in told
    asked = len(sim.calls())

    page = command(treasurer, at_golomt, "refund", amount="10.00")

    assert "nothing was sent. Arrange it with the bank, then confirm it" in words(page)
    assert "to be arranged by hand" in words(page)
    assert (Move.objects.get().status, len(sim.calls())) == ("manual", asked)


def test_refund__of_money_in_another_currency(story, treasurer):
    story.start()
    story.sim.overwrite(story.reference, amount={"currency": "JPY", "value": "3000"})
    story.bank("paid")
    story.webhook()
    assert (story.payment.status, story.payment.observed_amount) == ("conflicted", 3000)

    page = treasurer.get(address(story.payment, "refund"))

    assert said_on(page)["amount"] == "3000"
    assert "Amount in JPY" in words(page)
    treasurer.post(address(story.payment, "refund"), {**said_on(page), "amount": "3000.5"})
    assert not Move.objects.exists()
    treasurer.post(address(story.payment, "refund"), said_on(page))
    assert (Move.objects.get().amount, Move.objects.get().currency) == (3000, "JPY")


# --- capture and void


def test_capture__of_everything(authorized, treasurer):
    page = treasurer.get(address(authorized.payment, "capture"))
    assert (
        f"mollie is told to take the amount below out of the 24.95 EUR that are reserved by {authorized.reference}."
        in (words(page))
    )
    assert said_on(page)["amount"] == "24.95"

    page = command(treasurer, authorized.payment, "capture")

    move = Move.objects.get()
    assert (move.kind, move.amount, move.final, move.actor) == ("capture", 2495, True, "grace")
    assert "Capture of 24.95 EUR:" in words(page)
    assert given() == "capture of 24.95 EUR asked for"


def test_capture__of_a_part_gives_up_the_rest(authorized, treasurer):
    command(treasurer, authorized.payment, "capture", amount="20.00", reason="one pot is missing")

    move = Move.objects.get()
    assert (move.amount, move.final, move.let_go) == (2000, True, 495)


def test_capture__that_is_not_to_be_the_last_is_refused_where_the_rest_would_be_lost(authorized, treasurer):
    url = address(authorized.payment, "capture")
    said = {**said_on(treasurer.get(url)), "amount": "20.00"}
    assert said.pop("final") is True

    page = treasurer.post(url, said)

    assert page.status_code == 200
    assert "Not done: Mollie may let go of the rest after one capture" in words(page)
    assert not Move.objects.exists()


def test_capture__twice_makes_one(authorized, treasurer):
    url = address(authorized.payment, "capture")
    said = said_on(treasurer.get(url))

    for _ in range(2):
        assert treasurer.post(url, said).status_code == 303

    assert Move.objects.count() == len(authorized.sim.calls("capture")) == 1


def test_void__releases_everything_once(authorized, treasurer):
    page = treasurer.get(address(authorized.payment, "void"))
    assert f"mollie is told to release the 24.95 EUR that are reserved by {authorized.reference}" in words(page)
    said = {**said_on(page), "reason": "sold out"}

    for _ in range(2):
        assert treasurer.post(address(authorized.payment, "void"), said).status_code == 303

    move = Move.objects.get()
    assert (move.kind, move.amount, move.reason, move.actor) == ("void", 2495, "sold out", "grace")
    assert len(authorized.sim.calls("release")) == 1


def test_buttons__only_where_the_state_allows(authorized, treasurer):
    assert buttons(treasurer, authorized.payment) == ["Ask the provider now", "Capture", "Void"]

    command(treasurer, authorized.payment, "capture")
    authorized.sim.advance(60)
    command(treasurer, authorized.payment, "ask")

    assert buttons(treasurer, authorized.payment) == ["Ask the provider now", "Refund"]


def test_buttons__only_with_the_permission(authorized, person):
    assert buttons(person("view", also=("capture_payment",)), authorized.payment) == ["Capture", "Void"]
    assert buttons(person("view", also=("refund_payment",), name="paul"), authorized.payment) == []


# --- cancel the attempt


def test_cancel__ends_the_attempt_at_the_provider(story, operator):
    story.start(method="banktransfer")
    assert f"mollie is told to cancel {story.reference}" in words(operator.get(address(story.payment, "cancel")))

    page = command(operator, story.payment, "cancel", reason="the buyer called")

    assert "The payment is canceled, its order is failed." in words(page)
    assert story.sim.payments()[0]["status"] == "canceled"
    assert given() == "cancel: the buyer called"
    assert logged() == ["Cancel the attempt"]


def test_cancel__says_so_when_the_provider_will_not(story, operator):
    story.start()

    page = command(operator, story.payment, "cancel")

    assert "Mollie does not end it: the payment is pending. It is offered to nobody any more" in words(page)
    assert (story.payment.withdraw, story.payment.offer_of_id) == (True, None)


def test_cancel__when_the_buyer_was_faster_the_money_counts(story, operator):
    story.start()
    story.bank("paid", webhook=False)

    page = command(operator, story.payment, "cancel")

    assert "The payment is paid, its order is processing." in words(page)


# --- what the facts alone cannot decide


def test_accept__lets_the_order_go_on(short_paid, treasurer):
    assert (short_paid.payment.status, short_paid.now().status) == ("conflicted", "on_hold")
    told = words(treasurer.get(address(short_paid.payment, "accept")))
    assert f"20.00 EUR are taken as good enough for {short_paid.reference}, although 24.95 EUR were expected." in told

    page = command(treasurer, short_paid.payment, "accept", reason="the rest came in cash")

    assert "The amount was accepted." in words(page)
    assert (short_paid.payment.accepted, short_paid.now().status) == (2000, "processing")
    assert given() == "amount accepted: the rest came in cash"
    assert not Case.objects.open().exists()


@pytest.mark.parametrize("name", ["accept", "write-off"])
def test_judgement__needs_a_reason(short_paid, treasurer, name):
    if name == "write-off":
        Payment.objects.update(refunded=2000)
    page = command(treasurer, short_paid.payment, name, reason="   ")

    assert page.status_code == 200
    assert "This field is required" in words(page)
    assert (short_paid.payment.accepted, short_paid.payment.written_off_at, logged()) == (None, None, [])


def test_write_off__only_when_the_money_is_gone(short_paid, treasurer):
    assert "There is still money on it" in words(treasurer.get(address(short_paid.payment, "write-off")))
    treasurer.post(address(short_paid.payment, "write-off"), {"reason": "lost"})
    assert short_paid.payment.written_off_at is None

    Payment.objects.update(doubt="vanished", reported_captured=0)
    page = command(treasurer, short_paid.payment, "write-off", reason="lost")

    assert "The payment was written off." in words(page)
    assert short_paid.payment.written_off_at is not None
    assert given() == "written off: lost"
    assert "written off already" in words(treasurer.get(address(short_paid.payment, "write-off")))


# --- what a provider does not tell


def test_record_refund__counts_and_is_recorded_once(at_golomt, treasurer):
    assert buttons(treasurer, at_golomt) == [
        "Ask the provider now",
        "Refund",
        "Record a refund",
        "Record a chargeback",
    ]
    assert "golomt is not asked and no money moves" in words(treasurer.get(address(at_golomt, "record-refund")))
    said = {"amount": "10.00", "reference": "BANK 17", "booked_on": "2026-03-01"}

    page = command(treasurer, at_golomt, "record-refund", **said)
    assert "The refund was recorded." in words(page)
    twice = treasurer.post(address(at_golomt, "record-refund"), said)

    move = Move.objects.get()
    assert (move.kind, move.origin, move.amount, move.evidence) == ("refund", "recorded", 1000, "BANK 17")
    assert str(move.booked_on) == "2026-03-01"
    assert (again(at_golomt).refunded, again(at_golomt).label) == (1000, "partly refunded")
    assert given() == "refund of 1000 recorded (BANK 17)"
    assert "This was recorded already, with the same reference." in words(twice)


def test_record_refund__once_whoever_asks_for_it(at_golomt):
    said = {"payment_id": at_golomt.pk, "amount": 1000, "reference": "BANK 17", "booked_on": None, "actor": "grace"}
    flow.record_refund(**said)

    with pytest.raises(CommandRefused):
        flow.record_refund(**said)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"reference": ""}, "This field is required"),
        ({"booked_on": "soon"}, "Enter a valid date"),
        ({"amount": "24.96"}, "not more than 24.95"),
        ({"amount": "0"}, "above zero"),
    ],
)
def test_record_refund__what_is_missing_shows_the_page_again(at_golomt, treasurer, said, told):
    page = command(treasurer, at_golomt, "record-refund", **{"amount": "10.00", "reference": "BANK 17", **said})

    assert told in words(page)
    assert not Move.objects.exists()


def test_record_chargeback__opens_the_case_and_can_be_won(at_golomt, treasurer):
    command(treasurer, at_golomt, "record-chargeback", amount="24.95", reference="CB 1")

    move = Move.objects.get()
    assert (move.kind, again(at_golomt).charged_back, again(at_golomt).label) == ("dispute", 2495, "charged back")
    assert Case.objects.open().get().kind == "chargeback"
    assert buttons(treasurer, move) == ["Record that it was won"]
    assert "24.95 MNT back that it had taken" in words(treasurer.get(address(move, "win")))

    page = command(treasurer, move, "win", reason="the bank wrote on Monday")

    assert "The money counts as back." in words(page)
    assert (again(move).status, again(at_golomt).charged_back) == ("returned", 0)
    assert not Case.objects.open().exists()
    assert given() == "chargeback won: the bank wrote on Monday"


# --- the page


def test_payment_page__shows_what_happened_to_the_money(paid, treasurer):
    move = refund_of(paid.payment, 1000, reason="one pot was broken")

    page = treasurer.get(address(paid.payment))

    assert f'href="{address(move)}"' in page.content.decode()
    assert "Captures, voids and refunds" in words(page)
    assert "refund of 10.00 EUR pending grace one pot was broken" in words(page)


def test_payment_page__of_a_forgotten_account_offers_nothing_that_moves_money(paid, treasurer):
    Payment.objects.update(account="gone")

    assert buttons(treasurer, paid.payment) == ["Ask the provider now"]
    for name in ("capture", "void", "refund", "record-refund", "record-chargeback"):
        said = {"amount": "1.00", "key": str(uuid.uuid4()), "reference": "x"}
        assert "no account “gone” any more" in words(treasurer.get(address(paid.payment, name)))
        page = treasurer.post(address(paid.payment, name), said, follow=True)
        assert '<li class="error">' in page.content.decode()
    assert not Move.objects.exists()
