"""A shop with two accounts at the banking house: every step is a call of the flow on the database.

The steps are taken one after the other, but a process may die between two transactions (``Crash``), wakes may be
lost, and while an answer is under way something else may happen. What must hold at all times is in ``promises``.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.core.cache import cache
from django.db import transaction
from django.test import override_settings

from django_payflow import checkpoints, clock, flow
from django_payflow.exceptions import CheckoutRefused, CommandRefused, RetryLater
from django_payflow.flow import Wake
from django_payflow.messages import MoveKind
from django_payflow.models import Case, Move, OrderLine, Payment, get_order_model
from django_payflow.states import CaseKind, MoveStatus, OrderStatus
from tests.histories.house import CURRENCY, HOUSE, KINDS, TOTAL, Deal, Stately
from tests.shop.models import Shipment

NORTH, SOUTH = "north", "south"
CLERK, BOSS = "clerk", "boss"
_WORK: dict[str, Callable[[int], Any]] = {
    "delivery": lambda pk: flow.process_delivery(delivery_id=pk),
    "payment": lambda pk: flow.confirm(payment_id=pk, source="poll"),
    "move": lambda pk: flow.carry_out(move_id=pk),
    "fulfilment": lambda pk: flow.fulfil(fulfilment_id=pk),
    "order": lambda pk: flow.settle_order(order_id=pk),
}
_ENOUGH_CALLS = 40
"""Calls that a single step may make; more is a loop."""


class Crash(BaseException):
    """The process dies here. Not an ``Exception``: nothing in the package may catch it."""


# --- the shop's own code

clumsy: list[str] = []
"""While it holds something, the shop's handler fails."""


def deliver(order: Any, *, key: str, attempt: int) -> None:
    """Hand the goods over: a row, in the transaction of payflow's own mark."""
    if clumsy:
        raise RetryLater(5, clumsy.pop())
    if OrderStatus(order.status) not in {OrderStatus.PROCESSING, OrderStatus.COMPLETED}:
        HOUSE.wrongs.append(f"an order that is {order.status} was delivered")
    Shipment.objects.create(order=order, key=key)


def reserve(order: Any) -> None:
    Shipment.objects.create(order=order, key="reserve")


def release(order: Any) -> None:
    Shipment.objects.create(order=order, key="release")


class _Alarm(logging.Handler):
    """The sweep logs a row's unexpected error and goes on: here it counts as one."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            HOUSE.wrongs.append(f"{record.getMessage()}: {record.exc_info[1]!r}")


# --- the world


@contextmanager
def own_rows() -> Iterator[None]:
    """Forget every row that is written inside, and put the clock back: a test plays hundreds of histories."""
    began, block = clock.offset(), transaction.atomic()
    block._from_testcase = True  # type: ignore[attr-defined]  # as Django's TestCase marks its own
    try:
        with block:
            yield
            transaction.set_rollback(True)
    finally:
        clock.move(began)
        cache.clear()


class World:
    """One order, its payments, the people around it. Use ``close`` at the end, whatever happened."""

    def __init__(self) -> None:
        HOUSE.forget()
        clumsy.clear()
        self.happened: set[str] = set()
        """Words for what this history had in it."""
        self.wakes: list[Wake] = []
        """Rows that somebody should look at, and nobody did so far."""
        self.highest: dict[int, int] = {}
        self.touched = True
        """Whether the flow did something since they were looked at."""
        self.seen: Any = None
        """The rows as they were after the last step (``promises.Rows``)."""
        self._alarm = _Alarm(logging.ERROR)
        self._log, self._level = logging.getLogger("django_payflow"), logging.getLogger("django_payflow").level
        self._log.addHandler(self._alarm)
        self._log.setLevel(logging.ERROR)
        self._settings: Any = None
        self._rows = own_rows()
        self._rows.__enter__()

    def close(self) -> None:
        checkpoints.disarm()
        self._rows.__exit__(None, None, None)
        if self._settings is not None:
            self._settings.disable()
        self._log.removeHandler(self._alarm)
        self._log.setLevel(self._level)

    def begin(self, kinds: tuple[str, str], **values: Any) -> None:
        """Open the shop with these settings; ``captures`` are the two accounts' ``CAPTURE``."""
        captures, means = values.pop("captures"), values.pop("secured_means")
        self.kinds = {NORTH: KINDS[kinds[0]], SOUTH: KINDS[kinds[1]]}
        handler = {"HANDLER": f"{__name__}.deliver", "NEEDS": values.pop("needs")}
        payflow = {
            "BASE_URL": "https://shop.test",
            "PROVIDERS": {
                alias: self._account(cls, capture, means)
                for (alias, cls), capture in zip(self.kinds.items(), captures, strict=True)
            },
            "FULFILMENT": {"deliver": handler},
            "STOCK": {"RESERVE": f"{__name__}.reserve", "RELEASE": f"{__name__}.release"},
            "REFUND_APPROVAL_ABOVE": {CURRENCY: 70},
            **values,
        }
        self._settings = override_settings(PAYFLOW=payflow)
        self._settings.enable()
        line = OrderLine(sku="TEA", name="Sencha", quantity=1, unit_price=TOTAL)
        deadline = clock.now() + timedelta(hours=30)
        self.order = get_order_model().objects.new(currency=CURRENCY, lines=[line], pay_before=deadline)
        self.order_id = self.order.pk

    @staticmethod
    def _account(cls: type[Stately], capture: str, means: str) -> dict[str, Any]:
        return {
            "BACKEND": f"tests.histories.house.{cls.__name__}",
            "CAPTURE": capture if cls.supports_manual_capture else "automatic",
            "SECURED_MEANS": means,
        }

    # --- a step

    def do(self, work: Callable[[], Any], *, awake: bool = True) -> Any:
        """Take a step. It may be refused, and the process may die on the way; then its wakes are lost."""
        before, self.touched = HOUSE.calls.total(), True
        try:
            result = work()
        except Crash:
            self.happened.add("crash")
            checkpoints.disarm()
            return None
        except (CommandRefused, CheckoutRefused) as refused:
            self.happened.add(type(refused).__name__)
            return None
        self.wakes = list(dict.fromkeys([*self.wakes, *getattr(result, "wakes", ())]))
        if awake:
            self.workers_work()
        assert HOUSE.calls.total() - before <= _ENOUGH_CALLS, f"a loop: {HOUSE.calls}"
        return result

    def workers_work(self) -> None:
        """What was woken is done, as by Celery; what that wakes too."""
        for _ in range(_ENOUGH_CALLS):
            if not self.wakes:
                return
            wake = self.wakes.pop(0)
            self.do(lambda wake=wake: _WORK[wake.kind](wake.id), awake=False)  # type: ignore[misc]
        raise AssertionError(f"the rows wake each other without end: {self.wakes}")

    def die_at(self, place: str) -> None:
        def die() -> None:
            checkpoints.disarm()
            raise Crash(place)

        checkpoints.arm(place, die)

    def sweep(self) -> None:
        self.do(lambda: flow.sweep(inline=True))

    def wait(self, seconds: float) -> None:
        clock.move(clock.offset() + timedelta(seconds=seconds))

    # --- what is there

    def payments(self) -> list[Payment]:
        return list(Payment.objects.filter(order_id=self.order_id).order_by("pk"))

    def fresh_order(self) -> Any:
        return get_order_model().objects.get(pk=self.order_id)

    def deal_of(self, payment: Payment) -> Deal | None:
        return HOUSE.marked(payment.account, payment.key)

    def room(self, deal: Deal) -> int:
        """What could be refunded by hand. On paper not what the buyer's bank took: see test_core_bugs."""
        tells = self.kinds[deal.account].tells_refunds
        return max(0, deal.refundable - (0 if tells else deal.charged_back))

    # --- webhooks

    def arrives(self, event: dict[str, Any], *, awake: bool) -> None:
        """The house's letter reaches the shop."""
        account = event["account"]
        last = urlsplit(event["address"]).path.rstrip("/").rpartition("/")[2]
        hint = "" if self.kinds[account].registers_webhooks else last
        body = json.dumps(event).encode()
        sent: dict[str, Any] = {"headers": {"seal": account}, "body": body, "query": {}}
        answer = self.do(lambda: flow.receive_webhook(account=account, hint=hint, **sent), awake=awake)
        if answer is not None:
            self.happened.add(f"webhook {answer.reason}")

    # --- people

    def honest_look(self, row: Move) -> None:
        """A person looks in the house's own books, and says here what he found; paper work he arranges first."""
        payment = Payment.objects.get(pk=row.payment_id)
        deal = self.deal_of(payment)
        if deal is None:
            return
        kind = MoveKind(row.kind)
        if row.status == MoveStatus.MANUAL and self.room(deal) >= row.amount:
            HOUSE.refund_by_hand(deal, row.amount, "succeeded", row.key)
        found = deal.has(kind, row.key)
        if found == "succeeded":
            self.do(lambda: flow.confirm_move(move_id=row.pk, reference=HOUSE.number("page"), actor=CLERK))
        elif found != "pending":
            self.do(lambda: flow.refute_move(move_id=row.pk, reason="it is not there", actor=CLERK))

    def puzzles(self) -> list[Move]:
        """Moves that wait for a person: on paper, or with a case."""
        cases = Case.objects.open().filter(kind=CaseKind.MOVE.value).values_list("open_key", flat=True)
        named = [int(key.rpartition(":")[2]) for key in cases if key and ":move:" in key]
        rows = Move.objects.filter(payment__order_id=self.order_id)
        waiting = [MoveStatus.SUBMITTING.value, MoveStatus.PENDING.value]
        return [*rows.filter(status=MoveStatus.MANUAL.value), *rows.filter(pk__in=named, status__in=waiting)]

    def waiting_for_a_second_person(self) -> list[Move]:
        return list(Move.objects.filter(payment__order_id=self.order_id, awaits_approval=True, status="requested"))

    def record_paper(self, payment: Payment) -> None:
        """The clerk reads the bank's papers, where the account tells nothing."""
        deal, cls = self.deal_of(payment), self.kinds[payment.account]
        if deal is None or payment.captured == 0:
            return
        papers: dict[str, Any] = {"booked_on": None, "actor": CLERK, "payment_id": payment.pk}
        more, page = deal.refunded - payment.refunded, HOUSE.number("page")
        if not cls.tells_refunds and more > 0:
            self.do(lambda: flow.record_refund(amount=more, reference=page, **papers))
        more_back, other_page = deal.charged_back - payment.charged_back, HOUSE.number("page")
        if not cls.tells_disputes and more_back > 0:
            self.do(lambda: flow.record_chargeback(amount=more_back, reference=other_page, **papers))

    def cases(self) -> Counter[str]:
        return Counter(Case.objects.open().filter(order_id=self.order_id).values_list("kind", flat=True))
