"""The crash matrix: a running shop with accounts at every provider, hit at a named point of one order's story.

The shop has a web server, a worker, beat, PostgreSQL and Redis. At the point a process dies by SIGKILL, and its
supervisor starts another one. Nothing else helps the order: it must come to rest by what rows and the sweep know.
Where it waits for a lease, a pause or a bank's agenda, and nothing moves any more, the clock of the shop and of the
simulators is moved to that moment; the time to converge is read from this clock.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from django_payflow.testing import Simulators
from django_payflow.testing.contract import Act, Stage, Trait
from django_payflow.testing.contract.simulated import SimulatorStage
from tests.contract.stages import STAGES
from tests.services.databases import Database
from tests.services.harness import Bank, Redis
from tests.services.shop import Order, Site

PROVIDERS = list(STAGES)
START = ["web.checkout.intent", "web.checkout.created", "web.checkout.committed"]
ARRIVAL = ["web.return.before", "web.confirm.claimed", "web.confirm.fetched", "web.confirm.committed"]
INTAKE = ["web.webhook.stored", "worker.webhook.claimed"]
CONFIRM = ["worker.confirm.claimed", "worker.confirm.fetched", "worker.confirm.committed"]
FULFILMENT = ["worker.fulfil.claimed", "worker.fulfil.handled", "worker.fulfil.committed"]
CAPTURE = ["worker.move.claimed", "worker.move.called", "worker.move.settled"]
REFUND = ["web.move.intent", "web.move.claimed", "web.move.called", "web.move.settled"]
POINTS = [*START, *ARRIVAL, *INTAKE, *CONFIRM, *FULFILMENT, *CAPTURE, *REFUND]
"""``role.point``, in the order of the story: captures are made by the worker, refunds by a person in the web."""
AT_AN_ADAPTER = [
    "web.checkout.intent",
    "web.checkout.created",
    "worker.confirm.claimed",
    "worker.confirm.fetched",
    "worker.move.claimed",
    "worker.move.called",
    "web.move.claimed",
    "web.move.called",
]
"""Just before and just after a call to the provider: the same for the flow, another thing for every adapter."""

LATER = "{}_later"
"""The alias of a provider's account that captures on fulfilment."""
QUIET = 0.7
"""Seconds without a change in an order's rows after which the clock is moved to its next moment."""
CONVERGES_WITHIN = 100.0
"""Seconds by the wall clock, until a story counts as one that does not end."""
LONGEST_JUMP = timedelta(hours=2)


class Remote(Simulators):
    """The simulators of another process, by their control API alone; their clock and the shop's are one."""

    def __init__(self, bank: Bank, clock_file: Path) -> None:
        self.url, self._session = bank.url, requests.Session()
        self._file, self.moved = clock_file, 0.0
        clock_file.write_text("0")

    def advance(self, seconds: float) -> None:
        """Move the simulators' clock and that of every process of the shop."""
        self.control("POST", "clock", {"advance": seconds, "shared": True})
        self.moved += seconds
        fresh = self._file.with_suffix(".new")
        fresh.write_text(str(self.moved))
        fresh.rename(self._file)

    def now(self) -> float:
        """Seconds of the shop's time, from an arbitrary beginning."""
        return time.monotonic() + self.moved


class CrashShop:
    """A whole shop with two accounts at every provider, started once."""

    def __init__(self, database: Database, bank: Bank, redis: Redis, directory: Path) -> None:
        self.bank, self._traps, clock_file = bank, directory / "traps", directory / "clock"
        self._traps.mkdir()
        self.sim = Remote(bank, clock_file)
        self.stages: dict[str, SimulatorStage] = {name: stage(self.sim) for name, stage in STAGES.items()}
        accounts = self._accounts()
        self.site = Site(
            database,
            bank,
            directory,
            SITE_BROKER=redis.url,
            SITE_LEASE_SECONDS="60",
            SITE_ACCOUNTS=json.dumps(accounts),
            SITE_CLOCK=str(clock_file),
            SITE_TRAPS=str(self._traps),
            SITE_POINTS=" ".join(sorted({point.partition(".")[2] for point in POINTS})),
        )
        for name, stage in self.stages.items():
            stage.listen(1, self._webhooks(name))
            stage.listen(2, self._webhooks(LATER.format(name)))
        self.site.standing_web()
        self.site.worker()
        self.site.beat()

    def _accounts(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for name, stage in self.stages.items():
            found[name] = {"BACKEND": stage.backend, "OPTIONS": stage.options(1)}
            if not stage.lacks(Trait.MANUAL):
                later = {"BACKEND": stage.backend, "OPTIONS": stage.options(2), "CAPTURE": "on_fulfilment"}
                found[LATER.format(name)] = later
        return found

    def _webhooks(self, alias: str) -> str:
        return f"{self.site.urls[0]}/payflow/webhook/{alias}/"

    # -- traps

    def lay(self, point: str) -> None:
        """The next process of the role that passes the point dies there."""
        (self._traps / point).touch()

    def is_sprung(self, point: str) -> bool:
        return (self._traps / f"{point}.struck").exists()

    def clear(self) -> None:
        """No more traps."""
        for trap in self._traps.iterdir():
            trap.unlink()

    def stop(self) -> None:
        self.site.stop()


@dataclass
class Verdict:
    """What one order's story came to, by the provider's books and ours."""

    provider: str
    points: tuple[str, ...]
    struck: tuple[str, ...] = ()
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """What is not as it should be without being lost or doubled: a case, a row without an end."""
    seconds: float = 0.0
    """From the last kill to rest, on the shop's clock."""
    repeated: int = 0
    """Calls of an external handler that were made again with the same key."""

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.doubled or self.left)


class NeverRests(AssertionError):
    """A story does not come to its end by itself."""


class CrashStory:
    """One order, from "pay" to delivered, captured or refunded, with processes dying on the way."""

    def __init__(self, shop: CrashShop, provider: str, points: Sequence[str]) -> None:
        self.shop, self.site, self.sim = shop, shop.site, shop.sim
        self.stage = shop.stages[provider]
        self._pending, self._struck, self._died_at = list(points), [], 0.0
        self._captures = any(point in CAPTURE for point in points)
        self._refunds = any(point in REFUND for point in points)
        self._returns = any(point in ARRIVAL for point in points)
        self.alias = LATER.format(provider) if self._captures else provider
        self.verdict = Verdict(provider=provider, points=tuple(points))
        currency, total = self.stage.amounts[0]
        self.total, self._before = total, set(self.stage.payments())
        self._pressed: Any = None
        self.order: Order = self.site.order(
            currency=currency, total=str(total), fields=json.dumps(dict(self.stage.order_fields))
        )
        shop.clear()
        self.sim.clear_faults()
        self._lay_next()

    # -- the story

    def play(self) -> Verdict:
        """Tell it to its end, and judge. A story without an end is a loss, unless the buyer has what he paid for."""
        try:
            self._tell()
        except NeverRests as stuck:
            (self.verdict.left if self._is_delivered() else self.verdict.lost).append(str(stuck))
        else:
            self._judge()
        self.verdict.struck = tuple(self._struck)
        return self.verdict

    def _tell(self) -> None:
        self._get_to_the_page()
        self._pay()
        self._until(self._is_delivered, "delivered")
        if self._captures:
            self._until(lambda: self._moves() == [("capture", "succeeded")], "captured")
        if self._refunds:
            self._refund()
        self.sim.control("POST", "wait", {"idle": True, "timeout": 30})
        self._until(self._is_at_rest, "at rest")
        self.verdict.seconds = self.sim.now() - self._died_at if self._struck else 0.0
        assert self.site.door("sweep/").status_code == 200

    def _get_to_the_page(self) -> None:
        self._until(self._is_led_to_the_page, "led to the hosted page")

    def _is_led_to_the_page(self) -> bool:
        """The buyer presses "pay", and again whenever something has changed, until he is at the provider's."""
        if self._what_the_buyer_sees() == self._pressed:
            return False
        led = False
        with suppress(requests.ConnectionError):
            answer = self.site.start(self.order, account=self.alias)
            led = answer.headers.get("Location", "").startswith(self.sim.url)
        self._pressed = self._what_the_buyer_sees()
        return led

    def _what_the_buyer_sees(self) -> tuple[Any, ...]:
        return (self.site.books(self.order).payments, self.sim.moved)

    def _pay(self) -> None:
        reference, act = self._reference(), Act.AUTHORIZE if self._captures else Act.PAY
        self.stage.play(reference, act, webhook=not self._returns)
        if self._returns:
            self._until(self._has_come_back, "the buyer saw a page")
            self.stage.send_again(reference)
        if self._captures or self._refunds:  # what follows must heal without a word from the provider
            self.sim.fault("webhook", "drop", provider=self.stage.simulator)

    def _has_come_back(self) -> bool:
        with suppress(requests.ConnectionError):
            return self.site.come_back(self.order).status_code in {200, 303}
        return False

    def _refund(self) -> None:
        """A fifth, so that a second one would be possible; nobody presses the button again."""
        path = f"refund/{self.site.payment_id(self.order)}/"
        with suppress(requests.ConnectionError):
            answer = self.site.door(path, amount=str(self.total // 5))
            assert answer.status_code == 200, answer.text[:2000]
        ended = [("refund", "pending")], [("refund", "succeeded")]
        self._until(lambda: self._moves("refund") in ended and bool(self._refunds_there()), "refunded")

    # -- waiting

    def _until(self, done: Callable[[], bool], what: str) -> None:
        """Wait, and move the clock whenever nothing moves by itself."""
        ends, quiet_since, seen = time.monotonic() + CONVERGES_WITHIN, time.monotonic(), self._rows()
        while True:
            self._notice_strikes()
            if done():
                return
            if time.monotonic() > ends:
                raise NeverRests(f"{self.alias}: not {what} within {CONVERGES_WITHIN} s: {self._rows()}")
            rows = self._rows()
            if rows != seen:
                seen, quiet_since = rows, time.monotonic()
            elif time.monotonic() - quiet_since > QUIET:
                self._jump()
                quiet_since = time.monotonic()
            time.sleep(0.05)

    def _jump(self) -> None:
        """To the next moment at which a row of this order is due."""
        shop_now = self._shop_time()
        moments = [moment for moment in self._moments() if moment > shop_now]
        if moments and min(moments) - shop_now < LONGEST_JUMP and not self._is_due(shop_now):
            self.sim.advance((min(moments) - shop_now).total_seconds() + 0.05)

    def _is_due(self, now: datetime) -> bool:
        """Something is due already: the sweep is about to find it."""
        return any(moment <= now for moment in self._moments())

    def _moments(self) -> list[datetime]:
        """When the rows of this order want somebody; a leased one not before its lease is over."""
        columns = "CASE WHEN {due} IS NOT NULL THEN GREATEST({due}, lease_until) END"
        owned = "payment_id IN (SELECT id FROM payflow_payment WHERE order_id = %s)"
        statement = (
            f"SELECT {columns.format(due='next_check_at')} FROM payflow_payment WHERE order_id = %s"
            f" UNION ALL SELECT {columns.format(due='due_at')} FROM payflow_move WHERE {owned}"
            f" UNION ALL SELECT {columns.format(due='due_at')} FROM payflow_webhookdelivery"
            f" WHERE state = 'pending' AND {owned}"
            f" UNION ALL SELECT {columns.format(due='due_at')} FROM payflow_fulfilment"
            " WHERE order_id = %s AND status IN ('due', 'running', 'retry_wait')"
        )
        return [moment for (moment,) in self.site.database.rows(statement, *[self.order.id] * 4) if moment]

    def _rows(self) -> list[tuple[Any, ...]]:
        """Everything that changes when somebody works on this order."""
        statement = (
            "SELECT 'payment', id, status, next_check_at, lease_until FROM payflow_payment WHERE order_id = %s"
            " UNION ALL SELECT 'move', m.id, m.status, m.due_at, m.lease_until FROM payflow_move m"
            " JOIN payflow_payment p ON p.id = m.payment_id WHERE p.order_id = %s"
            " UNION ALL SELECT 'fulfilment', id, status, due_at, lease_until FROM payflow_fulfilment"
            " WHERE order_id = %s ORDER BY 1, 2"
        )
        return self.site.database.rows(statement, *[self.order.id] * 3)

    def _lay_next(self) -> None:
        if self._pending:
            self.shop.lay(self._pending[0])

    def _notice_strikes(self) -> None:
        while self._pending and self.shop.is_sprung(self._pending[0]):
            self._struck.append(self._pending.pop(0))
            self._died_at = self.sim.now()
            self.shop.clear()
            self._lay_next()

    # -- what the books say

    def _reference(self) -> str:
        """The provider's first id of the order's newest payment."""
        found = self.site.database.rows(
            "SELECT r.value FROM payflow_providerreference r JOIN payflow_payment p ON p.id = r.payment_id"
            " WHERE p.order_id = %s ORDER BY p.id DESC, r.id",
            self.order.id,
        )
        return str(found[0][0])

    def _moves(self, kind: str = "capture") -> list[tuple[str, str]]:
        return [
            (str(found), str(status))
            for found, status in self.site.database.rows(
                "SELECT m.kind, m.status FROM payflow_move m JOIN payflow_payment p ON p.id = m.payment_id"
                " WHERE p.order_id = %s AND m.kind = %s ORDER BY m.id",
                self.order.id,
                kind,
            )
        ]

    def _refunds_there(self) -> list[str]:
        return self.stage.refunds(self.stage.payment(self._reference()))

    def _is_at_rest(self) -> bool:
        """Nothing is due, and what was captured or refunded is booked."""
        return self._sums_follow() and not self._is_due(self._shop_time())

    def _sums_follow(self) -> bool:
        """The payment's own sums are those of its captures and refunds that are done."""
        statement = "SELECT status, refunded FROM payflow_payment WHERE order_id = %s ORDER BY id DESC"
        status, refunded = self.site.database.rows(statement, self.order.id)[0]
        back = self.total // 5 if ("refund", "succeeded") in self._moves("refund") else 0
        return (status, refunded) == ("paid", back)

    def _is_delivered(self) -> bool:
        books = self.site.books(self.order)
        secured = {"paid", "authorized"} & set(books.payments)
        return bool(secured) and books.order == "completed" and set(dict(books.fulfilments).values()) == {"done"}

    def _judge(self) -> None:
        books, verdict = self.site.books(self.order), self.verdict
        if books.order != "completed" or "paid" not in books.payments:
            verdict.lost.append(f"paid at {self.alias}, but here the order is {books.order}: {books.payments}")
        if books.shipments != 1:
            (verdict.doubled if books.shipments else verdict.lost).append(f"shipped {books.shipments} times")
        mails = self.site.mails(self.order)
        if len(set(mails)) != 1:
            (verdict.doubled if mails else verdict.lost).append(f"{len(set(mails))} different mails")
        verdict.repeated = len(mails) - len(set(mails))
        if len(made := set(self.stage.payments()) - self._before) > len(books.payments):
            verdict.doubled.append(f"{len(books.payments)} attempts here, {len(made)} at the provider")
        if books.payments.count("paid") > 1 or books.turned_paid > 1:
            verdict.doubled.append(f"turned paid {books.turned_paid} times: {books.payments}")
        if self._refunds and len(there := self._refunds_there()) != len(self._moves("refund")):
            verdict.doubled.append(f"{len(self._moves('refund'))} refunds here, {len(there)} at the provider")
        if len(self._moves()) > 1:
            verdict.doubled.append(f"captures: {self._moves()}")
        if books.cases:
            verdict.left.append(f"cases: {books.cases}")
        if self._is_due(self._shop_time()):
            verdict.left.append(f"still due: {self._rows()}")

    def _shop_time(self) -> datetime:
        return datetime.now().astimezone() + timedelta(seconds=self.sim.moved)


def can_be_played(stage: Stage, points: Sequence[str]) -> str:
    """Return why this provider has no such story; empty: it has."""
    if any(point in CAPTURE for point in points) and (why := stage.lacks(Trait.MANUAL)):
        return why
    if any(point in REFUND for point in points):
        return stage.lacks(Trait.REFUND)
    return ""
