"""Captures, voids and refunds: the bytes that leave and what becomes of the answers, at hand-written servers."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest

from django_payflow.exceptions import (
    NotSent,
    ObjectNotFound,
    ProviderError,
    Rejected,
    Uncertain,
    UnknownStatus,
    Unsupported,
)
from django_payflow.messages import Buyer, Line, MoneyMove, MoveKind, MoveRequest, Reference
from django_payflow.providers.stripe import INTENT, StripeProvider, read_session
from tests.mollie.wire import Wire, always, answer, serving
from tests.stripe.wire import (
    ATTEMPT,
    CHARGE_ID,
    INTENT_ID,
    KEY,
    MOVE,
    SECRET,
    SESSION_ID,
    adapter,
    charge,
    checkout,
    event,
    intent,
    listing,
    move,
    move_request,
    paid,
    session,
    signed,
)

INTENTS = f"/v1/payment_intents/{INTENT_ID}"
SESSION_ONLY = (Reference(kind="session", value=SESSION_ID),)
MARKS = {"refund": MOVE, "attempt": ATTEMPT, "order": "ABC"}
TAKEN = intent(status="succeeded", amount_received=2495, latest_charge=CHARGE_ID)
GONE = intent(status="canceled", cancellation_reason=None, latest_charge=CHARGE_ID)


def refund_of(amount: int = 2495, status: str = "succeeded", **fields: Any) -> dict[str, Any]:
    """A refund that we asked for, as Stripe answers."""
    more = {"object": "refund", "charge": CHARGE_ID, "payment_intent": INTENT_ID, "metadata": MARKS}
    return move("re", amount, status, **{**more, **fields})


GOOD = {MoveKind.CAPTURE: TAKEN, MoveKind.VOID: GONE, MoveKind.REFUND: refund_of()}
PATHS = {
    MoveKind.CAPTURE: f"{INTENTS}/capture",
    MoveKind.VOID: f"{INTENTS}/cancel",
    MoveKind.REFUND: "/v1/refunds",
}
KINDS = sorted(PATHS)


def ask(stripe: StripeProvider, request: MoveRequest) -> MoneyMove:
    """What the flow calls for a request; the buyer is purged by then."""
    call: Callable[..., MoneyMove] = getattr(stripe, request.kind.value)
    return call(checkout(buyer=Buyer()), request)


def asked(raw: Any, request: MoveRequest) -> MoneyMove:
    """Ask a server that gives every request the same answer; ``raw`` is an object unless it is bytes already."""
    with serving(always(raw if isinstance(raw, bytes) else answer(raw))) as wire:
        return ask(adapter(wire.url), request)


def sent(request: MoveRequest, **fields: Any) -> dict[str, str]:
    """What a call sends, name by name."""
    with serving(always(answer(GOOD[request.kind]))) as wire:
        getattr(adapter(wire.url), request.kind.value)(checkout(**fields), request)
        return dict(parse_qsl(wire.seen[0].body.decode("ascii"), keep_blank_values=True, strict_parsing=True))


def error(status: int, **fields: Any) -> bytes:
    return answer({"error": {"type": "invalid_request_error", "message": "words", **fields}}, status)


def paths(wire: Wire) -> list[str]:
    return [f"{seen.method} {seen.path.partition('?')[0]}" for seen in wire.seen]


def refuses_then_shows(refusal: bytes, shown: Any) -> Callable[..., None]:
    """A server that refuses the POST, and shows the intent (or other bytes) when it is asked for."""

    def handle(connection: Any, request: Any) -> None:
        raw = shown if isinstance(shown, bytes) else answer(shown)
        connection.sendall(refusal if request.method == "POST" else raw)

    return handle


# -- what leaves


@pytest.mark.parametrize("kind", KINDS)
def test_request__goes_once_to_its_address_under_its_own_key(kind):
    with serving(always(answer(GOOD[kind]))) as wire:
        ask(adapter(wire.url), move_request(kind))
        (seen,) = wire.seen

    assert (seen.method, seen.path) == ("POST", PATHS[kind])
    assert seen.headers["idempotency-key"] == MOVE
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert seen.headers["stripe-version"] == "2026-03-25.dahlia"
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize("kind", KINDS)
def test_request__the_same_one_always_gives_the_same_bytes(kind):
    lines = (Line(name="Sencha", quantity=1, unit_price=895, total=895),)
    frozen = move_request(kind, amount=895, reason="Дождь & sun = ☔", lines=lines)
    with serving(always(answer(GOOD[kind]))) as wire:
        ask(adapter(wire.url), frozen)
        ask(adapter(wire.url), MoveRequest.from_json(json.loads(json.dumps(frozen.to_json()))))
        first, second = [(seen.body, seen.path, seen.headers["idempotency-key"]) for seen in wire.seen]
    assert first == second


def test_capture__sends_the_exact_sum_and_leaves_the_rest_to_stripe():
    assert sent(move_request(MoveKind.CAPTURE, amount=2495)) == {"amount_to_capture": "2495"}
    assert sent(move_request(MoveKind.CAPTURE, amount=800)) == {"amount_to_capture": "800"}


def test_void__sends_nothing_but_the_key():
    with serving(always(answer(GONE))) as wire:
        ask(adapter(wire.url), move_request(MoveKind.VOID, reason="requested_by_customer"))
        assert wire.seen[0].body == b""


def test_refund__sends_the_exact_sum_and_our_marks():
    assert sent(move_request(amount=700)) == {
        "payment_intent": INTENT_ID,
        "amount": "700",
        "metadata[refund]": MOVE,
        "metadata[attempt]": ATTEMPT,
        "metadata[order]": "ABC",
    }


@pytest.mark.parametrize(
    ("words", "reason", "kept"),
    [
        ("", None, None),
        ("  ", None, None),
        ("duplicate", "duplicate", "duplicate"),
        ("requested_by_customer", "requested_by_customer", "requested_by_customer"),
        ("fraudulent", None, "fraudulent"),  # Stripe would block the buyer's card
        ("Duplicate", None, "Duplicate"),
        ("the pot was broken", None, "the pot was broken"),
        ("x" * 600, None, "x" * 500),
    ],
)
def test_refund__a_persons_words_are_metadata_and_a_reason_only_where_stripe_knows_the_word(words, reason, kept):
    form = sent(move_request(reason=words))
    assert (form.get("reason"), form.get("metadata[reason]")) == (reason, kept)


def test_refund__a_long_reference_is_cut():
    assert sent(move_request(), order_reference="r" * 600)["metadata[order]"] == "r" * 500


@pytest.mark.parametrize(
    ("currency", "amount", "units"),
    [("JPY", 500, "500"), ("ISK", 15, "1500"), ("UGX", 7, "700"), ("MGA", 500, "5"), ("KWD", 2010, "2010")],
)
@pytest.mark.parametrize("kind", [MoveKind.CAPTURE, MoveKind.REFUND])
def test_amount__is_in_stripes_units(kind, currency, amount, units):
    there = {
        MoveKind.CAPTURE: intent(
            status="succeeded", currency=currency.lower(), amount_received=int(units), latest_charge=CHARGE_ID
        ),
        MoveKind.REFUND: refund_of(int(units), currency=currency.lower()),
    }
    request = move_request(kind, amount=amount, currency=currency)
    with serving(always(answer(there[kind]))) as wire:
        done = ask(adapter(wire.url), request)
        form = dict(parse_qsl(wire.seen[0].body.decode()))
    assert form["amount_to_capture" if kind is MoveKind.CAPTURE else "amount"] == units
    assert done.amount == amount


@pytest.mark.parametrize(("currency", "amount"), [("KWD", 2011), ("MGA", 501), ("XAU", 100)])
@pytest.mark.parametrize("kind", [MoveKind.CAPTURE, MoveKind.REFUND])
def test_amount__without_an_exact_form_is_refused_before_the_wire(kind, currency, amount):
    request = move_request(kind, amount=amount, currency=currency)
    with pytest.raises(Unsupported):
        adapter().check_move(checkout(), request)
    with serving(always(error(500))) as wire, pytest.raises(Unsupported):
        ask(adapter(wire.url), request)
    assert wire.seen == []


@pytest.mark.parametrize("kind", KINDS)
def test_amount__that_has_one_passes(kind):
    adapter().check_move(checkout(), move_request(kind, amount=1))


def test_amount__a_void_has_none_to_express():
    adapter().check_move(checkout(), move_request(MoveKind.VOID, amount=2011, currency="KWD"))


# -- the intent, where it is not stored


@pytest.mark.parametrize("kind", KINDS)
def test_intent__that_is_not_stored_is_read_from_the_session(kind):
    def handle(connection: Any, request: Any) -> None:
        connection.sendall(answer(session(payment_intent=INTENT_ID) if request.method == "GET" else GOOD[kind]))

    with serving(handle) as wire:
        ask(adapter(wire.url), move_request(kind, references=SESSION_ONLY))
        assert paths(wire) == [f"GET /v1/checkout/sessions/{SESSION_ID}", f"POST {PATHS[kind]}"]
        if kind is MoveKind.REFUND:
            assert f"payment_intent={INTENT_ID}".encode() in wire.seen[1].body


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("shown", "end"),
    [
        (session(payment_intent=None), Rejected),
        (session(payment_intent=17), Uncertain),
        (session(payment_intent="../refunds"), Uncertain),
        (error(404, code="resource_missing"), ObjectNotFound),
        (error(500), Uncertain),
    ],
)
def test_intent__without_one_nothing_is_asked_for(kind, shown, end):
    with serving(always(shown if isinstance(shown, bytes) else answer(shown))) as wire, pytest.raises(end) as bad:
        ask(adapter(wire.url), move_request(kind, references=SESSION_ONLY))
    assert type(bad.value) is end
    assert {seen.method for seen in wire.seen} == {"GET"}


@pytest.mark.parametrize("kind", KINDS)
def test_intent__without_any_reference_there_is_no_call_at_all(kind):
    with serving(always(answer(listing()))) as wire, pytest.raises(Rejected):
        ask(adapter(wire.url), move_request(kind, references=()))
    assert wire.seen == []


def test_intent__a_strange_id_stays_one_part_of_the_path():
    strange = (Reference(kind="intent", value="pi_1/../../refunds?x=1#y"),)
    with serving(always(answer(TAKEN))) as wire:
        ask(adapter(wire.url), move_request(MoveKind.CAPTURE, references=strange))
        assert wire.seen[0].path == "/v1/payment_intents/pi_1%2F..%2F..%2Frefunds%3Fx%3D1%23y/capture"


# -- good ends


@pytest.mark.parametrize("received", [2495, 800])
def test_capture__is_what_the_intent_received_under_the_charges_id(received):
    done = asked({**TAKEN, "amount_received": received}, move_request(MoveKind.CAPTURE, amount=received))
    assert done == MoneyMove(id=CHARGE_ID, amount=received, status="succeeded")
    report = read_session(paid(amount_received=received, of_charge={"amount_captured": received}))
    assert report.captures == (done,), "one capture, one id"


def test_capture__another_sum_than_asked_for_is_told():
    assert asked({**TAKEN, "amount_received": 500}, move_request(MoveKind.CAPTURE, amount=800)).amount == 500


def test_capture__that_the_bank_works_on_is_pending():
    working = intent(status="processing", latest_charge=CHARGE_ID)
    done = asked(working, move_request(MoveKind.CAPTURE, amount=800))
    assert done == MoneyMove(id=CHARGE_ID, amount=800, status="pending")


def test_void__has_no_id():
    done = asked(GONE, move_request(MoveKind.VOID))
    assert done == MoneyMove(id="", amount=2495, status="succeeded")


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("succeeded", "succeeded"),
        ("pending", "pending"),
        ("requires_action", "pending"),
        ("failed", "failed"),
        ("canceled", "canceled"),
        ("some-new-word", "pending"),
    ],
)
def test_refund__is_told_in_our_words_with_our_mark(word, status):
    done = asked(refund_of(700, word), move_request(amount=700))
    assert done == MoneyMove(id=f"re_{word}700", amount=700, status=status, our_reference=MOVE)


# -- answers that say something else


def without(thing: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in thing.items() if key != name}


ODD: list[tuple[MoveKind, Any]] = [
    *[(kind, raw) for kind in KINDS for raw in ({}, [], b"", answer(b"<html>done</html>"), answer({}, 302))],
    *[(kind, answer(GOOD[kind])[:-20]) for kind in KINDS],
    *[(MoveKind.CAPTURE, {**TAKEN, "status": word}) for word in ("requires_capture", "canceled", "captured", None)],
    *[
        (MoveKind.CAPTURE, without(TAKEN, name))
        for name in ("status", "latest_charge", "amount_received", "currency")
    ],
    *[(MoveKind.CAPTURE, {**TAKEN, "amount_received": value}) for value in ("2495", None, -1, True)],
    (MoveKind.CAPTURE, {**TAKEN, "latest_charge": None}),
    (MoveKind.CAPTURE, {**TAKEN, "currency": "usd"}),
    (MoveKind.CAPTURE, without({**TAKEN, "status": "processing"}, "latest_charge")),
    *[(MoveKind.VOID, {**GONE, "status": word}) for word in ("requires_capture", "succeeded", "voided", None)],
    (MoveKind.VOID, without(GONE, "status")),
    *[(MoveKind.REFUND, without(refund_of(), name)) for name in ("id", "amount", "currency", "status", "metadata")],
    (MoveKind.REFUND, refund_of(status=["succeeded"])),
    (MoveKind.REFUND, refund_of(currency="usd")),
    (MoveKind.REFUND, refund_of(metadata={**MARKS, "refund": "another"})),
    (MoveKind.REFUND, refund_of(metadata={"attempt": MOVE})),
]


@pytest.mark.parametrize(("kind", "raw"), ODD)
def test_odd_answer__is_an_unclear_end_never_a_guess(kind, raw):
    with pytest.raises(Uncertain):
        asked(raw, move_request(kind))


# -- refusals


REFUSALS = [
    # answer, end, word
    (error(400, code="charge_already_refunded"), Rejected, "charge_already_refunded"),
    (error(400, param="amount"), Rejected, ""),
    (error(400), Rejected, ""),
    (error(400, code="parameter_invalid_integer", param="amount"), Rejected, "parameter_invalid_integer"),
    (error(400, code="charge_disputed"), Rejected, "charge_disputed"),
    (error(400, code="refund_disputed_payment"), Rejected, "refund_disputed_payment"),
    (error(400, code="amount_too_large", message="idempotency_error"), Rejected, "amount_too_large"),
    (error(401), Rejected, ""),
    (error(402, code="card_declined"), Rejected, "card_declined"),
    (error(403), Rejected, ""),
    (error(404, code="resource_missing"), ObjectNotFound, "resource_missing"),
    (error(400, type="idempotency_error"), Uncertain, ""),
    (answer({"error": {"type": "idempotency_error"}}, 400), Uncertain, ""),
    (error(400, code="lock_timeout"), Uncertain, "lock_timeout"),
    (error(429, code="lock_timeout"), Uncertain, "lock_timeout"),
    (error(400, code="idempotency_key_in_use"), Uncertain, "idempotency_key_in_use"),
    (error(409, code="idempotency_key_in_use", type="idempotency_error"), Uncertain, "idempotency_key_in_use"),
    (error(409), Uncertain, ""),
    (error(424), Uncertain, ""),
    (error(429, code="rate_limit"), NotSent, "rate_limit"),
    (error(500, type="api_error"), Uncertain, ""),
    (error(502), Uncertain, ""),
    (error(503), Uncertain, ""),
]


@pytest.mark.parametrize(("raw", "end", "word"), REFUSALS)
def test_refund__refusals_are_told_apart_and_never_repeated_by_the_adapter(raw, end, word):
    with serving(always(raw)) as wire, pytest.raises(ProviderError) as bad:
        ask(adapter(wire.url), move_request())
    assert type(bad.value) is end
    assert (bad.value.word, len(wire.seen)) == (word, 1)


@pytest.mark.parametrize(("raw", "end", "word"), REFUSALS)
@pytest.mark.parametrize("kind", [MoveKind.CAPTURE, MoveKind.VOID])
def test_capture_and_void__the_same_refusals_while_the_hold_stands(kind, raw, end, word):
    with (
        serving(refuses_then_shows(raw, intent(status="requires_capture", amount_capturable=2495))) as wire,
        pytest.raises(ProviderError) as bad,
    ):
        ask(adapter(wire.url), move_request(kind))
    assert type(bad.value) is end
    assert bad.value.word == word
    assert [seen.method for seen in wire.seen].count("POST") == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [400, 500])
def test_kept__what_stripe_keeps_under_the_key_says_so(kind, status):
    kept = answer({"error": {"type": "api_error"}}, status, Idempotent_Replayed="true")
    fresh = answer({"error": {"type": "api_error"}}, status)
    held = intent(status="requires_capture", amount_capturable=2495)
    for raw, replayed in ((kept, True), (fresh, False)):
        with serving(refuses_then_shows(raw, held)) as wire, pytest.raises(ProviderError) as bad:
            ask(adapter(wire.url), move_request(kind))
        assert type(bad.value) is (Uncertain if status == 500 else Rejected)
        assert (bad.value.replayed, bad.value.code) == (replayed, str(status))


def test_doubt__carries_what_the_refusal_said():
    raw = answer({"error": {"type": "x", "code": "lock_timeout"}}, 429, Retry_After="7", Idempotent_Replayed="true")
    with pytest.raises(Uncertain) as bad:
        asked(raw, move_request())
    said = bad.value
    assert (said.code, said.word, said.retry_after, said.replayed) == ("429", "lock_timeout", 7, True)


UNEXPECTED = error(400, code="payment_intent_unexpected_state")
LOOKED_INTO = [
    # what the intent says after "unexpected state": a capture of 24.95 is ..., a void is ...
    ({"status": "succeeded", "amount_received": 2495}, Uncertain, Rejected),
    ({"status": "succeeded", "amount_received": 800}, Rejected, Rejected),
    ({"status": "processing"}, Uncertain, Uncertain),
    ({"status": "canceled"}, Rejected, Uncertain),
    ({"status": "canceled", "cancellation_reason": "automatic"}, Rejected, Uncertain),
    ({"status": "requires_capture", "amount_capturable": 2495}, Rejected, Rejected),
    ({"status": "requires_payment_method"}, Rejected, Rejected),
    ({"status": "requires_confirmation"}, Rejected, Rejected),
    ({"status": "requires_action"}, Rejected, Rejected),
    ({"status": "some_new_word"}, Uncertain, Uncertain),
    ({"status": None}, Uncertain, Uncertain),
    ({"status": ["canceled"]}, Uncertain, Uncertain),
]


@pytest.mark.parametrize(("shown", "capture", "void"), LOOKED_INTO)
def test_unexpected_state__the_intent_tells_a_no_from_done_already(shown, capture, void):
    for kind, end in ((MoveKind.CAPTURE, capture), (MoveKind.VOID, void)):
        with serving(refuses_then_shows(UNEXPECTED, intent(**shown))) as wire, pytest.raises(ProviderError) as bad:
            ask(adapter(wire.url), move_request(kind))
        assert type(bad.value) is end, kind
        assert bad.value.word == "payment_intent_unexpected_state"
        assert paths(wire) == [f"POST {PATHS[kind]}", f"GET {INTENTS}"]


def test_unexpected_state__every_word_of_an_intent_is_met_above():
    assert set(INTENT) <= {str(row[0]["status"]) for row in LOOKED_INTO}


@pytest.mark.parametrize("kind", [MoveKind.CAPTURE, MoveKind.VOID])
@pytest.mark.parametrize("shown", [error(403), error(404), error(429), error(500), answer(b"[]")])
def test_unexpected_state__of_an_intent_that_cannot_be_read_is_an_unclear_end(kind, shown):
    with serving(refuses_then_shows(UNEXPECTED, shown)) as wire, pytest.raises(Uncertain):
        ask(adapter(wire.url), move_request(kind))


@pytest.mark.parametrize("kind", [MoveKind.CAPTURE, MoveKind.VOID])
@pytest.mark.parametrize("status", [401, 403, 404])
def test_refused__key_or_id_nothing_is_looked_into(kind, status):
    with serving(always(error(status))) as wire, pytest.raises(Rejected):
        ask(adapter(wire.url), move_request(kind))
    assert len(wire.seen) == 1


# -- what a report tells


def test_report__a_refund_carries_its_own_key_and_not_the_attempts():
    ours = move("re", 100, "succeeded", metadata=MARKS)
    theirs = move("re", 200, "succeeded", metadata={"attempt": ATTEMPT})
    report = read_session(paid(of_charge={"amount_refunded": 300}), refunds=[ours, theirs])
    assert [found.our_reference for found in report.refunds] == [MOVE, ""]
    assert report.our_reference == ATTEMPT


@pytest.mark.parametrize("mark", [None, 7, "", "x" * 65, "k\n1", "ключ", ["x"]])
def test_report__a_mark_that_cannot_be_ours_is_none(mark):
    report = read_session(paid(), refunds=[move("re", 1, "pending", metadata={"refund": mark})])
    assert report.refunds[0].our_reference == ""


def test_report__a_dispute_is_nobodys_request():
    disputes = [move("dp", 100, "lost", metadata={"refund": MOVE, "attempt": ATTEMPT})]
    assert read_session(paid(), disputes=disputes).disputes[0].our_reference == ""


SUMS = [
    # the charge's own sum, refunds, refunded
    (0, [], 0),
    (500, [(500, "succeeded")], 500),
    (500, [(500, "succeeded"), (300, "pending")], 500),
    (800, [(500, "succeeded"), (300, "pending")], 500),  # should a charge count what is only under way
    (500, [(500, "failed")], 0),  # should its sum not fall when a refund fails later
    (0, [(500, "failed")], 0),
    (500, [(500, "canceled")], 0),
    (800, [(500, "failed"), (300, "succeeded")], 300),
    (700, [], 700),  # what no refund explains
    (700, [(200, "succeeded")], 700),
    (700, [(200, "failed")], 500),
    (100, [(500, "succeeded")], 500),
]


@pytest.mark.parametrize(("counted", "refunds", "refunded"), SUMS)
def test_report__refunded_is_what_arrived(counted, refunds, refunded):
    moves = [move("re", amount, word) for amount, word in refunds]
    assert read_session(paid(of_charge={"amount_refunded": counted}), refunds=moves).refunded == refunded


def withdrawal(*amounts: int) -> list[dict[str, Any]]:
    return [{"id": f"txn_{at}", "amount": amount, "currency": "usd"} for at, amount in enumerate(amounts)]


@pytest.mark.parametrize(
    ("word", "lines", "status", "charged_back"),
    [
        ("prevented", None, "won", 0),
        ("prevented", [], "won", 0),
        ("prevented", withdrawal(-2700), "lost", 2495),
        ("prevented", withdrawal(-2700, 2700), "won", 0),
        ("prevented", [{"id": "txn_unknown"}], "won", 0),
        ("won", withdrawal(-2700), "won", 0),
        ("needs_response", [], "open", 2495),
        ("lost", ["txn_unreadable"], "lost", 2495),
        ("warning_needs_response", [], "inquiry", 0),
        ("warning_closed", [], "won", 0),
    ],
)
def test_report__a_prevented_dispute_took_what_left_the_balance(word, lines, status, charged_back):
    disputes = [move("dp", 2495, word, balance_transactions=lines)]
    report = read_session(paid(of_charge={"disputed": True}), disputes=disputes)
    assert (report.disputes[0].status, report.charged_back) == (status, charged_back)


@pytest.mark.parametrize("lines", [7, ["x"], [{"amount": "much"}], [{"amount": None}]])
def test_report__a_balance_that_cannot_be_read_gives_no_report(lines):
    with pytest.raises(Uncertain):
        read_session(paid(), disputes=[move("dp", 2495, "prevented", balance_transactions=lines)])


def test_report__an_unknown_word_of_a_dispute_gives_none():
    with pytest.raises(UnknownStatus):
        read_session(paid(), disputes=[move("dp", 500, "escalated", balance_transactions=[])])


def held(before: Any, **of_intent: Any) -> dict[str, Any]:
    card = {"type": "card", "card": {} if before is None else {"capture_before": before}}
    made = charge(captured=False, amount_captured=0, payment_method_details=card)
    values = {"status": "requires_capture", "amount_capturable": 2495, "latest_charge": made, **of_intent}
    return session(status="complete", payment_intent=intent(**values), url=None)


LAPSES = datetime(2026, 3, 8, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("shown", "before"),
    [
        (held(int(LAPSES.timestamp())), LAPSES),
        (held(None), None),
        (held(int(LAPSES.timestamp()), status="succeeded", amount_capturable=0, amount_received=2495), None),
        (held(int(LAPSES.timestamp()), status="canceled", amount_capturable=0), None),
        (held(int(LAPSES.timestamp()), latest_charge=CHARGE_ID), None),
        (held(None, latest_charge=charge(payment_method_details={"type": "paypal", "paypal": {}})), None),
        (session(), None),
    ],
)
def test_report__until_when_a_hold_can_be_captured(shown, before):
    assert read_session(shown).capture_before == before


@pytest.mark.parametrize("before", ["soon", 10**20, [1]])
def test_report__a_date_that_is_none_gives_no_report(before):
    with pytest.raises(Uncertain):
        read_session(held(before))


def test_flags__are_what_stripe_offers():
    flags = StripeProvider
    assert (flags.supports_capture, flags.supports_partial_capture, flags.supports_several_captures) == (
        True,
        True,
        False,
    )
    assert (flags.supports_void, flags.supports_refund, flags.supports_partial_refund) == (True, True, True)
    assert (flags.unlisted, flags.marks_captures) == (frozenset(), False)
    assert flags.authorization_life == timedelta(days=7)


# -- webhooks about them


@pytest.mark.parametrize("kind", ["refund.created", "refund.updated", "refund.failed", "charge.refund.updated"])
def test_notice__of_our_refund_leads_to_the_payment_by_its_ids_and_by_the_attempts_mark(kind):
    (notice,) = adapter().parse_webhook(*signed(event(refund_of(), type=kind)), {}, "")
    assert (notice.reference, set(notice.also)) == (INTENT_ID, {CHARGE_ID, "re_succeeded2495"})
    assert (notice.our_reference, notice.foreign, notice.ignorable) == (ATTEMPT, False, False)


@pytest.mark.parametrize("metadata", [{}, None, {"refund": MOVE}])
def test_notice__of_a_dashboard_refund_leads_there_by_its_ids(metadata):
    (notice,) = adapter().parse_webhook(*signed(event(refund_of(metadata=metadata), type="refund.updated")), {}, "")
    assert (notice.reference, notice.also[0]) == (INTENT_ID, CHARGE_ID)
    assert (notice.our_reference, notice.foreign, notice.ignorable) == ("", False, False)


# -- secrets


@pytest.mark.attack(43)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("raw", [UNEXPECTED, error(401), error(429, code="lock_timeout"), error(500), b"", b"{}"])
def test_traceback__of_a_failing_call_shows_no_secret_even_with_locals(kind, raw):
    with serving(always(raw)) as wire, pytest.raises(ProviderError) as bad:
        ask(adapter(wire.url), move_request(kind))
    seen = traceback.TracebackException.from_exception(bad.value, capture_locals=True)
    text = "".join(seen.format(chain=True))
    assert KEY not in text and SECRET not in text


@pytest.mark.parametrize("kind", KINDS)
def test_deadline__one_for_all_that_a_call_asks(kind):
    """The session comes in time, and so would the answer to what is asked then; both together do not."""

    def handle(connection: Any, request: Any) -> None:
        wire.enough.wait(0.4)
        connection.sendall(answer(session(payment_intent=INTENT_ID) if request.method == "GET" else GOOD[kind]))

    with serving(handle) as wire, pytest.raises(Uncertain):
        ask(adapter(wire.url, deadline=0.7), move_request(kind, references=SESSION_ONLY))
