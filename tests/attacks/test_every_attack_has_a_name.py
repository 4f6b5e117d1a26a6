"""The lists of what this package must stand: each line of them is carried by a test that names it.

46 attacks, ``attack(1)`` to ``attack(46)``; the gauntlet, G1 to G20; the museum of other systems' bugs, M01 to M31.
Read from the sources of the tests, so that a test which is merely left out of a run counts.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
ATTACKS = range(1, 47)
GAUNTLET = [f"G{n}" for n in range(1, 21)]
MUSEUM = [f"M{n:02}" for n in range(1, 32)]

NOT_OURS: dict[int | str, str] = {}
"""What cannot happen here, with the reason in words. Nothing may stand here that a test carries."""


def markers(source: str) -> Iterator[int | str]:
    """What the ``attack`` and ``gauntlet`` markers of a test file name."""
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if node.func.attr in {"attack", "gauntlet"} and ast.unparse(node.func.value).endswith("mark"):
            yield from (arg.value for arg in node.args if isinstance(arg, ast.Constant))


@pytest.fixture(scope="module")
def carried() -> dict[int | str, list[str]]:
    """Marker -> the files whose tests carry it."""
    found: dict[int | str, list[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        source = path.read_text()
        if "mark.attack(" in source or "mark.gauntlet(" in source:
            for name in set(markers(source)):
                found.setdefault(name, []).append(path.name)
    return found


@pytest.mark.parametrize("wanted", [ATTACKS, GAUNTLET, MUSEUM], ids=["attacks", "gauntlet", "museum"])
def test_list__every_line_is_carried_by_a_test_or_has_a_reason(carried, wanted):
    assert [name for name in wanted if name not in carried and name not in NOT_OURS] == []


def test_list__no_reason_stands_for_what_is_tested(carried):
    assert [name for name in NOT_OURS if name in carried] == []
    assert all(len(reason.split()) > 3 for reason in NOT_OURS.values())


def test_markers__name_lines_that_exist(carried):
    known = {*ATTACKS, *GAUNTLET, *MUSEUM}
    assert {name: files for name, files in carried.items() if name not in known} == {}


def test_markers__are_found_wherever_they_stand():
    source = """
import pytest
pytestmark = [pytest.mark.attack(1), pytest.mark.slow]
@pytest.mark.gauntlet("G2")
@pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.attack(3))])
def test_a(x): "not pytest.mark.attack(4)"
class TestB:
    pytestmark = pytest.mark.gauntlet("M05")
"""
    assert set(markers(source)) == {1, "G2", 3, "M05"}
