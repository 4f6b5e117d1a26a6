"""Switches of the simulated account, set through the control API and forgotten at reset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django_payflow.simulators.host import Store, Switch, Switchboard


def _seconds(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= 10**8


def _factor(value: Any) -> bool:
    return type(value) in (int, float) and 0 < value <= 100


def _truth(value: Any) -> bool:
    return isinstance(value, bool)


def _choice(*words: Any) -> Callable[[Any], bool]:
    return lambda value: type(value) in (str, int) and value in words


SWITCHES: Mapping[str, Switch] = {
    "create_lands": Switch(
        "TASK_REDIRECTION_REQUIRED",
        _choice("TASK_REDIRECTION_REQUIRED", "ACCEPTED", "REJECTED", "FROZEN", "INSPECTION", "government_id"),
        "the status that create answers with; government_id: where that test person leads, without a signing page",
    ),
    "create_status": Switch(200, _choice(200, 201), "the HTTP status of a create that succeeds (200 or 201)"),
    "token_seconds": Switch(
        3599, _seconds, "simulated seconds that an access token lives (whole seconds on the wire)"
    ),
    "error_fields": Switch(
        "list",
        _choice("list", "map", "parameters"),
        "errors of fields: validationErrors as a list, validationErrors as a map, or parameters (2024)",
    ),
    "error_codes": Switch("words", _choice("words", "numbers"), 'code in errors: BAD_REQUEST, or "400"'),
    "fault_bodies": Switch("json", _choice("json", "empty"), "empty: a fault's 4xx or 5xx has no body at all"),
    "refusal_status": Switch(
        400, _choice(400, 409), "the HTTP status of a capture, refund, cancel or modify that is not possible"
    ),
    "duplicate_transaction_id": Switch(
        "accepted", _choice("accepted", "refused"), "a transactionId that this payment's log has already"
    ),
    "cancel_before_signing": Switch(
        "refused", _choice("refused", "rejects"), "cancel of a payment nobody signed: refused, or REJECTED (CANCELED)"
    ),
    "modify_bound": Switch(
        "limit",
        _choice("limit", "agreed"),
        "added lines may raise the order to approvedCreditLimit, or to what it was",
    ),
    "timeout_callback": Switch(True, _truth, "whether a payment that times out sends its REJECTED callback"),
    "search_delay": Switch(0, _seconds, "simulated seconds until search finds a new payment"),
    "search_rows": Switch(
        "full", _choice("full", "bare"), "bare: rows of a search lack countryCode, application and order"
    ),
    "strict_vat": Switch(False, _truth, "refuse lines whose totalVatAmount is off by more than 0.05"),
    "strict_callback_url": Switch(
        False, _truth, "refuse callback addresses other than https on port 443 with a public host name"
    ),
    "callback_timeout": Switch(15.0, _seconds, "real seconds a receiver of callbacks may take"),
    "callback_time_factor": Switch(1.0, _factor, "stretches or shrinks the waits between callback attempts"),
}


class Settings(Switchboard):
    def __init__(self, store: Store) -> None:
        super().__init__(store, "resurs", SWITCHES)
