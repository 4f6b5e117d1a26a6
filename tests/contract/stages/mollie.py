"""Mollie, on stage."""

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
        Act.INQUIRE: "Mollie's API shows a dispute only once the money is gone",
        Act.INQUIRY_OVER: "Mollie's API shows a dispute only once the money is gone",
        Act.LOSE: "Mollie says of a chargeback that it was reversed, and never that it will not be",
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
    operations = {**SimulatorStage.operations, Call.VOID: "release"}
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

    def refunds(self, payment: Mapping[str, Any]) -> list[str]:
        return [refund["id"] for refund in payment["_embedded"]["refunds"]]

    def sent_back(self, reference: str) -> list[int]:
        refunds = self.payment(reference)["_embedded"]["refunds"]
        amounts = [(Decimal(each["amount"]["value"]), each["amount"]["currency"]) for each in refunds]
        return [int(value.scaleb(exponent(currency))) for value, currency in amounts]

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
