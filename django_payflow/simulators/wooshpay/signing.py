"""The signature of a webhook: ``t=<unix seconds>,v1=<hex>``, HMAC-SHA256 over ``t``, a dot and the body.

The key is the endpoint's secret as it is, ``whsec_`` and all. Which of two header names is real, two official pages
answer differently; a switch decides.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence

#: What may go wrong with a delivery beside what the host's faults do.
FAULTS: Mapping[str, str] = {
    "bad_signature": "signed, but over another body",
    "old_timestamp": "signed correctly ten minutes ago",
    "unsigned": "without the signature header",
    "unknown_scheme": "signed as v0 only",
    "other_secret": "signed with a secret the shop never saw",
    "wrong_mode": "livemode says the opposite, signed correctly",
}
_TEN_MINUTES = 600
_FOREIGN_SECRET = "whsec_" + "f" * 32


def signature(secret: str, moment: int, body: bytes) -> str:
    return hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()


def header_value(secrets: Sequence[str], moment: int, body: bytes, scheme: str = "v1") -> str:
    """One element per secret: more than one while a secret is being replaced."""
    return ",".join([f"t={moment}", *(f"{scheme}={signature(secret, moment, body)}" for secret in secrets)])


def signed_headers(
    header: str, secrets: Sequence[str], now: float, body: bytes, faults: Sequence[str]
) -> Mapping[str, str]:
    """``header`` is a name or ``both``."""
    if "unsigned" in faults:
        return {}
    moment = int(now) - (_TEN_MINUTES if "old_timestamp" in faults else 0)
    used = [_FOREIGN_SECRET] if "other_secret" in faults else secrets
    signed = body + b" " if "bad_signature" in faults else body
    value = header_value(used, moment, signed, "v0" if "unknown_scheme" in faults else "v1")
    names = ("Signature", "Wooshpay-Signature") if header == "both" else (header,)
    return dict.fromkeys(names, value)
