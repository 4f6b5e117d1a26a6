"""Orders: made by a program, with totals that we add up ourselves."""

from __future__ import annotations

import json

import pytest

from django_payflow import clock
from django_payflow.models import IdempotentRequest, Payment, get_order_model
from tests.api.kit import NEW_ORDER, POT, TEA, TOTAL, Program


def only_order():
    return get_order_model().objects.get()


def test_create__saves_a_draft_and_shows_it_without_personal_data(api):
    details = {"phone": "+31612345678", "country": "NL"}
    answer = api.post("/orders/", {**NEW_ORDER, "locale": "nl_NL", "payment_details": details})

    order = only_order()
    assert answer.status == 201
    assert (order.total, order.status, order.email, order.payment_details) == (
        TOTAL,
        "draft",
        "ada@example.com",
        details,
    )
    assert answer.body == {
        "reference": order.reference,
        "status": "draft",
        "currency": "EUR",
        "total": TOTAL,
        "lines": [
            {**TEA, "kind": "goods", "unit": "pcs", "total": 1790},
            {**POT, "kind": "goods", "unit": "pcs", "total": 705, "vat_rate": "21.00"},
        ],
        "locale": "nl_NL",
        "pay_before": None,
        "created_at": answer.body["created_at"],
        "placed_at": None,
        "secured_at": None,
        "canceled_at": None,
        "payments": [],
    }
    stored = json.dumps(IdempotentRequest.objects.get().answer)
    assert "ada@example.com" not in stored and "+31612345678" not in stored


def test_create__a_total_that_is_the_sum_is_welcome_and_a_discount_counts(api):
    discount = {"name": "Welcome", "unit_price": -495, "kind": "discount"}
    assert api.order(total=2000, lines=[TEA, POT, discount])["total"] == 2000


_LINE = {"name": "Tea", "unit_price": 100}
WRONG = {
    "total": {"total": 1},
    "currency": {"currency": "EURO"},
    "currency-of-gold": {"currency": "XAU"},
    "currency-small": {"currency": "eur"},
    "lines.non_field_errors": {"lines": []},
    "lines-missing": {"lines": None},
    "lines.0.quantity": {"lines": [{**_LINE, "quantity": 0}]},
    "lines.0.quantity-negative": {"lines": [{**_LINE, "quantity": -2}]},
    "lines.0.quantity-text": {"lines": [{**_LINE, "quantity": "2"}]},
    "lines.0.unit_price": {"lines": [{**_LINE, "unit_price": 17.90}]},
    "lines.0.unit_price-round": {"lines": [{**_LINE, "unit_price": 17.0}]},
    "lines.0.unit_price-text": {"lines": [{**_LINE, "unit_price": "1790"}]},
    "lines.0.unit_price-bool": {"lines": [{**_LINE, "unit_price": True}]},
    "lines.0.unit_price-huge": {"lines": [{**_LINE, "unit_price": 2**63}]},
    "lines-sum-huge": {"lines": [{**_LINE, "unit_price": 2**62, "quantity": 2}]},
    "lines-sum-negative": {"lines": [{**_LINE, "unit_price": -1}]},
    "lines.0.vat_rate": {"lines": [{**_LINE, "vat_rate": 100.5}]},
    "lines.0.vat_rate-decimals": {"lines": [{**_LINE, "vat_rate": "21.123"}]},
    "lines.0.kind": {"lines": [{**_LINE, "kind": "gold"}]},
    "lines.0.total": {"lines": [{**_LINE, "total": 1}]},
    "lines.1.name": {"lines": [_LINE, {"unit_price": 5}]},
    "email": {"email": "nobody"},
    "payment_details.iban": {"payment_details": {"iban": "NL00"}},
    "payment_details.email": {"payment_details": {"email": "x@example.com"}},
    "pay_before": {"pay_before": "2001-01-01T00:00:00Z"},
    "status": {"status": "completed"},
    "reference": {"reference": "MINE"},
    "stock_reserved": {"stock_reserved": True},
    "evil?name": {"evil\x1bname": 1},
}


@pytest.mark.attack(23)
@pytest.mark.attack(41)
@pytest.mark.parametrize("name", WRONG)
def test_create__refuses_and_names_the_field(api, name):
    answer = api.post("/orders/", {**NEW_ORDER, **WRONG[name]})

    assert answer.short == (400, "invalid")
    assert answer.body["detail"].startswith(name.split("-")[0] + ":")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert set(answer.body) == {"type", "title", "status", "detail", "code", "errors"}
    assert not get_order_model().objects.exists()


BODIES = {
    "not json": b"{",
    "not utf-8": b'{"currency": "\xff"}',
    "half a surrogate pair": b'{"name": "\\ud800"}',
    "nul": b'{"name": "a\\u0000b"}',
    "not a number": b'{"total": NaN}',
    "brackets without end": b"[" * 100_000,
    "a number without end": b'{"total": ' + b"9" * 5000 + b"}",
    "a list": b"[]",
    "a text": b'"order"',
    "nothing": b"",
}


@pytest.mark.parametrize("name", BODIES)
def test_create__survives_any_body(api, name):
    answer = api.post("/orders/", BODIES[name])
    assert (answer.status, answer.body["status"]) == (400, 400)


def test_create__survives_brackets_at_every_depth(api):
    answers = {api.post("/orders/", b"[" * depth + b"]" * depth).status for depth in range(700, 1010, 7)}
    assert answers == {400}


def test_create__a_huge_body_is_not_read(api):
    assert api.post("/orders/", b'{"name": "' + b"x" * 300_000 + b'"}').short == (413, "too_large")


def test_create__speaks_json_only(api):
    found = api._client.post("/api/orders/", {"currency": "EUR"}, headers={"Authorization": f"Token {api._token}"})
    assert (found.status_code, found.json()["code"]) == (415, "unsupported_media_type")


def test_read__one_by_reference_with_the_ids_of_its_payments(api, sim):
    reference = api.order()["reference"]
    payment = api.started(reference)

    answer = api.get(f"/orders/{reference}/")

    assert (answer.status, answer.body["status"], answer.body["payments"]) == (200, "pending", [payment.key])
    assert api.get("/orders/NOSUCHORDER/").short == (404, "not_found")
    assert api.get(f"/orders/{only_order().pk}/").short == (404, "not_found")


def test_list__the_newest_first_in_pages(api, django_assert_max_num_queries, monkeypatch):
    monkeypatch.setattr("django_payflow.api.views.NewestFirst.page_size", 2)
    made = [api.order()["reference"] for _ in range(3)]

    with django_assert_max_num_queries(8):
        page = api.get("/orders/").body
    rest = api.get("/orders/?" + page["next"].split("?")[1]).body

    assert [order["reference"] for order in page["results"] + rest["results"]] == made[::-1]
    assert rest["next"] is None


@pytest.fixture
def open_attempt(api, sim):
    """A payment that Mollie lets us cancel."""
    payment = api.started(api.order()["reference"])
    sim.overwrite(payment.references.get().value, isCancelable=True)
    return payment


def test_cancel__ends_the_open_attempt(api, open_attempt):
    payment, reference = open_attempt, open_attempt.order.reference

    answer = api.post(f"/orders/{reference}/cancel/", {"reason": "the buyer called"})

    assert (answer.status, answer.body["status"]) == (200, "canceled")
    assert Payment.objects.get(pk=payment.pk).status == "canceled"
    again = api.post(f"/orders/{reference}/cancel/")
    assert again.short == (409, "command_refused")
    assert again.body["detail"] == "the order is canceled already"


def test_expire__ends_the_time_to_pay(api, open_attempt):
    reference = open_attempt.order.reference

    answer = api.post(f"/orders/{reference}/expire/")

    assert (answer.status, answer.body["status"]) == (200, "expired")
    assert only_order().pay_before <= clock.now()


def test_complete__says_that_a_paid_order_is_delivered(api, pay, settings):
    settings.PAYFLOW = {**settings.PAYFLOW, "FULFILMENT": {}}
    reference = pay().order.reference
    assert api.get(f"/orders/{reference}/").body["status"] == "processing"

    assert api.post(f"/orders/{reference}/complete/").body["status"] == "completed"
    assert api.post(f"/orders/{reference}/complete/").short == (409, "command_refused")
    assert api.post(f"/orders/{reference}/complete/", {"force": True}).short == (400, "invalid")


def test_commands__are_recorded_under_the_users_name(api):
    reference = api.order()["reference"]
    api.post(f"/orders/{reference}/cancel/")
    assert set(only_order().payment_events.values_list("actor", flat=True)) == {"ada"}


def test_order_in_trouble__is_told_without_row_numbers(api, pay, sim):
    payment = pay()
    sim.overwrite(payment.references.get().value, amount={"currency": "EUR", "value": "9.00"})
    Payment.objects.filter(pk=payment.pk).update(status="conflicted", doubt="amount")

    answer = api.post(f"/orders/{payment.order.reference}/cancel/")

    assert answer.short == (409, "command_refused")
    assert answer.body["detail"].endswith("is conflicted; decide about its money first")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_orders__are_changed_by_commands_only(api, method):
    reference = api.order()["reference"]
    assert api.call(method, f"/orders/{reference}/", {"status": "completed"}).short == (405, "method_not_allowed")


def test_no_database__is_a_polite_503(api, monkeypatch):
    from django.db import OperationalError

    def gone(*args, **kwargs):
        raise OperationalError("server closed the connection")

    monkeypatch.setattr("django_payflow.api.views.PayflowOrderViewSet.get_orders", gone)
    answer = api.get("/orders/")
    assert (answer.short, answer.headers["Retry-After"]) == ((503, "database"), "1")


def test_nobody__is_asked_to_log_in(db):
    answer = Program(None).get("/orders/")
    assert (answer.short, answer.headers["WWW-Authenticate"]) == ((401, "not_authenticated"), "Token")
