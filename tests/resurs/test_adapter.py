"""The adapter's calls, against the simulator that speaks Resurs Bank's wire format, and against answers by hand."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from django_payflow.exceptions import InvalidCheckout, Rejected, Uncertain, UnknownStatus, Unsupported
from django_payflow.messages import Capture, Line, LineKind, Phase, Reference
from django_payflow.providers.resurs import order_reference
from tests.resurs.wire import (
    FORMS,
    HINT,
    ID,
    INVOICE,
    LAMP,
    NORWAY,
    PARCEL,
    STORE,
    adapter,
    answer,
    checkout,
    pages,
    payment,
    rejected,
    serving,
)

STORED = Reference(kind="payment", value=ID)
TASKS = f"GET /v2/payments/{ID}/tasks/status"
PAYMENT, SEARCH = f"GET /v2/payments/{ID}", "POST /v2/payments/search"


def sent(options: dict | None = None, **fields: Any) -> dict:
    """The body of a create call as it arrives, with its numbers as they are written."""
    with serving(pages({"POST /v2/payments": payment()})) as wire:
        adapter(wire.url, **(options or {})).create(checkout(**fields))
        body: dict = json.loads(wire.seen[-1].body, parse_float=str)
    return body


def buyer(**fields: Any) -> Any:
    return replace(checkout().buyer, **fields)


def asked(wire) -> list[str]:
    return [f"{each.method} {each.path}" for each in wire.seen if "oauth2" not in each.path]


# -- create


def test_create__sends_the_sheets_example():
    body = sent()
    address = {
        "fullName": "Vincent Alexandersson",
        "firstName": "Vincent",
        "lastName": "Alexandersson",
        "addressRow1": "Glassgatan 15",
        "postalArea": "Göteborg",
        "postalCode": "41655",
        "countryCode": "SE",
    }
    assert body == {
        "storeId": STORE,
        "paymentMethodId": INVOICE,
        "order": {
            "orderReference": order_reference(checkout()),
            "orderLines": [
                {
                    "type": "NORMAL",
                    "reference": "SKU-1",
                    "description": "Desk lamp",
                    "quantity": 2,
                    "quantityUnit": "st",
                    "vatRate": 25,
                    "unitAmountIncludingVat": "400.00",
                    "totalAmountIncludingVat": "800.00",
                    "totalVatAmount": "160.00",
                },
                {
                    "type": "SHIPPING",
                    "reference": "shipping",
                    "description": "Parcel",
                    "quantity": 1,
                    "quantityUnit": "st",
                    "vatRate": 25,
                    "unitAmountIncludingVat": "49.00",
                    "totalAmountIncludingVat": "49.00",
                    "totalVatAmount": "9.80",
                },
            ],
        },
        "customer": {
            "customerType": "NATURAL",
            "governmentId": "198305147715",
            "email": "buyer@example.com",
            "mobilePhone": "0701112233",
            "deliveryAddress": address,
            "deviceInfo": {"ip": "203.0.113.7", "userAgent": "Mozilla/5.0"},
        },
        "metadata": {
            "custom": [
                {"key": "payflow_attempt", "value": checkout().key},
                {"key": "payflow_order", "value": "K7Q2W9RTY4PLM3XZ"},
            ]
        },
        "options": {
            "initiatedOnCustomersDevice": True,
            "handleFrozenPayments": True,
            "handleManualInspection": True,
            "automaticCapture": False,
            "redirectionUrls": {
                "customer": {"successUrl": checkout().return_url, "failUrl": checkout().return_url},
            },
            "callbacks": {
                kind: {"url": f"https://shop.test/payflow/webhook/resurs/{HINT}-{kind}/"}
                for kind in ("authorization", "management", "creditApplication")
            },
            "timeToLiveInMinutes": 120,
        },
    }


def test_create__is_json_in_utf8_under_a_bearer():
    with serving(pages({"POST /v2/payments": payment()})) as wire:
        adapter(wire.url).create(checkout())
        call = wire.seen[-1]
    assert (call.method, call.path) == ("POST", "/v2/payments")
    assert call.headers["content-type"] == "application/json; charset=utf-8"
    assert call.headers["authorization"].startswith("Bearer ")
    assert re.search(rb'"totalAmountIncludingVat":800\.00[,}]', call.body), "a number, not a text"


def test_create__against_the_simulator(resurs, sim):
    redirect = resurs.create(checkout())

    (made,) = sim.payments("resurs")
    assert redirect.report.references == (Reference(kind="payment", value=made["id"]),)
    assert redirect.url == redirect.report.checkout_url == made["simulator"]["checkout"]
    assert (redirect.report.phase, redirect.report.requested, redirect.report.money) == (Phase.OPEN, 84_900, 0)
    assert made["order"]["orderReference"] == order_reference(checkout())
    assert made["simulator"]["options"]["ttl"] == 120


@pytest.mark.parametrize("status", [200, 201])
@pytest.mark.parametrize("lands", ["ACCEPTED", "REJECTED", "FROZEN", "INSPECTION"])
def test_create__may_be_decided_at_once(resurs, sim, lands, status):
    sim.control("POST", "resurs/settings", {"create_lands": lands, "create_status": status})
    redirect = resurs.create(checkout())

    assert redirect.url == ""
    assert redirect.report.references[0].value == sim.payments("resurs")[0]["id"]
    assert redirect.report.raw_status.partition("/")[0] == lands
    assert redirect.report.capturable == {"ACCEPTED": 84_900, "REJECTED": 0}.get(lands)


def test_create__a_vat_that_the_strictest_reader_accepts(resurs, sim):
    sim.control("POST", "resurs/settings", {"strict_vat": True})
    lines = tuple(
        Line(name=f"No {rate}", quantity=1, unit_price=total, total=total, vat_rate=Decimal(rate))
        for rate, total in (("0", 100), ("6", 333), ("12.5", 999), ("25", 10_001), ("100", 7), ("25", -333))
    )
    wanted = checkout(lines=lines, amount=sum(line.total for line in lines))
    resurs.check(wanted)
    assert resurs.create(wanted).report.requested == wanted.amount


@pytest.mark.parametrize(
    ("total", "rate", "vat"),
    [(80_000, "25", "160.00"), (1, "25", "0.00"), (3, "25", "0.01"), (-333, "25", "-0.67"), (999, "12.5", "1.11")],
)
def test_create__vat_is_rounded_half_away_from_zero(total, rate, vat):
    line = Line(name="x", quantity=1, unit_price=total, total=total, vat_rate=Decimal(rate))
    assert sent(lines=(line,))["order"]["orderLines"][0]["totalVatAmount"] == vat


def test_create__every_kind_of_line_has_its_word():
    lines = tuple(replace(PARCEL, kind=kind, sku=f"S-{kind}") for kind in LineKind)
    discount = Line(name="Rebate", quantity=1, unit_price=-500, total=-500)
    card = Line(name="Gift card", quantity=1, unit_price=-700, total=-700, kind=LineKind.GIFT_CARD)
    bundle = Line(name="Three for two", quantity=3, unit_price=100, total=200)
    made = sent(lines=(*lines, discount, card, bundle))["order"]["orderLines"]

    words = ["NORMAL", "DIGITAL_GOODS", "SHIPPING", "DISCOUNT", "FEE", "GIFT_CARD", "DISCOUNT", "GIFT_CARD", "NORMAL"]
    assert [line["type"] for line in made] == words
    assert [line["reference"] for line in made[-3:]] == ["goods", "gift_card", "goods"]
    assert "unitAmountIncludingVat" not in made[-1], "it would not multiply to the total"


def test_create__long_words_are_cut_to_what_fits():
    line = replace(LAMP, name="N" * 400, sku="S" * 64, total=84_900)
    someone = buyer(name="A" * 99, first_name="B" * 99, user_agent="M" * 300)
    body = sent(lines=(line,), buyer=someone)
    made, customer = body["order"]["orderLines"][0], body["customer"]
    assert (len(made["description"]), len(made["reference"])) == (100, 50)
    assert (len(customer["deliveryAddress"]["fullName"]), len(customer["deviceInfo"]["userAgent"])) == (50, 200)


def test_create__what_is_unknown_is_left_out():
    """An empty identity number breaks the call."""
    customer = sent(buyer=buyer(government_id="", user_agent="", first_name=" ", street2=""))["customer"]
    assert "governmentId" not in customer
    assert customer["deviceInfo"] == {"ip": "203.0.113.7"}
    assert {"firstName", "addressRow2"}.isdisjoint(customer["deliveryAddress"])


def test_create__a_company_has_a_contact_person(resurs):
    company = buyer(company="Lampor AB", government_id="166997368573", country="se")
    customer = sent(buyer=company)["customer"]
    assert (customer["customerType"], customer["contactPerson"]) == ("LEGAL", "Vincent Alexandersson")
    assert customer["deliveryAddress"]["fullName"] == "Lampor AB"
    assert customer["deliveryAddress"]["countryCode"] == "SE"
    method = next(each.id for each in resurs.payment_methods() if each.takes(84_900, company=True))
    assert resurs.create(checkout(buyer=company, method=method)).url


@pytest.mark.parametrize("ip", ["", "unix:", "300.1.1.1", "203.0.113.7, 10.0.0.1"])
def test_create__without_the_buyers_device_is_refused_before_the_wire(ip):
    with serving(pages({"POST /v2/payments": payment()})) as wire:
        adapter(wire.url).check(checkout(buyer=buyer(ip=ip)))
        with pytest.raises(Unsupported, match=r"Buyer\.ip"):
            adapter(wire.url).create(checkout(buyer=buyer(ip=ip)))
        assert wire.seen == []


def test_create__options_go_out():
    chosen = {
        "handle_frozen": False,
        "handle_manual_inspection": False,
        "automatic_capture": True,
        "time_to_live": 43_200,
    }
    made = sent(chosen)["options"]
    assert (made["handleFrozenPayments"], made["handleManualInspection"], made["automaticCapture"]) == (
        False,
        False,
        True,
    )
    assert made["timeToLiveInMinutes"] == 43_200
    assert sent(chosen, capture=Capture.MANUAL)["options"]["automaticCapture"] is False


def test_create__the_page_does_not_outlive_the_orders_deadline():
    wanted = checkout()
    made = sent(created_at=wanted.created_at, pay_before=wanted.created_at + timedelta(minutes=45, seconds=30))
    assert made["options"]["timeToLiveInMinutes"] == 45


def test_create__another_method_may_be_asked_for():
    other = "00000000-0000-4000-8000-000000000001"
    assert sent(method=other)["paymentMethodId"] == other


@pytest.mark.parametrize("kind", ["5xx", "lost_answer", "truncated"])
def test_create__an_unclear_end_is_not_repeated(resurs, sim, kind):
    sim.fault("create", kind, provider="resurs")
    with pytest.raises(Uncertain):
        resurs.create(checkout())
    assert len(sim.calls("create")) == 1


@pytest.mark.parametrize("shape", ["list", "map", "parameters"])
def test_refusal__names_the_field_in_each_of_the_three_shapes(resurs, sim, shape):
    sim.control("POST", "resurs/settings", {"error_fields": shape})
    with pytest.raises(Rejected, match=r"customer\.mobilePhone: is not valid") as refused:
        resurs.create(checkout(buyer=buyer(phone="0809910000")))
    assert (refused.value.code, refused.value.word) == ("400", "BAD_REQUEST")


# -- what is refused before the wire


def refused(**fields: Any) -> InvalidCheckout:
    with pytest.raises(InvalidCheckout) as problem:
        adapter("").check(checkout(**fields))
    return problem.value


def test_check__takes_the_sheets_example_and_calls_nobody():
    with serving(pages({})) as wire:
        adapter(wire.url).check(checkout())
        assert wire.seen == []


@pytest.mark.parametrize(("country", "currency"), [("SE", "SEK"), ("NO", "NOK"), ("FI", "EUR"), ("DK", "DKK")])
def test_check__the_stores_country_decides_the_currency(country, currency):
    for each in ("SEK", "NOK", "EUR", "DKK", "USD"):
        resurs = adapter("", country=country)
        if each == currency:
            resurs.check(checkout(currency=each))
        else:
            with pytest.raises(InvalidCheckout, match=currency):
                resurs.check(checkout(currency=each))


@pytest.mark.parametrize("field", sorted(FORMS))
def test_check__a_field_that_is_lacking_is_named_and_asked_for_politely(field):
    problem = refused(buyer=buyer(**{field: "  "}))
    assert f"Buyer.{field}" in str(problem)
    assert problem.buyer_message.startswith("Please enter your ")
    assert field not in problem.buyer_message or "_" not in field


@pytest.mark.parametrize(("field", "wrong"), sorted(FORMS.items()))
def test_check__a_field_that_does_not_fit_is_named_and_not_quoted(field, wrong):
    problem = refused(buyer=buyer(**{field: wrong}))
    assert f"Buyer.{field}" in str(problem)
    assert problem.buyer_message.startswith("Please check your ")
    assert wrong not in f"{problem} {problem.buyer_message}"


def test_check__a_name_may_stand_in_two_fields():
    adapter("").check(checkout(buyer=buyer(name="")))
    assert "Buyer.name" in str(refused(buyer=buyer(name="", first_name="", last_name="")))


def test_check__the_identity_number_is_the_gateways_business():
    adapter("").check(checkout(buyer=buyer(government_id="", user_agent="", street2="")))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"lines": ()}, "lines"),
        ({"lines": (LAMP,)}, "add up"),
        ({"amount": 84_901}, "add up"),
        ({"amount": 0}, "amounts"),
        ({"amount": -1}, "amounts"),
        ({"amount": 10**12}, "amounts"),
        ({"lines": (replace(LAMP, total=84),) * 1001, "amount": 84_084}, "1000"),
        ({"lines": (LAMP, replace(PARCEL, vat_rate=Decimal("25.001")))}, "vat_rate of the order's line 2"),
        ({"lines": (LAMP, replace(PARCEL, vat_rate=Decimal("NaN")))}, "vat_rate"),
        ({"lines": (LAMP, replace(PARCEL, vat_rate=Decimal(101)))}, "vat_rate"),
        ({"lines": (LAMP, replace(PARCEL, vat_rate=Decimal(-1)))}, "vat_rate"),
        ({"lines": (replace(LAMP, quantity=0), PARCEL)}, "quantity of the order's line 1"),
        ({"lines": (replace(LAMP, unit=" "), PARCEL)}, "unit"),
        ({"lines": (replace(LAMP, unit="u" * 51), PARCEL)}, "unit"),
        ({"method": "RESURS_INVOICE"}, "UUID"),
    ],
)
def test_check__what_cannot_be_sent_is_refused_by_name(fields, words):
    assert words in str(refused(**fields))


# -- the order's reference


def test_order_reference__is_readable_short_and_the_attempts_own():
    first = order_reference(checkout())
    assert re.fullmatch(r"K7Q2W9RTY4PLM3XZ-[A-Z2-7]{15}", first)
    assert order_reference(checkout()) == first
    assert order_reference(checkout(key="22222222-2222-4222-8222-222222222222")) != first
    for strange in ("2026/1042 å", "", "x" * 64, "a\nb"):
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,32}", order_reference(checkout(order_reference=strange)))


# -- retrieve


@pytest.mark.parametrize("category", ["UNKNOWN", None, "BRAND_NEW"])
@pytest.mark.parametrize(
    ("completed", "phase"), [(True, Phase.FAILED), (False, Phase.CANCELED), (None, Phase.FAILED)]
)
def test_retrieve__rejected_for_no_clear_reason_takes_one_more_look(category, completed, phase):
    with serving(pages({PAYMENT: rejected(category), TASKS: {"completed": completed}})) as wire:
        assert adapter(wire.url).retrieve(checkout(), STORED).phase is phase
    assert asked(wire) == [PAYMENT, TASKS]


@pytest.mark.parametrize("broken", [answer({}, 403), answer({}, 500), answer(b"<html>"), answer([])])
def test_retrieve__the_second_look_may_fail(broken):
    """The payment's reference must not be lost for it, least of all at creation."""
    with serving(pages({PAYMENT: rejected(None), "POST /v2/payments": rejected(None), TASKS: broken})) as wire:
        assert adapter(wire.url).retrieve(checkout(), STORED).phase is Phase.FAILED
        assert adapter(wire.url).create(checkout()).report.references == (STORED,)


@pytest.mark.parametrize(
    "shown", [payment(), payment("FROZEN"), payment("ACCEPTED"), rejected("TIMEOUT"), rejected("CREDIT_DENIED")]
)
def test_retrieve__otherwise_one_question_is_enough(shown):
    with serving(pages({PAYMENT: shown})) as wire:
        adapter(wire.url).retrieve(checkout(), STORED)
    assert asked(wire) == [PAYMENT]


def test_retrieve__403_is_a_refusal_and_no_missing_payment(resurs, sim):
    reference = resurs.create(checkout()).report.references[0]
    sim.set_status(reference.value, "timeout", provider="resurs")
    assert resurs.retrieve(checkout(), reference).phase is Phase.EXPIRED

    sim.advance(31 * 86_400)
    with pytest.raises(Rejected) as gone:
        resurs.retrieve(checkout(), reference)
    assert (type(gone.value), gone.value.code) == (Rejected, "403")


def test_retrieve__a_reference_cannot_leave_its_path():
    with serving(pages({})) as wire, pytest.raises(Rejected):
        adapter(wire.url).retrieve(checkout(), Reference(kind="payment", value="../stores?x=1"))
    assert asked(wire) == ["GET /v2/payments/..%2Fstores%3Fx%3D1"]


def test_retrieve__an_unknown_word_is_said():
    with serving(pages({PAYMENT: payment() | {"status": "PONDERING"}})) as wire, pytest.raises(UnknownStatus):
        adapter(wire.url).retrieve(checkout(), STORED)


# -- find


@pytest.mark.parametrize("rows", ["full", "bare"])
def test_find__our_attempt_among_others(resurs, sim, rows):
    sim.control("POST", "resurs/settings", {"search_rows": rows})
    keys = [f"11111111-1111-4111-8111-{number:012d}" for number in range(3)]
    made = {key: resurs.create(checkout(key=key)).report.references for key in keys}

    for key in keys:
        found = resurs.find(checkout(key=key))
        assert found is not None
        assert (found.references, found.our_reference, found.requested) == (made[key], key, 84_900)
    assert resurs.find(checkout(key="11111111-1111-4111-8111-999999999999")) is None


def test_find__asks_the_own_store_only():
    with serving(pages({SEARCH: {"content": []}})) as wire:
        assert adapter(wire.url).find(checkout()) is None
        body = json.loads(wire.seen[-1].body)
    assert body == {"storeId": STORE, "orderReference": order_reference(checkout())}


def test_find__reads_the_older_word_for_the_list():
    with serving(pages({SEARCH: {"results": [{"id": ID}]}, PAYMENT: payment()})) as wire:
        found = adapter(wire.url).find(checkout())
    assert found is not None and found.references == (STORED,)


def test_find__a_mark_of_another_attempt_is_not_ours():
    shown = payment(metadata={"custom": [{"key": "payflow_attempt", "value": "another"}]})
    with serving(pages({SEARCH: {"content": [{"id": ID}]}, PAYMENT: shown})) as wire:
        assert adapter(wire.url).find(checkout()) is None


@pytest.mark.parametrize(
    "unclear",
    [
        {},
        {"content": None},
        {"content": [7]},
        {"content": [{"id": "x"}]},
        {"content": [], "page": {"totalElements": 1}},
        {"content": [], "page": 7},
        answer({}, 500),
        answer(b"[]"),
    ],
)
def test_find__an_unclear_answer_is_no_finding_of_nothing(unclear):
    with serving(pages({SEARCH: unclear})) as wire, pytest.raises(Uncertain):
        adapter(wire.url).find(checkout())


# -- stores, payment methods, probe


def test_stores__of_the_client(resurs):
    assert [(store.country, store.name) for store in resurs.stores()][:2] == [
        ("SE", "Simbutiken"),
        ("NO", "Simbutikken"),
    ]


def test_payment_methods__with_limits_and_legal_links(resurs, sim):
    methods = resurs.payment_methods()
    (invoice,) = [method for method in methods if method.id == INVOICE]
    assert (invoice.type, invoice.for_persons) == ("RESURS_INVOICE", True)
    assert invoice.takes(invoice.least) and invoice.takes(invoice.most)
    assert not invoice.takes(invoice.least - 1) and not invoice.takes(invoice.most + 1)
    links = [each.links["PRICE_INFO"] for each in methods if "PRICE_INFO" in each.links]
    assert links and all(url.startswith("http") and isinstance(with_amount, bool) for url, with_amount in links)

    assert resurs.payment_methods() == methods
    assert len(sim.calls("payment_methods")) <= 1, "kept for an hour"


def test_payment_methods__of_a_type_that_nobody_knew_are_read():
    row = {
        "id": INVOICE,
        "name": "Moon",
        "type": "MOON_MONEY",
        "minPurchaseLimit": 0.5,
        "maxPurchaseLimit": 50000,
        "enabledForLegalCustomer": True,
        "enabledForNaturalCustomer": False,
    }
    with serving(pages({f"GET /v2/stores/{STORE}/payment_methods": {"content": [row]}})) as wire:
        (moon,) = adapter(wire.url).payment_methods()
    assert (moon.type, moon.least, moon.most, moon.links) == ("MOON_MONEY", 50, 5_000_000, {})
    assert (moon.takes(100), moon.takes(100, company=True)) == (False, True)


def test_probe__says_which_store_answered(resurs, sim):
    assert resurs.probe() == "test credentials accepted, store Simbutiken"
    resurs.probe()
    assert len(sim.calls("token")) == 2, "a secret that was changed is noticed"
    assert sim.payments("resurs") == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"client_secret": "not-the-secret"}, "token"),
        ({"store_id": NORWAY}, "NO"),
        ({"country": "NO"}, "SE"),
        ({"store_id": "b7f88ac4-0000-4000-8000-00000000dead"}, "store_id"),
    ],
)
def test_probe__tells_what_is_wrong(sim, values, words):
    with pytest.raises(Rejected, match=words):
        adapter(sim.base_url("resurs"), **values).probe()


def test_cancel__is_not_offered():
    """What becomes of an unsigned payment is not documented, and a signed one would lose its authorization."""
    with pytest.raises(Unsupported):
        adapter("").cancel(checkout(), STORED)
