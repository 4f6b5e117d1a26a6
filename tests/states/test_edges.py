"""The smallest sums and the quietest reports: where a rule that is off by one, or forgets a flag, would show."""

from __future__ import annotations

from dataclasses import replace

from django_payflow.states import (
    Attempt,
    CaseKind,
    Doubt,
    Facts,
    OrderOutcome,
    OrderStatus,
    PaymentStatus,
    label_of,
    let_go,
    read_report,
    read_stale_report,
    recompute,
)
from tests.states.worlds import ALL, LONG, NEW_ROW, SHORT, START, report_of

# --- orders

AUTHORIZED, PAID = PaymentStatus.AUTHORIZED, PaymentStatus.PAID


def order_of(*attempts: Attempt) -> OrderOutcome:
    return recompute(OrderStatus.PENDING, 100, attempts)


def test_accepted_authorization__secures_nothing_where_only_captured_money_does():
    row = Facts(expected=100, currency="EUR", status=AUTHORIZED, capturable=40, accepted=40)
    assert order_of(Attempt(id=1, facts=row)).settles == 1
    assert order_of(Attempt(id=1, facts=row, secured_by_authorization=False)).settles is None


def test_rest_after_a_chargeback__holds_the_order_also_where_only_captured_money_secures():
    row = Facts(expected=100, currency="EUR", status=PAID, captured=100, charged_back=40)
    found = order_of(Attempt(id=1, facts=row, secured_by_authorization=False))
    assert (found.status, found.unsettled) == (OrderStatus.ON_HOLD, {1})


def test_one_cent_left__is_surplus_and_none_is_not():
    whole = Facts(expected=100, currency="EUR", status=PAID, captured=100)
    cent = Facts(expected=100, currency="EUR", status=PAID, captured=100, refunded=99)
    none = Facts(expected=100, currency="EUR", status=PAID, captured=100, refunded=100)
    assert order_of(Attempt(id=1, facts=whole), Attempt(id=2, facts=cent)).surplus == {2}
    assert order_of(Attempt(id=1, facts=whole), Attempt(id=2, facts=none)).surplus == frozenset()


def test_released__is_not_what_never_cost_anything():
    assert not Facts(expected=0, currency="EUR").released
    assert Facts(expected=1, currency="EUR", let_go=1).released


def test_one_cent_withdrawn__stops_an_order_and_a_free_one_goes_on_without_a_case():
    cent = Facts(expected=100, currency="EUR", status=PAID, captured=100, charged_back=1)
    assert order_of(Attempt(id=1, facts=cent)).settles is None
    two = replace(cent, expected=1, captured=2)
    dearer, free = (recompute(OrderStatus.PENDING, total, [Attempt(id=1, facts=two)]) for total in (1, 0))
    assert (dearer.status, dearer.unsettled) == (OrderStatus.ON_HOLD, {1})
    assert (free.status, free.unsettled) == (OrderStatus.PROCESSING, frozenset())


def test_one_cent__settles_an_order_of_one_cent():
    cent = Facts(expected=1, currency="EUR", status=PAID, captured=1)
    assert recompute(OrderStatus.PENDING, 1, [Attempt(id=1, facts=cent)]).settles == 1


def test_part_that_is_authorized__secures_nothing_unless_it_waits_to_be_captured():
    part = Facts(expected=100, currency="EUR", status=AUTHORIZED, capturable=40)
    waits = Attempt(id=1, facts=part, secured_by_authorization=False)
    assert (order_of(Attempt(id=1, facts=part)).status, order_of(waits).status) == ("on_hold", "pending")
    assert (order_of(Attempt(id=1, facts=part)).unsettled, order_of(waits).unsettled) == ({1}, frozenset())


# --- payments


def test_one_cent__in_another_currency_is_money():
    new = read_report(NEW_ROW, report_of(captured=1, currency="USD"), now=START).facts
    assert (new.doubt, new.observed_amount, new.observed_currency) == (Doubt.CURRENCY, 1, "USD")


def test_silence_about_captured__is_no_money():
    assert read_report(NEW_ROW, report_of(captured=None, capturable=None), now=START).facts.money == 0


def test_review__is_what_the_last_report_says():
    held = read_report(NEW_ROW, report_of(capturable=ALL, held=True), now=START).facts
    assert held.held
    assert not read_report(held, report_of(capturable=ALL), now=START).facts.held


def test_vanished__is_not_ended_by_silence():
    paid = read_report(NEW_ROW, report_of(captured=ALL), now=START).facts
    missed = read_report(paid, report_of(captured=0), now=START + LONG).facts
    vanished = read_report(missed, report_of(captured=0), now=START + 2 * LONG).facts
    assert vanished.doubt is Doubt.VANISHED
    silent = read_report(vanished, report_of(captured=None), now=START + 3 * LONG).facts
    assert (silent.doubt, silent.captured) == (Doubt.VANISHED, ALL)


def test_command__on_a_row_of_which_nothing_was_read_leaves_its_status():
    row = replace(NEW_ROW, status=PaymentStatus.CREATED)
    assert let_go(row, 10).facts.status is PaymentStatus.CREATED


def test_second_look__is_wanted_after_the_first_miss_alone():
    paid = read_report(NEW_ROW, report_of(captured=ALL), now=START)
    first = read_report(paid.facts, report_of(captured=0), now=START + SHORT)
    same = read_report(first.facts, report_of(captured=0), now=START + SHORT)
    later = read_report(first.facts, report_of(captured=0), now=START + LONG)
    assert first.look_again_at is not None
    assert (paid.look_again_at, same.look_again_at, later.look_again_at) == (None, None, None)


def test_stale_report__adds_one_cent_and_never_none():
    one = read_stale_report(replace(NEW_ROW, capturable=ALL), report_of(captured=1))
    assert (one.facts.captured, one.facts.capturable) == (1, ALL - 1)
    assert read_stale_report(one.facts, report_of(captured=1)).facts == one.facts
    assert read_stale_report(one.facts, report_of(captured=None)).facts == one.facts


def test_stale_report__of_too_much_money_is_doubted_and_reopens_what_was_written_off():
    row = replace(NEW_ROW, status=PaymentStatus.CONFLICTED, captured=1, doubt=Doubt.AMOUNT, asked_wrong=True)
    more = read_stale_report(replace(row, written_off_at=START), report_of(captured=ALL + 1))
    assert (more.facts.doubt, more.facts.status) == (Doubt.AMOUNT, PaymentStatus.CONFLICTED)
    assert (more.facts.written_off_at, more.facts.asked_wrong) == (None, False)
    fresh = replace(NEW_ROW, status=PaymentStatus.PAID, captured=ALL, ever_paid=True)
    assert read_stale_report(fresh, report_of(captured=ALL + 1)).facts.doubt is Doubt.AMOUNT


def test_stale_report__that_makes_the_sum_right_closes_what_asked_for_it():
    short = read_report(NEW_ROW, report_of(captured=ALL - 1), now=START)
    right = read_stale_report(short.facts, report_of(captured=ALL))
    assert (short.opens, right.facts.status) == ({CaseKind.MISMATCH}, PaymentStatus.PAID)
    assert CaseKind.MISMATCH in right.closes


def test_one_cent__is_refunded_fully_and_is_no_release():
    cent = Facts(expected=1, currency="EUR", status=PAID, captured=1, refunded=1)
    assert cent.fully_refunded
    assert not replace(cent, refunded=0, let_go=1).released
    assert label_of(replace(cent, expected=2, refunded=0, capturable=1)) == "partly captured"
