"""Single sentences of the specification of a payment, with their numbers; and what is known to be wrong today."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from django_payflow.messages import Phase, Report
from django_payflow.states import CaseKind, Doubt, Facts, Outcome, PaymentStatus, read_report
from tests.states.spec import cases_after
from tests.states.worlds import ALL, EXPECTED, MORE, NEW_ROW, PART, START, report_of

P, K = PaymentStatus, CaseKind


def read_all(*looks: tuple[float, Report], row: Facts = NEW_ROW) -> Outcome:
    """Read reports at these seconds, one after the other."""
    outcome = Outcome(facts=row)
    for seconds, report in looks:
        outcome = read_report(outcome.facts, report, now=START + timedelta(seconds=seconds))
    return outcome


PAID, GONE = report_of(captured=ALL), report_of(Phase.OPEN)


def test_vanished__needs_two_looks_a_minute_apart():
    first = read_all((0, PAID), (100, GONE))
    assert (first.facts.status, first.facts.captured) == (P.PAID, ALL)
    assert first.look_again_at == START + timedelta(seconds=160)

    assert read_all((0, PAID), (100, GONE), (159, GONE)).facts.status is P.PAID
    second = read_all((0, PAID), (100, GONE), (160, GONE))
    assert (second.facts.status, second.facts.doubt) == (P.CONFLICTED, Doubt.VANISHED)
    assert second.facts.captured == ALL
    assert K.MISMATCH in second.opens


def test_vanished__money_that_is_back_starts_the_count_anew():
    assert read_all((0, PAID), (100, GONE), (130, PAID), (165, GONE)).facts.status is P.PAID
    healed = read_all((0, PAID), (100, GONE), (200, GONE), (300, PAID))
    assert (healed.facts.status, healed.facts.doubt) == (P.PAID, Doubt.NONE)
    assert K.MISMATCH in healed.closes


def test_success_word__without_a_visible_amount_is_only_processing():
    assert read_all((0, report_of(Phase.PROCESSING))).facts.status is P.PROCESSING


@pytest.mark.parametrize("ours", [{"requested": "wrong"}, {"currency": "USD"}])
@pytest.mark.parametrize("phase", [Phase.OPEN, Phase.PROCESSING])
def test_wrong_request__without_money_withdraws_the_page_and_opens_a_case(phase, ours):
    outcome = read_all((0, report_of(phase, **ours)))
    assert outcome.withdraw
    assert outcome.facts.status is (P.PENDING if phase is Phase.OPEN else P.PROCESSING)
    assert K.MISMATCH in outcome.opens
    assert not read_all((0, report_of(phase, **ours)), (1, report_of(Phase.CANCELED, **ours))).withdraw


@pytest.mark.parametrize(
    ("row", "status"),
    [
        (replace(NEW_ROW, let_go=PART), P.PAID),
        (replace(NEW_ROW, accepted=EXPECTED - PART), P.PAID),
        (NEW_ROW, P.CONFLICTED),
        (replace(NEW_ROW, let_go=PART - 1), P.CONFLICTED),
        (replace(NEW_ROW, accepted=EXPECTED - PART + 1), P.CONFLICTED),
    ],
)
def test_less_than_expected__is_fine_only_if_we_let_it_go_or_an_operator_accepted_it(row, status):
    assert read_all((0, report_of(captured=EXPECTED - PART)), row=row).facts.status is status


def test_chargeback__closes_when_it_is_won_completely():
    row = read_all((0, PAID), (1, report_of(captured=ALL, charged_back=ALL))).facts
    part = read_report(row, report_of(captured=ALL, charged_back=PART), now=START)
    assert K.CHARGEBACK not in part.opens | part.closes
    won = read_report(part.facts, PAID, now=START)
    assert K.CHARGEBACK in won.closes
    assert won.facts.status is P.PAID


# --- once wrong


def test_authorization_lost__said_twice_equals_once():
    row = read_all((0, report_of(capturable=MORE))).facts
    once = read_report(row, report_of(capturable=ALL), now=START)
    twice = read_report(once.facts, report_of(capturable=ALL), now=START)
    open_once = cases_after(frozenset(), once.opens, once.closes)
    assert cases_after(open_once, twice.opens, twice.closes) == open_once


def test_authorization_lost__is_not_said_of_what_we_released_ourselves():
    row = replace(read_all((0, report_of(capturable=ALL))).facts, let_go=PART)
    outcome = read_report(row, report_of(capturable=ALL - PART), now=START)
    assert outcome.facts.status is P.AUTHORIZED
    assert K.AUTHORIZATION_LOST not in outcome.opens


def test_paid__leads_only_to_conflicted_also_when_an_old_acceptance_fits_again():
    row = replace(read_all((0, report_of(captured=PART, capturable=MORE - PART))).facts, accepted=MORE)
    row = read_all((1, report_of(captured=PART, capturable=MORE - PART)), (2, PAID), row=row).facts
    assert row.status is P.PAID
    new = read_report(row, report_of(captured=ALL, capturable=MORE - ALL), now=START).facts
    assert new.status is P.CONFLICTED
