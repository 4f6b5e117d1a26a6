"""Reading parameters: forms and queries with bracketed names become nested dictionaries of texts.

Lists stay dictionaries with the positions as keys, because ``metadata[0]`` is no list; the readers of ``reading``
know where a list is meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from flask import request

from django_payflow.simulators.host import Json
from django_payflow.simulators.stripe.answers import ApiError

_NAME = re.compile(r"(?P<head>[^\[\]]+)(?P<rest>(\[[^\[\]]*\])*)")
_PART = re.compile(r"\[([^\[\]]*)\]")
_FORM = "application/x-www-form-urlencoded"


def read_parameters() -> Json:
    """Of body and query together. Bodies in another format are refused (that it is a 400 is from memory)."""
    if request.get_data(cache=True, parse_form_data=False) and request.mimetype != _FORM:
        raise ApiError(400, f"The content type of a request with a body must be {_FORM}.")
    return decode([*request.args.items(multi=True), *request.form.items(multi=True)])


def decode(pairs: Iterable[tuple[str, str]]) -> Json:
    """``a[b][0]=x`` becomes {"a": {"b": {"0": "x"}}}; ``a[]=x&a[]=y`` counts up by itself."""
    tree: Json = {}
    for name, value in pairs:
        match = _NAME.fullmatch(name)
        if match is None:
            raise ApiError(400, f"The parameter name {name} cannot be read.", param=name)
        _put(tree, [match["head"], *_PART.findall(match["rest"])], value, name)
    return tree


def _put(tree: Json, path: list[str], value: str, name: str) -> None:
    branch: Any = tree
    for part in path[:-1]:
        branch = branch.setdefault(part or str(len(branch)), {})
        if not isinstance(branch, dict):
            raise ApiError(400, f"The parameter {name} is given in two ways.", param=name)
    branch[path[-1] or str(len(branch))] = value
