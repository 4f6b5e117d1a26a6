"""Waking workers: quick, and never a reason to fail."""

from __future__ import annotations

import time
import uuid

import pytest
from celery import current_app

from django_payflow import metrics, tasks
from django_payflow.flow import Result, Wake
from django_payflow.models import Payment
from tests.databases import redis_url


@pytest.fixture
def broker(monkeypatch):
    """Point the publishing side at another broker for a while."""

    def use(url: str, **transport_options: str) -> None:
        monkeypatch.setattr(current_app.conf, "broker_write_url", url)
        current_app.conf.broker_transport_options = transport_options
        tasks.reset()

    yield use
    current_app.conf.broker_transport_options = {}
    tasks.reset()


def queued(url: str | None = None) -> int:
    with current_app.connection_for_read(url) as connection:
        queue = connection.SimpleQueue("celery")
        try:
            return queue.qsize()
        finally:
            queue.close()


def test_wake__publishes_ids_only():
    before = queued()

    tasks.wake(Result(wakes=(Wake("payment", 17), Wake("fulfilment", 4))))

    assert queued() == before + 2
    with current_app.connection_for_read() as connection:
        queue = connection.SimpleQueue("celery")
        bodies = [queue.get(block=False) for _ in range(queue.qsize())]
        names = {message.headers["task"]: message.payload[0] for message in bodies}
        for message in bodies:
            message.ack()
        queue.close()
    assert names["payflow.confirm_payment"] == [17]
    assert names["payflow.fulfil_order"] == [4]


def test_wake__dead_broker_never_raises_and_is_left_alone_for_a_while(broker):
    broker("redis://127.0.0.1:1/0")

    tasks.wake(Result(wakes=(Wake("payment", 1),)))
    assert metrics.value("wake_failures") == 1

    tasks.wake(Result(wakes=(Wake("payment", 1),)))
    assert metrics.value("wake_failures") == 1, "a broker that just failed is not tried again"


def test_wake__tries_again_after_the_pause(broker, monkeypatch):
    broker("redis://127.0.0.1:1/0")
    monkeypatch.setattr(tasks, "PAUSE_AFTER_FAILURE", -1.0)

    tasks.wake(Result(wakes=(Wake("payment", 1),)))
    tasks.wake(Result(wakes=(Wake("payment", 1),)))

    assert metrics.value("wake_failures") == 2


def test_wake__works_again_with_the_same_broker_after_a_failure(monkeypatch):
    before = queued()
    monkeypatch.setattr(tasks, "PAUSE_AFTER_FAILURE", -1.0)
    tasks.wake(Result(wakes=(Wake("nonsense", 1),)))  # fails on our side, which looks like any failure
    assert metrics.value("wake_failures") == 1

    tasks.wake(Result(wakes=(Wake("payment", 1),)))

    assert (metrics.value("wake_failures"), queued()) == (1, before + 1)


def test_wake__silent_broker_costs_a_moment_only(broker):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        broker(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        began = time.monotonic()
        tasks.wake(Result(wakes=(Wake("payment", 1),)))
        spent = time.monotonic() - began

    assert metrics.value("wake_failures") == 1
    assert spent < 5, "a silent broker must not hold a request (a guard against hanging, not a measurement)"


@pytest.mark.services
def test_wake__reaches_a_real_redis(broker):
    url = redis_url()
    if url is None:
        pytest.skip("no Redis found")
    import redis

    prefix = f"payflow-test-{uuid.uuid4()}-"  # of this test alone: no worker that happens to run may take it
    broker(url, global_keyprefix=prefix)
    server = redis.Redis.from_url(url)

    tasks.wake(Result(wakes=(Wake("delivery", 9),)))

    assert metrics.value("wake_failures") == 0
    assert server.llen(f"{prefix}celery") == 1
    server.delete(*server.keys(f"{prefix}*"))
    server.close()


def test_webhook__answers_200_with_a_dead_broker(story, broker):
    broker("redis://127.0.0.1:1/0")
    story.start()
    story.bank("paid")

    assert story.webhook().status_code == 200
    assert story.now().status == "completed", "the sweep did what no worker was woken for"


def test_tasks__bodies_make_one_flow_call(story):
    story.start()
    story.bank("paid", webhook=False)

    tasks.confirm_payment(story.payment.pk)

    assert Payment.objects.get().status == "paid"
    for fulfilment in story.order.fulfilments.all():
        tasks.fulfil_order(fulfilment.pk)
    assert story.now().status == "completed"
    tasks.sweep()


def test_wake__without_a_broker_in_the_settings_looks_for_none(broker):
    broker("")
    kept, current_app.conf.broker_url = current_app.conf.broker_url, None
    try:
        tasks.wake(Result(wakes=(Wake("payment", 1),)))
    finally:
        current_app.conf.broker_url = kept

    assert metrics.value("wake_failures") == 0
    assert tasks._pools == {}
