"""What an inquiry's answer becomes: every row of the table, odd values, and the deadline to the minute."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from django_payflow import clock
from django_payflow.exceptions import NotAuthentic, Uncertain, UnknownStatus
from django_payflow.messages import Phase, Reference, Report
from django_payflow.providers.golomt import GolomtProvider
from tests.golomt.wire import OURS, adapter, always, answer, checkout, minutes, outcome, paid, seal, serving

STORED = Reference(kind="transaction", value=OURS)


def read(said: dict | bytes, *, age: timedelta = timedelta(0), **options) -> Report:
    """What the adapter makes of an answer to an inquiry about a payment of this age."""
    with serving(always(answer(said))) as wire:
        return adapter(wire.url, **options).retrieve(checkout(created_at=clock.now() - age), STORED)


@pytest.mark.parametrize("status", ["SENT", "PENDING", "something new", None, ..., ""])
@pytest.mark.parametrize(
    ("code", "phase", "captured"),
    [
        ("000", Phase.PROCESSING, 1_850_000),
        ("300", Phase.FAILED, 0),
        ("0", Phase.FAILED, 0),
        ("00", Phase.FAILED, 0),
        ("0000", Phase.FAILED, 0),
        (" 000", Phase.FAILED, 0),
        ("905", Phase.FAILED, 0),
        ("E-17", Phase.FAILED, 0),
        ("PENDING", Phase.FAILED, 0),
        ("SENT", Phase.FAILED, 0),
        (" ", Phase.FAILED, 0),
    ],
)
def test_code__decides_whatever_the_status_says(status, code, phase, captured):
    report = read(outcome(status=status, errorCode=code))
    assert (report.phase, report.captured, report.raw_status) == (phase, captured, code)


@pytest.mark.parametrize("code", [None, ..., ""])
@pytest.mark.parametrize(
    ("status", "raw"),
    [("SENT", "SENT"), ("PENDING", "PENDING"), (None, "PENDING"), (..., "PENDING"), ("", "PENDING")],
)
def test_no_code__is_not_paid_yet_whatever_the_status_says(status, raw, code):
    report = read(outcome(status=status, errorCode=code))
    assert (report.phase, report.captured, report.raw_status) == (Phase.OPEN, 0, raw)


@pytest.mark.parametrize("word", ["SETTLED", "pending", "000", "300"])
def test_no_code__with_a_strange_status_is_said_and_not_guessed(word):
    with pytest.raises(UnknownStatus) as unknown:
        read(outcome(status=word))
    assert unknown.value.word == word


def test_statuses__are_the_table_that_is_read():
    assert GolomtProvider.statuses == {
        "PENDING": Phase.OPEN,
        "SENT": Phase.OPEN,
        "000": Phase.PROCESSING,
        "300": Phase.FAILED,
    }
    for word, phase in GolomtProvider.statuses.items():
        fields = {"errorCode": word} if word.isdigit() else {"status": word}
        assert read(outcome(**fields)).phase is phase


# -- the deadline


@pytest.mark.parametrize(
    ("age", "options", "phase"),
    [
        (0, {}, Phase.OPEN),
        (19.9, {}, Phase.OPEN),
        (20.1, {}, Phase.EXPIRED),
        (10_000, {}, Phase.EXPIRED),
        (4.9, {"page_minutes": 2, "grace_minutes": 3}, Phase.OPEN),
        (5.1, {"page_minutes": 2, "grace_minutes": 3}, Phase.EXPIRED),
        (-5, {}, Phase.OPEN),
    ],
)
@pytest.mark.parametrize("status", ["PENDING", "SENT"])
def test_deadline__is_the_pages_timer_and_the_grace(age, options, phase, status):
    report = read(outcome(status=status), age=minutes(age), **options)
    assert (report.phase, report.money, report.raw_status) == (phase, 0, status)


@pytest.mark.parametrize(("code", "phase"), [("000", Phase.PROCESSING), ("300", Phase.FAILED)])
def test_deadline__a_code_wins_whenever_it_comes(code, phase):
    report = read(outcome(errorCode=code), age=timedelta(days=400))
    assert report.phase is phase
    assert report.captured == (1_850_000 if code == "000" else 0)


# -- amounts


@pytest.mark.attack(25)
@pytest.mark.parametrize(
    ("written", "minor"),
    [
        ("1", 100),
        ("1.00", 100),
        ("1.0", 100),
        ("1.000", 100),
        ("18500", 1_850_000),
        ("18500.00", 1_850_000),
        ("18500.5", 1_850_050),
        ("0.01", 1),
        ("0", 0),
        ("9999999999.99", 10**12 - 1),
    ],
)
def test_amount__with_or_without_decimals(written, minor):
    report = read(paid(amount=written))
    assert (report.captured, report.requested, report.raw["amount"]) == (minor, minor, written)


@pytest.mark.attack(25)
@pytest.mark.parametrize("raw", ["18500.00", "18500", "18500.10"])
def test_amount__as_a_json_number_keeps_its_digits(raw):
    """Every sample has text. Were it a number, its digits would be what the bank hashed."""
    said = outcome(errorCode="000", amount="@", checksum=seal(OURS, "000", raw))
    report = read(json.dumps(said).replace('"@"', raw).encode())
    assert report.captured == round(float(raw) * 100)


@pytest.mark.attack(25)
@pytest.mark.parametrize(
    "written",
    [
        "0018500.00",
        "00.01",
        "18500.005",
        "-1",
        "+1",
        "1e4",
        "1,000",
        "1.",
        ".5",
        " 1",
        "1 ",
        "NaN",
        "9" * 30,
        "١٨٥٠٠",
    ],
)
@pytest.mark.parametrize("code", ["000", None])
def test_amount__that_is_none_is_no_answer(written, code):
    with pytest.raises(Uncertain) as wrong:
        read(outcome(errorCode=code, amount=written))
    assert not isinstance(wrong.value, NotAuthentic)


@pytest.mark.parametrize("nothing", [None, "", ...])
def test_amount__that_is_missing_cannot_be_told(nothing):
    waiting, done = read(outcome(amount=nothing)), read(paid(amount=nothing))
    assert (waiting.phase, waiting.requested, waiting.captured) == (Phase.OPEN, None, 0)
    assert (done.phase, done.requested, done.captured) == (Phase.PROCESSING, None, None)


# -- answers that cannot be read


@pytest.mark.parametrize(
    "said",
    [
        outcome(errorCode=0),
        outcome(errorCode=300),
        outcome(errorCode=False),
        outcome(errorCode=["000"]),
        outcome(errorCode="0" * 65),
        outcome(errorCode="00\x00"),
        outcome(status=1),
        outcome(status="\x00"),
        outcome(amount=True),
        outcome(amount={"value": 1}),
        outcome(token=17),
        outcome(transactionId=...),
        {**outcome(), "checksum": 17},
        {**outcome(), "transactionId": 17},
        {"timestamp": "2026-03-02T10:51:56.359+0000", "message": "try again"},
    ],
)
def test_answer__of_another_shape_is_none(said):
    with pytest.raises(Uncertain) as wrong:
        read(said)
    assert not isinstance(wrong.value, NotAuthentic)


def test_answer__with_more_fields_is_read_and_they_are_not_kept():
    report = read({**paid(), "phone": "99112233", "email": "ada@example.com"})
    assert report.captured == 1_850_000
    assert "99112233" not in str(report.raw)


def test_answer__with_an_odd_description_is_read():
    for odd in (17, None, ["x"], {"mn": "x"}, ...):
        assert read(paid(errorDesc=odd)).raw["errorDesc"] == ""
    assert len(read(paid(errorDesc="x" * 5000)).raw["errorDesc"]) == 300
