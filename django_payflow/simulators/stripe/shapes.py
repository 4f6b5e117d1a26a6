"""The objects as they are born. Everything that the API shows of them stands in these documents' bodies.

The keys follow recorded traffic of the version below; what is always null here is there because real answers have it.
"""

from __future__ import annotations

import copy

from django_payflow.simulators.host import Json
from django_payflow.simulators.stripe.answers import random_id
from django_payflow.simulators.stripe.cards import Instrument
from django_payflow.simulators.stripe.session_input import NewSession

#: The account's default, used for requests without the header and for endpoints without one of their own.
VERSION = "2026-03-25.dahlia"
#: From here on the hosted page's ``ui_mode`` has another name.
_RENAMED = "2026-03-25"

_NO_ADDRESS: Json = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))


#: What a session has beside its own facts: features that are off here.
_SESSION: Json = {
    "object": "checkout.session",
    "adaptive_pricing": {"enabled": True},
    "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
    "collected_information": {"business_name": None, "individual_name": None, "shipping_details": None},
    "custom_fields": [],
    "custom_text": dict.fromkeys(("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")),
    "discounts": [],
    "invoice_creation": {
        "enabled": False,
        "invoice_data": {
            **dict.fromkeys(("account_tax_ids", "custom_fields", "description", "footer", "issuer")),
            "metadata": {},
            "rendering_options": None,
        },
    },
    "mode": "payment",
    "payment_method_collection": "if_required",
    "phone_number_collection": {"enabled": False},
    "shipping_options": [],
    "status": "open",
    "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
    **dict.fromkeys(
        """
        after_expiration allow_promotion_codes billing_address_collection client_secret consent consent_collection
        currency_conversion customer customer_account invoice origin_context payment_intent payment_link permissions
        recovered_from saved_payment_method_options setup_intent shipping_address_collection shipping_cost
        subscription wallet_options
        """.split()
    ),
}
_INTENT: Json = {
    "object": "payment_intent",
    "amount_capturable": 0,
    "amount_details": {"tip": {}},
    "amount_received": 0,
    "confirmation_method": "automatic",
    "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
    "status": "requires_payment_method",
    **dict.fromkeys(
        """
        application application_fee_amount automatic_payment_methods canceled_at cancellation_reason customer
        customer_account excluded_payment_method_types last_payment_error latest_charge next_action on_behalf_of
        payment_method payment_method_configuration_details processing review source transfer_data
        """.split()
    ),
}
_CHARGE: Json = {
    "object": "charge",
    "amount_captured": 0,
    "amount_refunded": 0,
    "calculated_statement_descriptor": "SIMULATED SHOP",
    "captured": False,
    "disputed": False,
    "fraud_details": {},
    "paid": False,
    "radar_options": {},
    "refunded": False,
    "status": "pending",
    **dict.fromkeys(
        """
        application application_fee application_fee_amount balance_transaction customer destination dispute
        failure_balance_transaction failure_code failure_message on_behalf_of order outcome receipt_number
        receipt_url review source source_transfer transfer_data
        """.split()
    ),
}
#: Of the session's ``payment_intent_data``, or null.
_FROM_DATA = (
    "description",
    "receipt_email",
    "setup_future_usage",
    "shipping",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
)
#: A charge repeats these of its PaymentIntent.
_REPEATED = (
    "amount",
    "currency",
    "description",
    "livemode",
    "metadata",
    "payment_method",
    "receipt_email",
    "shipping",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
)


def _whole(constant: Json, facts: Json) -> Json:
    """Id and object first, the other keys by the alphabet, as real answers have them."""
    body = copy.deepcopy(constant) | facts
    return {name: body[name] for name in sorted(body, key=lambda name: (name not in ("id", "object"), name))}


def session(new: NewSession, *, session_id: str, live: bool, now: int, url: str, version: str) -> Json:
    sent = new.sent
    card_options: Json = {"request_three_d_secure": "automatic"}
    if new.intent_data.get("capture_method") == "manual":
        card_options["capture_method"] = "manual"
    dynamic = "payment_method_types" not in sent
    optional = (
        "cancel_url",
        "client_reference_id",
        "customer_email",
        "integration_identifier",
        "locale",
        "submit_type",
    )
    facts: Json = {
        "id": session_id,
        "amount_subtotal": new.total,
        "amount_total": new.total,
        "created": now,
        "currency": new.currency,
        "customer_creation": sent.get("customer_creation", "if_required"),
        "customer_details": _customer(sent["customer_email"]) if "customer_email" in sent else None,
        "expires_at": new.expires_at,
        "livemode": live,
        "metadata": sent.get("metadata", {}),
        "payment_method_configuration_details": {"id": "pmc_sim", "parent": None} if dynamic else None,
        "payment_method_options": {"card": card_options},
        "payment_method_types": new.methods,
        "payment_status": "unpaid" if new.total else "no_payment_required",
        "success_url": sent["success_url"],
        "ui_mode": "hosted_page" if version >= _RENAMED else "hosted",
        "url": url,
        **{name: sent.get(name) for name in optional},
    }
    return _whole(_SESSION, facts)


def line_item(item: Json, *, live: bool, now: int) -> Json:
    unit = item["unit"]
    return {
        "id": random_id("li_1"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": item["amount"],
        "amount_tax": 0,
        "amount_total": item["amount"],
        "currency": item["currency"],
        "description": item["name"],
        "metadata": {},
        "price": {
            "id": random_id("price_1"),
            "object": "price",
            "active": False,
            "billing_scheme": "per_unit",
            "created": now,
            "currency": item["currency"],
            "custom_unit_amount": None,
            "livemode": live,
            "lookup_key": None,
            "metadata": {},
            "nickname": None,
            "product": random_id("prod_", 14),
            "recurring": None,
            "tax_behavior": item["tax_behavior"],
            "tiers_mode": None,
            "transform_quantity": None,
            "type": "one_time",
            "unit_amount": int(unit) if unit.isdigit() else None,
            "unit_amount_decimal": unit,
        },
        "quantity": item["quantity"],
    }


def _customer(address: str | None, name: str | None = None) -> Json:
    return {
        "address": dict(_NO_ADDRESS),
        "business_name": None,
        "email": address,
        "individual_name": None,
        "name": name,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [],
    }


def customer_details(address: str, name: str) -> Json:
    return _customer(address, name)


def intent(of_session: Json, data: Json, *, now: int) -> Json:
    """Born when the buyer confirms: the session's amount, and what the shop sent as ``payment_intent_data``."""
    intent_id = random_id("pi_3", 23)
    facts: Json = {
        "id": intent_id,
        "amount": of_session["amount_total"],
        "capture_method": data.get("capture_method", "automatic_async"),
        "client_secret": random_id(f"{intent_id}_secret_"),
        "created": now,
        "currency": of_session["currency"],
        "livemode": of_session["livemode"],
        "metadata": data.get("metadata", {}),
        "payment_method_types": of_session["payment_method_types"],
        **{name: data.get(name) for name in _FROM_DATA},
    }
    return _whole(_INTENT, facts)


def payment_method(instrument: Instrument, buyer: Json, *, live: bool, now: int) -> Json:
    return {
        "id": random_id("pm_1"),
        "object": "payment_method",
        "allow_redisplay": "limited",
        "billing_details": _billing(buyer),
        "created": now,
        "customer": None,
        "livemode": live,
        "metadata": {},
        "type": instrument.method,
        instrument.method: _means(instrument),
    }


def _billing(buyer: Json) -> Json:
    return {
        "address": dict(_NO_ADDRESS),
        "email": buyer["email"],
        "name": buyer["name"],
        "phone": None,
        "tax_id": None,
    }


def _means(instrument: Instrument) -> Json:
    if instrument.method == "sepa_debit":
        return {"bank_code": "19043", "branch_code": "", "country": "AT", "last4": instrument.last4}
    return {
        "brand": instrument.brand,
        "country": "US",
        "exp_month": 12,
        "exp_year": 2034,
        "fingerprint": f"Sim{instrument.last4}",
        "funding": "credit",
        "last4": instrument.last4,
    }


def charge(of_intent: Json, instrument: Instrument, buyer: Json, *, now: int, capture_before: int | None) -> Json:
    """Pending at first; succeeded or failed is set by whoever asks for it."""
    used = _used(of_intent, instrument)
    if capture_before is not None:
        used["capture_before"] = capture_before
    facts: Json = {
        "id": random_id("ch_3" if instrument.method == "card" else "py_3", 23),
        "billing_details": _billing(buyer),
        "created": now,
        "payment_intent": of_intent["id"],
        "payment_method_details": {"type": instrument.method, instrument.method: used},
        **{name: of_intent[name] for name in _REPEATED},
    }
    return _whole(_CHARGE, facts)


def _used(of_intent: Json, instrument: Instrument) -> Json:
    means = _means(instrument)
    if instrument.method == "sepa_debit":
        return means | {"fingerprint": f"Sim{instrument.last4}", "mandate": random_id("mandate_1")}
    unavailable = {"status": "unavailable"}
    return means | {
        "amount_authorized": of_intent["amount"],
        "authorization_code": "123456",
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "extended_authorization": {"status": "disabled"},
        "incremental_authorization": unavailable,
        "installments": None,
        "mandate": None,
        "multicapture": unavailable,
        "network": instrument.brand,
        "network_token": {"used": False},
        "network_transaction_id": "123456789012345",
        "overcapture": unavailable | {"maximum_amount_capturable": of_intent["amount"]},
        "regulated_status": "unregulated",
        "three_d_secure": {"authentication_flow": "challenge", "result": "authenticated", "version": "2.2.0"}
        if instrument.authenticates
        else None,
        "wallet": None,
    }
