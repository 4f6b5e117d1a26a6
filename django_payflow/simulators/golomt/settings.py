"""Switches of the simulated bank, set through the control API and forgotten at reset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from django_payflow.simulators.golomt.checksums import ANSWERS, SPOILINGS
from django_payflow.simulators.golomt.endings import ENDINGS
from django_payflow.simulators.host import Store, Switch, Switchboard


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _seconds(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= 10**8


def _schedule(value: Any) -> bool:
    return isinstance(value, list) and 1 <= len(value) <= 50 and all(map(_seconds, value)) and value == sorted(value)


def is_push_url(value: Any) -> bool:
    """Registered at the bank it must be https; on this machine http is good too."""
    if value is None:
        return True
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
    except ValueError:
        return False
    return parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname)


def _spoilt_answers(value: Any) -> bool:
    known = ANSWERS.keys() - {"push"}
    return isinstance(value, dict) and all(name in known and kind in SPOILINGS for name, kind in value.items())


def _one_of(*words: str) -> Callable[[Any], bool]:
    return lambda value: value in words


SWITCHES: Mapping[str, Switch] = {
    "push_url": Switch(None, is_push_url, "where pushes to the default merchant go; null: none is registered"),
    "push": Switch(True, _flag, "false: the bank sends no push, to no merchant"),
    "push_schedule": Switch(
        [0], _schedule, "seconds after the payment at which a push is tried until accepted; [0] is one attempt only"
    ),
    "push_timeout": Switch(10.0, _seconds, "real seconds a receiver of a push may take"),
    "page_seconds": Switch(600, _seconds, "the timer of the payment page; the bank gives merchants 120 to 600"),
    "expiry_answer": Switch(
        "pending",
        _one_of("pending", "905"),
        "what an inquiry says after the timer: still PENDING without a code, or SENT with code 905 and a push",
    ),
    "amounts": Switch(
        "as_sent",
        _one_of("as_sent", "two_decimals", "shortest"),
        "how answers and pushes write an amount; the bank's samples have 1 as well as 1.00",
    ),
    "transaction_ids": Switch(
        "tolerant",
        _one_of("tolerant", "documented", "long"),
        "documented: at most 15 letters and digits; tolerant: hyphens and underscores too; long: up to 256 of them",
    ),
    "forbidden": Switch(False, _flag, "every call gets 403 with an empty body, as if no token were good"),
    "spoilt_answers": Switch(
        {},
        _spoilt_answers,
        f"operation -> what is wrong with the checksums of its answers, one of {', '.join(SPOILINGS)}",
    ),
    "token_outcome": Switch(
        "paid", lambda value: value in ENDINGS, f"how payments by token end, one of {', '.join(ENDINGS)}"
    ),
    "tokens_enabled": Switch(True, _flag, "whether the bank has switched on card tokens for its merchants"),
    "pages_need_token": Switch(
        False, _flag, "the page of an invoice with genToken N shows an expired timer, as the live bank did in 2026"
    ),
}


class Settings(Switchboard):
    def __init__(self, store: Store) -> None:
        super().__init__(store, "golomt", SWITCHES)
