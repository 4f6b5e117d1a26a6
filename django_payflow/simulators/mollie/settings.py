"""Switches of the simulated account, set through the control API and forgotten at reset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django_payflow.simulators.host import Store, Switch, Switchboard
from django_payflow.simulators.mollie.methods import METHODS


def _seconds(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= 10**8


def _method_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) and name in METHODS for name in value)


SWITCHES: Mapping[str, Switch] = {
    "strict_webhook_url": Switch(
        False, lambda value: isinstance(value, bool), "refuse webhook addresses no public host could have"
    ),
    "webhook_timeout": Switch(15.0, _seconds, "real seconds a receiver may take"),
    "disabled_methods": Switch([], _method_names, "methods switched off in the account's dashboard"),
    "capture_seconds": Switch(5, _seconds, "simulated seconds from a pending capture to succeeded"),
    "release_seconds": Switch(5, _seconds, "simulated seconds from release-authorization to its result"),
    "release_works": Switch(
        True,
        lambda value: isinstance(value, bool),
        "false: the release is accepted and the issuing bank keeps the hold, which Mollie says may happen",
    ),
    "refund_starts": Switch(
        "pending", lambda value: value in ("queued", "pending"), "queued: the account lacks the balance"
    ),
    "refund_sent_after": Switch(7200, _seconds, "simulated seconds from pending to processing"),
    "refund_done_after": Switch(86400, _seconds, "simulated seconds from processing to refunded"),
    "canceled_refunds": Switch(
        "hidden", lambda value: value in ("hidden", "shown"), "whether a canceled refund can still be fetched"
    ),
    "lapsed_hold": Switch(
        "expired",
        lambda value: value in ("expired", "stays"),
        "what becomes of an authorization after captureBefore; stays: a capture then fails the payment",
    ),
}


class Settings(Switchboard):
    def __init__(self, store: Store) -> None:
        super().__init__(store, "mollie", SWITCHES)
