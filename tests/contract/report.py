"""How many scenarios were played for how many providers, in one line at the end of a run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from django_payflow.testing.contract import ProviderContract, scenarios

_ITEM = re.compile(r"contract/test_contract\.py::TestBuiltin::\w+\[(?P<provider>[a-z]+)")
_WRITTEN = pytest.StashKey[bool]()


def write(terminalreporter: Any) -> None:
    """Write the line, once, if any scenario was played."""
    stash = terminalreporter.config.stash
    line = summary(terminalreporter.stats)
    if line and not stash.get(_WRITTEN, False):
        stash[_WRITTEN] = True
        terminalreporter.write_line(line)


def summary(stats: dict[str, list[Any]]) -> str:
    """Say what became of the scenarios, from the terminal reporter's lists; empty if none was played."""
    providers: set[str] = set()
    counts = {}
    for outcome in ("passed", "skipped", "failed", "error"):
        found = list(_providers(stats.get(outcome, ())))
        providers.update(found)
        counts[outcome] = len(found)
    if not providers:
        return ""
    line = f"contract: {len(providers)} providers, {len(scenarios(ProviderContract))} scenarios each"
    line += f", {counts['passed']} passed, {counts['skipped']} skipped as declared"
    broken = counts["failed"] + counts["error"]
    return f"{line}, {broken} failed" if broken else line


def _providers(reports: Any) -> Iterator[str]:
    for report in reports:
        if match := _ITEM.search(getattr(report, "nodeid", "")):
            yield match["provider"]
