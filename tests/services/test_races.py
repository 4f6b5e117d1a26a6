"""The same thing from several processes at the same moment: one of everything, on every database.

Two web processes share nothing but the database; the doors of the site let them sweep and fulfil at a barrier.
"""

from __future__ import annotations

from collections import Counter
from functools import partial

import pytest

from tests.services.harness import at_once
from tests.services.shop import UNPAID, Order, Site

pytestmark = pytest.mark.services


def _paid_at_the_bank(site: Site) -> Order:
    """An order whose buyer has paid; nobody has told the shop."""
    order = site.order()
    site.bank.set(site.started(order), "paid", webhook=False)
    return order


@pytest.mark.gauntlet("G1")
@pytest.mark.gauntlet("G2")
def test_whole_shop__a_storm_of_webhooks_and_returns_beside_worker_and_beat_is_one_payment(site):
    """The same with everything that a real shop runs: PostgreSQL, Redis, two web processes, a worker, beat."""
    site.web()
    site.web(second=True)
    site.worker(ready=False)
    site.beat()
    order = _paid_at_the_bank(site)
    left = iter(range(100))
    webhooks = [lambda: [site.webhook(order).status_code for _ in left]] * 16
    returns = [lambda: [site.come_back(order).status_code for _ in range(5)]] * 4

    answers = at_once([*webhooks, *returns])

    assert {status for each in answers for status in each} == {200}
    site.ends_well(order)
    assert site.database.rows("SELECT hits, error FROM payflow_webhookdelivery") == [(100, "")]


@pytest.mark.attack(27)
def test_return__a_hundred_times_at_once_settles_once(busy_site):
    order = _paid_at_the_bank(busy_site)
    left = iter(range(100))

    answers = at_once([lambda: [busy_site.come_back(order).status_code for _ in left]] * 16)

    assert Counter(status for each in answers for status in each) == {200: 100}
    assert b"your order is paid" in busy_site.come_back(order).content
    busy_site.works_out(order)


def test_start__eight_clicks_at_once_make_one_payment(busy_site):
    busy_site.bank.fault("create", "slow", seconds=1, times=1)
    order = busy_site.order()

    answers = at_once([partial(busy_site.start, order)] * 8)

    page = busy_site.bank.payments_of(order.reference)[0]["_links"]["checkout"]["href"]
    token = busy_site.database.rows("SELECT return_token FROM payflow_payment WHERE order_id = %s", order.id)[0][0]
    assert {answer.status_code for answer in answers} == {303}
    assert {answer.headers["Location"] for answer in answers} == {page, f"/payflow/return/{token}/"}
    assert busy_site.start(order).headers["Location"] == page
    assert busy_site.books(order) == UNPAID


def test_start__with_other_methods_at_once_is_answered_politely(busy_site):
    order = busy_site.order()
    methods = ["ideal", "creditcard", "bancontact", "paypal"] * 2

    answers = at_once([partial(busy_site.start, order, method=method) for method in methods])

    assert {answer.status_code for answer in answers} <= {303, 409}
    offers = busy_site.database.rows("SELECT id FROM payflow_payment WHERE offer_of_id = %s", order.id)
    attempts = busy_site.database.rows("SELECT COUNT(*) FROM payflow_payment WHERE order_id = %s", order.id)[0][0]
    assert len(offers) == 1
    assert len(busy_site.bank.payments_of(order.reference)) == attempts


def test_confirm__eight_at_once_ask_the_provider_once(busy_site):
    order = _paid_at_the_bank(busy_site)
    reference = busy_site.reference(order)
    busy_site.bank.fault("get", "slow", seconds=1, times=1, payment=reference)

    answers = at_once([partial(busy_site.door, f"confirm/{busy_site.payment_id(order)}/")] * 8)

    assert Counter(answer.json()["outcome"] for answer in answers) == {"applied": 1, "busy": 7}
    assert len([call for call in busy_site.bank.calls("get") if call["payment"] == reference]) == 1
    busy_site.works_out(order)


@pytest.mark.parametrize("handler", ["ship", "confirmation"])
def test_fulfil__eight_at_once_have_one_effect(busy_site, handler):
    order = _paid_at_the_bank(busy_site)
    assert busy_site.door(f"confirm/{busy_site.payment_id(order)}/").json() == {"outcome": "applied"}
    row = busy_site.fulfilment_id(order, handler)

    answers = at_once([partial(busy_site.door, f"fulfil/{row}/")] * 8)

    assert {answer.status_code for answer in answers} == {200}
    attempts = busy_site.database.rows("SELECT attempts, repeated FROM payflow_fulfilment WHERE id = %s", row)
    assert attempts == [(1, 0)]
    busy_site.works_out(order)


def test_fulfil__a_local_handler_and_its_mark_are_one_transaction(busy_site):
    if busy_site.database.kind != "postgres":
        pytest.skip("only PostgreSQL tells which transaction wrote a row")
    order = _paid_at_the_bank(busy_site)
    busy_site.webhook(order)
    busy_site.works_out(order)

    wrote = busy_site.database.rows(
        "SELECT s.xmin = f.xmin FROM shop_shipment s JOIN payflow_fulfilment f ON f.order_id = s.order_id"
        " WHERE s.order_id = %s AND f.handler = 'ship'",
        order.id,
    )

    assert wrote == [(True,)]


def test_webhook__a_foreign_id_from_sixteen_connections_is_one_case_and_no_error(busy_site):
    order, other = busy_site.order(), _paid_at_the_bank(busy_site)
    busy_site.started(order)
    before = _foreign_cases(busy_site)

    answers = at_once([partial(busy_site.webhook, order, reference=busy_site.reference(other))] * 16)

    assert {answer.status_code for answer in answers} <= {404, 429}
    assert _foreign_cases(busy_site) - before in {0, 1}
    assert _foreign_cases(busy_site) >= 1
    assert busy_site.books(order) == UNPAID


def _foreign_cases(site: Site) -> int:
    return int(site.database.rows("SELECT COUNT(*) FROM payflow_case WHERE kind = 'foreign_object'")[0][0])


def test_sweep__the_first_eight_of_a_shop_at_once_end_without_an_error(busy_site):
    orders = [_paid_at_the_bank(busy_site) for _ in range(3)]
    for order in orders:
        busy_site.webhook(order)
    busy_site.database.execute("DELETE FROM payflow_heartbeat")

    answers = at_once([partial(busy_site.door, "sweep/")] * 8)

    assert {answer.status_code for answer in answers} == {200}
    busy_site.works_out(*orders)


@pytest.mark.gauntlet("G12")
def test_webhook__before_the_create_answer_is_kept_and_applied(busy_site):
    """The bank is faster than its own answer: the buyer has paid before the shop knows the payment's id."""
    busy_site.bank.fault("create", "slow", seconds=2, times=1)
    order = busy_site.order()

    def pay_meanwhile() -> int:
        reference = busy_site.bank.await_payment(order.reference)
        busy_site.bank.set(reference, "paid", webhook=False)
        return busy_site.webhook(order, reference=reference).status_code

    started, answered = at_once([lambda: busy_site.start(order).status_code, pay_meanwhile])

    assert (started, answered) == (303, 503)
    busy_site.works_out(order)
