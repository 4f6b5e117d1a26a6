"""A shop that goes through outages: workers that went home, lines that are broken, clocks that are wrong.

It is the shop of the crash matrix on a database of its own. Every sale of the outage is told to its end by what rows,
workers and the sweep know; then the provider's books are compared with ours, and what the doctor said meanwhile and
the time to converge on the shop's clock are written down.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from django_payflow.testing.contract import Act, Trait
from django_payflow.testing.contract.simulated import SimulatorStage
from tests.contract.stages import STAGES
from tests.services import ledger
from tests.services.databases import Database
from tests.services.harness import Bank, Redis, eventually
from tests.services.matrix import LATER, QUIET, CrashShop
from tests.services.shop import Books, Order
from tests.services.wire import Wire

CONVERGES_WITHIN = 180.0
"""Seconds by the wall clock: the machine may be busy with other things."""
NEXT_LOOK = timedelta(hours=2)
"""A look that lies further away is aftercare, not a part of the story."""
STRIDE = 60.0
"""Rows that are due within a minute are worked on together."""
HOUR = 3600.0

_IN_ORDER = "SELECT CASE WHEN {due} IS NOT NULL THEN GREATEST({due}, lease_until) END FROM payflow_{table}"
_MOMENTS = " UNION ALL ".join(
    [
        _IN_ORDER.format(due="next_check_at", table="payment"),
        _IN_ORDER.format(due="due_at", table="move"),
        _IN_ORDER.format(due="due_at", table="webhookdelivery WHERE state = 'pending'"),
        _IN_ORDER.format(due="due_at", table="fulfilment WHERE status IN ('due', 'running', 'retry_wait')"),
    ]
)
_ROWS = (
    "SELECT 'payment', id, status, version, next_check_at, lease_until FROM payflow_payment"
    " UNION ALL SELECT 'move', id, status, attempts, due_at, lease_until FROM payflow_move"
    " UNION ALL SELECT 'delivery', id, state, hits, due_at, lease_until FROM payflow_webhookdelivery"
    " UNION ALL SELECT 'fulfilment', id, status, attempts, due_at, lease_until FROM payflow_fulfilment ORDER BY 1, 2"
)
_LEASED = " UNION ALL ".join(
    f"SELECT '{table}', id FROM payflow_{table} WHERE lease_until > %s"
    for table in ("payment", "move", "webhookdelivery", "fulfilment")
)


@dataclass
class Sale:
    """One order, and what is to become of it."""

    order: Order
    stage: SimulatorStage
    alias: str
    total: int
    refunds: int = 0
    """How many were asked for, by a person or in the dashboard: each is one at the provider and one here."""

    @property
    def is_captured_later(self) -> bool:
        return self.alias == LATER.format(self.stage.name)


@dataclass
class Tally:
    """What the outage cost, by the provider's books and ours."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.doubled or self.left)


@dataclass(frozen=True)
class Diagnosis:
    """What ``payflow_doctor --json`` said."""

    status: int
    figures: dict[str, dict[str, Any]]
    findings: dict[str, str]

    @property
    def too_old(self) -> set[str]:
        """The figures beyond their limits."""
        return {name for name, figure in self.figures.items() if figure["seconds"] > figure["limit"]}

    @property
    def words(self) -> str:
        """For the ledger."""
        if not self.figures:
            return "the database cannot be read"
        old = sorted(self.too_old, key=lambda name: -self.figures[name]["seconds"])
        return ", ".join(f"{name} {self.figures[name]['seconds'] // 60} min" for name in old)


class OutageShop(CrashShop):
    """Web, worker and beat, with a wire to every provider."""

    def __init__(self, database: Database, bank: Bank, redis: Redis, directory: Path, **options: Any) -> None:
        self.wires = {name: Wire(bank.url) for name in STAGES}
        self._more, self._clock_file = options, directory / "clock"
        super().__init__(database, bank, redis, directory)

    def _accounts(self) -> dict[str, dict[str, Any]]:
        accounts = super()._accounts()
        for alias, account in accounts.items():
            wire = self.wires[alias.partition("_")[0]]
            address = account["OPTIONS"]["base_url"].replace(wire.target, wire.url)
            account["OPTIONS"] = {**account["OPTIONS"], **self._more, "base_url": address}
        return accounts

    def stop(self) -> None:
        super().stop()
        for wire in self.wires.values():
            wire.close()

    # -- workers

    def workers_go(self) -> None:
        """Worker and beat are killed; the web stays."""
        for process in self.site.processes:
            if process.name in {"worker", "beat"} and process.running:
                process.kill()

    def has_workers(self) -> bool:
        return {"worker", "beat"} <= {process.name for process in self.site.processes if process.running}

    def workers_come(self) -> None:
        """Fresh ones."""
        self.site.worker()
        self.site.beat()

    # -- sales

    def order_at(self, provider: str, *, later: bool = False) -> Sale:
        stage = self.stages[provider]
        currency, total = stage.amounts[0]
        more = json.dumps(dict(stage.order_fields))
        order = self.site.order(currency=currency, total=str(total), fields=more)
        return Sale(order=order, stage=stage, alias=LATER.format(provider) if later else provider, total=total)

    def press_pay(self, sale: Sale) -> requests.Response:
        return self.site.start(sale.order, account=sale.alias)

    def sell(self, provider: str, *, later: bool = False) -> Sale:
        """A buyer who is on the hosted page."""
        sale = self.order_at(provider, later=later)
        answer = self.press_pay(sale)
        assert answer.headers.get("Location", "").startswith(self.wires[provider].url), answer.text[:500]
        return sale

    def pays(self, sale: Sale, *, told: bool = True) -> Sale:
        """At the provider; ``told``: its webhook arrives."""
        act = Act.AUTHORIZE if sale.is_captured_later else Act.PAY
        sale.stage.play(self.reference(sale), act, webhook=told)
        self.sim.control("POST", "wait", {"idle": True, "timeout": 60})
        return sale

    def ask_refund(self, sale: Sale) -> requests.Response | None:
        """A person asks for a fifth, once; ``None``: the web died meanwhile."""
        sale.refunds += 1
        with suppress(requests.ConnectionError):
            path = f"refund/{self.site.payment_id(sale.order)}/"
            return self.site.door(path, amount=str(sale.total // 5))
        return None

    def refunded_in_dashboard(self, sale: Sale, *, told: bool) -> None:
        """Where refunds are shown to those only who know their ids, nobody can see one without a webhook."""
        sale.refunds += 1
        told = told or not sale.stage.lacks(Trait.UNLISTED_REFUNDS)
        sale.stage.play(self.reference(sale), Act.REFUND_PART, webhook=told)
        self.sim.control("POST", "wait", {"idle": True, "timeout": 60})

    def reference(self, sale: Sale) -> str:
        """The provider's first id of the order's newest payment."""
        found = self.site.database.rows(
            "SELECT r.value FROM payflow_providerreference r JOIN payflow_payment p ON p.id = r.payment_id"
            " WHERE p.order_id = %s ORDER BY p.id DESC, r.id",
            sale.order.id,
        )
        return str(found[0][0])

    # -- time

    def shop_time(self) -> datetime:
        return datetime.now().astimezone() + timedelta(seconds=self.sim.moved)

    def rows(self) -> list[tuple[Any, ...]]:
        """All that changes when somebody works."""
        return self.site.database.rows(_ROWS)

    def moments(self) -> list[datetime]:
        """When rows want somebody; a leased one not before its lease is over."""
        return [moment for (moment,) in self.site.database.rows(_MOMENTS) if moment]

    def is_due(self) -> bool:
        now = self.shop_time()
        return any(moment <= now for moment in self.moments())

    def pass_time(self, seconds: float, *, patience: float = 15, stride: float = STRIDE) -> None:
        """From moment to moment, and at each whoever is at work finishes it, if he can within the patience.

        ``stride``: seconds that the clock is moved at least.
        """
        ends = self.sim.moved + seconds
        while self.sim.moved < ends:
            self._wait_for_hands(patience)
            now = self.shop_time()
            moments = [(moment - now).total_seconds() + 0.05 for moment in self.moments() if moment > now]
            self.sim.advance(min(max(min(moments, default=seconds), stride), ends - self.sim.moved))
        self._wait_for_hands(patience)

    def set_our_clock(self, by: float) -> None:
        """The shop's clock goes wrong, or right again; the provider's does not."""
        self.sim.moved += by
        fresh = self._clock_file.with_suffix(".set")
        fresh.write_text(str(self.sim.moved))
        fresh.rename(self._clock_file)

    def _wait_for_hands(self, patience: float) -> None:
        """Nothing is due, nobody holds a lease, and nothing has changed for a little while."""
        ends, quiet_since, seen = time.monotonic() + patience, time.monotonic(), self.rows()
        while time.monotonic() < ends:
            time.sleep(0.1)
            rows, at_work = self.rows(), self.site.database.rows(_LEASED, *[self.shop_time()] * 4)
            if rows != seen or at_work or self.is_due():
                seen, quiet_since = rows, time.monotonic()
            elif time.monotonic() - quiet_since > QUIET:
                return

    def converge(
        self, sales: Sequence[Sale], *, longest: timedelta = NEXT_LOOK, sweep: Callable[[], None] | None = None
    ) -> float:
        """Wait until all is as it should be, moving the clock where nothing moves; returns seconds of shop time.

        ``sweep``: what cron does, where nobody else works.
        """
        began, ends = self.sim.now(), time.monotonic() + CONVERGES_WITHIN
        quiet_since, seen = time.monotonic(), self.rows()
        while not (all(self.is_settled(sale) for sale in sales) and not self.is_due()):
            if time.monotonic() > ends:
                stuck = [self.story_of(sale) for sale in sales if not self.is_settled(sale)]
                raise AssertionError(f"not within {CONVERGES_WITHIN} s: {stuck}, {self.rows()}")
            if sweep is not None and self.is_due():
                sweep()
            rows = self.rows()
            if rows != seen:
                seen, quiet_since = rows, time.monotonic()
            elif time.monotonic() - quiet_since > QUIET and not self.is_due():
                now = self.shop_time()
                coming = [moment - now for moment in self.moments() if now < moment < now + longest]
                if coming:
                    self.sim.advance(min(coming).total_seconds() + 0.05)
                quiet_since = time.monotonic()
            time.sleep(0.1)
        return self.sim.now() - began

    # -- the books

    def moves(self, sale: Sale, kind: str) -> list[str]:
        rows = self.site.database.rows(
            "SELECT m.status FROM payflow_move m JOIN payflow_payment p ON p.id = m.payment_id"
            " WHERE p.order_id = %s AND m.kind = %s ORDER BY m.id",
            sale.order.id,
            kind,
        )
        return [str(status) for (status,) in rows]

    def is_settled(self, sale: Sale) -> bool:
        """Paid and delivered, captured where it was only reserved, refunded where somebody wanted it."""
        books = self.site.books(sale.order)
        delivered = books.order == "completed" and {status for _, status in books.fulfilments} == {"done"}
        captured = not sale.is_captured_later or self.moves(sale, "capture") == ["succeeded"]
        refunds = self.moves(sale, "refund")
        refunded = len(refunds) >= sale.refunds and set(refunds) <= {"pending", "succeeded"}
        return delivered and "paid" in books.payments and captured and refunded

    def story_of(self, sale: Sale) -> tuple[str, Books, list[str], list[str]]:
        """For messages."""
        moves = self.moves(sale, "capture"), self.moves(sale, "refund")
        return (sale.alias, self.site.books(sale.order), *moves)

    def tally(self, sales: Sequence[Sale]) -> Tally:
        """Compare both sides."""
        found = Tally()
        for sale in sales:
            self._judge(sale, found)
        for name, stage in self.stages.items():
            statement = "SELECT COUNT(*) FROM payflow_payment WHERE account IN (%s, %s)"
            attempts = self.site.database.rows(statement, name, LATER.format(name))[0][0]
            if len(stage.payments()) > attempts:
                found.doubled.append(f"{name}: {attempts} attempts here, {len(stage.payments())} there")
        return found

    def _judge(self, sale: Sale, found: Tally) -> None:
        books = self.site.books(sale.order)
        counts = {
            "paid payments": (books.payments.count("paid"), 1),
            "times it turned paid": (books.turned_paid, 1),
            "shipments": (books.shipments, 1),
            "different mails": (len(set(self.site.mails(sale.order))), 1),
            "captures": (len(self.moves(sale, "capture")), int(sale.is_captured_later)),
        }
        if not sale.stage.lacks(Trait.REFUND):
            there = len(sale.stage.refunds(sale.stage.payment(self.reference(sale))))
            counts |= {"refunds here": (len(self.moves(sale, "refund")), sale.refunds)}
            counts |= {"refunds there": (there, sale.refunds)}
        for what, (seen, wanted) in counts.items():
            if seen != wanted:
                words = f"{sale.alias} {sale.order.reference}: {seen} {what}, not {wanted}"
                (found.doubled if seen > wanted else found.lost).append(words)
        statement = "SELECT kind, detail FROM payflow_case WHERE order_id = %s AND closed_at IS NULL"
        if cases := self.site.database.rows(statement, sale.order.id):
            found.left.append(f"{sale.alias} {sale.order.reference}: {cases}")

    # -- what watches

    def doctor(self, *words: str) -> Diagnosis:
        """Ask it, as a monitoring system would."""
        process = self.site.command("payflow_doctor", "--json", *words)
        status = process.wait(120)
        process.kill()  # it is over; this reads the rest of what it said
        lines = process.lines
        begin, end = lines.index("{"), len(lines) - lines[::-1].index("}")
        told = json.loads("\n".join(lines[begin:end]))
        findings = {each["subject"]: each["verdict"] for each in told["findings"]}
        return Diagnosis(status=status, figures=told["figures"], findings=findings)

    @contextmanager
    def broken(self, troubles: dict[str, str], *, seconds: float) -> Iterator[None]:
        """Providers by name, with what is wrong with the line to each."""
        for provider, trouble in troubles.items():
            self.wires[provider].break_(trouble, seconds=seconds)
        try:
            yield
        finally:
            for provider in troubles:
                self.wires[provider].mend()


def ends_well(shop: OutageShop, name: str, sales: Sequence[Sale], seen: Diagnosis, **more: Any) -> float:
    """The outage is over: everything converges by itself, nothing is lost or doubled, and the doctor is content.

    Returns the seconds that it took on the shop's clock.
    """
    seconds = shop.converge(sales, **more)
    tally = shop.tally(sales)
    figures = {"converged_seconds": seconds, "gauge": seen.words}
    ledger.write("outage", {"name": name, **figures, "lost": len(tally.lost), "doubled": len(tally.doubled)})
    assert tally.is_clean, tally
    after = _patient_doctor(shop, lambda said: said.status == 0)
    assert (after.status, after.too_old) == (0, set()), after
    return seconds


def _patient_doctor(shop: OutageShop, is_content: Callable[[Diagnosis], bool]) -> Diagnosis:
    """The sweep's mark in the database may be older than the clock's last jump: wait for one sweep."""
    said: list[Diagnosis] = []

    def look() -> bool:
        said.append(shop.doctor())
        return is_content(said[-1])

    with suppress(AssertionError):
        eventually(look, True, seconds=15)
    return said[-1]
