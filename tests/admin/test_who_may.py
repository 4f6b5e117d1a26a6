"""Every command: who may give it, when its state allows it, and what a browser may not smuggle in."""

from __future__ import annotations

import uuid

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connections
from django.test import Client
from django.urls import resolve

from django_payflow.models import (
    Case,
    Move,
    Payment,
    get_order_model,
)
from tests.admin.conftest import MONEY, address, refund_of, words
from tests.admin.test_operations import books
from tests.admin.urls import desk

pytestmark = pytest.mark.urls("tests.admin.urls")

COMMANDS = [
    (model, operation)
    for model, admin in desk._registry.items()
    for operation in sorted(getattr(admin, "operations", ()), key=lambda one: one.name)
]
FILLED = {
    "amount": "1.00",
    "reason": "because",
    "reference": "BANK 17",
    "booked_on": "2026-03-01",
    "key": "6f2d2c0e-5a7f-4a4e-9f3b-0c6f6b0e9d11",
}
"""Something for every field of every form."""


def needed(model, operation):
    """The permissions of which one is enough."""
    return operation.permissions or (f"{model._meta.app_label}.change_{model._meta.model_name}",)


def rows():
    """One row of each model that has commands."""
    return {model: model._default_manager.latest("pk") for model, _ in COMMANDS}


@pytest.fixture
def everything(given_up):
    """A row of every kind: a paid order with a given up step, a refund of it, a case, a delivery."""
    refund_of(given_up.payment, 1000)
    return given_up


@pytest.fixture
def staff(db):
    """Make a member of staff with exactly these permissions, and return her browser."""

    def make(permissions, name="paul", **client):
        user, _ = User.objects.get_or_create(username=name, is_staff=True)
        names = [permission.partition(".")[2] for permission in permissions]
        user.user_permissions.set(Permission.objects.filter(codename__in=names))
        browser = Client(**client)
        browser.force_login(user)
        return browser

    return make


def test_commands__are_these():
    """A new one belongs into the tests below: it is there by itself, but somebody should know."""
    found = {
        f"{model._meta.model_name if model is not get_order_model() else 'order'}.{o.name}" for model, o in COMMANDS
    }
    assert found == {
        "order.cancel", "order.expire", "order.complete",
        "payment.ask", "payment.cancel", "payment.capture", "payment.void", "payment.refund",
        "payment.accept", "payment.write-off", "payment.record-refund", "payment.record-chargeback",
        "move.approve", "move.deny", "move.confirm", "move.refute", "move.win", "move.look",
        "case.close", "case.deliver", "fulfilment.retry", "webhookdelivery.replay",
    }  # fmt: skip


def test_commands__that_move_or_judge_money_need_more_than_change():
    own = {operation.name: set(operation.permissions) for _, operation in COMMANDS if operation.permissions}
    judge = {"payflow.judge_payment"}

    assert own == {
        "capture": {"payflow.capture_payment"},
        "void": {"payflow.capture_payment"},
        "refund": {"payflow.refund_payment"},
        "approve": {"payflow.approve_move"},
        "deny": {"payflow.approve_move", "payflow.refund_payment"},
        **dict.fromkeys(
            ["accept", "write-off", "record-refund", "record-chargeback", "confirm", "refute", "win"], judge
        ),
    }


@pytest.mark.attack(40)
def test_attack_40__without_its_permission_a_command_is_refused_whatever_else_one_may(everything, staff):
    found, calls = rows(), len(everything.sim.calls())
    usual = {f"{m._meta.app_label}.{verb}_{m._meta.model_name}" for m, _ in COMMANDS for verb in ("view", "change")}
    everyone = usual | {f"payflow.{name}" for name in MONEY}
    before = books()

    for model, operation in COMMANDS:
        browser = staff(everyone - set(needed(model, operation)))
        url = address(found[model], operation.name)
        assert (browser.get(url).status_code, browser.post(url, FILLED).status_code) == (403, 403), operation.name
        assert url not in browser.get(address(found[model])).content.decode()
        assert url not in browser.get(address(everything.order)).content.decode()

    assert (books(), len(everything.sim.calls())) == (before, calls)


def test_commands__with_one_of_its_permissions_the_page_opens(everything, staff):
    found = rows()
    for model, operation in COMMANDS:
        for permission in needed(model, operation):
            assert staff({permission}).get(address(found[model], operation.name)).status_code == 200, operation.name


@pytest.mark.attack(40)
def test_attack_40__customers_and_strangers_are_sent_to_the_login(everything):
    customer = Client()
    customer.force_login(User.objects.create_user("ada", is_staff=False))
    found, before = rows(), books()

    for model, operation in COMMANDS:
        for browser in (customer, Client()):
            answer = browser.post(address(found[model], operation.name), FILLED)
            assert (answer.status_code, "/login/" in answer["Location"]) == (302, True)

    assert books() == before


@pytest.mark.attack(34)
def test_attack_34__a_post_from_another_site_is_refused(everything, person):
    browser = person("view", "change", also=MONEY, enforce_csrf_checks=True)
    found, before = rows(), books()

    for model, operation in COMMANDS:
        assert browser.post(address(found[model], operation.name), FILLED).status_code == 403

    assert books() == before


WRONG = {
    Payment: {"capture", "void", "cancel", "accept", "write-off", "record-refund", "record-chargeback"},
    Move: {"approve", "deny", "win", "look"},
    Case: {"close", "deliver"},
    get_order_model(): {"expire", "complete"},
}
"""What the state of each row in the story does not allow."""


def test_wrong_state__a_page_says_why_and_a_post_does_nothing(everything, treasurer):
    Case.objects.exclude(kind="fulfilment").delete()
    found = rows()
    before, calls = books(), len(everything.sim.calls())

    for model, operation in COMMANDS:
        if operation.name not in WRONG.get(model, ()):
            continue
        url = address(found[model], operation.name)
        assert url not in treasurer.get(address(found[model])).content.decode(), operation.name
        page = treasurer.get(url)
        assert (page.status_code, "errornote" in page.content.decode()) == (200, True)
        assert 'method="post"' not in page.content.decode().partition('id="content-main"')[2], operation.name
        done = treasurer.post(url, FILLED, follow=True)
        assert '<li class="error">Not done: ' in done.content.decode(), operation.name

    assert (books(), len(everything.sim.calls())) == (before, calls)


@pytest.mark.parametrize(("status", "name"), [("canceled", "cancel"), ("pending", "complete")])
def test_wrong_state__of_an_order(everything, operator, status, name):
    get_order_model().objects.update(status=status)

    page = operator.post(address(everything.order, name), FILLED, follow=True)

    assert '<li class="error">Not done: ' in page.content.decode()
    assert everything.now().status == status


def test_wrong_state__nothing_is_refunded_before_it_is_paid(story, treasurer):
    story.start()

    assert "Nothing can be refunded now: the payment is pending." in words(
        treasurer.get(address(story.payment, "refund"))
    )
    page = treasurer.post(address(story.payment, "refund"), FILLED, follow=True)

    assert "Not done: not enough left" in words(page)
    assert (Move.objects.count(), story.sim.calls("refund")) == (0, [])


def test_every_form__is_filled_by_the_words_above(everything):
    """Else the posts above would be refused for what they lack."""
    for _, operation in COMMANDS:
        if operation.form:
            assert set(operation.form.base_fields) - {"final"} <= set(FILLED)


# --- what a browser may not smuggle in

FORGED = {
    "status": "succeeded", "amount_text": "1", "captured": "1", "refunded": "0", "currency": "JPY", "version": "0",
    "actor": "eve", "payment_id": "999", "move_id": "999", "origin": "provider", "awaits_approval": "", "policy": "x",
    "payment": "999", "order": "999", "approved_by": "eve", "lines": "[]", "due_at": "2020-01-01", "_save": "Save",
}  # fmt: skip


@pytest.mark.attack(41)
def test_attack_41__an_operation_takes_only_what_its_form_asks_for(paid, treasurer):
    said = {**FORGED, "amount": "10.00", "reason": "broken", "key": str(uuid.uuid4())}

    assert treasurer.post(address(paid.payment, "refund"), said).status_code == 303

    move = Move.objects.get()
    assert (move.amount, move.currency, move.actor, move.origin, move.policy) == (1000, "EUR", "grace", "shop", "")
    assert (move.payment_id, move.approved_by, move.status) == (paid.payment.pk, "", "pending")
    assert (paid.payment.captured, paid.payment.refunded) == (2495, 0)


@pytest.mark.attack(41)
def test_attack_41__an_approval_takes_nothing_but_the_press_of_the_button(paid, second, shop_setting):
    shop_setting(REFUND_APPROVAL_ABOVE={"EUR": 500})
    move = refund_of(paid.payment, 1000)

    second.post(address(move, "approve"), {**FORGED, "amount": "24.95"})

    assert (Move.objects.get().amount, Move.objects.get().approved_by) == (1000, "hedy")


@pytest.mark.attack(41)
def test_attack_41__the_change_form_of_a_move_takes_nothing(everything):
    root = Client()
    root.force_login(User.objects.create_superuser("root"))
    before = books()

    assert root.post(address(Move.objects.get()), {**FORGED, "amount": "1"}).status_code == 403
    assert root.post(address(Move.objects.get(), "delete"), {"post": "yes"}).status_code == 403
    assert root.post(address(Move(), "add"), FORGED).status_code == 403

    assert books() == before


# --- methods, rows, transactions


def test_every_command__knows_its_rows_and_its_methods(everything, treasurer):
    for model, row in rows().items():
        names = [operation.name for one, operation in COMMANDS if one is model]
        assert [treasurer.delete(address(row, name)).status_code for name in names] == [405] * len(names)
        row.pk = 10**6
        for name in names:
            assert treasurer.get(address(row, name)).status_code == 404
            assert treasurer.post(address(row, name), FILLED).status_code == 404


@pytest.mark.gauntlet("G16")
def test_every_command__is_outside_of_request_transactions(db):
    for model, operation in COMMANDS:
        view = resolve(address(model(pk=1), operation.name)).func
        assert view._non_atomic_requests == set(connections)


@pytest.mark.gauntlet("G16")
def test_refund__works_with_atomic_requests(paid, treasurer, monkeypatch):
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)

    answer = treasurer.post(address(paid.payment, "refund"), FILLED)

    assert (answer.status_code, Move.objects.get().status) == (303, "pending")
