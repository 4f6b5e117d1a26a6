"""What the mutator does to small modules."""

from __future__ import annotations

import ast

import pytest

from tests.mutation.mutants import enum_members, mutants

ENUM = "class Colour(StrEnum):\n    RED = 'r'\n    BLUE = 'b'\n    GREY = 'g'\nC = Colour\n"


def made(source: str) -> list[str]:
    return [ast.unparse(mutant.tree) for mutant in mutants(source, enum_members(ENUM))]


@pytest.mark.parametrize(
    ("source", "changed"),
    [
        ("a < b", ["a <= b", "a >= b", "pass"]),
        ("x = a is b", ["x = a is not b"]),
        ("x = a and b", ["x = a or b", "x = b", "x = a"]),
        ("x = not a", ["x = a"]),
        ("x = 5", ["x = 6", "x = 4"]),
        ("x = True", ["x = False"]),
        ("x = max(a, b)", ["x = min(a, b)"]),
        ("x = C.RED", ["x = C.BLUE"]),
        ("x = {C.GREY}", ["x = set()", "x = {C.GREY, C.RED}", "x = {C.GREY, C.BLUE}", "x = {C.RED}"]),
        ("x = a if b else c", ["x = c if b else a"]),
        ("x = [a for a in b if c]", ["x = [a for a in b]"]),
        ("x = {k: 'due . done'}", ["x = {k: '. . done'}", "x = {k: 'due refuse done'}", "x = {k: 'due . .'}"]),
        ("replace(a, b=c)", ["pass", "replace(a)"]),
        ("def f():\n    return a", ["def f():\n    return None"]),
        ("if a:\n    b = c", ["if False:\n    b = c"]),
    ],
)
def test_mutants__make_each_small_change_once(source, changed):
    assert sorted(made(source)) == sorted(changed)


@pytest.mark.parametrize(
    "source",
    [
        "import a",
        "'a docstring'",
        "__all__ = ['a']",
        "@dataclass(frozen=True)\nclass A:\n    b: C.RED",
        "x = f'{a < b}'",
    ],
)
def test_mutants__leave_alone_what_decides_nothing(source):
    assert made(source) == []


def test_mutants__do_not_touch_what_an_error_says():
    assert made("raise ValueError(a < b)") == []


def test_mutant__names_its_line():
    assert [(m.line, m.text) for m in mutants("a = b\nc = a == b", {})] == [(2, "a == b  ->  a != b")]
