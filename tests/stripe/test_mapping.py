"""What a session, its intent and its charge mean together: phases, sums, and answers that cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from django_payflow.exceptions import Uncertain, UnknownStatus
from django_payflow.messages import MoneyMove, Phase, Reference
from django_payflow.providers.stripe import StripeProvider, read_session
from tests.stripe.wire import ATTEMPT, CHARGE_ID, INTENT_ID, SESSION_ID, charge, intent, move, paid, session

HELD = {"status": "requires_capture", "amount_capturable": 2495}
DONE = {"status": "succeeded", "amount_received": 2495}
STATES = [
    # session, payment_status, intent, phase, captured, capturable
    ("open", "unpaid", None, Phase.OPEN, 0, 0),
    ("open", "unpaid", {"status": "requires_payment_method"}, Phase.OPEN, 0, 0),
    ("open", "unpaid", {"status": "requires_confirmation"}, Phase.OPEN, 0, 0),
    ("open", "unpaid", {"status": "requires_action"}, Phase.OPEN, 0, 0),
    ("open", "unpaid", {"status": "processing"}, Phase.PROCESSING, 0, 0),
    ("open", "unpaid", DONE, Phase.PROCESSING, 2495, 0),
    ("open", "unpaid", {"status": "canceled"}, Phase.OPEN, 0, 0),
    ("complete", "unpaid", {"status": "processing"}, Phase.PROCESSING, 0, 0),
    ("complete", "unpaid", {"status": "requires_action"}, Phase.PROCESSING, 0, 0),
    ("complete", "unpaid", {"status": "requires_confirmation"}, Phase.PROCESSING, 0, 0),
    ("complete", "unpaid", {"status": "requires_payment_method"}, Phase.FAILED, 0, 0),
    ("complete", "unpaid", {"status": "canceled"}, Phase.CANCELED, 0, 0),
    ("complete", "unpaid", {"status": "canceled", "cancellation_reason": "abandoned"}, Phase.CANCELED, 0, 0),
    ("complete", "unpaid", {"status": "canceled", "cancellation_reason": "automatic"}, Phase.EXPIRED, 0, 0),
    ("complete", "unpaid", {"status": "canceled", "cancellation_reason": "expired"}, Phase.EXPIRED, 0, 0),
    ("complete", "unpaid", HELD, Phase.PROCESSING, 0, 2495),
    ("complete", "paid", HELD, Phase.PROCESSING, 0, 2495),
    ("complete", "paid", DONE, Phase.PROCESSING, 2495, 0),
    ("complete", "unpaid", DONE, Phase.PROCESSING, 2495, 0),
    ("complete", "paid", {"status": "succeeded", "amount_received": 800}, Phase.PROCESSING, 800, 0),
    ("complete", "paid", {"status": "processing"}, Phase.PROCESSING, 0, 0),
    ("complete", "no_payment_required", None, Phase.PROCESSING, 0, 0),
    ("complete", "paid", None, Phase.PROCESSING, 0, 0),
    ("expired", "unpaid", None, Phase.EXPIRED, 0, 0),
    ("expired", "unpaid", {"status": "requires_payment_method"}, Phase.EXPIRED, 0, 0),
    ("expired", "unpaid", {"status": "canceled"}, Phase.CANCELED, 0, 0),
    ("expired", "unpaid", {"status": "canceled", "cancellation_reason": "automatic"}, Phase.EXPIRED, 0, 0),
    ("expired", "unpaid", {"status": "processing"}, Phase.EXPIRED, 0, 0),
    ("expired", "unpaid", DONE, Phase.EXPIRED, 2495, 0),
]


@pytest.mark.parametrize(("status", "payment_status", "of_intent", "phase", "captured", "capturable"), STATES)
def test_state__three_words_give_one_phase_and_the_sums(
    status, payment_status, of_intent, phase, captured, capturable
):
    made = None if of_intent is None else intent(**of_intent)
    report = read_session(session(status=status, payment_status=payment_status, payment_intent=made))

    assert (report.phase, report.captured, report.capturable) == (phase, captured, capturable)
    assert (report.requested, report.currency, report.refunded, report.charged_back) == (2495, "EUR", 0, 0)
    words = [status, payment_status] + ([] if made is None else [made["status"]])
    assert report.raw_status == "/".join(words)


def test_state__every_word_of_the_table_is_met_above():
    met = {word for row in STATES for word in (row[0], row[1], (row[2] or {}).get("status")) if word}
    assert met == set(StripeProvider.statuses)


@pytest.mark.parametrize("where", ["status", "payment_status"])
@pytest.mark.parametrize("word", ["", "PAID", "canceled", "requires_capture", "settled", None, 3, "x" * 500])
def test_state__an_unknown_word_of_the_session_gives_no_report(where, word):
    with pytest.raises(UnknownStatus) as unknown:
        read_session(session(**{where: word}))
    assert len(unknown.value.word) <= 64


@pytest.mark.parametrize("word", ["", "Succeeded", "paid", "complete", "partially_funded", None])
def test_state__an_unknown_word_of_the_intent_gives_no_report(word):
    with pytest.raises(UnknownStatus):
        read_session(session(payment_intent=intent(status=word)))


def test_report__carries_what_identifies_it():
    report = read_session(session())

    assert report.references == (Reference(kind="session", value=SESSION_ID),)
    assert (report.our_reference, report.merchant, report.live, report.push) == (ATTEMPT, "", False, False)
    assert report.expires_at == datetime(2026, 3, 2, 10, tzinfo=UTC)
    assert report.checkout_url == session()["url"], "the fragment belongs to it"
    assert (report.method, report.held, report.raw) == ("", False, session())


def test_report__session_first_then_what_was_born_later():
    assert read_session(paid()).references == (
        Reference(kind="session", value=SESSION_ID),
        Reference(kind="intent", value=INTENT_ID),
        Reference(kind="charge", value=CHARGE_ID),
    )


@pytest.mark.parametrize(
    ("of_session", "kinds"),
    [
        ({"payment_intent": INTENT_ID, "status": "expired"}, ["session", "intent"]),
        ({"payment_intent": intent(latest_charge=CHARGE_ID, status="processing")}, ["session", "intent", "charge"]),
    ],
)
def test_report__what_the_answer_does_not_show_is_not_known(of_session, kinds):
    report = read_session(session(**of_session))

    assert [reference.kind for reference in report.references] == kinds
    assert (report.refunded, report.charged_back) == (None, None)
    shown = isinstance(of_session["payment_intent"], dict)
    assert (report.captured, report.capturable) == ((0, 0) if shown else (None, None))


@pytest.mark.parametrize(("mode", "live"), [(True, True), (False, False), ("true", False), (1, False)])
def test_report__only_true_is_live(mode, live):
    assert read_session(session(livemode=mode)).live is live


@pytest.mark.parametrize(
    ("metadata", "ours"),
    [
        ({"attempt": "k-1"}, "k-1"),
        ({"attempt": None}, ""),
        ({"attempt": 7}, ""),
        ({"attempt": "x" * 65}, ""),
        ({"attempt": "k\x001"}, ""),
        ({"attempt": "k\n1"}, ""),
        ({"attempt": "ключ"}, ""),
        ({"order": "ABC"}, ""),
        ({}, ""),
        (None, ""),
        ("k-1", ""),
    ],
)
def test_report__our_mark(metadata, ours):
    assert read_session(session(metadata=metadata)).our_reference == ours


@pytest.mark.parametrize(
    ("report", "method"),
    [
        (read_session(paid()), "card"),
        (read_session(paid(of_charge={"payment_method_details": {"type": "ideal"}})), "ideal"),
        (read_session(session(payment_method_types=["eps"])), "eps"),
        (read_session(session(payment_method_types=None)), ""),
    ],
)
def test_report__method(report, method):
    assert report.method == method


@pytest.mark.parametrize(
    ("action", "push"),
    [
        (None, False),
        ({"type": "redirect_to_url"}, False),
        ({"type": "oxxo_display_details"}, True),
        ({"type": "display_bank_transfer_instructions"}, True),
    ],
)
def test_report__a_customer_who_pays_from_his_own_side(action, push):
    waiting = intent(status="requires_action", next_action=action)
    assert read_session(session(status="complete", payment_intent=waiting)).push is push


# -- sums


def test_sums__a_changed_total_is_seen():
    assert read_session(session(amount_total=2000)).requested == 2000


@pytest.mark.attack(20)
def test_sums__money_in_another_currency_is_reported_in_that_currency():
    other = paid(currency="usd", amount_received=2700, of_charge={"currency": "usd"})
    report = read_session(other)
    assert (report.currency, report.captured, report.requested) == ("USD", 2700, None)


def test_sums__a_partial_capture():
    report = read_session(paid(amount_received=1000, of_charge={"amount_captured": 1000}))
    assert (report.captured, report.capturable) == (1000, 0)
    assert report.captures == (MoneyMove(id=CHARGE_ID, amount=1000, status="succeeded"),)


def test_sums__a_pending_debit_has_captured_nothing_whatever_its_charge_says():
    pending = charge(status="pending", paid=False)
    made = intent(status="processing", latest_charge=pending)
    report = read_session(session(status="complete", payment_intent=made))
    assert (report.captured, report.captures, report.phase) == (0, (), Phase.PROCESSING)


def test_sums__refunds_count_when_the_charge_says_that_they_are_settled():
    words = ["pending", "requires_action", "succeeded", "failed", "canceled", "some-new-word"]
    refunds = [move("re", 100, word) for word in words]

    report = read_session(paid(of_charge={"amount_refunded": 100}), refunds=refunds)

    assert report.refunded == 100
    assert [found.status for found in report.refunds] == [
        *("pending", "pending", "succeeded", "failed", "canceled", "pending")
    ]


DISPUTES = [
    # word, charged back, held, our word
    ("needs_response", 2495, False, "open"),
    ("under_review", 2495, False, "open"),
    ("appeal_needs_response", 2495, False, "open"),
    ("appeal_under_review", 2495, False, "open"),
    ("lost", 2495, False, "lost"),
    ("won", 0, False, "won"),
    ("prevented", 0, False, "won"),
    ("warning_needs_response", 0, True, "inquiry"),
    ("warning_under_review", 0, True, "inquiry"),
    ("warning_closed", 0, False, "won"),
]


@pytest.mark.parametrize(("word", "charged_back", "held", "ours"), DISPUTES)
def test_sums__a_dispute_takes_money_and_an_inquiry_holds_it(word, charged_back, held, ours):
    report = read_session(paid(of_charge={"disputed": True}), disputes=[move("dp", 2495, word)])

    assert (report.charged_back, report.held, report.captured) == (charged_back, held, 2495)
    assert [found.status for found in report.disputes] == [ours]


def test_sums__several_disputes_add_up():
    disputes = [move("dp", 500, "lost"), move("dp", 300, "won"), move("dp", 200, "needs_response")]
    assert read_session(paid(), disputes=disputes).charged_back == 700


def test_sums__an_unknown_word_of_a_dispute_gives_no_report():
    with pytest.raises(UnknownStatus):
        read_session(paid(), disputes=[move("dp", 500, "escalated")])


@pytest.mark.parametrize(
    ("review", "held"),
    [({"id": "prv_1", "open": True}, True), ({"id": "prv_1", "open": False}, False), ("prv_1", False), (None, False)],
)
def test_held__while_a_review_is_open(review, held):
    assert read_session(paid(review=review)).held is held


UNREADABLE: list[dict[str, Any]] = [
    {"amount_total": None},
    {"amount_total": "2495"},
    {"amount_total": 24.95},
    {"amount_total": True},
    {"amount_total": -1},
    {"amount_total": 10**30},
    {"currency": "xyz"},
    {"currency": None},
    {"currency": "isk", "amount_total": 505},
    {"id": None},
    {"id": 7},
    {"expires_at": "soon"},
    {"expires_at": 10**20},
    {"payment_intent": 17},
    {"payment_intent": ["pi_1"]},
    {"payment_intent": intent(id=None)},
    {"payment_intent": intent(amount_received=None)},
    {"payment_intent": intent(amount_capturable="0")},
    {"payment_intent": intent(latest_charge=17)},
    {"payment_intent": intent(latest_charge=charge(currency="usd"))},
    {"payment_intent": intent(latest_charge=charge(amount_refunded=None))},
    {"payment_intent": intent(next_action="x")},
    {"status": ["open"], "payment_status": {}},
]


@pytest.mark.parametrize("fields", UNREADABLE)
def test_unreadable__is_an_unclear_end_never_a_guess(fields):
    with pytest.raises((Uncertain, UnknownStatus)):
        read_session(session(**fields))


@pytest.mark.parametrize("bad", [17, {}, [{}], ["x"], [move("re", 1, "pending", currency="usd")]])
def test_unreadable__refunds_and_disputes(bad):
    if not isinstance(bad, dict):
        with pytest.raises(Uncertain):
            read_session(paid(), refunds=bad)
        with pytest.raises((Uncertain, UnknownStatus)):
            read_session(paid(), disputes=bad)


@pytest.mark.parametrize(
    "missing", ["id", "livemode", "status", "payment_status", "currency", "amount_total", "metadata"]
)
def test_unreadable__a_field_that_we_need_is_missing(missing):
    cut = {name: value for name, value in session().items() if name != missing}
    if missing == "metadata":
        assert read_session(cut).our_reference == ""
        return
    with pytest.raises(Uncertain):
        read_session(cut)


@pytest.mark.parametrize("missing", ["status", "currency", "amount_received", "amount_capturable"])
def test_unreadable__a_field_of_the_intent_is_missing(missing):
    made = {name: value for name, value in intent().items() if name != missing}
    with pytest.raises(Uncertain):
        read_session(session(payment_intent=made))
