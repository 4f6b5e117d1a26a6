"""WooshPay, on stage."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import requests

from django_payflow.testing.contract import Act, Call, Trait
from django_payflow.testing.contract.simulated import SimulatorStage


class WooshPayStage(SimulatorStage):
    name = "wooshpay"
    backend = "wooshpay"
    simulator = "wooshpay"
    open_words = ("open", "requires_action")
    registers_endpoints = True
    operations = {**SimulatorStage.operations, Call.CANCEL: "expire", Call.VOID: "cancel"}
    cannot = {
        Trait.TOKEN: "WooshPay's webhook addresses are the account's",
        Act.HOLD: "WooshPay shows no review of a payment",
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
