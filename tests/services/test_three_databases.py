"""The same races on PostgreSQL, SQLite and MariaDB, with ``ATOMIC_REQUESTS`` and without: one effect each.

Every test is one row of a table whose columns are the grounds of ``conftest.GROUNDS``: two web processes on one
database, sixteen connections and more.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest

from tests.services.grounds import (
    LEASE,
    TOTAL,
    Person,
    account_of_key,
    ask_api,
    wait_until_asked,
    webhook,
)
from tests.services.harness import at_once
from tests.services.shop import ONCE, UNPAID

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.gauntlet("G1")
def test_G1__the_same_webhook_a_hundred_times_is_one_payment(ground):
    order = ground.paid_at_the_bank()
    left = iter(range(100))
    webhooks = [lambda: [ground.site.webhook(order).status_code for _ in left]] * 16
    sweeps = [lambda: [ground.site.door("sweep/").status_code for _ in range(3)]] * 2

    answers = at_once([*webhooks, *sweeps])

    assert Counter(status for each in answers for status in each) == {200: 106}
    ground.ends(order)
    inbox = ground.site.database.rows(
        "SELECT hits, error FROM payflow_webhookdelivery WHERE payment_id = %s", ground.payment(order).id
    )
    assert inbox == [(100, "")]


@pytest.mark.gauntlet("G2")
def test_G2__webhook_return_and_poll_at_once_are_one_payment(ground):
    orders = [ground.paid_at_the_bank() for _ in range(4)]
    site = ground.site

    for order in orders:
        pk = ground.payment(order).id
        doors = [
            partial(site.webhook, order),
            partial(site.come_back, order),
            partial(site.door, f"confirm/{pk}/"),
            partial(site.door, "sweep/"),
        ]
        answers = at_once(doors * 4)
        assert {answer.status_code for answer in answers} == {200}

    ground.ends(*orders)


@pytest.mark.gauntlet("G3")
@pytest.mark.parametrize("stale", ["expired", "failed"])
def test_G3__an_old_answer_that_comes_after_paid_changes_nothing(ground, stale):
    """One process hears that it expired, slowly; meanwhile it was paid, and the other process is told so."""
    order = ground.started()
    payment, site = ground.payment(order), ground.site
    ground.bank.set(payment.reference, stale, webhook=False)
    ground.bank.fault("get", "slow", seconds=1.5, times=1, payment=payment.reference)

    with ThreadPoolExecutor(1) as first:
        late = first.submit(site.door, f"confirm/{payment.id}/")
        wait_until_asked(ground, payment)
        ground.bank.set(payment.reference, "paid", webhook=False)
        ground.sim.advance(LEASE)
        prompt = site.door(f"confirm/{payment.id}/").json()
        assert (prompt, late.done()) == ({"outcome": "applied"}, False)
        assert site.books(order).payments == ("paid",)

    assert late.result().json() == {"outcome": "stale"}
    assert site.books(order).payments == ("paid",)
    ground.ends(order)


@pytest.mark.gauntlet("G4")
def test_G4__money_on_an_old_attempt_beside_the_new_one_is_booked_and_flagged(ground):
    """The first attempt had expired. Both are paid, and everybody hears of both at the same moment."""
    site, order = ground.site, ground.started(method="banktransfer")
    old = ground.payment(order)
    ground.bank.set(old.reference, "expired", webhook=False)
    assert site.door(f"confirm/{old.id}/").json() == {"outcome": "applied"}
    assert site.start(order, method="ideal").status_code == 303
    new = ground.payment(order)
    ground.bank.set(new.reference, "paid", webhook=False)
    assert site.door(f"confirm/{new.id}/").json() == {"outcome": "applied"}
    ground.bank.set(old.reference, "paid", webhook=False)

    told = [partial(webhook, site, each) for each in (old, new)]
    asked = [partial(site.door, f"confirm/{each.id}/") for each in (old, new)]
    answers = at_once([*told, *asked, partial(site.door, "sweep/")] * 4)

    assert {answer.status_code for answer in answers} == {200}
    both = {"payments": ("paid", "paid"), "turned_paid": 2, "at_provider": 2, "cases": ("late_money", "surplus")}
    ground.ends(order, expected=replace(ONCE, **both))
    settling = "SELECT id, captured FROM payflow_payment WHERE order_id = %s AND settles_id IS NOT NULL"
    assert ground.site.database.rows(settling, order.id) == [(new.id, TOTAL)]
    assert ground.open_cases(order) == ["late_money", "surplus"]


# -- G7: one refund


@pytest.mark.gauntlet("G7")
def test_G7__a_double_click_of_two_people_in_two_processes_is_one_refund(ground):
    """Each clicks eight times on a page of her own, and both pages ask for everything."""
    payment, person = ground.completed(), Person(ground.site)
    pages = [person.refund_page(payment) for _ in range(2)]
    assert pages[0]["key"] != pages[1]["key"]

    answers = at_once([partial(person.press, payment, page) for page in pages * 8])

    assert {answer.status_code for answer in answers} == {303}
    ground.is_refunded_once(payment)


@pytest.mark.gauntlet("G7")
def test_G7__two_programs_with_a_key_each_and_one_without_are_one_refund(ground):
    payment = ground.completed()
    keys = ["one", "one", "another", "another", ""]

    answers = at_once([partial(ask_api, ground.site, payment, key and key + payment.key) for key in keys * 4])

    without = {answer.status_code for key, answer in zip(keys * 4, answers, strict=True) if not key}
    withkey = [answer for key, answer in zip(keys * 4, answers, strict=True) if key]
    assert without == {400}
    assert {answer.status_code for answer in withkey} <= {202, 409, 422}
    assert len({answer.json()["id"] for answer in withkey if answer.status_code == 202}) == 1
    ground.is_refunded_once(payment)


@pytest.mark.gauntlet("G7")
def test_G7__task_sweep_and_both_buttons_after_a_lost_answer_are_one_refund(ground):
    """The provider made it, and its answer never reached the books. Then everybody tries again at the same moment."""
    payment, person = ground.completed(), Person(ground.site)
    page, key = person.refund_page(payment), payment.key
    ground.lay_a_bug("move.called")
    assert person.press(payment, page).status_code == 500
    assert ground.moves(payment.order) == [("refund", TOTAL, "submitting")]
    assert len(ground.refunds_at_the_bank(payment)) == 1
    move = ground.site.database.rows("SELECT id FROM payflow_move WHERE payment_id = %s", payment.id)[0][0]
    ground.sim.advance(LEASE)

    everybody = [
        partial(ground.site.door, f"carry/{move}/"),
        partial(ground.site.door, "sweep/"),
        partial(person.press, payment, page),
        partial(ask_api, ground.site, payment, key),
    ]
    answers = at_once(everybody * 4)

    assert {answer.status_code for answer in answers} <= {200, 303, 409, 422}
    ground.is_refunded_once(payment)


# -- G17: two accounts


@pytest.mark.gauntlet("G17")
def test_G17__two_accounts_of_one_provider_in_both_processes_do_not_mix(ground):
    """Eight orders are started, paid and refunded at once, every other one at the other account."""
    site, orders = ground.site, ground.site.orders(8)
    accounts = ["north", "south"] * 4

    clicks = [partial(site.start, order, account=a) for order, a in zip(orders, accounts, strict=True)]
    started = at_once(clicks * 2)
    assert {answer.status_code for answer in started} == {303}
    payments = [ground.payment(order) for order in orders]
    for payment in payments:
        ground.bank.set(payment.reference, "paid", webhook=False)
    told = [partial(webhook, site, p, a) for p, a in zip(payments, accounts, strict=True)]
    asked = [partial(site.door, f"confirm/{payment.id}/") for payment in payments]
    assert {answer.status_code for answer in at_once(told + asked)} == {200}
    at_once([partial(site.door, f"refund/{payment.id}/", amount="500") for payment in payments])

    whose = {payment.reference: account for payment, account in zip(payments, accounts, strict=True)}
    made = {p["id"]: p["simulator"]["key"] for p in ground.bank.control("GET", "mollie/payments") if p["id"] in whose}
    assert {reference: account_of_key(key) for reference, key in made.items()} == whose
    calls = ground.calls_about(set(whose))
    assert all(account_of_key(call["key"]) == whose[call["payment"]] for call in calls)
    assert Counter(call["operation"] for call in calls)["refund"] == 8
    assert min(Counter(call["payment"] for call in calls).values()) >= 2
    for payment, account in zip(payments, accounts, strict=True):
        rows = ground.site.database.rows("SELECT account FROM payflow_payment WHERE id = %s", payment.id)
        assert rows == [(account,)]
        assert ground.refunds_at_the_bank(payment) == ["5.00"]
    ground.ends(*orders)


# -- a view that raises: what was committed stays, and is carried to its end


def test_start__raises_after_the_intent_and_the_payment_is_still_made_once(ground):
    order = ground.site.order()
    ground.lay_a_bug("checkout.intent")

    assert ground.site.start(order).status_code == 500

    assert ground.has_met_a_bug("checkout.intent")
    assert ground.site.books(order) == replace(UNPAID, payments=("created",), at_provider=0)
    assert ground.events(order, "command") == ["payment started at mollie"]
    ground.sim.advance(LEASE)
    ground.site.works_out(order, expected=UNPAID)
    page = ground.bank.payments_of(order.reference)[0]["_links"]["checkout"]["href"]
    assert ground.site.start(order).headers["Location"] == page


def test_webhook__raises_after_it_was_stored_and_is_still_worked_on(ground):
    order = ground.paid_at_the_bank()
    ground.lay_a_bug("webhook.stored")

    assert ground.site.webhook(order).status_code == 500

    assert ground.has_met_a_bug("webhook.stored")
    statement = "SELECT state, hits FROM payflow_webhookdelivery WHERE payment_id = %s"
    assert ground.site.database.rows(statement, ground.payment(order).id) == [("pending", 1)]
    ground.ends(order)


@pytest.mark.parametrize(("point", "sent"), [("move.intent", 0), ("move.called", 1)])
def test_refund__raises_in_the_api_and_is_still_made_once(ground, point, sent):
    payment = ground.completed()
    ground.lay_a_bug(point)

    assert ask_api(ground.site, payment, payment.key).status_code == 500

    assert ground.has_met_a_bug(point)
    assert ground.moves(payment.order) == [("refund", TOTAL, "submitting")]
    assert len(ground.refunds_at_the_bank(payment)) == sent
    ground.sim.advance(LEASE)
    assert ground.site.door("sweep/").status_code == 200
    assert ask_api(ground.site, payment, payment.key).status_code == 202
    ground.is_refunded_once(payment)


def test_record__of_a_call_that_failed_and_of_a_refusal_survives_the_answer(ground):
    ground.site.database.execute("DELETE FROM payflow_case WHERE kind = 'foreign_object'")
    troubled, strange = ground.site.order(), ground.started()
    ground.bank.fault("create", "5xx", times=1)

    assert ground.site.start(troubled).status_code == 303
    assert ground.site.webhook(strange, reference="tr_stranger").status_code == 404

    outcome = "SELECT data FROM payflow_paymentevent WHERE order_id = %s AND kind = 'call'"
    assert ["uncertain" in str(data) for (data,) in ground.site.database.rows(outcome, troubled.id)] == [True]
    alarms = "SELECT closed_at FROM payflow_case WHERE kind = 'foreign_object'"
    assert ground.site.database.rows(alarms) == [(None,)]


def test_own_view__that_raises_after_a_refund_has_refunded_once(ground):
    payment = ground.completed()

    assert ground.site.door(f"refund_and_raise/{payment.id}/", amount="500").status_code == 500

    assert len(ground.refunds_at_the_bank(payment)) == 1
    ground.is_refunded_once(payment, 500)


def test_own_view__inside_a_transaction_is_refused_before_anything_happens(ground):
    payment = ground.completed()
    calls = len(ground.calls_about({payment.reference}))

    answer = ground.site.door(f"careless_refund/{payment.id}/", amount="500")

    if ground.atomic:
        assert (answer.status_code, ground.moves(payment.order)) == (500, [])
        assert len(ground.calls_about({payment.reference})) == calls
    else:
        assert answer.json() == {"status": "pending"}
        ground.is_refunded_once(payment, 500)
