"""What WooshPay's session and payment intent mean together: the phases, the sums, and what cannot be read."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from django_payflow.exceptions import Uncertain, UnknownStatus
from django_payflow.messages import Phase, Reference
from django_payflow.providers.wooshpay import WooshPayProvider, read_session
from tests.wooshpay.wire import INTENT, SESSION, checkout, intent, session

ERROR = {"type": "card_error", "code": "card_declined", "message": "Your card was declined."}
OPEN_WORDS = ("requires_payment_method", "requires_confirmation", "requires_action")
PAGES = ("open", "complete", "expired", "canceled")

LIFE = [
    # session, intent, further fields of the intent -> phase, captured, capturable
    ("open", "requires_payment_method", {}, Phase.OPEN, 0, 0),
    ("open", "requires_payment_method", {"last_payment_error": ERROR}, Phase.OPEN, 0, 0),
    ("open", "requires_confirmation", {}, Phase.OPEN, 0, 0),
    ("open", "requires_action", {}, Phase.OPEN, 0, 0),
    ("open", "failed", {}, Phase.OPEN, 0, 0),
    ("open", "processing", {}, Phase.PROCESSING, 0, 0),
    ("open", "succeeded", {"amount_received": 1234}, Phase.PROCESSING, 1234, 0),
    ("open", "canceled", {}, Phase.CANCELED, 0, 0),
    ("complete", "requires_payment_method", {}, Phase.PROCESSING, 0, 0),
    ("complete", "requires_payment_method", {"last_payment_error": ERROR}, Phase.FAILED, 0, 0),
    ("complete", "requires_action", {}, Phase.PROCESSING, 0, 0),
    ("complete", "requires_action", {"last_payment_error": ERROR}, Phase.PROCESSING, 0, 0),
    ("complete", "processing", {}, Phase.PROCESSING, 0, 0),
    ("complete", "processing", {"last_payment_error": ERROR}, Phase.PROCESSING, 0, 0),
    ("complete", "failed", {}, Phase.FAILED, 0, 0),
    ("complete", "requires_capture", {"amount_capturable": 1234}, Phase.PROCESSING, 0, 1234),
    ("complete", "succeeded", {"amount_received": 1234}, Phase.PROCESSING, 1234, 0),
    ("complete", "canceled", {"cancellation_reason": "abandoned"}, Phase.CANCELED, 0, 0),
    ("expired", "requires_payment_method", {}, Phase.EXPIRED, 0, 0),
    ("expired", "requires_payment_method", {"last_payment_error": ERROR}, Phase.FAILED, 0, 0),
    ("expired", "requires_action", {}, Phase.EXPIRED, 0, 0),
    ("expired", "canceled", {}, Phase.CANCELED, 0, 0),
    ("expired", "failed", {}, Phase.FAILED, 0, 0),
    ("expired", "processing", {}, Phase.PROCESSING, 0, 0),
    ("expired", "succeeded", {"amount_received": 1234}, Phase.PROCESSING, 1234, 0),
    ("canceled", "requires_payment_method", {}, Phase.CANCELED, 0, 0),
    ("canceled", "canceled", {}, Phase.CANCELED, 0, 0),
]


@pytest.mark.parametrize(("page", "word", "fields", "phase", "captured", "capturable"), LIFE)
def test_life__session_and_intent_are_read_together(page, word, fields, phase, captured, capturable):
    report = read_session(session(status=page), intent(status=word, **fields))

    assert (report.phase, report.captured, report.capturable) == (phase, captured, capturable)
    assert WooshPayProvider.statuses[report.raw_status] is phase
    assert (report.requested, report.currency) == (1234, "USD")


@pytest.mark.parametrize(
    ("page", "paid", "phase", "captured"),
    [
        ("open", "unpaid", Phase.OPEN, 0),
        ("complete", "unpaid", Phase.PROCESSING, 0),
        ("complete", "paid", Phase.PROCESSING, 1234),
        ("complete", "no_payment_required", Phase.PROCESSING, 0),
        ("expired", "unpaid", Phase.EXPIRED, 0),
        ("canceled", "", Phase.CANCELED, 0),
    ],
)
def test_life__without_an_intent_the_session_has_to_do(page, paid, phase, captured):
    report = read_session(session(status=page, payment_status=paid, payment_intent=""))

    assert (report.phase, report.captured, report.capturable) == (phase, captured, 0)
    assert report.references == (Reference(kind="session", value=SESSION),)


def test_life__paid_says_the_session_of_an_intent_that_was_not_asked_for_and_nothing_is_paid_yet():
    report = read_session(session(status="complete", payment_status="paid"))
    assert (report.phase, report.money) == (Phase.PROCESSING, 0)


@pytest.mark.parametrize("word", [*OPEN_WORDS, "processing", "failed"])
@pytest.mark.parametrize("page", PAGES)
def test_life__paid_says_the_session_but_not_its_intent_and_nothing_is_paid_yet(page, word):
    report = read_session(session(status=page, payment_status="paid"), intent(status=word))
    assert (report.phase, report.money) == (Phase.PROCESSING, 0)


def test_life__every_pair_of_words_gives_one_phase_and_no_money_without_a_money_word():
    intents = WooshPayProvider.statuses.keys() - {"open", "complete", "expired"}
    for page, word in itertools.product(PAGES, intents):
        report = read_session(session(status=page), intent(status=word, amount_received=1234))
        assert (report.money > 0) == (word in {"succeeded"}), (page, word)


def test_status__the_table_is_what_the_documentation_and_the_integrations_know():
    assert set(WooshPayProvider.statuses) == {*PAGES, *OPEN_WORDS, *("processing", "requires_capture"),
                                              *("succeeded", "canceled", "failed")}  # fmt: skip


STRANGE = ["", "SUCCEEDED", "paid", "succeeded ", "requires_source", None, "x" * 500]


@pytest.mark.parametrize("word", [*STRANGE, "open", "complete", "expired"])
def test_status__an_unknown_word_of_the_intent_gives_no_report(word):
    with pytest.raises(UnknownStatus) as unknown:
        read_session(session(status="complete", payment_status="paid"), intent(status=word))
    assert len(unknown.value.word) <= 64


@pytest.mark.parametrize("word", [*STRANGE, "succeeded", "processing"])
def test_status__an_unknown_word_of_the_session_gives_no_report(word):
    with pytest.raises(UnknownStatus):
        read_session(session(status=word), intent(status="succeeded", amount_received=1234))


def test_report__carries_what_identifies_it():
    report = read_session(session(), intent())

    assert report.references == (
        Reference(kind="session", value=SESSION),
        Reference(kind="payment_intent", value=INTENT),
    )
    assert (report.our_reference, report.merchant, report.live) == (checkout().key, "", False)
    assert report.expires_at == datetime(2026, 9, 22, 14, 13, 20, 214_000, tzinfo=UTC)
    assert report.checkout_url.startswith("https://checkouttest.wooshpay.com/pay/cs_test_")


def test_report__the_intent_may_come_as_an_object():
    report = read_session(session(payment_intent=intent()), intent(status="succeeded", amount_received=1234))
    assert report.references[1] == Reference(kind="payment_intent", value=INTENT)
    assert report.captured == 1234


@pytest.mark.parametrize("page", ["complete", "expired", "canceled"])
def test_report__a_page_that_is_closed_is_not_offered(page):
    assert read_session(session(status=page), intent()).checkout_url == ""


@pytest.mark.parametrize("nothing", ["", None])
def test_report__a_missing_expiry_is_a_day_after_the_creation(nothing):
    born = datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)
    assert read_session(session(expires_at=nothing)).expires_at == born + timedelta(hours=24)
    assert read_session(session(expires_at=nothing, created=nothing)).expires_at is None


@pytest.mark.parametrize(
    ("metadata", "ours"),
    [
        ({"attempt": "k-1"}, "k-1"),
        ('{"attempt": "k-1"}', "k-1"),
        ({"attempt": None}, ""),
        ({"attempt": 17}, ""),
        ({"attempt": "a\x00b"}, ""),
        ({"attempt": "x" * 300}, ""),
        ({}, ""),
        (None, ""),
        ("", ""),
        (["k-1"], ""),
        ("not json", ""),
        ('"k-1"', ""),
        ("[" * 5000, ""),
        (17, ""),
    ],
)
def test_report__our_mark_is_read_from_any_shape_of_metadata(metadata, ours):
    assert read_session(session(metadata=metadata)).our_reference == ours
    assert read_session(session(metadata=""), intent(metadata=metadata)).our_reference == ours


@pytest.mark.parametrize(
    ("types", "method", "push"),
    [
        (["card"], "card", False),
        ('["boleto"]', "boleto", True),
        (["bank_transfer_id"], "bank_transfer_id", True),
        (["card", "alipay"], "", False),
        ([], "", False),
        ("", "", False),
        (None, "", False),
        ("card", "", False),
    ],
)
def test_report__the_method_is_known_when_there_was_only_one(types, method, push):
    report = read_session(session(), intent(payment_method_types=types))
    assert (report.method, report.push) == (method, push)


def test_report__fields_of_the_old_api_are_texts():
    old = intent(
        status="requires_action",
        next_action=json.dumps({"type": "redirect_to_url"}),
        payment_method_types=json.dumps(["card"]),
        payment_method_options="",
        last_payment_error="",
        customer="",
        live_mode=False,
    )
    report = read_session(session(live_mode=False, customer="", shipping=""), old)
    assert (report.phase, report.method) == (Phase.OPEN, "card")


@pytest.mark.parametrize("nothing", [None, "", "null", "{}", {}])
def test_report__no_error_in_any_spelling_is_no_declined_attempt(nothing):
    over = read_session(session(status="expired"), intent(last_payment_error=nothing))
    assert over.phase is Phase.EXPIRED


@pytest.mark.parametrize("filled", [ERROR, json.dumps(ERROR), "card_declined"])
def test_report__an_error_in_any_spelling_is_a_declined_attempt(filled):
    assert read_session(session(status="expired"), intent(last_payment_error=filled)).phase is Phase.FAILED


# -- sums


@pytest.mark.parametrize(
    ("fields", "captured"),
    [
        ({"amount_received": 1234}, 1234),
        ({"amount_received": "1234"}, 1234),
        ({"amount_received": 800}, 800),
        ({"amount_received": 800, "capture_method": "manual"}, 800),
        ({"amount_received": 0}, 0),
        ({"amount_received": 9999}, 9999),
        ({"amount_received": None}, 1234),
        ({"amount_received": ""}, 1234),
        ({"amount_received": None, "capture_method": "manual"}, None),
    ],
)
def test_sums__captured_is_what_was_received(fields, captured):
    paid = read_session(session(status="complete"), intent(status="succeeded", **fields))
    assert (paid.captured, paid.capturable, paid.phase) == (captured, 0, Phase.PROCESSING)


@pytest.mark.parametrize(("given", "capturable"), [(1234, 1234), (500, 500), (0, 0), (None, 1234), ("", 1234)])
def test_sums__capturable_is_what_is_held(given, capturable):
    held = read_session(session(status="complete"), intent(status="requires_capture", amount_capturable=given))
    assert (held.captured, held.capturable) == (0, capturable)


def test_sums__what_the_wire_does_not_tell_is_not_known():
    report = read_session(session(status="complete"), intent(status="succeeded", amount_received=1234))
    assert (report.refunded, report.charged_back, report.held) == (None, None, False)
    assert (report.refunds, report.disputes) == ((), ())


def test_sums__refunds_are_read_one_by_one_and_from_nowhere_else():
    """Two sources of one sum would contradict each other; no sample shows this field."""
    paid = intent(status="succeeded", amount_received=1234, amount_refunded=500)
    assert read_session(session(status="complete"), paid).refunded is None


@pytest.mark.parametrize(
    ("written", "currency"), [("USD", "USD"), ("usd", "USD"), ("jpy", "JPY"), ("Kwd", "KWD"), ("RWF", "RWF")]
)
def test_currency__the_case_does_not_matter_and_amounts_are_minor_units(written, currency):
    report = read_session(
        session(currency=written, status="complete"),
        intent(currency=written.swapcase(), status="succeeded", amount_received=1234),
    )
    assert (report.currency, report.requested, report.captured) == (currency, 1234, 1234)


def test_currency__counts_where_the_money_is():
    paid = intent(currency="EUR", status="succeeded", amount_received=1234)
    assert read_session(session(status="complete"), paid).currency == "EUR"


@pytest.mark.parametrize("amount", [1, 10**12 - 1, 10**17])
def test_amount__is_exact_however_large(amount):
    report = read_session(session(amount_total=amount), intent(status="succeeded", amount_received=str(amount)))
    assert (report.requested, report.captured) == (amount, amount)


UNREADABLE: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"id": ""}, {}),
    ({"id": None}, {}),
    ({"livemode": "false"}, {}),
    ({"livemode": None}, {}),
    ({"amount_total": None}, {}),
    ({"amount_total": "12.34"}, {}),
    ({"amount_total": -1}, {}),
    ({"amount_total": True}, {}),
    ({"amount_total": "١٢"}, {}),
    ({"amount_total": 10**30}, {}),
    ({"expires_at": "soon"}, {}),
    ({"expires_at": 10**18 - 1}, {}),
    ({}, {"currency": "US"}),
    ({}, {"currency": None}),
    ({}, {"currency": "ＵＳＤ"}),
    ({}, {"id": "pi_another"}),
    ({}, {"livemode": True}),
    ({}, {"status": "succeeded", "amount_received": "12.34"}),
    ({}, {"status": "succeeded", "amount_received": -1}),
    ({}, {"status": "succeeded", "amount_received": [1]}),
    ({}, {"status": "requires_capture", "amount_capturable": "x"}),
]


@pytest.mark.parametrize(("of_session", "of_intent"), UNREADABLE)
def test_unreadable__is_an_unclear_end_never_a_guess(of_session, of_intent):
    with pytest.raises(Uncertain):
        read_session(session(**of_session), intent(**of_intent))


@pytest.mark.parametrize("missing", ["id", "livemode", "status", "amount_total"])
def test_unreadable__a_field_of_the_session_that_we_need_is_missing(missing):
    with pytest.raises(Uncertain):
        read_session({name: value for name, value in session().items() if name != missing}, intent())


@pytest.mark.parametrize("missing", ["id", "status", "currency"])
def test_unreadable__a_field_of_the_intent_that_we_need_is_missing(missing):
    with pytest.raises(Uncertain):
        read_session(session(), {name: value for name, value in intent().items() if name != missing})
