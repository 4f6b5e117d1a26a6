"""Bugs of other shops about one payment that was counted several times, too early, for anybody, or never."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core import mail
from django.test import Client
from django.urls import URLPattern, get_resolver

from django_payflow import checkpoints, flow
from django_payflow.models import Fulfilment, Payment, WebhookDelivery, get_order_model
from django_payflow.testing import deliver
from django_payflow.testing.contract import Act
from django_payflow.testing.contract.shop import Shop, hand_over
from tests.attacks.kit import hook, post, rows, state_of
from tests.contract.stages import STAGES
from tests.gauntlet.kit import again
from tests.shop.models import Shipment


@pytest.mark.gauntlet("M07")
def test_M07__a_webhook_before_the_create_answer_makes_no_second_order(story):
    """Three or four orders for one capture: the news came before the shop had stored what it was about."""

    def news() -> None:
        checkpoints.disarm()
        reference = story.sim.payments("mollie")[0]["id"]
        story.sim.set_status(reference, "paid")
        for _ in range(4):
            deliver(story.client, story.sim.deliveries()[-1])
        story.work()

    checkpoints.arm("checkout.created", news)
    story.start()
    story.work()
    story.sim.advance(120)
    story.work()

    assert get_order_model().objects.count() == Payment.objects.count() == 1
    assert (again(story.payment).captured, story.now().status, Shipment.objects.count()) == (2495, "completed", 1)


@pytest.mark.gauntlet("M09")
def test_M09__the_news_ten_times_sends_one_mail(story):
    story.start()
    story.bank("paid")
    for _ in range(10):
        story.webhook()
        story.come_back()

    assert [message.to for message in mail.outbox] == [["ada@example.com"]]


@pytest.mark.gauntlet("M11")
@pytest.mark.parametrize("word", ["pending", "open"])
def test_M11__news_that_is_not_final_completes_nothing(story, word):
    """A cart was completed, and a number used up, by an event that said only that something is going on."""
    story.start(method="banktransfer")
    story.bank(word)
    story.work()
    story.come_back()

    assert story.now().status == "pending"
    assert (Fulfilment.objects.count(), Shipment.objects.count(), mail.outbox) == (0, 0, [])


@pytest.mark.gauntlet("M20")
def test_M20__a_delivery_step_whose_wake_up_was_lost_is_done_all_the_same(story):
    """An event row existed and was never delivered: nobody came by who looked for such rows."""
    story.start()
    story.bank("paid", webhook=False)
    flow.confirm(payment_id=story.payment.pk, source="poll")  # its wakes reach nobody
    assert {row.status for row in Fulfilment.objects.all()} == {"due"}

    story.sim.advance(2 * 86400)
    flow.sweep(inline=True)

    assert {row.status for row in Fulfilment.objects.all()} == {"done"}
    assert Shipment.objects.count() == 1


_told: list[str] = []


def tell_partner(order, *, key: str, attempt: int) -> None:
    """A shop's handler that tells another system how the order stands, and is not reached the first time."""
    if attempt == 1:
        raise ConnectionError("the partner does not answer")
    _told.append(order.status)


@pytest.mark.gauntlet("M21")
def test_M21__a_repeat_tells_the_status_of_now_and_not_of_the_first_try(story, payflow):
    handler = {"HANDLER": f"{__name__}.tell_partner", "EXTERNAL": True, "REQUIRED": False}
    payflow(FULFILMENT={"partner": handler})
    _told.clear()
    story.start()
    story.bank("paid")
    story.webhook()
    assert (story.now().status, _told) == ("processing", [])

    flow.complete_order(order_id=story.order.pk, actor="ann")
    story.sim.advance(60)
    story.work()

    assert _told == ["completed"]


# -- M25, M26: doors without a lock


LIES: dict[str, dict[str, Any]] = {
    "mollie": {"id": "{reference}", "status": "paid", "amount": "24.95"},
    "stripe": {
        "id": "evt_1",
        "type": "checkout.session.completed",
        "livemode": False,
        "data": {"object": {"id": "{reference}", "object": "checkout.session", "payment_status": "paid"}},
    },
    "wooshpay": {
        "id": "evt_1",
        "type": "checkout.session.completed",
        "data": {"object": {"id": "{reference}", "status": "complete", "payment_status": "paid"}},
    },
    "resurs": {"paymentId": "{reference}", "status": "ACCEPTED", "capturedAmount": 2495},
    "golomt": {"transactionId": "{reference}", "status": "SENT", "errorCode": "000", "amount": "24.95"},
}
"""What somebody without any secret posts as the provider's good news."""


def _about(reference: str, lie: Any) -> Any:
    if isinstance(lie, dict):
        return {name: _about(reference, value) for name, value in lie.items()}
    return lie.format(reference=reference) if isinstance(lie, str) else lie


@pytest.mark.gauntlet("M25")
@pytest.mark.parametrize("name", sorted(STAGES))
def test_M25__nobody_is_paid_by_a_webhook_without_authentication(db, settings, running_simulators, client, name):
    """A plug-in marked orders as paid for whoever posted the right words to its webhook."""
    stage = STAGES[name](running_simulators)
    stage.begin()
    account = {"BACKEND": stage.backend, "OPTIONS": stage.options()}
    settings.PAYFLOW = {
        **settings.PAYFLOW,
        "PROVIDERS": {"one": account},
        "FULFILMENT": {"hand_over": {"HANDLER": f"{hand_over.__module__}.hand_over"}},
    }
    stage.listen(1, "https://shop.test/payflow/webhook/one/")
    shop = Shop(stage, client, lambda **_: None)
    payment = shop.start()
    known = state_of(payment)
    lie = _about(shop.reference, LIES[name])

    for address in (hook(payment, account="one"), hook(account="one")):
        client.post(address, lie, content_type="application/json")
        post(client, address, urlencode(lie))
    shop.work()

    kept = {key: value for key, value in state_of(payment).items() if key != "version"}
    assert kept == {key: value for key, value in known.items() if key != "version"}
    assert (shop.now(), shop.handed_over) == ("pending", 0)
    shop.news(Act.PAY)
    assert shop.handed_over == 1, "the genuine news is heard all the same"


def _addresses(patterns: Any, prefix: str = "") -> Iterator[str]:
    """The route of every address under some patterns."""
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield route
        else:
            yield from _addresses(pattern.url_patterns, route)


def _filled(route: str, story: Any) -> str:
    """An address of that shape about the story's payment, as somebody who knows every number would write it."""
    payment = story.payment
    numbers = {
        "<int:pk>": str(payment.pk),
        "<path:object_id>": str(payment.pk),
        "(?P<reference>[-\\w]+)": story.order.reference,
        "(?P<id>[-\\w]+)": payment.key,
    }
    for shape, value in numbers.items():
        route = route.replace(shape, value)
    return "/" + route.replace("^", "").replace("$", "").replace("\\Z", "")


@pytest.mark.gauntlet("M26")
def test_M26__no_command_is_carried_out_for_a_stranger(story):
    """A callback's handler asked nobody for a permission. Every address of the API and of the admin's commands."""
    story.start()
    story.bank("authorized", webhook=False)
    known, before, asked = state_of(story.payment), rows(), len(story.sim.calls())
    routes = [route for route in _addresses(get_resolver().url_patterns) if route.startswith(("admin/", "api/"))]
    commands = {address for address in (_filled(route, story) for route in routes) if "<" not in address}
    assert f"/api/payments/{story.payment.key}/refund/" in commands
    assert f"/admin/payflow/payment/{story.payment.pk}/refund/" in commands

    opened = {}
    for address in sorted(commands):
        body = {"amount": 1, "reason": "because"}
        kind = {"content_type": "application/json"} if address.startswith("/api/") else {}
        answer = Client().post(address, body, headers={"Idempotency-Key": "k1", "X-Real-IP": "127.0.0.1"}, **kind)
        to_the_door = answer.status_code == 302 and answer["Location"].startswith("/admin/login/")
        if answer.status_code not in {401, 403, 404, 405} and not to_the_door:
            opened[address] = answer.status_code

    assert set(opened) <= {"/admin/login/", "/admin/logout/"}
    assert (state_of(story.payment), rows(), len(story.sim.calls())) == (known, before, asked)


# -- M30, M31: work that was started, or waited, and is never done


class Killed(BaseException):
    """The worker's process is gone: nothing of ours runs any more."""


def die() -> None:
    raise Killed


DEATHS = ["webhook.claimed", "confirm.claimed", "confirm.fetched", "confirm.committed", "fulfil.claimed"]


@pytest.mark.gauntlet("M30")
@pytest.mark.parametrize("hours", [1, 72, 1440])
def test_M30__what_is_long_overdue_is_still_picked(story, hours):
    """A scheduler looked back half an hour; whatever was older was left for ever."""
    story.start()
    story.bank("paid")
    deliver(story.client, story.sim.deliveries()[-1])
    assert WebhookDelivery.objects.get().state == "pending"

    story.sim.advance(hours * 3600)
    story.work()

    assert (WebhookDelivery.objects.get().state, story.now().status) == ("done", "completed")


@pytest.mark.gauntlet("M30")
@pytest.mark.gauntlet("M31")
@pytest.mark.parametrize("point", DEATHS)
def test_M30_M31__work_whose_worker_died_is_freed_and_done_with_its_event_still_there(story, point):
    """Tasks that were started by the dead were never freed, and events were deleted before they were processed."""
    story.start()
    story.bank("paid")
    deliver(story.client, story.sim.deliveries()[-1])
    checkpoints.arm(point, die)
    with pytest.raises(Killed):
        flow.process_delivery(delivery_id=WebhookDelivery.objects.get().pk)
        flow.sweep(inline=True)
    checkpoints.disarm()

    assert WebhookDelivery.objects.count() == 1
    if story.payment.captured == 0:
        assert WebhookDelivery.objects.get().state == "pending", "not done before its effect is there"
    story.sim.advance(3600)
    story.work()

    assert (story.now().status, Shipment.objects.count(), again(story.payment).captured) == ("completed", 1, 2495)
    assert WebhookDelivery.objects.get().state == "done"


@pytest.mark.gauntlet("M31")
def test_M31__an_event_that_is_not_done_is_never_cleared_away(story, payflow):
    """However old it is: it is the only sign that something happened."""
    payflow(RETENTION_DAYS={"DELIVERIES": 1})
    story.start()
    story.bank("paid")
    deliver(story.client, story.sim.deliveries()[-1])
    story.sim.advance(30 * 86400)

    assert flow.purge().deliveries == 0
    story.work()
    assert (story.now().status, WebhookDelivery.objects.get().state) == ("completed", "done")
    story.sim.advance(30 * 86400)
    assert flow.purge().deliveries == 1
