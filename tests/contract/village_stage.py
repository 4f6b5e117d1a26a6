"""The village bank, on stage: the buyer, the clerk and the messenger."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django_payflow import clock
from django_payflow.testing import Delivery
from django_payflow.testing.contract import Act, Asked, Call, Forgery, Stage, Trait, Trouble
from tests.contract.village_bank import BANK, LIFE, Paper, sign


class VillageBankStage(Stage):
    name = "the village bank"
    backend = "tests.contract.village_bank.VillageBank"
    cannot = {
        Trait.HTTP: "the bank has no address: its wire is a method call",
        Trait.PAGE: "the bank's page is a counter in the village",
        Trait.TOKEN: "the bank writes to one address per client",
    }
    amounts = (("EUR", 2495), ("JPY", 1500), ("EUR", 1))
    refuses = (("EUR", 0), ("USD", 100), ("EUR", 10**9))
    lifetime = LIFE

    def options(self, account: int = 1) -> dict[str, Any]:
        return {"client": f"client{account}of2", "signing_secrets": [f"sealofclient{account}abcdef"]}

    def begin(self) -> None:
        BANK.begin()

    def listen(self, account: int, url: str) -> None:
        BANK.addresses[self.options(account)["client"]] = url

    def play(self, reference: str, act: Act, *, webhook: bool = True) -> None:
        paper = BANK.books[reference]
        words = {Act.AUTHORIZE: "reserved", Act.PROCESS: "pending", Act.DECLINE: "open", Act.PAY: "paid"}
        words |= {Act.FAIL: "failed", Act.CANCEL: "canceled", Act.EXPIRE: "expired", Act.HOLD: "paid"}
        paper.word = words.get(act, paper.word)
        paper.held = act is Act.HOLD
        self._play_money(paper, act)
        if webhook:
            BANK.tell(paper)

    def _play_money(self, paper: Paper, act: Act) -> None:
        part = paper.amount // 5
        newest = {Act.REFUND_ARRIVES: "succeeded", Act.REFUND_FAILS: "failed"}
        verdict = {Act.WIN: "won", Act.LOSE: "lost", Act.INQUIRY_OVER: "won"}
        pinned = {
            Act.REFUND: (paper.refunds, paper.amount, "succeeded"),
            Act.REFUND_PART: (paper.refunds, part, "succeeded"),
            Act.REFUND_PENDING: (paper.refunds, paper.amount, "pending"),
            Act.CHARGE_BACK: (paper.disputes, paper.amount, "open"),
            Act.CHARGE_BACK_PART: (paper.disputes, part, "open"),
            Act.INQUIRE: (paper.disputes, paper.amount, "inquiry"),
        }
        if act in {Act.PAY, Act.HOLD}:
            paper.captured, paper.capturable = paper.amount, 0
        elif act is Act.AUTHORIZE:
            paper.capturable = paper.amount
        elif act in {Act.CAPTURE, Act.CAPTURE_PART}:
            paper.take(part if act is Act.CAPTURE_PART else paper.capturable, final=True)
        elif act in {Act.VOID, Act.LAPSE}:
            paper.release()
        elif act in pinned:
            paper.pin(*pinned[act])
        elif act in newest:
            paper.refunds[-1].word = newest[act]
        elif act in verdict:
            paper.disputes[-1].word = verdict[act]

    def sent_back(self, reference: str) -> list[int]:
        return [slip.amount for slip in BANK.books[reference].refunds]

    def tell(self, reference: str, **news: Any) -> None:
        paper = BANK.books[reference]
        for name, value in news.items():
            setattr(paper, name, value)
        if "amount" in news and paper.captured:
            paper.captured = news["amount"]

    def payments(self) -> list[str]:
        return [*reversed(BANK.books)]

    def asked(self, reference: str) -> Asked:
        return Asked(amount=BANK.books[reference].amount, currency=BANK.books[reference].currency)

    def payable(self, reference: str) -> bool:
        return BANK.books[reference].word == "open"

    def advance(self, seconds: float) -> None:
        clock.move(clock.offset() + timedelta(seconds=seconds))

    def page(self, url: str) -> tuple[int, str]:
        known = url.rpartition("/")[2] in BANK.books
        return (200, "<html>Come to the counter.</html>") if known else (404, "")

    def trouble(
        self, call: Call, trouble: Trouble, *, times: int | None = None, retry_after: int | None = None
    ) -> None:
        BANK.troubles[call] = (trouble, times, retry_after)

    def calm(self) -> None:
        BANK.troubles.clear()

    def calls(self, call: Call | None = None) -> int:
        return sum(1 for each, _ in BANK.log if call in (None, each))

    def keys(self) -> list[str | None]:
        return [key for call, key in BANK.log if call is Call.CREATE]

    def deliveries(self) -> list[Delivery]:
        return [self._sealed(event) for event in BANK.events]

    def send_again(self, reference: str) -> None:
        BANK.tell(BANK.books[reference])

    def forged(self, reference: str, forgery: Forgery) -> Delivery:
        self.send_again(reference)
        return self._sealed(BANK.events[-1], forgery)

    def _sealed(self, event: dict[str, Any], forgery: Forgery | None = None) -> Delivery:
        number = 1 if event["to"] == self.options(1)["client"] else 2
        secret = self.options(number)["signing_secrets"][0] if forgery is not Forgery.OTHER_SECRET else "nobodys"
        body = json.dumps({**event, "live": forgery is Forgery.WRONG_MODE}).encode()
        moment = int(clock.now().timestamp()) - (900 if forgery is Forgery.OLD else 0)
        seal = sign(secret, moment, body + (b"!" if forgery is Forgery.BAD_SIGNATURE else b""))
        scheme = "v0" if forgery is Forgery.UNKNOWN_SCHEME else "v1"
        headers = {"Content-Type": "application/json", "Bank-Signature": f"{scheme} {moment} {seal}"}
        if forgery is Forgery.UNSIGNED:
            del headers["Bank-Signature"]
        path = urlsplit(BANK.addresses[event["to"]]).path
        return Delivery(id=event["id"], payment=event["paper"], path=path, headers=headers, body=body, state="held")
