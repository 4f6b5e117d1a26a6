"""Which programs make up the demo: threads of this process, or children when Redis carries the tasks."""

from __future__ import annotations

import sys
from typing import Protocol

from django.conf import settings

from example_project.celery import app

from .children import Child
from .probes import answers
from .threads import Beat, Web, Worker

WORKER = "payflow-demo@localhost"


class Program(Protocol):
    """What the demo starts, watches and stops."""

    name: str

    def start(self) -> None: ...
    def is_ready(self) -> bool: ...
    def is_alive(self) -> bool: ...
    def ask_to_stop(self) -> None: ...
    def stop(self) -> None: ...


def chosen_programs() -> list[Program]:
    """Return the programs in starting order: the simulators first, because the others call them."""
    if settings.REDIS_URL:
        return [simulators(), _web_child(), _worker_child(), _beat_child()]
    return [simulators(), Web(settings.DEMO_PORT), Worker(), Beat()]


def simulators() -> Child:
    """Return the providers' stand-ins; they are a process of their own in every mode, as the real ones are."""
    port, state = str(settings.SIMULATORS_PORT), str(settings.STATE_DIR / "simulators")
    command = [sys.executable, "manage.py", "payflow_simulators", "--port", port, "--state", state]
    return Child("sims", command, is_ready=lambda: answers(f"{settings.SIMULATORS_URL}/"))


def _web_child() -> Child:
    command = [sys.executable, "manage.py", "demo", "--only-web"]
    return Child("web", command, is_ready=lambda: answers(f"http://127.0.0.1:{settings.DEMO_PORT}/"))


def _worker_child() -> Child:
    command = [*_celery("worker"), "-n", WORKER, "--concurrency", "2", "--without-mingle", "--without-gossip"]
    return Child("work", command, is_ready=lambda: bool(app.control.ping([WORKER], timeout=1)))


def _beat_child() -> Child:
    child = Child("beat", [*_celery("beat"), "-S", "celery.beat.Scheduler", "--pidfile", ""], is_ready=lambda: True)
    child.is_ready = child.is_alive
    return child


def _celery(program: str) -> list[str]:
    return [sys.executable, "-m", "celery", "--quiet", "-A", "example_project", program, "--loglevel", "INFO"]
