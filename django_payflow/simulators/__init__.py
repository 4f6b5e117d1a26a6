"""Stateful simulators of the payment providers: one process, 127.0.0.1 only, nothing of the shop's side inside.

``python -m django_payflow.simulators --port 8801`` or, in a test::

    from django_payflow.simulators import start

    with start() as running:
        requests.get(f"{running.url}/mollie/v2/methods", headers=...)

Signing, status names and money formats are written here a second time, from the provider's documents and not
from our adapters: that the two agree is what the tests show.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
from collections.abc import Mapping
from pathlib import Path

from django_payflow.simulators.host import Factory, Running


def _found() -> Mapping[str, Factory]:
    """Every package beside ``host`` is a provider's simulator and names it as ``SIMULATOR``."""
    names = [module.name for module in pkgutil.iter_modules(__path__) if module.ispkg and module.name != "host"]
    return {name: importlib.import_module(f"{__name__}.{name}").SIMULATOR for name in sorted(names)}


#: prefix -> simulator
MOUNTED: Mapping[str, Factory] = _found()


def start(port: int = 0, state: str | os.PathLike[str] | None = None) -> Running:
    """Start all simulators in this process. ``port=0`` picks a free one; without ``state`` nothing is kept."""
    return Running(MOUNTED, port=port, state=None if state is None else Path(state))


__all__ = ["MOUNTED", "Running", "start"]
