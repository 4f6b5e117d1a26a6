"""The count of scenarios, at the end of a run."""

from __future__ import annotations

from typing import Any

from tests.contract import report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    report.write(terminalreporter)
