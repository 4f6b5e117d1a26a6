"""The three measurements: answered, drained, statements."""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from typing import Any

from django.db import connection
from django.test import Client

from bench.load import Line, burst, post
from bench.models import Row
from bench.seeding import Seed, made_up, paid_at_simulator
from bench.services import BenchFailed, Broker, Child, cpu_of, is_local_postgres, soon
from django_payflow import flow, tasks
from django_payflow.models import DeliveryState, Payment, WebhookDelivery
from django_payflow.states import PaymentStatus

BARE = "bare view: one insert"
QUIET = "webhook, no wake-up"
AWAKE = "webhook, with wake-up"
REPEATS = "repeats, with wake-up"
PUBLISHED = "bare view + task.delay()"
ARMS = (BARE, QUIET, AWAKE, REPEATS, PUBLISHED)
_PATHS = {
    BARE: "/bare/{}/",
    QUIET: "/quiet/webhook/mollie/{}/",
    AWAKE: "/payflow/webhook/mollie/{}/",
    REPEATS: "/payflow/webhook/mollie/{}/",
    PUBLISHED: "/bare/published/{}/",
}
_PUBLISH = frozenset({AWAKE, REPEATS, PUBLISHED})
_REPEATED = 5
_SLICES = 5
_SWEEP_AFTER = 10.0
"""Seconds; there is no beat here, and a wake-up may get lost on a machine that is short of breath."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much is measured: rounds, until enough of them or the time is over, but two at least."""

    most: int
    seconds: float
    count: int
    """Requests per arm and round."""

    def rounds(self) -> Iterator[int]:
        """Count the rounds while there is time."""
        ends = time.monotonic() + self.seconds
        for turn in range(self.most):
            if turn >= 2 and time.monotonic() > ends:
                break
            yield turn


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One arm in one round, or a slice of it; times are in seconds."""

    count: int
    seconds: float
    server_cpu: float
    """Of the server's Python processes."""
    database_cpu: float | None = None
    """Of PostgreSQL's processes that serve them; ``None``: not on this machine."""
    sender_cpu: float = 0.0

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.count / self.seconds

    def __add__(self, other: Sample) -> Sample:
        both = (self.database_cpu, other.database_cpu)
        return Sample(
            count=self.count + other.count,
            seconds=self.seconds + other.seconds,
            server_cpu=self.server_cpu + other.server_cpu,
            database_cpu=None if None in both else sum(each or 0 for each in both),
            sender_cpu=self.sender_cpu + other.sender_cpu,
        )


@dataclass
class Results:
    """The samples of every arm, a round at the same place of each list."""

    samples: dict[str, list[Sample]] = field(default_factory=dict)

    def add(self, arm: str, sample: Sample) -> None:
        """Keep a sample."""
        self.samples.setdefault(arm, []).append(sample)

    def ratios(self, arm: str, yardstick: str) -> list[float]:
        """Return an arm's rate by that of the yardstick in the same round."""
        pairs = zip(self.samples[arm], self.samples[yardstick], strict=True)
        return [one.rate / other.rate for one, other in pairs]

    def rate(self, arm: str) -> float:
        """Return the median of an arm's rates."""
        return statistics.median(sample.rate for sample in self.samples[arm])

    def total(self, arm: str) -> Sample:
        """Return the sum of an arm's samples."""
        return reduce(add, self.samples[arm])


# --- answered


def answered(server: Child, lines: list[Line], broker: Broker, size: Size) -> Results:
    """Send slices of requests to each arm in turn, and each time in another order; a round is some slices."""
    for arm in ARMS:
        _answered_once(arm, server, lines, broker, made_up(50))
    results = Results()
    for turn in size.rounds():
        slices: dict[str, list[Sample]] = {arm: [] for arm in ARMS}
        for part in range(_SLICES):  # a machine that stumbles for a moment stumbles over every arm
            shift = (turn + part) % len(ARMS)
            for arm in (*ARMS[shift:], *ARMS[:shift]):
                seeds = made_up(size.count // _SLICES)
                slices[arm].append(_answered_once(arm, server, lines, broker, seeds))
        for arm, found in slices.items():
            results.add(arm, reduce(add, found))
    return results


def _answered_once(arm: str, server: Child, lines: list[Line], broker: Broker, seeds: list[Seed]) -> Sample:
    if arm == REPEATS:  # the first delivery of each is not measured
        seeds = seeds[: len(seeds) // _REPEATED]
        burst(lines, [_request(QUIET, seed) for seed in seeds])
        seeds = seeds * _REPEATED
    stored, messages = _rows(arm), broker.waiting()
    cpu, database_cpu = server.cpu(), _database_cpu()
    sent = burst(lines, [_request(arm, seed) for seed in seeds])
    cpu, after = server.cpu() - cpu, _database_cpu()
    _expect("rows", 0 if arm == REPEATS else sent.count, _rows(arm) - stored, arm)
    _expect("messages", sent.count if arm in _PUBLISH else 0, broker.waiting() - messages, arm)
    broker.drop_messages()
    return Sample(
        count=sent.count,
        seconds=sent.seconds,
        server_cpu=cpu,
        database_cpu=None if database_cpu is None or after is None else after - database_cpu,
        sender_cpu=sent.sender_cpu,
    )


def _request(arm: str, seed: Seed) -> bytes:
    return post(_PATHS[arm].format(seed.token), f"id={seed.reference}")


def _rows(arm: str) -> int:
    return (Row if arm in {BARE, PUBLISHED} else WebhookDelivery).objects.count()


def _expect(what: str, wanted: int, found: int, arm: str) -> None:
    if wanted != found:
        raise BenchFailed(f"{arm}: {found} {what}, expected {wanted}")


def _database_cpu() -> float | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'bench-web'")
        pids = [pid for (pid,) in cursor.fetchall()]
    return cpu_of(pids) if all(is_local_postgres(pid) for pid in pids) else None


# --- drained


DRAINED = "webhook to done"
BARE_DRAINED = "bare task: GET, insert"


def drained(worker: Child, lines: list[Line], simulators: str, size: Size) -> Results:
    """Post to both kinds in turn, and each time wait until the worker is done."""
    WebhookDelivery.objects.update(state=DeliveryState.DONE)  # what was only answered is not waited for
    arms = [(BARE_DRAINED, _drain_tasks), (DRAINED, _drain_webhooks)]
    results = Results()
    for _, drain in arms:  # waits for the worker to be there
        drain(worker, lines, paid_at_simulator(10, simulators))
    for turn in size.rounds():
        for arm, drain in reversed(arms) if turn % 2 else arms:
            results.add(arm, drain(worker, lines, paid_at_simulator(size.count, simulators)))
    return results


def _drain_webhooks(worker: Child, lines: list[Line], seeds: list[Seed]) -> Sample:
    undone = WebhookDelivery.objects.filter(state=DeliveryState.PENDING)
    sample = _drain(worker, lines, [_request(AWAKE, seed) for seed in seeds], undone.count)
    paid = Payment.objects.filter(key__in=[seed.key for seed in seeds], status=PaymentStatus.PAID)
    _expect("paid", len(seeds), paid.count(), DRAINED)
    return sample


def _drain_tasks(worker: Child, lines: list[Line], seeds: list[Seed]) -> Sample:
    Row.objects.all().delete()
    requests = [post(f"/bare/queued/{seed.token}/", f"id={seed.reference}") for seed in seeds]
    return _drain(worker, lines, requests, lambda: len(seeds) - Row.objects.count())


def _drain(worker: Child, lines: list[Line], requests: list[bytes], left: Callable[[], int]) -> Sample:
    cpu, began = worker.cpu(), time.monotonic()
    sent = burst(lines, requests)
    while not soon(lambda: worker.output() is not None and left() <= 0, _SWEEP_AFTER):
        if time.monotonic() > began + 4 * _SWEEP_AFTER:
            raise BenchFailed(f"{left()} of {sent.count} are still not done; the worker said:\n{worker.output()}")
        print(f"({left()} of {sent.count} still wait: the sweep looks for what no message tells of)", flush=True)
        tasks.wake(flow.sweep(inline=False))
    seconds = time.monotonic() - began
    return Sample(count=sent.count, seconds=seconds, server_cpu=worker.cpu() - cpu)


# --- statements


def statements(simulators: str) -> dict[str, int]:
    """Count what each kind of request asks of the database, in this process; publishing is no statement."""
    (seed,), client = paid_at_simulator(1, simulators), Client()
    logging.getLogger("django_payflow").setLevel(logging.ERROR)  # the refusal below is meant
    address, body = f"/payflow/webhook/mollie/{seed.token}/", f"id={seed.reference}"
    new = _count(lambda: _deliver(client, address, body, 200))
    repeat = _count(lambda: _deliver(client, address, body, 200))
    unknown = _count(lambda: _deliver(client, "/payflow/webhook/mollie/nobody/", body, 404))
    delivery = WebhookDelivery.objects.get(reference=seed.reference)
    process = _count(lambda: flow.process_delivery(delivery_id=delivery.pk))
    delivery.refresh_from_db()
    _expect("done", 1, int(delivery.state == DeliveryState.DONE), "processing")
    tasks.reset()
    return {"new": new, "repeat": repeat, "unknown address": unknown, "processing a payment to paid": process}


def _deliver(client: Client, address: str, body: str, status: int) -> None:
    answer = client.post(address, data=body, content_type="application/x-www-form-urlencoded")
    if answer.status_code != status:
        raise BenchFailed(f"{address} answered {answer.status_code}, expected {status}")


def _count(act: Callable[[], Any]) -> int:
    counted: list[str] = []

    def note(execute: Any, statement: str, *rest: Any) -> Any:
        counted.append(statement)
        return execute(statement, *rest)

    with connection.execute_wrapper(note):
        act()
    return len(counted)
