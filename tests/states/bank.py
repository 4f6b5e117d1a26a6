"""What a provider really has of one payment: the money there is the truth, a report is a view of it.

A small model for ``test_histories``. It knows nothing of our rules: it takes and gives money as banks do, repeats a
call with a known key without doing it twice, and forgets nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from django_payflow.messages import MoneyMove, MoveKind, Phase, Reference, Report

EXPECTED, CURRENCY = 100, "EUR"


@dataclass
class Part:
    """A refund or capture of somebody, or a dispute of the buyer's bank."""

    amount: int
    status: str
    ours: bool = True


@dataclass
class Bank:
    """One payment at its provider. Amounts are minor units of ``currency``."""

    mute: bool = False
    """It tells nothing of refunds and disputes; people read them from its papers. It has no call for refunds."""
    currency: str = CURRENCY
    phase: Phase = Phase.OPEN
    paid: bool = False
    held: bool = False
    capturable: int = 0
    captured: int = 0
    missing: int = 0
    """Captured money that it does not show at present."""
    refunds: dict[str, Part] = field(default_factory=dict)
    captures: dict[str, Part] = field(default_factory=dict)
    disputes: dict[str, Part] = field(default_factory=dict)
    voids: dict[str, str] = field(default_factory=dict)
    names: int = 0

    def report(self) -> Report:
        """What it answers when it is asked now."""
        return Report(
            phase=self.phase,
            currency=self.currency,
            references=(Reference(kind="payment", value="x"),),
            live=False,
            raw_status=self.phase.value,
            requested=EXPECTED,
            capturable=self.capturable,
            captured=self.captured - self.missing,
            refunded=None if self.mute else self.refunded,
            charged_back=None if self.mute else self.charged_back,
            held=self.held,
            refunds=() if self.mute else self._shown(self.refunds),
            captures=self._shown(self.captures),
            disputes=() if self.mute else self._shown(self.disputes),
        )

    @staticmethod
    def _shown(parts: dict[str, Part]) -> tuple[MoneyMove, ...]:
        return tuple(
            MoneyMove(id=f"id-{key}", amount=p.amount, status=p.status, our_reference=key if p.ours else "")
            for key, p in parts.items()
        )

    @property
    def refunded(self) -> int:
        return sum(p.amount for p in self.refunds.values() if p.status == "succeeded")

    @property
    def charged_back(self) -> int:
        return sum(p.amount for p in self.disputes.values() if p.status in {"open", "lost"})

    @property
    def refundable(self) -> int:
        taken = sum(p.amount for p in self.refunds.values() if p.status in {"pending", "succeeded"})
        return self.captured - self.missing - taken

    @property
    def left(self) -> int:
        """Money that is still there."""
        return self.captured - self.missing + self.capturable - self.refunded - self.charged_back

    def name(self) -> str:
        """Return an id for what somebody else makes here."""
        self.names += 1
        return f"theirs-{self.names}"

    # --- the buyer, his bank, and the provider's own pages

    def pay(self, amount: int, currency: str, *, capture: bool) -> None:
        """The first money that comes decides the currency for good."""
        self.currency = self.currency if self.paid else currency
        self.phase, self.paid = Phase.PROCESSING, True
        self.captured, self.capturable = (amount, 0) if capture else (0, amount)

    def end(self, phase: Phase) -> None:
        """It is over; what was only authorized is gone."""
        self.phase, self.capturable = phase, 0

    def take(self, amount: int) -> None:
        """The money is captured in the provider's own pages, as much as there is."""
        amount = min(amount, self.capturable)
        self.captured, self.capturable = self.captured + amount, self.capturable - amount
        self.captures[self.name()] = Part(amount, "succeeded", ours=False)

    def refund_by_hand(self, amount: int) -> None:
        self.refunds[self.name()] = Part(min(amount, self.refundable), "pending", ours=False)

    def dispute(self, amount: int) -> None:
        """Banks take money back whether or not it was refunded before."""
        self.disputes[self.name()] = Part(min(amount, self.captured - self.charged_back), "open", ours=False)

    # --- our calls: each says "pending", "done" or "rejected"; a known key gets its first answer's meaning again

    def call(self, kind: MoveKind, key: str, amount: int, *, final: bool) -> str:
        if kind is MoveKind.REFUND:
            return self._refund(key, amount)
        if kind is MoveKind.CAPTURE:
            return self._capture(key, amount, final=final)
        return self._void(key)

    def _refund(self, key: str, amount: int) -> str:
        if key not in self.refunds:
            status = "pending" if amount <= self.refundable else "rejected"
            if status == "rejected":
                return status
            self.refunds[key] = Part(amount, status)
        return {"pending": "pending", "succeeded": "done"}.get(self.refunds[key].status, "rejected")

    def _capture(self, key: str, amount: int, *, final: bool) -> str:
        if key not in self.captures:
            if amount > self.capturable:
                return "rejected"
            self.captures[key] = Part(amount, "succeeded")
            self.captured += amount
            self.capturable = 0 if final else self.capturable - amount
        return "done"

    def _void(self, key: str) -> str:
        if key not in self.voids:
            if self.capturable == 0:
                return "rejected"
            self.voids[key] = "done"
            self.capturable = 0
            self.phase = self.phase if self.captured else Phase.CANCELED
        return "done"

    def has(self, kind: MoveKind, key: str) -> bool:
        """Whether money really went that way: what an operator finds when he looks there."""
        if kind is MoveKind.VOID:
            return key in self.voids
        parts = self.refunds if kind is MoveKind.REFUND else self.captures
        return key in parts and parts[key].status in {"pending", "succeeded"}
