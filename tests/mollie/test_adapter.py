"""The adapter's calls, against the simulator that speaks Mollie's wire format."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from django_payflow.exceptions import (
    InvalidCheckout,
    NotSent,
    ObjectNotFound,
    Rejected,
    Uncertain,
)
from django_payflow.messages import Buyer, Checkout, Phase, Reference
from tests.mollie.wire import adapter, always, answer, payment, serving


def checkout(**fields) -> Checkout:
    values = {
        "key": "11111111-1111-4111-8111-111111111111",
        "account": "mollie",
        "order_reference": "ABC",
        "description": "Order ABC",
        "amount": 2495,
        "currency": "EUR",
        "return_url": "https://shop.test/payflow/return/r/",
        "webhook_url": "https://shop.test/payflow/webhook/mollie/t/",
        "created_at": datetime.now(UTC),
        "buyer": Buyer(email="ada@example.com", name="Ada"),
    }
    return Checkout(**{**values, **fields})


@pytest.fixture
def mollie(sim):
    return adapter(sim.base_url("mollie"))


# -- create


def test_create__sends_what_identifies_the_attempt_and_nothing_personal(mollie, sim):
    redirect = mollie.create(checkout(method="ideal", locale="nl_NL"))

    (made,) = sim.payments()
    assert redirect.report.references == (Reference(kind="payment", value=made["id"]),)
    assert redirect.url == redirect.report.checkout_url == made["simulator"]["checkout"]
    assert (redirect.report.phase, redirect.report.requested, redirect.report.captured) == (Phase.OPEN, 2495, 0)
    assert made["amount"] == {"currency": "EUR", "value": "24.95"}
    assert made["metadata"] == {"order": "ABC", "attempt": checkout().key}
    assert (made["redirectUrl"], made["webhookUrl"]) == (checkout().return_url, checkout().webhook_url)
    assert (made["method"], made["locale"]) == ("ideal", "nl_NL")
    assert "ada@example.com" not in json.dumps(made)
    assert sim.calls("create")[0]["idempotency_key"] == checkout().key


def test_create__a_repeat_gives_the_same_payment(mollie, sim):
    first, again = mollie.create(checkout()), mollie.create(checkout())

    assert first.report.references == again.report.references
    assert len(sim.payments()) == 1


def test_create__the_same_checkout_always_gives_the_same_bytes():
    frozen = checkout(method="ideal")
    with serving(always(answer(payment(), 201))) as wire:
        adapter(wire.url).create(frozen)
        adapter(wire.url).create(Checkout.from_json(json.loads(json.dumps(frozen.to_json()))))
        bodies = [seen.body for seen in wire.seen]
    assert bodies[0] == bodies[1]


def test_create__a_locale_that_mollie_lacks_is_left_out(mollie, sim):
    mollie.create(checkout(locale="xx_XX"))
    assert "locale" not in sim.payments()[0] or sim.payments()[0]["locale"] is None


def test_create__a_long_description_is_cut(mollie, sim):
    mollie.create(checkout(description="x" * 400))
    assert len(sim.payments()[0]["description"]) == 255


@pytest.mark.parametrize(
    ("currency", "amount", "value"),
    [
        ("JPY", 500, "500"),
        ("ISK", 1500, "1500"),
        ("EUR", 1, "0.01"),
        ("EUR", 100_000_000, "1000000.00"),
        ("HUF", 123400, "1234.00"),
    ],
)
def test_create__the_amount_has_the_currencys_decimals(mollie, sim, currency, amount, value):
    redirect = mollie.create(checkout(currency=currency, amount=amount))

    assert sim.payments()[0]["amount"] == {"currency": currency, "value": value}
    assert (redirect.report.requested, redirect.report.currency) == (amount, currency)


@pytest.mark.parametrize(
    ("currency", "amount", "value"),
    [("JPY", 10**9, "1000000000"), ("EUR", 10**12 + 1, "10000000000.01"), ("HUF", 2**62, "46116860184273879.04")],
)
def test_create__huge_amounts_are_exact(currency, amount, value):
    big = payment(amount={"currency": currency, "value": value}, status="paid")
    with serving(always(answer(big, 201))) as wire:
        report = adapter(wire.url).create(checkout(currency=currency, amount=amount)).report
        assert json.loads(wire.seen[0].body)["amount"] == {"currency": currency, "value": value}
    assert (report.requested, report.captured) == (amount, amount)


@pytest.mark.parametrize("currency", ["KWD", "BHD", "JOD", "OMR", "TND", "XAU", "eur", "", "EURO"])
def test_check__refuses_a_currency_before_the_wire(mollie, sim, currency):
    with pytest.raises(InvalidCheckout):
        mollie.check(checkout(currency=currency))
    assert sim.calls() == []


@pytest.mark.parametrize("amount", [0, -1])
def test_check__refuses_an_amount_before_the_wire(mollie, sim, amount):
    with pytest.raises(InvalidCheckout):
        mollie.check(checkout(amount=amount))


def test_create__a_definite_no_is_rejected(mollie, sim):
    with pytest.raises(Rejected) as no:
        mollie.create(checkout(method="no-such-method"))
    assert no.value.code == "422"
    assert sim.payments() == []


def test_create__a_wrong_key_is_rejected(sim):
    wrong = answer({"title": "Unauthorized Request"}, 401)
    with serving(always(wrong)) as wire, pytest.raises(Rejected) as no:
        adapter(wire.url).create(checkout())
    assert no.value.code == "401"


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
def test_create__bad_ends_are_told_apart_and_never_repeated_by_the_adapter(mollie, sim, fault, error, exists):
    sim.fault("create", **fault)

    with pytest.raises(error):
        mollie.create(checkout())

    assert len(sim.calls("create")) == 1
    assert len(sim.payments()) == exists


def test_create__says_how_long_to_wait_when_turned_away(mollie, sim):
    sim.fault("create", "429", retry_after=30)
    with pytest.raises(NotSent) as away:
        mollie.create(checkout())
    assert away.value.retry_after == 30


# -- retrieve, cancel


def test_retrieve__embeds_what_the_sums_need(mollie, sim):
    reference = mollie.create(checkout()).report.references[0]
    sim.set_status(reference.value, "paid", method="creditcard")
    sim.control("POST", f"mollie/payments/{reference.value}/refund", {"status": "refunded"})

    report = mollie.retrieve(checkout(), reference)

    assert (report.captured, report.refunded, report.charged_back) == (2495, 2495, 0)


def test_retrieve__unknown(mollie):
    with pytest.raises(ObjectNotFound):
        mollie.retrieve(checkout(), Reference(kind="payment", value="tr_" + "Z" * 22))


def test_retrieve__a_passing_fault_is_outlived(mollie, sim):
    reference = mollie.create(checkout()).report.references[0]
    sim.fault("get", "5xx", times=2)

    assert mollie.retrieve(checkout(), reference).raw_status == "open"
    assert len(sim.calls("get")) == 3


def test_retrieve__gives_up_after_three(mollie, sim):
    reference = mollie.create(checkout()).report.references[0]
    sim.fault("get", "5xx")

    with pytest.raises(Uncertain):
        mollie.retrieve(checkout(), reference)
    assert len(sim.calls("get")) == 3


def test_retrieve__another_accounts_payment_is_unknown_to_ours(mollie, sim):
    foreign = adapter(sim.base_url("mollie"), key="test_" + "z" * 30).create(checkout()).report.references[0]
    with pytest.raises(ObjectNotFound):
        mollie.retrieve(checkout(), foreign)


def test_cancel__what_can_be_cancelled_is(mollie, sim):
    reference = mollie.create(checkout(method="banktransfer")).report.references[0]

    assert mollie.cancel(checkout(), reference).phase is Phase.CANCELED
    assert sim.payments()[0]["status"] == "canceled"


def test_cancel__a_no_is_rejected_and_changes_nothing(mollie, sim):
    reference = mollie.create(checkout(method="ideal")).report.references[0]
    with pytest.raises(Rejected):
        mollie.cancel(checkout(), reference)
    assert sim.payments()[0]["status"] == "open"


# -- find


def test_find__ours_among_others(mollie, sim):
    wanted = checkout()
    mollie.create(wanted)
    for n in range(3):
        mollie.create(checkout(key=f"other-{n}"))
    foreign = adapter(sim.base_url("mollie"), key="test_" + "z" * 30)
    foreign.create(checkout(key="somebody-elses"))

    found = mollie.find(wanted)

    assert found is not None
    assert found.our_reference == wanted.key
    assert found.refunded == 0, "it was fetched whole, not read from the list"
    assert mollie.find(checkout(key="somebody-elses")) is None
    assert mollie.find(checkout(key="never-was")) is None


def test_find__mark_in_a_json_string(mollie, sim):
    reference = mollie.create(checkout()).report.references[0]
    sim.overwrite(reference.value, metadata=json.dumps({"attempt": checkout().key}))

    found = mollie.find(checkout())
    assert found is not None and found.references == (reference,)


def test_find__over_pages(mollie, sim):
    """The first pages do not show it; the cursor of the last answer leads on, at our own host."""
    one = payment(id="tr_" + "B" * 22, metadata={"attempt": "mine"}, createdAt="2026-03-01T10:00:00Z")
    link = {"href": "https://elsewhere.example/v2/payments?from=tr_{}&limit=9"}

    def list_of(*items, following: str | None = None) -> dict:
        after = {"href": link["href"].format(following)} if following else None
        return {"count": len(items), "_embedded": {"payments": list(items)}, "_links": {"next": after}}

    def serve(connection, request):
        if "/tr_" in request.path.partition("?")[0]:
            connection.sendall(answer(one))
        elif "from=tr_2" in request.path:
            connection.sendall(answer(list_of(one)))
        elif "from=tr_1" in request.path:
            connection.sendall(answer(list_of(payment(metadata=None), following="2")))
        else:
            connection.sendall(answer(list_of(payment(metadata="x"), payment(metadata=[]), following="1")))

    asked = checkout(key="mine", created_at=datetime(2026, 3, 1, 9, tzinfo=UTC))
    with serving(serve) as wire:
        found = adapter(wire.url).find(asked)
        paths = [seen.path for seen in wire.seen]

    assert found is not None and found.references[0].value == "tr_" + "B" * 22
    assert len(paths) == 4
    assert "limit=250" in paths[1] and "from=tr_1" in paths[1]


def test_find__stops_where_the_list_is_older_than_the_attempt():
    old = payment(metadata=None, createdAt="2026-03-01T08:00:00Z")
    page = {"_embedded": {"payments": [old]}, "_links": {"next": {"href": "x?from=tr_9"}}}
    with serving(always(answer(page))) as wire:
        found = adapter(wire.url).find(checkout(created_at=datetime(2026, 3, 1, 9, tzinfo=UTC)))
        assert (found, len(wire.seen)) == (None, 1)


def test_find__allows_for_a_clock_that_is_a_little_off(mollie):
    asked = checkout()
    mollie.create(asked)
    assert mollie.find(replace(asked, created_at=asked.created_at + timedelta(minutes=5))) is not None


def test_find__empty_account(mollie):
    assert mollie.find(checkout()) is None


def one(**fields) -> dict:
    return {"payments": [payment(metadata=None, **fields)]}


@pytest.mark.parametrize(
    "page",
    [
        {"_embedded": one(createdAt=None)},
        {"_embedded": one(), "_links": {"next": {"href": "no-cursor"}}},
        {"_embedded": one(createdAt="soon"), "_links": {"next": {"href": "x"}}},
        {"_embedded": ["x"]},
        {"_embedded": {"payments": 17}},
        {"_embedded": one(), "_links": {"next": "x"}},
        {"_embedded": one(), "_links": ["x"]},
    ],
)
def test_find__a_list_that_cannot_be_read_is_an_unclear_end(page):
    with serving(always(answer(page))) as wire, pytest.raises(Uncertain):
        adapter(wire.url).find(checkout(created_at=datetime(2026, 1, 1, tzinfo=UTC)))
