"""Reading webhooks: authenticated over the raw bytes, failing closed, and never more than a hint where to look."""
# ruff: noqa: S101 - a test suite asserts

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ...exceptions import WebhookRefused
from ...messages import Checkout, Notice, Reference
from ...providers.base import Provider
from ..simulators import Delivery
from .base import Contract, needs
from .stage import ALIASES, Act, Forgery, Stage, Trait

__all__ = ["Notices"]


def read(provider: Provider[Any], delivery: Delivery) -> list[Notice]:
    """Have an adapter read a delivery as the webhook view would."""
    headers = {name.lower(): value for name, value in delivery.headers.items()}
    after = delivery.path.rpartition(f"/{provider.account}/")[2]
    return provider.parse_webhook(headers, delivery.body, {}, after.strip("/"))


def refusal(provider: Provider[Any], delivery: Delivery) -> WebhookRefused:
    """Have a delivery refused."""
    with pytest.raises(WebhookRefused) as refused:
        read(provider, delivery)
    assert 400 <= refused.value.status < 500
    assert refused.value.reason
    return refused.value


class Notices(Contract):
    """``parse_webhook``."""

    @pytest.fixture
    def delivery(self, stage: Stage, reference: Reference) -> Delivery:
        """The last webhook that the provider made about that payment when it was paid."""
        stage.play(reference.value, Act.PAY)
        return stage.deliveries()[-1]

    @needs(Trait.WEBHOOK)
    def test_genuine__leads_to_the_payment(
        self, stage: Stage, provider: Provider[Any], checkout: Checkout, reference: Reference, delivery: Delivery
    ) -> None:
        stored = {each.value for each in provider.retrieve(checkout, reference).references}
        notices = read(provider, delivery)

        assert notices, "a genuine delivery about our payment says nothing"
        for notice in notices:
            named = {notice.reference, *notice.also} & stored
            assert named or notice.our_reference == checkout.key
            assert not notice.ignorable

    @needs(Trait.WEBHOOK)
    def test_genuine__every_delivery_of_a_story_is_read(
        self, stage: Stage, provider: Provider[Any], reference: Reference
    ) -> None:
        for act in (Act.DECLINE, Act.PROCESS, Act.PAY, Act.REFUND_PART, Act.CHARGE_BACK):
            if not stage.lacks(act):
                stage.play(reference.value, act)
        for delivery in stage.deliveries():
            assert all(notice.reference and notice.kind for notice in read(provider, delivery))

    @needs(Trait.WEBHOOK)
    def test_genuine__is_read_without_a_call(self, stage: Stage, provider: Provider[Any], delivery: Delivery) -> None:
        before = stage.calls()
        read(stage.provider(), delivery)
        assert stage.calls() == before

    @needs(Trait.WEBHOOK)
    def test_genuine__says_the_same_when_it_comes_again(
        self, stage: Stage, provider: Provider[Any], delivery: Delivery
    ) -> None:
        first = read(provider, delivery)
        stage.advance(20)
        again = next(each for each in stage.deliveries() if each.id == delivery.id)
        assert read(provider, again) == first

    @needs(Trait.WEBHOOK, Trait.EVENT_IDS)
    def test_genuine__two_events_have_two_ids(
        self, stage: Stage, provider: Provider[Any], reference: Reference, delivery: Delivery
    ) -> None:
        stage.send_again(reference.value)
        ids = [notice.event_id for each in stage.deliveries() for notice in read(provider, each)]
        assert all(ids)
        assert len(set(ids)) == len(ids) >= 2

    @needs(Trait.WEBHOOK)
    def test_genuine__two_payments_are_told_apart(
        self, stage: Stage, provider: Provider[Any], delivery: Delivery
    ) -> None:
        other = provider.create(stage.checkout()).report.references[0]
        stage.play(other.value, Act.PAY)
        first, second = read(provider, delivery)[0], read(provider, stage.deliveries()[-1])[0]
        assert {first.reference, *first.also}.isdisjoint({second.reference, *second.also})

    @needs(Trait.WEBHOOK)
    def test_unreadable__is_refused_whatever_it_is(
        self, stage: Stage, provider: Provider[Any], delivery: Delivery
    ) -> None:
        for body in (b"", b"{", b"[]", b"null", b"id=", b"id=1&id=2", b"\xff\x00", b"[" * 50_000, b"a" * 60_000):
            refusal(provider, replace(delivery, body=body))

    @needs(Trait.WEBHOOK)
    def test_unreadable__strange_headers_break_nothing(
        self, stage: Stage, provider: Provider[Any], delivery: Delivery
    ) -> None:
        for value in ("", "é\x00", "t=1,v1=" + "0" * 64, "," * 5000, "t=" + "9" * 5000):
            mangled = dict.fromkeys(delivery.headers, value)
            refusal(provider, replace(delivery, headers=mangled, body=b"nothing"))
        refusal(provider, replace(delivery, headers={}, body=b""))

    @needs(Trait.WEBHOOK, Trait.SIGNED, Trait.EVERY_BYTE)
    def test_signed__a_changed_body_is_refused(self, provider: Provider[Any], delivery: Delivery) -> None:
        for body in (delivery.body + b" ", b" " + delivery.body, delivery.body[:-1], delivery.body.swapcase()):
            refusal(provider, replace(delivery, body=body))

    @needs(Trait.WEBHOOK, Trait.SIGNED)
    def test_signed__about_another_payment_is_refused(
        self, stage: Stage, provider: Provider[Any], reference: Reference, delivery: Delivery
    ) -> None:
        other = stage.unknown(reference.value).encode()
        body = delivery.body.replace(reference.value.encode(), other)
        body = body if body != delivery.body else delivery.body.replace(b":", b": ", 1)
        refusal(provider, replace(delivery, body=body))

    @needs(Trait.WEBHOOK, Trait.SIGNED)
    def test_signed__a_forgery_is_refused(
        self, stage: Stage, provider: Provider[Any], reference: Reference, delivery: Delivery
    ) -> None:
        assert read(provider, delivery)
        for forgery in stage.forgeries:
            refusal(provider, stage.forged(reference.value, forgery))

    @needs(Trait.WEBHOOK, Trait.SIGNED, Trait.QUIET)
    def test_signed__a_forgery_rings_no_alarm(
        self, stage: Stage, provider: Provider[Any], reference: Reference, delivery: Delivery
    ) -> None:
        for forgery in stage.forgeries:
            assert not refusal(provider, stage.forged(reference.value, forgery)).alarm, "anybody could ring it"

    @needs(Trait.WEBHOOK, Trait.SIGNED, Trait.TIMESTAMP)
    def test_signed__an_old_one_is_refused_when_it_is_replayed(
        self, stage: Stage, provider: Provider[Any], delivery: Delivery
    ) -> None:
        """The very bytes and headers that were good an hour ago."""
        read(provider, delivery)
        stage.advance(3700)
        refusal(provider, delivery)

    @needs(Trait.WEBHOOK, Trait.SIGNED, Trait.MODE_IN_WEBHOOK)
    def test_signed__a_genuine_one_of_the_other_mode_is_refused_with_an_alarm(
        self, stage: Stage, provider: Provider[Any], reference: Reference, delivery: Delivery
    ) -> None:
        assert refusal(provider, stage.forged(reference.value, Forgery.WRONG_MODE)).alarm

    @needs(Trait.WEBHOOK, Trait.SIGNED, Trait.ROTATION)
    def test_signed__two_secrets_are_good_while_one_replaces_the_other(
        self, stage: Stage, provider: Provider[Any], delivery: Delivery
    ) -> None:
        old, new = (stage.options(account)[stage.signing_option][0] for account in (1, 2))
        for secrets in ([old, new], [new, old]):
            assert read(stage.provider(options={stage.signing_option: secrets}), delivery)
        refusal(stage.provider(options={stage.signing_option: [new]}), delivery)

    @needs(Trait.WEBHOOK, Trait.SIGNED)
    def test_signed__the_other_accounts_signature_is_none(self, stage: Stage, provider: Provider[Any]) -> None:
        theirs = stage.provider(2).create(stage.checkout(2)).report.references[0]
        stage.play(theirs.value, Act.PAY)
        foreign = stage.deliveries()[-1]
        read(stage.provider(2), foreign)
        refusal(provider, replace(foreign, path=foreign.path.replace(f"/{ALIASES[2]}/", f"/{ALIASES[1]}/")))

    @needs(Trait.WEBHOOK)
    def test_refusal__quotes_no_secret(self, stage: Stage, provider: Provider[Any], delivery: Delivery) -> None:
        refused = refusal(provider, replace(delivery, body=" ".join(stage.secrets()).encode()))
        for secret in stage.secrets():
            assert secret not in str(refused) + refused.reason

    @needs(Trait.WEBHOOK, Trait.UNSIGNED)
    def test_unsigned__is_a_hint_and_claims_nothing_more(
        self, provider: Provider[Any], reference: Reference, delivery: Delivery
    ) -> None:
        """Without a signature neither our mark nor an event id may count: anybody could have written them."""
        for notice in read(provider, delivery):
            assert (notice.our_reference, notice.event_id) == ("", "")
