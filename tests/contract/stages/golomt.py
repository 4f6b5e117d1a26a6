"""Golomt Bank, on stage: a second merchant beside the first, one push address each, and a page with a timer."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import requests

from django_payflow.testing.contract import Act, Asked, Call, Forgery, Trait, Trouble
from django_payflow.testing.contract.simulated import SimulatorStage


class GolomtStage(SimulatorStage):
    name = "golomt"
    backend = "golomt"
    simulator = "golomt"
    operations = {Call.CREATE: "invoice", Call.RETRIEVE: "inquiry", Call.FIND: "inquiry"}
    forgeries = (Forgery.BAD_SIGNATURE, Forgery.OTHER_SECRET, Forgery.UNSIGNED)
    failed_search = Trouble.BEFORE
    cannot = {
        Act.AUTHORIZE: "the bank takes the money at once: there is no capture",
        Act.PROCESS: "SENT without a code says nothing that PENDING does not say",
        Act.DECLINE: "a declined transaction is over: the buyer pays with another one",
        Act.CANCEL: "no code for giving up is documented: it is a failure like others",
        Act.HOLD: "the bank shows no review of a payment",
        Act.REFUND: "refunds are arranged with the bank on paper",
        Act.REFUND_PART: "refunds are arranged with the bank on paper",
        Act.REFUND_PENDING: "refunds are arranged with the bank on paper",
        Act.REFUND_ARRIVES: "refunds are arranged with the bank on paper",
        Act.REFUND_FAILS: "refunds are arranged with the bank on paper",
        Act.CHARGE_BACK: "the bank tells of chargebacks on paper",
        Act.CHARGE_BACK_PART: "the bank tells of chargebacks on paper",
        Act.WIN: "the bank tells of chargebacks on paper",
        Act.LOSE: "the bank tells of chargebacks on paper",
        Act.INQUIRE: "the bank asks about a payment on paper",
        Act.INQUIRY_OVER: "the bank asks about a payment on paper",
        Act.CAPTURE: "the bank takes the money at once: there is no capture",
        Act.CAPTURE_PART: "the bank takes the money at once: there is no capture",
        Act.VOID: "the bank takes the money at once: there is nothing to release",
        Act.LAPSE: "the bank takes the money at once: there is nothing that lapses",
        Trait.FOREIGN_MARK: "our mark is the transaction's own id, which nobody can give to another one",
        Trait.CURRENCY: "no call names the currency: it is the contract's",
        Trait.MODE: "nothing on the wire says whether it is a test: it is an option",
        Trait.MODE_IN_WEBHOOK: "nothing on the wire says whether it is a test: it is an option",
        Trait.TIMESTAMP: "a push has no date: every one leads to an inquiry, so a replay proves nothing",
        Trait.EVERY_BYTE: "the checksum covers values: spaces between them may change",
        Trait.EVENT_IDS: "a push has no id",
        Trait.TOKEN: "the push address is the merchant's",
        Trait.ROTATION: "a merchant has one key, and changes it on a day",
        Trait.QUIET: "a wrong checksum is forged or our key is wrong: a person is told, once an hour at most",
        Trait.REFUSES: "the bank takes every request that passes our check",
    }
    amounts = (("MNT", 1_850_000), ("MNT", 2495), ("MNT", 1), ("MNT", 10**12 - 1))
    refuses = (("EUR", 2495), ("MNT", 0), ("MNT", -1), ("MNT", 10**12), ("USD", 100))
    lifetime = timedelta(minutes=20)  # the page's timer, and the time in which a success may still be on its way

    def options(self, account: int = 1) -> dict[str, Any]:
        return {
            "bearer_token": f"bearer-of-contract{account}",
            "merchant_key": f"key-of-contract{account}",
            "test": True,
            "base_url": self.base_url(),
        }

    def listen(self, account: int, url: str) -> None:
        options = self.options(account)
        secrets = {"bearer": options["bearer_token"], "secret": options["merchant_key"]}
        self._control("POST", "merchants", {"name": f"contract{account}", "push_url": url, **secrets})

    def play(self, reference: str, act: Act, *, webhook: bool = True) -> None:
        """The bank never says that a page is over, so it is over when the time is."""
        if act is Act.EXPIRE:
            self.advance((self.lifetime + timedelta(minutes=1)).total_seconds())
        else:
            super().play(reference, act, webhook=webhook)

    def tell(self, reference: str, **news: Any) -> None:
        fields: dict[str, Any] = {}
        if "amount" in news:
            fields["amount"] = self.wire_amount(news["amount"], "MNT")
        if "word" in news:
            fields["wireStatus"] = news["word"]
        self.overwrite(reference, fields)

    def wire_amount(self, amount: int, currency: str) -> Any:
        return f"{Decimal(amount).scaleb(-2):f}"

    def asked(self, reference: str) -> Asked:
        payment = self.payment(reference)
        return Asked(amount=int(Decimal(payment["amount"]).scaleb(2)), currency=payment["currency"])

    def pay_on_page(self, url: str) -> str:
        card = {"card_number": "9496250000000003", "card_holder": "Ada Lovelace", "ending": "pay"}
        done = requests.post(url, data=card, allow_redirects=False, timeout=10)
        return done.headers["Location"]
