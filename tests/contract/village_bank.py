"""A bank that nobody registered: its books are a dictionary, its wire is a method call. It signs its webhooks."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django_payflow import clock
from django_payflow.exceptions import (
    ConfigurationError,
    InvalidCheckout,
    NotSent,
    ObjectNotFound,
    Rejected,
    Uncertain,
    UnknownStatus,
    WebhookRefused,
)
from django_payflow.messages import Checkout, Notice, Phase, Redirect, Reference, Report
from django_payflow.providers.base import Options, Provider
from django_payflow.testing import Delivery
from django_payflow.testing.contract import Act, Asked, Call, Forgery, Stage, Trait, Trouble

T = TypeVar("T")
LIFE = timedelta(hours=2)


# --- the bank


@dataclass(kw_only=True)
class Paper:
    """One payment in the bank's books."""

    id: str
    client: str
    mark: str
    amount: int
    currency: str
    born: datetime
    word: str = "open"
    live: bool = False
    held: bool = False
    sums: dict[str, int] = field(default_factory=dict)


class Bank:
    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.books: dict[str, Paper] = {}
        self.events: list[dict[str, Any]] = []
        self.addresses: dict[str, str] = {}
        self.log: list[tuple[Call, str]] = []
        self.troubles: dict[Call, tuple[Trouble, int | None, int | None]] = {}

    def call(self, call: Call, key: str, work: Callable[[], T]) -> T:
        self.log.append((call, key))
        trouble, times, pause = self.troubles.get(call, (None, None, None))
        if trouble is None:
            return work()
        self.troubles[call] = (trouble, times and times - 1, pause)
        if times == 1:
            del self.troubles[call]
        if trouble is Trouble.MISSING:
            raise ObjectNotFound("no such paper", code="404")
        if trouble is Trouble.BUSY:
            raise NotSent("the clerk is busy", code="429", retry_after=pause)
        if trouble is not Trouble.BEFORE:
            work()
        raise Uncertain("the messenger got lost")

    def paper(self, client: str, number: str) -> Paper:
        paper = self.books.get(number)
        if paper is None or paper.client != client:
            raise ObjectNotFound("no such paper", code="404")
        if paper.word == "open" and clock.now() >= paper.born + LIFE:
            paper.word = "expired"
        return paper

    def write(self, client: str, checkout: Checkout) -> Paper:
        if checkout.method == "no-such-method":
            raise Rejected("we take coins only", code="422")
        known = next((each for each in self.books.values() if each.mark == checkout.key), None)
        if known is not None:
            return known
        number = f"paper-{len(self.books) + 10_000_000}"
        made = Paper(
            id=number,
            client=client,
            mark=checkout.key,
            amount=checkout.amount,
            currency=checkout.currency,
            born=clock.now(),
        )
        self.books[number] = made
        return made

    def tell(self, paper: Paper) -> None:
        if paper.client in self.addresses:
            event = {"id": f"event-{len(self.events)}", "paper": paper.id, "mark": paper.mark, "live": False}
            self.events.append({**event, "to": paper.client})


BANK = Bank()


def sign(secret: str, moment: int, body: bytes) -> str:
    return hmac.new(secret.encode(), b"%d." % moment + body, hashlib.sha256).hexdigest()


# --- the adapter


@dataclass(frozen=True, kw_only=True)
class VillageBankOptions(Options):
    base_url: str = "https://village.test"
    client: str = field(repr=False)
    signing_secrets: list[str] = field(repr=False)

    def __post_init__(self) -> None:
        if not self.client.isalnum() or not all(secret.isalnum() for secret in self.signing_secrets):
            raise ConfigurationError("client and signing_secrets consist of letters and digits")


class VillageBank(Provider[VillageBankOptions]):
    name = "village-bank"
    options_class = VillageBankOptions
    secret_fields = ("client", "signing_secrets")
    statuses = {
        "open": Phase.OPEN,
        "pending": Phase.PROCESSING,
        "reserved": Phase.PROCESSING,
        "paid": Phase.PROCESSING,
        "failed": Phase.FAILED,
        "canceled": Phase.CANCELED,
        "expired": Phase.EXPIRED,
    }
    status_source = "the notice board in front of the bank"
    key_life = timedelta(hours=1)
    checkout_hosts = ("village.test",)
    signs_webhooks = True
    supports_cancel = True
    live = False

    def check(self, checkout: Checkout) -> None:
        if checkout.currency not in {"EUR", "JPY"} or not 0 < checkout.amount < 10**9:
            raise InvalidCheckout("the village knows euro and yen")

    def create(self, checkout: Checkout) -> Redirect:
        paper = BANK.call(Call.CREATE, checkout.key, lambda: BANK.write(self.options.client, checkout))
        report = self._read(paper)
        return Redirect(url=report.checkout_url, report=report)

    def retrieve(self, checkout: Checkout, reference: Reference) -> Report:
        return self._read(BANK.call(Call.RETRIEVE, "", lambda: BANK.paper(self.options.client, reference.value)))

    def find(self, checkout: Checkout) -> Report | None:
        mine = [paper for paper in BANK.books.values() if paper.client == self.options.client]
        found = BANK.call(Call.FIND, "", lambda: [paper for paper in mine if paper.mark == checkout.key])
        return self._read(BANK.paper(self.options.client, found[0].id)) if found else None

    def cancel(self, checkout: Checkout, reference: Reference) -> Report:
        def work() -> Paper:
            paper = BANK.paper(self.options.client, reference.value)
            if paper.word != "open":
                raise Rejected("too late", code="409")
            paper.word = "canceled"
            return paper

        return self._read(BANK.call(Call.CANCEL, "", work))

    def parse_webhook(
        self, headers: Mapping[str, str], body: bytes, query: Mapping[str, str], hint: str
    ) -> list[Notice]:
        scheme, _, rest = headers.get("bank-signature", "").partition(" ")
        moment, _, given = rest.partition(" ")
        stamp = int(moment) if moment.isascii() and moment.isdigit() and len(moment) < 12 else 0
        good = [sign(secret, stamp, body) for secret in self.options.signing_secrets]
        if scheme != "v1" or not any(hmac.compare_digest(given.encode(), each.encode()) for each in good):
            raise WebhookRefused("not our seal", status=401, reason="signature")
        if abs(clock.now().timestamp() - stamp) > 300:
            raise WebhookRefused("an old seal", reason="timestamp")
        event = json.loads(body)
        if event["live"]:
            raise WebhookRefused("of the other world", reason="mode", alarm=True)
        return [Notice(reference=event["paper"], our_reference=event["mark"], event_id=event["id"])]

    def _read(self, paper: Paper) -> Report:
        if paper.word not in self.statuses:
            raise UnknownStatus(paper.word)
        page = f"https://pay.village.test/{paper.id}" if paper.word == "open" else ""
        return Report(
            phase=self.statuses[paper.word],
            currency=paper.currency,
            references=(Reference(kind="paper", value=paper.id),),
            live=paper.live,
            raw_status=paper.word,
            requested=paper.amount,
            captured=paper.sums.get("captured", 0),
            capturable=paper.sums.get("capturable", 0),
            refunded=paper.sums.get("refunded", 0),
            charged_back=paper.sums.get("charged_back", 0),
            held=paper.held,
            our_reference=paper.mark,
            checkout_url=page,
        )


# --- its stage


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
        sums = paper.sums
        if act in {Act.PAY, Act.HOLD}:
            sums |= {"captured": paper.amount, "capturable": 0}
        elif act is Act.AUTHORIZE:
            sums["capturable"] = paper.amount
        elif act in {Act.REFUND, Act.REFUND_PART}:
            sums["refunded"] = sums.get("refunded", 0) + paper.amount // (1 if act is Act.REFUND else 5)
        elif act in {Act.CHARGE_BACK, Act.WIN}:
            sums["charged_back"] = paper.amount if act is Act.CHARGE_BACK else 0
        if webhook:
            BANK.tell(paper)

    def tell(self, reference: str, **news: Any) -> None:
        paper = BANK.books[reference]
        for name, value in news.items():
            setattr(paper, name, value)
        if "amount" in news and paper.sums.get("captured"):
            paper.sums["captured"] = news["amount"]

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
