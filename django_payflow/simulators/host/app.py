"""The WSGI application: simulators at their prefixes, the control API and the panel in front of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from django_payflow.simulators.host import control, panel
from django_payflow.simulators.host.core import Core

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_OUR_HOSTS = ("127.0.0.1", "localhost", "::1")


def build(core: Core) -> WSGIApplication:
    """Every simulator is an application of its own, so it sees its prefix as its root and owns its errors."""
    # Named after the package, so that Flask finds the templates that are shipped with it.
    front = Flask("django_payflow.simulators", static_folder=None)
    front.register_blueprint(control.build(core))
    for name, simulator in core.simulators.items():
        front.register_blueprint(simulator.control(), url_prefix=f"/_control/{name}")
    front.register_blueprint(panel.build(core))
    mounts: dict[str, WSGIApplication] = {f"/{name}": simulator.app() for name, simulator in core.simulators.items()}
    return _only_from_here(DispatcherMiddleware(front, mounts))


def _only_from_here(app: Any) -> WSGIApplication:
    """Answer only under this machine's own names: a foreign web page that points its name at us gets 403."""

    def guarded(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if _host_of(environ) not in _OUR_HOSTS:
            start_response("403 Forbidden", [("Content-Type", "text/plain; charset=utf-8")])
            return [b"The simulators answer only to 127.0.0.1 and localhost.\n"]
        answer: Iterable[bytes] = app(environ, start_response)
        return answer

    return guarded


def _host_of(environ: WSGIEnvironment) -> str | None:
    try:
        return urlsplit(f"//{environ.get('HTTP_HOST') or environ['SERVER_NAME']}").hostname
    except ValueError:  # "[::1" and the like
        return None
