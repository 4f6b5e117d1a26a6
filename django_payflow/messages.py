"""Frozen values that travel between the flow and the providers. Plain Python: no Django, no database.

Amounts are integers in minor units of ``currency``; ``None`` in a sum means "the provider cannot tell, keep ours".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

__all__ = [
    "Buyer",
    "Capture",
    "Checkout",
    "Line",
    "LineKind",
    "MoneyMove",
    "MoveKind",
    "MoveRequest",
    "Notice",
    "Phase",
    "Redirect",
    "Reference",
    "Report",
]

JSON = dict[str, Any]


class Phase(StrEnum):
    """What the attempt does at the provider, apart from the money that the sums show."""

    OPEN = "open"
    """The customer must act."""
    PROCESSING = "processing"
    """The provider or a bank works; also a success word without a visible amount."""
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"


class Capture(StrEnum):
    """When the money of a payment is taken: an account's ``CAPTURE``."""

    AUTOMATIC = "automatic"
    """As soon as the buyer pays."""
    MANUAL = "manual"
    """The buyer's payment is authorized only; somebody captures or voids it later."""


class MoveKind(StrEnum):
    """What may happen to the money of a payment after the buyer did his part."""

    CAPTURE = "capture"
    """Authorized money is taken."""
    VOID = "void"
    """What is authorized and not captured is released."""
    REFUND = "refund"
    """Captured money goes back."""
    DISPUTE = "dispute"
    """The buyer's bank asks about captured money, or takes it back. Never asked for by a shop."""


class LineKind(StrEnum):
    """What a line of an order is; a provider of invoices wants to know."""

    GOODS = "goods"
    DIGITAL = "digital"
    SHIPPING = "shipping"
    DISCOUNT = "discount"
    FEE = "fee"
    GIFT_CARD = "gift_card"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of an order as a provider may see it."""

    name: str
    quantity: int
    unit_price: int
    """Gross, in minor units."""
    total: int
    """Gross, in minor units; what the buyer pays for this line."""
    vat_rate: Decimal = Decimal(0)
    """In percent: ``Decimal("21")``."""
    sku: str = ""
    kind: LineKind = LineKind.GOODS
    unit: str = "pcs"
    """What ``quantity`` counts."""


@dataclass(frozen=True, kw_only=True)
class Buyer:
    """What a provider may need to know about the customer. Personal: purged once the provider has it.

    Every field is text; empty means unknown. A provider that needs one says so before the wire.
    """

    email: str = field(default="", repr=False)
    name: str = field(default="", repr=False)
    """The full name."""
    first_name: str = field(default="", repr=False)
    last_name: str = field(default="", repr=False)
    company: str = field(default="", repr=False)
    """The buyer is a company if this is filled in."""
    phone: str = field(default="", repr=False)
    government_id: str = field(default="", repr=False)
    """A national identity or registration number; never needed where the provider's own page asks for it."""
    street: str = field(default="", repr=False)
    street2: str = field(default="", repr=False)
    postal_code: str = field(default="", repr=False)
    city: str = field(default="", repr=False)
    country: str = field(default="", repr=False)
    """ISO 3166, two letters."""
    ip: str = field(default="", repr=False)
    """The address of the buyer's device, for fraud control; filled in by the view that starts the payment."""
    user_agent: str = field(default="", repr=False)
    """The buyer's browser, likewise."""

    @property
    def is_company(self) -> bool:
        """Whether a company buys."""
        return bool(self.company)


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """One attempt to pay one order at one account, frozen when it starts: a retry sends the same bytes."""

    key: str
    """Our id of the attempt: the idempotency key, and the mark we leave in the provider's metadata."""
    account: str
    """The alias in ``PAYFLOW["PROVIDERS"]``."""
    order_reference: str
    description: str
    amount: int
    """Minor units of ``currency``."""
    currency: str
    return_url: str = field(repr=False)
    """Holds a token, as ``webhook_url`` does: neither shows itself in a traceback."""
    webhook_url: str = field(repr=False)
    created_at: datetime
    method: str | None = None
    """The provider's own word for a payment method; ``None`` lets the buyer choose on the hosted page."""
    locale: str = ""
    capture: Capture = Capture.AUTOMATIC
    pay_before: datetime | None = None
    """The order's deadline: the hosted page should not outlive it, as far as the provider allows."""
    lines: tuple[Line, ...] = ()
    buyer: Buyer = field(default_factory=Buyer)
    """Purged once the provider has the payment: a capture or a refund is made without it."""

    def plain_lines(self, *, most: int) -> tuple[Line, ...]:
        """Return the lines, if a page that knows neither discounts nor rounding can show all of them; else none.

        Each has a name, a price above zero and a total of exactly quantity times price, they add up to ``amount``,
        and they are at most ``most``. An adapter sends one line for the total otherwise.
        """
        exact = all(
            line.quantity > 0
            and line.unit_price > 0
            and line.quantity * line.unit_price == line.total
            and line.name.strip()
            for line in self.lines
        )
        adds_up = sum(line.total for line in self.lines) == self.amount
        return self.lines if exact and adds_up and len(self.lines) <= most else ()

    def to_json(self) -> JSON:
        """Return plain JSON values; ``from_json`` gives an equal checkout back."""
        return {
            "key": self.key,
            "account": self.account,
            "order_reference": self.order_reference,
            "description": self.description,
            "amount": self.amount,
            "currency": self.currency,
            "return_url": self.return_url,
            "webhook_url": self.webhook_url,
            "created_at": self.created_at.isoformat(),
            "method": self.method,
            "locale": self.locale,
            "capture": self.capture.value,
            "pay_before": None if self.pay_before is None else self.pay_before.isoformat(),
            "lines": [_write_line(line) for line in self.lines],
            "buyer": {name: value for name, value in vars(self.buyer).items() if value},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Checkout:
        """Read what ``to_json`` wrote. A purged buyer reads as an empty one."""
        read_below = {"lines", "buyer", "created_at", "capture", "pay_before"}
        plain = {name: value for name, value in data.items() if name not in read_below}
        deadline = data.get("pay_before")
        return cls(
            **plain,
            capture=Capture(data.get("capture", Capture.AUTOMATIC)),
            pay_before=None if deadline is None else datetime.fromisoformat(deadline),
            created_at=datetime.fromisoformat(data["created_at"]),
            lines=tuple(_read_line(line) for line in data["lines"]),
            buyer=Buyer(**(data.get("buyer") or {})),
        )


def _write_line(line: Line) -> JSON:
    return {
        "name": line.name,
        "sku": line.sku,
        "quantity": line.quantity,
        "unit_price": line.unit_price,
        "total": line.total,
        "vat_rate": str(line.vat_rate),
        "kind": line.kind.value,
        "unit": line.unit,
    }


def _read_line(data: Mapping[str, Any]) -> Line:
    kind = LineKind(data.get("kind", LineKind.GOODS))
    return Line(**{**data, "vat_rate": Decimal(data["vat_rate"]), "kind": kind})


@dataclass(frozen=True, kw_only=True)
class Reference:
    """An id the provider gave: ``kind`` is the provider's word (``payment``, ``session``, ``charge`` ...)."""

    kind: str
    value: str


@dataclass(frozen=True, kw_only=True)
class MoveRequest:
    """A capture, void or refund that we ask for, frozen when it is asked for: a retry sends the same bytes."""

    kind: MoveKind
    key: str
    """Our id of it: the idempotency key, and the mark we leave on it at the provider."""
    amount: int
    """Minor units of ``currency``; of a void: all that can still be captured."""
    currency: str
    created_at: datetime
    references: tuple[Reference, ...]
    """The payment's ids at the provider, as they were stored then, the first one first."""
    final: bool = True
    """Of a capture: nothing more will be captured; a provider that can releases the rest in the same call."""
    reason: str = ""
    """A person's words, for the provider's own records; never an address or a name."""
    lines: tuple[Line, ...] = ()
    """What is captured or refunded, where the shop says so; their totals add up to ``amount``."""

    def reference(self, kind: str) -> str:
        """Return the payment's id of a kind (``"intent"``, ``"charge"``); empty when none was stored."""
        return next((found.value for found in self.references if found.kind == kind), "")

    def to_json(self) -> JSON:
        """Return plain JSON values; ``from_json`` gives an equal request back."""
        return {
            "kind": self.kind.value,
            "key": self.key,
            "amount": self.amount,
            "currency": self.currency,
            "created_at": self.created_at.isoformat(),
            "references": [[found.kind, found.value] for found in self.references],
            "final": self.final,
            "reason": self.reason,
            "lines": [_write_line(line) for line in self.lines],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> MoveRequest:
        """Read what ``to_json`` wrote."""
        read_below = {"kind", "created_at", "references", "lines"}
        return cls(
            **{name: value for name, value in data.items() if name not in read_below},
            kind=MoveKind(data["kind"]),
            created_at=datetime.fromisoformat(data["created_at"]),
            references=tuple(Reference(kind=kind, value=value) for kind, value in data["references"]),
            lines=tuple(_read_line(line) for line in data["lines"]),
        )


@dataclass(frozen=True, kw_only=True)
class MoneyMove:
    """One refund, capture or dispute as the provider shows it."""

    id: str
    """The provider's; empty where it gives none (a void)."""
    amount: int
    """Minor units of the payment's currency."""
    status: str
    """``pending``, ``succeeded``, ``failed``, ``canceled``. Of a dispute: ``inquiry`` (a question, no money taken),
    ``open`` (the money was withdrawn, the outcome is open), ``won`` (it came back), ``lost``."""
    our_reference: str = ""
    """The mark we left on it (``MoveRequest.key``); empty when somebody else made it."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What the provider says about one payment, fetched with our own credentials: the only source of truth."""

    phase: Phase
    currency: str
    references: tuple[Reference, ...]
    live: bool
    """Real money, or the provider's test mode."""
    raw_status: str
    """The provider's own word."""
    requested: int | None = None
    """What the provider will ask the customer for."""
    capturable: int | None = None
    """Authorized, not captured, not released."""
    captured: int | None = None
    """Gross: refunds do not lower it."""
    refunded: int | None = None
    """Settled refunds only, whoever made them."""
    charged_back: int | None = None
    """Withdrawn and not won back."""
    push: bool = False
    """The customer pays from his side: bank transfer, voucher."""
    held: bool = False
    """Fraud or manual review, or an open dispute inquiry."""
    our_reference: str = ""
    """The attempt's key as the provider's metadata has it; empty when there is none."""
    merchant: str = ""
    """Whose object it is (profile, store, account); empty when the provider does not say."""
    checkout_url: str = ""
    """The hosted page, while the provider still offers it."""
    method: str = ""
    expires_at: datetime | None = None
    capture_before: datetime | None = None
    """When what is authorized lapses, if the provider says so."""
    refunds: tuple[MoneyMove, ...] = ()
    captures: tuple[MoneyMove, ...] = ()
    disputes: tuple[MoneyMove, ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def money(self) -> int:
        """What is visibly there: captured and capturable, in minor units of ``currency``."""
        return (self.captured or 0) + (self.capturable or 0)


@dataclass(frozen=True, kw_only=True)
class Redirect:
    """The provider took the checkout: where to send the buyer, and what it already says about the payment."""

    url: str
    """The hosted page; empty when there is none (paid or refused at once)."""
    report: Report


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What a webhook delivery names, after it was authenticated. Never truth: it only says where to look."""

    reference: str
    """The provider's id of an object that a payment stores: the session or the intent, rather than a refund of it.

    Empty where the delivery names none of them, and only the token in its address says what it is about.
    """
    also: tuple[str, ...] = ()
    """Other ids of the same payment that the delivery names: an intent beside its charge, say."""
    parts: tuple[Reference, ...] = ()
    """Refunds and disputes that the delivery names (kinds ``refund`` and ``dispute``), where the provider shows them
    only to those who know their ids (``Provider.unlisted``). Counts only if signed."""
    our_reference: str = ""
    """The attempt's key as the object's metadata has it, for ids that are not stored yet. Counts only if signed."""
    kind: str = "payment"
    """What happened, as far as it is part of the dedupe key when there is no event id."""
    event_id: str = ""
    """The provider's id of this event; a repeat of it only counts. Empty: a repeat means "look again"."""
    ignorable: bool = False
    """An event type that this app has no use for: stored as ignored, answered with 200."""
    foreign: bool = False
    """Objects of this kind carry our mark, and this one does not: ignored as well, unless a row stores its id."""
