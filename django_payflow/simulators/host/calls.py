"""One API call from arrival to answer: the log of calls, and the faults that refuse a call or spoil its answer."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from flask import Response, request

from django_payflow.simulators.host.clock import Clock
from django_payflow.simulators.host.faults import REFUSING_KINDS, SPOILING_KINDS, Fault, Faults
from django_payflow.simulators.host.store import Json

KEPT = 5000
REPLAYED = "Idempotent-Replayed"

log = logging.getLogger("django_payflow.simulators")


@dataclass(frozen=True, kw_only=True)
class Call:
    """What a simulator knows of a call before it acts."""

    provider: str
    operation: str
    payment: str | None = None
    #: fingerprint of the API key, never the key
    key: str | None = None
    idempotency_key: str | None = None
    #: simulated seconds since the object was created, for windows of 404
    age: float | None = None


class ConnectionCut(ConnectionAbortedError):
    """Raised inside the response: waitress closes the socket, without a 500 and without what is missing."""


def fingerprint(secret: str) -> str:
    """Names a secret without giving it away: what stands before the first underscore, and a short digest."""
    prefix, separator, _rest = secret.partition("_")
    digest = hashlib.sha256(secret.encode()).hexdigest()[:8]
    return f"{prefix}_...{digest}" if separator and len(prefix) <= 8 else f"...{digest}"


class Calls:
    """The last calls in memory, newest last, and the way every call of every simulator goes."""

    def __init__(self, clock: Clock, faults: Faults) -> None:
        self._clock = clock
        self._faults = faults
        #: set when nobody shall wait any longer; slow and dripping answers wait on it
        self._enough = threading.Event()
        self._entries: deque[Json] = deque(maxlen=KEPT)

    def entries(self) -> list[Json]:
        return list(self._entries)

    def last_provider(self) -> str:
        """Whose API was called last; empty before the first call."""
        return str(self._entries[-1]["provider"]) if self._entries else ""

    def clear(self) -> None:
        """Forget the log, and let answers that a fault holds up go out now."""
        held, self._enough = self._enough, threading.Event()
        self._entries.clear()
        held.set()

    def close(self) -> None:
        """No answer is held up from now on."""
        self._enough.set()

    def carry_out(
        self, call: Call, *, refuse: Callable[[int], Response], perform: Callable[[], Response]
    ) -> Response:
        """Do the call, or refuse it, or do it and spoil the answer, as the faults say; and log it.

        ``refuse(status)`` builds the provider's own error answer. Waiting happens in here, so whatever the
        caller holds around this call (an idempotency key, say) is held as long as the call really takes.
        """
        enough = self._enough
        refusal = next(iter(self._take(call, REFUSING_KINDS)), None)
        response = self._refused(refusal, refuse, perform) if refusal else perform()
        spoiling = self._take(call, SPOILING_KINDS)
        for fault in spoiling:
            if fault.kind == "slow":
                enough.wait(2.0 if fault.seconds is None else fault.seconds)
        struck = [fault.kind for fault in (refusal, *spoiling) if fault]
        if enough is self._enough:  # what was asked before a reset is not logged after it
            self.record(call, response, struck)
        return self._spoilt(response, spoiling)

    def _take(self, call: Call, kinds: Mapping[str, str]) -> list[Fault]:
        return self._faults.take(call.provider, call.operation, call.payment, kinds, age=call.age)

    def _refused(self, fault: Fault, refuse: Callable[[int], Response], perform: Callable[[], Response]) -> Response:
        if fault.kind == "not_found":
            return refuse(404)
        if fault.kind == "5xx" and fault.done:
            perform()
        response = refuse(429 if fault.kind == "429" else fault.status or 503)
        if fault.retry_after is not None:
            response.headers["Retry-After"] = str(fault.retry_after)
        return response

    def record(self, call: Call, response: Response, faults: list[str] | None = None) -> None:
        """Write the call into the log. A call whose answer was cut has the status that never arrived."""
        entry = {
            "provider": call.provider,
            "method": request.method,
            "path": request.script_root + request.full_path.rstrip("?"),
            "operation": call.operation,
            "payment": call.payment,
            "status": None if "lost_answer" in (faults or []) else response.status_code,
            "idempotency_key": call.idempotency_key,
            "key": call.key,
            "replayed": REPLAYED in response.headers,
            "faults": faults or [],
            "time": self._clock.iso(),
        }
        self._entries.append(entry)
        log.info("%(provider)s %(method)s %(path)s -> %(status)s", entry)

    def _spoilt(self, response: Response, faults: list[Fault]) -> Response:
        kinds = {fault.kind: fault for fault in faults}
        body = response.get_data()
        if "lost_answer" in kinds:
            response.response = _cut(b"")
        elif "truncated" in kinds:
            response.response = _cut(body[: len(body) // 2])
        elif "hang" in kinds:
            seconds = kinds["hang"].seconds
            response.response = self._dripping(body, 1.0 if seconds is None else seconds)
        if kinds.keys() - {"slow"}:
            response.headers["Content-Length"] = str(len(body))
        return response

    def _dripping(self, body: bytes, seconds: float) -> Iterator[bytes]:
        enough = self._enough
        for position in range(len(body)):
            if enough.wait(seconds):
                yield body[position:]
                return
            yield body[position : position + 1]


def _cut(beginning: bytes) -> Iterator[bytes]:
    """``beginning``, then the end of the connection. With nothing before it not even a status line is sent."""
    if beginning:
        yield beginning
    raise ConnectionCut("cut by a fault")
