"""Captures, voids and refunds: never twice, never more than there is, and always to be found again."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from decimal import Decimal
from threading import Event
from typing import Any

import pytest

from django_payflow.exceptions import NotSent, ObjectNotFound, Rejected, Uncertain, Unsupported
from django_payflow.messages import (
    Buyer,
    Checkout,
    Line,
    LineKind,
    MoneyMove,
    MoveKind,
    MoveRequest,
    Phase,
    Reference,
    Report,
)
from tests.resurs.wire import (
    ID,
    LAMP,
    PARCEL,
    adapter,
    answer,
    checkout,
    entry,
    order,
    pages,
    payment,
    rejected,
    serving,
)

KEY, OTHER = "22222222-2222-4222-8222-222222222222", "33333333-3333-4333-8333-333333333333"
FINLAND = "b7f88ac4-0000-4000-8000-0000000000a3"
BOOK = Line(name="Book", quantity=1, unit_price=10_600, total=10_600, vat_rate=Decimal(6))
REBATE = Line(name="Rebate", quantity=1, unit_price=-4_900, total=-4_900, vat_rate=Decimal(25))
VOUCHER = Line(name="Voucher", quantity=1, unit_price=-20_000, total=-20_000, kind=LineKind.GIFT_CARD)
FREE = Line(name="Parcel", quantity=1, unit_price=0, total=0, vat_rate=Decimal(25), kind=LineKind.SHIPPING)
MOVES = pytest.mark.parametrize("kind", [MoveKind.CAPTURE, MoveKind.REFUND])


def request(kind: MoveKind, amount: int = 84_900, reference: str = ID, **fields: Any) -> MoveRequest:
    values = {
        "kind": kind,
        "key": KEY,
        "amount": amount,
        "currency": "SEK",
        "created_at": checkout().created_at,
        "references": (Reference(kind="payment", value=reference),) if reference else (),
    }
    return MoveRequest(**{**values, **fields})


class Desk:
    """A payment that the buyer signed for, and what is done about its money. The buyer's data is purged by then."""

    def __init__(self, sim: Any, resurs: Any, **fields: Any) -> None:
        self.sim, self.resurs = sim, resurs
        asked = checkout(**fields)
        (self.reference,) = resurs.create(asked).report.references
        self.checkout = replace(asked, buyer=Buyer())
        self.set_status("authorized")

    def set_status(self, word: str) -> None:
        self.sim.set_status(self.reference.value, word, provider="resurs", webhook=False)

    def in_portal(self, verb: str, **body: Any) -> None:
        self.sim.control("POST", f"resurs/payments/{self.reference.value}/{verb}", body)

    def capture(self, amount: int = 84_900, key: str = KEY, **fields: Any) -> MoneyMove:
        return self.ask(MoveKind.CAPTURE, amount, key=key, **fields)

    def refund(self, amount: int = 84_900, key: str = KEY, **fields: Any) -> MoneyMove:
        return self.ask(MoveKind.REFUND, amount, key=key, **fields)

    def void(self, amount: int = 84_900) -> MoneyMove:
        return self.ask(MoveKind.VOID, amount)

    def ask(self, kind: MoveKind, amount: int, **fields: Any) -> MoneyMove:
        wanted = request(kind, amount, self.reference.value, **fields)
        self.resurs.check_move(self.checkout, wanted)
        done: MoneyMove = getattr(self.resurs, kind.value)(self.checkout, wanted)
        return done

    def look(self) -> Report:
        found: Report = self.resurs.retrieve(self.checkout, self.reference)
        return found

    def sums(self) -> tuple[int | None, ...]:
        """What can be captured, was captured, was refunded."""
        report = self.look()
        return report.capturable, report.captured, report.refunded

    def asked_for(self, kind: MoveKind) -> int:
        return len(self.sim.calls("cancel" if kind is MoveKind.VOID else kind.value))

    def ready_for(self, kind: MoveKind) -> None:
        if kind is MoveKind.REFUND:
            self.in_portal("capture", webhook=False)

    def moves(self, kind: MoveKind) -> tuple[MoneyMove, ...]:
        report = self.look()
        return report.refunds if kind is MoveKind.REFUND else report.captures


@pytest.fixture
def desk(sim: Any, resurs: Any) -> Desk:
    return Desk(sim, resurs)


# -- captures


def test_capture__of_everything_names_the_orders_own_lines(desk, sim):
    done = desk.capture()
    report = desk.look()

    assert (done.amount, done.status, done.our_reference) == (84_900, "succeeded", KEY)
    assert report.captures == (done,)
    assert desk.sums() == (0, 84_900, 0)
    created, captured = sim.object("GET", f"resurs/payments/{desk.reference.value}")["order"]["actionLog"]
    assert captured["orderLines"] == created["orderLines"]


def test_capture__in_parts_leaves_the_rest_reserved_until_the_final_one(desk):
    first = desk.capture(30_005, final=False)
    assert desk.sums() == (54_895, 30_005, 0)
    second = desk.capture(10_000, key=OTHER, final=False)
    assert desk.sums() == (44_895, 40_005, 0)
    third = desk.capture(20_000, key="third")
    assert desk.sums() == (0, 60_005, 0), "the final one released the rest"
    assert [move.our_reference for move in desk.look().captures] == [KEY, OTHER, "third"]
    assert {move.id for move in desk.look().captures} == {first.id, second.id, third.id}


def test_capture__of_everything_needs_no_release(desk, sim):
    desk.capture()
    assert sim.calls("cancel") == []


@pytest.mark.parametrize("kind", ["5xx", "lost_answer", "429", "not_found"])
def test_capture__whose_release_fails_is_done_none_the_less(desk, sim, kind):
    sim.fault("cancel", kind, provider="resurs", times=1)
    assert desk.capture(30_000).amount == 30_000
    capturable, captured, _ = desk.sums()
    assert (captured, capturable) == (30_000, 0 if kind == "lost_answer" else 54_900)


def test_capture__asked_for_again_makes_up_for_the_release(desk, sim):
    sim.fault("cancel", "5xx", provider="resurs", times=1)
    first = desk.capture(30_000)
    assert desk.capture(30_000) == first
    assert desk.sums() == (0, 30_000, 0)


def test_capture__releases_only_what_it_may():
    before = payment("ACCEPTED", order=with_actions("PARTIAL_CAPTURE", authorizedAmount=849))
    log = [entry("CAPTURE", 1, transactionId=KEY)]
    after = payment("ACCEPTED", order=with_actions("CAPTURE", authorizedAmount=848, actionLog=log))
    with serving(pages({f"GET /v2/payments/{ID}": before, f"POST /v2/payments/{ID}/capture": after})) as wire:
        assert adapter(wire.url).capture(checkout(), request(MoveKind.CAPTURE, 100)).amount == 100
        assert [each.path.rpartition("/")[2] for each in wire.seen] == ["token", ID, "capture"]


def test_capture__that_is_not_final_releases_nothing(desk, sim):
    desk.capture(30_000, final=False)
    assert sim.calls("cancel") == []


@pytest.mark.parametrize("word", ["open", "frozen", "inspection", "supplementing", "failed", "timeout", "processing"])
def test_capture__of_what_is_not_approved_is_refused_unsent(desk, word):
    desk.set_status(word)
    with pytest.raises(Rejected):
        desk.capture()
    assert desk.asked_for(MoveKind.CAPTURE) == 0


def test_capture__of_a_frozen_payment_is_refused_whatever_its_actions_say():
    shown = payment("FROZEN", order=with_actions("CAPTURE", authorizedAmount=849))
    refused = ask(shown, MoveKind.CAPTURE, raises=Rejected)
    assert "FROZEN" in str(refused) and "decision" in str(refused)


def test_capture__of_what_was_captured_in_the_portal_is_refused(desk):
    desk.in_portal("capture")
    with pytest.raises(Rejected, match="nothing is left"):
        desk.capture()
    assert desk.look().captures[0].our_reference == ""


def test_capture__of_what_was_canceled_in_the_portal_is_refused(desk):
    desk.in_portal("void")
    with pytest.raises(Rejected, match="nothing is left"):
        desk.capture()
    assert desk.look().phase is Phase.CANCELED


# -- refunds


def test_refund__of_everything_names_the_orders_own_lines(desk, sim):
    desk.in_portal("capture")
    done = desk.refund()

    assert (done.amount, done.status, done.our_reference) == (84_900, "succeeded", KEY)
    assert desk.look().refunds == (done,)
    assert desk.sums() == (0, 84_900, 84_900)
    log = sim.object("GET", f"resurs/payments/{desk.reference.value}")["order"]["actionLog"]
    assert log[-1]["orderLines"] == log[0]["orderLines"]


def test_refund__in_parts_until_nothing_is_left(desk):
    desk.in_portal("capture")
    desk.refund(1)
    desk.refund(40_000, key=OTHER)
    with pytest.raises(Rejected, match=r"only 448\.99 SEK"):
        desk.refund(44_900, key="third")
    desk.refund(44_899, key="third")
    assert desk.sums() == (0, 84_900, 84_900)
    with pytest.raises(Rejected, match="nothing is left"):
        desk.refund(1, key="fourth")


def test_refund__two_equal_ones_are_two(desk):
    desk.in_portal("capture")
    assert desk.refund(1_000).id != desk.refund(1_000, key=OTHER).id
    assert desk.sums() == (0, 84_900, 2_000)


def test_refund__of_what_was_only_reserved_is_refused_unsent(desk):
    with pytest.raises(Rejected, match="nothing is left"):
        desk.refund()
    assert desk.asked_for(MoveKind.REFUND) == 0


def test_refund__while_a_part_is_still_reserved(desk):
    desk.capture(30_000, final=False)
    with pytest.raises(Rejected, match=r"only 300\.00 SEK"):
        desk.refund(30_001, key=OTHER)
    desk.refund(30_000, key=OTHER)
    assert desk.sums() == (54_900, 30_000, 30_000)


def test_refund__in_the_portal_is_nobodys_but_counts(desk):
    desk.in_portal("capture")
    desk.in_portal("refund", amount="12.34")
    desk.refund(1_000)
    assert [(move.amount, move.our_reference) for move in desk.look().refunds] == [(1_234, ""), (1_000, KEY)]
    assert desk.look().refunded == 2_234


@pytest.mark.parametrize(("name", "captured"), [("Swish", True), ("Trustly", True), ("Kort", False)])
def test_refund__of_a_method_that_moves_all_or_nothing(resurs, sim, name, captured):
    method = next(each.id for each in resurs.payment_methods() if each.name == name)
    desk = Desk(sim, resurs, method=method)
    if not captured:
        with pytest.raises(Rejected, match=r"capture of the whole 849\.00 SEK only"):
            desk.capture(84_899)
        desk.capture()
    with pytest.raises(Rejected, match=r"refund of the whole 849\.00 SEK only"):
        desk.refund(84_899, key=OTHER)
    assert desk.asked_for(MoveKind.REFUND) == 0
    desk.refund(key=OTHER)
    assert desk.sums() == (0, 84_900, 84_900)


def test_refund__in_another_country_is_in_its_money(sim):
    resurs = adapter(sim.base_url("resurs"), store_id=FINLAND, country="FI", payment_method_id=finnish(sim))
    desk = Desk(
        sim,
        resurs,
        currency="EUR",
        buyer=replace(checkout().buyer, government_id="230580-7335", phone="+3585005555127", country="FI"),
    )
    with pytest.raises(Rejected, match="in EUR"):
        desk.capture()
    desk.capture(currency="EUR")
    desk.refund(3, key=OTHER, currency="EUR")
    assert desk.sums() == (0, 84_900, 3)


def finnish(sim: Any) -> str:
    resurs = adapter(sim.base_url("resurs"), store_id=FINLAND, country="FI")
    return str(resurs.payment_methods()[0].id)


# -- never twice


@MOVES
def test_move__under_the_same_key_is_made_once(desk, kind):
    desk.ready_for(kind)
    first = desk.ask(kind, 10_000, final=False)
    again = desk.ask(kind, 10_000, final=False)
    assert again == first
    assert (desk.asked_for(kind), [move.amount for move in desk.moves(kind)][-1:]) == (1, [10_000])


@MOVES
def test_move__of_another_amount_under_the_same_key_is_not_made(desk, kind):
    desk.ready_for(kind)
    first = desk.ask(kind, 10_000, final=False)
    assert desk.ask(kind, 20_000, final=False) == first, "the provider's word about this key"
    assert desk.asked_for(kind) == 1


@MOVES
@pytest.mark.parametrize(
    "kind_of_fault", [{"kind": "lost_answer"}, {"kind": "truncated"}, {"kind": "5xx", "done": True}]
)
def test_move__done_in_silence_is_seen_and_not_made_again(desk, sim, kind, kind_of_fault):
    desk.ready_for(kind)
    sim.fault(kind.value, provider="resurs", times=1, **kind_of_fault)
    with pytest.raises(Uncertain):
        desk.ask(kind, 10_000, final=False)

    (seen,) = [move for move in desk.moves(kind) if move.our_reference == KEY]
    assert (seen.amount, seen.status) == (10_000, "succeeded")
    assert desk.ask(kind, 10_000, final=False) == seen
    assert desk.asked_for(kind) == 1


@MOVES
def test_move__that_was_not_done_is_not_seen_and_may_be_made(desk, sim, kind):
    desk.ready_for(kind)
    sim.fault(kind.value, "5xx", provider="resurs", times=1)
    with pytest.raises(Uncertain):
        desk.ask(kind, 10_000, final=False)
    assert KEY not in [move.our_reference for move in desk.moves(kind)]
    assert desk.ask(kind, 10_000, final=False).amount == 10_000
    assert [move.our_reference for move in desk.moves(kind)].count(KEY) == 1


@MOVES
def test_move__turned_away_is_not_sent(desk, sim, kind):
    desk.ready_for(kind)
    sim.fault(kind.value, "429", provider="resurs", times=1, retry_after=7)
    with pytest.raises(NotSent) as turned_away:
        desk.ask(kind, 10_000)
    assert turned_away.value.retry_after == 7


@MOVES
def test_move__with_a_token_that_ran_out_is_made_once(desk, sim, kind):
    desk.ready_for(kind)
    desk.look()
    wire = desk.resurs.http

    class Revoking(type(wire)):  # type: ignore[misc]  # frozen, so it cannot be patched
        def send(self, method: str, path: str, **kwargs: Any) -> Any:
            if path.endswith(kind.value) and len(sim.calls(kind.value)) == 0:
                sim.control("POST", "resurs/tokens/revoke", {})
            return super().send(method, path, **kwargs)

    desk.resurs.http = Revoking(**vars(wire))
    assert desk.ask(kind, 10_000, final=False).our_reference == KEY
    assert [move.our_reference for move in desk.moves(kind)].count(KEY) == 1
    assert [call["status"] for call in sim.calls(kind.value)] == [401, 200]


# -- the fresh look before it


@MOVES
@pytest.mark.parametrize("fault", ["5xx", "lost_answer", "truncated"])
def test_look__that_fails_means_nothing_was_sent(desk, sim, kind, fault):
    desk.ready_for(kind)
    sim.fault("get", fault, provider="resurs")
    with pytest.raises(NotSent):
        desk.ask(kind, 10_000)
    assert desk.asked_for(kind) == 0


def test_look__that_fails_before_a_void_means_nothing_was_sent(desk, sim):
    sim.fault("get", "5xx", provider="resurs", retry_after=7)
    with pytest.raises(NotSent) as problem:
        desk.void()
    assert (problem.value.retry_after, problem.value.code) == (7, "503")
    assert desk.asked_for(MoveKind.VOID) == 0


@pytest.mark.parametrize("kind", list(MoveKind)[:3])
def test_look__that_is_refused_refuses_the_move(desk, sim, kind):
    sim.fault("get", "not_found", provider="resurs")
    with pytest.raises(ObjectNotFound):
        desk.ask(kind, 10_000)
    assert desk.asked_for(kind) == 0


@pytest.mark.parametrize("kind", list(MoveKind)[:3])
def test_look__without_the_payments_id_is_refused(kind):
    with serving(pages({})) as wire:
        with pytest.raises(Rejected, match="never stored"):
            getattr(adapter(wire.url), kind.value)(checkout(), request(kind, reference=""))
        assert wire.seen == []


@pytest.mark.parametrize(
    "missing", ["status", "order", "order.possibleActions", "order.authorizedAmount", "order.capturedAmount"]
)
def test_look__that_cannot_be_read_means_nothing_was_sent(missing):
    shown = payment("ACCEPTED", order=with_actions("CAPTURE", authorizedAmount=849))
    holder = shown["order"] if "." in missing else shown
    del holder[missing.rpartition(".")[2]]
    ask(shown, MoveKind.CAPTURE, raises=NotSent)


def test_look__and_move_share_one_deadline():
    """The look takes most of the time, and the move never answers."""
    over = Event()
    look = answer(payment("ACCEPTED", order=with_actions("CAPTURE", authorizedAmount=849)))
    quick = pages({})

    def handle(connection: Any, called: Any) -> None:
        if called.path.endswith("/capture"):
            over.wait(5)
        elif called.method == "GET":
            over.wait(0.6)
            connection.sendall(look)
        else:
            quick(connection, called)

    with serving(handle) as wire:
        began = time.monotonic()
        with pytest.raises(Uncertain):
            adapter(wire.url, deadline=1.0).capture(checkout(), request(MoveKind.CAPTURE))
        took = time.monotonic() - began
        over.set()
    assert 0.6 < took < 1.5


# -- what the fresh payment allows, and what the answer proves, by hand


def with_actions(*actions: str, **sums: Any) -> dict[str, Any]:
    return order(possibleActions=[{"action": action} for action in actions], **sums)


def ask(
    shown: dict[str, Any],
    kind: MoveKind,
    amount: int = 84_900,
    *,
    answered: Any = None,
    raises: type[Exception],
    sent: bool = False,
) -> Exception:
    """Ask about a payment that looks like ``shown``; ``answered`` is what the move itself is answered."""
    path = f"/v2/payments/{ID}/{'cancel' if kind is MoveKind.VOID else kind.value}"
    with serving(pages({f"GET /v2/payments/{ID}": shown, f"POST {path}": answered})) as wire:
        with pytest.raises(raises) as problem:
            getattr(adapter(wire.url), kind.value)(checkout(), request(kind, amount))
        assert any(each.path == path for each in wire.seen) is sent
    assert type(problem.value) is raises
    return problem.value


@pytest.mark.parametrize(
    ("actions", "whole", "part"),
    [
        (["CAPTURE", "PARTIAL_CAPTURE"], True, True),
        (["CAPTURE"], True, False),
        (["PARTIAL_CAPTURE"], True, True),
        (["CANCEL", "REFUND", "PARTIAL_REFUND"], False, False),
        ([], False, False),
    ],
)
def test_actions__decide(actions, whole, part):
    shown = payment("ACCEPTED", order=with_actions(*actions, authorizedAmount=849))
    for amount, allowed in ((84_900, whole), (84_899, part)):
        ask(
            shown,
            MoveKind.CAPTURE,
            amount,
            answered=answer({}, 500),
            raises=Uncertain if allowed else Rejected,
            sent=allowed,
        )


@pytest.mark.parametrize(
    ("actions", "sums"),
    [
        (["REFUND", "PARTIAL_REFUND"], {"capturedAmount": 849, "refundedAmount": 0.01}),
        (["REFUND", "PARTIAL_REFUND"], {"authorizedAmount": 849}),
        (["CAPTURE", "PARTIAL_CAPTURE"], {"capturedAmount": 849}),
    ],
)
def test_sums__bound_a_refund(actions, sums):
    ask(payment("ACCEPTED", order=with_actions(*actions, **sums)), MoveKind.REFUND, raises=Rejected)


def test_actions__that_lack_the_word_are_told_apart_from_those_that_lack_the_part():
    none, whole_only = (with_actions(*actions, authorizedAmount=849) for actions in (("CANCEL",), ("CAPTURE",)))
    for shown, words in ((none, "allows no capture"), (whole_only, "whole 849.00 SEK only")):
        assert words in str(ask(payment("ACCEPTED", order=shown), MoveKind.CAPTURE, 1, raises=Rejected))


def test_sums__of_a_payment_that_is_not_accepted_are_no_money():
    shown = payment("PONDERING", order=with_actions("CAPTURE", "CANCEL", authorizedAmount=849))
    ask(shown, MoveKind.CAPTURE, raises=Rejected)
    ask(shown, MoveKind.VOID, raises=Rejected)


@pytest.mark.parametrize(
    ("answered", "raises"),
    [
        (answer({"code": "BAD_REQUEST"}, 400), Rejected),
        (answer({}, 403), Rejected),
        (answer({}, 409), Uncertain),
        (answer({}, 500), Uncertain),
        (answer({}, 502), Uncertain),
        ({}, Uncertain),
        (payment("ACCEPTED", order=with_actions("REFUND", capturedAmount=849)), Uncertain),
        (payment("ACCEPTED", order=with_actions(actionLog=[entry("REFUND", 849, transactionId=KEY)])), Uncertain),
        (payment("ACCEPTED", order=with_actions(actionLog=[entry("CAPTURE", 849, transactionId=OTHER)])), Uncertain),
    ],
    ids=["400", "403", "409", "500", "502", "nothing", "no mark", "another kind", "another mark"],
)
def test_answer__proves_the_move_only_with_our_mark(answered, raises):
    shown = payment("ACCEPTED", order=with_actions("CAPTURE", authorizedAmount=849))
    ask(shown, MoveKind.CAPTURE, answered=answered, raises=raises, sent=True)


def test_duplicate__that_resurs_refuses_is_looked_up(desk, sim):
    """Whether it does is not known. Here the log lacks our mark when we look, and has it a moment later."""
    sim.control("POST", "resurs/settings", {"duplicate_transaction_id": "refused"})
    desk.capture(10_000, final=False)
    stale = payment("ACCEPTED", order=with_actions("CAPTURE", "PARTIAL_CAPTURE", authorizedAmount=849))
    ask(stale, MoveKind.CAPTURE, 10_000, answered=answer({}, 409), raises=Uncertain, sent=True)
    assert [move.our_reference for move in desk.look().captures] == [KEY]


# -- voids


def test_void__releases_everything(desk):
    done = desk.void()
    assert (done.amount, done.status, done.id) == (84_900, "succeeded", "")
    assert (desk.sums(), desk.look().phase) == ((0, 0, 0), Phase.CANCELED)


def test_void__releases_what_was_not_captured(desk):
    desk.capture(30_000, final=False)
    assert desk.void(54_900).amount == 54_900
    assert desk.sums() == (0, 30_000, 0)


def test_void__of_less_than_there_was_when_it_was_asked_for(desk):
    """Somebody captured a part in the portal in the meantime: what is left is released."""
    desk.in_portal("capture", amount=300)
    assert desk.void(84_900).amount == 54_900
    assert desk.sums() == (0, 30_000, 0)


def test_void__sends_an_empty_object():
    before = payment("ACCEPTED", order=with_actions("CANCEL", authorizedAmount=849))
    after = payment("ACCEPTED", order=with_actions(canceledAmount=849))
    with serving(pages({f"GET /v2/payments/{ID}": before, f"POST /v2/payments/{ID}/cancel": after})) as wire:
        adapter(wire.url).void(checkout(), request(MoveKind.VOID))
        assert wire.seen[-1].body == b"{}"
        assert wire.seen[-1].headers["content-type"].startswith("application/json")


def test_void__of_a_frozen_payment_ends_it(desk):
    desk.set_status("frozen")
    assert desk.void().amount == 84_900
    assert (desk.look().phase, desk.look().raw_status) == (Phase.CANCELED, "REJECTED/CANCELED")


def test_void__that_a_freeze_ends_without_any_sum():
    """Whether a rejected payment still shows what was canceled is not documented."""
    before = payment("FROZEN", order=with_actions("CANCEL"))
    with serving(
        pages({f"GET /v2/payments/{ID}": before, f"POST /v2/payments/{ID}/cancel": rejected("CANCELED")})
    ) as wire:
        assert adapter(wire.url).void(checkout(), request(MoveKind.VOID)).amount == 84_900


def test_void__of_a_frozen_payment_that_was_canceled_already_is_looked_up():
    ask(rejected("CANCELED"), MoveKind.VOID, raises=Uncertain)
    ask(rejected("PAYMENT_FROZEN"), MoveKind.VOID, raises=Rejected)


@pytest.mark.parametrize("word", ["open", "failed", "processing"])
def test_void__of_what_was_never_reserved_is_refused_unsent(desk, word):
    desk.set_status(word)
    with pytest.raises(Rejected):
        desk.void()
    assert desk.asked_for(MoveKind.VOID) == 0


def test_void__of_what_was_captured_is_refused_unsent(desk):
    desk.in_portal("capture")
    with pytest.raises(Rejected, match="nothing reserved"):
        desk.void()
    assert desk.asked_for(MoveKind.VOID) == 0


@pytest.mark.parametrize("verb", ["void", "cancel"])
def test_void__of_what_is_canceled_already_is_looked_up(desk, verb):
    desk.in_portal(verb)
    with pytest.raises(Uncertain):
        desk.void()
    assert (desk.asked_for(MoveKind.VOID), desk.look().capturable) == (0, 0)


def test_void__under_inspection_that_nobody_may_cancel_is_refused():
    for status in ("INSPECTION", "SUPPLEMENTING_REQUIRED", "FROZEN"):
        ask(payment(status), MoveKind.VOID, raises=Rejected)


def test_void__that_the_payment_does_not_allow_is_refused():
    ask(payment("ACCEPTED", order=with_actions("CAPTURE", authorizedAmount=849)), MoveKind.VOID, raises=Rejected)


@pytest.mark.parametrize("fault", [{"kind": "lost_answer"}, {"kind": "truncated"}, {"kind": "5xx", "done": True}])
def test_void__done_in_silence_shows_in_the_sums(desk, sim, fault):
    sim.fault("cancel", provider="resurs", times=1, **fault)
    with pytest.raises(Uncertain):
        desk.void()
    assert desk.look().capturable == 0
    with pytest.raises(Uncertain):
        desk.void()
    assert desk.asked_for(MoveKind.VOID) == 1


def test_void__that_was_not_done_shows_in_the_sums_too(desk, sim):
    sim.fault("cancel", "5xx", provider="resurs", times=1)
    with pytest.raises(Uncertain):
        desk.void()
    assert desk.look().capturable == 84_900
    desk.void()
    assert desk.look().capturable == 0


@pytest.mark.parametrize(
    "after",
    [
        {"authorizedAmount": 849},
        {"authorizedAmount": 549, "canceledAmount": 300},
        {"capturedAmount": 849},
    ],
)
def test_void__that_the_answer_does_not_show_is_unclear(after):
    before = payment("ACCEPTED", order=with_actions("CANCEL", authorizedAmount=849))
    answered = payment("ACCEPTED", order=with_actions("CANCEL", **after))
    ask(before, MoveKind.VOID, answered=answered, raises=Uncertain, sent=True)
    ask(before, MoveKind.VOID, answered={"status": "ACCEPTED"}, raises=Uncertain, sent=True)


# -- lines


def sent_lines(kind: MoveKind, amount: int, lines: tuple[Line, ...], **fields: Any) -> Any:
    """The lines of a move's body as they arrive, with numbers as they are written: (total, VAT rate, VAT)."""
    body = sent_body(kind, checkout(lines=lines, amount=sum(line.total for line in lines)), amount, **fields)
    return [
        (line["totalAmountIncludingVat"], str(line["vatRate"]), line["totalVatAmount"])
        for line in json.loads(body, parse_float=str).get("orderLines", [])
    ]


def sent_body(kind: MoveKind, asked: Checkout, amount: int, **fields: Any) -> bytes:
    total = f"{Decimal(asked.amount).scaleb(-2):f}"
    sums = {"authorizedAmount" if kind is MoveKind.CAPTURE else "capturedAmount": float(total)}
    actions = (kind.upper(), f"PARTIAL_{kind.upper()}")
    before = payment("ACCEPTED", order=with_actions(*actions, **sums))
    log = [entry(kind.upper(), float(total), transactionId=KEY)]
    after = payment("ACCEPTED", order=with_actions(actionLog=log))
    path = f"/v2/payments/{ID}/{kind.value}"
    with serving(pages({f"GET /v2/payments/{ID}": before, f"POST {path}": after})) as wire:
        getattr(adapter(wire.url), kind.value)(asked, request(kind, amount, **fields))
        body: bytes = wire.seen[-1].body
    return body


def test_lines__of_the_shop_are_sent_as_they_are():
    lines = (replace(LAMP, quantity=1, total=40_000), replace(PARCEL, total=1_000))
    body = json.loads(sent_body(MoveKind.REFUND, checkout(), 41_000, lines=lines), parse_float=str)
    assert [line["reference"] for line in body["orderLines"]] == ["SKU-1", "shipping"]
    assert [line["totalAmountIncludingVat"] for line in body["orderLines"]] == ["400.00", "10.00"]
    assert set(body) == {"orderLines", "transactionId"} and body["transactionId"] == KEY


@MOVES
def test_lines__of_the_same_request_are_the_same_bytes(kind):
    asked = checkout(lines=(LAMP, BOOK, PARCEL), amount=95_500)
    assert sent_body(kind, asked, 33_333) == sent_body(kind, replace(asked, buyer=Buyer()), 33_333)


def test_lines__of_all_of_it_are_those_of_create():
    body = json.loads(sent_body(MoveKind.CAPTURE, checkout(), 84_900), parse_float=str)
    made = [(line["reference"], line["quantity"], line["type"]) for line in body["orderLines"]]
    assert made == [("SKU-1", 2, "NORMAL"), ("shipping", 1, "SHIPPING")]


@MOVES
@pytest.mark.parametrize(
    ("lines", "amount", "expected"),
    [
        ((LAMP, PARCEL), 30_000, [("300.00", "25", "60.00")]),
        ((LAMP, PARCEL, BOOK), 47_750, [("424.50", "25", "84.90"), ("53.00", "6", "3.00")]),
        ((LAMP, PARCEL, BOOK), 1, [("0.01", "25", "0.00")]),
        ((LAMP, FREE, replace(FREE, vat_rate=Decimal(6))), 333, [("3.33", "25", "0.67")]),
        # 1:1:1, and the odd unit goes to the rate that stands first
        (
            tuple(replace(BOOK, total=100, vat_rate=Decimal(rate)) for rate in (6, 12, 25)),
            100,
            [("0.34", "6", "0.02"), ("0.33", "12", "0.04"), ("0.33", "25", "0.07")],
        ),
        # 5 of 30:69:1 is 1.5, 3.45, 0.05: the largest remainder wins the unit, and what gets nothing has no line
        (
            tuple(replace(BOOK, total=total, vat_rate=Decimal(rate)) for total, rate in ((30, 6), (69, 12), (1, 25))),
            5,
            [("0.02", "6", "0.00"), ("0.03", "12", "0.00")],
        ),
        # written differently, 25 is 25; a discount counts against its own rate
        ((LAMP, replace(REBATE, vat_rate=Decimal("25.00"))), 100, [("1.00", "25", "0.20")]),
    ],
)
def test_lines__of_a_part_are_the_rates_by_their_shares(kind, lines, amount, expected):
    assert sent_lines(kind, amount, lines) == expected


def test_lines__of_any_part_add_up_and_are_positive(desk):
    """Asked of the simulator, whose check of VAT is the strictest."""
    lines = (
        replace(LAMP, total=33_333, vat_rate=Decimal(25)),
        replace(BOOK, total=7, vat_rate=Decimal("12.5")),
        replace(BOOK, total=9_999, vat_rate=Decimal(6)),
        replace(BOOK, total=1, vat_rate=Decimal(0)),
    )
    desk.sim.control("POST", "resurs/settings", {"strict_vat": True})
    split = Desk(desk.sim, desk.resurs, lines=lines, amount=43_340)
    left = 43_340
    for number, amount in enumerate((1, 2, 3, 97, 1_009, 10_007, 32_220)):
        assert split.capture(amount, key=f"key-{number}", final=False).amount == amount
        left -= amount
    assert split.sums() == (left, 43_340 - left, 0)


def test_lines__of_a_part_carry_the_shops_words():
    asked = checkout(description="Beställning 7", order_reference="ORD-7")
    (line,) = json.loads(sent_body(MoveKind.CAPTURE, asked, 100))["orderLines"]
    assert (line["description"], line["reference"], line["quantityUnit"]) == ("Beställning 7", "ORD-7", "st")
    assert (line["type"], line["quantity"]) == ("NORMAL", 1)
    (line,) = json.loads(sent_body(MoveKind.CAPTURE, replace(asked, description=""), 100))["orderLines"]
    assert line["description"] == "ORD-7"


def test_lines__of_a_refund_are_positive():
    lines = (LAMP, FREE, BOOK, REBATE)
    assert sent_lines(MoveKind.REFUND, 85_700, lines) == [("751.00", "25", "150.20"), ("106.00", "6", "6.00")]
    assert [total for total, _, _ in sent_lines(MoveKind.CAPTURE, 85_700, lines)] == [
        "800.00",
        "0.00",
        "106.00",
        "-49.00",
    ]
    assert [total for total, _, _ in sent_lines(MoveKind.REFUND, 80_000, (LAMP, FREE))] == ["800.00"]


def test_lines__of_an_order_with_a_discount_go_through(desk):
    lines = (LAMP, FREE, BOOK, REBATE)
    cheap = Desk(desk.sim, desk.resurs, lines=lines, amount=85_700)
    cheap.capture(85_700)
    cheap.refund(700, key=OTHER)
    cheap.refund(85_000, key="third")
    assert cheap.sums() == (0, 85_700, 85_700)


def test_lines__of_a_rate_below_nothing_are_resurs_own_for_all_that_is_left(resurs, sim):
    desk = Desk(sim, resurs, lines=(LAMP, VOUCHER), amount=60_000)
    for kind, verb in ((MoveKind.CAPTURE, desk.capture), (MoveKind.REFUND, desk.refund)):
        with pytest.raises(Rejected, match="give the lines"):
            verb(59_999, key=OTHER)
        assert desk.asked_for(kind) == 0
        assert verb(60_000, key=f"{kind}-1").amount == 60_000
    assert desk.sums() == (0, 60_000, 60_000)


def test_lines__of_a_rate_below_nothing_may_be_given(resurs, sim):
    desk = Desk(sim, resurs, lines=(LAMP, VOUCHER), amount=60_000)
    desk.capture(10_000, lines=(replace(LAMP, quantity=1, total=10_000),), final=False)
    assert desk.sums() == (50_000, 10_000, 0)
    with pytest.raises(Rejected, match="give the lines"):  # more may be captured meanwhile, and refunded with it
        desk.refund(10_000, key=OTHER)
    desk.refund(10_000, key=OTHER, lines=(replace(LAMP, quantity=1, total=10_000),))
    assert desk.capture(50_000, key="rest").amount == 50_000


@pytest.mark.parametrize(
    ("kind", "lines", "words"),
    [
        (MoveKind.CAPTURE, (LAMP,), "add up"),
        (MoveKind.REFUND, (LAMP,), "add up"),
        (MoveKind.CAPTURE, (replace(LAMP, total=84_900, vat_rate=Decimal(101)),), "vat_rate"),
        (MoveKind.CAPTURE, (replace(LAMP, total=84_900, quantity=0),), "quantity"),
        (MoveKind.REFUND, (replace(LAMP, total=84_900, unit=""),), "unit"),
        (MoveKind.REFUND, (replace(LAMP, total=89_800), REBATE), "above zero"),
        (MoveKind.REFUND, (replace(LAMP, total=84_900), FREE), "above zero"),
    ],
)
def test_check_move__lines_that_resurs_would_refuse(kind, lines, words):
    wanted = request(kind, lines=lines)
    with pytest.raises(Unsupported, match=words):
        adapter("").check_move(checkout(), wanted)


def test_check_move__takes_the_rest_and_calls_nobody():
    with serving(pages({})) as wire:
        for kind in (MoveKind.CAPTURE, MoveKind.REFUND, MoveKind.VOID):
            adapter(wire.url).check_move(checkout(), request(kind, 12_345))
        adapter(wire.url).check_move(
            checkout(), request(MoveKind.CAPTURE, lines=(replace(LAMP, total=89_800), REBATE))
        )
        assert wire.seen == []
