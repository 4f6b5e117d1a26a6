"""HTTP for the adapters: one session per thread, one deadline per call, three kinds of failure.

``requests`` limits the wait for each byte, not for an answer: a server that drips one byte a second would hold a
worker for hours. Here a watchdog cuts the connection when the call's time is over. Answers are bounded in size,
redirects are not followed, cookies are not kept, and no secret reaches an exception: errors are raised outside of
the ``except`` block, so that no traceback carries the library's frames and their headers.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3 import PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from ..exceptions import NotSent, ObjectNotFound, ProviderError, Rejected, Uncertain

__all__ = ["Answer", "Basic", "Bearer", "Http"]

MAX_ANSWER_BYTES = 4 * 1024 * 1024
DEFAULT_DEADLINE = 20.0
GET_PAUSES = (0.2, 0.6)
"""Waits before the second and third try of a GET that met a passing fault."""
_TURNED_AWAY = frozenset({425, 429})
_UNCLEAR = frozenset({408, 409, 424})
"""409: with an idempotency key it means that the first request is still running. 424: something behind it failed."""
_PASSING = frozenset({502, 503, 504})
_local = threading.local()


class Bearer(AuthBase):
    """A bearer token that does not show itself in tracebacks and debug pages."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def __repr__(self) -> str:
        return "Bearer([hidden])"


class Basic(AuthBase):
    """Basic credentials that do not show themselves either; a provider's key stands as the user's name."""

    def __init__(self, user: str, password: str = "") -> None:
        self._pair = f"{user}:{password}".encode()

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Basic {b64encode(self._pair).decode()}"
        return request

    def __repr__(self) -> str:
        return "Basic([hidden])"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A complete answer with a status below 400."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> dict[str, Any]:
        """Return the JSON object. Raises ``Uncertain`` when the answer is none: it may have been cut short."""
        try:
            # Amounts may come as JSON numbers: a float would round them, so they stay text.
            parsed = json.loads(self.body, parse_float=str, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            parsed = None
        if not isinstance(parsed, dict):
            raise Uncertain("the provider's answer is not a JSON object", code=str(self.status))
        return parsed


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not an amount")


@dataclass(frozen=True, kw_only=True)
class Http:
    """Calls to one base URL. ``deadline`` bounds a whole call in seconds, retries included."""

    base_url: str
    connect_timeout: float = 3
    read_timeout: float = 10
    deadline: float = DEFAULT_DEADLINE

    def ends(self) -> float:
        """Return the end of a call that begins now, for an adapter whose call takes several requests."""
        return time.monotonic() + self.deadline

    def get(
        self, path: str, *, auth: AuthBase, params: Mapping[str, str] | None = None, ends: float | None = None
    ) -> Answer:
        """GET, repeated after a passing fault while time is left. Raises a ``ProviderError``."""
        ends = self.ends() if ends is None else ends
        for pause in (*GET_PAUSES, None):
            result = self._once("GET", path, ends=ends, auth=auth, params=params)
            passing = isinstance(result, ProviderError) and _may_pass(result)
            if pause is None or not passing or time.monotonic() + pause >= ends:
                break
            time.sleep(pause)
        return _unwrap(result)

    def send(
        self,
        method: str,
        path: str,
        *,
        auth: AuthBase,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        ends: float | None = None,
    ) -> Answer:
        """Send a request that changes something, once: the caller decides about a repeat. Raises as ``get``."""
        ends = self.ends() if ends is None else ends
        return _unwrap(self._once(method, path, ends=ends, auth=auth, body=body, headers=headers))

    def _once(self, method: str, path: str, *, ends: float, auth: AuthBase, **kwargs: Any) -> Answer | ProviderError:
        body: bytes = kwargs.get("body", b"")
        left = ends - time.monotonic()
        if left <= 0:
            return Uncertain("the time of the call was over before its last request")
        watchdog = _Watchdog(left)
        try:
            with watchdog:
                response = _session().request(
                    method,
                    self.base_url.rstrip("/") + path,
                    params=kwargs.get("params"),
                    data=body or None,
                    headers={"Accept": "application/json", **(kwargs.get("headers") or {})},
                    auth=auth,
                    timeout=(min(self.connect_timeout, left), min(self.read_timeout, left)),
                    allow_redirects=False,
                    stream=True,
                )
                return _judge(response, _read(response))
        except requests.RequestException as broken:
            return _broken(broken, timed_out=watchdog.fired)
        except OSError:  # the watchdog may close the socket under the reader's hands
            return Uncertain("the connection broke before the answer was complete")


def _unwrap(result: Answer | ProviderError) -> Answer:
    if isinstance(result, ProviderError):
        raise result
    return result


def _may_pass(error: ProviderError) -> bool:
    return error.code in {str(code) for code in _PASSING} or (
        not error.code and isinstance(error, NotSent | Uncertain)
    )


def _read(response: requests.Response) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(64 * 1024):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            response.close()
            break
    return bytes(body)


def _judge(response: requests.Response, body: bytes) -> Answer | ProviderError:
    status = response.status_code
    if len(body) > MAX_ANSWER_BYTES:
        return Uncertain("the provider's answer is larger than any real one", code=str(status))
    if 200 <= status < 300:
        return Answer(status=status, headers=response.headers, body=body)
    error = _error_object(body)
    words, word = _error_words(error), error.get("code") or error.get("error")  # some name the error in ``error``
    about: dict[str, Any] = {
        "code": str(status),
        "word": word[:80] if isinstance(word, str) else "",
        "kind": error["type"][:80] if isinstance(error.get("type"), str) else "",
        "replayed": response.headers.get("Idempotent-Replayed", "").lower() == "true",
    }
    if status == 404:
        return ObjectNotFound(f"not found{words}", **about)
    if status in _TURNED_AWAY:
        return NotSent(f"turned away{words}", retry_after=_retry_after(response), **about)
    if 400 <= status < 500 and status not in _UNCLEAR:
        return Rejected(f"refused with {status}{words}", **about)
    return Uncertain(f"answered {status}{words}", retry_after=_retry_after(response), **about)


def _error_object(body: bytes) -> dict[str, Any]:
    """Return what the answer says about the error: the object under ``error``, or the whole body."""
    try:
        parsed = json.loads(body[:20_000])
    except (ValueError, RecursionError):
        return {}
    if isinstance(parsed, dict) and isinstance(parsed.get("error"), dict):
        parsed = parsed["error"]
    return parsed if isinstance(parsed, dict) else {}


def _error_words(error: Mapping[str, Any]) -> str:
    """Return a short, safe piece of the error: the fields that name what is wrong, no free values."""
    names = ("title", "detail", "field", "type", "code", "decline_code", "param", "message")
    parts = _blamed(error)
    parts += [error[name][:120] for name in names if isinstance(error.get(name), str) and error[name]]
    return f": {' / '.join(parts[:4])}" if parts else ""


def _blamed(error: Mapping[str, Any]) -> list[str]:
    """Return "field: what is wrong with it" for the first fields that an error blames, in a map or a list."""
    found = error.get("validationErrors") or error.get("parameters")
    rows = found if isinstance(found, list) else []
    pairs = [(row.get("fieldName"), row.get("message")) for row in rows if isinstance(row, dict)]
    pairs += found.items() if isinstance(found, dict) else []
    return [f"{name}: {what}"[:120] for name, what in pairs if isinstance(name, str) and isinstance(what, str)][:2]


def _retry_after(response: requests.Response) -> float | None:
    value = response.headers.get("Retry-After", "")
    return min(float(value), 3600.0) if value.isascii() and value.isdigit() else None


def _broken(error: requests.RequestException, *, timed_out: bool) -> ProviderError:
    reason = getattr(error.args[0], "reason", None) if error.args else None
    never_connected = isinstance(reason, NewConnectionError | NameResolutionError | ConnectTimeoutError)
    if never_connected or isinstance(error, requests.exceptions.ProxyError | requests.exceptions.InvalidURL):
        return NotSent("no connection to the provider")
    if timed_out or isinstance(error, requests.Timeout):
        return Uncertain("no complete answer in time")
    return Uncertain(f"the connection broke ({type(error).__name__})")


# --- the session of a thread, and the watchdog that can cut its connection


def _session() -> requests.Session:
    found: requests.Session | None = getattr(_local, "session", None)
    if found is None:
        found = requests.Session()
        found.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        found.headers["User-Agent"] = "django-payflow"
        for scheme in ("https://", "http://"):
            found.mount(scheme, _Adapter(max_retries=0))
        _local.session = found
    return found


class _Watchdog:
    """Shuts this thread's connection down when the time is over."""

    def __init__(self, seconds: float) -> None:
        self.fired = False
        self._timer = threading.Timer(seconds, self._fire)
        self._timer.daemon = True
        self._socket: socket.socket | None = None

    def watch(self, connected: socket.socket | None) -> None:
        """Remember the socket itself: the connection lets go of it while the answer is still being read."""
        self._socket = connected
        if self.fired:
            self._cut()

    def _fire(self) -> None:
        self.fired = True
        self._cut()

    def _cut(self) -> None:
        if self._socket is not None:
            with suppress(OSError):  # already closed: that is what was wanted
                self._socket.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> _Watchdog:
        _local.watchdog = self
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        _local.watchdog = None


class _Watched:
    """Tells the thread's watchdog which socket carries the call: a new one, or one that was kept open."""

    sock: Any

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]  # mixed into the two connection classes below
        _watch(self.sock)

    def request(self, *args: Any, **kwargs: Any) -> None:
        _watch(self.sock)
        super().request(*args, **kwargs)  # type: ignore[misc]


def _watch(connected: socket.socket | None) -> None:
    watchdog: _Watchdog | None = getattr(_local, "watchdog", None)
    if watchdog is not None:
        watchdog.watch(connected)


class _PlainConnection(_Watched, HTTPConnection):
    pass


class _SecureConnection(_Watched, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **kwargs: Any) -> None:
        self.poolmanager = PoolManager(num_pools=connections, maxsize=maxsize, block=block, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}
