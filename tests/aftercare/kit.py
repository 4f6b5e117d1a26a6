"""A till at Mollie: what buyers, banks and the dashboard do after the payment, and what the books then say."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django_payflow import flow
from django_payflow.messages import MoveKind
from django_payflow.models import Case, Move, Payment
from tests.conftest import Story, new_order

TOTAL = 2495
HOME = {"street": "Canal 1", "postal_code": "1011AA", "city": "Amsterdam", "country": "NL"}


def again(row: Any) -> Any:
    return type(row).objects.get(pk=row.pk)


def open_cases() -> set[str]:
    return set(Case.objects.open().values_list("kind", flat=True))


def closed_cases() -> set[str]:
    return set(Case.objects.exclude(closed_at=None).values_list("kind", flat=True))


def moves(payment: Payment) -> list[tuple[str, int, str]]:
    """What the books know of a payment's captures, voids, refunds and disputes, oldest first."""
    return list(Move.objects.filter(payment=payment).order_by("pk").values_list("kind", "amount", "status"))


def sums(payment: Payment) -> tuple[str, int, int, int]:
    """Status, captured, capturable, refunded."""
    fresh = again(payment)
    return (fresh.status, fresh.captured, fresh.capturable, fresh.refunded)


def left(payment: Payment, kind: MoveKind = MoveKind.REFUND) -> int:
    return flow.left_to(kind, again(payment))[0]


def euro(minor: int) -> dict[str, str]:
    return {"currency": "EUR", "value": f"{Decimal(minor).scaleb(-2):.2f}"}


def _minor(amount: dict[str, str]) -> int:
    return int(Decimal(amount["value"]).scaleb(2))


class Till:
    """One order and its payments, told step by step."""

    def __init__(self, story: Story) -> None:
        self.story, self.sim = story, story.sim

    # -- paying

    def start(self, **kwargs: Any) -> Payment:
        return self.story.start(**kwargs)

    def pay(self, word: str = "paid", **kwargs: Any) -> Payment:
        """A new attempt, and the buyer pays at once."""
        payment = self.start(**kwargs)
        self.bank(payment, word)
        return again(payment)

    def bank(self, payment: Payment, word: str, *, told: bool = True) -> None:
        """Something happens to an attempt; its webhook arrives, unless it is lost."""
        self.by_hand(payment, "status", status=word, webhook=told)

    def klarna_order(self) -> None:
        """An order whose buyer may pay by Klarna, which stays authorized after a capture."""
        self.story.order = new_order(name="Ada Lovelace", payment_details=HOME)

    # -- time and news

    def later(self, seconds: float = 6) -> None:
        """Time passes, the bank does what it does by then, and everything that is due gets done."""
        self.sim.advance(seconds)
        self.sim.control("POST", "wait", {"idle": True})
        self.story.work()

    def ask(self, payment: Payment) -> None:
        flow.confirm(payment_id=payment.pk, source="poll")
        self.story.work()

    @property
    def order(self) -> str:
        return str(self.story.now().status)

    # -- the provider's side

    def id_of(self, payment: Payment) -> str:
        return str(payment.references.order_by("pk")[0].value)

    def at_provider(self, payment: Payment) -> dict[str, Any]:
        return self.sim.object("GET", f"mollie/payments/{self.id_of(payment)}")

    def made(self, payment: Payment, what: str = "refunds") -> list[tuple[int, str]]:
        """Amount and status of the refunds or captures that the provider has, oldest first."""
        found = self.at_provider(payment)["_embedded"][what]
        return sorted((_minor(each["amount"]), each["status"]) for each in found)

    def calls(self, operation: str) -> int:
        return len(self.sim.calls(operation))

    def fault(self, operation: str, kind: str, **more: Any) -> None:
        self.sim.fault(operation, kind, **{"times": 1, **more})

    def switch(self, **settings: Any) -> None:
        self.sim.control("POST", "mollie/settings", settings)

    def by_hand(self, payment: Payment, verb: str, **body: Any) -> None:
        """It happens at the provider; the webhook arrives, and where Mollie sends none, we ask."""
        told, before = body.setdefault("webhook", True), len(self.sim.deliveries())
        self.sim.control("POST", f"mollie/payments/{self.id_of(payment)}/{verb}", body)
        if told and len(self.sim.deliveries()) > before:
            self.story.webhook()
        elif told:
            self.ask(payment)

    def refund_ends(self, payment: Payment, status: str = "refunded", *, which: int = -1) -> None:
        """The bank says what became of a refund, and the provider says it to us."""
        refund = self.at_provider(payment)["_embedded"]["refunds"][which]["id"]
        self.by_hand(payment, f"refunds/{refund}/status", status=status, webhook=False)
        self.ask(payment)
