"""What the bench needs around it and takes away again: a database, keys in Redis, processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import psycopg
import redis
from psycopg import sql

from tests.databases import from_url, postgres_url, redis_url

DATABASE = "test_payflow_bench"
QUEUE = "deliveries"
KEY_PREFIX = "payflow-bench:"
"""In front of every key in Redis, so that cleaning up touches nobody else's."""
ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 30.0
_TICK = os.sysconf("SC_CLK_TCK")


class BenchFailed(Exception):
    """Something did not do what it should: there is nothing to report."""


def soon(happened: Callable[[], Any], seconds: float) -> Any:
    """Return the first true value of ``happened``, or its last one when the time is over."""
    ends = time.monotonic() + seconds
    while not (found := happened()) and time.monotonic() < ends:
        time.sleep(0.02)
    return found


def wait_until(happened: Callable[[], Any], what: str) -> Any:
    """Return the first true value of ``happened``; raises ``BenchFailed`` when that takes too long."""
    if not (found := soon(happened, PATIENCE)):
        raise BenchFailed(f"{what}: not within {PATIENCE:.0f} seconds")
    return found


def missing() -> list[str]:
    """Return the names of what must run here and does not."""
    return [name for name, answers in (("PostgreSQL", _postgres_answers), ("Redis", _redis_answers)) if not answers()]


def _postgres_answers() -> bool:
    with suppress(psycopg.OperationalError), _server():
        return True
    return False


def _redis_answers() -> bool:
    with suppress(redis.RedisError):
        return bool(redis.Redis.from_url(redis_url() or "").ping()) if redis_url() else False
    return False


# --- the database


@contextmanager
def database() -> Iterator[None]:
    """Create the bench's own database, and drop it in the end. Refuses while another bench has it."""
    with _server() as server:
        alone = server.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [DATABASE]).fetchone()
        if alone != (True,):
            raise BenchFailed("Another bench is running on this PostgreSQL: they would measure each other.")
        server.execute(_drop())
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        try:
            yield
        finally:
            server.execute(_drop())


def _drop() -> sql.Composed:
    return sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(DATABASE))


def _server() -> psycopg.Connection[Any]:
    if (url := postgres_url()) is None:
        raise psycopg.OperationalError("there is no PostgreSQL here")
    found = from_url(url)
    known = {"host": found["HOST"], "port": found["PORT"], "user": found["USER"], "password": found["PASSWORD"]}
    return psycopg.connect(
        dbname="postgres", autocommit=True, connect_timeout=5, **{k: v for k, v in known.items() if v}
    )


# --- the broker


class Broker:
    """Our keys in Redis."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(url)

    def waiting(self) -> int:
        """Return how many messages nobody has taken."""
        return int(self._redis.llen(KEY_PREFIX + QUEUE))

    def drop_messages(self) -> None:
        """Throw away what nobody has taken."""
        self._redis.delete(KEY_PREFIX + QUEUE)

    def clean(self) -> None:
        """Remove every key of ours."""
        for key in self._redis.scan_iter(KEY_PREFIX + "*"):
            self._redis.delete(key)


# --- processes


class Child:
    """A process in a group of its own; what it says is kept for the case that it fails."""

    def __init__(self, name: str, module: str, *arguments: str, **more: Any) -> None:
        self.name = name
        self.said: IO[str] = tempfile.TemporaryFile("w+")  # noqa: SIM115  (closed by stop)
        env = {**os.environ, "PYTHONUNBUFFERED": "1", "PAYFLOW_BENCH_ROLE": f"bench-{name}"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=self.said,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=ROOT,
            start_new_session=True,
            **more,
        )

    def output(self) -> str:
        """Return what it said so far; raises ``BenchFailed`` with that when it is gone."""
        self.said.seek(0)
        words = self.said.read()
        if self._process.poll() is not None:
            raise BenchFailed(f"{self.name} ended:\n{words[-2000:]}")
        return words

    def cpu(self) -> float:
        """Return the seconds of CPU, user and system, that it and its children used so far."""
        return cpu_of(_tree(self._process.pid))

    def stop(self) -> None:
        """Ask it to end, then end its whole group."""
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self.said.close()


@contextmanager
def simulators() -> Iterator[str]:
    """Run the simulators and give their address."""
    child = Child("simulators", "django_payflow.simulators", "--port", "0", "--quiet")
    try:
        line = wait_until(lambda: child.output().partition("\n")[0], "the simulators' address")
        yield line.split()[-1].rstrip("/")
    finally:
        child.stop()


@contextmanager
def web(workers: int) -> Iterator[tuple[Child, int]]:
    """Run gunicorn on a free port and give its process and port. One request at a time per worker."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
        number = listening.fileno()
        shape = ["--workers", str(workers), "--worker-class", "gthread", "--threads", "1", "--keep-alive", "120"]
        child = Child(
            "web", "gunicorn", "bench.server:application", "--bind", f"fd://{number}", *shape, pass_fds=[number]
        )
        try:
            yield child, listening.getsockname()[1]
        finally:
            child.stop()


@contextmanager
def worker() -> Iterator[Child]:
    """Run one Celery worker with two processes."""
    alone = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    child = Child(
        "worker", "celery", "-A", "bench.server", "worker", "--concurrency", "2", "--loglevel", "ERROR", *alone
    )
    try:
        yield child
    finally:
        child.stop()


def cpu_of(pids: list[int]) -> float:
    """Return the seconds of CPU, user and system, that these processes used so far."""
    ticks = 0
    for pid in pids:
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICK


def _tree(pid: int) -> list[int]:
    found = [pid]
    with suppress(OSError):
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in children.read_text().split():
                found += _tree(int(child))
    return found


def is_local_postgres(pid: int) -> bool:
    """Say whether this process of ours to see is the server's backend: the server may run elsewhere."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip() == "postgres"
    return False
