"""A URLconf that forgot payflow."""

from typing import Any

urlpatterns: list[Any] = []
