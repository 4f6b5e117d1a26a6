"""The adapter's calls: the bytes that leave, and what becomes of the answers; at hand-written servers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest

from django_payflow.exceptions import NotSent, ObjectNotFound, Rejected, Uncertain
from django_payflow.messages import Capture, Checkout, Line, Phase, Reference
from django_payflow.providers.stripe import StripeProvider
from tests.mollie.wire import always, answer, serving
from tests.stripe.wire import (
    ATTEMPT,
    CHARGE_ID,
    INTENT_ID,
    KEY,
    SESSION_ID,
    adapter,
    by_path,
    checkout,
    listing,
    move,
    paid,
    session,
)

SESSIONS = "/v1/checkout/sessions"
REFERENCE = Reference(kind="session", value=SESSION_ID)
LINES = (
    Line(name="Sencha", quantity=2, unit_price=895, total=1790, sku="TEA"),
    Line(name="Small pot", quantity=1, unit_price=705, total=705, sku="POT"),
)


def sent(*, options: dict[str, Any] | None = None, **fields: Any) -> dict[str, str]:
    """What a create call sends, name by name."""
    with serving(always(answer(session()))) as wire:
        adapter(wire.url, options=options).create(checkout(**fields))
        pairs = parse_qsl(wire.seen[0].body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


# -- create


def test_create__the_request():
    with serving(always(answer(session()))) as wire:
        redirect = adapter(wire.url).create(checkout())
        (seen,) = wire.seen

    assert (seen.method, seen.path) == ("POST", SESSIONS)
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert seen.headers["stripe-version"] == "2026-03-25.dahlia"
    assert seen.headers["idempotency-key"] == ATTEMPT
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded"
    assert redirect.url == session()["url"], "the fragment belongs to the address"
    assert redirect.report.references == (REFERENCE,)
    assert (redirect.report.phase, redirect.report.money, redirect.report.requested) == (Phase.OPEN, 0, 2495)


def test_create__what_is_sent():
    assert sent() == {
        "mode": "payment",
        "success_url": "https://shop.test/payflow/return/r/",
        "cancel_url": "https://shop.test/payflow/return/r/",
        "client_reference_id": "ABC",
        "customer_email": "ada@example.com",
        "metadata[attempt]": ATTEMPT,
        "metadata[order]": "ABC",
        "payment_intent_data[metadata][attempt]": ATTEMPT,
        "payment_intent_data[metadata][order]": "ABC",
        "payment_intent_data[description]": "Order ABC",
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": "eur",
        "line_items[0][price_data][unit_amount]": "2495",
        "line_items[0][price_data][product_data][name]": "Order ABC",
    }


def test_create__the_same_checkout_always_gives_the_same_bytes():
    frozen = checkout(lines=LINES, method="card", locale="nl_NL", pay_before=datetime(2026, 3, 1, 12, tzinfo=UTC))
    with serving(always(answer(session()))) as wire:
        adapter(wire.url).create(frozen)
        adapter(wire.url).create(Checkout.from_json(json.loads(json.dumps(frozen.to_json()))))
        bodies = [seen.body for seen in wire.seen]
    assert bodies[0] == bodies[1]


def items(form: dict[str, str]) -> list[tuple[str, int, int]]:
    """Name, quantity and unit amount of the line items."""
    count = sum(name.endswith("[quantity]") for name in form)
    return [
        (
            form[f"line_items[{n}][price_data][product_data][name]"],
            int(form[f"line_items[{n}][quantity]"]),
            int(form[f"line_items[{n}][price_data][unit_amount]"]),
        )
        for n in range(count)
    ]


def test_create__lines_that_give_the_exact_total_are_shown():
    assert items(sent(lines=LINES)) == [("Sencha", 2, 895), ("Small pot", 1, 705)]


@pytest.mark.parametrize(
    "lines",
    [
        (),
        LINES[:1],
        (*LINES, Line(name="Voucher", quantity=1, unit_price=-100, total=-100)),
        (*LINES, Line(name="Gift", quantity=1, unit_price=0, total=0)),
        (replace(LINES[0], unit_price=890), LINES[1]),
        (replace(LINES[0], total=1789), LINES[1]),
        (replace(LINES[0], name=" "), LINES[1]),
        tuple(Line(name=f"n{n}", quantity=1, unit_price=1, total=1) for n in range(2495)),
    ],
)
def test_create__lines_that_do_not_are_one_line_with_the_total(lines):
    assert items(sent(lines=lines)) == [("Order ABC", 1, 2495)]


@pytest.mark.parametrize(("count", "shown"), [(100, 100), (101, 1)])
def test_create__a_hundred_lines_at_most(count, shown):
    lines = tuple(Line(name=f"n{n}", quantity=1, unit_price=100, total=100) for n in range(count))
    assert len(items(sent(lines=lines, amount=100 * count))) == shown


def test_create__a_line_whose_price_stripe_cannot_express_is_not_rounded():
    lines = (Line(name="Dates", quantity=2, unit_price=1005, total=2010),)
    assert items(sent(lines=lines, amount=2010, currency="KWD")) == [("Order ABC", 1, 2010)]


@pytest.mark.parametrize(
    ("currency", "amount", "units"),
    [("JPY", 500, "500"), ("ISK", 1500, "150000"), ("UGX", 7, "700"), ("MGA", 500, "5"), ("KWD", 2010, "2010")],
)
def test_create__the_amount_is_in_stripes_units(currency, amount, units):
    form = sent(currency=currency, amount=amount)
    assert form["line_items[0][price_data][unit_amount]"] == units
    assert form["line_items[0][price_data][currency]"] == currency.lower()


@pytest.mark.parametrize(
    ("locale", "known"),
    [
        ("nl_NL", "nl"),
        ("nl", "nl"),
        ("en_GB", "en-GB"),
        ("en-US", "en"),
        ("pt_BR", "pt-BR"),
        ("zh_TW", "zh-TW"),
        ("zh_CN", "zh"),
        ("fr_CA", "fr-CA"),
        ("xx_XX", None),
        ("", None),
    ],
)
def test_create__the_locale_in_stripes_words(locale, known):
    assert sent(locale=locale).get("locale") == known


def test_create__manual_capture_and_method():
    form = sent(capture=Capture.MANUAL, method="card")
    assert form["payment_intent_data[capture_method]"] == "manual"
    assert form["payment_method_types[0]"] == "card"
    assert "payment_intent_data[capture_method]" not in sent()


def test_create__newer_versions_filter_the_methods_instead():
    form = sent(method="ideal", options={"api_version": "2026-10-28.endive"})
    assert form["allowed_payment_method_types[0]"] == "ideal"
    assert "payment_method_types[0]" not in form


def test_create__nothing_that_is_empty_is_sent():
    form = sent(buyer=checkout().buyer.__class__(), description="")
    assert "" not in form.values()
    assert "customer_email" not in form
    assert items(form) == [("Order ABC", 1, 2495)]


def test_create__long_texts_are_cut():
    form = sent(description="x" * 2000, order_reference="r" * 600)
    assert len(form["payment_intent_data[description]"]) == 1000
    assert (len(form["client_reference_id"]), len(form["metadata[order]"])) == (200, 500)
    assert len(items(form)[0][0]) == 250


START = datetime(2026, 3, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("pay_before", "after"),
    [
        (START + timedelta(hours=3), timedelta(hours=3)),
        (START + timedelta(minutes=5), timedelta(minutes=35)),
        (START - timedelta(days=1), timedelta(minutes=35)),
        (START + timedelta(hours=23, minutes=59), timedelta(hours=23, minutes=55)),
        (START + timedelta(days=30), timedelta(hours=23, minutes=55)),
        (datetime.max.replace(tzinfo=UTC), timedelta(hours=23, minutes=55)),
    ],
)
def test_create__the_page_ends_with_the_orders_deadline_as_far_as_stripe_allows(pay_before, after):
    assert int(sent(pay_before=pay_before)["expires_at"]) == int((START + after).timestamp())


def test_create__without_a_deadline_stripe_decides():
    assert "expires_at" not in sent(pay_before=None)


def error(status: int, **fields: Any) -> bytes:
    return answer({"error": {"type": "invalid_request_error", "message": "words", **fields}}, status)


@pytest.mark.parametrize(
    ("raw", "end", "word"),
    [
        (error(400, code="amount_too_small", param="line_items"), Rejected, "amount_too_small"),
        (error(400, type="idempotency_error"), Rejected, ""),
        (error(401), Rejected, ""),
        (error(402, code="card_declined"), Rejected, "card_declined"),
        (error(403), Rejected, ""),
        (error(404, code="resource_missing"), ObjectNotFound, "resource_missing"),
        (error(409, code="idempotency_key_in_use"), Uncertain, "idempotency_key_in_use"),
        (error(424), Uncertain, ""),
        (error(429, code="rate_limit"), NotSent, "rate_limit"),
        (error(500, type="api_error"), Uncertain, ""),
    ],
)
def test_create__bad_ends_are_told_apart_and_never_repeated_by_the_adapter(raw, end, word):
    with serving(always(raw)) as wire, pytest.raises(end) as bad:
        adapter(wire.url).create(checkout())
    assert type(bad.value) is end
    assert (bad.value.word, len(wire.seen)) == (word, 1)


def test_create__an_error_that_is_kept_under_the_key_says_so():
    kept = answer({"error": {"type": "api_error"}}, 500, Idempotent_Replayed="true")
    with serving(always(kept)) as wire, pytest.raises(Uncertain) as bad:
        adapter(wire.url).create(checkout())
    assert bad.value.replayed is True


# -- retrieve


def test_retrieve__one_call_shows_session_intent_charge_and_refunds():
    refunded = {"amount_refunded": 500, "refunds": listing(move("re", 500, "succeeded"), move("re", 100, "pending"))}
    with serving(always(answer(paid(of_charge=refunded)))) as wire:
        report = adapter(wire.url).retrieve(checkout(), REFERENCE)
        (seen,) = wire.seen

    path, _, query = seen.path.partition("?")
    assert (seen.method, path) == ("GET", f"{SESSIONS}/{SESSION_ID}")
    assert dict(parse_qsl(query)) == {
        "expand[0]": "payment_intent.latest_charge.refunds",
        "expand[1]": "payment_intent.review",
    }
    assert seen.headers["stripe-version"] == "2026-03-25.dahlia"
    assert (report.captured, report.refunded, [m.amount for m in report.refunds]) == (2495, 500, [500, 100])


@pytest.mark.parametrize("shown", [None, listing(move("re", 1, "succeeded"), more=True)])
def test_retrieve__refunds_that_the_charge_does_not_show_are_listed(shown):
    routes = {
        SESSIONS: paid(of_charge={"refunds": shown, "amount_refunded": 700}),
        "/v1/refunds": lambda query: (
            listing(move("re", 200, "succeeded"))
            if query.get("starting_after") == "re_succeeded500"
            else listing(move("re", 500, "succeeded"), more=True)
        ),
    }
    with serving(by_path(routes)) as wire:
        report = adapter(wire.url).retrieve(checkout(), REFERENCE)
        assert all(f"charge={CHARGE_ID}" in seen.path for seen in wire.seen[1:])
    assert [found.amount for found in report.refunds] == [500, 200]


def test_retrieve__disputes_are_asked_for_where_there_are_some():
    routes = {
        SESSIONS: paid(of_charge={"disputed": True}),
        "/v1/disputes": lambda query: (
            listing(move("dp", 1500, "needs_response")) if query["charge"] == CHARGE_ID else listing()
        ),
    }
    with serving(by_path(routes)) as wire:
        report = adapter(wire.url).retrieve(checkout(), REFERENCE)
    assert (report.charged_back, [found.status for found in report.disputes]) == (1500, ["open"])


@pytest.mark.parametrize("broken", [error(403), error(500), answer({"data": [], "has_more": "no"}), answer({})])
def test_retrieve__without_the_disputes_there_is_no_report(broken):
    """Half of the truth would say that nothing was charged back."""
    routes = {SESSIONS: paid(of_charge={"disputed": True}), "/v1/disputes": broken}
    with serving(by_path(routes)) as wire, pytest.raises((Rejected, Uncertain)):
        adapter(wire.url).retrieve(checkout(), REFERENCE)


def test_retrieve__by_the_intents_id():
    routes = {
        SESSIONS: lambda query: listing(session()) if query.get("payment_intent") == INTENT_ID else error(400),
        f"{SESSIONS}/{SESSION_ID}": paid(),
    }
    with serving(by_path(routes)) as wire:
        report = adapter(wire.url).retrieve(checkout(), Reference(kind="intent", value=INTENT_ID))
    assert (report.captured, report.references[0]) == (2495, REFERENCE)

    with serving(always(answer(listing()))) as wire, pytest.raises(ObjectNotFound):
        adapter(wire.url).retrieve(checkout(), Reference(kind="intent", value=INTENT_ID))


def test_retrieve__a_strange_id_stays_one_part_of_the_path():
    with serving(always(answer(session()))) as wire:
        adapter(wire.url).retrieve(checkout(), Reference(kind="session", value="cs_1/../../v1/refunds?x=1#y"))
        assert wire.seen[0].path.startswith(f"{SESSIONS}/cs_1%2F..%2F..%2Fv1%2Frefunds%3Fx%3D1%23y?expand")


# -- find


def others(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [session(id=f"cs_{n}", metadata={"attempt": f"k-{n}"}) for n in range(start, start + count)]


def test_find__ours_on_the_second_page():
    mine = session()
    routes = {
        SESSIONS: lambda query: (
            listing(*others(3, 100), mine)
            if query.get("starting_after") == "cs_99"
            else listing(*others(100), more=True)
        ),
        f"{SESSIONS}/{SESSION_ID}": paid(),
    }
    with serving(by_path(routes)) as wire:
        found = adapter(wire.url).find(checkout())
        paths = [dict(parse_qsl(seen.path.partition("?")[2])) for seen in wire.seen]

    assert found is not None and found.captured == 2495, "it was fetched whole, not read from the list"
    start = int(START.timestamp())
    assert int(paths[0]["created[gte]"]) == start - 600
    assert int(paths[0]["created[lte]"]) >= start + StripeProvider.key_life.total_seconds()
    assert (paths[0]["limit"], paths[1]["created[gte]"]) == ("100", paths[0]["created[gte]"])


@pytest.mark.parametrize("metadata", [{}, None, {"attempt": "other"}, {"order": "ABC"}, "x"])
def test_find__the_orders_reference_alone_is_not_enough(metadata):
    page = listing(session(metadata=metadata, client_reference_id="ABC"))
    with serving(always(answer(page))) as wire:
        assert adapter(wire.url).find(checkout()) is None
        assert len(wire.seen) == 1


@pytest.mark.parametrize(
    "page",
    [
        {},
        {"data": []},
        {"data": None, "has_more": False},
        {"data": {}, "has_more": False},
        {"data": ["x"], "has_more": False},
        {"data": [{"metadata": {}}], "has_more": False},
        {"data": [{"id": 7}], "has_more": False},
        {"data": [], "has_more": True},
        {"data": [], "has_more": None},
    ],
)
def test_find__a_list_that_cannot_be_read_is_an_unclear_end(page):
    with serving(always(answer(page))) as wire, pytest.raises(Uncertain):
        adapter(wire.url).find(checkout())


def test_find__a_list_that_does_not_end_is_an_unclear_end():
    with (
        serving(always(answer(listing(*others(2), more=True)))) as wire,
        pytest.raises(Uncertain, match="does not end"),
    ):
        adapter(wire.url, deadline=30).find(checkout())


# -- cancel, probe


def test_cancel__expires_the_session_without_a_key_that_would_keep_a_server_error():
    with serving(always(answer(session(status="expired", url=None, payment_intent=INTENT_ID)))) as wire:
        report = adapter(wire.url).cancel(checkout(), REFERENCE)
        (seen,) = wire.seen

    assert (seen.method, seen.path, seen.body) == ("POST", f"{SESSIONS}/{SESSION_ID}/expire", b"")
    assert "idempotency-key" not in seen.headers
    assert (report.phase, report.captured, report.checkout_url) == (Phase.EXPIRED, None, "")


def test_cancel__a_no_is_rejected():
    with serving(always(error(400))) as wire, pytest.raises(Rejected):
        adapter(wire.url).cancel(checkout(), REFERENCE)


@pytest.mark.parametrize(("raw", "good"), [(answer(listing()), True), (error(401), False)])
def test_probe__proves_that_the_key_is_accepted(raw, good):
    with serving(always(raw)) as wire:
        if good:
            assert adapter(wire.url).probe() == "test key accepted"
        else:
            with pytest.raises(Rejected):
                adapter(wire.url).probe()
