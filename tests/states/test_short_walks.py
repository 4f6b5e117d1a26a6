"""The enumerations of the payment and order rules in small: a blunt mistake shows within a second."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice, product

from tests.states import test_order_rules as orders
from tests.states import test_payment_rules as payments
from tests.states.worlds import ALL, NEW_ROW, PART, reachable_rows, usual_shapes


def broken_rules(found: payments.Walk) -> dict[str, list[str]]:
    return {name: cases for name, cases in found.broken.items() if cases}


def test_read_report__twice_in_the_usual_shapes():
    found = payments.walk(reachable_rows(usual_shapes(), 1), usual_shapes())
    assert found.steps > 300
    assert broken_rules(found) == {}


def test_read_report__on_rows_where_less_was_let_go_or_accepted():
    start = [replace(NEW_ROW, let_go=PART), replace(NEW_ROW, accepted=PART), replace(NEW_ROW, let_go=ALL)]
    found = payments.walk(reachable_rows(usual_shapes(), 1, start=start)[::3], usual_shapes())
    assert found.steps > 300
    assert broken_rules(found) == {}


def test_recompute__of_an_order_with_no_payment_or_one():
    wrong = []
    singles = [attempts for attempts in islice(orders.every_set_of_payments(), 200) if len(attempts) < 2]
    assert len(singles) > 30
    for attempts, status, (blocked, late, canceled) in product(singles, orders.O, orders.FLAGS):
        case = orders.decide(status, attempts, blocked=blocked, past_deadline=late, canceled=canceled)
        wrong += [(name, case) for name, holds in orders.INVARIANTS.items() if not holds(case)]
    assert wrong == []
