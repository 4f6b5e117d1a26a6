"""Asking for the truth: every phase, every sum, every label, and answers that are not about our payment."""
# ruff: noqa: S101 - a test suite asserts

from __future__ import annotations

from typing import Any

import pytest

from ...exceptions import ObjectNotFound, UnknownStatus
from ...messages import Checkout, Phase, Reference, Report
from ...providers.base import Provider
from .base import Contract, needs
from .stage import Act, Stage, Trait


class Reading(Contract):
    """``retrieve``, after everything that may happen at the provider."""

    @pytest.fixture
    def look(self, provider: Provider[Any], checkout: Checkout, reference: Reference) -> Any:
        """Ask about that payment."""
        return lambda: provider.retrieve(checkout, reference)

    @pytest.fixture
    def play(self, stage: Stage, reference: Reference) -> Any:
        """Have something happen to that payment."""
        return lambda act: stage.play(reference.value, act)

    def test_open__waits_for_the_buyer_and_holds_no_money(self, look: Any, reference: Reference) -> None:
        report: Report = look()

        assert (report.phase, report.money) == (Phase.OPEN, 0)
        assert reference in report.references

    def test_read__twice_gives_the_same(self, look: Any, play: Any) -> None:
        play(Act.PAY)
        assert look() == look()

    def test_read__changes_nothing_at_the_provider(self, stage: Stage, look: Any, reference: Reference) -> None:
        before = stage.payments(), stage.asked(reference.value)
        look()
        look()
        assert (stage.payments(), stage.asked(reference.value)) == before

    def test_read__every_word_is_in_the_table(self, provider: Provider[Any], look: Any, play: Any) -> None:
        """Raw words are kept for people; the table is what the documentation shows."""
        words = look().raw_status
        play(Act.PAY)
        for word in f"{words}/{look().raw_status}".split("/"):  # an answer of two objects has two words
            assert word in provider.statuses

    def test_paid__the_whole_amount_is_captured(self, look: Any, play: Any, checkout: Checkout) -> None:
        play(Act.PAY)

        report: Report = look()
        assert (report.captured, report.capturable or 0) == (checkout.amount, 0)
        assert (report.phase, report.held) == (Phase.PROCESSING, False)
        assert (report.refunded or 0, report.charged_back or 0) == (0, 0)

    @needs(Act.AUTHORIZE)
    def test_authorized__the_money_is_capturable_and_not_captured(
        self, look: Any, play: Any, checkout: Checkout
    ) -> None:
        play(Act.AUTHORIZE)

        report: Report = look()
        assert (report.captured or 0, report.capturable) == (0, checkout.amount)

    @needs(Act.PROCESS)
    def test_processing__no_money_is_visible_yet(self, look: Any, play: Any) -> None:
        play(Act.PROCESS)

        report: Report = look()
        assert (report.phase, report.money) == (Phase.PROCESSING, 0)

    @needs(Act.DECLINE)
    def test_declined__the_buyer_may_try_again_on_the_same_page(
        self, look: Any, play: Any, checkout: Checkout
    ) -> None:
        play(Act.DECLINE)
        report: Report = look()
        assert (report.phase, report.money) == (Phase.OPEN, 0)

        play(Act.PAY)
        assert look().captured == checkout.amount

    @needs(Act.FAIL)
    def test_failed__is_dead_without_money(self, look: Any, play: Any) -> None:
        play(Act.FAIL)
        assert (look().phase, look().money) == (Phase.FAILED, 0)

    @needs(Act.CANCEL)
    def test_canceled__is_dead_without_money(self, look: Any, play: Any) -> None:
        play(Act.CANCEL)
        assert (look().phase, look().money) == (Phase.CANCELED, 0)

    @needs(Act.EXPIRE)
    def test_expired__is_dead_without_money(self, look: Any, play: Any) -> None:
        play(Act.EXPIRE)
        assert (look().phase, look().money) == (Phase.EXPIRED, 0)

    @needs(Trait.EXPIRES)
    def test_expired__comes_by_the_clock(self, stage: Stage, look: Any) -> None:
        stage.advance(stage.lifetime.total_seconds() + 60)
        assert (look().phase, look().money) == (Phase.EXPIRED, 0)

    def test_expiry__is_told_while_the_payment_is_open_or_not_at_all(self, look: Any, checkout: Checkout) -> None:
        expires = look().expires_at
        assert expires is None or (expires.tzinfo is not None and expires > checkout.created_at)

    @needs(Act.HOLD)
    def test_held__is_said_beside_the_money(self, look: Any, play: Any, checkout: Checkout) -> None:
        play(Act.HOLD)
        assert look().held is True

        play(Act.PAY)
        assert (look().held, look().captured) == (False, checkout.amount)

    @needs(Act.EXPIRE)
    def test_late_success__is_money(self, look: Any, play: Any, checkout: Checkout) -> None:
        play(Act.EXPIRE)
        play(Act.PAY)
        assert look().captured == checkout.amount

    @needs(Act.FAIL)
    def test_late_success__after_failure_is_money_too(self, look: Any, play: Any, checkout: Checkout) -> None:
        play(Act.FAIL)
        play(Act.PAY)
        assert look().captured == checkout.amount

    @needs(Act.REFUND, Trait.LISTS_REFUNDS)
    def test_refund__is_told_beside_the_gross_captured_sum(self, look: Any, play: Any, checkout: Checkout) -> None:
        play(Act.PAY)
        play(Act.REFUND)
        assert (look().captured, look().refunded) == (checkout.amount, checkout.amount)

    @needs(Act.REFUND_PART, Trait.LISTS_REFUNDS)
    def test_refund__a_part_is_a_part(self, look: Any, play: Any, checkout: Checkout) -> None:
        play(Act.PAY)
        play(Act.REFUND_PART)
        assert (look().captured, look().refunded) == (checkout.amount, checkout.amount // 5)
        play(Act.REFUND_PART)
        assert look().refunded == 2 * (checkout.amount // 5)

    @needs(Act.CHARGE_BACK, Trait.LISTS_DISPUTES)
    def test_chargeback__is_told_beside_the_gross_captured_sum(
        self, look: Any, play: Any, checkout: Checkout
    ) -> None:
        play(Act.PAY)
        play(Act.CHARGE_BACK)
        assert (look().captured, look().charged_back) == (checkout.amount, checkout.amount)

    @needs(Act.CHARGE_BACK, Act.WIN, Trait.LISTS_DISPUTES)
    def test_chargeback__that_was_won_is_none(self, look: Any, play: Any, checkout: Checkout) -> None:
        play(Act.PAY)
        play(Act.CHARGE_BACK)
        play(Act.WIN)
        assert (look().captured, look().charged_back) == (checkout.amount, 0)

    @needs(Trait.AMOUNT)
    def test_amount__what_the_provider_says_counts_and_not_what_we_asked(
        self, stage: Stage, look: Any, play: Any, checkout: Checkout, reference: Reference
    ) -> None:
        stage.tell(reference.value, amount=checkout.amount - 100)
        play(Act.PAY)
        assert look().captured == checkout.amount - 100

    @needs(Trait.AMOUNT)
    def test_amount__a_wrong_demand_is_visible_before_anybody_paid(
        self, stage: Stage, look: Any, checkout: Checkout, reference: Reference
    ) -> None:
        stage.tell(reference.value, amount=checkout.amount + 100)
        assert look().requested == checkout.amount + 100

    @needs(Trait.CURRENCY)
    def test_currency__what_the_provider_says_counts(
        self, stage: Stage, look: Any, checkout: Checkout, reference: Reference
    ) -> None:
        assert stage.other_currency != checkout.currency
        stage.tell(reference.value, currency=stage.other_currency)
        assert look().currency == stage.other_currency

    @needs(Trait.MARK, Trait.FOREIGN_MARK)
    def test_mark__what_the_provider_says_counts(self, stage: Stage, look: Any, reference: Reference) -> None:
        stage.tell(reference.value, mark="somebody-elses")
        assert look().our_reference == "somebody-elses"

    @needs(Trait.MODE)
    def test_mode__what_the_provider_says_counts(self, stage: Stage, look: Any, reference: Reference) -> None:
        stage.tell(reference.value, live=True)
        assert look().live is True

    @needs(Trait.STRANGE_WORD)
    def test_unknown_word__is_said_and_not_guessed(self, stage: Stage, look: Any, reference: Reference) -> None:
        stage.tell(reference.value, word="paid-ish")
        with pytest.raises(UnknownStatus) as unknown:
            look()
        assert unknown.value.word == "paid-ish"

    def test_unknown_reference__is_not_found(
        self, stage: Stage, provider: Provider[Any], checkout: Checkout, reference: Reference
    ) -> None:
        strange = Reference(kind=reference.kind, value=stage.unknown(reference.value))
        assert strange != reference
        with pytest.raises(ObjectNotFound):
            provider.retrieve(checkout, strange)

    def test_reference__is_no_path(self, stage: Stage, provider: Provider[Any], checkout: Checkout) -> None:
        """An id from a database that somebody tampered with must not lead the call elsewhere, nor break it."""
        provider.create(checkout)
        for value in ("../../v1/refunds", "x?expand=y", "a/b", "x#y", " "):
            try:
                report = provider.retrieve(checkout, Reference(kind="payment", value=value))
            except (ObjectNotFound, UnknownStatus):
                continue
            except Exception as other:  # noqa: BLE001 - whatever it is, it must be one of ours
                assert type(other).__module__.endswith("django_payflow.exceptions"), repr(other)
                continue
            assert report.money == 0
