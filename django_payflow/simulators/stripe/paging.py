"""Lists in pages, newest first, and the search that lags behind."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django_payflow.simulators.host import Json
from django_payflow.simulators.stripe.answers import ApiError, missing
from django_payflow.simulators.stripe.expansion import list_of
from django_payflow.simulators.stripe.reading import Spec, integer, mapping, text

_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


def _moment(value: Any, param: str) -> Any:
    if isinstance(value, dict):
        return mapping(dict.fromkeys(_COMPARISONS, integer()))(value, param)
    return integer()(value, param)


PAGING: Spec = {"limit": integer(1, 100), "starting_after": text(), "ending_before": text()}
CREATED: Spec = {"created": _moment}


def created_fits(document: Json, wanted: Any) -> bool:
    """``wanted`` is a moment or a range of moments."""
    created = document["body"]["created"]
    if isinstance(wanted, int):
        return bool(created == wanted)
    return all(_COMPARISONS[name](created, moment) for name, moment in (wanted or {}).items())


def page(newest_first: Sequence[Json], sent: Json, url: str) -> Json:
    """``newest_first`` are bodies; cursors are ids of objects in the list."""
    limit, items = sent.get("limit", 10), list(newest_first)
    if "starting_after" in sent and "ending_before" in sent:
        raise ApiError(400, "Send one of starting_after and ending_before.")
    if "ending_before" in sent:
        end = _position(items, sent["ending_before"], "ending_before")
        start = max(end - limit, 0)
        return list_of(items[start:end], url, has_more=start > 0)
    start = 0
    if "starting_after" in sent:
        start = _position(items, sent["starting_after"], "starting_after") + 1
    return list_of(items[start : start + limit], url, has_more=start + limit < len(items))


def _position(items: Sequence[Json], object_id: str, param: str) -> int:
    for at, item in enumerate(items):
        if item["id"] == object_id:
            return at
    raise missing("object", object_id, param, 400)


# -- search ---------------------------------------------------------------------------------------------

_CLAUSE = re.compile(
    r"""(?P<minus>-?)(?P<field>[a-z_]+)(\[(?P<kq>["'])(?P<key>.+?)(?P=kq)\])?\s*(?P<sign>:|~|>=|<=|>|<)\s*"""
    r"""(?:(?P<vq>["'])(?P<text>.*?)(?P=vq)|(?P<bare>[\w.-]+))""",
)
_SIGNS: Mapping[str, Callable[[Any, Any], bool]] = {
    ":": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
_SEARCHED = ("amount", "created", "currency", "customer", "metadata", "status")


def search(query: str) -> Callable[[Json], bool]:
    """Clauses joined by AND or by OR, never by both."""
    words, position, joints = [], 0, set()
    while position < len(query):
        match = _CLAUSE.match(query, position)
        if match is None or match["field"] not in _SEARCHED:
            raise ApiError(400, "We were unable to parse your search query.", param="query")
        words.append(_clause(match))
        position = match.end()
        joint = re.compile(r"\s*(?:(AND|OR)\s+)?", re.IGNORECASE).match(query, position)
        if joint is not None and joint.end() > position:
            position = joint.end()
            if position < len(query):
                joints.add((joint[1] or "AND").upper())
    if not words or len(joints) > 1:
        raise ApiError(400, "We were unable to parse your search query.", param="query")
    return lambda body: (any if joints == {"OR"} else all)(clause(body) for clause in words)


def _clause(match: re.Match[str]) -> Callable[[Json], bool]:
    wanted = match["bare"] if match["text"] is None else match["text"]
    nothing = match["text"] is None and wanted == "null"

    def fits(body: Json) -> bool:
        value = body.get(match["field"])
        if match["key"] is not None:
            value = (value or {}).get(match["key"])
        if nothing:
            return value is None
        if match["sign"] == "~":
            return wanted.lower() in str(value or "").lower()
        if isinstance(value, int):
            return wanted.isdigit() and _SIGNS[match["sign"]](value, int(wanted))
        return match["sign"] == ":" and value is not None and str(value).lower() == wanted.lower()

    return (lambda body: not fits(body)) if match["minus"] else fits


def found_page(matching: Sequence[Json], sent: Json, url: str) -> Json:
    """``page`` is where the last answer ended; its form is nobody's business."""
    limit = sent.get("limit", 10)
    token = str(sent.get("page", "0"))
    if not token.isdigit():
        raise ApiError(400, "Invalid page.", param="page")
    start = int(token)
    more = start + limit < len(matching)
    return {
        "object": "search_result",
        "data": list(matching[start : start + limit]),
        "has_more": more,
        "next_page": str(start + limit) if more else None,
        "url": url,
    }
