"""Operations on payments: create, read, search, capture, refund, cancel, modify, and the small ones."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

from django_payflow.simulators.host import Json
from django_payflow.simulators.resurs import books, methods, people, shapes, validation
from django_payflow.simulators.resurs.accounts import Accounts, Store
from django_payflow.simulators.resurs.answers import ApiError
from django_payflow.simulators.resurs.api import Answer, Asked, Route, base_url
from django_payflow.simulators.resurs.bodies import Reader
from django_payflow.simulators.resurs.ledger import PAYMENTS, Ledger
from django_payflow.simulators.resurs.lines import read_lines, total_of
from django_payflow.simulators.resurs.methods import Method
from django_payflow.simulators.resurs.movements import Movements
from django_payflow.simulators.resurs.paging import paged


class Payments:
    def __init__(self, ledger: Ledger, movements: Movements, accounts: Accounts) -> None:
        self._ledger = ledger
        self._movements = movements
        self._accounts = accounts
        self._services = ledger.services
        self._settings = ledger.settings

    def routes(self) -> Sequence[Route]:
        payments, one = "/v2/payments", "/v2/payments/<payment_id>"
        return (
            Route("POST", payments, "create", self.create),
            Route("POST", f"{payments}/search", "search", self.search),
            Route("GET", one, "get", self.get),
            Route("GET", f"{one}/tasks/status", "tasks_status", self.tasks_status),
            Route("POST", f"{one}/tasks/send_links", "send_links", self.send_links),
            Route("GET", f"{one}/actions/<action_id>", "action", self.action),
            Route("POST", f"{one}/capture", "capture", self.capture),
            Route("POST", f"{one}/refund", "refund", self.refund),
            Route("POST", f"{one}/cancel", "cancel", self.cancel),
            Route("POST", f"{one}/order", "modify", self.modify),
            Route("PUT", f"{one}/order/order_reference", "order_reference", self.order_reference),
            Route("PUT", f"{one}/metadata", "metadata", self.metadata),
            Route("GET", "/v2/callbacks/payments/<payment_id>/stream", "callback_stream", self.stream),
        )

    # -- shared -----------------------------------------------------------------------------------------

    def _payment(self, asked: Asked) -> Json:
        """404 for what was never there; 403 for somebody else's, and for old rejected ones."""
        payment = self._ledger.find(asked.ids["payment_id"])
        if payment is None:
            raise ApiError(404, f"There is no payment {asked.ids['payment_id']}")
        if payment["account"] != asked.client_id or self._ledger.is_gone(payment):
            raise ApiError(403, "The payment is not available to these credentials")
        return payment

    def _shape(self, payment: Json) -> Json:
        return shapes.payment_shape(payment, base_url())

    # -- create -----------------------------------------------------------------------------------------

    def create(self, asked: Asked) -> Answer:
        reader = Reader(asked.sent)
        store = self._store_of(reader, asked.client_id)
        method = self._method_of(reader, store)
        fields = self._fields(reader, store, method)
        reader.done()
        payment = self._ledger.open(store, fields)
        self._ledger.spoil_amount(payment, "create")
        return Answer(int(self._settings["create_status"]), self._shape(payment))

    def _store_of(self, reader: Reader, client_id: str) -> Store:
        """Nothing else can be judged without the store; that an unknown one is a 400 is a GUESS."""
        store_id = reader.uuid("storeId")
        reader.done()
        known = [store for store in self._accounts.stores() if store.id == store_id]
        if not known:
            raise ApiError(400, "Validation failed", {"storeId": "is not a known store"})
        return self._accounts.store(store_id, client_id)

    def _method_of(self, reader: Reader, store: Store) -> Method:
        method = methods.find(reader.uuid("paymentMethodId"), store)
        if method is None:
            reader.blame("paymentMethodId", "is not a payment method of the store")
            raise ApiError(400, "Validation failed", reader.problems)
        return method

    def _fields(self, reader: Reader, store: Store, method: Method) -> Json:
        order = reader.inner("order", required=True)
        lines = read_lines(order, required=True, strict_vat=bool(self._settings["strict_vat"])) or []
        reference = order.text("orderReference", 36, least=1, pattern=validation.REFERENCE)
        customer = validation.read_customer(reader.inner("customer"), store.country)
        metadata = validation.read_metadata(reader.inner("metadata")) if reader.has("metadata") else None
        options = validation.read_options(reader.inner("options"), bool(self._settings["strict_callback_url"]))
        limit = reader.inner("application").hundredths("requestedCreditLimit", least=0)
        if not reader.problems:
            _check_fit(reader, method, customer["customerType"], total_of(lines))
        return {
            "method": {
                "id": methods.id_of(method, store),
                "name": method.name,
                "type": method.type,
                "direct": method.direct,
                "partial": method.partial,
                "credit": method.is_credit,
            },
            "customer": customer,
            "reference": reference or secrets.token_hex(12),
            "lines": lines,
            "options": options,
            "metadata": metadata,
            "creditLimit": limit,
        }

    # -- read -------------------------------------------------------------------------------------------

    def get(self, asked: Asked) -> Answer:
        return Answer(200, self._shape(self._payment(asked)))

    def tasks_status(self, asked: Asked) -> Answer:
        return Answer(200, shapes.tasks_shape(self._payment(asked), base_url()))

    def action(self, asked: Asked) -> Answer:
        entry = books.entry_of(self._payment(asked), asked.ids["action_id"])
        if entry is None:
            raise ApiError(404, f"The payment has no action {asked.ids['action_id']}")
        return Answer(200, shapes.entry_shape(entry))

    def search(self, asked: Asked) -> Answer:
        """Newest first (GUESS). A new payment may take a while to be found."""
        reader = Reader(asked.sent)
        store_id = reader.uuid("storeId")
        reference = reader.text("orderReference", 50)
        government_id = reader.text("governmentId", 50)
        reader.done()
        store = self._accounts.store(store_id, asked.client_id)
        found = self._services.store.find(PAYMENTS, lambda each: each["storeId"] == store.id)
        found = [each for each in found if not reference or each["reference"] == reference]
        found = [each for each in found if not government_id or _is_of(each, government_id)]
        delay = float(self._settings["search_delay"])
        found = [each for each in found if self._ledger.age(each) >= delay and not self._ledger.is_gone(each)]
        rows = [self._shape(each) for each in reversed(found)]
        if self._settings["search_rows"] == "bare":
            rows = [shapes.bare(row) for row in rows]
        return Answer(200, paged(rows))

    def stream(self, asked: Asked) -> Answer:
        """The log of a payment's callbacks; its shape is a GUESS."""
        payment = self._payment(asked)
        sent = self._services.deliveries.all(
            lambda each: each["provider"] == "resurs" and each["payment"] == payment["id"]
        )
        shown = [
            {
                "type": each["facts"]["kind"],
                "url": each["url"],
                "body": each["body"],
                "attempts": [{"at": done["at"], "code": done["status"]} for done in each["attempts"]],
            }
            for each in sent
        ]
        return Answer(200, {"content": shown})

    # -- after the approval -----------------------------------------------------------------------------

    def capture(self, asked: Asked) -> Answer:
        return self._move_money(asked, self._movements.capture, ("transactionId", "creator"))

    def refund(self, asked: Asked) -> Answer:
        return self._move_money(asked, self._movements.refund, ("transactionId", "creator"))

    def cancel(self, asked: Asked) -> Answer:
        """A cancel has no transactionId."""
        return self._move_money(asked, self._movements.cancel, ("creator",))

    def _move_money(self, asked: Asked, move: Callable[..., Json], texts: Sequence[str]) -> Answer:
        payment = self._payment(asked)
        reader = Reader(asked.sent)
        lines = read_lines(reader, required=False, strict_vat=bool(self._settings["strict_vat"]))
        facts = {name: reader.text(name, 100, least=1) for name in texts}
        reader.inner("invoiceOptions").text("invoiceId", 100)
        reader.inner("refundNoteOptions").text("refundNoteId", 100)
        reader.done()
        move(payment, lines, {name: text for name, text in facts.items() if text is not None})
        return Answer(200, self._shape(payment))

    def modify(self, asked: Asked) -> Answer:
        payment = self._payment(asked)
        reader = Reader(asked.sent)
        lines = read_lines(reader, required=True, strict_vat=bool(self._settings["strict_vat"]))
        reader.done()
        self._movements.modify(payment, lines or [])
        return Answer(200, self._shape(payment))

    # -- small ones -------------------------------------------------------------------------------------

    def order_reference(self, asked: Asked) -> Answer:
        """What is answered is a GUESS: the payment."""
        payment = self._payment(asked)
        reader = Reader(asked.sent)
        reference = reader.text("newOrderReference", 36, least=1, required=True, pattern=validation.REFERENCE)
        reader.done()
        payment["reference"] = reference
        self._ledger.save(payment)
        return Answer(200, self._shape(payment))

    def metadata(self, asked: Asked) -> Answer:
        """Replaces all of it, and echoes it."""
        payment = self._payment(asked)
        reader = Reader(asked.sent)
        metadata = validation.read_metadata(reader)
        reader.done()
        payment["metadata"] = metadata
        self._ledger.save(payment)
        return Answer(200, metadata)

    def send_links(self, asked: Asked) -> Answer:
        """Nothing is sent; what is answered is a GUESS."""
        self._payment(asked)
        reader = Reader(asked.sent)
        customer = reader.inner("customer", required=True)
        for name in ("sendByEmail", "sendBySms"):
            customer.truth(name)
        for name in ("emailOverride", "smsOverride"):
            customer.text(name, 254)
        reader.done()
        return Answer(200, {})


def _check_fit(reader: Reader, method: Method, customer_type: str, total: int) -> None:
    """What the payment method allows; that create refuses the rest with 400 is a GUESS."""
    if not (method.legal if customer_type == "LEGAL" else method.natural):
        reader.blame("paymentMethodId", f"is not for {customer_type} customers")
    if not methods.fits(method, total):
        reader.blame("order.orderLines", f"must add up to between {method.least} and {method.most}")


def _is_of(payment: Json, government_id: str) -> bool:
    own = payment["customer"].get("governmentId")
    country = payment["country"]
    return own is not None and people.comparable(own, country) == people.comparable(government_id, country)
