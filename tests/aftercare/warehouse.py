"""The stock of a shop that counts what payflow asks of it, and that can be told to fail."""

from __future__ import annotations

from typing import Any

from django_payflow.exceptions import OutOfStock

STOCK = {"RESERVE": f"{__name__}.reserve", "RELEASE": f"{__name__}.release"}
MAY_REOPEN = f"{__name__}.may_reopen"
log: list[str] = []
trouble: set[str] = set()


def forget() -> None:
    log.clear()
    trouble.clear()


def reserve(order: Any) -> None:
    if "sold out" in trouble:
        raise OutOfStock("the last one went an hour ago")
    log.append("reserve")


def release(order: Any) -> None:
    if "broken" in trouble:
        raise RuntimeError("the warehouse does not answer")
    log.append("release")


def may_reopen(order: Any) -> bool:
    return "too late" not in trouble
