"""Creating a payment, and the hosted page that comes of it."""
# ruff: noqa: S101 - a test suite asserts

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from ...exceptions import InvalidCheckout, Rejected
from ...messages import Capture, Checkout, Line, Phase
from ...providers.base import Provider
from .base import Contract, needs
from .stage import Act, Asked, Stage, Trait


class Creating(Contract):
    """``check`` and ``create``, against the simulator."""

    def test_create__gives_a_page_and_a_reference(self, provider: Provider[Any], checkout: Checkout) -> None:
        redirect = provider.create(checkout)

        assert provider.safe_checkout_url(redirect.url) == redirect.url
        assert redirect.report.references, "nothing to ask about later"
        assert all(reference.kind and reference.value for reference in redirect.report.references)

    def test_create__reports_an_open_payment_without_money(self, provider: Provider[Any], checkout: Checkout) -> None:
        report = provider.create(checkout).report

        assert report.phase is Phase.OPEN
        assert (report.money, report.refunded or 0, report.charged_back or 0) == (0, 0, 0)
        assert (report.currency, report.live) == (checkout.currency, False)
        assert report.requested in {checkout.amount, None}

    def test_create__makes_exactly_one_payment(
        self, stage: Stage, provider: Provider[Any], checkout: Checkout
    ) -> None:
        report = provider.create(checkout).report

        assert stage.payments() == [report.references[0].value]

    def test_create__asks_the_buyer_for_exactly_the_amount(
        self, stage: Stage, provider: Provider[Any], checkout: Checkout
    ) -> None:
        reference = provider.create(checkout).report.references[0].value

        assert stage.asked(reference) == Asked(amount=checkout.amount, currency=checkout.currency)

    def test_create__no_amount_loses_a_unit_in_any_currency(self, stage: Stage, provider: Provider[Any]) -> None:
        for currency, amount in stage.amounts:
            wanted = stage.checkout(currency=currency, amount=amount)
            provider.check(wanted)
            report = provider.create(wanted).report
            assert stage.asked(report.references[0].value) == Asked(amount=amount, currency=currency)
            again = provider.retrieve(wanted, report.references[0])
            assert (again.currency, again.requested) in {(currency, amount), (currency, None)}

    @needs(Trait.MARK)
    def test_create__leaves_our_key_on_the_payment(self, provider: Provider[Any], checkout: Checkout) -> None:
        report = provider.create(checkout).report

        assert report.our_reference == checkout.key
        assert provider.retrieve(checkout, report.references[0]).our_reference == checkout.key

    @needs(Trait.HTTP)
    def test_create__the_same_checkout_always_sends_the_same_bytes(self, stage: Stage, checkout: Checkout) -> None:
        frozen = Checkout.from_json(json.loads(json.dumps(checkout.to_json())))
        first, second = stage.provider(), stage.provider()
        first.create(checkout)
        stage.advance(90)
        try:
            second.create(frozen)
        except Rejected:  # a provider without idempotency keys refuses the repeat: what counts is what was sent
            assert not stage.provider_class.key_life
        sent = [[(s.method, s.path, s.body) for s in each.http.sent] for each in (first, second)]  # type: ignore[attr-defined]
        assert sent[0][-1] == sent[1][-1]

    @needs(Trait.KEYS)
    def test_create__sends_the_attempts_key(self, stage: Stage, provider: Provider[Any], checkout: Checkout) -> None:
        provider.create(checkout)

        assert stage.keys() == [checkout.key]

    @needs(Trait.KEYS)
    def test_create__a_repeat_with_the_same_key_gives_the_same_payment(
        self, stage: Stage, provider: Provider[Any], checkout: Checkout
    ) -> None:
        first, again = provider.create(checkout), stage.provider().create(checkout)

        assert first.report.references == again.report.references
        assert first.url == again.url
        assert len(stage.payments()) == 1

    def test_create__another_attempt_is_another_payment(self, stage: Stage, provider: Provider[Any]) -> None:
        made = [provider.create(stage.checkout()).report.references[0].value for _ in range(3)]

        assert len(set(made)) == 3
        assert sorted(stage.payments()) == sorted(made)

    def test_create__two_accounts_are_two_worlds(self, stage: Stage) -> None:
        ours, theirs = stage.checkout(), stage.checkout(2)
        reference = stage.provider().create(ours).report.references[0]
        foreign = stage.provider(2).create(theirs).report.references[0]

        with pytest.raises(Rejected):
            stage.provider().retrieve(ours, foreign)
        assert stage.provider().retrieve(ours, reference).references[0] == reference

    def test_create__any_description_goes_through(self, stage: Stage, provider: Provider[Any]) -> None:
        for description in ("Bestelling № 7 – “thé”, 2 × 茶 🍵", "x" * 2000, "<b>&amp;\"'", "100 % = a+b&c"):
            wanted = stage.checkout(description=description)
            provider.check(wanted)
            assert stage.asked(provider.create(wanted).report.references[0].value).amount == wanted.amount

    def test_create__any_locale_goes_through(self, stage: Stage, provider: Provider[Any]) -> None:
        for locale in ("", "nl_NL", "en", "xx_XX", "tlh"):
            assert provider.create(stage.checkout(locale=locale)).url

    def test_create__lines_never_change_the_total(self, stage: Stage, provider: Provider[Any]) -> None:
        """Discounts, free lines and prices that do not multiply: what the buyer pays is the amount."""
        amount = stage.amounts[0][1]
        tea = Line(name="Sencha", quantity=3, unit_price=amount, total=3 * amount, vat_rate=Decimal("21"), sku="TEA")
        for lines in (
            (replace(tea, quantity=1, total=amount),),
            (tea, Line(name="Voucher", quantity=1, unit_price=-2 * amount, total=-2 * amount)),
            (replace(tea, quantity=1, total=amount), Line(name="Sample", quantity=1, unit_price=0, total=0)),
            (Line(name="Three for two", quantity=3, unit_price=amount // 2, total=amount),),
            (Line(name="N" * 400, quantity=1, unit_price=amount, total=amount, vat_rate=Decimal("9.5")),),
        ):
            wanted = stage.checkout(lines=lines)
            provider.check(wanted)
            reference = provider.create(wanted).report.references[0].value
            assert stage.asked(reference).amount == amount, [line.name[:20] for line in lines]

    @needs(Trait.MANUAL, Act.AUTHORIZE)
    def test_create__manual_capture_reserves_only(self, stage: Stage, provider: Provider[Any]) -> None:
        wanted = stage.checkout(capture=Capture.MANUAL)
        reference = provider.create(wanted).report.references[0]
        stage.play(reference.value, Act.AUTHORIZE)

        report = provider.retrieve(wanted, reference)
        assert (report.capturable, report.captured) == (wanted.amount, 0)

    @needs(Trait.REFUSES)
    def test_create__a_definite_no_is_rejected_and_makes_nothing(self, stage: Stage, provider: Provider[Any]) -> None:
        with pytest.raises(Rejected):
            provider.create(stage.checkout(method=stage.refused_method))
        assert stage.payments() == []

    def test_check__refuses_amounts_and_currencies_before_the_wire(
        self, stage: Stage, provider: Provider[Any]
    ) -> None:
        for currency, amount in stage.refuses:
            with pytest.raises(InvalidCheckout):
                provider.check(stage.checkout(currency=currency, amount=amount))
                pytest.fail(f"{amount} {currency} was not refused")
        assert (provider.http.sent, stage.calls()) == ([], 0)  # type: ignore[attr-defined]

    def test_check__refuses_what_is_no_currency(self, stage: Stage, provider: Provider[Any]) -> None:
        for word in ("", "EURO", "XXQ", "eu", "€"):
            with pytest.raises(InvalidCheckout):
                provider.check(stage.checkout(currency=word))
                pytest.fail(f"{word!r} was not refused")

    def test_check__lets_the_everyday_pass_without_a_call(
        self, stage: Stage, provider: Provider[Any], checkout: Checkout
    ) -> None:
        provider.check(checkout)
        assert stage.calls() == 0

    def test_page__opens_for_the_buyer(self, stage: Stage, provider: Provider[Any], checkout: Checkout) -> None:
        status, text = stage.page(provider.create(checkout).url)

        assert status == 200
        assert "<html" in text.lower()

    @needs(Trait.PAGE)
    def test_page__paying_there_pays_and_leads_back_to_the_shop(
        self, stage: Stage, provider: Provider[Any], checkout: Checkout
    ) -> None:
        redirect = provider.create(checkout)

        assert stage.pay_on_page(redirect.url).startswith(checkout.return_url)
        assert provider.retrieve(checkout, redirect.report.references[0]).captured == checkout.amount

    def test_page__is_no_longer_offered_once_it_is_paid(
        self, stage: Stage, provider: Provider[Any], checkout: Checkout
    ) -> None:
        reference = provider.create(checkout).report.references[0]
        stage.play(reference.value, Act.PAY)

        assert provider.retrieve(checkout, reference).checkout_url == ""
