"""A banking house in this process: its books are the truth, and five kinds of accounts show them as providers do.

It is what a third party would write: ``Provider`` classes by dotted path, no HTTP, no simulator. A repeated key is
honoured for an hour and makes a second object afterwards; a call may fail before it did anything, or after; its
answer may be lost, or be old when it arrives.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from django_payflow import clock
from django_payflow.exceptions import InvalidCheckout, NotSent, ObjectNotFound, Rejected, Uncertain, WebhookRefused
from django_payflow.messages import (
    Capture,
    Checkout,
    MoneyMove,
    MoveKind,
    MoveRequest,
    Notice,
    Phase,
    Redirect,
    Reference,
    Report,
)
from django_payflow.providers.base import Options, Provider

T = TypeVar("T")
TOTAL, CURRENCY, ABROAD = 100, "EUR", "USD"
HOUR = timedelta(hours=1)
A_CALL = timedelta(milliseconds=50)
"""What a call takes: two answers never have the same moment."""
LIVE = frozenset({"pending", "succeeded"})


class Fate(StrEnum):
    """How the next call ends."""

    NOT_SENT = "not sent"
    BROKEN = "a server error, nothing done"
    LOST = "done, and the answer is lost"
    REFUSED = "a definite no"


@dataclass
class Part:
    """A capture, refund, void or dispute in the books."""

    id: str
    amount: int
    status: str
    key: str = ""
    """Our mark; empty when somebody else made it."""


@dataclass
class Deal:
    """One payment in the books. Amounts are minor units of ``currency``."""

    id: str
    account: str
    key: str
    asked: int
    manual: bool
    address: str
    currency: str = CURRENCY
    phase: Phase = Phase.OPEN
    held: bool = False
    capturable: int = 0
    captured: int = 0
    captures: list[Part] = field(default_factory=list)
    voids: list[Part] = field(default_factory=list)
    refunds: list[Part] = field(default_factory=list)
    disputes: list[Part] = field(default_factory=list)

    @property
    def refunded(self) -> int:
        return sum(part.amount for part in self.refunds if part.status == "succeeded")

    @property
    def charged_back(self) -> int:
        return sum(part.amount for part in self.disputes if part.status in {"open", "lost"})

    @property
    def refundable(self) -> int:
        return self.captured - sum(part.amount for part in self.refunds if part.status in LIVE)

    @property
    def money(self) -> int:
        return self.captured + self.capturable

    def made(self, kind: MoveKind) -> list[Part]:
        return {MoveKind.CAPTURE: self.captures, MoveKind.VOID: self.voids, MoveKind.REFUND: self.refunds}[kind]

    def has(self, kind: MoveKind, key: str) -> str:
        """The status of what carries this key; empty when nothing does."""
        return next((part.status for part in self.made(kind) if part.key == key), "")


class House:
    """The books, and what will happen to the next calls."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self.deals: list[Deal] = []
        self.kept: dict[str, tuple[datetime, Any]] = {}
        self.fates: dict[str, Fate] = {}
        self.meanwhile: Callable[[], None] | None = None
        self.events: list[dict[str, Any]] = []
        """Webhooks that were made and have not arrived."""
        self.wrongs: list[str] = []
        """What no shop may ever ask for, as the house saw it."""
        self.calls: Counter[str] = Counter()
        self._numbers = 0

    def number(self, word: str) -> str:
        self._numbers += 1
        return f"{word}-{self._numbers}"

    # --- the wire

    def call(self, operation: str, work: Callable[[], T]) -> T:
        """Do it, or not; then something else may happen before the answer arrives."""
        self.calls[operation] += 1
        clock.move(clock.offset() + A_CALL)
        fate = self.fates.pop(operation, None)
        if fate is Fate.NOT_SENT:
            raise NotSent("no connection")
        if fate is Fate.REFUSED:
            raise Rejected("not today", code="422")
        if fate is Fate.BROKEN:
            raise Uncertain("a server error", code="500")
        try:
            return work()
        finally:
            self._pass_time()
            if fate is Fate.LOST:
                raise Uncertain("no answer")

    def _pass_time(self) -> None:
        happens, self.meanwhile = self.meanwhile, None
        if happens is not None:
            happens()

    def once(self, key: str, life: timedelta, work: Callable[[], T]) -> T:
        """Give the same answer to the same key for an hour, where keys are honoured at all."""
        made = self.kept.get(key)
        if life and made is not None and clock.now() - made[0] < HOUR:
            answer: T = made[1]
            return answer
        answer = work()
        self.kept[key] = (clock.now(), answer)
        return answer

    # --- what the shop asks for

    def open(self, checkout: Checkout) -> Deal:
        deal = Deal(
            id=self.number("deal"),
            account=checkout.account,
            key=checkout.key,
            asked=checkout.amount,
            manual=checkout.capture is Capture.MANUAL,
            address=checkout.webhook_url,
        )
        self.deals.append(deal)
        return deal

    def deal(self, account: str, reference: str) -> Deal:
        found = next((deal for deal in self.deals if deal.id == reference and deal.account == account), None)
        if found is None:
            raise ObjectNotFound("no such deal", code="404")
        return found

    def marked(self, account: str, key: str) -> Deal | None:
        return next((deal for deal in self.deals if deal.key == key and deal.account == account), None)

    def capture(self, deal: Deal, request: MoveRequest, *, several: bool) -> Part:
        if request.amount > deal.capturable:
            raise Rejected("more than is authorized", code="422")
        deal.captured += request.amount
        deal.capturable = 0 if request.final or not several else deal.capturable - request.amount
        deal.captures.append(part := Part(self.number("capture"), request.amount, "succeeded", request.key))
        self.tell(deal)
        return part

    def void(self, deal: Deal, request: MoveRequest) -> Part:
        if deal.capturable == 0:
            raise Rejected("nothing is authorized", code="422")
        deal.voids.append(part := Part(self.number("void"), deal.capturable, "succeeded", request.key))
        self.release(deal)
        return part

    def refund(self, deal: Deal, request: MoveRequest, status: str) -> Part:
        ours = sum(part.amount for part in deal.refunds if part.key and part.status in LIVE)
        if ours + request.amount > deal.captured and deal.currency == CURRENCY:
            self.wrongs.append(f"{request.amount} asked for of {deal.id}: {ours} of {deal.captured} went back before")
        if request.amount > deal.refundable:
            raise Rejected("more than is left", code="422")
        deal.refunds.append(part := Part(self.number("refund"), request.amount, status, request.key))
        self.tell(deal, part=("refund", part.id))
        return part

    def cancel(self, deal: Deal) -> None:
        if deal.phase not in {Phase.OPEN, Phase.CANCELED} or deal.money:
            raise Rejected("too late", code="409")
        deal.phase = Phase.CANCELED
        self.tell(deal)

    # --- what buyers, their banks and the clerk at the counter do

    def pay(self, deal: Deal, amount: int, currency: str) -> None:
        deal.currency, deal.phase = currency, Phase.PROCESSING
        deal.captured, deal.capturable = (0, amount) if deal.manual else (amount, 0)
        self.tell(deal)

    def end(self, deal: Deal, phase: Phase) -> None:
        deal.phase = phase
        self.tell(deal)

    def release(self, deal: Deal) -> None:
        """What is authorized and not captured is gone."""
        deal.capturable = 0
        deal.phase = deal.phase if deal.captured else Phase.CANCELED
        self.tell(deal)

    def review(self, deal: Deal) -> None:
        deal.held = not deal.held
        self.tell(deal)

    def capture_by_hand(self, deal: Deal, amount: int) -> None:
        amount = min(amount, deal.capturable)
        deal.captured, deal.capturable = deal.captured + amount, deal.capturable - amount
        deal.captures.append(Part(self.number("capture"), amount, "succeeded"))
        self.tell(deal)

    def refund_by_hand(self, deal: Deal, amount: int, status: str, key: str = "") -> Part:
        deal.refunds.append(part := Part(self.number("refund"), min(amount, deal.refundable), status, key))
        self.tell(deal, part=("refund", part.id))
        return part

    def refund_ends(self, deal: Deal, part: Part, status: str) -> None:
        part.status = status
        self.tell(deal, part=("refund", part.id))

    def dispute(self, deal: Deal, amount: int, status: str) -> Part:
        """The buyer's bank takes money back, whether or not it was refunded before; an inquiry takes none."""
        part = Part(self.number("dispute"), min(amount, deal.captured - deal.charged_back), status)
        deal.disputes.append(part)
        self.tell(deal, part=("dispute", part.id))
        return part

    def dispute_ends(self, deal: Deal, part: Part, status: str) -> None:
        part.status = status
        self.tell(deal, part=("dispute", part.id))

    def tell(self, deal: Deal, part: tuple[str, str] | None = None) -> None:
        event = {"id": self.number("event"), "deal": deal.id, "mark": deal.key, "part": part}
        self.events.append({**event, "account": deal.account, "address": deal.address})


HOUSE = House()


@dataclass(frozen=True, kw_only=True)
class HouseOptions(Options):
    base_url: str = "https://house.test"


class Stately(Provider[HouseOptions]):
    """It signs, lists everything with our marks, captures several times, and refunds at once."""

    name = "stately"
    options_class = HouseOptions
    statuses = {phase.value: phase for phase in Phase}
    status_source = "the house's own books"
    key_life = timedelta(minutes=55)
    checkout_hosts = ("house.test",)
    signs_webhooks = True
    registers_webhooks = True
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
    refunds_become = "succeeded"
    live = False

    def check(self, checkout: Checkout) -> None:
        if checkout.currency != CURRENCY:
            raise InvalidCheckout("the house knows one currency")

    def create(self, checkout: Checkout) -> Redirect:
        def work() -> Redirect:
            deal = HOUSE.once(checkout.key, self.key_life, lambda: HOUSE.open(checkout))
            return Redirect(url=f"https://house.test/{deal.id}", report=self.report(deal))

        return HOUSE.call("create", work)

    def retrieve(self, checkout: Checkout, reference: Reference) -> Report:
        return HOUSE.call("retrieve", lambda: self.report(HOUSE.deal(self.account, reference.value)))

    def find(self, checkout: Checkout) -> Report | None:
        def work() -> Report | None:
            found = HOUSE.marked(self.account, checkout.key)
            return self.report(found) if found else None

        return HOUSE.call("find", work)

    def cancel(self, checkout: Checkout, reference: Reference) -> Report:
        def work() -> Report:
            deal = HOUSE.deal(self.account, reference.value)
            HOUSE.cancel(deal)
            return self.report(deal)

        return HOUSE.call("cancel", work)

    def capture(self, checkout: Checkout, request: MoveRequest) -> MoneyMove:
        several = self.supports_several_captures
        return self._move(request, lambda deal: HOUSE.capture(deal, request, several=several))

    def void(self, checkout: Checkout, request: MoveRequest) -> MoneyMove:
        return self._move(request, lambda deal: HOUSE.void(deal, request))

    def refund(self, checkout: Checkout, request: MoveRequest) -> MoneyMove:
        return self._move(request, lambda deal: HOUSE.refund(deal, request, self.refunds_become))

    def retrieve_move(self, checkout: Checkout, reference: Reference) -> MoneyMove:
        def work() -> MoneyMove:
            deal = HOUSE.marked(self.account, checkout.key)
            parts = [*deal.refunds, *deal.disputes] if deal else []
            found = next((part for part in parts if part.id == reference.value), None)
            if found is None:
                raise ObjectNotFound("no such thing", code="404")
            return _shown(found)

        return HOUSE.call("retrieve", work)

    def parse_webhook(
        self, headers: Mapping[str, str], body: bytes, query: Mapping[str, str], hint: str
    ) -> list[Notice]:
        if self.signs_webhooks and headers.get("seal") != self.account:
            raise WebhookRefused("not our seal", status=401, reason="signature")
        event = json.loads(body)
        kind, value = event["part"] or ("", "")
        named = (Reference(kind=kind, value=value),) if MoveKind(kind or "capture") in self.unlisted else ()
        marks = {"event_id": event["id"], "our_reference": event["mark"], "parts": named}
        return [Notice(reference=event["deal"], **(marks if self.signs_webhooks else {}))]

    # --- what is shown of the books

    def _move(self, request: MoveRequest, work: Callable[[Deal], Part]) -> MoneyMove:
        deal = HOUSE.deal(self.account, request.references[0].value)
        operation = request.kind.value
        return HOUSE.call(operation, lambda: _shown(HOUSE.once(request.key, self.key_life, lambda: work(deal))))

    def report(self, deal: Deal) -> Report:
        listed = MoveKind.REFUND not in self.unlisted
        refunds = [p for p in deal.refunds if not (self.drops_canceled_refunds and p.status == "canceled")]
        return Report(
            phase=deal.phase,
            currency=deal.currency,
            references=(Reference(kind="deal", value=deal.id),),
            live=False,
            raw_status=deal.phase.value,
            requested=deal.asked,
            capturable=deal.capturable,
            captured=deal.captured,
            refunded=deal.refunded if self.tells_refunds and listed else None,
            charged_back=deal.charged_back if self.tells_disputes and listed else None,
            held=deal.held or (listed and any(part.status == "inquiry" for part in deal.disputes)),
            our_reference=deal.key,
            checkout_url=f"https://house.test/{deal.id}" if deal.phase is Phase.OPEN else "",
            refunds=tuple(map(_shown, refunds)) if self.tells_refunds and listed else (),
            captures=tuple(map(_shown, deal.captures)) if self.marks_captures else (),
            disputes=tuple(map(_shown, deal.disputes)) if self.tells_disputes and listed else (),
        )


def _shown(part: Part) -> MoneyMove:
    return MoneyMove(id=part.id, amount=part.amount, status=part.status, our_reference=part.key)


class Leisurely(Stately):
    """Unsigned webhooks; a refund takes its time, and one that is cancelled is shown no more; one capture."""

    name = "leisurely"
    signs_webhooks = False
    registers_webhooks = False
    supports_several_captures = False
    drops_canceled_refunds = True
    authorization_life = None
    refunds_become = "pending"


class Discreet(Stately):
    """Refunds and disputes are shown only to those who know their ids; captures carry no marks."""

    name = "discreet"
    supports_several_captures = False
    unlisted = frozenset({MoveKind.REFUND, MoveKind.DISPUTE})
    marks_captures = False
    refunds_become = "pending"


class Forgetful(Stately):
    """It honours no keys: the same call twice makes two. It ends no open payment, and tells of no disputes."""

    name = "forgetful"
    key_life = timedelta(0)
    signs_webhooks = False
    registers_webhooks = False
    supports_cancel = False
    tells_disputes = False


class Paper(Stately):
    """It takes money, and all the rest is paper: no refunds, captures or voids by call, and none are told."""

    name = "paper"
    key_life = timedelta(0)
    supports_cancel = False
    supports_manual_capture = False
    supports_capture = False
    supports_partial_capture = False
    supports_several_captures = False
    supports_void = False
    supports_refund = False
    supports_partial_refund = False
    tells_refunds = False
    tells_disputes = False
    marks_captures = False
    authorization_life = None


KINDS: dict[str, type[Stately]] = {cls.name: cls for cls in (Stately, Leisurely, Discreet, Forgetful, Paper)}
