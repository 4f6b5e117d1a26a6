"""Idempotency keys: the first answer is remembered, a repeat gets it again, another request under it is refused."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from flask import Response

from django_payflow.simulators.host.calls import REPLAYED
from django_payflow.simulators.host.seam import Services
from django_payflow.simulators.host.store import Json


class KeyInUse(Exception):
    """A call with this key is still being worked on."""


class KeyReused(Exception):
    """The key was used for a different request before."""


def digest_of(endpoint: str, sent: object) -> str:
    """Two requests are the same if endpoint and parameters are; the order of the keys does not matter."""
    return hashlib.sha256(f"{endpoint}\n{json.dumps(sent, sort_keys=True)}".encode()).hexdigest()


class Idempotency:
    """One provider's keys. ``name`` below is account and key together, or ``None`` for a call without a key.

    ``seconds`` is how long a key is honoured, ``remembers`` says whether the answer of a status is kept, ``keep``
    names the answer's headers that a repeat shows too.
    """

    def __init__(
        self,
        services: Services,
        *,
        provider: str,
        seconds: float,
        remembers: Callable[[int], bool],
        keep: Sequence[str] = (),
    ) -> None:
        self._store = services.store
        self._clock = services.clock
        self._kind = f"{provider}.idempotency"
        self._seconds = seconds
        self._remembers = remembers
        self._keep = keep
        self._running: set[str] = set()
        self._lock = threading.Lock()

    @contextmanager
    def running(self, name: str | None) -> Iterator[None]:
        """Hold the key while the call runs. Raises ``KeyInUse`` for a second call with it meanwhile."""
        if name is None:
            yield
            return
        with self._lock:
            if name in self._running:
                raise KeyInUse
            self._running.add(name)
        try:
            yield
        finally:
            with self._lock:
                self._running.discard(name)

    def once(self, name: str | None, digest: str, perform: Callable[[], Response]) -> Response:
        """Do it, or repeat what was answered the first time. One change: done and remembered go together.

        A repeat carries the header ``Idempotent-Replayed``. Raises ``KeyReused``.
        """
        with self._store.change():
            earlier = self._remembered(name) if name is not None else None
            if earlier is not None:
                return _replay(earlier, digest)
            response = perform()
            if name is not None and self._remembers(response.status_code):
                self._remember(name, digest, response)
            return response

    def _remembered(self, name: str) -> Json | None:
        earlier = self._store.get(self._kind, name)
        if earlier is None or self._clock.timestamp() - earlier["at"] >= self._seconds:
            return None
        return earlier

    def _remember(self, name: str, digest: str, response: Response) -> None:
        self._store.put(
            self._kind,
            name,
            {
                "at": self._clock.timestamp(),
                "digest": digest,
                "status": response.status_code,
                "body": response.get_data(as_text=True),
                "type": response.headers.get("Content-Type"),
                "headers": {name: response.headers[name] for name in self._keep if name in response.headers},
            },
        )


def _replay(earlier: Json, digest: str) -> Response:
    if earlier["digest"] != digest:
        raise KeyReused
    response = Response(earlier["body"], status=earlier["status"], content_type=earlier["type"])
    response.headers.update(earlier["headers"])
    response.headers[REPLAYED] = "true"
    return response
