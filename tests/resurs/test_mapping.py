"""What the adapter makes of an answer: pure functions, no calls."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from django_payflow.exceptions import Uncertain, UnknownStatus
from django_payflow.messages import MoneyMove, Phase, Reference, Report
from django_payflow.providers.resurs import MARK, ResursOptions, ResursProvider, read_payment
from tests.resurs.wire import ID, STORE, checkout, entry, options, order, payment, rejected


def read(shown: Any, *, did_his_part: bool = True, **values: Any) -> Report:
    """Read a payment as it comes off the wire: fractions are text by then."""
    parsed = json.loads(json.dumps(shown), parse_float=str)
    return read_payment(parsed, checkout(), ResursOptions(**options(**values)), did_his_part=did_his_part)


def sums(report: Report) -> tuple[int | None, ...]:
    return report.requested, report.capturable, report.captured, report.refunded


def accepted(**amounts: Any) -> Report:
    return read(payment("ACCEPTED", order=order(**amounts)))


# -- status and reason


def test_open__leads_to_the_page_and_holds_nothing():
    report = read(payment())
    assert (report.phase, report.raw_status) == (Phase.OPEN, "TASK_REDIRECTION_REQUIRED")
    assert report.references == (Reference(kind="payment", value=ID),)
    assert (report.checkout_url, report.method) == ("https://gateway.resurs.com/c/1", "Faktura")
    assert (sums(report), report.held) == ((84_900, 0, 0, 0), False)
    assert (report.currency, report.merchant, report.live) == ("SEK", STORE, False)
    assert (report.our_reference, report.charged_back) == (checkout().key, None)


@pytest.mark.parametrize("status", ["FROZEN", "INSPECTION", "SUPPLEMENTING_REQUIRED"])
def test_held__secures_nothing_and_forgets_nothing(status):
    """What `authorizedAmount` says before the decision is not known: it is never money."""
    report = read(payment(status, order=order(authorizedAmount=849)))
    assert (report.phase, report.held, report.raw_status) == (Phase.PROCESSING, True, status)
    assert (report.capturable, report.captured, report.money) == (None, 0, 0)


@pytest.mark.parametrize(
    ("category", "phase"),
    [
        ("TIMEOUT", Phase.EXPIRED),
        ("ABORTED_BY_CUSTOMER", Phase.CANCELED),
        ("CANCELED", Phase.CANCELED),
        ("CREDIT_DENIED", Phase.FAILED),
        ("INSUFFICIENT_FUNDS", Phase.FAILED),
        ("PAYMENT_FROZEN", Phase.FAILED),
        ("TECHNICAL_ERROR", Phase.FAILED),
    ],
)
@pytest.mark.parametrize("did_his_part", [True, False])
def test_rejected__a_clear_reason_decides(category, phase, did_his_part):
    report = read(rejected(category), did_his_part=did_his_part)
    assert (report.phase, report.raw_status, report.checkout_url) == (phase, f"REJECTED/{category}", "")


@pytest.mark.parametrize("category", ["UNKNOWN", None, "BRAND_NEW"])
def test_rejected__for_no_clear_reason_the_buyers_tasks_decide(category):
    assert read(rejected(category), did_his_part=True).phase is Phase.FAILED
    assert read(rejected(category), did_his_part=False).phase is Phase.CANCELED


def test_unknown_status__gives_no_report():
    for word in ("SUBMITTED", "accepted", "", None, 7):
        with pytest.raises(UnknownStatus):
            read(payment() | {"status": word})


def test_statuses__every_word_has_a_phase():
    assert set(ResursProvider.statuses) >= {"TASK_REDIRECTION_REQUIRED", "FROZEN", "ACCEPTED", "REJECTED", "TIMEOUT"}


# -- sums: authorizedAmount is what is left, capturedAmount is gross


@pytest.mark.parametrize(
    ("amounts", "expected", "phase"),
    [
        ({"authorizedAmount": 849}, (84_900, 84_900, 0, 0), Phase.PROCESSING),
        ({}, (84_900, 0, 0, 0), Phase.PROCESSING),  # a success word without money
        ({"authorizedAmount": 548.95, "capturedAmount": 300.05}, (84_900, 54_895, 30_005, 0), Phase.PROCESSING),
        ({"capturedAmount": 849}, (84_900, 0, 84_900, 0), Phase.PROCESSING),
        ({"capturedAmount": 849, "refundedAmount": 12.34}, (84_900, 0, 84_900, 1_234), Phase.PROCESSING),
        ({"capturedAmount": 849, "refundedAmount": 849}, (84_900, 0, 84_900, 84_900), Phase.PROCESSING),
        ({"authorizedAmount": 749, "canceledAmount": 100}, (84_900, 74_900, 0, 0), Phase.PROCESSING),
        ({"canceledAmount": 849}, (84_900, 0, 0, 0), Phase.CANCELED),
        ({"canceledAmount": 100}, (84_900, 0, 0, 0), Phase.PROCESSING),
        ({"capturedAmount": 49, "canceledAmount": 800}, (84_900, 0, 4_900, 0), Phase.PROCESSING),
        (  # everything cancelled, and other lines added instead
            {"totalOrderAmount": 1698, "authorizedAmount": 849, "canceledAmount": 849},
            (169_800, 84_900, 0, 0),
            Phase.PROCESSING,
        ),
    ],
)
def test_accepted__the_sums_are_shown_as_they_are(amounts, expected, phase):
    report = accepted(**amounts)
    assert (sums(report), report.phase, report.held) == (expected, phase, False)


def test_accepted__captures_and_refunds_are_listed():
    log = [
        entry("CREATE", 800, 49),
        entry("CAPTURE", 400.5, -0.5, 49, transactionId="pf-1", creator="payflow"),
        entry("MODIFY_ORDER", 10),
        entry("REFUND", 12.34),
        entry("CANCEL", 400),
    ]
    report = accepted(actionLog=log, capturedAmount=449, refundedAmount=12.34)
    assert report.captures == (
        MoneyMove(id="capture-400.5", amount=44_900, status="succeeded", our_reference="pf-1"),
    )
    assert report.refunds == (MoneyMove(id="refund-12.34", amount=1_234, status="succeeded"),)


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("849", 84_900),
        ("849.0", 84_900),
        ("849.00", 84_900),
        ("0.01", 1),
        ("0.10", 10),
        ("8.49e2", 84_900),
        ("8E+2", 80_000),
        ("9007199254740993.07", 900_719_925_474_099_307),
        ("1.1", 110),
        ("0", 0),
        ("0.0", 0),
    ],
)
def test_amount__is_read_exactly(text, minor):
    """A float of 9007199254740993.07 is another number."""
    shown = json.dumps(payment("ACCEPTED")).replace('"authorizedAmount": 0', f'"authorizedAmount": {text}')
    report = read_payment(json.loads(shown, parse_float=str), checkout(), ResursOptions(**options()))
    assert report.capturable == minor


@pytest.mark.parametrize(
    "wrong", [8.491, "1e99", 1e30, "NaN", "", None, True, [], -1, "849,00", "+1", " 1", "0x10", "1_000", "٣"]
)
@pytest.mark.parametrize("name", ["authorizedAmount", "capturedAmount", "refundedAmount", "totalOrderAmount"])
def test_amount__that_is_none_makes_no_report(name, wrong):
    with pytest.raises(Uncertain):
        accepted(**{name: wrong})


@pytest.mark.parametrize("missing", ["id", "order", "status"])
def test_answer__without_what_matters_is_unclear(missing):
    shown = payment("ACCEPTED")
    del shown[missing]
    with pytest.raises(Uncertain):
        read(shown)


@pytest.mark.parametrize(
    "strange",
    [
        {"order": []},
        {"order": None},
        {"id": "../../stores"},
        {"id": 7},
        {"countryCode": "XX"},
        {"metadata": {"custom": [7]}},
        {"order": order(actionLog=[{"type": "CAPTURE"}])},
        {"paymentMethod": "Faktura"},
    ],
)
def test_answer__of_another_shape_is_unclear(strange):
    with pytest.raises(Uncertain):
        read(payment("ACCEPTED", **strange))


def test_answer__may_lack_what_does_not_matter():
    shown = payment("ACCEPTED", order=order(authorizedAmount=849))
    for name in ("created", "countryCode", "paymentMethod", "customer", "metadata", "storeId"):
        del shown[name]
    del shown["order"]["actionLog"]
    report = read(shown)
    assert (report.capturable, report.currency, report.merchant, report.method) == (84_900, "SEK", "", "")
    assert report.our_reference == checkout().key, "the order reference was made of it"


def test_answer__keeps_the_buyer_to_itself():
    assert "198305147715" not in str(read(payment()).raw)


# -- whose it is, in which money, until when


def test_mark__in_the_metadata_wins_over_the_order_reference():
    others = {"custom": [{"key": "externalCustomerId", "value": "77"}, {"key": MARK, "value": "somebody-elses"}]}
    assert read(payment(metadata=others)).our_reference == "somebody-elses"
    assert read(payment(metadata={"custom": []}, order=order(orderReference="ORD-1042"))).our_reference == ""


@pytest.mark.parametrize(("country", "currency"), [("SE", "SEK"), ("NO", "NOK"), ("FI", "EUR"), ("DK", "DKK")])
def test_currency__is_the_countrys_that_the_answer_names(country, currency):
    assert read(payment(countryCode=country)).currency == currency
    assert read(payment(countryCode=None), country=country).currency == currency


def test_mode__is_the_options():
    assert read(payment(), test=False).live is True


def test_expiry__is_the_time_to_live_or_the_orders_deadline():
    born = datetime(2026, 1, 15, 10, tzinfo=UTC)
    for deadline, minutes in ((None, 120), (90, 90), (240, 120), (-5, 1), (0.5, 1)):
        pay_before = None if deadline is None else born + timedelta(minutes=deadline)
        asked = checkout(created_at=born, pay_before=pay_before)
        report = read_payment(payment(), asked, ResursOptions(**options()))
        assert report.expires_at == born + timedelta(minutes=minutes)
