"""The stories of the built-in providers, recorded once per process."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from tests.histories.news import Story, record


@pytest.fixture(scope="session")
def stories(running_simulators: Any) -> Callable[[str], list[Story]]:
    """Return a function: provider -> its stories."""
    return cache(lambda name: record(name, running_simulators))
