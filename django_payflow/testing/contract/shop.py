"""A small shop with an account at the provider under test: orders, buyers, and the worker that does what is due."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.urls import reverse

from ... import flow
from ...models import Case, Move, OrderLine, Payment, WebhookDelivery, get_order_model
from ..simulators import Delivery, deliver
from .stage import ALIASES, Act, Stage

__all__ = ["Shop", "hand_over"]

ONE, TWO = ALIASES[1], ALIASES[2]
_handed_over: list[str] = []


def hand_over(order: Any, *, key: str, attempt: int) -> None:
    """The shop's fulfilment handler: it must run once per paid order."""
    _handed_over.append(order.reference)


class Shop:
    """The story of one order, told step by step; every step is what really happens."""

    def __init__(self, stage: Stage, client: Any, change: Callable[..., None]) -> None:
        _handed_over.clear()
        self.stage, self.client = stage, client
        self.change = change
        """``change(RETURN_PATIENCE=1)`` changes ``settings.PAYFLOW``."""
        self.order = self.new_order()

    # -- orders

    def new_order(self, currency: str = "", total: int | None = None, **fields: Any) -> Any:
        """Save an order; of the everyday amount unless said otherwise."""
        everyday, amount = self.stage.amounts[0]
        amount = amount if total is None else total
        line = OrderLine(sku="TEA", name="Sencha & Darjeeling", quantity=1, unit_price=amount, vat_rate=21)
        values = {"email": "ada@example.com", "name": "Ada Lovelace", **self.stage.order_fields, **fields}
        return get_order_model().objects.new(currency=currency or everyday, lines=[line], **values)

    def now(self) -> str:
        """The order's status as the database has it."""
        return str(get_order_model().objects.get(pk=self.order.pk).status)

    @property
    def handed_over(self) -> int:
        """How often this order was fulfilled."""
        return _handed_over.count(self.order.reference)

    # -- paying

    def start(self, account: str = ONE, **kwargs: Any) -> Payment:
        """Start a payment."""
        started = flow.start_checkout(order=self.order, account=account, **kwargs)
        return Payment.objects.get(pk=started.payment_id)

    def paid(self, account: str = ONE) -> Payment:
        """Start a payment, and the buyer pays."""
        self.start(account)
        self.news(Act.PAY)
        return self.payment

    def reserved(self, *, capture: str = "manual") -> Payment:
        """The same at an account with that ``CAPTURE``: the money is only authorized.

        With ``manual`` nothing is handed over, so that the order rests in processing.
        """
        account = {"BACKEND": self.stage.backend, "OPTIONS": self.stage.options(), "CAPTURE": capture}
        self.change(PROVIDERS={ONE: account})
        if capture == "manual":
            self.change(FULFILMENT={})
        self.start()
        self.news(Act.AUTHORIZE)
        return self.payment

    def press_pay(self, account: str = ONE, **fields: str) -> Any:
        """Press the button in the shop; returns the response."""
        address = reverse("payflow:start", args=[self.order.reference])
        return self.client.post(address, {"account": account, **fields})

    def come_back(self, query: str = "") -> Any:
        """The buyer's browser arrives at the return address."""
        return self.client.get(reverse("payflow:return", args=[self.payment.return_token]) + query)

    def watch(self) -> dict[str, str]:
        """What the waiting page sees."""
        answer: dict[str, str] = self.client.get(reverse("payflow:status", args=[self.payment.return_token])).json()
        return answer

    @property
    def payment(self) -> Payment:
        """The newest attempt."""
        return Payment.objects.filter(order=self.order).latest("pk")

    @property
    def reference(self) -> str:
        """What the newest attempt is called at the provider."""
        return self.reference_of(self.payment)

    def reference_of(self, payment: Payment) -> str:
        """What an attempt is called at the provider."""
        return str(payment.references.order_by("pk")[0].value)

    # -- news

    def news(self, act: Act, reference: str = "") -> None:
        """Something happens at the provider, its webhooks arrive, and a worker does what is due.

        What the provider sends nothing about is asked for, as the schedule would sooner or later.
        """
        reference = reference or self.reference
        made = len(self.stage.deliveries())
        self.stage.play(reference, act)
        fresh = self.stage.deliveries()[made:]
        for delivery in fresh:
            self.deliver(delivery)
        if not fresh:
            self.ask(reference)
        self.work()

    def ask(self, reference: str = "") -> Any:
        """Ask the provider about the payment."""
        account = Payment.objects.filter(references__value=reference or self.reference).first() or self.payment
        return flow.confirm(payment_id=account.pk, source="poll")

    def deliver(self, delivery: Delivery) -> int:
        """The provider's delivery arrives; returns the HTTP status it is answered with."""
        return int(deliver(self.client, delivery).status_code)

    def work(self) -> None:
        """Everything that is due gets done, as by the sweep."""
        flow.sweep(inline=True)

    def later(self, seconds: float = 61) -> None:
        """Time passes, and what is due by then gets done."""
        self.stage.advance(seconds)
        self.work()

    def settle(self, times: int = 1) -> None:
        """The bank has its time, and whatever is due by then gets done."""
        for _ in range(times):
            self.later(self.stage.bank_time.total_seconds())

    # -- what is there

    def cases(self) -> set[str]:
        """What a person should look at."""
        return set(Case.objects.open().values_list("kind", flat=True))

    def moves(self) -> list[tuple[str, int, str]]:
        """Kind, amount and status of the newest attempt's captures, voids, refunds and disputes, oldest first."""
        rows = Move.objects.filter(payment=self.payment).order_by("pk")
        return list(rows.values_list("kind", "amount", "status"))

    def sums(self) -> tuple[str, int, int, int]:
        """The newest attempt's status, and what is captured, capturable and refunded of it."""
        fresh = self.payment
        return (fresh.status, fresh.captured, fresh.capturable, fresh.refunded)

    def inbox(self) -> int:
        """How many deliveries are stored."""
        return WebhookDelivery.objects.count()

    def state(self, payment: Payment | None = None) -> dict[str, Any]:
        """Everything about a payment that money depends on."""
        fresh = Payment.objects.get(pk=(payment or self.payment).pk)
        names = ("status", "version", "captured", "capturable", "refunded", "charged_back", "doubt", "settles_id")
        references = sorted(fresh.references.values_list("value", flat=True))
        return {name: getattr(fresh, name) for name in names} | {"references": references}
