"""Switches of the simulated accounts, set through the control API and forgotten at reset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django_payflow.simulators.host import Store, Switch, Switchboard

METHODS = ("card", "sepa_debit")


def _seconds(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= 10**8


def _patience(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= 10


def _yes_or_no(value: Any) -> bool:
    return isinstance(value, bool)


def _methods(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(each in METHODS for each in value)


def _words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _of(*words: Any) -> Callable[[Any], bool]:
    return lambda value: value in words and type(value) in {type(word) for word in words}


SWITCHES: Mapping[str, Switch] = {
    "methods": Switch(
        ["card", "sepa_debit"], _methods, "payment methods switched on in the dashboard; sepa_debit is for eur only"
    ),
    "completed_wait": Switch(
        3.0,
        _patience,
        "real seconds the hosted page waits for the shop's answer to checkout.session.completed before it redirects;"
        " Stripe waits up to 10, 0 does not wait",
    ),
    "delayed_seconds": Switch(10, _seconds, "simulated seconds until a direct debit is decided"),
    "slow_delayed_seconds": Switch(180, _seconds, "the same for the account numbers that take their time"),
    "refund_seconds": Switch(10, _seconds, "simulated seconds until a pending refund is done, or a bad one fails"),
    "dispute_seconds": Switch(5, _seconds, "simulated seconds until the dispute of a disputed card's charge"),
    "refund_starts": Switch(
        "by_method",
        _of("by_method", "succeeded", "pending", "requires_action", "failed"),
        "how new refunds begin; by_method: cards at once, direct debits pending, test cards as documented",
    ),
    "hold_days": Switch(7, _seconds, "simulated days until an uncaptured hold lapses"),
    "lapsed_hold": Switch(
        "canceled",
        _of("canceled", "stays"),
        "what becomes of it then; stays: a capture is refused with charge_expired_for_capture",
    ),
    "search_lag": Switch(30, _seconds, "simulated seconds until search finds an object"),
    "webhook_schedule": Switch("sandbox", _of("sandbox", "live"), "4 attempts in 3 hours, or 12 in almost 3 days"),
    "webhook_timeout": Switch(10.0, _seconds, "real seconds a receiver may take"),
    "v0_signatures": Switch(True, _yes_or_no, "whether test mode webhooks carry a v0 signature as well"),
    "rate_limit_should_retry": Switch(
        "absent", _of("absent", "true", "false"), "the header Stripe-Should-Retry of a 429 fault"
    ),
    "restricted_keys_lack": Switch([], _words, "operations that are a 403 for keys that begin with rk_"),
}


class Settings(Switchboard):
    def __init__(self, store: Store) -> None:
        super().__init__(store, "stripe", SWITCHES)
