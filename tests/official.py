"""The providers' own Python libraries, for tests only (dependency group ``conformance``)."""

from __future__ import annotations

import importlib
import os
from typing import Any

import pytest


def official_client(module: str) -> Any:
    """Import a provider's library, or skip the test module; with ``CI=true`` it must be there."""
    try:
        return importlib.import_module(module)
    except ImportError:
        if os.environ.get("CI") == "true":
            raise
        return pytest.skip(f"{module} is not installed (group `conformance`)", allow_module_level=True)
