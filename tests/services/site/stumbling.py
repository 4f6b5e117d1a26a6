"""A handler that fails as often as a test says: ``SITE_STUMBLES/<order>`` holds the number that is left."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tests.shop import fulfilment


def ship(order: Any, *, key: str, attempt: int) -> None:
    """Ship; but first do it and fail, which must leave nothing behind."""
    fulfilment.ship(order, key=key, attempt=attempt)
    file = Path(os.environ["SITE_STUMBLES"]) / order.reference
    left = int(file.read_text()) if file.exists() else 0
    if left:
        file.write_text(str(left - 1))
        raise RuntimeError("the parcel service does not answer")
