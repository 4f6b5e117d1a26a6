"""Lists: newest first, a limit, cursors by id, and a window of creation times."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from django_payflow.simulators.host import Json, Store
from django_payflow.simulators.wooshpay import validation
from django_payflow.simulators.wooshpay.answers import ApiError, invalid

PAGING = ("limit", "starting_after", "ending_before", "created")
_DEFAULT, _MAXIMUM = 10, 100
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
#: The documents give times in milliseconds; a filter that looks like seconds is taken for seconds (GUESS).
_FIRST_MILLISECONDS = 10**11


class Page(NamedTuple):
    documents: Sequence[Json]
    has_more: bool


def read_limit(sent: Json) -> int:
    """1 to 100, ten if nothing is said."""
    value = sent.get("limit", _DEFAULT)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 4:
        value = int(value)
    return validation.whole_number(value, "limit", 1, _MAXIMUM)


def read_page(store: Store, kind: str, sent: Json, account_id: str) -> Page:
    """Of the account's documents of one kind. The cursors name the item just outside the page."""
    limit, window = read_limit(sent), _window(sent.get("created"))
    found = store.find(kind, lambda each: each["account"] == account_id and _inside(each, window))[::-1]
    ids = [each["id"] for each in found]
    if "ending_before" in sent:
        before = found[: _position(ids, sent["ending_before"], "ending_before")]
        return Page(before[-limit:], len(before) > limit)
    if "starting_after" in sent:
        found = found[_position(ids, sent["starting_after"], "starting_after") + 1 :]
    return Page(found[:limit], len(found) > limit)


def _position(ids: Sequence[str], cursor: object, name: str) -> int:
    if cursor not in ids:
        raise ApiError(400, f"{name}: nothing in this list has the id {cursor}", code="resource_missing", param=name)
    return ids.index(str(cursor))


def _window(wanted: object) -> Mapping[str, int]:
    """Comparison -> bound in milliseconds."""
    if wanted is None:
        return {}
    if not isinstance(wanted, dict) or not set(wanted) <= set(_COMPARE):
        raise invalid("created", "must have some of gt, gte, lt, lte")
    bounds = {name: validation.whole_number(value, f"created.{name}", 0, 10**14) for name, value in wanted.items()}
    return {name: bound if bound >= _FIRST_MILLISECONDS else bound * 1000 for name, bound in bounds.items()}


def _inside(document: Json, window: Mapping[str, int]) -> bool:
    created = int(float(document["created"]) * 1000)
    return all(_COMPARE[name](created, bound) for name, bound in window.items())
