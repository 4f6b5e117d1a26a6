"""Cases from the desk: say that one is dealt with, deliver for late money, go where the advice leads."""

from __future__ import annotations

import re

import pytest

from django_payflow.admin.cases import ADVISED
from django_payflow.admin.payment_operations import PAYMENT_OPERATIONS
from django_payflow.models import Case, PaymentEvent
from django_payflow.states import CASE_ADVICE, CaseKind
from tests.admin.conftest import address, again, command, open_case, words

pytestmark = pytest.mark.urls("tests.admin.urls")


def given():
    event = PaymentEvent.objects.filter(kind="command", source="operator").latest("pk")
    return event.summary, event.actor


def test_close__by_saying_why(paid, operator):
    case = open_case(paid)
    assert "The case “surplus” counts as dealt with." in words(operator.get(address(case, "close")))

    refused = command(operator, case, "close", reason="")
    page = command(operator, case, "close", reason="the customer keeps it")
    twice = operator.post(address(case, "close"), {"reason": "again"}, follow=True)

    assert "This field is required" in words(refused)
    assert "The case was closed." in words(page)
    assert "Not done: this case is closed already." in words(twice)
    case = again(case)
    assert (case.is_open, case.resolved_by, case.resolution) == (False, "grace", "grace: the customer keeps it")
    assert given() == ("case closed: surplus: the customer keeps it", "grace")


def test_close__of_a_blocking_case_lets_the_order_go_on(given_up, operator):
    case = open_case(given_up, "chargeback")

    assert "It holds its order up no more" in words(operator.get(address(case, "close")))


def test_close__is_not_possible_where_only_the_answer_ends_it(late, operator):
    case = Case.objects.open().get()
    assert case.kind == "late_money"

    assert "This case ends when its question is answered." in words(operator.get(address(case, "close")))
    page = operator.post(address(case, "close"), {"reason": "so what"}, follow=True)

    assert "Not done: this case ends when its question is answered." in words(page)
    assert again(case).is_open


def test_deliver__lets_the_order_go_on(late, operator):
    case = Case.objects.open().get()
    assert late.now().status == "on_hold"
    told = words(operator.get(address(case, "deliver")))
    assert f"Order {late.order.reference} goes on as if its money had come in time" in told

    page = command(operator, case, "deliver", reason="it was a bank holiday")
    twice = operator.post(address(case, "deliver"), {"reason": "again"}, follow=True)

    assert "The order goes on." in words(page)
    assert "Not done: there is no late money on this payment." in words(twice)
    late.work()
    assert (late.now().status, again(case).is_open) == ("completed", False)
    assert given() == ("delivered although late: it was a bank holiday", "grace")


def test_deliver__is_for_late_money_only(paid, operator):
    case = open_case(paid)

    assert "Only late money can be delivered for." in words(operator.get(address(case, "deliver")))
    page = operator.post(address(case, "deliver"), {"reason": "please"}, follow=True)

    assert "Not done: there is no late money on this payment." in words(page)


def test_deliver__without_a_payment_is_refused(db, operator):
    case = Case.objects.create(kind="late_money", open_key="late_money:x")

    page = operator.post(address(case, "deliver"), {"reason": "please"}, follow=True)

    assert "Not done: only late money can be delivered for." in words(page)


def test_case_page__leads_to_what_the_advice_speaks_of(late, treasurer):
    page = treasurer.get(address(Case.objects.open().get())).content.decode()

    assert f'href="{address(late.payment, "refund")}"' in page
    assert address(late.payment, "ask") not in page
    assert address(late.payment, "void") not in page  # nothing is authorized


def test_case_page__offers_only_what_the_person_may_do(late, operator):
    page = operator.get(address(Case.objects.open().get()))

    assert address(late.payment, "refund") not in page.content.decode()
    assert "The advice names no command that is possible now, or you may give none." in words(page)


WORDS = {
    "refund": "refund",
    "void": "void",
    "accept": "accept",
    "write-off": "write (it|the payment) off",
    "capture": "capture",
}


@pytest.mark.parametrize("kind", CaseKind)
def test_advice__and_its_links_speak_of_the_same(kind):
    """``ask`` stands where the advice sends people to the provider's own pages."""
    known = {operation.name for operation in PAYMENT_OPERATIONS}
    named = {name for name, word in WORDS.items() if re.search(rf"\b{word}\b", CASE_ADVICE[kind], re.IGNORECASE)}
    linked = set(ADVISED.get(kind, ())) - {"ask"}

    assert set(ADVISED.get(kind, ())) <= known
    if kind not in {CaseKind.MOVE, CaseKind.OVERDRAWN, CaseKind.AUTHORIZATION_LOST, CaseKind.UNSETTLED}:
        assert linked == named
    assert linked >= named - {"capture"}
