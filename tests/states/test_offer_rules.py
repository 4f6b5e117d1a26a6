"""Two attempts for one order: the table of the specification, typed in a second time, and every row of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import product

import pytest

from django_payflow.states import Facts, OfferStep, PaymentStatus, offer_step

P, S = PaymentStatus, OfferStep
DAY = timedelta(hours=24)

AGES = (timedelta(0), timedelta(hours=23, minutes=59), DAY, timedelta(days=30))
OVERRIDES = (DAY, timedelta(hours=1), timedelta(0), None)


def expected_step(
    offer: Facts, *, same_way: bool, confirmed: bool, age: timedelta, override_after: timedelta | None
) -> OfferStep:
    """The table, from top to bottom; what is held or has money comes first, because it is refused whatever else."""
    if offer.status in {P.FAILED, P.CANCELED, P.EXPIRED}:
        return S.NEW_ATTEMPT  # it is no offer any more
    if offer.held or offer.status in {P.AUTHORIZED, P.PAID, P.CONFLICTED}:
        return S.REFUSE
    if offer.status is P.CREATED:
        return S.FINISH_CREATE
    if offer.status is P.PENDING:
        return S.SAME_URL if same_way else S.END_FIRST
    if offer.push:
        return S.END_FIRST
    waited = override_after is not None and age >= override_after
    return S.SUPERSEDE if waited and confirmed else S.REFUSE_BANK


def every_question() -> Iterator[tuple[Facts, dict]]:
    yes_no = (False, True)
    for status, held, push, same_way, confirmed, age, override in product(
        P, yes_no, yes_no, yes_no, yes_no, AGES, OVERRIDES
    ):
        offer = Facts(expected=100, currency="EUR", status=status, held=held, push=push)
        yield offer, {"same_way": same_way, "confirmed": confirmed, "age": age, "override_after": override}


def test_offer_step__answers_every_question_as_the_table_says():
    wrong = [(o, q) for o, q in every_question() if offer_step(o, **q) is not expected_step(o, **q)]
    assert wrong == []


def test_offer_step__uses_every_step():
    assert {offer_step(offer, **question) for offer, question in every_question()} == set(S)


def test_offer_step__never_starts_beside_money_or_a_question_about_money():
    beginnings = {S.NEW_ATTEMPT, S.SUPERSEDE}
    for offer, question in every_question():
        if offer_step(offer, **question) in beginnings:
            assert offer.status in {P.FAILED, P.CANCELED, P.EXPIRED, P.PROCESSING}
            assert not (offer.held and offer.status is P.PROCESSING)


@pytest.mark.parametrize(
    ("said", "step"),
    [
        ({}, S.REFUSE_BANK),
        ({"confirmed": True}, S.REFUSE_BANK),
        ({"age": DAY}, S.REFUSE_BANK),
        ({"confirmed": True, "age": DAY - timedelta(seconds=1)}, S.REFUSE_BANK),
        ({"confirmed": True, "age": DAY}, S.SUPERSEDE),
        ({"confirmed": True, "age": 30 * DAY, "override_after": None}, S.REFUSE_BANK),
    ],
)
def test_processing_at_the_bank__may_be_overridden_after_a_day_and_only_if_the_buyer_says_so(said, step):
    offer = Facts(expected=100, currency="EUR", status=P.PROCESSING)
    assert offer_step(offer, same_way=True, **said) is step


def test_processing_at_the_bank__may_be_overridden_at_once_where_the_shop_says_so():
    offer = Facts(expected=100, currency="EUR", status=P.PROCESSING)
    assert offer_step(offer, same_way=True, confirmed=True, override_after=timedelta(0)) is S.SUPERSEDE
