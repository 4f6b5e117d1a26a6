"""Captures, voids, refunds and disputes: against the simulator, and against answers by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from django_payflow.exceptions import NotSent, ObjectNotFound, Rejected, Uncertain, UnknownStatus, Unsupported
from django_payflow.messages import (
    Buyer,
    Capture,
    Checkout,
    MoneyMove,
    MoveKind,
    MoveRequest,
    Phase,
    Reference,
    Report,
)
from django_payflow.providers.wooshpay import (
    DISPUTE_WORDS,
    REFUND_WORDS,
    WooshPayProvider,
    read_new_refund,
    read_part,
)
from django_payflow.simulators.wooshpay.movements import DISPUTE_STATUSES, REFUND_STATUSES
from django_payflow.testing.contract import Act
from tests.contract.stages.wooshpay import WooshPayStage
from tests.wooshpay.wire import (
    CHARGE,
    DISPUTE,
    INTENT,
    REFUND,
    SESSION,
    adapter,
    always,
    answer,
    checkout,
    dispute,
    intent,
    pages,
    refund,
    request,
    serving,
    session,
)

DIALECTS: list[dict[str, Any]] = [
    {},
    {"empty_values": "null"},
    {"empty_values": "text"},
    {"empty_values": "absent"},
    {"currency_case": "lower"},
    {"encoded_fields": True},
    {"intent_in_session": "object"},
    {"stray_live_mode": True},
]
KINDS = {MoveKind.CAPTURE: "capture", MoveKind.VOID: "cancel", MoveKind.REFUND: "refund"}
"""With the simulator's names of the requests."""


class Till:
    """One payment at the simulated WooshPay, and what the flow does with it later: without the buyer's data."""

    def __init__(self, wooshpay: WooshPayProvider, sim: Any) -> None:
        self.wooshpay, self.sim = wooshpay, sim
        self.checkout = checkout()
        self.report: Report
        self.keys = 0

    def start(self, **fields: Any) -> Till:
        made = checkout(**fields)
        self.checkout = Checkout.from_json({**made.to_json(), "buyer": {}})
        self.report = self.wooshpay.create(made).report
        return self

    def paid(self, **fields: Any) -> Till:
        self.start(**fields)
        self.move("paid")
        return self

    def held(self, **fields: Any) -> Till:
        self.start(capture=Capture.MANUAL, **fields)
        self.move("authorized")
        return self

    @property
    def path(self) -> str:
        return f"wooshpay/payments/{self.report.references[0].value}"

    def move(self, status: str) -> None:
        self.sim.set_status(self.report.references[0].value, status, provider="wooshpay")

    def verb(self, verb: str, **body: Any) -> dict[str, Any]:
        return dict(self.sim.control("POST", f"{self.path}/{verb}", body))

    def shown(self) -> dict[str, Any]:
        """How the simulator has it."""
        return dict(self.sim.control("GET", self.path))

    def request(self, kind: MoveKind, amount: int, **fields: Any) -> MoveRequest:
        self.keys += 1
        values: dict[str, Any] = {
            "key": f"22222222-2222-4222-8222-{self.keys:012d}",
            "amount": amount,
            "currency": self.checkout.currency,
            "references": self.report.references,
        }
        return request(kind, **{**values, **fields})

    def do(self, asked: MoveRequest) -> MoneyMove:
        calls = {MoveKind.CAPTURE: self.wooshpay.capture, MoveKind.VOID: self.wooshpay.void}
        return calls.get(asked.kind, self.wooshpay.refund)(self.checkout, asked)

    def refund(self, amount: int, **fields: Any) -> MoneyMove:
        return self.do(self.request(MoveKind.REFUND, amount, **fields))

    def capture(self, amount: int, **fields: Any) -> MoneyMove:
        return self.do(self.request(MoveKind.CAPTURE, amount, **fields))

    def void(self, **fields: Any) -> MoneyMove:
        return self.do(self.request(MoveKind.VOID, self.checkout.amount, **fields))

    def look(self) -> Report:
        return self.wooshpay.retrieve(self.checkout, self.report.references[0])

    def sums(self) -> tuple[int | None, int | None]:
        seen = self.look()
        return seen.captured, seen.capturable

    def part(self, kind: str, part_id: str) -> MoneyMove:
        return self.wooshpay.retrieve_move(self.checkout, Reference(kind=kind, value=part_id))

    def newest(self, kind: str = "refund") -> MoneyMove:
        return self.part(kind, self.shown()[f"{kind}s"][-1]["id"])


@pytest.fixture
def till(wooshpay, sim) -> Till:
    return Till(wooshpay, sim)


def test_flags__say_what_the_sheet_says():
    able = {
        name for name in dir(WooshPayProvider) if name.startswith("supports_") and getattr(WooshPayProvider, name)
    }
    assert able == {
        "supports_cancel",
        "supports_capture",
        "supports_find",
        "supports_manual_capture",
        "supports_partial_capture",
        "supports_partial_refund",
        "supports_refund",
        "supports_void",
    }
    assert WooshPayProvider.unlisted == {MoveKind.REFUND, MoveKind.DISPUTE}
    assert not WooshPayProvider.marks_captures
    assert WooshPayProvider.authorization_life is not None
    assert WooshPayProvider.authorization_life.days == 7


# -- captures


def test_capture__of_everything(till):
    till.held()
    asked = till.request(MoveKind.CAPTURE, 1234)

    assert till.do(asked) == MoneyMove(id="", amount=1234, status="succeeded", our_reference=asked.key)
    assert till.sums() == (1234, 0)
    assert till.sim.calls("capture")[0]["idempotency_key"] == asked.key


def test_capture__of_a_part_releases_the_rest(till):
    till.held()
    assert till.capture(800).amount == 800
    assert till.sums() == (800, 0)
    assert till.look().phase is Phase.PROCESSING


@pytest.mark.parametrize("currency", ["JPY", "USD", "KWD"])
def test_capture__counts_in_minor_units(till, currency):
    till.held(currency=currency, amount=12345)
    assert till.capture(12344).amount == 12344
    assert till.shown()["intent"]["amount_received"] == 12344


def test_capture__an_old_answer_that_names_no_sum_is_about_what_was_asked_for(till):
    till.held()
    till.sim.control("POST", "wooshpay/settings", {"amount_received": "absent"})
    assert till.capture(800).amount == 800


def test_capture__more_than_is_reserved_is_rejected_and_leaves_it(till):
    till.held()
    with pytest.raises(Rejected) as no:
        till.capture(1235)
    assert no.value.code == "400"
    assert till.sums() == (0, 1234)


@pytest.mark.parametrize("word", ["open", "canceled", "requires_action"])
def test_capture__of_nothing_reserved_is_rejected(till, word):
    till.held()
    till.move(word)
    with pytest.raises(Rejected):
        till.capture(1234)


@pytest.mark.parametrize("word", ["paid", "processing"])
def test_capture__that_was_done_already_is_looked_up(till, word):
    till.held()
    till.move(word)
    with pytest.raises(Uncertain, match="done already") as unclear:
        till.capture(1234)
    assert (unclear.value.code, unclear.value.word) == ("400", "payment_intent_unexpected_state")


def test_capture__a_refusal_that_cannot_be_explained_is_looked_up(till):
    till.held()
    till.sim.fault("get_intent", "5xx", provider="wooshpay")
    with pytest.raises(Uncertain, match="cannot be seen"):
        till.capture(1235)


@pytest.mark.parametrize("status", [401, 403, 404])
@pytest.mark.parametrize("kind", [MoveKind.CAPTURE, MoveKind.VOID])
def test_refusal__by_who_did_not_look_at_the_payment_needs_no_look(status, kind):
    with serving(always(answer({"error": {"code": "no"}}, status))) as wire:
        wooshpay = adapter(wire.url)
        with pytest.raises(Rejected):
            (wooshpay.capture if kind is MoveKind.CAPTURE else wooshpay.void)(checkout(), request(kind))
        assert len(wire.seen) == 1


def test_check_move__a_part_that_shall_leave_something_reserved_is_refused_before_the_wire(till):
    till.held()
    asked = till.request(MoveKind.CAPTURE, 800, final=False)
    with pytest.raises(Unsupported):
        till.wooshpay.check_move(till.checkout, asked)
    for fine in (
        till.request(MoveKind.CAPTURE, 800),
        till.request(MoveKind.CAPTURE, 1234, final=False),
        till.request(MoveKind.REFUND, 800, final=False),
        till.request(MoveKind.VOID, 800, final=False),
    ):
        till.wooshpay.check_move(till.checkout, fine)
    assert till.sim.calls("capture") == []


# -- voids


def test_void__releases_what_is_reserved(till):
    till.held()
    asked = till.request(MoveKind.VOID, 1234)

    assert till.do(asked) == MoneyMove(id="", amount=1234, status="succeeded", our_reference=asked.key)
    seen = till.look()
    assert (seen.phase, seen.captured, seen.capturable) == (Phase.CANCELED, 0, 0)
    assert till.shown()["intent"]["cancellation_reason"] == "requested_by_customer"
    assert till.sim.calls("cancel")[0]["idempotency_key"] == asked.key


def test_void__where_the_intent_of_a_session_cannot_be_cancelled_is_rejected(till):
    till.sim.control("POST", "wooshpay/settings", {"cancel_authorized": False})
    till.held()
    with pytest.raises(Rejected):
        till.void()
    assert till.sums() == (0, 1234)


def test_void__of_captured_money_is_rejected(till):
    till.held()
    till.verb("capture")
    with pytest.raises(Rejected):
        till.void()
    assert till.sums() == (1234, 0)


def test_void__that_was_done_already_is_looked_up(till):
    till.held()
    till.verb("void")
    with pytest.raises(Uncertain, match="done already"):
        till.void()


# -- what others do with reserved money


def test_elsewhere__a_short_capture_shows_itself(till):
    till.held()
    till.verb("capture", amount=300)
    assert till.sums() == (300, 0)


@pytest.mark.parametrize("verb", ["void", "lapse"])
def test_elsewhere__a_release_shows_itself(till, verb):
    till.held()
    till.verb(verb)
    assert (till.look().phase, *till.sums()) == (Phase.CANCELED, 0, 0)


def test_elsewhere__an_authorization_ends_by_the_clock(till):
    till.held()
    till.sim.advance(7 * 86400 + 10)
    till.sim.control("POST", "wait", {"idle": True, "timeout": 10})
    assert till.look().phase is Phase.CANCELED


# -- refunds


def test_refund__carries_both_our_marks(till):
    till.paid()
    asked = till.request(MoveKind.REFUND, 500, reason="Cup broken")
    made = till.do(asked)

    (shown,) = till.shown()["refunds"]
    assert made == MoneyMove(id=shown["id"], amount=500, status="succeeded", our_reference=asked.key)
    assert (shown["amount"], shown["payment_intent"]) == (500, till.report.references[1].value)
    mark = {"order": "ABC", "attempt": till.checkout.key, "refund": asked.key, "reason": "Cup broken"}
    assert shown["metadata"] == mark
    assert till.sim.calls("refund")[0]["idempotency_key"] == asked.key
    assert till.newest() == made


def test_refund__always_names_its_amount_and_a_bounded_reason():
    with serving(always(answer(refund(amount=1234)))) as wire:
        adapter(wire.url).refund(checkout(), request(amount=1234, reason="x" * 900))
        adapter(wire.url).refund(checkout(), request(amount=1234))
        bodies = [json.loads(seen.body) for seen in wire.seen]
    assert [body["amount"] for body in bodies] == [1234, 1234]
    assert (len(bodies[0]["metadata"]["reason"]), "reason" in bodies[1]["metadata"]) == (250, False)
    assert "reason" not in bodies[0], "WooshPay's own words for a reason are an enumeration"


@pytest.mark.parametrize("kind", KINDS)
def test_request__the_same_one_always_gives_the_same_bytes(kind):
    shown = {"capture": intent(status="succeeded"), "void": intent(status="canceled"), "refund": refund()}
    asked = request(kind, reason="Cup broken")
    with serving(always(answer(shown[kind.value]))) as wire:
        for again in (asked, MoveRequest.from_json(json.loads(json.dumps(asked.to_json())))):
            for buyer in (checkout().buyer, Buyer()):
                getattr(adapter(wire.url), kind.value)(checkout(buyer=buyer), again)
        sent = {(seen.method, seen.path, seen.body, seen.headers["idempotency-key"]) for seen in wire.seen}
        assert (len(wire.seen), len(sent)) == (4, 1)


def test_refund__several_and_then_no_more_than_is_left(till):
    till.paid()
    assert [till.refund(amount).amount for amount in (500, 500, 234)] == [500, 500, 234]
    with pytest.raises(Rejected):
        till.refund(1)
    assert sum(each["amount"] for each in till.shown()["refunds"]) == 1234


@pytest.mark.parametrize(("currency", "amount"), [("JPY", 1500), ("KWD", 12345), ("USD", 1)])
def test_refund__counts_in_minor_units(till, currency, amount):
    till.paid(currency=currency, amount=amount)
    assert (till.refund(amount).amount, till.newest().amount) == (amount, amount)
    assert till.shown()["refunds"][0]["currency"] == currency


@pytest.mark.parametrize("dialect", DIALECTS, ids=str)
def test_refund__in_every_dialect(till, dialect):
    till.sim.control("POST", "wooshpay/settings", dialect)
    till.paid()
    made = till.refund(500)
    assert (made.amount, made.status, made.our_reference) == (
        500,
        "succeeded",
        "22222222-2222-4222-8222-000000000001",
    )
    assert till.newest() == made


@pytest.mark.parametrize("word", ["open", "expired", "canceled", "authorized", "processing"])
def test_refund__of_nothing_captured_is_rejected(till, word):
    till.start()
    till.move(word)
    with pytest.raises(Rejected):
        till.refund(1)


def test_refund__where_the_account_may_not_is_rejected(till):
    till.paid()
    till.sim.control("POST", "wooshpay/settings", {"refunds_enabled": False})
    with pytest.raises(Rejected) as no:
        till.refund(500)
    assert (no.value.code, no.value.word) == ("402", "refunds_not_enabled")


def test_refund__pending_arrives_and_fails_after_all(till):
    till.sim.control("POST", "wooshpay/settings", {"refund_starts": "pending"})
    till.paid()
    made = till.refund(500)
    assert (made.status, till.newest().status) == ("pending", "pending")

    till.sim.advance(3700)
    till.sim.control("POST", "wait", {"idle": True, "timeout": 10})
    assert till.newest().status == "succeeded"
    till.verb(f"refunds/{made.id}/status", status="failed")
    assert till.newest().status == "failed"
    assert till.refund(1234).status == "pending", "what came back can be refunded again"


def test_refund__from_the_dashboard_is_somebody_elses(till):
    till.paid()
    till.verb("refund", amount=300)
    found = till.newest()
    assert (found.amount, found.status, found.our_reference) == (300, "succeeded", "")
    assert (till.look().refunded, till.look().charged_back, till.look().held) == (None, None, False)


# -- the same key


def test_key__a_repeat_is_answered_with_the_same_refund(till):
    till.paid()
    asked = till.request(MoveKind.REFUND, 500)
    assert till.do(asked) == till.do(asked)
    assert len(till.shown()["refunds"]) == 1


@pytest.mark.parametrize("kind", [MoveKind.CAPTURE, MoveKind.VOID])
def test_key__a_repeat_of_what_was_done_is_answered_as_the_first_time(till, kind):
    till.held()
    asked = till.request(kind, 1234)
    assert till.do(asked) == till.do(asked)
    assert [each["status"] for each in till.sim.calls(KINDS[kind])] == [200, 200]


def test_key__other_bytes_under_it_are_an_unclear_end_and_change_nothing(till):
    till.paid()
    till.refund(500, key="k" * 36)
    with pytest.raises(Uncertain) as unclear:
        till.refund(501, key="k" * 36)
    assert (unclear.value.code, unclear.value.word) == ("400", "idempotency_key_reused")
    assert len(till.shown()["refunds"]) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_key__that_is_still_being_worked_on_is_an_unclear_end(kind):
    """409, as the page of status codes explains it; the first request may still do it."""
    body = {"error": {"type": "idempotency_error", "code": "idempotency_key_in_use"}}
    with serving(always(answer(body, 409))) as wire, pytest.raises(Uncertain):
        getattr(adapter(wire.url), kind.value)(checkout(), request(kind))
    assert len(wire.seen) == 1


# -- bad ends


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("fault", "error", "done"),
    [
        ({"kind": "5xx"}, Uncertain, False),
        ({"kind": "5xx", "done": True}, Uncertain, True),
        ({"kind": "429", "retry_after": 30}, NotSent, False),
        ({"kind": "lost_answer"}, Uncertain, True),
        ({"kind": "truncated"}, Uncertain, True),
    ],
)
def test_bad_end__is_sent_once_and_the_same_request_ends_it_well(till, kind, fault, error, done):
    if kind is MoveKind.REFUND:
        till.paid()
    else:
        till.held()
    till.sim.fault(KINDS[kind], provider="wooshpay", times=1, **fault)
    asked = till.request(kind, 1234)

    with pytest.raises(error):
        till.do(asked)
    assert len(till.sim.calls(KINDS[kind])) == 1
    assert happened(till, kind) is done

    assert till.do(asked).amount == 1234
    assert happened(till, kind)


def happened(till: Till, kind: MoveKind) -> bool:
    """Whether the wire shows it; a refund, of which it shows nothing, is counted beside it."""
    if kind is MoveKind.REFUND:
        return len(till.shown()["refunds"]) == 1
    return till.sums() == ((1234, 0) if kind is MoveKind.CAPTURE else (0, 0))


# -- the intent's id


ONLY_SESSION = {"references": (Reference(kind="session", value=SESSION),)}


@pytest.mark.parametrize("kind", KINDS)
def test_intent__that_was_not_stored_is_read_from_the_session(till, kind):
    if kind is MoveKind.REFUND:
        till.paid()
    else:
        till.held()
    asked = till.request(kind, 1234, references=till.report.references[:1])
    assert till.do(asked).status == "succeeded"
    assert [each["operation"] for each in till.sim.calls()][-2:] == ["get", KINDS[kind]]


@pytest.mark.parametrize("fields", [ONLY_SESSION, {"references": ()}])
def test_intent__without_one_there_is_nothing_to_move(fields):
    with serving(always(answer(session(payment_intent="")))) as wire:
        with pytest.raises(Rejected):
            adapter(wire.url).refund(checkout(), request(**fields))
        assert all(seen.path == f"/v1/checkout/sessions/{SESSION}" for seen in wire.seen)


@pytest.mark.parametrize("code", [500, 503])
def test_intent__a_look_that_fails_sent_nothing(code):
    with serving(always(answer({"error": {"code": "internal_error"}}, code, Retry_After="7"))) as wire:
        with pytest.raises(NotSent) as not_sent:
            adapter(wire.url).refund(checkout(), request(**ONLY_SESSION))
        assert {seen.method for seen in wire.seen} == {"GET"}
    assert (not_sent.value.code, not_sent.value.retry_after) == (str(code), 7.0)


def test_intent__an_id_cannot_lead_to_another_address():
    odd = (Reference(kind="payment_intent", value="../refunds"),)
    with serving(always(answer(intent(id="../refunds", status="succeeded")))) as wire:
        adapter(wire.url).capture(checkout(), request(MoveKind.CAPTURE, references=odd))
    assert wire.seen[0].path == "/v1/payment_intents/..%2Frefunds/capture"


# -- answers to captures and voids, by hand


def answered(kind: MoveKind, body: Any, **fields: Any) -> MoneyMove:
    with serving(always(answer(body))) as wire:
        found: MoneyMove = getattr(adapter(wire.url), kind.value)(checkout(), request(kind, **fields))
    return found


@pytest.mark.parametrize(
    ("kind", "status", "becomes"),
    [
        (MoveKind.CAPTURE, "succeeded", "succeeded"),
        (MoveKind.CAPTURE, "processing", "pending"),
        (MoveKind.CAPTURE, "requires_capture", "pending"),
        (MoveKind.VOID, "canceled", "succeeded"),
        (MoveKind.VOID, "requires_capture", "pending"),
    ],
)
def test_answer__the_intents_word_says_what_became_of_it(kind, status, becomes):
    found = answered(kind, intent(status=status, amount_received=480 if status == "succeeded" else 0))
    amount = 480 if status == "succeeded" else 500
    assert found == MoneyMove(id="", amount=amount, status=becomes, our_reference=request().key)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (MoveKind.CAPTURE, intent(status="canceled")),
        (MoveKind.CAPTURE, intent(status="settled")),
        (MoveKind.CAPTURE, intent(status="succeeded", id="pi_another")),
        (MoveKind.CAPTURE, intent(status="succeeded", amount_received="4.80")),
        (MoveKind.CAPTURE, intent(status=None)),
        (MoveKind.CAPTURE, {"status": "succeeded"}),
        (MoveKind.CAPTURE, {}),
        (MoveKind.VOID, intent(status="succeeded")),
        (MoveKind.VOID, intent(status="canceled", id="pi_another")),
        (MoveKind.VOID, {"id": INTENT}),
    ],
)
def test_answer__another_one_is_an_unclear_end(kind, body):
    with pytest.raises(Uncertain):
        answered(kind, body)


# -- answers to refunds, by hand


@pytest.mark.parametrize("word", [*REFUND_WORDS, "settled", None])
def test_new_refund__a_new_word_waits_and_keeps_the_id(word):
    """The id is the only thread to a refund: there is no list."""
    found = read_new_refund(refund(status=word), INTENT, request())
    assert (found.id, found.status) == (REFUND, REFUND_WORDS.get(str(word), "pending"))


@pytest.mark.parametrize(
    "fields",
    [
        {"amount": "500"},
        {"currency": "usd"},
        {"metadata": None},
        {"metadata": ""},
        {"metadata": json.dumps({"refund": request().key})},
        {"payment_intent": None},
        {"payment_intent": {"id": INTENT}},
    ],
)
def test_new_refund__is_read_leniently(fields):
    found = read_new_refund(refund(**fields), INTENT, request())
    assert found == MoneyMove(id=REFUND, amount=500, status="succeeded", our_reference=request().key)


def test_new_refund__another_amount_is_told_as_it_is():
    assert read_new_refund(refund(amount=400), INTENT, request()).amount == 400


@pytest.mark.parametrize(
    "fields",
    [
        {"id": None},
        {"id": ""},
        {"id": "re 1"},
        {"id": 17},
        {"amount": None},
        {"amount": "5.00"},
        {"amount": -500},
        {"currency": "EUR"},
        {"currency": None},
        {"payment_intent": "pi_another"},
        {"metadata": {"refund": "another-request"}},
        {"status": ["succeeded"]},
    ],
)
def test_new_refund__about_something_else_is_an_unclear_end(fields):
    with pytest.raises(Uncertain):
        read_new_refund(refund(**fields), INTENT, request())


@pytest.mark.parametrize("missing", ["id", "amount", "status", "currency"])
def test_new_refund__without_what_we_need_is_an_unclear_end(missing):
    with pytest.raises(Uncertain):
        read_new_refund({n: v for n, v in refund().items() if n != missing}, INTENT, request())


# -- refunds and disputes by their ids


def test_part__every_word_of_the_simulator_is_in_the_tables():
    assert set(REFUND_WORDS) == set(REFUND_STATUSES)
    assert set(DISPUTE_WORDS) == set(DISPUTE_STATUSES)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("pending", "pending"),
        ("requires_action", "pending"),
        ("succeeded", "succeeded"),
        ("failed", "failed"),
        ("canceled", "canceled"),
    ],
)
def test_part__a_refunds_words(word, status):
    found = read_part(refund(status=word), REFUND, REFUND_WORDS)
    assert found == MoneyMove(id=REFUND, amount=500, status=status, our_reference=request().key)


DISPUTED = [
    ("warning_needs_response", "inquiry"),
    ("warning_under_review", "inquiry"),
    ("warning_closed", "won"),
    ("needs_response", "open"),
    ("under_review", "open"),
    ("won", "won"),
    ("lost", "lost"),
]


@pytest.mark.parametrize(("word", "status"), DISPUTED)
def test_part__a_disputes_words(till, word, status):
    till.paid()
    till.verb("chargeback", amount=1000, status=word)
    found = till.newest("dispute")
    assert (found.amount, found.status, found.our_reference) == (1000, status, "")


def test_part__a_dispute_is_won_after_it_was_lost_and_an_inquiry_is_closed(till):
    till.paid()
    for inquiry, begins in ((False, "open"), (True, "inquiry")):
        (*_, made) = till.verb("chargeback", inquiry=inquiry)["disputes"]
        assert (till.newest("dispute").status, till.newest("dispute").amount) == (begins, 1234)
        till.verb(f"chargebacks/{made['id']}/lose")
        assert till.newest("dispute").status == "lost"
        till.verb(f"disputes/{made['id']}/status", status="warning_needs_response" if inquiry else "under_review")
        till.verb(f"chargebacks/{made['id']}/reverse")
        assert till.newest("dispute").status == "won"


@pytest.mark.parametrize("dialect", DIALECTS, ids=str)
def test_part__in_every_dialect(till, dialect):
    till.sim.control("POST", "wooshpay/settings", dialect)
    till.paid(currency="KWD", amount=12345)
    till.verb("chargeback", amount=1000)
    till.verb("refund", amount=300)
    assert (till.newest("dispute").amount, till.newest().amount) == (1000, 300)


@pytest.mark.parametrize("kind", ["refund", "dispute"])
def test_part__unknown(till, kind):
    till.paid()
    prefix = {"refund": "re", "dispute": "dp"}[kind]
    with pytest.raises(ObjectNotFound):
        till.part(kind, f"{prefix}_1111111111111111111")


@pytest.mark.parametrize("kind", ["capture", "charge", ""])
def test_part__of_another_kind_is_refused_before_the_wire(till, kind):
    with pytest.raises(Unsupported):
        till.part(kind, "ch_1")
    assert till.sim.calls() == []


@pytest.mark.parametrize("kind", ["refund", "dispute"])
def test_part__of_another_payment_is_none_of_this_one(till, kind):
    till.paid()
    till.verb("chargeback" if kind == "dispute" else "refund")
    part = till.newest(kind)

    other = Till(till.wooshpay, till.sim).paid(key="33333333-3333-4333-8333-333333333333")
    with pytest.raises(ObjectNotFound):
        other.part(kind, part.id)
    assert till.part(kind, part.id) == part


def test_part__of_an_intent_without_our_mark_is_proven_by_the_session(till):
    till.paid()
    made = till.refund(500)
    till.sim.overwrite(till.report.references[0].value, provider="wooshpay", intent={"metadata": {}})
    assert till.part("refund", made.id) == made

    other = Till(till.wooshpay, till.sim).paid(key="33333333-3333-4333-8333-333333333333")
    with pytest.raises(ObjectNotFound):
        other.part("refund", made.id)


def test_part__of_an_intent_that_no_session_of_ours_has_is_not_found(till):
    """The refund's own mark is no proof: it can be copied, and the money is the intent's."""
    till.paid()
    made = till.refund(500)
    till.sim.overwrite(till.report.references[0].value, provider="wooshpay", metadata={})
    with pytest.raises(ObjectNotFound):
        till.part("refund", made.id)


def by_hand(kind: str, part: Any, *, of_intent: Any = None, more: dict[str, Any] | None = None) -> MoneyMove:
    """Read one refund or dispute from a server that shows these objects."""
    part_id = REFUND if kind == "refund" else DISPUTE
    shown = {f"GET /v1/{kind}s/{part_id}": part, f"GET /v1/payment_intents/{INTENT}": of_intent or intent()}
    with serving(pages({**shown, **(more or {})})) as wire:
        return adapter(wire.url).retrieve_move(checkout(), Reference(kind=kind, value=part_id))


def test_part__by_hand_is_read():
    assert (by_hand("refund", refund()).amount, by_hand("dispute", dispute()).status) == (500, "open")


@pytest.mark.parametrize("fields", [{"currency": "usd"}, {"currency": ""}, {"currency": None}])
def test_part__the_currencys_case_does_not_matter_and_none_is_the_intents(fields):
    assert by_hand("dispute", dispute(**fields)).amount == 1234


def test_part__in_the_currency_where_the_money_is_counts_although_another_one_was_asked_for():
    """As ``Report.currency``: what was paid in euros goes back in euros."""
    assert by_hand("refund", refund(currency="eur"), of_intent=intent(currency="EUR")).amount == 500


@pytest.mark.parametrize(
    ("fields", "of_intent"),
    [
        ({"currency": "EUR"}, None),
        ({}, intent(currency="EUR")),
        ({}, intent(metadata={"attempt": "somebody-elses"})),
        ({"payment_intent": None, "charge": None}, None),
        ({"payment_intent": "", "charge": ""}, None),
    ],
)
def test_part__in_another_currency_or_of_nobody_is_not_found(fields, of_intent):
    for kind, part in (("refund", refund(**fields)), ("dispute", dispute(**fields))):
        with pytest.raises(ObjectNotFound):
            by_hand(kind, part, of_intent=of_intent)


def test_part__a_dispute_that_names_only_its_charge_is_followed():
    charge = {f"GET /v1/charges/{CHARGE}": {"id": CHARGE, "payment_intent": INTENT}}
    assert by_hand("dispute", dispute(payment_intent=None), more=charge).amount == 1234
    nowhere = {f"GET /v1/charges/{CHARGE}": {"id": CHARGE, "payment_intent": None}}
    with pytest.raises(ObjectNotFound):
        by_hand("dispute", dispute(payment_intent=None), more=nowhere)


def test_part__whose_intent_is_missing_or_another_is_an_unclear_end():
    for shown in (answer({"error": {"code": "resource_missing"}}, 404), intent(id="pi_another")):
        with pytest.raises(Uncertain):
            by_hand("refund", refund(), of_intent=shown)
    with pytest.raises(Uncertain):
        by_hand("dispute", dispute(payment_intent=None))


@pytest.mark.parametrize(
    "fields", [{"id": "re_another"}, {"amount": None}, {"amount": "5.00"}, {"amount": -1}, {"amount": True}]
)
def test_part__that_cannot_be_read_is_an_unclear_end(fields):
    with pytest.raises(Uncertain):
        by_hand("refund", refund(**fields))


@pytest.mark.parametrize("missing", ["amount", "status"])
def test_part__without_what_we_need_is_an_unclear_end(missing):
    with pytest.raises(Uncertain):
        by_hand("refund", {name: value for name, value in refund().items() if name != missing})


@pytest.mark.parametrize(("kind", "part"), [("refund", refund(status="lost")), ("dispute", dispute(status="open"))])
def test_part__an_unknown_word_is_no_report(kind, part):
    with pytest.raises(UnknownStatus):
        by_hand(kind, part)


def test_part__the_wrong_kind_of_id_leads_nowhere_else():
    odd = Reference(kind="refund", value="../disputes/dp_1")
    with serving(pages({})) as wire, pytest.raises(ObjectNotFound):
        adapter(wire.url).retrieve_move(checkout(), odd)
    assert wire.seen[0].path == "/v1/refunds/..%2Fdisputes%2Fdp_1"


# -- the contract's stage

LATER: dict[tuple[Act, tuple[Act, ...]], tuple[str, int, list[str]]] = {
    (Act.AUTHORIZE, (Act.CAPTURE,)): ("succeeded", 1234, []),
    (Act.AUTHORIZE, (Act.CAPTURE_PART,)): ("succeeded", 246, []),
    (Act.AUTHORIZE, (Act.VOID,)): ("canceled", 0, []),
    (Act.AUTHORIZE, (Act.LAPSE,)): ("canceled", 0, []),
    (Act.PAY, (Act.REFUND,)): ("succeeded", 1234, ["succeeded"]),
    (Act.PAY, (Act.REFUND_PART, Act.REFUND_FAILS)): ("succeeded", 1234, ["failed"]),
    (Act.PAY, (Act.REFUND_PENDING,)): ("succeeded", 1234, ["pending"]),
    (Act.PAY, (Act.REFUND_PENDING, Act.REFUND_ARRIVES)): ("succeeded", 1234, ["succeeded"]),
    (Act.PAY, (Act.CHARGE_BACK, Act.WIN)): ("succeeded", 1234, ["won"]),
    (Act.PAY, (Act.CHARGE_BACK_PART,)): ("succeeded", 1234, ["needs_response"]),
    (Act.PAY, (Act.CHARGE_BACK, Act.LOSE)): ("succeeded", 1234, ["lost"]),
    (Act.PAY, (Act.INQUIRE, Act.INQUIRY_OVER)): ("succeeded", 1234, ["warning_closed"]),
}
"""What is played -> the intent's word, what was captured, and the words of refunds and disputes."""


def test_stage__plays_everything_that_happens_to_the_money_later(till):
    """Also the acts that no scenario plays here yet."""
    stage = WooshPayStage(till.sim)
    played = []
    for number, (first, acts) in enumerate(LATER):
        begin = till.held if first is Act.AUTHORIZE else till.paid
        begin(key=f"44444444-4444-4444-8444-{number:012d}")
        for act in acts:
            stage.play(till.report.references[0].value, act)
            played.append(act)
        intent_now, shown = till.shown()["intent"], till.shown()
        parts = [each["status"] for each in (*shown["refunds"], *shown["disputes"])]
        assert (intent_now["status"], intent_now["amount_received"], parts) == LATER[first, acts]
    assert {*played, *stage.words} == set(Act)
