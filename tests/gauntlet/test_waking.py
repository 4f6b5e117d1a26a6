"""Everything works, later, when the broker or the cache is dead."""

from __future__ import annotations

import time

import pytest
from celery import current_app

from django_payflow import metrics, tasks
from tests.attacks.kit import hook, post
from tests.shop.models import Shipment

GUARD = 5


@pytest.fixture
def dead_broker(monkeypatch):
    monkeypatch.setattr(current_app.conf, "broker_write_url", "redis://127.0.0.1:1/0")
    tasks.reset()


def test_dead_broker__a_whole_story_by_sweep_alone(story, client, dead_broker):
    began = time.monotonic()
    started = client.post(f"/payflow/start/{story.order.reference}/", {"account": "mollie"})
    story.bank("paid")
    heard = post(client, hook(story.payment), f"id={story.reference}")
    page = story.come_back()
    spent = time.monotonic() - began

    assert (started.status_code, heard.status_code, page.status_code) == (303, 200, 200)
    assert spent < GUARD
    assert metrics.value("wake_failures") == 1, "after a failure it is left alone for a while"
    story.work()
    assert (story.now().status, Shipment.objects.count()) == ("completed", 1)


def test_dead_broker__a_worker_that_cannot_wake_others_loses_nothing(story, dead_broker):
    story.start()
    story.bank("paid", webhook=False)

    tasks.confirm_payment(story.payment.pk)
    assert story.now().status == "processing"

    story.work()
    assert (story.now().status, Shipment.objects.count()) == ("completed", 1)


def test_dead_cache__a_refused_webhook_is_still_refused(story, client, settings):
    payment = story.start()
    dead = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/15"}
    settings.CACHES = {"default": dead}
    client.raise_request_exception = False
    try:
        assert post(client, hook(payment), f"id={story.reference}").status_code == 200
        assert post(client, hook(token="guess"), "id=tr_x").status_code == 404
    finally:
        del settings.CACHES
