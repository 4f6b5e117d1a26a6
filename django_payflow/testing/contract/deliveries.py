"""Webhooks arriving at the shop: genuine, forged, replayed, duplicated, out of order, too early."""
# ruff: noqa: S101 - a test suite asserts

from __future__ import annotations

from dataclasses import replace

from django.urls import reverse

from ... import clock
from ...models import Case, Payment, PaymentEvent, WebhookDelivery
from ..simulators import Delivery
from .base import Contract, needs
from .shop import ONE, TWO, Shop
from .stage import Act, Call, Forgery, Stage, Trait, Trouble


def made_by(stage: Stage, reference: str, act: Act) -> list[Delivery]:
    """Have something happen; returns the deliveries that it made, oldest first."""
    before = len(stage.deliveries())
    stage.play(reference, act)
    return stage.deliveries()[before:]


class Deliveries(Contract):
    """The webhook endpoint, the inbox and the worker behind it."""

    @needs(Trait.WEBHOOK)
    def test_genuine__is_stored_and_accepted_before_anybody_asks_the_provider(self, stage: Stage, shop: Shop) -> None:
        shop.start()
        delivery = made_by(stage, shop.reference, Act.PAY)[-1]
        calls, stored = stage.calls(), shop.inbox()

        assert shop.deliver(delivery) == 200
        assert (stage.calls(), shop.inbox(), shop.payment.status) == (calls, stored + 1, "pending")
        shop.work()
        assert (shop.payment.status, shop.handed_over) == ("paid", 1)
        assert set(WebhookDelivery.objects.values_list("state", flat=True)) <= {"done", "ignored"}

    @needs(Trait.WEBHOOK)
    def test_duplicated__five_times_has_one_effect(self, stage: Stage, shop: Shop) -> None:
        shop.start()
        delivery = made_by(stage, shop.reference, Act.PAY)[-1]
        stored = shop.inbox()
        for turn in range(5):
            assert shop.deliver(delivery) == 200
            if turn in {1, 3}:
                shop.work()
        shop.work()

        assert shop.inbox() == stored + 1
        assert (shop.payment.captured, shop.handed_over, shop.now()) == (shop.order.total, 1, "completed")
        moves = PaymentEvent.objects.filter(payment=shop.payment, kind="transition")
        assert moves.count() == len(set(moves.values_list("summary", flat=True)))

    @needs(Trait.WEBHOOK)
    def test_duplicated__all_of_a_story_again_at_its_end_changes_nothing(self, stage: Stage, shop: Shop) -> None:
        shop.start()
        for act in (Act.PROCESS, Act.PAY):
            if not stage.lacks(act):
                shop.news(act)
        known = shop.state()

        for delivery in stage.deliveries():
            assert shop.deliver(delivery) == 200
        shop.work()
        assert (shop.state(), shop.handed_over, shop.cases()) == (known, 1, set())

    @needs(Trait.WEBHOOK)
    def test_reordered__the_newest_first_ends_the_same(self, stage: Stage, shop: Shop) -> None:
        shop.start()
        before = len(stage.deliveries())
        for act in (Act.DECLINE, Act.PROCESS, Act.PAY):
            if not stage.lacks(act):
                stage.play(shop.reference, act)
        for delivery in reversed(stage.deliveries()[before:]):
            assert shop.deliver(delivery) == 200
            shop.work()

        assert (shop.payment.status, shop.now(), shop.handed_over) == ("paid", "completed", 1)
        assert shop.cases() == set()

    @needs(Trait.WEBHOOK, Trait.FAILURE_TOLD, Act.FAIL)
    def test_reordered__old_bad_news_after_the_good_news_changes_nothing(self, stage: Stage, shop: Shop) -> None:
        """What a webhook says is never believed: it is asked for, and the provider says paid by now."""
        shop.start()
        old = made_by(stage, shop.reference, Act.FAIL)
        assert old, "declare that the provider says nothing about a failure (Trait.FAILURE_TOLD)"
        shop.news(Act.PAY)
        known = shop.state()
        for delivery in old:
            assert shop.deliver(delivery) == 200
        shop.work()
        assert (shop.state(), shop.now(), shop.handed_over) == (known, "completed", 1)

    @needs(Trait.WEBHOOK, Trait.ORPHANS)
    def test_early__before_the_reference_is_stored_it_is_kept_and_comes_again(self, stage: Stage, shop: Shop) -> None:
        stage.trouble(Call.CREATE, Trouble.LOST, times=1)
        shop.press_pay()
        assert (shop.payment.status, shop.payment.references.count()) == ("created", 0)
        delivery = made_by(stage, stage.payments()[0], Act.PAY)[-1]

        assert shop.deliver(delivery) == 503
        assert shop.inbox() >= 1
        shop.later()
        assert (shop.payment.status, shop.now(), shop.handed_over) == ("paid", "completed", 1)
        assert shop.deliver(next(d for d in stage.deliveries() if d.id == delivery.id)) == 200

    @needs(Trait.WEBHOOK)
    def test_provider_down__the_delivery_is_kept_and_done_later(self, stage: Stage, shop: Shop) -> None:
        shop.start()
        delivery = made_by(stage, shop.reference, Act.PAY)[-1]
        stage.trouble(Call.RETRIEVE, Trouble.BEFORE)

        assert shop.deliver(delivery) == 200
        shop.work()
        assert (shop.payment.status, shop.handed_over) == ("pending", 0)
        stage.calm()
        shop.later()
        assert (shop.payment.status, shop.handed_over) == ("paid", 1)

    @needs(Trait.WEBHOOK, Trait.SIGNED)
    def test_forged__is_refused_without_a_row_or_a_call(self, stage: Stage, shop: Shop) -> None:
        shop.start()
        stage.play(shop.reference, Act.PAY, webhook=False)
        known, stored, calls = shop.state(), shop.inbox(), stage.calls()

        for forgery in stage.forgeries:
            assert 400 <= shop.deliver(stage.forged(shop.reference, forgery)) < 500, forgery
        assert (shop.state(), shop.inbox(), stage.calls()) == (known, stored, calls)

    @needs(Trait.WEBHOOK, Trait.SIGNED, Trait.QUIET)
    def test_forged__opens_no_case(self, stage: Stage, shop: Shop) -> None:
        shop.start()
        stage.play(shop.reference, Act.PAY, webhook=False)

        for forgery in stage.forgeries:
            shop.deliver(stage.forged(shop.reference, forgery))
        assert shop.cases() == set()

    @needs(Trait.WEBHOOK, Trait.SIGNED, Trait.RINGS)
    def test_forged__however_many_come_in_an_hour_make_one_case(self, stage: Stage, shop: Shop) -> None:
        shop.start()
        stage.play(shop.reference, Act.PAY, webhook=False)
        stage.advance(3600 - clock.now().timestamp() % 3600)  # the hour begins

        for _ in range(3):
            for forgery in stage.forgeries:
                shop.deliver(stage.forged(shop.reference, forgery))
        assert [*Case.objects.values_list("kind", flat=True)] == ["foreign_object"]
        stage.advance(3600)
        shop.deliver(stage.forged(shop.reference, next(iter(stage.forgeries))))
        assert Case.objects.count() == 2

    @needs(Trait.WEBHOOK, Trait.SIGNED, Trait.MODE_IN_WEBHOOK)
    def test_other_mode__is_refused_and_shown_to_a_person_once(self, stage: Stage, shop: Shop) -> None:
        shop.start()
        stage.play(shop.reference, Act.PAY, webhook=False)
        known, stored = shop.state(), shop.inbox()

        for _ in range(3):
            assert 400 <= shop.deliver(stage.forged(shop.reference, Forgery.WRONG_MODE)) < 500
        shop.work()
        assert (shop.state(), shop.inbox(), shop.cases()) == (known, stored, {"foreign_object"})

    @needs(Trait.WEBHOOK, Trait.SIGNED, Trait.TIMESTAMP)
    def test_replayed__an_hour_later_the_same_bytes_are_refused(self, stage: Stage, shop: Shop) -> None:
        shop.start()
        delivery = made_by(stage, shop.reference, Act.PAY)[-1]
        assert shop.deliver(delivery) == 200
        shop.later(3700)
        stored = shop.inbox()

        assert 400 <= shop.deliver(delivery) < 500
        assert (shop.inbox(), shop.handed_over) == (stored, 1)

    @needs(Trait.WEBHOOK, Trait.UNSIGNED)
    def test_forged__an_unsigned_lie_only_makes_us_ask(self, stage: Stage, shop: Shop) -> None:
        """Anybody may write it. It names our payment, so we look: and the provider says that nothing was paid."""
        shop.start()
        delivery = made_by(stage, shop.reference, Act.PAY)[-1]
        shop.order = shop.new_order()
        shop.start()
        known = shop.state()
        target = Payment.objects.get(pk=shop.payment.pk)
        path = delivery.path.replace(Payment.objects.exclude(pk=target.pk).get().webhook_token, target.webhook_token)
        paid, ours = Payment.objects.exclude(pk=target.pk).get().references.get().value, shop.reference
        forged = replace(delivery, path=path, body=delivery.body.replace(paid.encode(), ours.encode()))

        assert shop.deliver(forged) in {200, 400, 401, 404}
        shop.work()
        assert shop.state() == known
        assert (shop.now(), shop.handed_over) == ("pending", 0)

    @needs(Trait.WEBHOOK, Trait.TOKEN)
    def test_stranger__an_unknown_token_is_answered_404_and_stores_nothing(self, stage: Stage, shop: Shop) -> None:
        shop.start()
        delivery = made_by(stage, shop.reference, Act.PAY)[-1]
        token = shop.payment.webhook_token
        assert token in delivery.path, "declare that the provider takes one address per account (Trait.TOKEN)"
        stored, calls = shop.inbox(), stage.calls()

        assert shop.deliver(replace(delivery, path=delivery.path.replace(token, "x" * len(token)))) == 404
        assert (shop.inbox(), stage.calls(), shop.payment.status) == (stored, calls, "pending")

    @needs(Trait.WEBHOOK)
    def test_swapped__one_payments_delivery_never_pays_another(self, stage: Stage, shop: Shop) -> None:
        """A buyer who paid a small order shows its genuine webhook for a large one."""
        small = shop.order
        shop.start()
        delivery = made_by(stage, shop.reference, Act.PAY)[-1]
        token, paid = shop.payment.webhook_token, shop.reference
        shop.order = shop.new_order()
        shop.start()
        known = shop.state()

        for body in (delivery.body, delivery.body.replace(paid.encode(), shop.reference.encode())):
            shop.deliver(replace(delivery, path=delivery.path.replace(token, shop.payment.webhook_token), body=body))
        shop.work()
        assert shop.state() == known
        assert (shop.now(), shop.handed_over) == ("pending", 0)
        assert small.pk != shop.order.pk

    @needs(Trait.WEBHOOK)
    def test_other_account__its_address_does_not_take_our_delivery(self, stage: Stage, shop: Shop) -> None:
        shop.start()
        delivery = made_by(stage, shop.reference, Act.PAY)[-1]
        misled = replace(delivery, path=delivery.path.replace(f"/{ONE}/", f"/{TWO}/"))
        known, calls = shop.state(), stage.calls()

        assert 400 <= shop.deliver(misled) < 500
        assert (shop.state(), stage.calls(), WebhookDelivery.objects.filter(account=TWO).count()) == (known, calls, 0)

    @needs(Trait.WEBHOOK)
    def test_other_account__an_unknown_one_is_answered_404(self, stage: Stage, shop: Shop) -> None:
        shop.start()
        delivery = made_by(stage, shop.reference, Act.PAY)[-1]
        stored = shop.inbox()

        assert shop.deliver(replace(delivery, path=delivery.path.replace(f"/{ONE}/", "/nobody/"))) == 404
        assert shop.inbox() == stored

    @needs(Trait.WEBHOOK)
    def test_endpoint__takes_neither_get_nor_too_much(self, stage: Stage, shop: Shop) -> None:
        shop.start()
        delivery = made_by(stage, shop.reference, Act.PAY)[-1]
        stored = shop.inbox()

        assert shop.client.get(delivery.path).status_code == 405
        assert shop.deliver(replace(delivery, body=b"x" * (64 * 1024 + 1))) == 413
        assert shop.deliver(replace(delivery, body=b"")) in {400, 401, 415}
        assert shop.inbox() == stored

    def test_endpoint__a_stranger_who_guesses_fills_no_row(self, shop: Shop) -> None:
        stored = shop.inbox()
        address = reverse("payflow:webhook-account", args=[ONE])
        for body in (b"id=1", b'{"id": "evt_1", "type": "payment", "data": {}}', b"", b"\x00" * 100):
            for kind in ("application/json", "application/x-www-form-urlencoded", "text/plain"):
                answer = shop.client.post(address, data=body, content_type=kind)
                assert 400 <= answer.status_code < 500
        assert shop.inbox() == stored
