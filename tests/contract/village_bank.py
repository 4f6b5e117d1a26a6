"""A bank that nobody registered: its books are a dictionary, its wire is a method call. It signs its webhooks."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

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
from django_payflow.messages import (
    Checkout,
    MoneyMove,
    MoveRequest,
    Notice,
    Phase,
    Redirect,
    Reference,
    Report,
)
from django_payflow.providers.base import Options, Provider
from django_payflow.testing.contract import Call, Trouble

T = TypeVar("T")
LIFE = timedelta(hours=2)


# --- the bank


@dataclass(kw_only=True)
class Slip:
    """A capture, refund or dispute, pinned to a paper."""

    id: str
    amount: int
    word: str
    mark: str = ""

    def move(self) -> MoneyMove:
        return MoneyMove(id=self.id, amount=self.amount, status=self.word, our_reference=self.mark)


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
    captured: int = 0
    capturable: int = 0
    captures: list[Slip] = field(default_factory=list)
    refunds: list[Slip] = field(default_factory=list)
    disputes: list[Slip] = field(default_factory=list)

    def pin(self, slips: list[Slip], amount: int, word: str, mark: str = "") -> Slip:
        slips.append(Slip(id=f"{self.id}-{len(slips)}-{word}", amount=amount, word=word, mark=mark))
        return slips[-1]

    def take(self, amount: int, *, final: bool, mark: str = "") -> Slip:
        self.captured += amount
        self.capturable = 0 if final else self.capturable - amount
        self.word = "paid" if not self.capturable else self.word
        return self.pin(self.captures, amount, "succeeded", mark)

    def release(self) -> None:
        self.capturable, self.word = 0, "paid" if self.captured else "canceled"

    def of(self, slips: list[Slip], *words: str) -> int:
        return sum(slip.amount for slip in slips if slip.word in words)


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

    def take(self, client: str, request: MoveRequest) -> Slip:
        paper = self.paper(client, request.reference("paper"))
        for slip in paper.captures:
            if slip.mark == request.key:
                return slip
        if request.amount > paper.capturable:
            raise Rejected("there is not that much in the drawer", code="409")
        return paper.take(request.amount, final=request.final, mark=request.key)

    def give_back(self, client: str, request: MoveRequest) -> Slip:
        paper = self.paper(client, request.reference("paper"))
        for slip in paper.refunds:
            if slip.mark == request.key:
                return slip
        gone = paper.of(paper.refunds, "pending", "succeeded") + paper.of(paper.disputes, "open", "lost")
        if request.amount > paper.captured - gone:
            raise Rejected("that money is not here any more", code="409")
        return paper.pin(paper.refunds, request.amount, "succeeded", request.key)

    def release(self, client: str, request: MoveRequest) -> Paper:
        paper = self.paper(client, request.reference("paper"))
        if not paper.capturable:
            raise Rejected("nothing is reserved", code="409")
        paper.release()
        return paper

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
    supports_manual_capture = True
    supports_capture = True
    supports_partial_capture = True
    supports_several_captures = True
    supports_void = True
    supports_refund = True
    supports_partial_refund = True
    marks_captures = True
    authorization_life = timedelta(days=7)
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

    def capture(self, checkout: Checkout, request: MoveRequest) -> MoneyMove:
        return BANK.call(Call.CAPTURE, request.key, lambda: BANK.take(self.options.client, request)).move()

    def refund(self, checkout: Checkout, request: MoveRequest) -> MoneyMove:
        return BANK.call(Call.REFUND, request.key, lambda: BANK.give_back(self.options.client, request)).move()

    def void(self, checkout: Checkout, request: MoveRequest) -> MoneyMove:
        BANK.call(Call.VOID, request.key, lambda: BANK.release(self.options.client, request))
        return MoneyMove(id="", amount=request.amount, status="succeeded")

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
            captured=paper.captured,
            capturable=paper.capturable,
            refunded=paper.of(paper.refunds, "succeeded"),
            charged_back=paper.of(paper.disputes, "open", "lost"),
            captures=tuple(slip.move() for slip in paper.captures),
            refunds=tuple(slip.move() for slip in paper.refunds),
            disputes=tuple(slip.move() for slip in paper.disputes),
            held=paper.held or bool(paper.of(paper.disputes, "inquiry")),
            our_reference=paper.mark,
            checkout_url=page,
        )
