"""Celery shells around the flow: ids in, one flow call, one wake.

``wake`` publishes what a result asks for. It never raises and never waits long: a dead or silent broker costs a
webhook or a return page at most a fraction of a second, then nothing for ten. What is not published is found by
the sweep.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Any

from celery import Task, current_app, shared_task
from kombu.pools import ProducerPool

from . import flow, metrics, redaction
from .flow import Result, Wake

__all__ = [
    "carry_out_move",
    "confirm_payment",
    "fulfil_order",
    "process_delivery",
    "settle_order",
    "sweep",
    "wake",
]

PUBLISH_TIMEOUT = 0.3
PAUSE_AFTER_FAILURE = 10.0
POOL_SIZE = 32
_quiet_until = 0.0
_lock = threading.Lock()
_pools: dict[str, ProducerPool] = {}


@shared_task(name="payflow.process_delivery", ignore_result=True, acks_late=True)
def process_delivery(delivery_id: int) -> None:
    """Ask for the truth about what a stored webhook delivery names."""
    wake(flow.process_delivery(delivery_id=delivery_id))


@shared_task(name="payflow.confirm_payment", ignore_result=True, acks_late=True)
def confirm_payment(payment_id: int) -> None:
    """Ask the provider about a payment."""
    wake(flow.confirm(payment_id=payment_id, source="poll"))


@shared_task(name="payflow.carry_out_move", ignore_result=True, acks_late=True)
def carry_out_move(move_id: int) -> None:
    """Carry out a capture, void or refund, or find out what became of it."""
    wake(flow.carry_out(move_id=move_id))


@shared_task(name="payflow.settle_order", ignore_result=True, acks_late=True)
def settle_order(order_id: int) -> None:
    """Compute an order anew, with its stock."""
    wake(flow.settle_order(order_id=order_id))


@shared_task(name="payflow.fulfil_order", ignore_result=True, acks_late=True)
def fulfil_order(fulfilment_id: int) -> None:
    """Run one fulfilment of a paid order."""
    wake(flow.fulfil(fulfilment_id=fulfilment_id))


@shared_task(name="payflow.sweep", ignore_result=True)
def sweep() -> None:
    """Find what is due and wake somebody for it. For beat, every ten seconds."""
    wake(flow.sweep(inline=False))


_TASKS: dict[str, Task[Any, Any]] = {
    "delivery": process_delivery,
    "payment": confirm_payment,
    "move": carry_out_move,
    "fulfilment": fulfil_order,
    "order": settle_order,
}


def wake(result: Result) -> None:
    """Publish the wakes of a flow result. Never raises; after a failure it is silent for ten seconds."""
    global _quiet_until
    if not result.wakes or time.monotonic() < _quiet_until or not _has_broker():
        return
    try:
        for one in result.wakes:
            _publish(one)
    except Exception as error:  # noqa: BLE001  (brokers fail in many ways; the sweep finds what was not published)
        _quiet_until = time.monotonic() + PAUSE_AFTER_FAILURE
        metrics.count("wake_failures")
        redaction.logger().warning("broker unreachable, the sweep takes over: %s", type(error).__name__)
        _forget_connection()


def _has_broker() -> bool:
    """A shop that configured none runs by cron: Celery would look for a RabbitMQ that may be somebody else's."""
    settings = current_app.conf
    return bool(settings.broker_write_url or settings.broker_url or settings.task_always_eager)


def _publish(one: Wake) -> None:
    task = _TASKS[one.kind]
    if current_app.conf.task_always_eager:
        task.apply_async(args=(one.id,))
        return
    with _pool().acquire(block=True, timeout=PUBLISH_TIMEOUT) as producer:
        # Now or never: left alone, kombu tries again for seconds before it gives a connection up.
        limits: dict[str, Any] = {"interval_start": 0, "interval_max": 0, "timeout": PUBLISH_TIMEOUT}
        connection: Any = producer.__connection__
        connection.ensure_connection(max_retries=1, **limits)
        task.apply_async(args=(one.id,), producer=producer, retry=False)


def _pool() -> ProducerPool:
    """Producers of our own with short timeouts: the shop's may wait for seconds, longer than a provider does.

    Not kombu's global pools: those stay closed for ever once they were closed after a failure.
    """
    url = current_app.conf.broker_write_url or current_app.conf.broker_url
    with _lock:
        if url not in _pools:
            options = dict(current_app.conf.broker_transport_options or {})
            if str(url).startswith(("redis", "rediss", "valkey")):
                options |= {"socket_timeout": PUBLISH_TIMEOUT, "socket_connect_timeout": PUBLISH_TIMEOUT}
                options |= {"max_retries": 0, "retry_on_timeout": False}
            connection = current_app.connection_for_write(connect_timeout=PUBLISH_TIMEOUT, transport_options=options)
            _pools[url] = ProducerPool(connection.Pool(POOL_SIZE), limit=POOL_SIZE)
        return _pools[url]


def _forget_connection() -> None:
    with _lock:
        for pool in _pools.values():
            with suppress(Exception):  # it is broken already
                pool.force_close_all()  # type: ignore[attr-defined]  # inherited, unknown to the stubs
                pool.connections.force_close_all()
        _pools.clear()


def reset() -> None:
    """Forget a failure and the connection. For tests, and after a fork."""
    global _quiet_until
    _quiet_until = 0.0
    _forget_connection()
