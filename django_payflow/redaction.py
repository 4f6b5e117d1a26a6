"""Keep secrets and personal data out of logs, events and messages.

Two nets: values that are known to be secret (an API key is remembered when its provider is built) are replaced
wherever they appear; and shapes that are always private (keys in the providers' formats, authorization headers,
card numbers, e-mail addresses) are replaced even when nobody told us about them.
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

__all__ = ["HIDDEN", "logger", "remember", "scrub", "scrub_json"]

HIDDEN = "[hidden]"
MAX_TEXT = 2000
MAX_TRACEBACK = 20_000
PRIVATE_KEYS = re.compile(
    r"authorization|cookie|secret|token|password|api_?key|signature|cardnumber|cvc|cvv|iban"
    r"|^(email|e_?mail|phone|name|givenname|familyname|consumername|consumeraccount|address|street.*|"
    r"billingaddress|shippingaddress|buyer|details)$",
    re.IGNORECASE,
)
_SHAPES: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"\b(?:live|test|access|sk|rk|whsec)_[A-Za-z0-9_]{16,}"), HIDDEN),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), r"\1 " + HIDDEN),
    # The tokens in our own return and webhook addresses: 32 bytes in URL-safe base64.
    (re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])"), HIDDEN),
    # A card number; an id of ours may contain groups of digits only, and is let through whole, as is a provider's
    # id of a short prefix and 19 digits (longer than the cards that people have).
    (
        re.compile(
            r"(?<!\w)([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[a-z]{2,5}_\d{19})(?!\w)"
            r"|(?<![0-9A-Za-z])(?:\d[ -]?){12,18}\d(?![0-9A-Za-z])"
        ),
        lambda m: m[1] or HIDDEN,
    ),
    # Bounded repetitions: an unbounded one takes quadratic time on a long word.
    (re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}"), HIDDEN),
)
_LIKE_A_CARD = 10**12
_known: set[str] = set()
_lock = Lock()


def remember(secret: str) -> None:
    """Hide this value from now on. Short values are ignored: hiding them would garble ordinary text."""
    if len(secret) >= 8:
        with _lock:
            _known.add(secret)


def scrub(text: str, limit: int = MAX_TEXT) -> str:
    """Return the text without known secrets and private shapes.

    A text longer than ``limit`` loses its middle: the last line of a traceback says what went wrong.
    """
    text = text.replace("\x00", "")  # PostgreSQL stores no NUL, and nobody wants to read one
    if len(text) > 8 * limit:  # scrubbed with a wide margin, so that no secret is cut in two and half of it kept
        text = text[: 4 * limit] + " ... " + text[-4 * limit :]
    for secret in tuple(_known):
        text = text.replace(secret, HIDDEN)
    for shape, instead in _SHAPES:
        text = shape.sub(instead, text)
    half = limit // 2 - 1
    return text if len(text) <= limit else text[:half] + " ... " + text[-half:]


def scrub_json(value: Any) -> Any:
    """Return JSON-like data with private keys blanked and every string scrubbed."""
    if isinstance(value, Mapping):
        return {
            scrub(str(k)): HIDDEN if PRIVATE_KEYS.search(str(k)) and v not in (None, "") else scrub_json(v)
            for k, v in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [scrub_json(item) for item in value[:200]]
    if isinstance(value, int) and abs(value) >= _LIKE_A_CARD:
        return HIDDEN
    return scrub(value) if isinstance(value, str) else value


class _Filter(logging.Filter):
    """Scrubs a finished record, its exception text included."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = scrub(record.getMessage()), None
        if record.exc_info and not record.exc_text:
            record.exc_text = scrub("".join(traceback.format_exception(*record.exc_info)), MAX_TRACEBACK)
            record.exc_info = None
        return True


def logger() -> logging.Logger:
    """Return the package's one logger, ``django_payflow``. What it writes was scrubbed before any handler saw it."""
    found = logging.getLogger("django_payflow")
    if not any(isinstance(known, _Filter) for known in found.filters):
        found.addFilter(_Filter())
    return found
