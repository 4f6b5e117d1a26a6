"""The programs of the demo that share one process: web server, Celery worker, beat.

The memory broker is a dictionary of this process, so whoever publishes and whoever works must live here together.
"""

from __future__ import annotations

import threading

from celery.beat import Scheduler, Service
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application

from example_project.celery import app

from .probes import answers

PATIENCE = 5.0


class Server(ThreadedWSGIServer):
    """Django's development server; its threads may carry a name for the logs."""

    speaker = ""

    def process_request_thread(self, request: object, client_address: object) -> None:
        """Answer one connection in a thread that the logs know."""
        if self.speaker:
            threading.current_thread().name = self.speaker
        super().process_request_thread(request, client_address)  # type: ignore[arg-type]  # socketserver's own types


class Web:
    """The web server on 127.0.0.1, static files included."""

    name = "web"

    def __init__(self, port: int, *, speaker: str = "web") -> None:
        self._url = f"http://127.0.0.1:{port}/"
        self._server = Server(("127.0.0.1", port), WSGIRequestHandler)
        self._server.speaker = speaker
        self._server.set_app(StaticFilesHandler(get_wsgi_application()))
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.2], name="web", daemon=True)

    def start(self) -> None:
        """Serve, in the background."""
        self._thread.start()

    def is_ready(self) -> bool:
        """Tell whether the shop's front page comes."""
        return answers(self._url)

    def is_alive(self) -> bool:
        """Tell whether the server runs."""
        return self._thread.is_alive()

    def ask_to_stop(self) -> None:
        """Take no more requests."""
        self._server.shutdown()

    def stop(self) -> None:
        """Give the port back."""
        self._server.server_close()


class Worker:
    """A real Celery worker, one task at a time. Not ``celery.apps.worker.Worker``: that wants the main thread."""

    name = "work"

    def __init__(self) -> None:
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._work, name=self.name, daemon=True)

    def start(self) -> None:
        """Work, in the background."""
        self._thread.start()

    def is_ready(self) -> bool:
        """Tell whether the worker takes tasks."""
        return self._ready.is_set()

    def is_alive(self) -> bool:
        """Tell whether the worker runs."""
        return self._thread.is_alive()

    def ask_to_stop(self) -> None:
        """Let it finish the task in hand and leave. A message wakes it at once; a flag would only after seconds."""
        app.control.shutdown()

    def stop(self) -> None:
        """Wait for the end."""
        self._thread.join(PATIENCE)

    def _work(self) -> None:
        controller = app.WorkController(
            pool_cls="solo",
            without_heartbeat=True,
            without_mingle=True,
            without_gossip=True,
            ready_callback=lambda _consumer: self._ready.set(),
        )
        controller.start()


class Beat:
    """Celery's clock, with its schedule in memory."""

    name = "beat"

    def __init__(self) -> None:
        self._service = Service(app, scheduler_cls=Scheduler, max_interval=1)
        self._thread = threading.Thread(target=self._service.start, name=self.name, daemon=True)

    def start(self) -> None:
        """Tick, in the background."""
        self._thread.start()

    def is_ready(self) -> bool:
        """Tell whether it ticks."""
        return self.is_alive()

    def is_alive(self) -> bool:
        """Tell whether the clock runs."""
        return self._thread.is_alive()

    def ask_to_stop(self) -> None:
        """Leave the loop at the next tick."""
        self._service.stop()

    def stop(self) -> None:
        """Wait for the end."""
        self._thread.join(PATIENCE)
