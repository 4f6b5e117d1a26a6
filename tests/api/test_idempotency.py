"""The same request twice: one effect, one answer. Keys belong to the one who sends them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.fernet import Fernet

from django_payflow import clock, flow
from django_payflow.api.idempotency import move_key
from django_payflow.exceptions import CommandRefused
from django_payflow.models import IdempotentRequest, Move, Payment, get_order_model
from tests.api.kit import NEW_ORDER, Program, person

REFUND = {"amount": 500, "reason": "a broken pot"}


def refunds_at_the_bank(sim) -> int:
    return sum(len(payment["_embedded"]["refunds"]) for payment in sim.payments())


@pytest.mark.gauntlet("G7")
def test_repeat__brings_the_stored_answer_and_no_second_refund(api, pay, sim):
    payment = pay()
    path = f"/payments/{payment.key}/refund/"
    first = api.post(path, REFUND, key="k1")
    again = api.post(path, {"reason": "a broken pot", "amount": 500}, key="k1")  # the order of names means nothing

    assert (first.status, again.status) == (202, 202)
    assert (again.body, first.replayed, again.replayed) == (first.body, False, True)
    assert len(sim.calls("refund")) == 1
    assert Move.objects.get().key == move_key(f"user:{api.user.pk}", "k1", payment)


@pytest.mark.attack(42)
def test_repeat__with_another_body_or_address_is_refused(api, pay):
    payment = pay()
    api.post(f"/payments/{payment.key}/refund/", REFUND, key="k1")

    for path, body in {
        f"/payments/{payment.key}/refund/": {**REFUND, "amount": 501},
        f"/payments/{payment.key}/capture/": REFUND,
        f"/orders/{payment.order.reference}/cancel/": REFUND,
    }.items():
        assert api.post(path, body, key="k1").short == (422, "idempotency_key_reused")
    assert Move.objects.count() == 1


@pytest.mark.attack(42)
def test_key__of_somebody_else_is_another_key(api, pay):
    payment = pay()
    path = f"/payments/{payment.key}/refund/"
    first = api.post(path, REFUND, key="k1")
    other = Program(person("bob")).post(path, REFUND, key="k1")

    assert (other.status, other.replayed) == (202, False)
    assert other.body["id"] != first.body["id"]
    assert Move.objects.count() == 2


def test_key__with_other_capitals_is_another_one(api):
    first = api.post("/orders/", NEW_ORDER, key="key")
    other = api.post("/orders/", NEW_ORDER, key="KEY")
    assert other.short == (422, "idempotency_key_reused") if other.status == 422 else other.body != first.body


@pytest.mark.parametrize("key", ["a b", "k" * 256, "ключ", "a\tb"], ids=["space", "long", "cyrillic", "tab"])
def test_key__that_cannot_be_kept_is_refused(api, key):
    answer = api.post("/orders/", NEW_ORDER, key=key.encode().decode("latin-1"))
    assert (answer.short, answer.body["detail"][:16]) == ((400, "invalid"), "Idempotency-Key:")
    assert not IdempotentRequest.objects.exists()


def test_order__under_a_key_is_made_once_and_without_one_each_time(api):
    first, again = [api.post("/orders/", NEW_ORDER, key="k1") for _ in range(2)]
    assert (again.body, again.replayed) == (first.body, True)
    assert get_order_model().objects.count() == 1
    api.post("/orders/", NEW_ORDER, key="")
    api.post("/orders/", NEW_ORDER, key="")
    assert get_order_model().objects.count() == 3


def test_bad_request__is_answered_the_same_again(api):
    first, again = [api.post("/orders/", {}, key="k1") for _ in range(2)]
    assert first.short == (400, "invalid")
    assert (again.body, again.replayed) == (first.body, True)


TEMPORARY = ["not possible now", "not found", "a bug", "no database"]


@pytest.mark.parametrize("trouble", TEMPORARY)
def test_trouble__is_not_kept_and_the_same_key_works_later(api, pay, monkeypatch, trouble):
    from django.db import OperationalError
    from django.http import Http404

    payment = pay()
    path = f"/payments/{payment.key}/refund/"
    errors = {
        "not possible now": CommandRefused("try again"),
        "not found": Http404(),
        "a bug": ZeroDivisionError(),
        "no database": OperationalError("gone"),
    }

    def fail(**kwargs):
        raise errors[trouble]

    with monkeypatch.context() as patch:
        patch.setattr(flow, "refund", fail)
        if trouble == "a bug":
            with pytest.raises(ZeroDivisionError):
                api.post(path, REFUND, key="k1")
        else:
            assert api.post(path, REFUND, key="k1").status in {404, 409, 503}

    assert api.post(path, {"amount": 1}, key="k1").short == (422, "idempotency_key_reused")
    later = api.post(path, REFUND, key="k1")
    assert (later.status, later.replayed) == (202, False)


def test_permission__withdrawn_meanwhile_gives_no_stored_answer(api, pay):
    path = f"/payments/{pay().key}/refund/"
    assert api.post(path, REFUND, key="k1").status == 202
    api.user.user_permissions.clear()
    assert api.post(path, REFUND, key="k1").short == (403, "permission_denied")


@pytest.mark.attack(44)
def test_stored_answer__that_no_key_opens_is_an_error_and_no_second_refund(api, pay, settings):
    """The encryption key was taken away: the answer cannot be told again, and nothing is done again."""
    path = f"/payments/{pay().key}/refund/"
    settings.PAYFLOW = {**settings.PAYFLOW, "ENCRYPTION_KEYS": {"old": Fernet.generate_key().decode()}}
    assert api.post(path, REFUND, key="k1").status == 202
    settings.PAYFLOW = {**settings.PAYFLOW, "ENCRYPTION_KEYS": {}}

    assert api.post(path, REFUND, key="k1").short == (500, "configuration")
    assert Move.objects.count() == 1


# -- while another worker has it


def first_try(api, payment):
    """Another worker took the request and has not answered."""
    api.post(f"/payments/{payment.key}/refund/", REFUND, key="k1")
    row = IdempotentRequest.objects.get(key="k1")
    row.status, row.answer, row.lease_until = None, None, clock.now() + timedelta(seconds=60)
    row.save()
    return row


def test_in_progress__is_a_conflict_that_says_when_to_ask_again(api, pay):
    payment = pay()
    first_try(api, payment)
    answer = api.post(f"/payments/{payment.key}/refund/", REFUND, key="k1")
    assert (answer.short, answer.headers["Retry-After"]) == ((409, "in_progress"), "5")


def test_in_progress__with_another_body_is_refused_at_once(api, pay):
    payment = pay()
    first_try(api, payment)
    answer = api.post(f"/payments/{payment.key}/refund/", {"amount": 1}, key="k1")
    assert answer.short == (422, "idempotency_key_reused")


@pytest.mark.gauntlet("G7")
def test_dead_worker__after_its_lease_the_request_is_worked_on_again_without_a_second_refund(api, pay, sim):
    payment = pay()
    first_try(api, payment)
    sim.advance(61)

    answer = api.post(f"/payments/{payment.key}/refund/", REFUND, key="k1")

    assert (answer.status, answer.replayed) == (202, False)
    assert answer.body["id"] == Move.objects.get().key
    assert (len(sim.calls("refund")), refunds_at_the_bank(sim)) == (1, 1)
    assert api.post(f"/payments/{payment.key}/refund/", REFUND, key="k1").replayed


def test_dead_worker__before_the_provider_heard_of_it_refunds_once(api, pay, sim, monkeypatch):
    """It died between the intent and the call: the repeated request finds the move and carries it out."""
    payment = pay()
    path = f"/payments/{payment.key}/refund/"
    with monkeypatch.context() as patch:
        patch.setattr("django_payflow.flow.money.carry_out", _die)
        with pytest.raises(_Killed):
            api.post(path, REFUND, key="k1")
    assert (Move.objects.get().status, len(sim.calls("refund"))) == ("submitting", 0)

    assert api.post(path, REFUND, key="k1").status == 202
    assert (Move.objects.count(), refunds_at_the_bank(sim)) == (1, 1)


class _Killed(BaseException):
    pass


def _die(**kwargs):
    raise _Killed


def test_slow_worker__that_was_overtaken_creates_no_second_order(api, sim, monkeypatch):
    """It comes back after its lease, when another one has created the order: its own is rolled back."""
    from django_payflow.api.views import PayflowOrderViewSet

    create_order, turns = PayflowOrderViewSet.create_order, []

    def slowly(self, values):
        order = create_order(self, values)
        if not turns:
            turns.append(1)
            sim.advance(61)
            assert IdempotentRequest.objects.filter(status=None).update(lease_until=None) == 1
        return order

    monkeypatch.setattr(PayflowOrderViewSet, "create_order", slowly)
    assert api.post("/orders/", NEW_ORDER, key="k1").short == (409, "in_progress")
    assert get_order_model().objects.count() == 0
    assert api.post("/orders/", NEW_ORDER, key="k1").status == 201
    assert get_order_model().objects.count() == 1


def test_start__after_a_dead_worker_gives_the_same_offer(api, sim):
    reference = api.order()["reference"]
    path = f"/orders/{reference}/payments/"
    first = api.post(path, {"account": "mollie"}, key="k1")
    IdempotentRequest.objects.filter(key="k1").update(status=None, answer=None, lease_until=clock.now())

    again = api.post(path, {"account": "mollie"}, key="k1")

    assert (again.status, again.body, again.replayed) == (201, first.body, False)
    assert (Payment.objects.count(), len(sim.calls("create"))) == (1, 1)
