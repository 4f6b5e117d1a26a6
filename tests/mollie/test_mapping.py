"""What a payment object of Mollie's means: the status table, the sums, and answers that cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from django_payflow.exceptions import Uncertain, UnknownStatus
from django_payflow.messages import Phase, Reference
from django_payflow.providers.mollie import MollieProvider, read_payment
from tests.mollie.wire import payment


def euro(value: str) -> dict[str, str]:
    return {"currency": "EUR", "value": value}


WORDS = [
    # Mollie's word, phase, captured, capturable
    ("open", Phase.OPEN, 0, 0),
    ("pending", Phase.PROCESSING, 0, 0),
    ("authorized", Phase.PROCESSING, 0, 2495),
    ("paid", Phase.PROCESSING, 2495, 0),
    ("failed", Phase.FAILED, 0, 0),
    ("canceled", Phase.CANCELED, 0, 0),
    ("expired", Phase.EXPIRED, 0, 0),
]


@pytest.mark.parametrize(("word", "phase", "captured", "capturable"), WORDS)
def test_status__each_word_has_a_phase_and_sums(word, phase, captured, capturable):
    report = read_payment(payment(status=word))

    assert (report.phase, report.captured, report.capturable) == (phase, captured, capturable)
    assert (report.raw_status, report.requested, report.currency) == (word, 2495, "EUR")


def test_status__the_table_is_the_documented_enumeration():
    assert {word for word, *_ in WORDS} == set(MollieProvider.statuses)


@pytest.mark.parametrize("word", ["", "PAID", "Paid ", "refunded", "charged_back", "settled", None, "x" * 500])
def test_status__an_unknown_word_gives_no_report(word):
    with pytest.raises(UnknownStatus) as unknown:
        read_payment(payment(status=word))
    assert len(unknown.value.word) <= 64


def test_report__carries_what_identifies_it():
    report = read_payment(payment(expiresAt="2026-03-01T10:15:00Z", method="ideal"))

    assert report.references == (Reference(kind="payment", value="tr_" + "A" * 22),)
    assert (report.our_reference, report.merchant, report.live) == ("k-1", "pfl_Wire1", False)
    assert report.expires_at == datetime(2026, 3, 1, 10, 15, tzinfo=UTC)
    assert (report.method, report.push) == ("ideal", False)
    assert report.checkout_url == "https://www.mollie.com/checkout/x"


@pytest.mark.parametrize(("mode", "live"), [("live", True), ("test", False), ("", False)])
def test_report__only_the_word_live_is_live(mode, live):
    assert read_payment(payment(mode=mode)).live is live


@pytest.mark.parametrize(
    ("metadata", "ours"),
    [
        ({"attempt": "k-1"}, "k-1"),
        ('{"attempt": "k-1"}', "k-1"),
        ({"attempt": None}, ""),
        ({}, ""),
        (None, ""),
        (["k-1"], ""),
        ("not json", ""),
        ('"k-1"', ""),
        (17, ""),
    ],
)
def test_report__our_mark_is_read_from_any_shape_of_metadata(metadata, ours):
    assert read_payment(payment(metadata=metadata)).our_reference == ours


def test_report__nested_metadata_cannot_break_the_reader():
    assert read_payment(payment(metadata="[" * 500 + "]" * 500)).our_reference == ""


# -- sums


@pytest.mark.parametrize(
    ("fields", "captured", "capturable"),
    [
        ({"status": "paid", "amountCaptured": euro("8.00")}, 800, 0),
        ({"status": "authorized", "amountCaptured": euro("8.00")}, 800, 1695),
        ({"status": "expired", "amountCaptured": euro("8.00")}, 800, 0),
        ({"status": "paid", "amountCaptured": euro("0.00")}, 0, 0),
    ],
)
def test_sums__what_was_captured_comes_from_the_amount_not_from_the_word(fields, captured, capturable):
    report = read_payment(payment(**fields))
    assert (report.captured, report.capturable) == (captured, capturable)


def test_sums__a_refund_counts_when_it_is_settled():
    states = ["queued", "pending", "processing", "refunded", "failed", "canceled", "some-new-word"]
    refunds = [{"id": f"re_{n}", "amount": euro("1.00"), "status": word} for n, word in enumerate(states)]

    report = read_payment(payment(status="paid", _embedded={"refunds": refunds}))

    assert report.refunded == 100
    assert [move.status for move in report.refunds] == [
        *("pending", "pending", "pending", "succeeded", "failed", "canceled", "pending")
    ]


def test_sums__a_chargeback_that_was_reversed_is_won():
    lost = {"id": "chb_1", "amount": euro("5.00"), "reversedAt": None}
    won = {"id": "chb_2", "amount": euro("7.00"), "reversedAt": "2026-03-09T10:00:00+00:00"}

    report = read_payment(payment(status="paid", _embedded={"chargebacks": [lost, won]}))

    assert report.charged_back == 500
    assert [move.status for move in report.disputes] == ["open", "won"]


def test_sums__what_was_not_embedded_is_not_known():
    report = read_payment(payment(status="paid"))
    assert (report.refunded, report.charged_back) == (None, None)


@pytest.mark.parametrize(
    ("currency", "value", "minor"),
    [
        ("EUR", "0.01", 1),
        ("EUR", "24.95", 2495),
        ("JPY", "500", 500),
        ("ISK", "1500", 1500),
        ("HUF", "1234.00", 123400),
        ("TWD", "99.50", 9950),
        ("USD", "123456789012.34", 12345678901234),
    ],
)
def test_amount__is_read_in_the_minor_units_that_mollie_uses(currency, value, minor):
    report = read_payment(payment(amount={"currency": currency, "value": value}))
    assert (report.requested, report.currency) == (minor, currency)


UNREADABLE: list[dict[str, Any]] = [
    {"amount": None},
    {"amount": "24.95"},
    {"amount": {"value": "24.95"}},
    {"amount": {"currency": "EUR"}},
    {"amount": {"currency": "EUR", "value": 24.95}},
    {"amount": {"currency": "EUR", "value": None}},
    {"amount": {"currency": "EUR", "value": "24.955"}},
    {"amount": {"currency": "JPY", "value": "0.5"}},
    {"amount": {"currency": "EUR", "value": "NaN"}},
    {"amount": {"currency": "EUR", "value": "Infinity"}},
    {"amount": {"currency": "EUR", "value": "1e3"}},
    {"amount": {"currency": "EUR", "value": "24,95"}},
    {"amount": {"currency": "EUR", "value": "٢٤"}},
    {"amount": {"currency": "EUR", "value": "9" * 30}},
    {"status": "paid", "amountCaptured": {"currency": "USD", "value": "24.95"}},
    {"status": "paid", "_embedded": {"refunds": [{"id": "re_1", "status": "refunded"}]}},
    {"status": "paid", "_embedded": {"refunds": 17}},
    {"_links": ["x"]},
    {"expiresAt": "soon"},
]


@pytest.mark.parametrize("fields", UNREADABLE)
def test_unreadable__is_an_unclear_end_never_a_guess(fields):
    with pytest.raises(Uncertain):
        read_payment(payment(**fields))


@pytest.mark.parametrize("missing", ["id", "mode", "status", "amount"])
def test_unreadable__a_field_that_we_need_is_missing(missing):
    with pytest.raises(Uncertain):
        read_payment({name: value for name, value in payment().items() if name != missing})
