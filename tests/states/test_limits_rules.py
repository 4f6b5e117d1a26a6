"""How much may be captured, released or refunded: every bound as a sentence of numbers."""

from __future__ import annotations

import pytest

from django_payflow.messages import MoveKind
from django_payflow.states import (
    Asked,
    Doubt,
    Facts,
    MoveStatus,
    PaymentStatus,
    capturable,
    going_back,
    must_go_back,
    refund_currency,
    refundable,
    releasable,
)

K, M, P = MoveKind, MoveStatus, PaymentStatus
BUSY = [M.REQUESTED, M.MANUAL, M.SUBMITTING, M.PENDING]
OVER = [M.FAILED, M.CANCELED, M.RETURNED]


def facts(status: P = P.PAID, **said: object) -> Facts:
    return Facts(expected=100, currency="EUR", status=status, **said)


def asked(kind: MoveKind, status: M, amount: int = 30, currency: str = "EUR", **said: object) -> Asked:
    return Asked(kind=kind, status=status, amount=amount, currency=currency, **said)


PAID = facts(captured=100)
AUTHORIZED = facts(P.AUTHORIZED, capturable=100)
FOREIGN = facts(
    P.CONFLICTED, doubt=Doubt.CURRENCY, observed_amount=70, observed_currency="USD", captured=5, capturable=0
)


def test_refund_currency__is_that_of_the_money_that_is_there():
    assert refund_currency(PAID) == "EUR"
    assert refund_currency(FOREIGN) == "USD"
    assert refund_currency(facts(P.CONFLICTED, doubt=Doubt.AMOUNT, observed_currency="USD")) == "EUR"


# --- refunds


@pytest.mark.parametrize("status", M)
def test_refundable__is_less_by_every_refund_that_has_not_come_to_nothing(status):
    assert refundable(PAID, [asked(K.REFUND, status)]) == (100 if status in OVER else 70)


def test_refundable__counts_refunds_in_its_own_currency_only():
    others = [asked(K.REFUND, M.PENDING, currency="USD"), asked(K.CAPTURE, M.PENDING), asked(K.VOID, M.SUCCEEDED)]
    assert refundable(PAID, others) == 100


def test_refundable__counts_what_the_provider_refunded_beside_our_own():
    refunded = facts(captured=100, refunded=50)
    assert refundable(refunded, []) == 50
    assert refundable(refunded, [asked(K.REFUND, M.SUCCEEDED, 50)]) == 50, "the same refund is not counted twice"
    assert refundable(refunded, [asked(K.REFUND, M.SUCCEEDED, 60)]) == 40
    assert refundable(refunded, [asked(K.REFUND, M.PENDING, 20)]) == 30


def test_refundable__is_what_was_captured_less_what_the_bank_withdrew_and_never_below_nothing():
    assert refundable(facts(captured=100, charged_back=40), []) == 60
    assert refundable(facts(captured=100, charged_back=40, refunded=70), []) == 0
    assert refundable(facts(P.AUTHORIZED, captured=40, capturable=60), []) == 40
    assert refundable(facts(captured=100, refunded=99), []) == 1


def test_refundable__of_money_in_another_currency_is_what_was_observed():
    assert refundable(FOREIGN, []) == 70
    assert refundable(FOREIGN, [asked(K.REFUND, M.SUCCEEDED, 30, "USD"), asked(K.REFUND, M.PENDING, 9)]) == 40
    assert refundable(FOREIGN, [asked(K.REFUND, M.SUCCEEDED, 80, "USD")]) == 0
    assert refundable(facts(P.CONFLICTED, doubt=Doubt.CURRENCY, observed_currency="USD"), []) == 0


# --- captures and voids


@pytest.mark.parametrize("status", P)
def test_capturable__and_releasable_need_an_authorization(status):
    row = facts(status, capturable=100)
    assert capturable(row, []) == (100 if status is P.AUTHORIZED else 0)
    assert releasable(row, []) == (100 if status in {P.AUTHORIZED, P.CONFLICTED} else 0)


@pytest.mark.parametrize("kind", K)
@pytest.mark.parametrize("status", M)
def test_capturable__and_releasable_are_nothing_while_a_capture_or_void_is_under_way(kind, status):
    busy = kind in {K.CAPTURE, K.VOID} and status in BUSY
    for bound in (capturable, releasable):
        assert bound(AUTHORIZED, [asked(kind, status)]) == (0 if busy else 100)
        assert bound(AUTHORIZED, [asked(K.REFUND, M.PENDING), asked(kind, status)]) == (0 if busy else 100)


def test_capturable__is_nothing_under_review_but_it_can_be_released():
    held = facts(P.AUTHORIZED, capturable=100, held=True)
    assert (capturable(held, []), releasable(held, [])) == (0, 100)


def test_releasable__of_money_in_another_currency_is_what_was_observed():
    assert releasable(FOREIGN, []) == 70
    assert releasable(facts(P.CONFLICTED, doubt=Doubt.CURRENCY), []) == 0


# --- what must go back, and what is on its way


@pytest.mark.parametrize(
    ("row", "must"),
    [
        (facts(P.CONFLICTED, doubt=Doubt.AMOUNT, capturable=1), True),
        (facts(P.CONFLICTED, doubt=Doubt.AMOUNT), False),
        (facts(P.CONFLICTED, doubt=Doubt.AMOUNT, captured=40), True),
        (facts(P.CONFLICTED, doubt=Doubt.AMOUNT, captured=40, refunded=39), True),
        (facts(P.CONFLICTED, doubt=Doubt.AMOUNT, captured=40, refunded=40), False),
        (facts(P.CONFLICTED, doubt=Doubt.AMOUNT, captured=40, refunded=30, charged_back=10), False),
        (facts(P.CONFLICTED, doubt=Doubt.AMOUNT, captured=40, reported_captured=0), True),
        (facts(P.CONFLICTED, doubt=Doubt.VANISHED, captured=40, reported_captured=0), False),
        (facts(P.CONFLICTED, doubt=Doubt.VANISHED, captured=40, reported_captured=1), True),
        (facts(P.CONFLICTED, doubt=Doubt.VANISHED, captured=40), True),
        (facts(P.CONFLICTED, doubt=Doubt.VANISHED, captured=40, refunded=40), False),
    ],
)
def test_must_go_back__is_asked_of_the_money_that_the_provider_still_shows(row, must):
    assert must_go_back(row, []) is must


def test_must_go_back__in_another_currency_ends_with_its_refund():
    assert must_go_back(FOREIGN, []) is True
    assert must_go_back(FOREIGN, [asked(K.REFUND, M.SUCCEEDED, 69, "USD")]) is True
    assert must_go_back(FOREIGN, [asked(K.REFUND, M.SUCCEEDED, 70, "USD")]) is False


@pytest.mark.parametrize("status", M)
def test_going_back__counts_refunds_until_the_sums_show_them(status):
    reserved = status in {*BUSY, M.SUCCEEDED}
    assert going_back(PAID, [asked(K.REFUND, status)]) == (30 if reserved else 0)
    shown = facts(captured=100, refunded=30)
    assert going_back(shown, [asked(K.REFUND, status)]) == (30 if status in BUSY else 0)


@pytest.mark.parametrize("unseen", [False, True])
@pytest.mark.parametrize("status", M)
def test_going_back__counts_voids_until_a_report_shows_them(status, unseen):
    counted = status in BUSY or (unseen and status is M.SUCCEEDED)
    assert going_back(AUTHORIZED, [asked(K.VOID, status, unseen=unseen)]) == (30 if counted else 0)


def test_going_back__adds_both_and_counts_no_more_than_can_be_released():
    row = facts(P.AUTHORIZED, captured=60, capturable=40)
    both = [asked(K.REFUND, M.PENDING, 20), asked(K.VOID, M.PENDING, 50)]
    assert going_back(row, both) == 60
    assert going_back(row, [*both, asked(K.CAPTURE, M.PENDING), asked(K.REFUND, M.PENDING, currency="USD")]) == 60
    assert going_back(row, [asked(K.VOID, M.PENDING, currency="USD")]) == 0
    assert going_back(facts(captured=100, refunded=50), [asked(K.REFUND, M.SUCCEEDED, 20)]) == 0


def test_going_back__counts_no_capture():
    assert going_back(AUTHORIZED, [asked(K.CAPTURE, M.PENDING)]) == 0


def test_asked__has_been_seen_unless_it_is_said():
    assert asked(K.VOID, M.SUCCEEDED).unseen is False
