"""Somebody who has the money of one payment moved at the provider, without a shop around him."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from ... import clock
from ...messages import Buyer, Checkout, MoneyMove, MoveKind, MoveRequest, Reference, Report
from ...providers.base import Provider
from .stage import Act, Stage

__all__ = ["Desk"]

_numbers = count(1)


@dataclass(frozen=True, kw_only=True)
class Desk:
    """One payment, and the calls that move its money."""

    stage: Stage
    provider: Provider[Any]
    checkout: Checkout
    """As it is stored once the provider has the payment: without the buyer."""
    references: tuple[Reference, ...]

    @classmethod
    def open(cls, stage: Stage, provider: Provider[Any], checkout: Checkout, *acts: Act) -> Desk:
        """Create the payment and have this happen to it. Its references are stored as they are known then."""
        first = provider.create(checkout).report.references[0]
        for act in acts:
            stage.play(first.value, act)
        references = provider.retrieve(checkout, first).references
        plain = replace(checkout, buyer=Buyer())
        return cls(stage=stage, provider=provider, checkout=plain, references=references)

    @property
    def amount(self) -> int:
        """What the buyer was asked for, in minor units."""
        return self.checkout.amount

    @property
    def part(self) -> int:
        """A fifth of it, rounded down."""
        return self.amount // 5

    # -- what happens at the provider

    def play(self, act: Act) -> None:
        """Somebody else does it."""
        self.stage.play(self.references[0].value, act)

    def look(self) -> Report:
        """Ask for the truth."""
        return self.provider.retrieve(self.checkout, self.references[0])

    def settled(self) -> Report:
        """The bank has had its time: ask for the truth."""
        self.stage.advance(self.stage.bank_time.total_seconds())
        return self.look()

    def sent_back(self) -> list[int]:
        """The refunds that exist, read beside the adapter, smallest first."""
        return sorted(self.stage.sent_back(self.references[0].value))

    # -- what is asked for

    def request(self, kind: MoveKind, amount: int | None = None, **fields: Any) -> MoveRequest:
        """Return a new request for ``amount`` minor units, or for everything."""
        values: dict[str, Any] = {
            "kind": kind,
            "key": f"22222222-2222-4222-8222-{next(_numbers):012d}",
            "amount": self.amount if amount is None else amount,
            "currency": self.checkout.currency,
            "created_at": clock.now(),
            "references": self.references,
            "reason": "sold out",
        }
        return MoveRequest(**{**values, **fields})

    def send(self, request: MoveRequest, provider: Provider[Any] | None = None) -> MoneyMove:
        """Ask for it, as the flow would."""
        asked = provider or self.provider
        asked.check_move(self.checkout, request)
        calls = {
            MoveKind.CAPTURE: asked.capture,
            MoveKind.VOID: asked.void,
            MoveKind.REFUND: asked.refund,
        }
        return calls[request.kind](self.checkout, request)

    def refund(self, amount: int | None = None) -> MoneyMove:
        """Ask for a refund."""
        return self.send(self.request(MoveKind.REFUND, amount))

    def capture(self, amount: int | None = None, *, final: bool = True) -> MoneyMove:
        """Ask for a capture."""
        return self.send(self.request(MoveKind.CAPTURE, amount, final=final))

    def void(self) -> MoneyMove:
        """Ask for a release of everything."""
        return self.send(self.request(MoveKind.VOID))
