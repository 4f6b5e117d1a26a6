"""Every worked example of the bank's checksum that this adapter needs, byte for byte."""

from __future__ import annotations

import json

import pytest

from django_payflow.exceptions import NotAuthentic, WebhookRefused
from django_payflow.messages import Reference
from tests.golomt.wire import (
    CARD_TOKEN,
    INVOICE,
    OURS,
    adapter,
    always,
    answer,
    checkout,
    inquiry,
    invoice,
    outcome,
    paid,
    parse,
    push,
    seal,
    serving,
)

EXAMPLES = {
    "invoice, request": (
        ("ORD100045", "18500.00", "GET", "https://shop.example/pay/golomt/return"),
        "0364ac0eba0303020094932164064441037827f4ca0e90df00add578c255c841",
    ),
    "invoice, answer": (
        (INVOICE, "ORD100045"),
        "0939ed4bef10f17ea7fb0b87d3d9373613acf998ab66e61ad77c16182bc13cde",
    ),
    "inquiry, request": (
        ("ORD100045", "ORD100045"),
        "76d36c2a55380540ec11e4047430e40e9a0aa0f601e0ed4d60fe125fb28cf038",
    ),
    "paid, with token": (
        ("ORD100045", "000", "18500.00", CARD_TOKEN),
        "675d5a6c0b6169edf0e74748cfc7c8a62cc84cc3fc0a9787f04135367f57df64",
    ),
    "paid, without token": (
        ("ORD100045", "000", "18500.00", ""),
        "6cc81fdc36d58627c0d11cf5a6e5a535e511d42174e3fe84ede4ace04f5798bd",
    ),
    "pending": (
        ("ORD100045", "", "18500.00", ""),
        "841f53dc6009dd6dbd2c154aa0875e6f30d8d3533f3e29844256b78946e1ea28",
    ),
    "declined": (
        ("ORD100045", "300", "18500.00", ""),
        "94e6bf2ccb2bdaa3ca5da2e33617c9a7d26b100b39f69e8ffacdbbc231c7244b",
    ),
}
STORED = Reference(kind="transaction", value="ORD100045")


@pytest.mark.parametrize("example", EXAMPLES)
def test_checksum__the_worked_examples(example):
    values, expected = EXAMPLES[example]
    assert adapter()._checksum(*values) == expected
    assert seal(*values) == expected, "the tests' own hand is right, too"


@pytest.mark.parametrize(
    ("example", "fields"),
    [
        ("paid, with token", {"errorCode": "000", "errorDesc": "Амжилттай", "token": CARD_TOKEN}),
        ("paid, without token", {"errorCode": "000", "token": None}),
        ("paid, without token", {"errorCode": "000", "token": ...}),
        ("paid, without token", {"errorCode": "000", "token": ""}),
        ("pending", {"errorCode": None}),
        ("pending", {"errorCode": ...}),
        ("pending", {"errorCode": "", "token": ""}),
        ("declined", {"errorCode": "300", "token": ...}),
    ],
)
def test_answer__with_the_examples_checksum_is_taken(example, fields):
    said = outcome(transactionId="ORD100045", checksum=EXAMPLES[example][1], **fields)
    with serving(inquiry(said)) as wire:
        report = adapter(wire.url).retrieve(checkout(), STORED)
        assert json.loads(wire.seen[0].body) == {
            "transactionId": "ORD100045",
            "checksum": EXAMPLES["inquiry, request"][1],
        }
    assert report.requested == 1_850_000
    body = json.dumps({name: value for name, value in said.items() if name != "status"}).encode()
    assert parse(body).reference == "ORD100045"


TRICKS = {
    "another amount": {"amount": "18501.00"},
    "the same amount, written otherwise": {"amount": "18500"},
    "and longer": {"amount": "18500.000"},
    "another code": {"errorCode": "000"},
    "another transaction": {"transactionId": OURS[:-1] + ("A" if OURS[-1] != "A" else "B")},
    "a token that was not there": {"token": CARD_TOKEN},
    "no amount": {"amount": ...},
    "no checksum": {"checksum": ...},
    "an empty one": {"checksum": ""},
    "half of it": {"checksum": seal(OURS, "300", "18500.00")[:32]},
    "in capitals": {"checksum": seal(OURS, "300", "18500.00").upper()},
    "amount first": {"checksum": seal("18500.00", OURS, "300")},
    "code last": {"checksum": seal(OURS, "18500.00", "300")},
    "without the code": {"checksum": seal(OURS, "18500.00")},
    "with a separator": {"checksum": seal(OURS, "|300", "|18500.00")},
    "with null as a word": {"checksum": seal(OURS, "300", "18500.00", "null")},
    "by another key": {"checksum": seal(OURS, "300", "18500.00", key="another-merchants-key")},
    "by the bearer token": {"checksum": seal(OURS, "300", "18500.00", key="sim-golomt-token")},
    "no hex": {"checksum": "g" * 64},
    "other letters": {"checksum": "ё" * 64},
    "a lone surrogate": {"checksum": "\ud800" * 64},
}
SHAPELESS = {"no checksum", "an empty one", "half of it", "no hex", "other letters", "a lone surrogate"}
"""Not even meant to be a checksum: anybody's noise."""
DECLINED = outcome(status="SENT", errorCode="300")


@pytest.mark.attack(12)
@pytest.mark.parametrize("trick", TRICKS)
def test_answer__with_a_checksum_that_does_not_fit_is_none(trick):
    said = {name: value for name, value in {**DECLINED, **TRICKS[trick]}.items() if value is not ...}
    with serving(inquiry(said)) as wire, pytest.raises(NotAuthentic):
        adapter(wire.url).retrieve(checkout(), Reference(kind="transaction", value=OURS))


@pytest.mark.attack(12)
@pytest.mark.parametrize("trick", TRICKS)
def test_push__with_a_checksum_that_does_not_fit_is_refused(trick):
    said = {name: value for name, value in {**DECLINED, **TRICKS[trick]}.items() if value is not ...}
    with pytest.raises(WebhookRefused) as refused:
        parse(json.dumps(said).encode())
    assert (refused.value.status, refused.value.reason) == (401, "checksum")
    assert refused.value.alarm is (trick not in SHAPELESS)


@pytest.mark.attack(12)
@pytest.mark.parametrize(
    ("genuine", "read_otherwise"),
    [
        # The same characters in the same order, so the checksum of the first fits the second.
        (outcome(amount="18500.00"), {"errorCode": "185", "amount": "00.00"}),
        (outcome(amount="18500.00"), {"errorCode": "1850", "amount": "0.00"}),
        (DECLINED, {"errorCode": "30", "amount": "018500.00"}),
        (paid(), {"errorCode": None, "amount": "00018500.00"}),
        (paid(), {"errorCode": "00", "amount": "018500.00"}),
        (paid(), {"amount": "18500.003", "token": CARD_TOKEN[1:]}),
    ],
)
def test_answer__whose_values_were_cut_at_other_places_brings_no_money(genuine, read_otherwise):
    said = {**genuine, **read_otherwise}
    glued = [
        "".join(each[name] or "" for name in ("transactionId", "errorCode", "amount", "token"))
        for each in (genuine, said)
    ]
    assert glued[0] == glued[1]
    with serving(inquiry(said)) as wire:
        try:
            report = adapter(wire.url).retrieve(checkout(), Reference(kind="transaction", value=OURS))
        except Exception as refused:  # noqa: BLE001 - whatever it is, it must be one of ours
            assert type(refused).__name__ == "Uncertain", repr(refused)
        else:
            assert (report.money, report.requested == 1_850_000) == (0, False)


@pytest.mark.attack(12)
def test_answer__about_another_transaction_is_none_although_it_is_genuine():
    with serving(inquiry(paid(transactionId="ORD100045"))) as wire, pytest.raises(NotAuthentic):
        adapter(wire.url).retrieve(checkout(), Reference(kind="transaction", value=OURS))


@pytest.mark.attack(12)
@pytest.mark.parametrize(
    "said",
    [
        {**invoice(), "checksum": "0" * 64},
        {**invoice(), "invoice": "6f2d2c0e-5a7f-4a4e-9f3b-0c6f6b0e9d12"},
        {**invoice(), "checksum": seal(OURS, INVOICE)},
        {**invoice(), "checksum": None},
        {name: value for name, value in invoice().items() if name != "checksum"},
        invoice(transactionId="ORD100045"),
        invoice(invoice="../../evil"),
        invoice(invoice="x?y=z"),
        invoice(invoice=""),
    ],
)
def test_invoice__whose_answer_does_not_fit_leads_nowhere(said):
    with serving(always(answer(said))) as wire, pytest.raises(NotAuthentic):
        adapter(wire.url).create(checkout())


@pytest.mark.attack(9)
def test_checksum__is_compared_in_constant_time(monkeypatch):
    seen = []
    monkeypatch.setattr(
        "django_payflow.providers.golomt.hmac.compare_digest", lambda ours, theirs: seen.append(1) or ours == theirs
    )
    parse(push())
    with serving(inquiry(outcome())) as wire:
        adapter(wire.url).retrieve(checkout(), Reference(kind="transaction", value=OURS))
    with serving(always(answer(invoice()))) as wire:
        adapter(wire.url).create(checkout())
    assert len(seen) == 3
