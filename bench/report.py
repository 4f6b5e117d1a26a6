"""Run the measurements one after the other and print them as a table."""

from __future__ import annotations

import os
import platform
import statistics
import time

import django
from django.core.management import call_command
from django.db import connection

from bench import server
from bench.load import lines_to_every_worker
from bench.measure import ARMS, BARE, BARE_DRAINED, DRAINED, Results, Size, answered, drained, statements
from bench.services import Broker, web, worker

WORKERS = 2
LINES_PER_WORKER = 2
FULL = (Size(most=12, seconds=30, count=250), Size(most=6, seconds=20, count=100))
QUICK = (Size(most=3, seconds=3, count=100), Size(most=2, seconds=2, count=20))


def run(simulators: str, *, quick: bool) -> None:
    """Measure in the database that was just created, and print."""
    began = time.monotonic()
    call_command("migrate", verbosity=0, run_syncdb=True)
    print(_machine(), flush=True)
    broker = Broker(server.app.conf.broker_url)
    broker.clean()
    try:
        _run(simulators, broker, *(QUICK if quick else FULL))
    finally:
        broker.clean()
        connection.close()
    print(f"\n{time.monotonic() - began:.0f} seconds. Ratios may be compared between machines, rates may not.")


def _run(simulators: str, broker: Broker, answers: Size, drains: Size) -> None:
    counted = statements(simulators)
    broker.drop_messages()
    with web(WORKERS) as (process, port):
        lines = lines_to_every_worker(port, WORKERS, LINES_PER_WORKER)
        _print_answered(answered(process, lines, broker, answers), answers)
        _print_statements(counted)
        with worker() as celery:
            _print_drained(drained(celery, lines, simulators, drains), drains)


def _machine() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), current_setting('synchronous_commit')")
        version, synchronous = cursor.fetchone()
    cores, load = os.cpu_count() or 1, os.getloadavg()[0]
    busy = "; others use it now, expect wide spreads" if load > cores / 2 else ""
    return (
        f"{cores} cores (load {load:.1f} before{busy}), Python {platform.python_version()}, Django "
        f"{django.get_version()}, PostgreSQL {version.split()[0]} (synchronous_commit={synchronous})\n"
        f"gunicorn: {WORKERS} workers, {WORKERS * LINES_PER_WORKER} connections kept alive"
    )


def _print_answered(results: Results, size: Size) -> None:
    _title(f"answered, {len(results.samples[BARE])} rounds of {size.count}", "CPU ms", "in PG")
    for arm in ARMS:
        _line(arm, results, BARE)
    sums = [results.total(arm) for arm in ARMS]
    share = sum(each.sender_cpu for each in sums) / sum(each.seconds for each in sums)
    print(f"the load generator used {share:.0%} of a core")
    print("goal: 0.7 of the bare view")


def _print_statements(counted: dict[str, int]) -> None:
    print("\nSQL statements: " + ", ".join(f"{what} {number}" for what, number in counted.items()))
    print("goal: 2 for a webhook that is stored")


def _print_drained(results: Results, size: Size) -> None:
    _title(f"drained, {len(results.samples[DRAINED])} rounds of {size.count}", "CPU ms")
    for arm in (BARE_DRAINED, DRAINED):
        _line(arm, results, BARE_DRAINED)


def _title(name: str, *columns: str) -> None:
    print(f"\n{name:<42}  {'ratio':>6}{'(min - max)':>15}{'per second':>12}" + "".join(f"{c:>8}" for c in columns))


def _line(arm: str, results: Results, yardstick: str) -> None:
    ratios = results.ratios(arm, yardstick)
    spread = "" if arm == yardstick else f"({min(ratios):.2f} - {max(ratios):.2f})"
    total = results.total(arm)
    figures = [total.server_cpu, *([] if total.database_cpu is None else [total.database_cpu])]
    columns = "".join(f"{1000 * figure / total.count:>8.2f}" for figure in figures)
    print(f"  {arm:<40}  {statistics.median(ratios):>6.2f}{spread:>15}{results.rate(arm):>12.0f}{columns}".rstrip())
