"""Questions to the outside world: does it answer, is the port free?"""

from __future__ import annotations

import socket
from http.client import HTTPException
from urllib.request import ProxyHandler, build_opener

_direct = build_opener(ProxyHandler({}))
"""127.0.0.1 is never behind a proxy, whatever the environment says."""


def answers(url: str) -> bool:
    """Tell whether a GET of this address succeeds."""
    try:
        with _direct.open(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, HTTPException):
        return False


def port_is_free(port: int) -> bool:
    """Tell whether a server may listen on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
