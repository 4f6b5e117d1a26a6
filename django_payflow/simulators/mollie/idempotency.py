"""``Idempotency-Key``: honoured on POST only, for one hour, per account."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import Response

from django_payflow.simulators.host import REPLAYED, Json, Services
from django_payflow.simulators.mollie.answers import ApiError, error_of

KIND = "mollie.idempotency"
HEADER = "Idempotency-Key"
_SECONDS = 3600
#: Cached or not above 499 is not documented; Mollie's own plug-in tests cache what is below (GUESS).
_FIRST_UNCACHED = 500


def digest_of(endpoint: str, sent: object) -> str:
    """Two requests are the same if endpoint and parameters are; the order of the keys does not matter."""
    return hashlib.sha256(f"{endpoint}\n{json.dumps(sent, sort_keys=True)}".encode()).hexdigest()


class Idempotency:
    def __init__(self, services: Services) -> None:
        self._store = services.store
        self._clock = services.clock
        self._running: set[str] = set()
        self._lock = threading.Lock()

    @contextmanager
    def running(self, name: str | None) -> Iterator[None]:
        """Holds the key while the call runs; a second call with it meanwhile is a 409."""
        if name is None:
            yield
            return
        with self._lock:
            if name in self._running:
                raise ApiError(409, "A request with this idempotency key is still being worked on.")
            self._running.add(name)
        try:
            yield
        finally:
            with self._lock:
                self._running.discard(name)

    def once(self, name: str | None, digest: str, perform: Callable[[], Response]) -> Response:
        """Do it, or repeat what was answered the first time. One change: done and remembered go together."""
        with self._store.change():
            earlier = self._remembered(name) if name is not None else None
            if earlier is not None:
                return self._replay(earlier, digest)
            response = perform()
            if name is not None and response.status_code < _FIRST_UNCACHED:
                self._remember(name, digest, response)
            return response

    def _remembered(self, name: str) -> Json | None:
        earlier = self._store.get(KIND, name)
        if earlier is None or self._clock.timestamp() - earlier["at"] >= _SECONDS:
            return None
        return earlier

    def _remember(self, name: str, digest: str, response: Response) -> None:
        self._store.put(
            KIND,
            name,
            {
                "at": self._clock.timestamp(),
                "digest": digest,
                "status": response.status_code,
                "body": response.get_data(as_text=True),
                "type": response.headers.get("Content-Type"),
            },
        )

    def _replay(self, earlier: Json, digest: str) -> Response:
        if earlier["digest"] != digest:
            return error_of(ApiError(400, "This idempotency key was used for a different request before."))
        response = Response(earlier["body"], status=earlier["status"], content_type=earlier["type"])
        response.headers[REPLAYED] = "true"
        return response
