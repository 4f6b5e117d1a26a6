"""Money after "paid": the bank has no call for it, its reports leave what was recorded, its list is a hint."""

from __future__ import annotations

import json
import traceback
from datetime import date, timedelta

import pytest

from django_payflow import clock, flow
from django_payflow.exceptions import NotSent, ProviderError, Rejected, Uncertain, Unsupported
from django_payflow.messages import MoveKind, MoveRequest, Reference, Report
from django_payflow.models import Case, Payment
from django_payflow.providers.golomt import MAX_PAGES, GolomtProvider, Settlement, transaction_id
from django_payflow.testing import deliver
from tests.conftest import new_order
from tests.golomt.wire import (
    BEARER,
    CARD_TOKEN,
    KEY,
    OURS,
    adapter,
    always,
    answer,
    checkout,
    inquiry,
    outcome,
    paid,
    seal,
    serving,
)

STORED = Reference(kind="transaction", value=OURS)
MERCHANT = "000000000087050"
JULY = {"merchant_id": MERCHANT, "start": date(2026, 7, 1), "end": date(2026, 7, 31)}
UNKNOWN_TOKEN = {"status": 400, "error": "NotFound", "message": "token is not found", "path": "/api"}


def request(kind: MoveKind) -> MoveRequest:
    return MoveRequest(
        kind=kind, key="k", amount=100, currency="MNT", created_at=clock.now(), references=(STORED,), reason="broken"
    )


def row(**fields) -> dict:
    """A row as in the bank's sample; the values are made up."""
    values = {
        "id": 17,
        "merchantId": MERCHANT,
        "terminalId": "00000087",
        "cardNumber": "949625******0003",
        "token": CARD_TOKEN,
        "amount": "18500.00",
        "merchantInvoice": OURS,
        "respCode": "00",
        "sysReference": "000000000017",
        "approvalCode": "000017",
        "requestDate": "2026-07-29T09:00:34.000+0000",
        "reversedDate": None,
    }
    return values | fields


def page(*rows: object, last: object = True) -> dict:
    return {"content": list(rows), "pageable": {"first": True, "last": last, "totalPages": 1, "totalElements": 1}}


def read(*pages: object) -> list[Settlement]:
    """Ask a bank that gives these pages, one after the other."""
    said = [answer(each) for each in pages]
    with serving(lambda connection, _: connection.sendall(said.pop(0))) as wire:
        return adapter(wire.url).settlements(**JULY)


def days(sim) -> dict:
    """The days around the simulators' present, wherever on earth the bank is."""
    now = clock.now().date()
    return {"merchant_id": MERCHANT, "start": now - timedelta(days=1), "end": now + timedelta(days=1)}


# -- nothing of it is on the wire


def test_flags__the_bank_can_do_nothing_of_it():
    assert not any(value for name, value in vars(GolomtProvider).items() if name.startswith("supports_"))
    bank = GolomtProvider
    assert not (bank.supports_capture or bank.supports_partial_capture or bank.supports_several_captures)
    assert not (bank.supports_void or bank.supports_refund or bank.supports_partial_refund or bank.supports_cancel)
    assert (bank.supports_manual_capture, bank.marks_captures, bank.unlisted) == (False, False, frozenset())
    assert bank.authorization_life is None


@pytest.mark.parametrize("kind", [MoveKind.CAPTURE, MoveKind.VOID, MoveKind.REFUND])
def test_move__is_refused_before_the_wire(golomt, sim, kind):
    with pytest.raises(Unsupported):
        getattr(golomt, kind.value)(checkout(), request(kind))
    assert sim.calls() == []


def cannot_tell(report: Report) -> bool:
    listed = (*report.refunds, *report.captures, *report.disputes)
    return (report.refunded, report.charged_back, listed, report.held) == (None, None, (), False)


def test_report__of_a_new_payment_cannot_tell_of_money_that_went_back(golomt):
    assert cannot_tell(golomt.create(checkout()).report)


@pytest.mark.parametrize("told", [outcome(), paid(), outcome(status="SENT", errorCode="300")])
def test_report__of_any_state_cannot_tell_of_money_that_went_back(told):
    with serving(inquiry(told)) as wire:
        report = adapter(wire.url).retrieve(checkout(), STORED)
    assert cannot_tell(report)
    assert report.capture_before is None


def test_report__of_a_reversed_payment_still_says_the_gross_sum(golomt, sim):
    golomt.create(checkout())
    sim.set_status(OURS, "paid", provider="golomt")
    before = golomt.retrieve(checkout(), STORED)
    sim.control("POST", f"golomt/payments/{OURS}/refund", {})
    after = golomt.retrieve(checkout(), STORED)
    assert (after.captured, after.refunded) == (1_850_000, None)
    assert after.raw == before.raw


@pytest.fixture
def paid_payment(account, db, sim, client) -> Payment:
    started = flow.start_checkout(order=new_order(currency="MNT"), account="golomt")
    payment = Payment.objects.get(pk=started.payment_id)
    sim.set_status(transaction_id(payment.key), "paid", provider="golomt")
    deliver(client, sim.deliveries()[-1])
    flow.sweep(inline=True)
    return Payment.objects.get(pk=payment.pk)


@pytest.mark.parametrize(
    ("recorded", "label"),
    [
        ({"refunded": 1000}, "partly refunded"),
        ({"refunded": 2495}, "refunded"),
        ({"charged_back": 500}, "charged back"),
        ({"refunded": 1000, "charged_back": 500}, "charged back"),
    ],
)
@pytest.mark.parametrize("occasion", ["push", "question"])
def test_recorded__sums_outlive_every_report(paid_payment, sim, client, recorded, label, occasion):
    """What an operator recorded is all that anybody knows of it."""
    Payment.objects.filter(pk=paid_payment.pk).update(**recorded)
    calls = len(sim.calls("inquiry"))
    if occasion == "push":
        sim.control("POST", f"golomt/payments/{transaction_id(paid_payment.key)}/webhook", {})
        deliver(client, sim.deliveries()[-1])
    else:
        Payment.objects.filter(pk=paid_payment.pk).update(next_check_at=clock.now())
    flow.sweep(inline=True)

    now = Payment.objects.get(pk=paid_payment.pk)
    assert len(sim.calls("inquiry")) > calls
    assert {name: getattr(now, name) for name in recorded} == recorded
    assert (now.status, now.captured, now.label) == ("paid", 2495, label)


def test_reversal__at_the_bank_changes_nothing_here(paid_payment, sim):
    """Only the list tells of it, and only a person books it."""
    sim.control("POST", f"golomt/payments/{transaction_id(paid_payment.key)}/refund", {})
    Payment.objects.filter(pk=paid_payment.pk).update(next_check_at=clock.now())
    flow.sweep(inline=True)

    now = Payment.objects.get(pk=paid_payment.pk)
    assert (now.status, now.captured, now.refunded) == ("paid", 2495, 0)
    assert not Case.objects.filter(closed_at=None).exists()
    assert sim.calls("settlements") == [], "nothing here asks for the list by itself"


# -- the settlement list: a hint for a person


def test_settlements__show_what_was_paid_and_what_was_reversed(golomt, sim):
    golomt.create(checkout())
    golomt.create(checkout(key="another"))
    for transaction in (OURS, transaction_id("another")):
        sim.set_status(transaction, "paid", provider="golomt")
    golomt.create(checkout(key="never paid"))
    sim.control("POST", f"golomt/payments/{OURS}/refund", {})

    ours, other = golomt.settlements(**days(sim))
    assert (ours.transaction, ours.amount, ours.code) == (OURS, 1_850_000, "00")
    assert ours.reversed_at.startswith(f"{clock.now():%Y-%m-%dT}")
    assert (other.transaction, other.reversed_at) == (transaction_id("another"), "")

    sim.control("POST", f"golomt/payments/{OURS}/refund/undo", {})
    assert [each.reversed_at for each in golomt.settlements(**days(sim))] == ["", ""]


def test_settlements__ask_as_documented_and_seal_the_question():
    with serving(always(answer(page()))) as wire:
        assert adapter(wire.url).settlements(**JULY) == []
        (call,) = wire.seen
    path = "/api/getSettlementDetails?page=0&size=50&start=2026-07-01&end=2026-07-31"
    assert (call.method, call.path) == ("POST", path)
    assert (call.headers["authorization"], call.headers["content-type"]) == (f"Bearer {BEARER}", "application/json")
    assert json.loads(call.body) == {"checksum": seal(MERCHANT, BEARER), "merchantId": MERCHANT, "token": BEARER}


def test_settlements__all_pages_in_one_list():
    with serving(lambda connection, seen: connection.sendall(pages[seen.path])) as wire:
        query = "size=50&start=2026-07-01&end=2026-07-31"
        pages = {
            f"/api/getSettlementDetails?page={number}&{query}": answer(
                page(row(merchantInvoice=f"T{number}"), last=number == 2)
            )
            for number in range(3)
        }
        found = adapter(wire.url).settlements(**JULY)
    assert [each.transaction for each in found] == ["T0", "T1", "T2"]


def test_settlements__also_of_the_simulated_bank(golomt, sim):
    for number in range(51):
        golomt.create(checkout(key=str(number)))
        sim.set_status(transaction_id(str(number)), "paid", provider="golomt", webhook=False)
    found = golomt.settlements(**days(sim))
    assert {each.transaction for each in found} == {transaction_id(str(number)) for number in range(51)}
    assert (len(found), len(sim.calls("settlements"))) == (51, 2)


def test_settlements__without_an_end_are_given_up():
    with serving(always(answer(page(row(), last=False)))) as wire:
        with pytest.raises(Uncertain, match="fewer days"):
            adapter(wire.url, deadline=60).settlements(**JULY)
        assert len(wire.seen) == MAX_PAGES


def test_settlements__all_pages_share_one_deadline():
    def slowly(connection, _):
        wire.enough.wait(0.05)
        connection.sendall(answer(page(row(), last=False)))

    with serving(slowly) as wire:
        with pytest.raises(Uncertain, match="time"):
            adapter(wire.url, deadline=0.4).settlements(**JULY)
        assert len(wire.seen) < MAX_PAGES


def test_settlements__of_a_currency_without_decimals():
    with serving(always(answer(page(row(amount="500.00"))))) as wire:
        (found,) = adapter(wire.url, currency="JPY").settlements(**JULY)
    assert found.amount == 500


def test_settlements__no_value_is_longer_than_a_reference():
    (found,) = read(page(row(merchantInvoice="T" * 5000)))
    assert found.transaction == "T" * 190


@pytest.mark.parametrize("written", ["2022-07-29T09:00:34.000+0000", 1659085234000, True])
def test_settlements__any_moment_of_a_reversal_is_one(written):
    (found,) = read(page(row(reversedDate=written)))
    assert found.reversed_at == str(written)


@pytest.mark.parametrize("fields", [{"reversedDate": None}, {"reversedDate": ""}])
def test_settlements__no_moment_is_none(fields):
    (found,) = read(page(row(**fields)))
    assert found.reversed_at == ""


def test_settlements__a_row_without_the_field_is_not_reversed():
    bare = {"merchantInvoice": OURS}
    assert read(page(bare)) == [
        Settlement(
            transaction=OURS, amount=None, code="", requested_at="", reversed_at="", approval="", bank_reference=""
        )
    ]


@pytest.mark.parametrize(
    ("written", "minor"),
    [("18500.00", 1_850_000), ("1", 100), (18500, 1_850_000), (18500.5, 1_850_050), ("0.01", 1)],
)
def test_settlements__amounts_in_every_spelling(written, minor):
    (found,) = read(page(row(amount=written)))
    assert found.amount == minor


@pytest.mark.parametrize("written", [None, "", "18,500.00", "1.005", ["1"], True, "-1"])
def test_settlements__an_odd_amount_hides_no_reversal(written):
    (found,) = read(page(row(amount=written, reversedDate="2026-07-30T00:00:00.000+0000")))
    assert (found.amount, found.reversed_at) == (None, "2026-07-30T00:00:00.000+0000")


def test_settlements__keep_what_helps_to_talk_to_the_bank_and_nothing_about_the_card():
    (found,) = read(page(row()))
    assert (found.approval, found.bank_reference, found.requested_at) == (
        "000017",
        "000000000017",
        "2026-07-29T09:00:34.000+0000",
    )
    assert CARD_TOKEN not in repr(found)
    assert "949625" not in repr(found)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"content": []},
        {"content": None, "pageable": {"last": True}},
        {"content": [], "pageable": []},
        {"content": [], "pageable": {"last": "true"}},
        page(last=False),
        page("row"),
        page(row(), None),
        {"message": "no", "status": 500},
    ],
)
def test_settlements__half_a_list_is_none(said):
    with pytest.raises(Uncertain, match="cannot be read"):
        read(said)


def test_settlements__a_list_that_breaks_off_is_none():
    with pytest.raises(Uncertain):
        read(page(row(), last=False), {})


@pytest.mark.parametrize(
    "wrong",
    [{"merchant_id": ""}, {"merchant_id": "1&size=1"}, {"start": date(2026, 8, 1)}],
)
def test_settlements__what_is_no_number_or_no_days_is_refused_before_the_wire(golomt, sim, wrong):
    with pytest.raises(ValueError, match="merchant_id must be"):
        golomt.settlements(**JULY | wrong)
    assert sim.calls() == []


def test_settlements__one_day_is_enough():
    with serving(always(answer(page(row())))) as wire:
        assert len(adapter(wire.url).settlements(**JULY | {"start": JULY["end"]})) == 1


def test_settlements__of_another_merchant_are_refused(golomt, sim):
    with pytest.raises(Rejected) as no:
        golomt.settlements(**days(sim) | {"merchant_id": "000000000000001"})
    assert (no.value.code, no.value.word) == ("400", "NotFound")


def test_settlements__a_bank_that_means_a_cards_token_says_no():
    with serving(always(answer(UNKNOWN_TOKEN, 400))) as wire, pytest.raises(Rejected) as no:
        adapter(wire.url).settlements(**JULY)
    assert "token is not found" in str(no.value)


@pytest.mark.parametrize(
    ("fault", "error"),
    [({"kind": "429"}, NotSent), ({"kind": "5xx"}, Uncertain), ({"kind": "lost_answer"}, Uncertain)],
)
def test_settlements__bad_ends_are_told_apart(golomt, sim, fault, error):
    sim.fault("settlements", provider="golomt", **fault)
    with pytest.raises(error):
        golomt.settlements(**days(sim))


ENDS = {
    "rejected": answer(UNKNOWN_TOKEN, 400),
    "forbidden": answer(b"", 403),
    "no such page": answer(b"<html>", 404),
    "server error": answer({"status": 500, "error": "Internal", "message": "no"}, 500),
    "cut": b"HTTP/1.1 200",
    "not json": answer(b"<html>"),
    "no page of a list": answer({"content": [row()], "pageable": None}),
    "odd row": answer(page(row(), None)),
}


@pytest.mark.parametrize("end", sorted(ENDS))
def test_settlements__a_failing_call_shows_no_secret_even_with_locals(end):
    with serving(always(ENDS[end])) as wire:
        try:
            adapter(wire.url, deadline=2).settlements(**JULY)
        except ProviderError as error:
            seen = traceback.TracebackException.from_exception(error, capture_locals=True)
        else:
            pytest.fail("it went well")
    text = "".join(seen.format(chain=True))
    assert "providers/golomt.py" in text
    for private in (KEY, BEARER, CARD_TOKEN, "949625"):
        assert private not in text
