"""The shop of the service tests: which processes it runs, what buyers and providers do to it, what its books say."""

from __future__ import annotations

import email
import itertools
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import requests

from django_payflow.models import get_order_model
from tests.services.databases import Database
from tests.services.harness import Bank, Process, clean_environment, eventually, free_port

CSRF = "c" * 32
PATIENCE = 30


@dataclass(frozen=True)
class Order:
    """An order as its buyer knows it."""

    id: int
    reference: str
    email: str


@dataclass(frozen=True)
class Books:
    """What the database, the mailbox and the provider say about one order."""

    order: str
    payments: tuple[str, ...]
    turned_paid: int
    fulfilments: tuple[tuple[str, str], ...]
    shipments: int
    mails: int
    at_provider: int
    cases: tuple[str, ...] = ()


ONCE = Books(
    order="completed",
    payments=("paid",),
    turned_paid=1,
    fulfilments=(("confirmation", "done"), ("ship", "done")),
    shipments=1,
    mails=1,
    at_provider=1,
)
"""Paid and fulfilled, everything once."""
UNPAID = Books(
    order="pending", payments=("pending",), turned_paid=0, fulfilments=(), shipments=0, mails=0, at_provider=1
)
"""The buyer is on the hosted page."""


class Site:
    """One shop: a database, addresses, and any number of processes."""

    def __init__(self, database: Database, bank: Bank, directory: Path, **variables: str) -> None:
        self.database, self.bank, self._directory = database, bank, directory
        self._ports = [free_port(), free_port()]
        self.urls = [f"http://127.0.0.1:{port}" for port in self._ports]
        self._turns = itertools.count()
        self.processes: list[Process] = []
        self._mails = directory / "mails"
        self._mails.mkdir()
        self.variables = {
            "DJANGO_SETTINGS_MODULE": "tests.services.site.settings",
            "SITE_DATABASE": database.url,
            "SITE_BANK": f"{bank.url}/mollie",
            "SITE_URL": self.urls[0],
            "SITE_MAILS": str(self._mails),
            **variables,
        }

    # -- processes

    def _run(self, name: str, arguments: list[str], checkpoint: str = "") -> Process:
        armed = {"PAYFLOW_CHECKPOINT": checkpoint} if checkpoint else {}
        env = clean_environment(**self.variables, **armed, SITE_ROLE=name.partition(":")[0])
        self.processes.append(process := Process(name, [sys.executable, "-m", *arguments], env))
        return process

    def web(self, *, second: bool = False, checkpoint: str = "") -> Process:
        """A web process; the second one has an address of its own and shares nothing but the database."""
        port = self._ports[second]
        listen = ["waitress", f"--listen=127.0.0.1:{port}", "--threads=8"]
        process = self._run(f"web:{port}", [*listen, "tests.services.site.wsgi:application"], checkpoint)
        eventually(partial(self._pings, process, self.urls[second]), True, seconds=PATIENCE)
        return process

    def standing_web(self) -> Process:
        """A web server that starts another process whenever the one that answers dies."""
        port = self._ports[0]
        process = self._run(f"web:{port}", ["tests.services.site.serve", str(port)])
        eventually(partial(self._pings, process, self.urls[0]), True, seconds=PATIENCE)
        return process

    def _pings(self, process: Process, url: str) -> bool:
        assert process.running, process.log
        with suppress(requests.ConnectionError):
            return requests.get(f"{url}/doors/ping/", timeout=5).ok
        return False

    def worker(self, *, checkpoint: str = "", ready: bool = True, beat: bool = False) -> Process:
        """A worker with two children; with one where it is going to be killed at a point, so that it is one point."""
        children = 1 if checkpoint else 2
        celery = ["celery", "-A", "tests.services.site.celery_app", "worker", "--loglevel=INFO"]
        inside = ["--beat", f"--schedule={self._schedule()}"] if beat else []
        process = self._run("worker", [*celery, f"--concurrency={children}", *inside], checkpoint)
        if ready:
            process.await_line(" ready.")
        return process

    def beat(self) -> Process:
        celery = ["celery", "-A", "tests.services.site.celery_app", "beat", "--loglevel=INFO"]
        return self._run("beat", [*celery, f"--schedule={self._schedule()}"])

    def _schedule(self) -> str:
        return str(self._directory / f"beat-{len(self.processes)}")

    def command(self, *words: str, checkpoint: str = "") -> Process:
        return self._run(words[0], ["django", *words], checkpoint)

    def sweep(self) -> None:
        """What cron does every minute."""
        process = self.command("payflow_sweep")
        assert process.wait() == 0, process.log

    def stop(self) -> None:
        for process in self.processes:
            process.kill()

    @property
    def log(self) -> str:
        return "\n".join(process.log for process in self.processes)

    # -- what buyers, providers and staff do

    def _url(self) -> str:
        """Every call goes to the other process than the one before, where there are two."""
        both = sum(1 for process in self.processes if process.name.startswith("web:") and process.running) > 1
        return self.urls[next(self._turns) % 2 if both else 0]

    def door(self, path: str, **data: str) -> requests.Response:
        return requests.post(f"{self._url()}/doors/{path}", data=data, timeout=PATIENCE)

    def orders(self, number: int, **fields: str) -> list[Order]:
        return [Order(**each) for each in self.door("orders/", n=str(number), **fields).json()["orders"]]

    def order(self, **fields: str) -> Order:
        return self.orders(1, **fields)[0]

    def start(self, order: Order, **fields: str) -> requests.Response:
        """Press "pay"."""
        return requests.post(
            f"{self._url()}/payflow/start/{order.reference}/",
            data={"account": "mollie", **fields},
            headers={"X-CSRFToken": CSRF},
            cookies={"csrftoken": CSRF},
            allow_redirects=False,
            timeout=PATIENCE,
        )

    def started(self, order: Order) -> str:
        """Press "pay" and return the provider's id of the new payment."""
        answer = self.start(order)
        assert answer.status_code == 303, answer.text
        return self.reference(order)

    def come_back(self, order: Order) -> requests.Response:
        """The buyer's browser loads the return page."""
        token = self._newest(order, "return_token")
        return requests.get(f"{self._url()}/payflow/return/{token}/", allow_redirects=False, timeout=PATIENCE)

    def webhook(self, order: Order, *, reference: str = "") -> requests.Response:
        """The provider calls, as its documents say."""
        token = self._newest(order, "webhook_token")
        return requests.post(
            f"{self._url()}/payflow/webhook/mollie/{token}/",
            data={"id": reference or self.reference(order)},
            timeout=PATIENCE,
        )

    # -- what the books say

    def _newest(self, order: Order, column: str) -> str:
        """A column of the order's newest payment."""
        found = self.database.rows(
            f"SELECT {column} FROM payflow_payment WHERE order_id = %s ORDER BY id DESC", order.id
        )
        return str(found[0][0])

    def reference(self, order: Order) -> str:
        """The provider's id of the order's newest payment."""
        found = self.database.rows(
            "SELECT r.value FROM payflow_providerreference r JOIN payflow_payment p ON p.id = r.payment_id"
            " WHERE p.order_id = %s ORDER BY p.id DESC",
            order.id,
        )
        return str(found[0][0])

    def payment_id(self, order: Order) -> int:
        return int(self._newest(order, "id"))

    def fulfilment_id(self, order: Order, handler: str) -> int:
        statement = "SELECT id FROM payflow_fulfilment WHERE order_id = %s AND handler = %s"
        return int(self.database.rows(statement, order.id, handler)[0][0])

    def books(self, order: Order) -> Books:
        rows = self.database.rows
        table = get_order_model()._meta.db_table
        payments = rows("SELECT status FROM payflow_payment WHERE order_id = %s ORDER BY id", order.id)
        turns = rows(
            "SELECT COUNT(*) FROM payflow_paymentevent WHERE order_id = %s AND summary LIKE %s",
            order.id,
            "payment: % -> paid",
        )
        fulfilments = rows(
            "SELECT handler, status FROM payflow_fulfilment WHERE order_id = %s ORDER BY handler", order.id
        )
        cases = rows("SELECT kind FROM payflow_case WHERE order_id = %s ORDER BY kind", order.id)
        return Books(
            order=rows(f"SELECT status FROM {table} WHERE id = %s", order.id)[0][0],
            payments=tuple(status for (status,) in payments),
            turned_paid=turns[0][0],
            fulfilments=tuple(fulfilments),
            shipments=rows("SELECT COUNT(*) FROM shop_shipment WHERE order_id = %s", order.id)[0][0],
            mails=len(self.mails(order)),
            at_provider=len(self.bank.payments_of(order.reference)),
            cases=tuple(kind for (kind,) in cases),
        )

    def mails(self, order: Order) -> list[str]:
        """The Message-IDs of the mails that were sent to the order's buyer."""
        found = []
        for file in self._mails.glob("*.log"):
            for text in file.read_text().split("\n" + "-" * 79 + "\n"):
                if f"\nTo: {order.email}\n" in text:
                    found.append(email.message_from_string(text)["Message-ID"])
        return found

    def ends_well(self, *orders: Order, expected: Books = ONCE, seconds: float = PATIENCE) -> None:
        """Wait until every order's books are as expected; they still are after one more look at all that is due."""
        for order in orders:
            eventually(partial(self.books, order), expected, seconds=seconds)
        assert self.door("sweep/").status_code == 200
        for order in orders:
            assert self.books(order) == expected

    def works_out(self, *orders: Order, expected: Books = ONCE) -> None:
        """The same for a shop without workers: sweep until the books are as expected, and once more."""

        def books_after_sweep(order: Order) -> Books:
            assert self.door("sweep/").status_code == 200
            return self.books(order)

        for order in orders:
            eventually(partial(books_after_sweep, order), expected)
        for order in orders:
            assert books_after_sweep(order) == expected
