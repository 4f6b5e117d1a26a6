"""What a body may be: JSON of bounded size."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser

__all__ = ["MAX_BYTES", "BodyTooLarge", "StrictJSONParser"]

MAX_BYTES = 256 * 1024
"""Room for an order of some hundred lines."""


class BodyTooLarge(APIException):
    """More than ``MAX_BYTES``."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"
    default_detail = f"A request has at most {MAX_BYTES} bytes."


class StrictJSONParser(JSONParser):
    """JSON in UTF-8 that can be written as it was read: without half a surrogate pair."""

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the value. Raises ``ParseError``, ``BodyTooLarge``."""
        body: bytes = stream.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise BodyTooLarge
        try:
            value = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
            json.dumps(value, ensure_ascii=False).encode("utf-8")  # written again later, for the fingerprint
        except (ValueError, RecursionError):  # not UTF-8, not JSON, a number of 5,000 digits, brackets without end
            raise ParseError("This is not JSON in UTF-8.") from None
        return value


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is not JSON")
