"""The answer to a refund, capture or void is lost, or the process dies. The money moves once, and everybody knows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_payflow import checkpoints, clock, flow
from django_payflow.exceptions import CommandRefused
from django_payflow.models import Case, Move, Payment
from tests.aftercare.kit import TOTAL, again, left, moves, open_cases, sums
from tests.gauntlet.test_lost_create import LOST

HOUR = 3600


class Killed(BaseException):
    """Stands for kill -9: nothing in the package may catch it."""


def die_at(point: str) -> None:
    def strike() -> None:
        checkpoints.disarm()
        raise Killed

    checkpoints.arm(point, strike)


@pytest.fixture
def paid(till):
    return till.pay(method="creditcard")


@pytest.fixture
def held(till, payflow):
    payflow(account={"CAPTURE": "manual"}, FULFILMENT={})
    return till.pay("authorized", method="creditcard")


def refund(payment, amount=1000, **more):
    return flow.refund(payment_id=payment.pk, amount=amount, **{"actor": "ann", **more})


def lose(till, operation, kind) -> None:
    described = kind if isinstance(kind, dict) else {"kind": kind}
    till.fault(operation, **described)


def settled(till, payment, what="refunds") -> list[tuple[int, str]]:
    """Everything that is due gets done for half a day; returns what then exists at the provider."""
    for _ in range(3):
        till.later(4 * HOUR)
    return till.made(payment, what)


# -- the answer is lost


@pytest.mark.gauntlet("M12")
@pytest.mark.parametrize("kind", LOST)
def test_M12__a_refund_whose_answer_was_lost_is_found_and_not_doubled(till, paid, kind):
    lose(till, "refund", kind)
    asked = refund(paid)

    assert (asked.status, moves(paid)) == ("pending", [("refund", 1000, "pending")]), "the look afterwards found it"
    assert len(settled(till, paid)) == 1
    assert (left(paid), open_cases()) == (TOTAL - 1000, set())


@pytest.mark.gauntlet("M12")
def test_M12__nor_when_the_look_afterwards_fails_too(till, paid):
    lose(till, "refund", "lost_answer")
    till.fault("get", "5xx", times=3)
    assert refund(paid).status == "submitting"
    assert left(paid) == TOTAL - 1000, "it stays reserved while nobody knows"

    till.later(60)
    assert moves(paid) == [("refund", 1000, "pending")]
    assert (len(settled(till, paid)), till.calls("refund")) == (1, 1)


@pytest.mark.gauntlet("M12")
@pytest.mark.gauntlet("G7")
def test_M12__nor_after_the_keys_life(till, paid):
    """Nobody can reach the provider for hours; when it is back, it is asked before anything is sent."""
    lose(till, "refund", "lost_answer")
    till.sim.fault("get", "5xx")
    refund(paid)
    till.later(2 * HOUR)
    till.sim.clear_faults()

    assert len(settled(till, paid)) == 1
    assert (len(moves(paid)), till.calls("refund")) == (1, 1)


@pytest.mark.parametrize(("operation", "what"), [("capture", "captures"), ("release", None)])
def test_lost__a_capture_or_void_is_found_by_what_became_of_the_payment(till, held, operation, what):
    lose(till, operation, "lost_answer")
    if what:  # Mollie's void looks before it asks
        till.fault("get", "5xx", times=3)
    (flow.capture if what else flow.void)(payment_id=held.pk, actor="ann")
    for _ in range(3):
        till.later(60)

    assert moves(held)[0][2] == "succeeded"
    assert sums(held) == (("paid", TOTAL, 0, 0) if what else ("canceled", 0, 0, 0))
    assert (len(moves(held)), Case.objects.count()) == (1, 0)
    if what:
        assert till.made(held, what) == [(TOTAL, "succeeded")]


# -- it was certainly not done, or nobody knows for long


@pytest.mark.parametrize("kind", ["5xx", "429"])
def test_not_done__is_sent_again_with_the_same_key(till, paid, kind):
    till.fault("refund", kind)
    assert refund(paid).status == "submitting"

    till.later(61)

    assert moves(paid) == [("refund", 1000, "pending")]
    assert {call["idempotency_key"] for call in till.sim.calls("refund")} == {Move.objects.get().key}
    assert (till.calls("refund"), till.made(paid)) == (2, [(1000, "pending")])


def test_turned_away__the_providers_own_pause_is_kept(till, paid):
    till.fault("refund", "429", retry_after=300)
    refund(paid)

    till.later(290)
    assert till.calls("refund") == 1
    till.later(20)
    assert (till.calls("refund"), till.made(paid)) == (2, [(1000, "pending")])


@pytest.mark.gauntlet("G15")
def test_server_error__that_the_provider_keeps_under_the_key_is_outlived(till, paid):
    """For an hour every repeat gets it; beyond that two looks ten minutes apart, then the request is made anew."""
    till.sim.fault("refund", "5xx")
    refund(paid)
    till.sim.advance(58 * 60)
    till.sim.clear_faults()
    sent = till.calls("refund")

    till.story.work()
    assert (till.calls("refund"), till.made(paid)) == (sent, []), "one look is not enough"
    till.later(595)
    assert till.calls("refund") == sent
    till.later(10)
    assert (till.calls("refund"), till.made(paid)) == (sent + 1, [(1000, "pending")])
    assert moves(paid) == [("refund", 1000, "pending")]


def test_server_error__for_many_hours_becomes_a_case_and_still_ends_well(till, paid):
    till.sim.fault("refund", "5xx")
    refund(paid)
    for _ in range(8):
        till.later(2 * HOUR)
    assert (moves(paid), open_cases()) == ([("refund", 1000, "submitting")], {"move"})
    assert "10.00" in Case.objects.get().detail

    till.sim.clear_faults()
    assert len(settled(till, paid)) == 1
    till.later(2 * 86400)
    assert (moves(paid), open_cases()) == ([("refund", 1000, "succeeded")], set())


def test_repeated_and_refused__proves_nothing_about_the_first_call(till, paid):
    """The first one was done and its answer lost; nobody sees it, and the repeat is refused: it did happen."""
    lose(till, "refund", "lost_answer")
    till.fault("get", "5xx", times=3)
    refund(paid, TOTAL)
    till.by_hand(paid, "chargeback", webhook=False)

    assert len(settled(till, paid)) == 1
    assert moves(paid)[0][:2] == ("refund", TOTAL)
    assert moves(paid)[0][2] in {"pending", "succeeded"}


def test_refused__an_answer_that_comes_late_says_nothing_about_what_is_settled(till, paid):
    """While the call was on its way a person saw it done, and said so."""
    lose(till, "refund", "not_found")

    def said() -> None:
        checkpoints.disarm()
        flow.confirm_move(move_id=Move.objects.get().pk, reference="STATEMENT 7", actor="bob")

    checkpoints.arm("move.called", said)
    refund(paid)

    row = Move.objects.get()
    assert (row.status, row.error, row.due_at, row.refused) == ("succeeded", "", None, False)
    assert row.lease_token == ""


def test_repeated_and_refused__one_more_look_ends_it(till, paid):
    """It never arrived, and the payment cannot be refunded any more when it is sent again."""
    till.fault("refund", "5xx")
    refund(paid, TOTAL)
    till.by_hand(paid, "chargeback", webhook=False)

    assert settled(till, paid) == []
    assert moves(paid)[0] == ("refund", TOTAL, "failed")
    assert again(paid).charged_back == TOTAL


# -- two that look alike


@pytest.mark.gauntlet("G8")
@pytest.mark.gauntlet("M14")
def test_G8__two_equal_refunds_within_the_hour_are_both_made(till, paid):
    """Mollie refuses the second as a duplicate for an hour; then it takes it."""
    first, second = refund(paid, 800), refund(paid, 800)
    assert (first.status, second.status) == ("pending", "submitting")
    assert (left(paid), till.made(paid)) == (TOTAL - 1600, [(800, "pending")])

    made = settled(till, paid)

    assert [amount for amount, _ in made] == [800, 800]
    till.later(2 * 86400)
    assert (sums(paid)[3], [status for _, _, status in moves(paid)]) == (1600, ["succeeded"] * 2)
    assert open_cases() == set()


# -- the process dies


@pytest.mark.gauntlet("G10")
@pytest.mark.parametrize("point", ["move.claimed", "move.called", "move.settled"])
def test_G10__killed_on_the_way_a_refund_is_made_once(till, paid, point):
    die_at(point)
    with pytest.raises(Killed):
        refund(paid)
    assert (len(moves(paid)), left(paid)) == (1, TOTAL - 1000)

    till.later(61)
    assert moves(paid) == [("refund", 1000, "pending")]
    assert (len(settled(till, paid)), till.calls("refund")) == (1, 1)


@pytest.mark.gauntlet("G10")
@pytest.mark.parametrize("point", ["move.claimed", "move.called", "move.settled"])
@pytest.mark.parametrize("what", ["capture", "void"])
def test_G10__killed_on_the_way_a_capture_or_void_is_made_once(till, held, point, what):
    die_at(point)
    with pytest.raises(Killed):
        getattr(flow, what)(payment_id=held.pk, actor="ann")

    for seconds in (61, 61, HOUR):
        till.later(seconds)
    assert (len(moves(held)), moves(held)[0][2], Case.objects.count()) == (1, "succeeded", 0)
    assert till.calls({"void": "release"}.get(what, what)) == 1


@pytest.mark.gauntlet("G10")
def test_G10__killed_between_the_intent_and_its_first_claim(till, paid):
    die_at("move.claimed")
    checkpoints.disarm()
    original = flow.money.carry_out
    flow.money.carry_out = lambda **_: (_ for _ in ()).throw(Killed())
    try:
        with pytest.raises(Killed):
            refund(paid)
    finally:
        flow.money.carry_out = original
    assert till.calls("refund") == 0

    till.story.work()
    assert (moves(paid), till.made(paid)) == ([("refund", 1000, "pending")], [(1000, "pending")])


@pytest.mark.gauntlet("G10")
def test_G10__killed_twice_at_the_call_after_the_keys_life(till, paid):
    die_at("move.called")
    with pytest.raises(Killed):
        refund(paid)
    till.sim.advance(2 * HOUR)
    die_at("move.claimed")
    with pytest.raises(Killed):
        till.story.work()

    assert len(settled(till, paid)) == 1
    assert till.calls("refund") == 1


# -- the settings are wrong when the time comes


def test_account_without_credentials__waits_until_they_are_mended(till, paid, payflow, settings):
    whole = settings.PAYFLOW
    die_at("move.claimed")
    with pytest.raises(Killed):
        refund(paid)
    payflow(account={"OPTIONS": {"api_key": "nonsense"}})
    till.later(61)
    assert moves(paid) == [("refund", 1000, "submitting")]

    settings.PAYFLOW = whole
    assert len(settled(till, paid)) == 1


def test_confirm_move__ends_what_nobody_can_look_up(till, paid):
    till.sim.fault("refund", "5xx")
    till.sim.fault("get", "5xx")
    asked = refund(paid)

    with pytest.raises(CommandRefused):
        flow.confirm_move(move_id=asked.move_id, reference=" ", actor="ann")
    assert flow.confirm_move(move_id=asked.move_id, reference="REF-1", actor="ann").status == "succeeded"
    assert (left(paid), Move.objects.get().evidence) == (TOTAL - 1000, "REF-1")


def test_refute_move__frees_what_it_had_reserved(till, paid):
    till.sim.fault("refund", "5xx")
    asked = refund(paid)

    with pytest.raises(CommandRefused):
        flow.refute_move(move_id=asked.move_id, reason="", actor="ann")
    assert flow.refute_move(move_id=asked.move_id, reason="not in their dashboard", actor="ann").status == "failed"
    assert left(paid) == TOTAL
    till.sim.clear_faults()
    assert settled(till, paid) == []


def test_refute_move__that_was_wrong_is_told_by_the_provider(till, paid):
    """It had been made after all."""
    lose(till, "refund", "lost_answer")
    till.fault("get", "5xx", times=3)
    asked = refund(paid)
    flow.refute_move(move_id=asked.move_id, reason="I did not look well", actor="ann")
    till.ask(paid)

    assert (moves(paid), open_cases()) == ([("refund", 1000, "pending")], {"move"})
    assert left(paid) == TOTAL - 1000


@pytest.mark.gauntlet("G15")
def test_hanging_account__has_no_place_for_a_refund_either_which_is_made_when_there_is_one(till, paid, payflow):
    """The only place of the account is taken by a question that hangs: the refund waits, untouched."""
    payflow(FETCHES_PER_ACCOUNT=1)
    Payment.objects.filter(pk=paid.pk).update(lease_token="x", lease_until=clock.now() + timedelta(minutes=2))

    assert refund(paid).status == "submitting"

    row = Move.objects.get()
    assert (row.attempts, row.asked_at, row.lease_token, row.lease_until) == (0, None, "", None)
    assert till.calls("refund") == 0
    assert flow.busy_accounts() == {"mollie": 1}
    till.later(130)
    assert (len(settled(till, paid)), till.calls("refund"), flow.busy_accounts()) == (1, 1, {})
