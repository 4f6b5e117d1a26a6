"""Captures, voids and refunds at the simulator: what the adapter is told, and what then stands in the books there."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from django_payflow import clock
from django_payflow.exceptions import NotSent, ObjectNotFound, ProviderError, Rejected, Uncertain
from django_payflow.messages import (
    Buyer,
    Capture,
    Checkout,
    MoneyMove,
    MoveKind,
    MoveRequest,
    Notice,
    Phase,
    Reference,
    Report,
)
from django_payflow.providers.stripe import StripeProvider
from tests.stripe.wire import ATTEMPT, KEY, MOVE, SECRET, adapter
from tests.stripe.wire import checkout as frozen

ENDPOINT = "https://shop.test/payflow/webhook/stripe/"
OTHER = "33333333-3333-4333-8333-333333333333"
CAPTURE, VOID, REFUND = MoveKind.CAPTURE, MoveKind.VOID, MoveKind.REFUND
OPERATIONS = {CAPTURE: "capture", VOID: "void", REFUND: "refund"}


@dataclass(frozen=True, kw_only=True)
class Bought:
    """One payment at the simulator: what we asked for, and the hands of everybody else."""

    stripe: StripeProvider
    sim: Any
    checkout: Checkout
    session: str

    def look(self) -> Report:
        return self.stripe.retrieve(self.checkout, Reference(kind="session", value=self.session))

    def request(self, kind: MoveKind, amount: int | None = None, **fields: Any) -> MoveRequest:
        """A request with the ids that were stored by now."""
        values: dict[str, Any] = {
            "kind": kind,
            "key": MOVE,
            "amount": self.checkout.amount if amount is None else amount,
            "currency": self.checkout.currency,
            "created_at": clock.now(),
        }
        if "references" not in fields:
            values["references"] = self.look().references
        return MoveRequest(**{**values, **fields})

    def ask(self, kind: MoveKind, amount: int | None = None, **fields: Any) -> MoneyMove:
        return self.send(self.request(kind, amount, **fields))

    def send(self, request: MoveRequest) -> MoneyMove:
        call: Callable[..., MoneyMove] = getattr(self.stripe, request.kind.value)
        return call(replace(self.checkout, buyer=Buyer()), request)

    def verb(self, name: str, **body: Any) -> dict[str, Any]:
        shown: dict[str, Any] = self.sim.control("POST", f"stripe/payments/{self.session}/{name}", body)
        return dict(shown["simulator"])

    def facts(self) -> dict[str, Any]:
        return dict(self.sim.object("GET", f"stripe/payments/{self.session}")["simulator"])

    def calls(self, kind: MoveKind) -> int:
        return len(self.sim.calls(OPERATIONS[kind]))


@pytest.fixture
def stripe(sim):
    sim.control("POST", "stripe/webhook_endpoints", {"api_key": KEY, "url": ENDPOINT, "secret": SECRET})
    return adapter(sim.base_url("stripe"))


@pytest.fixture
def buy(stripe, sim):
    """Make a payment and let the buyer pay it; ``Capture.MANUAL`` holds the money only."""

    def bought(word: str = "paid", **fields: Any) -> Bought:
        asked = frozen(**{"created_at": clock.now(), **fields})
        session = stripe.create(asked).report.references[0].value
        if word:
            sim.set_status(session, word, provider="stripe")
        return Bought(stripe=stripe, sim=sim, checkout=asked, session=session)

    return bought


@pytest.fixture
def hold(buy):
    return lambda **fields: buy("authorized", capture=Capture.MANUAL, **fields)


@pytest.fixture
def ready(buy, hold):
    """A payment with which a kind of move can be made."""
    return lambda kind, **fields: (buy if kind is REFUND else hold)(**fields)


def done(kind: MoveKind, report: Report) -> bool:
    """Whether a report shows the whole move as done."""
    if kind is CAPTURE:
        return (report.captured, report.capturable) == (2495, 0)
    if kind is VOID:
        return (report.captured, report.capturable) == (0, 0)
    return [move.our_reference for move in report.refunds] == [MOVE] and report.refunded == 2495


# -- captures


@pytest.mark.parametrize("amount", [2495, 800, 50])
def test_capture__once_and_the_rest_is_released(hold, amount):
    payment = hold()
    told = payment.ask(CAPTURE, amount)
    report = payment.look()

    assert (told.amount, told.status) == (amount, "succeeded")
    assert (report.captured, report.capturable, report.refunded) == (amount, 0, 0)
    assert report.captures == (told,)
    assert report.capture_before is None


def test_capture__the_hold_says_until_when(hold):
    report = hold().look()
    assert (report.captured, report.capturable) == (0, 2495)
    assert timedelta(days=6, hours=23) < report.capture_before - clock.now() <= timedelta(days=7)


def test_capture__of_more_than_is_held_is_refused_and_the_hold_stands(hold):
    payment = hold()
    with pytest.raises(Rejected) as no:
        payment.ask(CAPTURE, 2496)
    assert no.value.word == "amount_too_large"
    assert payment.look().capturable == 2495


def test_capture__a_second_one_is_refused_when_the_first_took_another_sum(hold):
    payment = hold()
    payment.ask(CAPTURE, 800)
    with pytest.raises(Rejected):
        payment.ask(CAPTURE, 900, key=OTHER)
    assert payment.look().captured == 800


def test_capture__of_the_same_sum_in_the_dashboard_is_looked_up(hold):
    payment = hold()
    request = payment.request(CAPTURE)
    payment.verb("capture")
    with pytest.raises(Uncertain) as unclear:
        payment.send(request)
    assert unclear.value.word == "payment_intent_unexpected_state"
    assert done(CAPTURE, payment.look())


def test_capture__of_another_sum_in_the_dashboard_is_a_no_and_is_seen(hold):
    payment = hold()
    request = payment.request(CAPTURE)
    payment.verb("capture", amount=499, final=True)
    with pytest.raises(Rejected):
        payment.send(request)
    report = payment.look()
    assert (report.captured, report.capturable, report.captures[0].amount) == (499, 0, 499)


@pytest.mark.parametrize(("verb", "phase"), [("void", Phase.CANCELED), ("lapse", Phase.EXPIRED)])
def test_capture__of_a_hold_that_is_gone_is_refused(hold, verb, phase):
    payment = hold()
    request = payment.request(CAPTURE)
    payment.verb(verb)
    with pytest.raises(Rejected):
        payment.send(request)
    report = payment.look()
    assert (report.phase, report.captured, report.capturable, report.capture_before) == (phase, 0, 0, None)


def test_capture__of_a_hold_that_lapsed_and_still_stands_is_refused(hold, sim):
    sim.control("POST", "stripe/settings", {"lapsed_hold": "stays"})
    payment = hold()
    sim.advance(8 * 86400)
    with pytest.raises(Rejected) as no:
        payment.ask(CAPTURE)
    assert no.value.word == "charge_expired_for_capture"
    assert payment.look().capture_before < clock.now()


def test_capture__the_clock_lets_a_hold_lapse(hold, sim):
    payment = hold()
    sim.advance(7 * 86400 + 1)
    report = payment.look()
    assert (report.phase, report.capturable) == (Phase.EXPIRED, 0)


def test_capture__of_a_payment_that_was_paid_at_once_is_looked_up(buy):
    with pytest.raises(Uncertain):
        buy().ask(CAPTURE)


@pytest.mark.parametrize("kind", list(OPERATIONS))
def test_move__before_anybody_paid_is_refused(buy, kind):
    with pytest.raises(Rejected):
        buy("").ask(kind)
    with pytest.raises(Rejected):
        buy("declined", key=OTHER).ask(kind)


# -- voids


def test_void__releases_the_hold(hold):
    payment = hold()
    told = payment.ask(VOID)
    assert (told.id, told.amount, told.status) == ("", 2495, "succeeded")
    report = payment.look()
    assert (report.phase, report.captured, report.capturable, report.refunds) == (Phase.CANCELED, 0, 0, ())


def test_void__of_what_was_captured_is_refused(hold):
    payment = hold()
    request = payment.request(VOID)
    payment.verb("capture")
    with pytest.raises(Rejected):
        payment.send(request)
    assert payment.look().captured == 2495


@pytest.mark.parametrize("verb", ["void", "lapse"])
def test_void__of_what_is_released_already_is_looked_up(hold, verb):
    payment = hold()
    request = payment.request(VOID)
    payment.verb(verb)
    with pytest.raises(Uncertain):
        payment.send(request)
    assert done(VOID, payment.look())


# -- refunds


def test_refund__everything(buy):
    payment = buy()
    told = payment.ask(REFUND)
    assert (told.amount, told.status, told.our_reference) == (2495, "succeeded", MOVE)
    report = payment.look()
    assert (report.captured, report.refunded, report.refunds) == (2495, 2495, (told,))


def test_refund__in_parts_each_with_its_own_mark(buy):
    payment = buy()
    told = [payment.ask(REFUND, amount, key=key) for amount, key in ((700, MOVE), (700, OTHER), (1095, "the-rest"))]
    report = payment.look()
    assert (report.captured, report.refunded) == (2495, 2495)
    assert set(report.refunds) == set(told)
    assert {move.our_reference: move.amount for move in told} == {MOVE: 700, OTHER: 700, "the-rest": 1095}


def test_refund__of_a_partial_capture(hold):
    payment = hold()
    payment.ask(CAPTURE, 800)
    with pytest.raises(Rejected):
        payment.ask(REFUND, 801, key=OTHER)
    assert payment.ask(REFUND, 800, key="third").amount == 800
    assert payment.look().refunded == 800


def test_refund__the_words_are_kept_at_stripe(buy):
    payment = buy()
    payment.ask(REFUND, 700, reason="the pot was broken")
    payment.ask(REFUND, 700, key=OTHER, reason="duplicate")
    first, second = payment.facts()["refunds"]
    assert (first["reason"], first["metadata"]["reason"]) == (None, "the pot was broken")
    assert (second["reason"], second["metadata"]["refund"]) == ("duplicate", OTHER)
    assert first["metadata"]["attempt"] == ATTEMPT


def test_refund__of_more_than_is_left_is_refused(buy):
    payment = buy()
    for amount, key in ((2496, "too-much"), (2496, "again")):
        with pytest.raises(Rejected):
            payment.ask(REFUND, amount, key=key)
    payment.ask(REFUND, 2000)
    with pytest.raises(Rejected):
        payment.ask(REFUND, 496, key=OTHER)
    assert payment.look().refunded == 2000


def test_refund__of_what_the_dashboard_refunded_is_refused_and_seen(buy):
    payment = buy()
    request = payment.request(REFUND)
    payment.verb("refund")
    with pytest.raises(Rejected) as no:
        payment.send(request)
    assert no.value.word == "charge_already_refunded"
    report = payment.look()
    assert (report.refunded, [move.our_reference for move in report.refunds]) == (2495, [""])


def test_refund__of_a_hold_is_refused(hold):
    payment = hold()
    with pytest.raises(Rejected):
        payment.ask(REFUND)
    assert payment.look().capturable == 2495


def test_refund__of_a_disputed_charge_is_refused_until_it_is_won(buy):
    payment = buy()
    payment.verb("chargeback", amount=2000)
    with pytest.raises(Rejected) as no:
        payment.ask(REFUND, 400)
    assert no.value.word == "charge_disputed"
    payment.verb(f"chargebacks/{payment.look().disputes[0].id}/reverse")
    assert payment.ask(REFUND, 400, key=OTHER).status == "succeeded"


def test_refund__while_a_bank_only_asks(buy):
    payment = buy()
    payment.verb("chargeback", inquiry=True)
    assert payment.ask(REFUND, 400).status == "succeeded"


def test_refund__of_another_account_is_not_found(buy, sim):
    payment = buy()
    request = payment.request(REFUND)
    stranger = adapter(sim.base_url("stripe"), options={"api_key": "sk_test_" + "z" * 30})
    for kind in OPERATIONS:
        with pytest.raises(ObjectNotFound):
            getattr(stranger, kind.value)(payment.checkout, replace(request, kind=kind))
    assert payment.look().refunds == ()


@pytest.mark.parametrize(
    ("currency", "amount", "part", "units"),
    [
        ("JPY", 500, 200, 200),
        ("ISK", 1500, 700, 70_000),
        ("UGX", 5000, 3, 300),
        ("MGA", 500, 200, 2),
        ("KWD", 12_340, 1230, 1230),
        ("HUF", 150_000, 99, 99),
    ],
)
def test_refund__and_capture_in_every_kind_of_currency(hold, currency, amount, part, units):
    payment = hold(currency=currency, amount=amount)
    assert payment.ask(CAPTURE, amount).amount == amount
    assert payment.ask(REFUND, part, key=OTHER).amount == part
    facts, report = payment.facts(), payment.look()
    assert facts["refunds"][0]["amount"] == units
    assert (report.captured, report.refunded, report.refunds[0].amount) == (amount, part, part)


@pytest.mark.parametrize("starts", ["pending", "requires_action"])
@pytest.mark.parametrize(("end", "refunded"), [("succeeded", 700), ("failed", 0), ("canceled", 0)])
def test_refund__that_waits_is_pending_until_it_ends(buy, sim, starts, end, refunded):
    sim.control("POST", "stripe/settings", {"refund_starts": starts})
    payment = buy()
    told = payment.ask(REFUND, 700)
    assert (told.status, payment.look().refunded) == ("pending", 0)

    payment.verb(f"refunds/{told.id}/status", status=end)

    report = payment.look()
    assert report.refunds == (replace(told, status=end),)
    assert report.refunded == refunded


def test_refund__that_fails_after_it_had_arrived_lowers_the_sum_again(buy):
    payment = buy()
    told = payment.ask(REFUND, 700)
    payment.ask(REFUND, 300, key=OTHER)
    assert payment.look().refunded == 1000

    payment.verb(f"refunds/{told.id}/status", status="failed")

    report = payment.look()
    assert (report.captured, report.refunded) == (2495, 300)
    assert {move.our_reference: move.status for move in report.refunds} == {MOVE: "failed", OTHER: "succeeded"}


def test_refund__fails_and_the_charge_goes_on_counting_it(buy):
    """Whether Stripe lowers the charge's sum again is written nowhere."""
    payment = buy()
    told = payment.ask(REFUND, 700)
    payment.verb(f"refunds/{told.id}/status", status="failed")
    payment.sim.overwrite(payment.session, provider="stripe", charge={"amount_refunded": 700})
    assert payment.look().refunded == 0


def test_refund__of_a_direct_debit_takes_its_time(buy, sim):
    payment = buy("processing")
    sim.set_status(payment.session, "paid", provider="stripe")
    told = payment.ask(REFUND)
    assert (told.status, payment.look().refunded) == ("pending", 0)
    sim.advance(11)
    assert payment.look().refunded == 2495


# -- disputes, as the provider tells them


def test_dispute__of_a_part_is_lost(buy):
    payment = buy()
    payment.verb("chargeback", amount=800)
    report = payment.look()
    assert (report.charged_back, report.disputes[0].status, report.held) == (800, "open", False)
    payment.verb(f"chargebacks/{report.disputes[0].id}/lose")
    report = payment.look()
    assert (report.charged_back, report.disputes[0].status, report.captured) == (800, "lost", 2495)


def test_dispute__an_inquiry_is_answered_or_becomes_one(buy):
    for end, status, charged_back in (("reverse", "won", 0), ("status", "open", 2495)):
        payment = buy(key=f"for-{end}")
        payment.verb("chargeback", inquiry=True)
        report = payment.look()
        assert (report.held, report.charged_back, report.disputes[0].status) == (True, 0, "inquiry")
        body = {"status": "needs_response"} if end == "status" else {}
        payment.verb(f"chargebacks/{report.disputes[0].id}/{end}", **body)
        report = payment.look()
        assert (report.held, report.charged_back, report.disputes[0].status) == (False, charged_back, status)


@pytest.mark.parametrize(("first", "status"), [({"inquiry": True}, "won"), ({}, "lost")])
def test_dispute__that_was_prevented_took_what_it_had_taken(buy, first, status):
    payment = buy()
    payment.verb("chargeback", **first)
    dispute = payment.look().disputes[0]
    payment.verb(f"chargebacks/{dispute.id}/status", status="prevented")
    report = payment.look()
    assert (report.disputes[0].status, report.charged_back) == (status, 2495 if status == "lost" else 0)


# -- trouble on the wire: nothing twice, nothing never


@pytest.mark.parametrize("kind", list(OPERATIONS))
@pytest.mark.parametrize(
    ("fault", "end", "is_done"),
    [
        ({"kind": "5xx"}, Uncertain, False),
        ({"kind": "5xx", "done": True}, Uncertain, True),
        ({"kind": "429", "retry_after": 30}, NotSent, False),
        ({"kind": "not_found"}, ObjectNotFound, False),
        ({"kind": "lost_answer"}, Uncertain, True),
        ({"kind": "truncated"}, Uncertain, True),
    ],
)
def test_trouble__is_told_apart_and_a_look_shows_what_came_of_it(ready, sim, kind, fault, end, is_done):
    payment = ready(kind)
    request = payment.request(kind)
    sim.fault(OPERATIONS[kind], provider="stripe", times=1, **fault)

    with pytest.raises(ProviderError) as bad:
        payment.send(request)

    assert type(bad.value) is end
    assert payment.calls(kind) == 1, "the adapter repeats nothing"
    assert done(kind, payment.look()) is is_done

    told = payment.send(request)

    assert (told.amount, told.status) == (2495, "succeeded")
    assert done(kind, payment.look())
    assert len(payment.facts()["refunds"]) == (1 if kind is REFUND else 0)


@pytest.mark.parametrize("kind", list(OPERATIONS))
def test_same_key__twice_is_done_once_and_told_twice(ready, kind):
    payment = ready(kind)
    request = payment.request(kind, 700 if kind is REFUND else 2495)
    assert payment.send(request) == payment.send(request)
    assert [call["replayed"] for call in payment.sim.calls(OPERATIONS[kind])] == [False, True]
    assert len(payment.facts()["refunds"]) == (1 if kind is REFUND else 0)


@pytest.mark.parametrize(("kind", "amount"), [(CAPTURE, 800), (REFUND, 800)])
def test_same_key__for_other_bytes_is_an_unclear_end(ready, kind, amount):
    payment = ready(kind)
    request = payment.request(kind, 700)
    payment.send(request)
    with pytest.raises(Uncertain):
        payment.send(replace(request, amount=amount))
    assert payment.look().refunded == (700 if kind is REFUND else 0)


def test_same_key__while_the_first_call_is_still_running(buy, sim):
    payment = buy()
    request = payment.request(REFUND)
    sim.fault("refund", "slow", provider="stripe", seconds=30, times=1)
    answers: list[MoneyMove] = []
    first = threading.Thread(target=lambda: answers.append(payment.send(request)))
    first.start()
    try:
        while not payment.facts()["refunds"]:
            pass
        with pytest.raises(Uncertain) as unclear:
            payment.send(request)
        assert unclear.value.word == "idempotency_key_in_use"
        assert len(payment.facts()["refunds"]) == 1
    finally:
        sim.control("POST", "reset")  # lets the slow answer go
        first.join(10)
    assert [told.our_reference for told in answers] == [MOVE]


@pytest.mark.parametrize("kind", list(OPERATIONS))
def test_kept_500__comes_again_for_a_day_and_says_that_it_is_kept(ready, sim, kind):
    payment = ready(kind)
    request = payment.request(kind)
    sim.fault(OPERATIONS[kind], "5xx", provider="stripe", status=500, times=1)
    said = []
    for _ in range(2):
        with pytest.raises(Uncertain) as unclear:
            payment.send(request)
        said.append((unclear.value.code, unclear.value.replayed))
    assert said == [("500", False), ("500", True)]
    assert not done(kind, payment.look())

    sim.advance(24 * 3600 + 1)

    assert payment.send(request).status == "succeeded"
    assert done(kind, payment.look())


def test_kept_refusal__comes_again_although_it_would_be_possible_by_now(buy):
    payment = buy()
    payment.verb("chargeback")
    request = payment.request(REFUND)
    with pytest.raises(Rejected):
        payment.send(request)
    payment.verb(f"chargebacks/{payment.look().disputes[0].id}/reverse")
    with pytest.raises(Rejected) as kept:
        payment.send(request)
    assert kept.value.replayed is True
    assert payment.send(replace(request, key=OTHER)).status == "succeeded"


# -- webhooks


def notices(payment: Bought) -> list[Notice]:
    found = []
    for delivery in payment.sim.deliveries():
        headers = {name.lower(): value for name, value in delivery.headers.items()}
        found += payment.stripe.parse_webhook(headers, delivery.body, {}, "")
    return found


def test_webhooks__of_everything_that_happens_to_the_money_lead_to_the_payment(hold):
    payment = hold()
    told_before = len(notices(payment))
    payment.ask(CAPTURE)
    ours = payment.ask(REFUND, 700, key=OTHER)
    payment.verb("refund", amount=300)
    payment.verb(f"refunds/{ours.id}/status", status="failed")
    payment.verb("chargeback", amount=100)
    payment.verb(f"chargebacks/{payment.look().disputes[0].id}/lose")
    ids = {reference.value for reference in payment.look().references}

    told = notices(payment)[told_before:]

    assert {"charge.captured", "refund.created", "refund.failed", "charge.dispute.closed"} <= {n.kind for n in told}
    for notice in told:
        assert notice.reference in ids, notice
        assert (notice.ignorable, notice.foreign) == (False, False), notice
    marks = {notice.our_reference for notice in told if notice.kind.startswith("refund.")}
    assert marks == {ATTEMPT, ""}, "ours and the dashboard's"
