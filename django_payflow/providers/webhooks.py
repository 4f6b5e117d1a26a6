"""What several providers' webhooks have in common: a signature with a timestamp, and a strict reading of the body.

The scheme is ``t=<seconds>,v1=<hex>``: HMAC-SHA256, with the endpoint's secret as it is, over the timestamp's text,
a dot and the raw body. Everything here is bounded, whatever a stranger sends.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from .. import clock
from ..exceptions import WebhookRefused

__all__ = ["Signing", "read_object"]

_MAX_HEADER, _MAX_ENTRIES = 2048, 16
_STAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
_SIGNATURE = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Signing:
    """How an account's deliveries are signed. The secrets do not show themselves in a refusal's traceback."""

    secrets: Sequence[str] = field(repr=False)
    """Two are valid while one replaces the other."""
    tolerance: float
    """Seconds that a delivery's timestamp may be off, to either side."""

    def refuse_unsigned(self, header: str, body: bytes) -> None:
        """Raise ``WebhookRefused`` unless one of the secrets signed these bytes just now.

        A timestamp of the future is refused as well: a delivery could be kept and replayed later.
        """
        stamp, signatures = _read_signatures(header)
        if not self._is_genuine(stamp.encode() + b"." + body, signatures):
            raise WebhookRefused("no signature in the header is ours", status=401, reason="signature")
        if abs(clock.now().timestamp() - int(stamp)) > self.tolerance:
            raise WebhookRefused("the delivery's timestamp is too far from our clock", reason="timestamp")

    def _is_genuine(self, signed: bytes, signatures: list[bytes]) -> bool:
        """Compare every signature with every secret's, whatever was found before: the time taken tells nothing."""
        genuine = False
        for secret in self.secrets:
            expected = hmac.new(secret.encode(), signed, sha256).hexdigest().encode()
            for signature in signatures:
                genuine |= hmac.compare_digest(expected, signature)
        return genuine


def read_object(body: bytes) -> dict[str, Any]:
    """Read a JSON object in which no key stands twice and no number is a float (it stays text).

    Raises ``WebhookRefused``: two readers could understand two different things.
    """
    try:
        found = json.loads(body.decode(), object_pairs_hook=_once, parse_constant=_no_constant, parse_float=str)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise WebhookRefused("the body is not a plain JSON object")
    return found


def _read_signatures(header: str) -> tuple[str, list[bytes]]:
    """Return the timestamp and the ``v1`` signatures; other schemes, such as a ``v0`` of test mode, do not count."""
    if not header:
        raise WebhookRefused("the delivery is not signed", status=401, reason="unsigned")
    entries = [entry.strip().partition("=") for entry in header[: _MAX_HEADER + 1].split(",", _MAX_ENTRIES)]
    stamps = [value for name, _, value in entries if name == "t"]
    signatures = [value.encode() for name, _, value in entries if name == "v1" and _SIGNATURE.fullmatch(value)]
    too_much = len(header) > _MAX_HEADER or len(entries) > _MAX_ENTRIES
    if too_much or len(stamps) != 1 or not _STAMP.fullmatch(stamps[0]) or not signatures:
        raise WebhookRefused("the signature header cannot be read", reason="signature_header")
    return stamps[0], signatures


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands there twice")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
