"""Payments: started, read, captured, released, refunded and cancelled by a program."""

from __future__ import annotations

import pytest

from django_payflow.models import IdempotentRequest, Move, Payment
from tests.api.kit import TOTAL


@pytest.fixture
def reference(api):
    return api.order()["reference"]


# -- starting


def test_start__answers_with_the_page_and_the_payments_id(api, sim, reference):
    buyer = {"ip": "192.0.2.7", "user_agent": "Mozilla/5.0"}
    answer = api.post(f"/orders/{reference}/payments/", {"account": "mollie", "method": "ideal", **buyer})

    payment = Payment.objects.get()
    assert answer.status == 201
    assert answer.body == {"order": reference, "payment": payment.key, "redirect_url": payment.checkout_url}
    assert answer.body["redirect_url"].startswith(sim.url)
    assert payment.asked_method == "ideal"


def test_start__again_under_another_key_is_the_same_offer(api, sim, reference):
    first = api.post(f"/orders/{reference}/payments/", {"account": "mollie"})
    again = api.post(f"/orders/{reference}/payments/", {"account": "mollie"})

    assert (again.body, again.replayed) == (first.body, False)
    assert len(sim.calls("create")) == 1


def test_start__without_an_answer_leads_to_the_waiting_page_with_its_whole_address(api, sim, reference):
    sim.fault("create", "lost_answer", times=1)
    answer = api.post(f"/orders/{reference}/payments/", {"account": "mollie"})

    token = Payment.objects.get().return_token
    assert (answer.status, answer.body["redirect_url"]) == (201, f"https://shop.test/payflow/return/{token}/")


def test_start__of_an_order_of_zero_needs_no_payment(api, sim):
    free = api.order(lines=[{"name": "Sample", "unit_price": 0}])["reference"]
    answer = api.post(f"/orders/{free}/payments/", {"account": "mollie"})

    assert (answer.status, answer.body["payment"]) == (201, None)
    assert api.get(f"/orders/{free}/").body["status"] == "processing"


WRONG = {
    "account": {"account": "nosuch"},
    "account-missing": {"method": "ideal"},
    "method": {"account": "mollie", "method": "a b"},
    "ip": {"account": "mollie", "ip": "somewhere"},
    "amount": {"account": "mollie", "amount": 1},
}


@pytest.mark.parametrize("name", WRONG)
def test_start__refuses_and_names_the_field(api, reference, name):
    answer = api.post(f"/orders/{reference}/payments/", WRONG[name])
    assert answer.short == (400, "invalid")
    assert answer.body["detail"].startswith(name.split("-")[0] + ":")


def test_start__of_a_paid_order_is_a_conflict_with_words_for_the_buyer(api, pay):
    payment = pay()
    answer = api.post(f"/orders/{payment.order.reference}/payments/", {"account": "mollie"})

    assert answer.short == (409, "order_not_payable")
    assert answer.body["buyer_message"] == "This order is not waiting for a payment."
    assert str(payment.pk) not in answer.body["detail"].split()


def test_start__that_the_provider_could_not_take_is_422(api, sim):
    reference = api.order(currency="KWD")["reference"]
    answer = api.post(f"/orders/{reference}/payments/", {"account": "mollie"})

    assert answer.short == (422, "checkout_refused")
    assert "KWD" in answer.body["detail"]
    assert not Payment.objects.exists()


def test_start__that_the_provider_refuses_is_not_tried_again_under_the_same_key(api, sim, reference):
    sim.fault("create", "not_found", times=1)
    body = {"account": "mollie"}
    first = api.post(f"/orders/{reference}/payments/", body, key="k1")
    again = api.post(f"/orders/{reference}/payments/", body, key="k1")

    assert (first.short, again.short) == ((422, "checkout_refused"), (422, "checkout_refused"))
    assert again.replayed
    assert again.headers["Content-Type"] == "application/problem+json"
    assert len(sim.calls("create")) == 1
    assert api.post(f"/orders/{reference}/payments/", body, key="k2").status == 201


# -- reading


def test_read__shows_amounts_and_moves_by_public_ids_only(api, pay):
    payment = pay()
    move = api.post(f"/payments/{payment.key}/refund/", {"amount": 500, "reason": "a broken pot"}).body

    answer = api.get(f"/payments/{payment.key}/")

    assert answer.status == 200
    times = {name: answer.body[name] for name in ("created_at", "expires_at", "capture_before")}
    assert answer.body == {
        "id": payment.key,
        "order": payment.order.reference,
        "account": "mollie",
        "method": payment.method,
        "status": "paid",
        "label": answer.body["label"],
        "amount": TOTAL,
        "currency": "EUR",
        "capturable": 0,
        "captured": TOTAL,
        "refunded": answer.body["refunded"],
        "charged_back": 0,
        "live": False,
        "cancel_asked": False,
        **times,
        "moves": [api.get(f"/moves/{move['id']}/").body],
    }


def test_read__gives_no_token_and_no_number_of_a_row_away(api, pay):
    payment = pay()
    move = api.post(f"/payments/{payment.key}/refund/", {"amount": 500})
    paths = [f"/payments/{payment.key}/", "/payments/", "/orders/", f"/moves/{move.body['id']}/"]
    shown = " ".join(str(api.get(path).body) for path in paths)

    for secret in (payment.webhook_token, payment.return_token, payment.references.get().value, "k" * 30):
        assert secret not in shown
    for number in (payment.pk, move.body["id"].replace("-", "")):
        assert api.get(f"/payments/{number}/").status == 404


# -- refunds


def test_refund__of_a_part_and_then_of_the_rest(api, pay, sim):
    payment = pay()
    part = api.post(f"/payments/{payment.key}/refund/", {"amount": 500, "reason": "a broken pot"})
    rest = api.post(f"/payments/{payment.key}/refund/")

    assert (part.status, rest.status) == (202, 202)  # Mollie sends refunds to the bank later
    assert [(one.body["kind"], one.body["status"], one.body["amount"]) for one in (part, rest)] == [
        ("refund", "pending", 500),
        ("refund", "pending", TOTAL - 500),
    ]
    assert (part.body["payment"], part.body["currency"], part.body["reason"]) == (payment.key, "EUR", "a broken pot")
    row = Move.objects.get(key=part.body["id"])
    assert (row.actor, row.reason) == ("ada", "a broken pot")


def test_refund__of_too_much_says_what_is_left(api, pay):
    payment = pay()
    api.post(f"/payments/{payment.key}/refund/", {"amount": 2000})
    answer = api.post(f"/payments/{payment.key}/refund/", {"amount": 500})

    assert answer.short == (409, "not_enough_left")
    assert answer.body["left"] == TOTAL - 2000


AMOUNTS = [0, -1, "500", 5.0, True, 2**63, None]


@pytest.mark.attack(23)
@pytest.mark.parametrize("amount", AMOUNTS, ids=str)
def test_refund__takes_whole_numbers_above_zero(api, pay, amount):
    payment = pay()
    answer = api.post(f"/payments/{payment.key}/refund/", {"amount": amount})
    assert (answer.short, answer.body["detail"][:7]) == ((400, "invalid"), "amount:")
    assert not Move.objects.exists()


def test_refund__with_a_misspelt_amount_refunds_nothing(api, pay):
    payment = pay()
    answer = api.post(f"/payments/{payment.key}/refund/", {"ammount": 1})
    assert (answer.status, answer.body["errors"]) == (400, {"ammount": ["This field is not known here."]})
    assert not Move.objects.exists()


@pytest.mark.attack(40)
def test_refund__above_the_limit_waits_for_somebody_else(api, pay, settings):
    settings.PAYFLOW = {**settings.PAYFLOW, "REFUND_APPROVAL_ABOVE": {"EUR": 1000}}
    answer = api.post(f"/payments/{pay().key}/refund/", {"amount": 1001})
    assert (answer.status, answer.body["status"], answer.body["awaits_approval"]) == (202, "requested", True)


def test_refund__that_the_provider_refuses_is_an_error_that_names_the_move(api, pay, sim):
    payment = pay()
    sim.fault("refund", "not_found", times=1)
    answer = api.post(f"/payments/{payment.key}/refund/", {"amount": 500}, key="k1")

    assert answer.short == (422, "move_failed")
    assert (answer.body["move"]["status"], answer.body["move"]["amount"]) == ("failed", 500)
    assert answer.body["detail"] == answer.body["move"]["detail"]
    assert api.post(f"/payments/{payment.key}/refund/", {"amount": 500}, key="k1").replayed
    assert api.post(f"/payments/{payment.key}/refund/", {"amount": 500}).status == 202


# -- captures and releases


@pytest.fixture
def authorized(manual, pay):
    payment = pay("authorized", method="creditcard")
    assert payment.capturable == TOTAL
    return payment


def test_capture__takes_a_part_and_lets_the_rest_go(api, authorized):
    answer = api.post(f"/payments/{authorized.key}/capture/", {"amount": 2000, "final": True})

    assert answer.status in {201, 202}
    assert (answer.body["kind"], answer.body["amount"], answer.body["final"]) == ("capture", 2000, True)
    again = api.post(f"/payments/{authorized.key}/capture/", {"amount": 495})
    assert (again.short, again.body["left"]) == ((409, "not_enough_left"), 0)


def test_void__releases_everything(api, authorized):
    answer = api.post(f"/payments/{authorized.key}/void/", {"reason": "out of stock"})

    assert (answer.body["kind"], answer.body["amount"], answer.body["reason"]) == ("void", TOTAL, "out of stock")
    assert api.get(f"/payments/{authorized.key}/").body["moves"] == [api.get(f"/moves/{answer.body['id']}/").body]


def test_capture__of_a_payment_that_is_captured_is_a_conflict(api, pay):
    assert api.post(f"/payments/{pay().key}/capture/").short == (409, "not_enough_left")


# -- the rest


def test_cancel__ends_an_attempt(api, sim, reference):
    payment = api.started(reference)
    sim.overwrite(payment.references.get().value, isCancelable=True)

    answer = api.post(f"/payments/{payment.key}/cancel/", {"reason": "the buyer called"})

    assert (answer.status, answer.body["status"]) == (200, "canceled")
    assert api.post(f"/payments/{payment.key}/cancel/").short == (409, "command_refused")


@pytest.mark.parametrize("path", ["capture", "void", "refund"])
def test_money__moves_only_under_a_key(api, pay, path):
    answer = api.post(f"/payments/{pay().key}/{path}/", key="")
    assert (answer.short, answer.body["detail"][:16]) == ((400, "invalid"), "Idempotency-Key:")
    assert not Move.objects.exists()


def test_start__only_under_a_key(api, reference):
    answer = api.post(f"/orders/{reference}/payments/", {"account": "mollie"}, key="")
    assert (answer.short, answer.body["detail"][:16]) == ((400, "invalid"), "Idempotency-Key:")
    assert not IdempotentRequest.objects.filter(status=None).exists()


@pytest.mark.django_db(transaction=True)
def test_atomic_requests__do_not_hold_a_transaction_open(transactional_db, sim, settings):
    from django.db import connection

    from tests.api.kit import Program, person

    api = Program(person("ada"))
    before = connection.settings_dict["ATOMIC_REQUESTS"]
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        payment = api.started(api.order()["reference"])
        sim.set_status(payment.references.get().value, "paid", webhook=False)
        from django_payflow import flow

        flow.confirm(payment_id=payment.pk, source="poll")
        assert api.post(f"/payments/{payment.key}/refund/", {"amount": 500}).status == 202
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = before
