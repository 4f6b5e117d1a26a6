"""Pages of a list: ``size``, ``page`` and ``sort=property,asc``, the last more than once if need be."""

from __future__ import annotations

from collections.abc import Sequence

from flask import request

from django_payflow.simulators.host import Json
from django_payflow.simulators.resurs.answers import ApiError

_SIZE = 20


def paged(rows: Sequence[Json]) -> Json:
    """The page of ``rows`` that the query asks for, under ``content``."""
    size, number = _number("size", _SIZE, 1), _number("page", 0, 0)
    ordered = _sorted(list(rows))
    page = {
        "number": number,
        "size": size,
        "totalElements": len(ordered),
        "totalPages": -(-len(ordered) // size),
    }
    return {"content": ordered[number * size : (number + 1) * size], "page": page}


def _number(name: str, default: int, least: int) -> int:
    text = request.args.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) < least:
        raise ApiError(400, "Validation failed", {name: "is not valid"})
    return int(text)


def _sorted(rows: list[Json]) -> list[Json]:
    """The first ``sort`` counts most, so it is applied last. PHP writes a list as ``sort[0]``."""
    wanted = [value for name, value in request.args.items(multi=True) if name.partition("[")[0] == "sort" and value]
    for each in reversed(wanted):
        name, _comma, direction = each.partition(",")
        if rows and any(not isinstance(row.get(name), str | int) for row in rows):
            raise ApiError(400, "Validation failed", {"sort": f"there is no property {name} to sort by"})
        rows.sort(key=lambda row: row[name], reverse=direction.lower() == "desc")
    return rows
