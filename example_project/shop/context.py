"""What every page of the shop knows."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from .basket import Basket


def shop(request: HttpRequest) -> dict[str, Any]:
    """Add the number of pieces in the basket and, in the demo, where the simulators' panel is."""
    pieces = len(Basket(request.session)) if hasattr(request, "session") else 0
    return {
        "basket_pieces": pieces,
        "shop_demo": settings.SHOP_DEMO,
        "simulators_url": settings.SIMULATORS_URL,
    }
