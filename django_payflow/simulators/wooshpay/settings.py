"""Switches of the simulated accounts, set through the control API and forgotten at reset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django_payflow.simulators.host import Store, Switch, Switchboard
from django_payflow.simulators.wooshpay.methods import METHODS

DAY = 86400


def _seconds(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= 10**8


def _truth(value: Any) -> bool:
    return isinstance(value, bool)


def _method_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) and name in METHODS for name in value)


def _choice(*words: str) -> Callable[[Any], bool]:
    return lambda value: value in words


SWITCHES: Mapping[str, Switch] = {
    "signature_header": Switch(
        "Signature",
        _choice("Signature", "Wooshpay-Signature", "both"),
        "the header that carries the signature: Signature, Wooshpay-Signature or both",
    ),
    "error_envelope": Switch(
        "nested", _choice("nested", "flat"), 'nested: {"error": {...}}; flat: type, code and message at the top'
    ),
    "empty_values": Switch(
        "sample",
        _choice("sample", "null", "text", "absent"),
        'what stands for nothing: sample as in the documentation, null, text for "", absent for no field at all',
    ),
    "currency_case": Switch("upper", _choice("upper", "lower"), "how answers write currencies: upper or lower"),
    "encoded_fields": Switch(
        False,
        _truth,
        'next_action, payment_method_types and payment_method_options as JSON in a string, "" for none (old API)',
    ),
    "amount_received": Switch("shown", _choice("shown", "absent"), "absent: intents lack amount_received (old API)"),
    "stray_live_mode": Switch(False, _truth, "answers carry live_mode next to livemode"),
    "intent_in_session": Switch(
        "id", _choice("id", "object"), "object: a session's payment_intent is the whole object instead of its id"
    ),
    "reference_on_intent": Switch(
        False, _truth, "the session's client_reference_id becomes the intent's merchant_order_id, its metadata too"
    ),
    "required_headers": Switch(
        True, _truth, "refuse calls without the Accept and Content-Type headers that every page marks as required"
    ),
    "magic_amounts": Switch(
        True, _truth, "totals ending in 13 are refused with 500 once, totals ending in 29 with 429 every time"
    ),
    "refunds_enabled": Switch(True, _truth, "false: creating a refund is answered with 402"),
    "cancel_authorized": Switch(
        True, _truth, "whether cancelling a session's intent is possible once it is requires_capture (GUESS)"
    ),
    "substitute_session_id": Switch(
        False, _truth, "replace {CHECKOUT_SESSION_ID} in the return addresses, as Stripe does"
    ),
    "undocumented_events": Switch(
        False, _truth, "also send checkout.session.*, charge.refunded, refund.* and charge.dispute.created / .closed"
    ),
    "late_failure_leaves": Switch(
        "complete",
        _choice("complete", "open"),
        "the session after a delayed method failed: complete and unpaid, or open for another try",
    ),
    "disabled_methods": Switch([], _method_names, "payment methods that are not switched on for the account"),
    "delayed_seconds": Switch(3600, _seconds, "simulated seconds until a delayed method succeeds or fails"),
    "dispute_seconds": Switch(60, _seconds, "simulated seconds from a payment with the disputed card to the dispute"),
    "hold_seconds": Switch(7 * DAY, _seconds, "simulated seconds until an authorization lapses"),
    "refund_starts": Switch("succeeded", _choice("succeeded", "pending"), "the status of a new refund"),
    "refund_seconds": Switch(3600, _seconds, "simulated seconds from a pending refund to succeeded"),
    "rotation_seconds": Switch(DAY, _seconds, "simulated seconds for which a replaced secret signs as well"),
    "webhook_timeout": Switch(10.0, _seconds, "real seconds a receiver may take"),
}


class Settings(Switchboard):
    def __init__(self, store: Store) -> None:
        super().__init__(store, "wooshpay", SWITCHES)
