"""Stripe Checkout, on stage."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import requests

from django_payflow.testing.contract import Asked, Call, Trait
from django_payflow.testing.contract.simulated import SimulatorStage

_TWO_DECIMALS_AT_STRIPE = {"ISK", "UGX"}
"""Currencies without decimals in life, and with two on Stripe's wire."""


class StripeStage(SimulatorStage):
    name = "stripe"
    backend = "stripe"
    simulator = "stripe"
    registers_endpoints = True
    operations = {**SimulatorStage.operations, Call.CANCEL: "expire"}
    events = (
        "checkout.session.completed",
        "checkout.session.expired",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
        "payment_intent.processing",
        "payment_intent.payment_failed",
        "payment_intent.amount_capturable_updated",
        "payment_intent.succeeded",
        "payment_intent.canceled",
        "charge.refunded",
        "refund.created",
        "refund.updated",
        "refund.failed",
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "review.opened",
        "review.closed",
    )
    cannot = {Trait.TOKEN: "Stripe's webhook addresses are the account's"}
    amounts = (
        ("EUR", 2495),
        ("JPY", 1500),
        ("ISK", 1999),
        ("KWD", 12_340),
        ("HUF", 150_000),
        ("USD", 99_999_999),
        ("EUR", 50),
    )
    refuses = (("EUR", 49), ("EUR", 0), ("EUR", -1), ("EUR", 10**12), ("KWD", 12_345), ("XAU", 100))
    lifetime = timedelta(hours=24)

    def options(self, account: int = 1) -> dict[str, Any]:
        return {
            "api_key": "sk_test_" + f"contract{account}" * 4,
            "signing_secrets": ["whsec_" + f"contract{account}" * 4],
            "base_url": self.base_url(),
        }

    def tell(self, reference: str, **news: Any) -> None:
        fields: dict[str, Any] = {}
        if "amount" in news:
            currency = news.get("currency", self.asked(reference).currency)
            fields["amount"] = self.wire_amount(news["amount"], currency)
        if "currency" in news:
            fields["currency"] = news["currency"].lower()
        if "mark" in news:
            fields["metadata"] = {"attempt": news["mark"]}
        if "live" in news:
            fields["livemode"] = news["live"]
        if "word" in news:
            fields["status"] = news["word"]
        self.overwrite(reference, fields)

    def wire_amount(self, amount: int, currency: str) -> Any:
        return amount * 100 if currency in _TWO_DECIMALS_AT_STRIPE else amount

    def asked(self, reference: str) -> Asked:
        session = self.payment(reference)
        amount, currency = session["amount_total"], session["currency"].upper()
        return Asked(amount=amount // 100 if currency in _TWO_DECIMALS_AT_STRIPE else amount, currency=currency)

    def refunds(self, payment: Mapping[str, Any]) -> list[str]:
        return [refund["id"] for refund in payment["simulator"]["refunds"]]

    def sent_back(self, reference: str) -> list[int]:
        payment = self.payment(reference)
        units = 100 if payment["currency"].upper() in _TWO_DECIMALS_AT_STRIPE else 1
        return [refund["amount"] // units for refund in payment["simulator"]["refunds"]]

    def chargebacks(self, payment: Mapping[str, Any]) -> list[str]:
        return [dispute["id"] for dispute in payment["simulator"]["disputes"]]

    def pay_on_page(self, url: str) -> str:
        card = {"number": "4242424242424242", "expiry": "12/34", "cvc": "123", "email": "ada@example.com"}
        done = requests.post(url.partition("#")[0], data=card, allow_redirects=False, timeout=10)
        return done.headers["Location"]
