"""The adapter's calls, against the simulator that speaks WooshPay's wire format, and against answers by hand."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from django_payflow.exceptions import InvalidCheckout, NotSent, ObjectNotFound, Rejected, Uncertain
from django_payflow.messages import Buyer, Capture, Checkout, Line, Phase, Reference
from tests.wooshpay.wire import (
    INTENT,
    KEY,
    SESSION,
    adapter,
    always,
    answer,
    both,
    checkout,
    intent,
    pages,
    serving,
    session,
)

STORED = Reference(kind="session", value=SESSION)
OTHER_KEY = "sk_test_" + "z" * 30


def start(wooshpay, sim, **fields) -> tuple[Reference, dict]:
    """Create a payment; return its reference and how the simulator has it."""
    reference = wooshpay.create(checkout(**fields)).report.references[0]
    return reference, sim.payments("wooshpay")[0]


def move(sim, reference, status, **more) -> None:
    sim.set_status(reference.value, status, provider="wooshpay", **more)


def sent(checkout_fields: dict) -> dict:
    """The body of the create call, as it arrives."""
    with serving(always(answer(session()))) as wire:
        adapter(wire.url).create(checkout(**checkout_fields))
        body: dict = json.loads(wire.seen[0].body)
    return body


# -- create


def test_create__sends_what_identifies_the_attempt(wooshpay, sim):
    redirect = wooshpay.create(checkout(method="card"))

    (made,) = sim.payments("wooshpay")
    mark = {"order": "ABC", "attempt": checkout().key}
    assert redirect.report.references == (
        Reference(kind="session", value=made["id"]),
        Reference(kind="payment_intent", value=made["payment_intent"]),
    )
    assert redirect.url == redirect.report.checkout_url == made["simulator"]["checkout"]
    assert (redirect.report.phase, redirect.report.requested, redirect.report.captured) == (Phase.OPEN, 1234, 0)
    assert (redirect.report.our_reference, redirect.report.live) == (checkout().key, False)
    assert made["session"]["metadata"] == made["intent"]["metadata"] == mark
    assert made["session"]["success_url"] == made["session"]["cancel_url"] == checkout().return_url
    assert (made["session"]["client_reference_id"], made["session"]["customer_email"]) == ("ABC", "ada@example.com")
    assert made["session"]["payment_method_types"] == ["card"]
    assert made["intent"]["capture_method"] == "automatic"
    assert sim.calls("create")[0]["idempotency_key"] == checkout().key


def test_create__headers_and_credentials_as_the_documentation_wants_them():
    with serving(always(answer(session()))) as wire:
        adapter(wire.url).create(checkout())
        (call,) = wire.seen
    assert (call.method, call.path) == ("POST", "/v1/checkout/sessions")
    assert call.headers["authorization"] == "Basic " + b64encode(f"{KEY}:".encode()).decode()
    assert (call.headers["accept"], call.headers["content-type"]) == ("application/json", "application/json")
    assert call.headers["idempotency-key"] == checkout().key


def test_create__leaves_out_what_is_not_certain():
    body = sent({"buyer": Buyer(), "pay_before": datetime.now(UTC)})
    doubtful = {"expires_at", "return_url", "payment_method_types", "customer_email", "locale", "customer"}
    assert doubtful & body.keys() == set()
    assert "capture_method" not in body["payment_intent_data"]


def test_create__a_repeat_gives_the_same_payment(wooshpay, sim):
    first, again = wooshpay.create(checkout()), wooshpay.create(checkout())

    assert first.report.references == again.report.references
    assert len(sim.payments("wooshpay")) == 1


def test_create__the_same_checkout_always_gives_the_same_bytes():
    frozen = checkout(method="card", lines=(Line(name="Tea", quantity=2, unit_price=617, total=1234),))
    with serving(always(answer(session()))) as wire:
        adapter(wire.url).create(frozen)
        adapter(wire.url).create(Checkout.from_json(json.loads(json.dumps(frozen.to_json()))))
        bodies = [seen.body for seen in wire.seen]
    assert bodies[0] == bodies[1]


TEA = Line(name="Tea", quantity=2, unit_price=500, total=1000)
POT = Line(name="Pot", quantity=1, unit_price=234, total=234)


def items(body: dict) -> list[tuple]:
    prices = [(item["price_data"], item["quantity"]) for item in body["line_items"]]
    return [(price["product_data"]["name"], price["unit_amount"], quantity) for price, quantity in prices]


@pytest.mark.parametrize(
    "lines",
    [
        (),
        (TEA,),
        (TEA, replace(POT, total=200)),
        (TEA, POT, Line(name="Voucher", quantity=1, unit_price=-100, total=-100)),
        (TEA, POT, Line(name="Sticker", quantity=1, unit_price=0, total=0)),
        (TEA, POT, Line(name="Nothing", quantity=0, unit_price=1, total=0)),
        (replace(TEA, total=999), replace(POT, total=235)),
        (replace(TEA, name=" "), POT),
        tuple(Line(name="Grain", quantity=1, unit_price=1, total=1) for _ in range(1234)),
    ],
)
def test_create__lines_that_cannot_be_said_become_one(lines):
    assert items(sent({"lines": lines})) == [("Order ABC", 1234, 1)]


def test_create__plain_lines_are_sent_one_by_one(wooshpay, sim):
    assert items(sent({"lines": (TEA, POT)})) == [("Tea", 500, 2), ("Pot", 234, 1)]

    report = wooshpay.create(checkout(lines=(TEA, POT))).report
    assert (report.requested, report.currency) == (1234, "USD")


@pytest.mark.parametrize(
    ("currency", "amount"), [("JPY", 500), ("RWF", 980), ("USD", 1), ("KWD", 12345), ("IDR", 10**12 - 1)]
)
def test_create__amounts_are_minor_units_in_every_currency(wooshpay, sim, currency, amount):
    report = wooshpay.create(checkout(currency=currency, amount=amount)).report

    assert (report.requested, report.currency) == (amount, currency)
    assert sim.payments("wooshpay")[0]["amount"] == amount


def test_create__the_simulated_bank_gets_the_capture_method(wooshpay, sim):
    reference, made = start(wooshpay, sim, capture=Capture.MANUAL)
    assert made["intent"]["capture_method"] == "manual"

    move(sim, reference, "authorized")
    held = wooshpay.retrieve(checkout(), reference)
    assert (held.capturable, held.captured, held.raw_status) == (1234, 0, "requires_capture")


@pytest.mark.parametrize("currency", ["XAU", "XXX", "usd", "", "EURO"])
def test_check__refuses_a_currency_before_the_wire(wooshpay, sim, currency):
    with pytest.raises(InvalidCheckout):
        wooshpay.check(checkout(currency=currency))
    assert sim.calls() == []


@pytest.mark.parametrize(
    "fields",
    [
        {"amount": 0},
        {"amount": -1},
        {"amount": 10**12},
        {"amount": 2**63},
        {"description": ""},
        {"description": "  "},
    ],
)
def test_check__refuses_before_the_wire(wooshpay, fields):
    with pytest.raises(InvalidCheckout):
        wooshpay.check(checkout(**fields))


def test_check__takes_an_ordinary_checkout(wooshpay):
    for currency in ("USD", "JPY", "KWD"):
        wooshpay.check(checkout(currency=currency))


def test_create__a_definite_no_is_rejected(wooshpay, sim):
    with pytest.raises(Rejected) as no:
        wooshpay.create(checkout(method="no-such-method"))
    assert no.value.code == "400"
    assert sim.payments("wooshpay") == []


def test_create__a_key_that_was_used_for_another_request_is_rejected(wooshpay, sim):
    wooshpay.create(checkout())
    with pytest.raises(Rejected):
        wooshpay.create(checkout(amount=1235))
    assert len(sim.payments("wooshpay")) == 1


@pytest.mark.parametrize("envelope", ["nested", "flat"])
def test_create__says_why_in_either_shape_of_an_error(wooshpay, sim, envelope):
    sim.control("POST", "wooshpay/settings", {"error_envelope": envelope})
    with pytest.raises(Rejected) as no:
        wooshpay.create(checkout(method="no-such-method"))
    assert (no.value.word, "invalid_request_error" in str(no.value)) == ("parameter_invalid", True)


@pytest.mark.parametrize(
    ("fault", "error", "exists"),
    [
        ({"kind": "5xx"}, Uncertain, 0),
        ({"kind": "5xx", "done": True}, Uncertain, 1),
        ({"kind": "429", "retry_after": 30}, NotSent, 0),
        ({"kind": "lost_answer"}, Uncertain, 1),
        ({"kind": "truncated"}, Uncertain, 1),
    ],
)
def test_create__bad_ends_are_told_apart_and_never_repeated_by_the_adapter(wooshpay, sim, fault, error, exists):
    sim.fault("create", provider="wooshpay", **fault)

    with pytest.raises(error):
        wooshpay.create(checkout())

    assert len(sim.calls("create")) == 1
    assert len(sim.payments("wooshpay")) == exists


# -- retrieve

WORDS = [
    ("open", Phase.OPEN, 0, 0),
    ("requires_action", Phase.OPEN, 0, 0),
    ("declined", Phase.OPEN, 0, 0),
    ("processing", Phase.PROCESSING, 0, 0),
    ("authorized", Phase.PROCESSING, 0, 1234),
    ("paid", Phase.PROCESSING, 1234, 0),
    ("failed", Phase.FAILED, 0, 0),
    ("canceled", Phase.CANCELED, 0, 0),
    ("expired", Phase.EXPIRED, 0, 0),
    ("session_canceled", Phase.CANCELED, 0, 0),
]
DIALECTS = [
    {},
    {"empty_values": "null"},
    {"empty_values": "text"},
    {"empty_values": "absent"},
    {"currency_case": "lower"},
    {"encoded_fields": True},
    {"amount_received": "absent"},
    {"stray_live_mode": True},
    {"intent_in_session": "object"},
]


@pytest.mark.parametrize("dialect", DIALECTS, ids=str)
@pytest.mark.parametrize(("word", "phase", "captured", "capturable"), WORDS)
def test_retrieve__every_state_in_every_dialect(wooshpay, sim, dialect, word, phase, captured, capturable):
    sim.control("POST", "wooshpay/settings", dialect)
    reference, _ = start(wooshpay, sim)
    move(sim, reference, word)

    report = wooshpay.retrieve(checkout(), reference)

    assert (report.phase, report.captured, report.capturable) == (phase, captured, capturable)
    assert (report.requested, report.currency, report.our_reference) == (1234, "USD", checkout().key)


def test_retrieve__asks_for_both_objects_with_both_headers():
    with serving(both(session(status="complete"), intent(status="succeeded", amount_received=1234))) as wire:
        report = adapter(wire.url).retrieve(checkout(), STORED)
        calls = [(seen.method, seen.path) for seen in wire.seen]
        assert {(seen.headers["accept"], seen.headers["content-type"]) for seen in wire.seen} == {
            ("application/json", "application/json")
        }
    assert calls == [("GET", f"/v1/checkout/sessions/{SESSION}"), ("GET", f"/v1/payment_intents/{INTENT}")]
    assert report.captured == 1234


def test_retrieve__a_refund_is_not_visible(wooshpay, sim):
    reference, _ = start(wooshpay, sim)
    move(sim, reference, "paid")
    sim.control("POST", f"wooshpay/payments/{reference.value}/refund", {"amount": 500})
    sim.control("POST", f"wooshpay/payments/{reference.value}/chargeback", {})

    report = wooshpay.retrieve(checkout(), reference)
    assert (report.captured, report.refunded, report.charged_back) == (1234, None, None)


def test_retrieve__the_session_lives_for_a_day(wooshpay, sim):
    redirect = wooshpay.create(checkout())
    assert abs(redirect.report.expires_at - datetime.now(UTC) - timedelta(hours=24)) < timedelta(minutes=5)

    sim.advance(25 * 3600)
    sim.control("POST", "wait", {"idle": True, "timeout": 10})
    assert wooshpay.retrieve(checkout(), redirect.report.references[0]).phase is Phase.EXPIRED


def test_retrieve__unknown(wooshpay):
    with pytest.raises(ObjectNotFound):
        wooshpay.retrieve(checkout(), Reference(kind="session", value="cs_1111111111111111111"))


def test_retrieve__a_session_whose_intent_is_missing_is_not_a_missing_payment():
    with serving(pages({f"GET /v1/checkout/sessions/{SESSION}": session()})) as wire, pytest.raises(Uncertain):
        adapter(wire.url).retrieve(checkout(), STORED)


def test_retrieve__an_id_cannot_lead_to_another_address():
    with serving(both(session(payment_intent="../../v1/refunds"), intent())) as wire, pytest.raises(Uncertain):
        adapter(wire.url).retrieve(checkout(), STORED)
    assert wire.seen[1].path == "/v1/payment_intents/..%2F..%2Fv1%2Frefunds"


@pytest.mark.parametrize("operation", ["get", "get_intent"])
def test_retrieve__a_passing_fault_is_outlived(wooshpay, sim, operation):
    reference, _ = start(wooshpay, sim)
    sim.fault(operation, "5xx", provider="wooshpay", times=2)

    assert wooshpay.retrieve(checkout(), reference).raw_status == "requires_payment_method"
    assert len(sim.calls(operation)) == 3


@pytest.mark.parametrize("operation", ["get", "get_intent"])
def test_retrieve__gives_up_after_three(wooshpay, sim, operation):
    reference, _ = start(wooshpay, sim)
    sim.fault(operation, "5xx", provider="wooshpay")

    with pytest.raises(Uncertain):
        wooshpay.retrieve(checkout(), reference)
    assert len(sim.calls(operation)) == 3


def test_retrieve__another_accounts_payment_is_unknown_to_ours(wooshpay, sim):
    foreign = adapter(sim.base_url("wooshpay"), key=OTHER_KEY).create(checkout()).report.references[0]
    with pytest.raises(ObjectNotFound):
        wooshpay.retrieve(checkout(), foreign)


@pytest.mark.attack(19)
def test_retrieve__another_amount_is_reported_as_it_is(wooshpay, sim):
    reference, _ = start(wooshpay, sim)
    move(sim, reference, "paid")
    sim.overwrite(reference.value, provider="wooshpay", amount=100, intent={"amount_received": 100})

    report = wooshpay.retrieve(checkout(), reference)
    assert (report.requested, report.captured) == (100, 100)


@pytest.mark.attack(20)
def test_retrieve__another_currency_is_reported_as_it_is(wooshpay, sim):
    reference, _ = start(wooshpay, sim)
    move(sim, reference, "paid")
    sim.overwrite(reference.value, provider="wooshpay", intent={"currency": "IDR"})

    report = wooshpay.retrieve(checkout(), reference)
    assert (report.currency, report.captured) == ("IDR", 1234)


@pytest.mark.attack(21)
def test_retrieve__another_orders_mark_is_reported_as_it_is(wooshpay, sim):
    reference, _ = start(wooshpay, sim)
    sim.overwrite(reference.value, provider="wooshpay", metadata={"attempt": "somebody-elses"})
    assert wooshpay.retrieve(checkout(), reference).our_reference == "somebody-elses"


# -- cancel


def test_cancel__an_open_page_expires(wooshpay, sim):
    reference, _ = start(wooshpay, sim)

    assert wooshpay.cancel(checkout(), reference).phase is Phase.EXPIRED
    assert sim.payments("wooshpay")[0]["session"]["status"] == "expired"


@pytest.mark.parametrize("word", ["paid", "expired", "processing"])
def test_cancel__a_no_is_rejected_and_changes_nothing(wooshpay, sim, word):
    reference, _ = start(wooshpay, sim)
    move(sim, reference, word)
    before = sim.payments("wooshpay")[0]["session"]["status"]

    with pytest.raises(Rejected):
        wooshpay.cancel(checkout(), reference)
    assert sim.payments("wooshpay")[0]["session"]["status"] == before


def test_cancel__money_that_came_at_the_last_moment_is_seen():
    paid = intent(status="succeeded", amount_received=1234)
    expire = f"POST /v1/checkout/sessions/{SESSION}/expire"
    with serving(pages({expire: session(status="expired"), f"GET /v1/payment_intents/{INTENT}": paid})) as wire:
        assert adapter(wire.url).cancel(checkout(), STORED).captured == 1234
        assert "idempotency-key" not in wire.seen[0].headers


# -- probe, addresses


def test_probe__says_which_key_was_accepted(wooshpay, sim):
    assert wooshpay.probe() == "test key accepted"
    assert sim.payments("wooshpay") == []


def test_probe__a_wrong_key_is_rejected():
    with serving(always(answer({"error": {"code": "unauthorized"}}, 401))) as wire, pytest.raises(Rejected):
        adapter(wire.url).probe()


@pytest.mark.attack(33)
@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://checkouttest.wooshpay.com/pay/cs_test_1?key=x", True),
        ("https://checkout.wooshpay.com/pay/cs_1", True),
        ("https://checkouttest.clangcling.com/pay/cs_test_1", True),
        ("http://checkouttest.wooshpay.com/pay/cs_test_1", False),
        ("https://wooshpay.com.evil.example/pay", False),
        ("https://evilwooshpay.com/pay", False),
        ("https://checkout.wooshpay.com@evil.example/pay", False),
        ("javascript:alert(1)", False),
    ],
)
def test_checkout_url__only_known_hosts_get_the_buyer(url, safe):
    if safe:
        assert adapter("").safe_checkout_url(url) == url
    else:
        with pytest.raises(InvalidCheckout):
            adapter("").safe_checkout_url(url)
