"""Sending captured money back: exactly once, exactly that much, and to be found again after a lost answer."""
# ruff: noqa: S101 - a test suite asserts

from __future__ import annotations

from typing import Any

import pytest

from ...exceptions import NotSent, ObjectNotFound, ProviderError, Rejected, Uncertain, Unsupported
from ...messages import Checkout, MoveKind, Reference
from ...providers.base import Provider
from .base import Contract, needs
from .desk import Desk
from .stage import Act, Call, Stage, Trait, Trouble

_UNDER_WAY = {"pending", "succeeded"}


class Refunding(Contract):
    """``refund``, and what ``retrieve`` says of refunds; as a list of numbers the provider has them too."""

    @pytest.fixture
    def paid(self, stage: Stage, provider: Provider[Any], checkout: Checkout) -> Desk:
        """A payment that was paid."""
        return Desk.open(stage, provider, checkout, Act.PAY)

    @needs(Trait.REFUND)
    def test_refund__everything_goes_back(self, paid: Desk) -> None:
        done = paid.refund()

        assert (done.amount, done.status in _UNDER_WAY, bool(done.id)) == (paid.amount, True, True)
        assert paid.sent_back() == [paid.amount]
        report = paid.settled()
        assert (report.captured, report.refunded) in {(paid.amount, paid.amount), (paid.amount, None)}

    @needs(Trait.REFUND, Trait.PART_REFUND)
    def test_refund__parts_are_exactly_what_was_asked_for(self, paid: Desk) -> None:
        first, rest = paid.refund(paid.part), paid.refund(paid.amount - paid.part)

        assert (first.amount, rest.amount) == (paid.part, paid.amount - paid.part)
        assert first.id != rest.id
        assert paid.sent_back() == [paid.part, paid.amount - paid.part]

    @needs(Trait.REFUND)
    def test_refund__the_same_request_again_is_the_same_refund(self, paid: Desk) -> None:
        request = paid.request(MoveKind.REFUND, paid.part if paid.provider.supports_partial_refund else None)
        first, second = paid.send(request), paid.send(request)

        assert first.id == second.id
        assert paid.sent_back() == [request.amount]

    @needs(Trait.REFUND, Trait.HTTP)
    def test_refund__the_same_request_sends_the_same_bytes(self, stage: Stage, paid: Desk) -> None:
        request = paid.request(MoveKind.REFUND)
        stage.trouble(Call.REFUND, Trouble.BUSY, times=1)
        with pytest.raises(NotSent):
            paid.send(request)
        first = paid.provider.http.sent[-1]  # type: ignore[attr-defined]  # a Recorder
        paid.send(request)
        second = next(sent for sent in reversed(paid.provider.http.sent) if sent.path == first.path)  # type: ignore[attr-defined]

        assert first.body == second.body
        assert first.headers == second.headers

    @needs(Trait.REFUND)
    @pytest.mark.parametrize("trouble", [Trouble.LOST, Trouble.TRUNCATED])
    def test_refund__whose_answer_was_lost_is_not_made_again(
        self, stage: Stage, paid: Desk, trouble: Trouble
    ) -> None:
        request = paid.request(MoveKind.REFUND)
        stage.trouble(Call.REFUND, trouble, times=1)
        with pytest.raises(Uncertain):
            paid.send(request)
        assert paid.sent_back() == [paid.amount]

        assert paid.send(request).status in _UNDER_WAY
        assert paid.sent_back() == [paid.amount]

    @needs(Trait.REFUND, Trait.LISTS_REFUNDS)
    def test_refund__whose_answer_was_lost_shows_itself_by_our_mark(self, stage: Stage, paid: Desk) -> None:
        request = paid.request(MoveKind.REFUND)
        stage.trouble(Call.REFUND, Trouble.LOST, times=1)
        with pytest.raises(Uncertain):
            paid.send(request)

        (shown,) = paid.look().refunds
        assert (shown.our_reference, shown.amount, shown.status in _UNDER_WAY) == (request.key, paid.amount, True)

    @needs(Trait.REFUND, Trait.PART_REFUND, Trait.LISTS_REFUNDS, Act.REFUND_PART)
    def test_refund__ours_are_told_from_somebody_elses(self, paid: Desk) -> None:
        request = paid.request(MoveKind.REFUND, 2 * paid.part)
        paid.send(request)
        paid.play(Act.REFUND_PART)

        shown = {(move.our_reference, move.amount) for move in paid.look().refunds}
        assert shown == {(request.key, 2 * paid.part), ("", paid.part)}

    @needs(Trait.REFUND)
    @pytest.mark.parametrize(("trouble", "end"), [(Trouble.BEFORE, Uncertain), (Trouble.BUSY, NotSent)])
    def test_refund__that_was_not_done_ends_as_what_it_is(
        self, stage: Stage, paid: Desk, trouble: Trouble, end: type[ProviderError]
    ) -> None:
        stage.trouble(Call.REFUND, trouble, times=1)
        with pytest.raises(ProviderError) as refused:
            paid.refund()

        assert type(refused.value) is end
        assert (paid.sent_back(), stage.calls(Call.REFUND)) == ([], 1)

    @needs(Trait.REFUND)
    def test_refund__of_money_that_went_back_already_is_a_definite_no(self, paid: Desk) -> None:
        paid.refund()
        with pytest.raises(Rejected):
            paid.refund(paid.part if paid.provider.supports_partial_refund else None)
        assert paid.sent_back() == [paid.amount]

    @needs(Trait.REFUND)
    def test_refund__of_a_payment_that_nobody_paid_is_a_definite_no(
        self, stage: Stage, provider: Provider[Any], checkout: Checkout
    ) -> None:
        unpaid = Desk.open(stage, provider, checkout)
        with pytest.raises(Rejected):
            unpaid.refund()
        assert unpaid.sent_back() == []

    @needs(Trait.REFUND)
    def test_refund__the_other_account_cannot_make_it(self, stage: Stage, paid: Desk) -> None:
        with pytest.raises(ProviderError):
            paid.send(paid.request(MoveKind.REFUND), stage.provider(2))
        assert paid.sent_back() == []

    @needs(Trait.REFUND, Trait.PART_REFUND)
    def test_refund__no_amount_loses_a_unit_in_any_currency(self, stage: Stage, provider: Provider[Any]) -> None:
        for currency, amount in stage.amounts:
            desk = Desk.open(stage, provider, stage.checkout(currency=currency, amount=amount), Act.PAY)
            request = desk.request(MoveKind.REFUND, amount // 2 or amount)
            try:
                done = desk.send(request)
            except Unsupported:  # some amounts of a currency have no exact form at the provider
                request = desk.request(MoveKind.REFUND)
                done = desk.send(request)
            assert (done.amount, desk.sent_back()) == (request.amount, [request.amount]), currency

    @needs(Act.REFUND_PENDING, Act.REFUND_ARRIVES, Trait.LISTS_REFUNDS)
    def test_refund__on_its_way_is_no_refunded_money_yet(self, paid: Desk) -> None:
        paid.play(Act.REFUND_PENDING)
        report = paid.look()
        assert (report.refunded, [move.status for move in report.refunds]) == (0, ["pending"])

        paid.play(Act.REFUND_ARRIVES)
        report = paid.look()
        assert (report.refunded, [move.status for move in report.refunds]) == (paid.amount, ["succeeded"])

    @needs(Act.REFUND_PENDING, Act.REFUND_ARRIVES, Act.REFUND_FAILS, Trait.LISTS_REFUNDS)
    def test_refund__that_comes_back_is_none(self, paid: Desk) -> None:
        paid.play(Act.REFUND_PENDING)
        paid.play(Act.REFUND_ARRIVES)
        paid.play(Act.REFUND_FAILS)

        report = paid.look()
        assert (report.refunded, [move.status for move in report.refunds]) == (0, ["failed"])

    @needs(Trait.REFUND, Trait.UNLISTED_REFUNDS)
    def test_refund__that_no_list_shows_is_read_by_its_id(
        self, stage: Stage, provider: Provider[Any], paid: Desk
    ) -> None:
        made = paid.refund()
        reference = Reference(kind="refund", value=made.id)

        shown = provider.retrieve_move(paid.checkout, reference)
        assert (shown.id, shown.amount, shown.status in _UNDER_WAY) == (made.id, paid.amount, True)
        with pytest.raises(ObjectNotFound):
            provider.retrieve_move(stage.checkout(), reference)

    @needs(Trait.NO_REFUND)
    def test_refund__is_refused_before_the_wire_where_there_is_none(self, stage: Stage, paid: Desk) -> None:
        asked = stage.calls()
        with pytest.raises(Unsupported):
            paid.provider.refund(paid.checkout, paid.request(MoveKind.REFUND))
        assert stage.calls() == asked
