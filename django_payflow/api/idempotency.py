"""A request with an ``Idempotency-Key`` takes effect once, however often it is sent.

1. claim: the row (principal, key) is inserted or found, and leased; one unique constraint decides who works;
2. work: the flow does it, outside of transactions, under keys that are derived from this one;
3. store: the final answer is written, if the lease is still ours.

A worker that dies in between leaves a lease that runs out, and the repeated request is worked on again. That is
harmless: a move has the same key of its own, so the flow finds the first one; a checkout gives the same offer
again; and what reaches no provider (``atomic``) commits together with its answer.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime
from functools import wraps
from math import ceil
from typing import Any

from django.db import models, router, transaction
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from .. import checkpoints, clock, conf
from ..exceptions import Unreadable
from ..fields import Sealed
from ..models import IdempotentRequest, Payment
from .errors import EXPECTED, MEDIA_TYPE, problem

__all__ = ["HEADER", "REPLAYED", "idempotent", "key_of", "move_key"]

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
Handler = Callable[..., Response]

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_NAMESPACE = uuid.UUID("6a8f3f53-2f0c-4a6e-9a53-0d7f4f3c1c55")
_TEMPORARY = frozenset({401, 403, 404, 409, 429})
"""Answers that may be another one next time, so that they are not kept; nor is a server's error. 404 stands for "not
yours" as well, and rights can be given later."""
_LONGEST_WAIT = 5
"""Seconds that ``Retry-After`` asks for at most: nearly always the other request is answered long before its lease
is over."""


class _Overtaken(Exception):
    """The lease ran out, and another worker has the request: what this one did is rolled back."""


def idempotent(*, required: bool = False, atomic: bool = False) -> Callable[[Handler], Handler]:
    """Make a view's handler take effect once per key.

    ``required``: without the header it answers 400. ``atomic``: it reaches no provider, and commits together with
    its answer.
    """

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        def wrapped(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
            key = key_of(request)
            if not key:
                if required:
                    raise ValidationError({HEADER: ["This header is required here: a unique id of your request."]})
                return handler(view, request, *args, **kwargs)
            claim = _claim(view.principal(), key, _fingerprint(request, key))
            if isinstance(claim, Response):
                return claim
            return _work(view, claim, lambda: handler(view, request, *args, **kwargs), atomic=atomic)

        return wrapped

    return decorate


def key_of(request: Request) -> str:
    """Return the request's key, empty if it has none. Raises ``ValidationError`` for one that cannot be kept."""
    key: str = request.headers.get(HEADER, "")
    if key and not _KEY.fullmatch(key):
        raise ValidationError({HEADER: ["At most 255 visible ASCII characters, such as a UUID."]})
    return key


def move_key(principal: str, key: str, payment: Payment) -> str:
    """Return the key of the capture, void or refund that a request asks for: the same one for the same request.

    The payment's own random key is in it: after a database was made anew, user 1 and his key "1" come again, and
    the provider would remember them.
    """
    return str(uuid.uuid5(_NAMESPACE, "\n".join([principal, key, payment.key])))


def _fingerprint(request: Request, key: str) -> str:
    """Hash what was asked. The key is part of it: some databases compare without regard to case."""
    body = json.dumps(request.data, sort_keys=True, separators=(",", ":"))
    parts = [key, str(request.method), request.get_full_path(), body]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


# --- claim


def _claim(principal: str, key: str, fingerprint: str) -> IdempotentRequest | Response:
    """Return the leased row if the work is ours, else what to answer."""
    now = clock.now()
    lease = now + conf.get().lease
    row, new = IdempotentRequest.objects.get_or_create(
        principal=principal, key=key, defaults={"fingerprint": fingerprint, "lease_until": lease}
    )
    if new:
        return row
    if row.fingerprint != fingerprint:
        return problem(422, "idempotency_key_reused", "This key was used for another request; use a new one.")
    if row.status is None and _take(row, now, lease):
        return row
    row.refresh_from_db()  # it may have been answered while we looked
    return _in_progress(row.lease_until, now) if row.status is None else _replay(row)


def _take(row: IdempotentRequest, now: datetime, lease: datetime) -> bool:
    """Take over from a worker that died, or that gave an answer which is not kept."""
    free = models.Q(lease_until=None) | models.Q(lease_until__lte=now)
    taken = IdempotentRequest.objects.filter(free, pk=row.pk, status=None).update(lease_until=lease)
    row.lease_until = lease
    return bool(taken)


def _in_progress(until: datetime | None, now: datetime) -> Response:
    left = (until - now).total_seconds() if until else 0
    wait = min(_LONGEST_WAIT, max(1, ceil(left)))
    words = "The same request is being worked on; ask again for its answer."
    return problem(409, "in_progress", words, headers={"Retry-After": str(wait)})


def _replay(row: IdempotentRequest) -> Response:
    status = row.status or 200
    if isinstance(row.answer, Sealed):
        raise Unreadable(row.answer.reason)
    kind = MEDIA_TYPE if status >= 400 else None
    return Response(row.answer, status=status, headers={REPLAYED: "true"}, content_type=kind)


# --- work and store


def _work(view: Any, row: IdempotentRequest, handler: Callable[[], Response], *, atomic: bool) -> Response:
    checkpoints.reached("api.claimed")
    together = transaction.atomic(using=router.db_for_write(IdempotentRequest)) if atomic else nullcontext()
    kept = False
    try:
        with together:
            response = handler()
            checkpoints.reached("api.worked")
            kept = _store(row, response)
            if atomic and _is_final(response) and not kept:
                raise _Overtaken
    except _Overtaken:
        response = _in_progress(None, clock.now())
    except EXPECTED as refused:
        response = view.handle_exception(refused)
        kept = _store(row, response)
    finally:
        if not kept:
            _let_go(row)
    return response


def _is_final(response: Response) -> bool:
    return response.status_code < 500 and response.status_code not in _TEMPORARY


def _store(row: IdempotentRequest, response: Response) -> bool:
    """Keep a final answer; returns whether it was kept."""
    if not _is_final(response):
        return False
    answer = json.loads(JSONRenderer().render(response.data))
    values = {"status": response.status_code, "answer": answer, "lease_until": None}
    return bool(_ours(row).update(**values))


def _let_go(row: IdempotentRequest) -> None:
    """Let the same request be tried again at once; its key stays bound to it."""
    _ours(row).update(lease_until=None)


def _ours(row: IdempotentRequest) -> Any:
    """The row while the lease is still the one that we took: its end serves as our name."""
    return IdempotentRequest.objects.filter(pk=row.pk, status=None, lease_until=row.lease_until)
