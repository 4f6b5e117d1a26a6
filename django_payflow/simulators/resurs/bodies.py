"""Reading what a client sent: JSON with exact decimals, and a reader that collects every complaint about it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NoReturn

from flask import request

from django_payflow.simulators.host import Json
from django_payflow.simulators.resurs.amounts import NotANumber, read_hundredths
from django_payflow.simulators.resurs.answers import ApiError

#: The second is what one example of a point of sale sends.
JSON_TYPES = ("application/json", "application/json-strict")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def read_json() -> Json:
    """The JSON object that was sent. Nothing at all and ``[]`` are refused: an empty request is ``{}``."""
    if request.mimetype not in JSON_TYPES:
        raise ApiError(415, "The content type must be application/json")
    try:
        body = json.loads(request.get_data(), parse_float=Decimal, parse_constant=_no_such_number)
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "The body is not readable as JSON") from error
    if not isinstance(body, dict):
        raise ApiError(400, "The body must be a JSON object")
    return body


def _no_such_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _is_text(value: str) -> bool:
    """JSON can name halves of characters, which no encoding can write."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


class Reader:
    """One object of a request. ``null`` counts as not given; unknown names are tolerated, as Resurs does.

    Every complaint is noted under the dotted path of its field; ``done`` raises them all at once.
    """

    def __init__(self, sent: Json, path: str = "", problems: dict[str, str] | None = None) -> None:
        self.sent = sent
        self._path = path
        self.problems: dict[str, str] = {} if problems is None else problems

    def done(self) -> None:
        if self.problems:
            raise ApiError(400, "Validation failed", self.problems)

    def blame(self, name: str, message: str) -> None:
        self.problems.setdefault(f"{self._path}{name}", message)

    def has(self, name: str) -> bool:
        return self.sent.get(name) is not None

    def _take(self, name: str, required: bool) -> Any:
        value = self.sent.get(name)
        if value is None and required:
            self.blame(name, "must not be null")
        return value

    def text(
        self, name: str, most: int, *, least: int = 0, required: bool = False, pattern: str | None = None
    ) -> str | None:
        value = self._take(name, required)
        if value is None:
            return None
        if not isinstance(value, str):
            self.blame(name, "must be a text")
        elif not _is_text(value):
            self.blame(name, "has characters that are none")
        elif not least <= len(value) <= most:
            self.blame(name, f"size must be between {least} and {most}")
        elif pattern is not None and not re.fullmatch(pattern, value, re.ASCII):
            self.blame(name, f'must match "{pattern}"')
        else:
            return value
        return None

    def word(self, name: str, words: tuple[str, ...]) -> str | None:
        value = self._take(name, False)
        if value is not None and value not in words:
            self.blame(name, f"must be one of {', '.join(words)}")
            return None
        return value if value is None else str(value)

    def uuid(self, name: str) -> str:
        value = self._take(name, True)
        if value is None:
            return ""
        if not isinstance(value, str) or not UUID.fullmatch(value):
            self.blame(name, "must be a UUID")
            return ""
        return value.lower()

    def truth(self, name: str) -> bool | None:
        value = self._take(name, False)
        if value is None or isinstance(value, bool):
            return value
        self.blame(name, "must be true or false")
        return None

    def hundredths(
        self, name: str, *, required: bool = False, least: int | None = None, most: int | None = None
    ) -> int | None:
        """A number with at most two decimals; ``least`` and ``most`` are hundredths."""
        value = self._take(name, required)
        if value is None:
            return None
        try:
            number = read_hundredths(value)
        except NotANumber as error:
            self.blame(name, str(error))
            return None
        if least is not None and number < least:
            self.blame(name, f"must be greater than or equal to {least / 100:g}")
        elif most is not None and number > most:
            self.blame(name, f"must be less than or equal to {most / 100:g}")
        else:
            return number
        return None

    def whole(self, name: str, least: int, most: int) -> int | None:
        value = self._take(name, False)
        if value is None:
            return None
        if type(value) is not int or not least <= value <= most:
            self.blame(name, f"must be a whole number from {least} to {most}")
            return None
        return value

    def inner(self, name: str, required: bool = False) -> Reader:
        """The object of this name; where there is none, an empty one that complains of nothing but what it lacks."""
        value = self._take(name, required)
        if value is not None and not isinstance(value, dict):
            self.blame(name, "must be an object")
            value = None
        return Reader(value or {}, f"{self._path}{name}.", self.problems)

    def items(self, name: str, least: int, most: int, required: bool = False) -> Iterator[Reader]:
        """The objects of a list."""
        value = self._take(name, required)
        if value is None:
            return
        if not isinstance(value, list):
            self.blame(name, "must be a list")
            return
        if not least <= len(value) <= most:
            self.blame(name, f"size must be between {least} and {most}")
            return
        for position, item in enumerate(value):
            path = f"{self._path}{name}[{position}]."
            if isinstance(item, dict):
                yield Reader(item, path, self.problems)
            else:
                self.blame(f"{name}[{position}]", "must be an object")
