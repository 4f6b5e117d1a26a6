"""G15: the provider hangs, fails, lies about existence. Nothing is locked, nothing is concluded, time is bounded."""

from __future__ import annotations

import time

import pytest
from django.db import connection

from django_payflow import checkpoints, clock, flow
from django_payflow.models import Payment, PaymentEvent
from tests.gauntlet.kit import again, open_cases, seconds_until
from tests.shop.models import Shipment

pytestmark = pytest.mark.gauntlet("G15")

TROUBLES = [
    {"kind": "5xx"},
    {"kind": "5xx", "status": 500},
    {"kind": "truncated"},
    {"kind": "429", "retry_after": 120},
    {"kind": "429"},
    {"kind": "lost_answer"},
]


@pytest.mark.parametrize("fault", TROUBLES)
def test_trouble__payment_unchanged_next_check_planned_later_resolved(story, fault):
    payment = story.start(method="banktransfer")
    story.bank("paid", webhook=False)
    story.sim.fault("get", **fault)

    result = flow.confirm(payment_id=payment.pk, source="poll")

    assert result.outcome == "trouble"
    after = again(payment)
    assert (after.status, after.captured, after.version, after.troubles) == ("pending", 0, payment.version, 1)
    assert after.lease_until is None
    pause = fault.get("retry_after", 10)
    assert pause - 5 <= seconds_until(after.next_check_at) <= pause
    assert PaymentEvent.objects.filter(payment=payment, kind="call", summary__startswith="retrieve:").count() == 1

    story.sim.clear_faults()
    story.sim.advance(pause + 1)
    story.work()
    assert (again(payment).status, story.now().status, again(payment).troubles) == ("paid", "completed", 0)


def test_trouble__pauses_grow_and_start_anew_after_a_good_answer(story):
    payment = story.start(method="banktransfer")
    story.sim.fault("get", "429")
    pauses = []
    for _ in range(7):
        flow.confirm(payment_id=payment.pk, source="poll")
        pauses.append(round(seconds_until(again(payment).next_check_at), -1))
    assert pauses == [10, 30, 60, 300, 900, 3600, 3600]

    story.sim.clear_faults()
    flow.confirm(payment_id=payment.pk, source="poll")
    assert again(payment).troubles == 0


@pytest.mark.django_db(transaction=True)
def test_trouble__no_transaction_is_open_while_the_provider_is_asked(sim, client):
    """With real commits: between claim and settlement nothing is held."""
    from tests.conftest import Story, new_order

    story = Story(sim, client, new_order())
    seen = []
    for point in ("confirm.claimed", "confirm.fetched", "checkout.intent", "checkout.created"):
        checkpoints.arm(point, lambda: seen.append(connection.in_atomic_block))

    payment = story.start()
    flow.confirm(payment_id=payment.pk, source="poll")

    assert seen == [False] * 4
    assert again(payment).status == "pending"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["hang", "slow"])
def test_hang__the_return_page_waits_a_moment_and_says_so(story, client, payflow, kind):
    payflow(RETURN_PATIENCE=0.5)
    payment = story.start()
    story.bank("paid", webhook=False)
    story.sim.fault("get", kind, seconds=10 if kind == "slow" else 0.05)

    began = time.monotonic()
    page = client.get(f"/payflow/return/{payment.return_token}/")
    spent = time.monotonic() - began

    assert page.status_code == 200
    assert b"waiting for your payment" in page.content
    assert spent < 8, "a guard: the fault would take longer than this"
    assert (again(payment).status, again(payment).lease_until) == ("pending", None)
    story.sim.clear_faults()
    story.sim.advance(11)
    story.work()
    assert story.now().status == "completed"


@pytest.mark.slow
def test_hang__starting_a_payment_takes_bounded_time_and_is_finished_by_the_sweep(story, client, payflow):
    payflow(START_PATIENCE=0.5)
    story.sim.fault("create", "slow", seconds=10, times=1)

    began = time.monotonic()
    started = client.post(f"/payflow/start/{story.order.reference}/", {"account": "mollie"})

    assert time.monotonic() - began < 8
    assert started["Location"] == f"/payflow/return/{story.payment.return_token}/"
    _wait_until(lambda: story.sim.calls("create"))
    story.sim.advance(11)
    story.work()
    assert (story.payment.status, len(story.sim.payments())) == ("pending", 1)


@pytest.mark.slow
def test_hang__choosing_another_way_takes_bounded_time_too(story, client, payflow):
    """The first attempt is ended before the second one begins, and that question may hang as well."""
    story.start(method="ideal")
    payflow(START_PATIENCE=0.3)
    story.sim.fault("cancel", "slow", seconds=10)
    story.sim.fault("get", "slow", seconds=10)

    began = time.monotonic()
    started = client.post(f"/payflow/start/{story.order.reference}/", {"account": "mollie", "method": "creditcard"})

    assert time.monotonic() - began < 8, "a guard: each of the two faults alone would take longer"
    assert started.status_code in {303, 409}


def _wait_until(happened) -> None:
    ends = time.monotonic() + 10
    while not happened():
        assert time.monotonic() < ends, "the simulator never finished the call"
        time.sleep(0.05)


def test_one_hanging_account__does_not_take_every_worker(story, payflow):
    payflow(FETCHES_PER_ACCOUNT=2)
    payment = story.start(method="banktransfer")
    asked = len(story.sim.calls("get"))
    now = clock.now()
    others = [type(story)(story.sim, story.client, _order()).start(method="banktransfer") for _ in range(2)]
    Payment.objects.filter(pk__in=[other.pk for other in others]).update(
        lease_token="x", lease_until=now.replace(year=now.year + 1)
    )

    assert flow.confirm(payment_id=payment.pk, source="poll").outcome == "busy"

    assert len(story.sim.calls("get")) == asked
    assert 0 < seconds_until(again(payment).next_check_at) <= 5


def _order():
    from tests.conftest import new_order

    return new_order()


# -- not found


def test_not_found__right_after_a_webhook_is_transient(story):
    """Mollie answers 404 for a moment after it called us."""
    story.start()
    story.sim.fault("get", "not_found", times=1)
    story.bank("paid")

    story.webhook()
    assert (story.payment.status, open_cases()) == ("pending", set())

    story.sim.advance(61)
    story.work()
    assert (story.now().status, story.payment.not_found_since) == ("completed", None)


def test_not_found__for_an_hour_opens_a_case_and_daily_looks(story):
    payment = story.start(method="banktransfer")
    story.sim.fault("get", "not_found")
    story.sim.advance(61)
    story.work()
    assert open_cases() == set()
    for _ in range(14):
        story.sim.advance(300)
        story.work()

    assert (again(payment).status, open_cases()) == ("pending", {"unknown_object"})
    assert seconds_until(again(payment).next_check_at) > 23 * 3600

    story.sim.clear_faults()
    story.bank("paid", webhook=False)
    story.sim.advance(86400)
    story.work()
    assert (story.now().status, open_cases()) == ("completed", set())


def test_not_found__after_expiry_and_grace_it_is_failed(story):
    payment = story.start()
    story.sim.fault("get", "not_found")
    for _ in range(4):
        story.sim.advance(12 * 3600)
        story.work()

    assert (again(payment).status, story.now().status) == ("failed", "failed")
    story.sim.clear_faults()
    story.bank("paid")
    story.webhook()
    assert (again(payment).status, story.now().status) == ("paid", "completed"), "money wakes the dead"


def test_not_found__never_changes_what_is_paid(story):
    payment = story.start()
    story.bank("paid")
    story.webhook()
    story.sim.fault("get", "not_found")
    for _ in range(30):
        story.webhook()
        story.sim.advance(86400)
        story.work()

    assert (again(payment).status, again(payment).captured, story.now().status) == ("paid", 2495, "completed")
    assert open_cases() == {"unknown_object"}
    assert Shipment.objects.count() == 1


# -- unreadable


def test_unknown_word__an_event_a_case_and_another_look(story):
    payment = story.start()
    story.sim.overwrite(story.reference, status="paid-ish")
    known = again(payment).version

    result = flow.confirm(payment_id=payment.pk, source="poll")

    assert (result.outcome, again(payment).status, again(payment).version) == ("trouble", "pending", known)
    assert open_cases() == {"unresolved"}
    assert "paid-ish" in result.detail
    assert seconds_until(again(payment).next_check_at) <= 10

    story.sim.overwrite(story.reference, status="open")
    story.bank("paid")
    story.webhook()
    assert (story.now().status, open_cases()) == ("completed", set())


@pytest.mark.parametrize(
    "lie",
    [{"amount": {"currency": "EUR", "value": "24.955"}}, {"amountCaptured": "much"}, {"metadata": 5, "mode": "test"}],
)
def test_unreadable__concludes_nothing(story, lie):
    payment = story.start()
    story.bank("paid", webhook=False)
    story.sim.overwrite(story.reference, **lie)

    flow.confirm(payment_id=payment.pk, source="poll")

    assert (again(payment).status, again(payment).captured) in {("pending", 0), ("paid", 2495)}
    assert story.now().status in {"pending", "processing"}
    if again(payment).status == "pending":
        assert again(payment).next_check_at is not None


@pytest.mark.parametrize(
    "word",
    [
        pytest.param({"method": "m" * 80}, id="method"),
        pytest.param({"method": "a\x00b"}, id="nul"),
        pytest.param({"amount": {"currency": "EURO", "value": "24.95"}}, id="currency"),
        pytest.param({"amount": {"currency": "EUR", "value": "90000000000000000.00"}}, id="amount"),
        pytest.param({"profileId": ""}, id="no-profile"),
        pytest.param({"description": "\x00"}, id="nul-in-what-is-not-kept"),
    ],
)
def test_facts__what_the_provider_says_cannot_violate_a_column(story, word):
    """Recording a fact never fails: on PostgreSQL a long word or a NUL byte is an error of the database."""
    payment = story.start()
    story.bank("paid", webhook=False)
    story.sim.overwrite(story.reference, **word)

    result = flow.confirm(payment_id=payment.pk, source="poll")

    assert result.outcome in {"applied", "trouble"}
    expected = "conflicted" if "amount" in word else "paid"
    assert again(payment).status == expected


def test_trouble_without_end__a_person_is_told(story):
    """A revoked key, say: asked hourly for ever. 'The last one opens a case, never silent.'"""
    payment = story.start(method="banktransfer")
    story.sim.fault("get", "429")
    for _ in range(20):
        story.sim.advance(86400)
        flow.confirm(payment_id=payment.pk, source="poll")

    assert again(payment).status == "pending"
    assert "unresolved" in open_cases()


def test_facts__an_expiry_that_means_never(story):
    payment = story.start(method="banktransfer")
    story.sim.overwrite(story.reference, expiresAt="9999-12-31T23:59:59+00:00")
    story.sim.advance(7 * 3600)

    assert flow.confirm(payment_id=payment.pk, source="poll").outcome == "applied"
    assert seconds_until(again(payment).next_check_at) <= 3600
