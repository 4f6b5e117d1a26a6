"""Resurs Bank, on stage: two clients, each with a Swedish store, and buyers who have an address."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import requests

from django_payflow.messages import Buyer, Checkout, Line
from django_payflow.providers.resurs import CURRENCIES, MARK
from django_payflow.testing.contract import Act, Asked, Call, Trait
from django_payflow.testing.contract.simulated import SimulatorStage

_STORE, _INVOICE = "b7f88ac4-0000-4000-8000-0000000000a1", "7d63eb50-0000-4000-8000-0000000000b2"
_VINCENT = {
    "phone": "0701112233",
    "government_id": "198305147715",
    "first_name": "Vincent",
    "last_name": "Alexandersson",
    "street": "Glassgatan 15",
    "postal_code": "41655",
    "city": "Göteborg",
    "country": "SE",
    "ip": "203.0.113.7",
}
"""A test person of Resurs' own."""


class ResursStage(SimulatorStage):
    name = "resurs"
    backend = "django_payflow.providers.resurs.ResursProvider"
    simulator = "resurs"
    open_words = ("TASK_REDIRECTION_REQUIRED",)
    operations = {**SimulatorStage.operations, Call.FIND: "search", Call.VOID: "cancel"}
    cannot = {
        **dict.fromkeys(
            (Act.CHARGE_BACK, Act.CHARGE_BACK_PART, Act.WIN, Act.LOSE, Act.INQUIRE, Act.INQUIRY_OVER),
            "the Merchant API knows no chargebacks",
        ),
        **dict.fromkeys(
            (Act.REFUND_PENDING, Act.REFUND_ARRIVES, Act.REFUND_FAILS),
            "Resurs decides about a refund at once, for good",
        ),
        Act.LAPSE: "no documentation says when an authorization ends",
        Trait.MODE: "no answer says whether its money is real: the two modes are two hosts",
        Trait.EVENT_IDS: "a callback has no id: it is three or four words",
    }
    amounts = (("SEK", 84_900), ("SEK", 1_001), ("SEK", 4_999_999))
    refuses = (("EUR", 2495), ("SEK", 0), ("SEK", -1), ("SEK", 10**12))
    other_currency = "NOK"
    lifetime = timedelta(hours=2)
    asks_for_a_token_first = True
    refused_method = "7d63eb50-0000-4000-8000-00000000dead"
    buyer = Buyer(email="ada@example.com", name="Ada Lovelace", **_VINCENT)
    order_fields = {"payment_details": _VINCENT}

    def options(self, account: int = 1) -> dict[str, Any]:
        shared = {"country": "SE", "test": True, "base_url": self.base_url()}
        if account == 1:
            client = {"client_id": "sim-resurs-client", "client_secret": "sim-resurs-secret"}
            return {**shared, **client, "store_id": _STORE, "payment_method_id": _INVOICE}
        client = {"client_id": "contract-client", "client_secret": "contract-secret"}
        store = self._control("POST", "accounts", client)["stores"][0]["id"]
        invoice = str(uuid.uuid5(uuid.UUID(store), "invoice"))
        return {**shared, **client, "store_id": store, "payment_method_id": invoice}

    def checkout(self, account: int = 1, **fields: Any) -> Checkout:
        """With one line of the whole amount, unless lines are given."""
        plain = super().checkout(account, **fields)
        line = Line(name="Tea", quantity=1, unit_price=plain.amount, total=plain.amount, vat_rate=Decimal(25))
        return super().checkout(account, **{"key": plain.key, "lines": (line,), **fields})

    def tell(self, reference: str, **news: Any) -> None:
        fields: dict[str, Any] = {}
        if "amount" in news:
            fields["amount"] = self.wire_amount(news["amount"], "SEK")
        if "currency" in news:
            fields["currency"] = news["currency"]  # the simulator moves the payment to that country
        if "mark" in news:
            fields["metadata"] = {"custom": [{"key": MARK, "value": news["mark"]}]}
        if "word" in news:
            fields["status"] = news["word"]
        self.overwrite(reference, fields)

    def refunds(self, payment: Mapping[str, Any]) -> list[str]:
        """Entries of the action log; Resurs has no other list of them."""
        return [each["actionId"] for each in payment["order"]["actionLog"] if each["type"] == "REFUND"]

    def sent_back(self, reference: str) -> list[int]:
        log = [each for each in self.payment(reference)["order"]["actionLog"] if each["type"] == "REFUND"]
        totals = [[Decimal(str(line["totalAmountIncludingVat"])) for line in each["orderLines"]] for each in log]
        return [int(sum(lines).scaleb(2)) for lines in totals]

    def wire_amount(self, amount: int, currency: str) -> Any:
        return f"{Decimal(amount).scaleb(-2):f}"

    def asked(self, reference: str) -> Asked:
        payment = self.payment(reference)
        total = Decimal(str(payment["order"]["totalOrderAmount"])).scaleb(2)
        return Asked(amount=int(total), currency=CURRENCIES[payment["countryCode"]])

    def pay_on_page(self, url: str) -> str:
        """The buyer signs, and what is reserved by that is captured in the merchant portal."""
        done = requests.post(url, data={"action": "sign"}, allow_redirects=False, timeout=10)
        signed = next(each["id"] for each in self.sim.payments("resurs") if each["simulator"]["checkout"] == url)
        self.play(signed, Act.PAY)
        return done.headers["Location"]
