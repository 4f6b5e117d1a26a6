"""The simulators as a running server on 127.0.0.1, in this process."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import waitress
from waitress import wasyncore

from django_payflow.simulators.host import app
from django_payflow.simulators.host.core import Core, Factory

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

ADDRESS = "127.0.0.1"
#: also for calls that a fault holds up while others go on
_THREADS = 64


def _bind(port: int) -> socket.socket:
    """Before anything is started, so that a port in use leaves nothing behind."""
    listening = socket.socket()
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((ADDRESS, port))
    except BaseException:
        listening.close()
        raise
    return listening


class Running:
    """Simulators that listen. Several may run at once; none of them shares anything with another."""

    def __init__(self, mounted: Mapping[str, Factory], *, port: int = 0, state: Path | None = None) -> None:
        listening = _bind(port)
        try:
            self._core = Core(mounted, state)
        except BaseException:
            listening.close()
            raise
        self._app = app.build(self._core)
        self._sockets: dict[int, wasyncore.dispatcher] = {}
        self._server = waitress.create_server(
            self._app,
            map=self._sockets,
            sockets=[listening],
            threads=_THREADS,
            connection_limit=1000,
            # What makes a cut connection a cut connection: waitress then closes the socket on an OSError
            # raised by the application and sends nothing more.
            log_socket_errors=False,
            ident="simulators",
        )
        self._stop = False
        self._thread = threading.Thread(target=self._serve, name="simulators-server", daemon=True)
        self._core.start()
        self._thread.start()

    @property
    def app(self) -> WSGIApplication:
        """The WSGI application, for tests that want no socket."""
        return self._app

    @property
    def port(self) -> int:
        return int(self._server.effective_port)

    @property
    def url(self) -> str:
        return f"http://{ADDRESS}:{self.port}"

    def _serve(self) -> None:
        while not self._stop:
            wasyncore.loop(timeout=1, use_poll=True, map=self._sockets, count=1)

    def close(self) -> None:
        """Stop listening and let go of everything. Calls that wait for a fault are cut."""
        if self._stop:
            return
        self._core.stop_waiting()
        self._server.task_dispatcher.shutdown(timeout=2)
        self._stop = True
        self._server.pull_trigger()
        self._thread.join(timeout=5)
        wasyncore.close_all(self._sockets)
        self._core.close()

    def __enter__(self) -> Running:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
