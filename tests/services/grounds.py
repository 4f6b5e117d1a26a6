"""Where the same race is run on every database, with requests in transactions and without: two web processes each.

The shop has its whole back office (a person in the admin, a program at the API), two accounts at one provider, and a
clock that a test moves instead of waiting.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import requests

from django_payflow.simulators.host.calls import fingerprint
from tests.services.databases import Database
from tests.services.harness import Bank, Process, eventually
from tests.services.matrix import Remote
from tests.services.shop import CSRF, ONCE, PATIENCE, Books, Order, Site

NAME, PASSWORD = "ada", "secret"
API_KEYS = {"north": "test_" + "n" * 30, "south": "test_" + "s" * 30}
LEASE = 61
"""Seconds after which nobody owns a row any more."""
POINTS = ["checkout.intent", "webhook.stored", "move.intent", "move.called"]
TOTAL = 2495


class OfficeSite(Site):
    """Its first request imports two frameworks, which takes a busy machine longer than a ping waits."""

    def _pings(self, process: Process, url: str) -> bool:
        try:
            return super()._pings(process, url)
        except requests.Timeout:
            return False

    def run(self, name: str, module: str) -> Process:
        """Start a module of the shop's."""
        return self._run(name, [module])

    def both_webs(self) -> None:
        """Both web processes, which start at the same time."""
        listening = [f"--listen=127.0.0.1:{port}" for port in self._ports]
        program = ["--threads=8", "tests.services.site.wsgi:application"]
        made = [self._run(f"web:{n}", ["waitress", listen, *program]) for n, listen in enumerate(listening, start=1)]
        for process, url in zip(made, self.urls, strict=True):
            eventually(partial(self._pings, process, url), True, seconds=2 * PATIENCE)


class Ground:
    """One kind of database, ``ATOMIC_REQUESTS`` on or off."""

    def __init__(self, database: Database, bank: Bank, directory: Path, *, atomic: bool) -> None:
        self.kind, self.atomic, self.bank = database.kind, atomic, bank
        bank.reset()
        self.sim = Remote(bank, directory / "clock")
        self._traps = directory / "traps"
        self._traps.mkdir()
        base = f"{bank.url}/mollie"
        accounts = {
            alias: {"BACKEND": "mollie", "OPTIONS": {"api_key": key, "base_url": base}}
            for alias, key in API_KEYS.items()
        }
        self.site = OfficeSite(
            database,
            bank,
            directory,
            DJANGO_SETTINGS_MODULE="tests.services.site.office",
            SITE_PERSON=f"{NAME}:{PASSWORD}",
            SITE_ATOMIC=str(int(atomic)),
            SITE_BROKER="memory://localhost",
            SITE_LEASE_SECONDS=str(LEASE - 1),
            SITE_ACCOUNTS=json.dumps(accounts),
            SITE_CLOCK=str(directory / "clock"),
            SITE_TRAPS=str(self._traps),
            SITE_POINTS=" ".join(POINTS),
        )

    def open(self) -> None:
        """Make what the back office needs, unless it is there, and start both processes."""
        done = self.site.run("furnish", "tests.services.site.furnish")
        assert done.wait(60) == 0, done.log
        self.site.both_webs()
        for url in self.site.urls:
            assert requests.get(f"{url}/doors/atomic/", timeout=PATIENCE).json() == {"atomic": self.atomic}

    def close(self) -> None:
        self.site.stop()

    def begin_an_hour(self) -> None:
        """What is counted per hour is not cut in two."""
        self.sim.advance(3601 - (time.time() + self.sim.moved) % 3600)

    # -- the races' beginnings and ends

    def started(self, **fields: str) -> Order:
        order = self.site.order()
        answer = self.site.start(order, **fields)
        assert answer.status_code == 303, answer.text
        return order

    def paid_at_the_bank(self, **fields: str) -> Order:
        """Its buyer has paid; nobody has told the shop."""
        order = self.started(**fields)
        self.bank.set(self.site.reference(order), "paid", webhook=False)
        return order

    def completed(self) -> Payment:
        """Paid and delivered."""
        order = self.paid_at_the_bank()
        assert self.site.webhook(order).status_code == 200
        self.site.works_out(order)
        return self.payment(order)

    def payment(self, order: Order) -> Payment:
        (pk, key, token), *_ = self.payments(order)
        return Payment(order=order, id=pk, key=key, token=token, reference=self.site.reference(order))

    def payments(self, order: Order) -> list[tuple[Any, ...]]:
        """Id, key and webhook token of each attempt, newest first."""
        statement = "SELECT id, {}, webhook_token FROM payflow_payment WHERE order_id = %s ORDER BY id DESC"
        quoted = statement.format("`key`" if self.kind == "mariadb" else '"key"')
        return self.site.database.rows(quoted, order.id)

    def ends(self, *orders: Order, expected: Books = ONCE) -> None:
        """Everything due is done and the books are as expected; they still are when every lease is over."""

        def books_after_sweep() -> list[Books]:
            assert self.site.door("sweep/").status_code == 200
            return [self.site.books(order) for order in orders]

        eventually(books_after_sweep, [expected] * len(orders))
        self.sim.advance(LEASE)
        assert books_after_sweep() == [expected] * len(orders)

    def moves(self, order: Order) -> list[tuple[Any, ...]]:
        """Kind, amount and status of each capture, void and refund."""
        return self.site.database.rows(
            "SELECT m.kind, m.amount, m.status FROM payflow_move m JOIN payflow_payment p ON p.id = m.payment_id"
            " WHERE p.order_id = %s ORDER BY m.id",
            order.id,
        )

    def open_cases(self, order: Order) -> list[str]:
        found = self.site.database.rows(
            "SELECT kind FROM payflow_case WHERE order_id = %s AND closed_at IS NULL ORDER BY kind", order.id
        )
        return [kind for (kind,) in found]

    def events(self, order: Order, kind: str) -> list[str]:
        found = self.site.database.rows(
            "SELECT summary FROM payflow_paymentevent WHERE order_id = %s AND kind = %s ORDER BY id", order.id, kind
        )
        return [summary for (summary,) in found]

    def refunds_at_the_bank(self, payment: Payment) -> list[str]:
        """The amounts, as the provider has them."""
        there = self.bank.control("GET", f"mollie/payments/{payment.reference}")
        return [refund["amount"]["value"] for refund in there["_embedded"]["refunds"]]

    def is_refunded_once(self, payment: Payment, amount: int = TOTAL) -> None:
        """One row here, one refund there, whoever looks again; and nothing for a person to do."""
        assert self.moves(payment.order) == [("refund", amount, "pending")]
        self.sim.advance(2 * LEASE)
        assert self.site.door("sweep/").status_code == 200
        assert self.moves(payment.order) == [("refund", amount, "pending")]
        assert self.refunds_at_the_bank(payment) == [f"{amount // 100}.{amount % 100:02}"]
        assert self.open_cases(payment.order) == []

    # -- bugs

    def lay_a_bug(self, point: str) -> None:
        """The next view that passes the point raises there."""
        struck = self._traps / f"web.{point}.struck"
        struck.unlink(missing_ok=True)
        fresh = self._traps / "fresh"
        fresh.write_text("raise")
        fresh.rename(self._traps / f"web.{point}")

    def has_met_a_bug(self, point: str) -> bool:
        return (self._traps / f"web.{point}.struck").exists()

    # -- what the provider saw

    def calls_about(self, references: set[str]) -> list[dict[str, Any]]:
        return [call for call in self.bank.control("GET", "calls") if call["payment"] in references]


@dataclass(frozen=True)
class Payment:
    """One attempt, as its shop and its provider know it."""

    order: Order
    id: int
    key: str
    token: str
    reference: str


def account_of_key(shown: str) -> str:
    """Which account's key a call was made with, by what the simulator's log shows of it."""
    return {fingerprint(key): alias for alias, key in API_KEYS.items()}[shown]


@dataclass
class Person:
    """Somebody of the staff with a browser; any process answers her."""

    site: Site
    cookies: dict[str, str] = field(default_factory=lambda: {"csrftoken": CSRF})

    def __post_init__(self) -> None:
        answer = self._post("/admin/login/", {"username": NAME, "password": PASSWORD})
        assert answer.status_code == 302, answer.text
        self.cookies["sessionid"] = answer.cookies["sessionid"]

    def refund_page(self, payment: Payment) -> dict[str, str]:
        """Open the page that asks whether to refund; return what its form would send."""
        page = requests.get(self.site._url() + self._address(payment), cookies=self.cookies, timeout=PATIENCE)
        assert page.status_code == 200, page.text
        said = {name: re.search(rf'name="{name}" value="([^"]+)"', page.text) for name in ("key", "amount")}
        return {name: found.group(1) for name, found in said.items() if found}

    def press(self, payment: Payment, form: dict[str, str]) -> requests.Response:
        """Press the button on that page."""
        return self._post(self._address(payment), form)

    def _address(self, payment: Payment) -> str:
        return f"/admin/payflow/payment/{payment.id}/refund/"

    def _post(self, path: str, data: dict[str, str]) -> requests.Response:
        return requests.post(
            self.site._url() + path,
            data=data,
            headers={"X-CSRFToken": CSRF},
            cookies=self.cookies,
            allow_redirects=False,
            timeout=PATIENCE,
        )


def ask_api(site: Site, payment: Payment, key: str = "") -> requests.Response:
    """A program asks for a refund of everything; with this ``Idempotency-Key``, or without one."""
    return requests.post(
        f"{site._url()}/api/payments/{payment.key}/refund/",
        json={},
        auth=(NAME, PASSWORD),
        headers={"Idempotency-Key": key} if key else {},
        timeout=PATIENCE,
    )


def webhook(site: Site, payment: Payment, account: str = "mollie") -> requests.Response:
    """The provider calls about one attempt, which need not be the newest."""
    url = f"{site._url()}/payflow/webhook/{account}/{payment.token}/"
    return requests.post(url, data={"id": payment.reference}, timeout=PATIENCE)


def is_being_asked(ground: Ground, payment: Payment) -> bool:
    """Somebody has the lease."""
    statement = "SELECT COUNT(*) FROM payflow_payment WHERE id = %s AND lease_token <> ''"
    return bool(ground.site.database.rows(statement, payment.id)[0][0])


def wait_until_asked(ground: Ground, payment: Payment) -> None:
    eventually(partial(is_being_asked, ground, payment), True)
