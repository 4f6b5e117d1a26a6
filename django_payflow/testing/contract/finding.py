"""Looking for a payment after a lost answer, and ending one that nobody wants any more."""
# ruff: noqa: S101 - a test suite asserts

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from ...exceptions import ProviderError, Rejected, Uncertain
from ...messages import Checkout, Phase, Reference
from ...providers.base import Provider
from .base import Contract, needs
from .stage import Act, Call, Stage, Trait, Trouble

_DEAD = {Phase.CANCELED, Phase.EXPIRED, Phase.FAILED}


class Finding(Contract):
    """``find``: an orphan by our own mark."""

    @needs(Trait.FIND)
    def test_find__nothing_where_nothing_is(self, provider: Provider[Any], checkout: Checkout) -> None:
        assert provider.find(checkout) is None

    @needs(Trait.FIND)
    def test_find__ours_among_others(self, stage: Stage, provider: Provider[Any], checkout: Checkout) -> None:
        others = [provider.create(stage.checkout()).report.references[0] for _ in range(2)]
        wanted = provider.create(checkout).report.references[0]
        others += [provider.create(stage.checkout()).report.references[0] for _ in range(2)]

        found = provider.find(checkout)

        assert found is not None
        assert found.references[0] == wanted
        assert found.references[0] not in others
        assert (found.currency, found.requested) in {(checkout.currency, checkout.amount), (checkout.currency, None)}

    @needs(Trait.FIND)
    def test_find__tells_the_attempts_of_one_order_apart(self, stage: Stage, provider: Provider[Any]) -> None:
        first, second, third = (stage.checkout() for _ in range(3))
        made = {each.key: provider.create(each).report.references[0] for each in (first, second)}

        for each in (first, second):
            found = provider.find(each)
            assert found is not None and found.references[0] == made[each.key]
        assert provider.find(third) is None

    @needs(Trait.FIND)
    def test_find__the_other_accounts_payment_is_not_ours(self, stage: Stage, provider: Provider[Any]) -> None:
        foreign = stage.checkout()
        stage.provider(2).create(foreign)

        assert provider.find(foreign) is None

    @needs(Trait.FIND)
    def test_find__sees_the_money(self, stage: Stage, provider: Provider[Any], checkout: Checkout) -> None:
        stage.play(provider.create(checkout).report.references[0].value, Act.PAY)

        found = provider.find(checkout)
        assert found is not None and found.captured == checkout.amount

    @needs(Trait.FIND, Act.EXPIRE)
    def test_find__sees_the_dead_too(self, stage: Stage, provider: Provider[Any], checkout: Checkout) -> None:
        stage.play(provider.create(checkout).report.references[0].value, Act.EXPIRE)

        found = provider.find(checkout)
        assert found is not None and found.phase is Phase.EXPIRED

    @needs(Trait.FIND)
    def test_find__beyond_the_keys_life(self, stage: Stage, provider: Provider[Any], checkout: Checkout) -> None:
        reference = provider.create(checkout).report.references[0]
        stage.advance((stage.provider_class.key_life + timedelta(hours=3)).total_seconds())
        provider.create(stage.checkout())

        found = provider.find(checkout)
        assert found is not None and found.references[0] == reference

    @needs(Trait.FIND)
    def test_find__makes_nothing(self, stage: Stage, provider: Provider[Any], checkout: Checkout) -> None:
        provider.find(checkout)
        assert stage.payments() == []

    @needs(Trait.FIND)
    @pytest.mark.parametrize("trouble", [Trouble.BEFORE, Trouble.TRUNCATED, Trouble.LOST, Trouble.BUSY])
    def test_find__a_failed_search_is_no_finding_of_nothing(
        self, stage: Stage, provider: Provider[Any], checkout: Checkout, trouble: Trouble
    ) -> None:
        provider.create(checkout)
        stage.trouble(Call.FIND, trouble)

        with pytest.raises(ProviderError):
            provider.find(checkout)


class Ending(Contract):
    """``cancel``: ending an open payment."""

    @pytest.fixture
    def wanted(self, stage: Stage) -> Checkout:
        """A checkout whose payment can be cancelled."""
        return stage.checkout(method=stage.cancelable_method)

    @pytest.fixture
    def cancelable(self, provider: Provider[Any], wanted: Checkout) -> Reference:
        """What that payment is called at the provider."""
        return provider.create(wanted).report.references[0]

    @needs(Trait.CANCEL)
    def test_cancel__ends_an_open_payment(
        self, stage: Stage, provider: Provider[Any], wanted: Checkout, cancelable: Reference
    ) -> None:
        report = provider.cancel(wanted, cancelable)

        assert report.phase in _DEAD
        assert report.money == 0
        assert cancelable in report.references
        assert not stage.payable(cancelable.value)
        assert provider.retrieve(wanted, cancelable).phase in _DEAD

    @needs(Trait.CANCEL)
    def test_cancel__a_paid_payment_keeps_its_money(
        self, stage: Stage, provider: Provider[Any], wanted: Checkout, cancelable: Reference
    ) -> None:
        stage.play(cancelable.value, Act.PAY)
        try:
            report = provider.cancel(wanted, cancelable)
        except Rejected:
            pass
        else:
            assert report.captured == wanted.amount
        assert provider.retrieve(wanted, cancelable).captured == wanted.amount

    @needs(Trait.CANCEL)
    def test_cancel__twice_ends_it_once(
        self, provider: Provider[Any], wanted: Checkout, cancelable: Reference
    ) -> None:
        provider.cancel(wanted, cancelable)
        with suppress(Rejected):
            assert provider.cancel(wanted, cancelable).phase in _DEAD
        assert provider.retrieve(wanted, cancelable).phase in _DEAD

    @needs(Trait.CANCEL)
    def test_cancel__an_unknown_payment_is_rejected(
        self, stage: Stage, provider: Provider[Any], wanted: Checkout, cancelable: Reference
    ) -> None:
        with pytest.raises(Rejected):
            provider.cancel(wanted, Reference(kind=cancelable.kind, value=stage.unknown(cancelable.value)))

    @needs(Trait.CANCEL)
    @pytest.mark.parametrize("trouble", [Trouble.LOST, Trouble.TRUNCATED, Trouble.AFTER])
    def test_cancel__a_lost_answer_leaves_it_unclear_and_asking_clears_it(
        self, stage: Stage, provider: Provider[Any], wanted: Checkout, cancelable: Reference, trouble: Trouble
    ) -> None:
        stage.trouble(Call.CANCEL, trouble, times=1)
        with pytest.raises(Uncertain):
            provider.cancel(wanted, cancelable)
        assert provider.retrieve(wanted, cancelable).phase in _DEAD

    @needs(Trait.CANCEL)
    def test_cancel__that_was_not_done_leaves_it_open(
        self, stage: Stage, provider: Provider[Any], wanted: Checkout, cancelable: Reference
    ) -> None:
        stage.trouble(Call.CANCEL, Trouble.BEFORE)
        with pytest.raises(Uncertain):
            provider.cancel(wanted, cancelable)
        assert provider.retrieve(wanted, cancelable).phase is Phase.OPEN
        assert stage.calls(Call.CANCEL) == 1, "an adapter repeats nothing that changes something"
