"""The stages of the built-in providers. A provider in ``BUILTIN`` without one is a failing test."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import requests

from django_payflow.money import exponent
from django_payflow.testing.contract import Act, Asked, Call, Trait
from django_payflow.testing.contract.simulated import SimulatorStage


class MollieStage(SimulatorStage):
    name = "mollie"
    backend = "mollie"
    simulator = "mollie"
    cannot = {
        Act.DECLINE: "a declined payment is over at Mollie: the buyer starts another one",
        Act.HOLD: "Mollie shows no review of a payment",
        Trait.EVENT_IDS: "Mollie's webhook is the payment's id and nothing else",
        Trait.MODE_IN_WEBHOOK: "Mollie's webhook is the payment's id and nothing else",
    }
    words = {
        Act.PAY: "paid",
        Act.AUTHORIZE: "authorized",
        Act.PROCESS: "pending",
        Act.FAIL: "failed",
        Act.CANCEL: "canceled",
        Act.EXPIRE: "expired",
    }
    refund_done = "refunded"
    amounts = (("EUR", 2495), ("JPY", 1500), ("ISK", 1999), ("HUF", 150_000), ("USD", 199_999), ("EUR", 1))
    refuses = (("EUR", 0), ("EUR", -1), ("KWD", 5000), ("BHD", 5000), ("CLP", 5000), ("XAU", 100))
    lifetime = timedelta(hours=1)
    cancelable_method = "banktransfer"

    def options(self, account: int = 1) -> dict[str, Any]:
        return {"api_key": "test_" + f"contract{account}" * 4, "base_url": self.base_url()}

    def tell(self, reference: str, **news: Any) -> None:
        asked = self.asked(reference)
        fields: dict[str, Any] = {}
        if news.keys() & {"amount", "currency"}:
            currency = news.get("currency", asked.currency)
            fields["amount"] = self.wire_amount(news.get("amount", asked.amount), currency)
        if "mark" in news:
            fields["metadata"] = {"attempt": news["mark"]}
        if "live" in news:
            fields["mode"] = "live" if news["live"] else "test"
        if "word" in news:
            fields["status"] = news["word"]
        self.overwrite(reference, fields)

    def wire_amount(self, amount: int, currency: str) -> Any:
        return {"currency": currency, "value": f"{Decimal(amount).scaleb(-exponent(currency)):f}"}

    def asked(self, reference: str) -> Asked:
        said = self.payment(reference)["amount"]
        minor = Decimal(said["value"]).scaleb(exponent(said["currency"]))
        return Asked(amount=int(minor), currency=said["currency"])

    def chargebacks(self, payment: Mapping[str, Any]) -> list[str]:
        return [chargeback["id"] for chargeback in payment["_embedded"]["chargebacks"]]

    def pay_on_page(self, url: str) -> str:
        token = url.rstrip("/").rpartition("/")[2]
        with requests.Session() as browser:
            browser.post(url, data={"method": "creditcard"}, timeout=10)
            form = {"token": token, "final_state": "paid"}
            page = f"{self.base_url()}/checkout/test-mode"
            done = browser.post(page, data=form, allow_redirects=False, timeout=10)
        return done.headers["Location"]


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

    def chargebacks(self, payment: Mapping[str, Any]) -> list[str]:
        return [dispute["id"] for dispute in payment["simulator"]["disputes"]]

    def pay_on_page(self, url: str) -> str:
        card = {"number": "4242424242424242", "expiry": "12/34", "cvc": "123", "email": "ada@example.com"}
        done = requests.post(url.partition("#")[0], data=card, allow_redirects=False, timeout=10)
        return done.headers["Location"]


_TWO_DECIMALS_AT_STRIPE = {"ISK", "UGX"}
"""Currencies without decimals in life, and with two on Stripe's wire."""


class WooshPayStage(SimulatorStage):
    name = "wooshpay"
    backend = "wooshpay"
    simulator = "wooshpay"
    open_words = ("open", "requires_action")
    registers_endpoints = True
    operations = {**SimulatorStage.operations, Call.CANCEL: "expire"}
    cannot = {
        Trait.TOKEN: "WooshPay's webhook addresses are the account's",
        Act.HOLD: "WooshPay shows no review of a payment",
        Act.REFUND: "WooshPay shows no refund on a payment and has no list of refunds",
        Act.REFUND_PART: "WooshPay shows no refund on a payment and has no list of refunds",
        Act.CHARGE_BACK: "WooshPay shows no dispute on a payment, and its list of disputes does not work yet",
        Act.WIN: "WooshPay shows no dispute on a payment, and its list of disputes does not work yet",
    }
    amounts = (("EUR", 2495), ("JPY", 1500), ("KWD", 12_345), ("HUF", 150_000), ("USD", 99_999_999), ("EUR", 1))
    refuses = (("EUR", 10**12), ("EUR", 0), ("EUR", -1), ("XAU", 100))
    lifetime = timedelta(hours=24)

    def options(self, account: int = 1) -> dict[str, Any]:
        return {
            "api_key": "sk_test_" + f"contract{account}" * 4,
            "signing_secrets": ["whsec_" + f"contract{account}" * 4],
            "base_url": self.base_url(),
        }

    def tell(self, reference: str, **news: Any) -> None:
        names = {"amount": "amount", "currency": "currency", "live": "livemode"}
        fields: dict[str, Any] = {names[name]: value for name, value in news.items() if name in names}
        if "mark" in news:
            fields["metadata"] = {"attempt": news["mark"]}
        if "word" in news:
            fields["session"] = {"status": news["word"]}
        self.overwrite(reference, fields)

    def pay_on_page(self, url: str) -> str:
        done = requests.post(url, data={"number": "4111111111111111"}, allow_redirects=False, timeout=10)
        return done.headers["Location"]


STAGES: dict[str, type[SimulatorStage]] = {"mollie": MollieStage, "stripe": StripeStage, "wooshpay": WooshPayStage}
