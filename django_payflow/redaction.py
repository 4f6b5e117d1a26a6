"""Keep secrets and personal data out of logs, events and messages.

Two nets: values that are known to be secret (an API key is remembered when its provider is built) are replaced
wherever they appear; and shapes that are always private (keys in the providers' formats, authorization headers,
card numbers, e-mail addresses) are replaced even when nobody told us about them.
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Mapping
from threading import Lock
from typing import Any

__all__ = ["HIDDEN", "logger", "remember", "scrub", "scrub_json"]

HIDDEN = "[hidden]"
MAX_TEXT = 2000
PRIVATE_KEYS = re.compile(
    r"authorization|cookie|secret|token|password|api_?key|signature|cardnumber|cvc|cvv|iban"
    r"|^(email|e_?mail|phone|name|givenname|familyname|consumername|consumeraccount|address|street.*|"
    r"billingaddress|shippingaddress|buyer|details)$",
    re.IGNORECASE,
)
_SHAPES = (
    (re.compile(r"\b(?:live|test|access|sk|rk|whsec)_[A-Za-z0-9_]{16,}"), HIDDEN),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), r"\1 " + HIDDEN),
    (re.compile(r"\b(?:\d[ -]?){12,18}\d\b"), HIDDEN),
    (re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"), HIDDEN),
)
_known: set[str] = set()
_lock = Lock()


def remember(secret: str) -> None:
    """Hide this value from now on. Short values are ignored: hiding them would garble ordinary text."""
    if len(secret) >= 8:
        with _lock:
            _known.add(secret)


def scrub(text: str) -> str:
    """Return the text without known secrets and private shapes, cut to a bounded length."""
    for secret in tuple(_known):
        text = text.replace(secret, HIDDEN)
    for shape, instead in _SHAPES:
        text = shape.sub(instead, text)
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + " ..."


def scrub_json(value: Any) -> Any:
    """Return JSON-like data with private keys blanked and every string scrubbed."""
    if isinstance(value, Mapping):
        return {
            str(k): HIDDEN if PRIVATE_KEYS.search(str(k)) and v not in (None, "") else scrub_json(v)
            for k, v in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [scrub_json(item) for item in value[:200]]
    return scrub(value) if isinstance(value, str) else value


class _Filter(logging.Filter):
    """Scrubs a finished record, its exception text included."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = scrub(record.getMessage()), None
        if record.exc_info and not record.exc_text:
            record.exc_text = scrub("".join(traceback.format_exception(*record.exc_info)))
            record.exc_info = None
        return True


def logger() -> logging.Logger:
    """Return the package's one logger, ``django_payflow``. What it writes was scrubbed before any handler saw it."""
    found = logging.getLogger("django_payflow")
    if not any(isinstance(known, _Filter) for known in found.filters):
        found.addFilter(_Filter())
    return found
