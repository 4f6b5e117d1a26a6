"""Money after "paid" and before it: captures, releases and refunds, against the simulator and odd answers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from django_payflow.exceptions import (
    InvalidCheckout,
    NotSent,
    ObjectNotFound,
    PayflowError,
    ProviderError,
    Rejected,
    Uncertain,
    Unsupported,
)
from django_payflow.messages import Buyer, Capture, Line, LineKind, MoveKind, MoveRequest, Phase, Reference
from django_payflow.providers.mollie import MollieProvider, read_payment
from tests.mollie.test_adapter import checkout
from tests.mollie.test_mapping import euro
from tests.mollie.wire import adapter, always, answer, payment, serving

HOUR, DAY = 3600, 86400
KEYS = [f"22222222-2222-4222-8222-{number:012d}" for number in range(10)]
EARLIER = datetime(2026, 3, 1, 10, tzinfo=UTC)


@pytest.fixture
def mollie(sim) -> MollieProvider:
    return adapter(sim.base_url("mollie"))


class Money:
    """One payment at the simulator, and requests about it."""

    def __init__(self, mollie: MollieProvider, sim: Any, **fields: Any) -> None:
        self.mollie, self.sim = mollie, sim
        self.checkout = checkout(**fields)
        self.reference = mollie.create(self.checkout).report.references[0]
        self.path = f"mollie/payments/{self.reference.value}"

    def request(self, kind: MoveKind, amount: int, key: int = 0, **fields: Any) -> MoveRequest:
        values = {"kind": kind, "key": KEYS[key], "amount": amount, "currency": self.checkout.currency}
        return MoveRequest(**{**values, "created_at": EARLIER, "references": (self.reference,), **fields})

    def capture(self, amount: int = 2495, key: int = 0, **fields: Any):
        return self.mollie.capture(self.checkout, self.request(MoveKind.CAPTURE, amount, key, **fields))

    def void(self, amount: int = 2495, key: int = 0, **fields: Any):
        return self.mollie.void(self.checkout, self.request(MoveKind.VOID, amount, key, **fields))

    def refund(self, amount: int, key: int = 0, **fields: Any):
        return self.mollie.refund(self.checkout, self.request(MoveKind.REFUND, amount, key, **fields))

    def look(self):
        return self.mollie.retrieve(self.checkout, self.reference)

    def at_mollie(self, verb: str, **body: Any) -> Any:
        return self.sim.control("POST", f"{self.path}/{verb}", body)

    def later(self, seconds: float) -> None:
        """Time passes, and what is due by then is done."""
        self.sim.advance(seconds)
        self.sim.control("POST", "wait", {"idle": True})

    def posts(self, operation: str) -> int:
        return len(self.sim.calls(operation))


@pytest.fixture
def held(mollie, sim) -> Money:
    """A card payment of 24.95 euro that is authorized only."""
    money = Money(mollie, sim, capture=Capture.MANUAL, method="creditcard")
    sim.set_status(money.reference.value, "authorized")
    return money


@pytest.fixture
def paid(mollie, sim) -> Money:
    money = Money(mollie, sim)
    sim.set_status(money.reference.value, "paid", method="creditcard")
    return money


BUYER = Buyer(
    email="ada@example.com",
    name="Ada King Lovelace",
    street="Straat 1",
    postal_code="1234AB",
    city="Utrecht",
    country="NL",
    phone="call me",
)
TEA = Line(name="Tea", quantity=2, unit_price=895, total=1790)
CUP = Line(name="Cup", quantity=1, unit_price=705, total=705, sku="CUP-1")


def klarna(**fields: Any):
    return checkout(**{"method": "klarna", "lines": (TEA, CUP), "buyer": BUYER, **fields})


@pytest.fixture
def several(mollie, sim) -> Money:
    """A payment whose method allows several captures, authorized."""
    money = Money(mollie, sim, method="klarna", lines=(TEA, CUP), buyer=BUYER, capture=Capture.MANUAL)
    sim.set_status(money.reference.value, "authorized")
    return money


def test_flags__say_what_every_method_of_mollies_keeps():
    assert MollieProvider.supports_manual_capture and MollieProvider.supports_capture
    assert MollieProvider.supports_partial_capture and not MollieProvider.supports_several_captures
    assert MollieProvider.supports_void
    assert MollieProvider.supports_refund and MollieProvider.supports_partial_refund
    assert MollieProvider.marks_captures and MollieProvider.drops_canceled_refunds
    assert (MollieProvider.unlisted, MollieProvider.authorization_life) == (frozenset(), None)


# -- authorize only


def test_create__asks_for_an_authorization_only_where_the_account_does(mollie, sim):
    mollie.create(checkout(capture=Capture.MANUAL))
    assert sim.payments()[0]["captureMode"] == "manual"
    mollie.create(checkout(key="other"))
    assert "captureMode" not in sim.payments()[0]


def test_authorized__says_until_when(held):
    report = held.look()
    assert (report.captured, report.capturable, report.phase) == (0, 2495, Phase.PROCESSING)
    assert report.capture_before is not None and report.capture_before.tzinfo is not None
    assert report.capture_before > datetime.now(UTC)


# -- captures


def test_capture__of_everything_is_pending_and_then_done(held):
    move = held.capture()

    assert (move.status, move.amount, move.our_reference) == ("pending", 2495, KEYS[0])
    on_its_way = held.look()
    assert (on_its_way.captured, on_its_way.capturable) == (0, 2495), "nothing is lost, and nothing taken yet"
    assert [seen.id for seen in on_its_way.captures] == [move.id]
    held.later(10)
    done = held.look()
    assert (done.captured, done.capturable, done.raw_status) == (2495, 0, "paid")
    assert [(seen.id, seen.status, seen.our_reference) for seen in done.captures] == [(move.id, "succeeded", KEYS[0])]


def test_capture__sends_amount_key_and_mark_and_shows_the_buyer_nothing(held):
    held.capture(reason="  Ada Lovelace is angry " * 9)

    (call,) = held.sim.calls("capture")
    assert call["idempotency_key"] == KEYS[0]
    (made,) = held.sim.payments()[0]["_embedded"]["captures"]
    assert made["amount"] == {"currency": "EUR", "value": "24.95"}
    assert made["metadata"] == {"order": "ABC", "move": KEYS[0], "reason": ("  Ada Lovelace is angry " * 9)[:64]}
    assert "angry" not in made["description"]


def test_capture__of_a_part_of_a_card_payment_ends_the_authorization(held):
    held.capture(800)
    held.later(10)
    report = held.look()
    assert (report.captured, report.capturable, report.requested) == (800, 0, 2495)


def test_capture__of_a_part_may_leave_the_rest_authorized_and_a_void_releases_it(several):
    several.capture(800)
    several.later(10)
    assert (several.look().captured, several.look().capturable) == (800, 1695)

    assert several.void(1695, key=1).status == "pending"

    several.later(10)
    report = several.look()
    assert (report.captured, report.capturable, report.raw_status) == (800, 0, "paid")


def test_capture__several_where_the_method_allows_it(several):
    first, second = several.capture(800), several.capture(1695, key=1)
    several.later(10)
    report = several.look()
    assert (report.captured, report.capturable) == (2495, 0)
    assert [move.id for move in report.captures] == [first.id, second.id]
    assert [move.our_reference for move in report.captures] == KEYS[:2]


@pytest.mark.parametrize("status", ["open", "pending", "failed", "canceled", "expired", "paid"])
def test_capture__in_a_wrong_state_is_a_definite_no(held, status):
    held.sim.set_status(held.reference.value, status)
    with pytest.raises(Rejected) as no:
        held.capture()
    assert no.value.code == "422"
    assert held.look().captures == ()


def test_capture__of_more_than_is_authorized_is_a_definite_no(held):
    with pytest.raises(Rejected):
        held.capture(2496)
    assert held.look().captures == ()


def test_capture__that_the_bank_refuses_is_failed_and_the_money_still_capturable(held):
    move = held.capture()
    held.at_mollie(f"captures/{move.id}/status", status="failed")
    report = held.look()
    assert [seen.status for seen in report.captures] == ["failed"]
    assert (report.captured, report.capturable) == (0, 2495)


def test_capture__after_the_hold_lapsed_fails_with_the_payment(held):
    held.sim.control("POST", "mollie/settings", {"lapsed_hold": "stays"})
    held.later(8 * DAY)
    held.capture()
    held.later(10)
    report = held.look()
    assert (report.phase, report.captured, report.capturable) == (Phase.FAILED, 0, 0)
    assert [move.status for move in report.captures] == ["failed"]


# -- releases


def test_void__is_pending_until_mollie_has_released(held):
    move = held.void()

    assert (move.id, move.status, move.amount, move.our_reference) == ("", "pending", 2495, KEYS[0])
    assert held.sim.calls("release")[0]["idempotency_key"] == KEYS[0]
    assert held.look().capturable == 2495
    held.later(10)
    assert (held.look().phase, held.look().money) == (Phase.CANCELED, 0)


def test_void__again_with_the_same_key_is_the_same_void(held):
    held.void()
    assert held.void().status == "pending"
    assert [call["replayed"] for call in held.sim.calls("release")] == [False, True]


def test_void__that_the_issuer_ignores_leaves_it_authorized(held):
    held.sim.control("POST", "mollie/settings", {"release_works": False})
    held.void()
    held.later(HOUR)
    assert held.look().capturable == 2495


def test_void__waits_for_a_capture_that_is_still_with_the_bank(several):
    move = several.capture(800)

    with pytest.raises(NotSent) as later:
        several.void(1695, key=1)

    assert (later.value.retry_after, several.posts("release")) == (60.0, 0)
    several.at_mollie(f"captures/{move.id}/status", status="succeeded")
    assert several.void(1695, key=1).status == "pending"


def test_void__is_not_held_up_by_a_capture_that_failed(held):
    move = held.capture()
    held.at_mollie(f"captures/{move.id}/status", status="failed")
    assert held.void(key=1).status == "pending"


@pytest.mark.parametrize(
    ("verb", "body", "bad_end"),
    [
        ("void", {}, Uncertain),
        ("lapse", {}, Uncertain),
        ("capture", {"amount": euro("8.00")}, Uncertain),
        ("capture", {}, Rejected),
        ("status", {"status": "open"}, Rejected),
        ("status", {"status": "pending"}, Rejected),
        ("status", {"status": "failed"}, Uncertain),
    ],
)
def test_void__of_what_is_not_authorized_asks_nobody_to_release(held, verb, body, bad_end):
    """Gone without being taken: done already, look it up. All taken, or nothing ever there: a definite no."""
    held.at_mollie(verb, **body)
    with pytest.raises(bad_end) as end:
        held.void()
    assert type(end.value) is bad_end
    assert held.posts("release") == 0


def test_void__of_what_was_released_meanwhile_is_a_definite_no_for_this_request():
    """Seen authorized, and refused all the same: the next look tells."""
    no = answer({"status": 422, "title": "Unprocessable Entity"}, 422)
    seen = answer(payment(status="authorized", _embedded={"captures": []}))
    with serving(lambda line, asked: line.sendall(no if asked.method == "POST" else seen)) as wire:
        with pytest.raises(Rejected) as refused:
            adapter(wire.url).void(checkout(), request("void"))
        assert [asked.method for asked in wire.seen] == ["GET", "POST"]
        assert wire.seen[1].path == f"/v2/payments/tr_{'A' * 22}/release-authorization"
        assert wire.seen[1].body == b""
    assert refused.value.code == "422"


# -- refunds


def test_refund__is_pending_for_days_and_counts_when_it_is_settled(paid):
    move = paid.refund(2495)

    assert (move.status, move.amount, move.our_reference) == ("pending", 2495, KEYS[0])
    assert paid.look().refunded == 0
    paid.later(2 * HOUR + 60)
    assert (paid.look().refunded, paid.look().refunds[0].status) == (0, "pending")
    paid.later(2 * DAY)
    report = paid.look()
    assert (report.captured, report.refunded) == (2495, 2495)
    assert [(seen.id, seen.status, seen.our_reference) for seen in report.refunds] == [
        (move.id, "succeeded", KEYS[0])
    ]


def test_refund__sends_amount_key_and_mark_and_shows_the_buyer_nothing(paid):
    paid.refund(500, reason="suspected fraud")

    (call,) = paid.sim.calls("refund")
    assert call["idempotency_key"] == KEYS[0]
    (made,) = paid.sim.payments()[0]["_embedded"]["refunds"]
    assert made["amount"] == {"currency": "EUR", "value": "5.00"}
    assert made["metadata"] == {"order": "ABC", "move": KEYS[0], "reason": "suspected fraud"}
    assert made["description"] == "Order ABC"


def test_refund__waits_for_balance(paid):
    paid.sim.control("POST", "mollie/settings", {"refund_starts": "queued"})
    assert paid.refund(500).status == "pending"
    assert paid.look().refunds[0].status == "pending"


def test_refund__several_until_nothing_is_left(paid):
    for key, amount in enumerate([1000, 1001, 494]):
        paid.refund(amount, key)
    with pytest.raises(Rejected) as no:
        paid.refund(1, 3)
    assert no.value.code == "422"
    paid.later(3 * DAY)
    assert paid.look().refunded == 2495
    assert [move.our_reference for move in paid.look().refunds] == KEYS[:3]


@pytest.mark.parametrize("amount", [2496, 10**9, 0])
def test_refund__of_more_than_there_is_is_a_definite_no(paid, amount):
    with pytest.raises(Rejected):
        paid.refund(amount)
    assert paid.look().refunds == ()


@pytest.mark.parametrize("status", ["open", "pending", "authorized", "canceled", "expired", "failed"])
def test_refund__in_a_wrong_state_is_a_definite_no(paid, status):
    paid.sim.set_status(paid.reference.value, status)
    with pytest.raises(Rejected):
        paid.refund(500)


def test_refund__is_bounded_by_what_was_captured(held):
    held.capture(800)
    held.later(10)
    with pytest.raises(Rejected):
        held.refund(2495, key=1)
    assert held.refund(800, key=2).amount == 800


def test_refund__that_comes_back_lowers_the_sum_again(paid):
    move = paid.refund(500)
    paid.at_mollie(f"refunds/{move.id}/status", status="refunded")
    assert paid.look().refunded == 500
    paid.at_mollie(f"refunds/{move.id}/status", status="failed")
    report = paid.look()
    assert (report.refunded, report.refunds[0].status) == (0, "failed")


def test_refund__that_the_dashboard_canceled_is_canceled_or_gone(paid):
    move = paid.refund(500)
    paid.at_mollie(f"refunds/{move.id}/status", status="canceled")
    assert paid.look().refunds == (), "by Mollie's text it is a 404 from then on"
    paid.sim.control("POST", "mollie/settings", {"canceled_refunds": "shown"})
    assert [seen.status for seen in paid.look().refunds] == ["canceled"]


def test_refund__equal_ones_within_an_hour_are_looked_up_and_asked_again_until_the_key_is_forgotten(paid):
    first = paid.refund(500)
    for _ in range(2):
        with pytest.raises(Uncertain) as duplicate:
            paid.refund(500, key=1)
        assert duplicate.value.code == "409"
        assert [move.id for move in paid.look().refunds] == [first.id], "it was certainly not done"

    paid.later(HOUR + 60)
    second = paid.refund(500, key=1)

    assert second.id != first.id
    assert [move.our_reference for move in paid.look().refunds] == KEYS[:2]


@pytest.mark.parametrize(("currency", "amount"), [("JPY", 1500), ("ISK", 1999), ("HUF", 150_000), ("EUR", 1)])
def test_amounts__are_written_with_the_currencys_decimals(mollie, sim, currency, amount):
    money = Money(mollie, sim, currency=currency, amount=amount, capture=Capture.MANUAL, method="creditcard")
    sim.set_status(money.reference.value, "authorized")

    assert money.capture(amount).amount == amount
    money.later(10)
    assert money.look().captured == amount
    assert money.refund(amount, key=1).amount == amount
    money.later(3 * DAY)
    assert (money.look().refunded, money.look().currency) == (amount, currency)


# -- bad ends: what is done is found by its mark, and a repeat does it once

FAULTS: list[tuple[dict[str, Any], type[ProviderError], bool]] = [
    ({"kind": "5xx", "status": 500}, Uncertain, False),
    ({"kind": "5xx", "done": True}, Uncertain, True),
    ({"kind": "429", "retry_after": 30}, NotSent, False),
    ({"kind": "lost_answer"}, Uncertain, True),
    ({"kind": "truncated"}, Uncertain, True),
]


@pytest.mark.parametrize(("fault", "error", "done"), FAULTS)
def test_capture__a_bad_end_is_told_and_the_mark_says_whether_it_was_done(held, fault, error, done):
    held.sim.fault("capture", **fault, times=1)

    with pytest.raises(error) as end:
        held.capture(800)

    assert type(end.value) is error
    assert [move.our_reference for move in held.look().captures] == ([KEYS[0]] if done else [])
    assert held.posts("capture") == 1


@pytest.mark.parametrize(("fault", "error", "done"), FAULTS)
def test_refund__a_bad_end_is_told_and_the_mark_says_whether_it_was_done(paid, fault, error, done):
    paid.sim.fault("refund", **fault, times=1)

    with pytest.raises(error) as end:
        paid.refund(500)

    assert type(end.value) is error
    assert [move.our_reference for move in paid.look().refunds] == ([KEYS[0]] if done else [])
    assert paid.posts("refund") == 1


@pytest.mark.parametrize(("fault", "error", "done"), [fault for fault in FAULTS if fault[0]["kind"] != "truncated"])
def test_void__a_bad_end_is_told_and_the_sums_say_whether_it_was_done(held, fault, error, done):
    held.sim.fault("release", **fault, times=1)

    with pytest.raises(error) as end:
        held.void()

    assert type(end.value) is error
    held.later(10)
    assert held.look().capturable == (0 if done else 2495)


@pytest.mark.parametrize("fault", [fault for fault, *_ in FAULTS], ids=lambda fault: fault["kind"])
def test_repeat__after_any_bad_end_there_is_one_capture_and_one_refund(several, fault):
    for name, ask in (("capture", several.capture), ("refund", several.refund)):
        several.sim.fault(name, **fault, times=1)
        with pytest.raises(ProviderError):
            ask(800, key=len(name))
        move = ask(800, key=len(name))
        assert (move.amount, move.our_reference) == (800, KEYS[len(name)])
        several.later(10)
    report = several.look()
    assert [len(moves) for moves in (report.captures, report.refunds)] == [1, 1]


def test_repeat__after_the_keys_hour_what_was_done_is_recognized_by_its_mark(paid):
    paid.sim.fault("refund", "lost_answer", times=1)
    with pytest.raises(Uncertain):
        paid.refund(2495)
    paid.later(HOUR + 60)

    again = paid.refund(2495)

    assert (again.amount, again.our_reference) == (2495, KEYS[0])
    assert [move.id for move in paid.look().refunds] == [again.id]


def test_repeat__of_a_capture_after_the_keys_hour_is_the_same_capture(held):
    first = held.capture()
    held.later(HOUR + 60)
    again = held.capture()
    assert (again.id, again.status) == (first.id, "succeeded")
    assert len(held.look().captures) == 1


def test_repeat__with_the_same_key_and_another_amount_shows_what_that_key_did(paid):
    """400: the key is taken. What it was taken for counts, or the first refund would be forgotten."""
    first = paid.refund(500)
    assert paid.refund(600) == first
    assert len(paid.look().refunds) == 1


def test_repeat__a_key_that_somebody_used_for_another_call_is_a_definite_no(paid):
    paid.mollie.create(checkout(key=KEYS[0]))
    with pytest.raises(Rejected) as no:
        paid.refund(500)
    assert no.value.code == "400"


def test_refused__and_what_became_of_earlier_ones_cannot_be_seen_is_unclear(paid):
    for strange in ({"status": "paid-ish"}, {"amount": {"currency": "EUR", "value": "1"}, "status": None}):
        no, seen = answer({"title": "x"}, 422), answer(payment(**strange))
        with serving(lambda line, asked, no=no, seen=seen: line.sendall(no if asked.method == "POST" else seen)) as w:
            with pytest.raises(Uncertain):
                adapter(w.url).refund(checkout(), request("refund"))
            assert [asked.method for asked in w.seen] == ["POST", "GET"]


def test_refused__and_then_not_found_is_unclear():
    no, gone = answer({"title": "x"}, 422), answer({"title": "x"}, 404)
    handle = lambda line, asked: line.sendall(no if asked.method == "POST" else gone)  # noqa: E731
    with serving(handle) as wire, pytest.raises(Uncertain):
        adapter(wire.url).capture(checkout(), request("capture"))


@pytest.mark.parametrize("code", [401, 403, 404, 405, 410, 415])
def test_refused__for_other_reasons_nothing_is_looked_up(code):
    with serving(always(answer({"title": "x"}, code))) as wire:
        with pytest.raises(Rejected) as no:
            adapter(wire.url).refund(checkout(), request("refund"))
        assert (len(wire.seen), no.value.code) == (1, str(code))
    assert isinstance(no.value, ObjectNotFound) is (code == 404)


@pytest.mark.parametrize("code", [409, 408, 500, 502, 503, 504])
@pytest.mark.parametrize("kind", ["capture", "refund"])
def test_unclear__is_never_repeated_by_the_adapter(code, kind):
    with serving(always(answer({"title": "x"}, code))) as wire:
        with pytest.raises(Uncertain):
            getattr(adapter(wire.url), kind)(checkout(), request(kind))
        assert len(wire.seen) == 1


def test_void__an_unknown_word_is_unclear_and_releases_nothing():
    with serving(always(answer(payment(status="authorised")))) as wire:
        with pytest.raises(Uncertain):
            adapter(wire.url).void(checkout(), request("void"))
        assert [asked.method for asked in wire.seen] == ["GET"]


@pytest.mark.parametrize("kind", ["capture", "refund"])
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"id": "re_1"},
        {"id": "re_1", "amount": "5.00"},
        {"id": "re_1", "amount": {"currency": "USD", "value": "5.00"}},
        {"id": "re_1", "amount": {"currency": "EUR", "value": 5}},
        {"amount": euro("5.00"), "status": "pending"},
    ],
)
def test_answer__that_cannot_be_read_is_unclear(kind, body):
    with serving(always(answer(body, 201))) as wire, pytest.raises(Uncertain):
        getattr(adapter(wire.url), kind)(checkout(), request(kind))


@pytest.mark.parametrize(
    ("kind", "word", "status"),
    [
        ("refund", "queued", "pending"),
        ("refund", "pending", "pending"),
        ("refund", "processing", "pending"),
        ("refund", "refunded", "succeeded"),
        ("refund", "failed", "failed"),
        ("refund", "canceled", "canceled"),
        ("refund", "some-new-word", "pending"),
        ("capture", "pending", "pending"),
        ("capture", "succeeded", "succeeded"),
        ("capture", "failed", "failed"),
        ("capture", None, "pending"),
    ],
)
def test_answer__each_word_has_a_status(kind, word, status):
    with serving(always(answer({"id": "x_1", "amount": euro("5.00"), "status": word}, 201))) as wire:
        move = getattr(adapter(wire.url), kind)(checkout(), request(kind))
    assert (move.status, move.id, move.amount, move.our_reference) == (status, "x_1", 500, KEYS[0])


# -- requests


def request(kind: str, **fields: Any) -> MoveRequest:
    """A request about the payment that ``wire.payment`` shows."""
    values: dict[str, Any] = {"kind": MoveKind(kind), "key": KEYS[0], "amount": 500, "currency": "EUR"}
    known = (Reference(kind="payment", value="tr_" + "A" * 22),)
    return MoveRequest(**{**values, "created_at": EARLIER, "references": known, **fields})


@pytest.mark.parametrize("kind", ["capture", "refund"])
def test_request__the_same_request_is_the_same_bytes_when_the_buyer_is_purged(kind):
    frozen, again = request(kind, reason="Ünïcode 🎁"), request(kind, reason="Ünïcode 🎁")
    thawed = MoveRequest.from_json(json.loads(json.dumps(again.to_json())))
    made = answer({"id": "x_1", "amount": euro("5.00")}, 201)
    with serving(always(made)) as wire:
        getattr(adapter(wire.url), kind)(checkout(), frozen)
        getattr(adapter(wire.url), kind)(checkout(buyer=Buyer()), thawed)
        first, second = wire.seen
    assert (first.body, first.path) == (second.body, second.path)
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"] == KEYS[0]
    assert json.loads(first.body)["metadata"]["reason"] == "Ünïcode 🎁"


def test_request__the_longest_reason_fits_into_a_kilobyte_however_it_is_counted():
    made = answer({"id": "x_1", "amount": euro("5.00")}, 201)
    with serving(always(made)) as wire:
        adapter(wire.url).refund(checkout(), request("refund", reason="🎁" * 1000))
        assert len(wire.seen[0].body) < 1024


@pytest.mark.parametrize("kind", ["capture", "void", "refund"])
@pytest.mark.parametrize("value", ["", "re_1", "tr_1/refunds", "../tr_1", "tr_1?x", "tr_é"])
def test_request__an_id_that_is_none_is_rejected_before_the_wire(kind, value):
    known = (Reference(kind="payment", value=value),) if value else ()
    with serving(always(answer({}))) as wire:
        with pytest.raises(Rejected):
            getattr(adapter(wire.url), kind)(checkout(), request(kind, references=known))
        assert wire.seen == []


@pytest.mark.parametrize("kind", ["capture", "void", "refund"])
def test_request__of_another_accounts_payment_is_not_found(mollie, sim, kind):
    foreign = adapter(sim.base_url("mollie"), key="test_" + "z" * 30).create(checkout()).report.references[0]
    with pytest.raises(ObjectNotFound):
        getattr(mollie, kind)(checkout(), request(kind, references=(foreign,)))


@pytest.mark.parametrize("method", ["paysafecard", "giftcard"])
def test_check_move__a_method_without_refunds_is_refused_before_the_wire(mollie, sim, method):
    with pytest.raises(Unsupported):
        mollie.check_move(checkout(method=method), request("refund"))
    assert sim.calls() == []


@pytest.mark.parametrize("method", [None, "creditcard", "in3"])
def test_check_move__a_capture_that_is_not_the_last_needs_a_method_that_holds_on(mollie, sim, method):
    with pytest.raises(Unsupported):
        mollie.check_move(checkout(method=method), request("capture", final=False))
    assert sim.calls() == []


@pytest.mark.parametrize("method", ["klarna", "billie", "riverty"])
def test_check_move__a_capture_that_is_not_the_last_is_for_klarna_and_its_like(mollie, method):
    mollie.check_move(checkout(method=method), request("capture", final=False))


def test_check_move__everything_else_may_be_tried(mollie):
    for kind, method in (("refund", None), ("refund", "ideal"), ("capture", "giftcard"), ("void", "paysafecard")):
        mollie.check_move(checkout(method=method), request(kind))


# -- what others did


def test_elsewhere__a_capture_in_the_dashboard(held):
    held.at_mollie("capture", amount=euro("8.00"))
    report = held.look()
    assert (report.captured, report.capturable, report.requested) == (800, 0, 2495)
    assert [(move.amount, move.our_reference) for move in report.captures] == [(800, "")]


def test_elsewhere__a_capture_that_is_not_the_last(several):
    several.at_mollie("capture", amount=euro("8.00"), final=False)
    assert (several.look().captured, several.look().capturable) == (800, 1695)


@pytest.mark.parametrize(("verb", "phase"), [("void", Phase.CANCELED), ("lapse", Phase.EXPIRED)])
def test_elsewhere__the_authorization_ends(held, verb, phase):
    held.at_mollie(verb)
    report = held.look()
    assert (report.phase, report.money, report.capture_before) == (phase, 0, None)


def test_elsewhere__the_authorization_lapses_by_the_clock(held):
    held.later(8 * DAY)
    assert held.look().money == 0


def test_elsewhere__a_refund_in_the_dashboard_is_not_ours(paid):
    paid.at_mollie("refund", status="refunded", amount=euro("5.00"))
    ours = paid.refund(600)
    report = paid.look()
    assert report.refunded == 500
    assert [(move.amount, move.our_reference) for move in report.refunds] == [(500, ""), (600, KEYS[0])]
    assert report.refunds[1].id == ours.id


def test_dispute__in_part_open_and_then_won(paid):
    paid.at_mollie("chargeback", amount=euro("5.00"))
    report = paid.look()
    assert (report.captured, report.charged_back, report.held) == (2495, 500, False)
    (dispute,) = report.disputes
    assert (dispute.status, dispute.amount) == ("open", 500)

    paid.at_mollie(f"chargebacks/{dispute.id}/reverse")
    assert (paid.look().charged_back, paid.look().disputes[0].status) == (0, "won")


def test_dispute__several_add_up(paid):
    for _ in range(2):
        paid.at_mollie("chargeback", amount=euro("5.00"))
    assert paid.look().charged_back == 1000


def test_dispute__what_it_took_cannot_be_refunded(paid):
    paid.at_mollie("chargeback", amount=euro("20.00"))
    with pytest.raises(Rejected):
        paid.refund(2495)


# -- reading


@pytest.mark.parametrize(
    ("fields", "captured", "capturable"),
    [
        ({"status": "authorized", "amountCaptured": euro("0.00")}, 0, 2495),
        ({"status": "authorized", "captures": ["pending"]}, 0, 2495),
        ({"status": "authorized", "captures": ["succeeded"]}, 800, 1695),
        ({"status": "authorized", "captures": ["succeeded", "failed", "succeeded"]}, 1600, 895),
        ({"status": "authorized", "captures": ["succeeded"], "amountCaptured": euro("9.00")}, 900, 1595),
        ({"status": "paid", "captures": ["succeeded"]}, 800, 0),
        ({"status": "paid", "captures": ["failed"]}, 2495, 0),
        ({"status": "canceled", "captures": ["succeeded"]}, 800, 0),
        ({"status": "authorized", "amountCaptured": euro("30.00")}, 3000, 0),
    ],
)
def test_read__captured_is_told_by_the_sum_then_by_the_captures_then_by_the_word(fields, captured, capturable):
    words = fields.pop("captures", [])
    made = [{"id": f"cpt_{n}", "amount": euro("8.00"), "status": word} for n, word in enumerate(words)]
    report = read_payment(payment(**fields, _embedded={"captures": made}))
    assert (report.captured, report.capturable) == (captured, capturable)


@pytest.mark.parametrize(
    ("metadata", "mark"),
    [
        ({"move": KEYS[0]}, KEYS[0]),
        (json.dumps({"move": KEYS[0]}), KEYS[0]),
        ({"attempt": "k-1"}, ""),
        (None, ""),
        ("x", ""),
        (["move"], ""),
    ],
)
def test_read__only_a_move_has_the_mark_of_a_move(metadata, mark):
    """A dashboard refund that took over the payment's metadata is not one that we asked for."""
    refund = {"id": "re_1", "amount": euro("5.00"), "status": "pending", "metadata": metadata}
    report = read_payment(payment(status="paid", _embedded={"refunds": [refund]}))
    assert (report.refunds[0].our_reference, report.our_reference) == (mark, "k-1")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-20T09:28:37+00:00", datetime(2026, 3, 20, 9, 28, 37, tzinfo=UTC)),
        ("2026-03-20T09:28:37Z", datetime(2026, 3, 20, 9, 28, 37, tzinfo=UTC)),
        ("2026-03-20", datetime(2026, 3, 20, tzinfo=UTC)),
        (None, None),
    ],
)
def test_read__until_when_it_can_be_captured(text, moment):
    assert read_payment(payment(status="authorized", captureBefore=text)).capture_before == moment


# -- lines and addresses


def test_lines__go_to_methods_that_need_them(mollie, sim):
    mollie.check(klarna())
    mollie.create(klarna())

    (made,) = sim.payments()
    assert made["method"] == "klarna"
    assert made["billingAddress"] == {
        "givenName": "Ada",
        "familyName": "King Lovelace",
        "email": "ada@example.com",
        "streetAndNumber": "Straat 1",
        "postalCode": "1234AB",
        "city": "Utrecht",
        "country": "NL",
    }
    assert [line["totalAmount"]["value"] for line in made["lines"]] == ["17.90", "7.05"]
    assert made["lines"][0] == {
        "type": "physical",
        "description": "Tea",
        "quantity": 2,
        "unitPrice": euro("8.95"),
        "totalAmount": euro("17.90"),
    }
    assert made["lines"][1]["sku"] == "CUP-1"


@pytest.mark.parametrize("method", [None, "ideal", "creditcard", "banktransfer"])
def test_lines__and_addresses_go_to_nobody_who_needs_none(mollie, sim, method):
    mollie.create(klarna(method=method))
    (made,) = sim.payments()
    assert not {"lines", "billingAddress"} & set(made)
    assert "Straat" not in json.dumps(made)


KINDS = (
    Line(name="Chair", quantity=1, unit_price=3000, total=3000, kind=LineKind.GOODS),
    Line(name="Song", quantity=3, unit_price=100, total=300, kind=LineKind.DIGITAL),
    Line(name="Post", quantity=1, unit_price=500, total=500, kind=LineKind.SHIPPING),
    Line(name="Card fee", quantity=1, unit_price=10, total=10, kind=LineKind.FEE),
    Line(name="Voucher", quantity=1, unit_price=1000, total=1000, kind=LineKind.GIFT_CARD),
    Line(name="Autumn", quantity=1, unit_price=-500, total=-500, kind=LineKind.DISCOUNT),
    Line(name="Card", quantity=2, unit_price=-100, total=-200, kind=LineKind.GIFT_CARD),
    Line(name="Oops", quantity=1, unit_price=-1, total=-1, kind=LineKind.GOODS),
    Line(name="Nothing off", quantity=1, unit_price=0, total=0, kind=LineKind.DISCOUNT),
    Line(name="Thirds", quantity=3, unit_price=33, total=100, sku="x" * 65),
    Line(name=" ", quantity=1, unit_price=1, total=1, sku="S"),
)


def test_lines__every_kind_and_rounding_is_right_to_the_cent(mollie, sim):
    mollie.create(klarna(lines=KINDS, amount=sum(line.total for line in KINDS)))

    (made,) = sim.payments()
    assert [line["type"] for line in made["lines"]] == [
        *("physical", "digital", "shipping_fee", "surcharge", "digital"),
        *("discount", "gift_card", "discount", "physical", "physical", "physical"),
    ]
    thirds, nameless = made["lines"][-2:]
    assert (thirds["description"], thirds["quantity"], thirds["unitPrice"]) == ("3 x Thirds", 1, euro("1.00"))
    assert "sku" not in thirds
    assert (nameless["description"], nameless["sku"]) == ("S", "S")


def test_lines__first_and_last_name_are_taken_where_they_are_known(mollie, sim):
    mollie.create(klarna(buyer=replace(BUYER, first_name="Augusta Ada", last_name="Byron", street2="2 hoog")))
    address = sim.payments()[0]["billingAddress"]
    assert (address["givenName"], address["familyName"]) == ("Augusta Ada", "Byron")
    assert address["streetAdditional"] == "2 hoog"


@pytest.mark.parametrize(
    "fields",
    [
        {"lines": ()},
        {"lines": (TEA,)},
        {"buyer": Buyer()},
        {"buyer": replace(BUYER, name="Ada")},
        {"buyer": replace(BUYER, email="")},
        {"buyer": replace(BUYER, street=" ")},
        {"buyer": replace(BUYER, postal_code="")},
        {"buyer": replace(BUYER, city="")},
        {"buyer": replace(BUYER, country="")},
        {"method": "billie"},
        {"method": "billink", "buyer": replace(BUYER, email="", city="")},
        {"method": "riverty"},
    ],
)
def test_check__what_mollie_would_refuse_is_refused_before_the_wire(mollie, sim, fields):
    with pytest.raises(InvalidCheckout):
        mollie.check(klarna(**fields))
    assert sim.calls() == []


@pytest.mark.parametrize(
    "fields",
    [
        {"method": "billie", "buyer": replace(BUYER, company="Engines Ltd")},
        {"method": "billink", "buyer": Buyer(email="ada@example.com")},
        {"method": "billink", "buyer": replace(BUYER, email="")},
        {"method": "riverty", "capture": Capture.MANUAL},
        {"method": "in3"},
        {"method": None, "lines": (TEA,), "buyer": Buyer()},
        {"method": "ideal", "buyer": Buyer()},
    ],
)
def test_check__what_mollie_takes_passes(mollie, fields):
    mollie.check(klarna(**fields))


def test_lines__a_refusal_names_no_person(mollie):
    with pytest.raises(PayflowError) as refused:
        mollie.check(klarna(buyer=replace(BUYER, city="")))
    assert "city" in str(refused.value)
    assert not any(word in str(refused.value) for word in ("Ada", "ada@", "Straat"))
