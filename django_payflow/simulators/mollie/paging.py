"""Lists in pages: an inclusive cursor, a limit, newest first unless asked otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from django_payflow.simulators.host import Json
from django_payflow.simulators.mollie.answers import ApiError

_DEFAULT, _MAXIMUM = 50, 250


class Page(NamedTuple):
    keys: Sequence[str]
    self_href: str
    previous_href: str | None
    next_href: str | None


def read_page(sent: Json, oldest_first: Sequence[str], href: str) -> Page:
    """``from`` names the first item of the page itself. Pages of 250 at most."""
    limit, order = _limit(sent.get("limit")), _order(sent.get("sort"))
    keys = list(oldest_first) if order == "asc" else list(reversed(oldest_first))
    start = 0
    if "from" in sent:
        if sent["from"] not in keys:
            raise ApiError(400, "The cursor names nothing that is in this list.", "from")
        start = keys.index(sent["from"])
    extra = {"sort": order} if "sort" in sent else {}

    def address(position: int) -> str:
        return f"{href}?{urlencode({'from': keys[position], 'limit': limit} | extra)}"

    return Page(
        keys=keys[start : start + limit],
        self_href=f"{href}?{urlencode(sent)}" if sent else href,
        previous_href=address(max(start - limit, 0)) if start > 0 else None,
        next_href=address(start + limit) if start + limit < len(keys) else None,
    )


def _limit(value: object) -> int:
    """That a limit out of range is a 400 like a bad cursor is a GUESS."""
    if value is None:
        return _DEFAULT
    text = str(value)
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= _MAXIMUM):
        raise ApiError(400, f"The limit must be a number from 1 to {_MAXIMUM}.", "limit")
    return int(text)


def _order(value: object) -> str:
    if value not in (None, "asc", "desc"):
        raise ApiError(400, "The order is asc or desc.", "sort")
    return str(value or "desc")
