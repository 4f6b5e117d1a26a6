"""Taking or releasing what is only authorized, and what others do with it in the provider's own pages."""
# ruff: noqa: S101 - a test suite asserts

from __future__ import annotations

from typing import Any

import pytest

from ... import clock
from ...exceptions import NotSent, ProviderError, Rejected, Uncertain, Unsupported
from ...messages import Capture, MoveKind, Phase
from ...providers.base import Provider
from .base import Contract, needs
from .desk import Desk
from .stage import Act, Call, Stage, Trait, Trouble


class Capturing(Contract):
    """``capture`` and ``void``; what became of them is read from the payment's sums."""

    @pytest.fixture
    def held(self, stage: Stage, provider: Provider[Any]) -> Desk:
        """A payment that is authorized only, on request."""
        return Desk.open(stage, provider, stage.checkout(capture=Capture.MANUAL), Act.AUTHORIZE)

    @needs(Trait.MANUAL, Act.AUTHORIZE)
    def test_capture__takes_everything(self, held: Desk) -> None:
        done = held.capture()

        assert (done.amount, done.status in {"pending", "succeeded"}) == (held.amount, True)
        report = held.settled()
        assert (report.captured, report.capturable) == (held.amount, 0)

    @needs(Trait.MANUAL, Trait.PART_CAPTURE, Act.AUTHORIZE)
    def test_capture__of_a_final_part_lets_go_of_the_rest(self, held: Desk) -> None:
        held.capture(held.part)

        report = held.settled()
        assert (report.captured, report.capturable) == (held.part, 0)

    @needs(Trait.MANUAL, Trait.SEVERAL_CAPTURES, Act.AUTHORIZE)
    def test_capture__part_by_part_until_everything_is_taken(self, held: Desk) -> None:
        held.capture(held.part, final=False)
        report = held.settled()
        assert (report.captured, report.capturable) == (held.part, held.amount - held.part)

        held.capture(held.amount - held.part)
        report = held.settled()
        assert (report.captured, report.capturable) == (held.amount, 0)

    @needs(Trait.MANUAL, Trait.PART_CAPTURE, Act.AUTHORIZE)
    def test_capture__the_same_request_again_takes_nothing_more(self, held: Desk) -> None:
        request = held.request(MoveKind.CAPTURE, held.part, final=not held.provider.supports_several_captures)
        assert held.send(request).amount == held.send(request).amount == held.part
        assert held.settled().captured == held.part

    @needs(Trait.MANUAL, Trait.PART_CAPTURE, Act.AUTHORIZE)
    @pytest.mark.parametrize("trouble", [Trouble.LOST, Trouble.TRUNCATED])
    def test_capture__whose_answer_was_lost_is_not_made_again(
        self, stage: Stage, held: Desk, trouble: Trouble
    ) -> None:
        request = held.request(MoveKind.CAPTURE, held.part, final=not held.provider.supports_several_captures)
        stage.trouble(Call.CAPTURE, trouble, times=1)
        with pytest.raises(Uncertain):
            held.send(request)

        held.send(request)
        assert held.settled().captured == held.part

    @needs(Trait.MANUAL, Act.AUTHORIZE)
    @pytest.mark.parametrize(("trouble", "end"), [(Trouble.BEFORE, Uncertain), (Trouble.BUSY, NotSent)])
    def test_capture__that_was_not_done_ends_as_what_it_is(
        self, stage: Stage, held: Desk, trouble: Trouble, end: type[ProviderError]
    ) -> None:
        stage.trouble(Call.CAPTURE, trouble, times=1)
        with pytest.raises(ProviderError) as refused:
            held.capture()

        assert type(refused.value) is end
        report = held.look()
        assert (report.captured or 0, report.capturable, stage.calls(Call.CAPTURE)) == (0, held.amount, 1)

    @needs(Trait.MANUAL)
    def test_capture__of_a_payment_that_nobody_paid_is_a_definite_no(
        self, stage: Stage, provider: Provider[Any]
    ) -> None:
        unpaid = Desk.open(stage, provider, stage.checkout(capture=Capture.MANUAL))
        with pytest.raises(Rejected):
            unpaid.capture()
        assert unpaid.look().money == 0

    @needs(Trait.MANUAL, Trait.VOID, Act.AUTHORIZE)
    def test_void__releases_everything(self, held: Desk) -> None:
        assert held.void().status in {"pending", "succeeded"}

        report = held.settled()
        assert (report.money, report.phase in {Phase.CANCELED, Phase.EXPIRED, Phase.FAILED}) == (0, True)

    @needs(Trait.MANUAL, Trait.VOID, Act.AUTHORIZE)
    def test_void__whose_answer_was_lost_shows_in_the_sums(self, stage: Stage, held: Desk) -> None:
        stage.trouble(Call.VOID, Trouble.LOST, times=1)
        with pytest.raises(Uncertain):
            held.void()
        assert held.settled().money == 0

    @needs(Trait.MANUAL, Trait.VOID, Act.AUTHORIZE)
    def test_void__after_the_capture_is_no_success(self, held: Desk) -> None:
        """Somebody captured it meanwhile: a definite no, or unclear and then seen in the sums, and never a refund."""
        held.play(Act.CAPTURE)
        with pytest.raises(ProviderError):
            held.void()
        report = held.settled()
        assert (report.captured, report.refunded or 0) == (held.amount, 0)

    @needs(Trait.MANUAL, Act.AUTHORIZE)
    def test_capture__the_other_account_can_neither_take_nor_release(self, stage: Stage, held: Desk) -> None:
        for kind in (MoveKind.CAPTURE, MoveKind.VOID):
            with pytest.raises(ProviderError):
                held.send(held.request(kind), stage.provider(2))
        report = held.settled()
        assert (report.captured or 0, report.capturable) == (0, held.amount)

    @needs(Trait.NO_MANUAL)
    def test_capture__is_refused_before_the_wire_where_there_is_none(
        self, stage: Stage, provider: Provider[Any]
    ) -> None:
        paid = Desk.open(stage, provider, stage.checkout(), Act.PAY)
        asked = stage.calls()
        for call, kind in ((provider.capture, MoveKind.CAPTURE), (provider.void, MoveKind.VOID)):
            with pytest.raises(Unsupported):
                call(paid.checkout, paid.request(kind))
        assert stage.calls() == asked

    # -- what others do

    @needs(Trait.MANUAL, Act.AUTHORIZE, Act.LAPSE)
    def test_authorization__its_end_is_known_beforehand(self, held: Desk) -> None:
        told, life = held.look().capture_before, held.provider.authorization_life
        assert told is not None or life is not None
        assert told is None or (told.tzinfo is not None and told > clock.now())

    @needs(Act.AUTHORIZE, Act.CAPTURE, Trait.MANUAL)
    def test_elsewhere__a_capture_shows(self, held: Desk) -> None:
        held.play(Act.CAPTURE)
        report = held.look()
        assert (report.captured, report.capturable) == (held.amount, 0)

    @needs(Act.AUTHORIZE, Act.CAPTURE_PART, Trait.MANUAL)
    def test_elsewhere__a_short_capture_shows(self, held: Desk) -> None:
        held.play(Act.CAPTURE_PART)
        report = held.look()
        assert (report.captured, report.capturable) == (held.part, 0)

    @needs(Act.AUTHORIZE, Act.VOID, Trait.MANUAL)
    def test_elsewhere__a_release_shows(self, held: Desk) -> None:
        held.play(Act.VOID)
        assert (held.look().money, held.look().phase) == (0, Phase.CANCELED)

    @needs(Act.AUTHORIZE, Act.LAPSE, Trait.MANUAL)
    def test_elsewhere__a_lapse_shows(self, held: Desk) -> None:
        held.play(Act.LAPSE)
        report = held.look()
        assert (report.money, report.phase in {Phase.CANCELED, Phase.EXPIRED, Phase.FAILED}) == (0, True)
