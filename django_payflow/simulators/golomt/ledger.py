"""The transactions of all merchants: invoices, payments by token, and bindings of a card without paying."""

from __future__ import annotations

import secrets
import uuid
from typing import NamedTuple

from django_payflow.simulators.golomt.endings import ENDINGS, PAID_CODE, Ending
from django_payflow.simulators.golomt.merchants import Merchant, Merchants
from django_payflow.simulators.golomt.pushes import Pushes
from django_payflow.simulators.golomt.settings import Settings
from django_payflow.simulators.golomt.validation import leads_somewhere
from django_payflow.simulators.host import CHANGED_AMOUNT, Json, Refusal, Services, iso

TRANSACTIONS = "golomt.transactions"
_INVOICES = "golomt.invoices"
_TOKENS = "golomt.tokens"


class Card(NamedTuple):
    """What the bank tells of a card. Numbers are stored masked, never whole."""

    number: str = "949625******0003"
    holder: str = "SIM BUYER"


_NO_CARD = {"bank": None, "cardHolder": None, "cardNumber": None}
_UNDECIDED = {"errorCode": None, "errorDesc": None, "token": None, "wireStatus": None, **_NO_CARD}


class Ledger:
    """Methods that take a transaction change that document *and* store it."""

    def __init__(self, services: Services, settings: Settings, merchants: Merchants) -> None:
        self.services = services
        self.settings = settings
        self.merchants = merchants
        self.pushes = Pushes(services, settings, merchants)

    # -- finding ----------------------------------------------------------------------------------------

    def get(self, key: str) -> Json | None:
        return self.services.store.get(TRANSACTIONS, key)

    def of(self, merchant: Merchant, transaction_id: str) -> Json | None:
        return self.get(f"{merchant.name}/{transaction_id}")

    def with_id(self, transaction_id: str) -> list[Json]:
        """Ids are unique per merchant only, so there may be several."""
        return self.services.store.find(TRANSACTIONS, lambda each: each["id"] == transaction_id)

    def of_invoice(self, invoice: str) -> Json | None:
        """The transaction of a page. Invoices are UUIDs, so capitals do not matter."""
        found = self.services.store.get(_INVOICES, invoice.lower())
        return None if found is None else self.get(found["key"])

    def card_of(self, merchant: Merchant, token: str) -> Json | None:
        """The card behind a token; a token is good at the merchant it was made for."""
        found = self.services.store.get(_TOKENS, token)
        return found if found is not None and found["merchant"] == merchant.name else None

    def save(self, transaction: Json) -> None:
        self.services.store.put(TRANSACTIONS, transaction["key"], transaction)

    def age(self, transaction: Json) -> float:
        return self.services.clock.timestamp() - float(transaction["created"])

    # -- the life of a transaction ----------------------------------------------------------------------

    def open(self, merchant: Merchant, kind: str, transaction_id: str, fields: Json) -> Json:
        """``kind``: invoice, binding (both with a page and its timer) or token."""
        now = self.services.clock.timestamp()
        transaction: Json = {
            "key": f"{merchant.name}/{transaction_id}",
            "id": transaction_id,
            "merchant": merchant.name,
            "kind": kind,
            "created": now,
            "expires": None,
            "invoice": None if kind == "token" else str(uuid.uuid4()),
            "status": "open",
            "moves": [],
            "finished": None,
            "reversed": None,
            "fields": {"amount": None} | fields | _UNDECIDED,
        }
        if transaction["invoice"]:
            self.services.store.put(_INVOICES, transaction["invoice"], {"key": transaction["key"]})
            self._start_timer(transaction, now)
        self.save(transaction)
        return transaction

    def _start_timer(self, transaction: Json, since: float) -> None:
        transaction["expires"] = since + float(self.settings["page_seconds"])
        self.services.timers.set("golomt", "expire", transaction["key"], transaction["expires"])

    def finish(
        self,
        transaction: Json,
        ending: Ending,
        *,
        at: float | None = None,
        push: bool = True,
        card: Card | None = None,
        language: str = "MN",
    ) -> None:
        """Any ending may follow any other: late money and contradicting news are what shops must survive."""
        fields = transaction["fields"]
        description = ending.en if language == "EN" else ending.mn
        decided = {"errorCode": ending.code, "errorDesc": description, "wireStatus": None, "token": None}
        self._move(transaction, ending.status, at)
        fields.update(decided | _NO_CARD)
        if ending.with_card:
            used = card or Card()
            fields.update(bank="Голомт банк", cardHolder=used.holder, cardNumber=used.number)
        if ending.code == PAID_CODE and fields.get("genToken") == "Y":
            fields["token"] = self._new_token(transaction)
        self.save(transaction)
        if push:
            self.pushes.send(transaction)

    def _new_token(self, transaction: Json) -> str:
        token, fields = secrets.token_hex(32), transaction["fields"]
        card = {"merchant": transaction["merchant"], "number": fields["cardNumber"], "holder": fields["cardHolder"]}
        self.services.store.put(_TOKENS, token, card)
        return token

    def undo(self, transaction: Json, status: str) -> None:
        """Back to open, with a fresh timer; or to processing, the bank's SENT without a code."""
        now = self.services.clock.timestamp()
        self._move(transaction, status, now)
        transaction["fields"].update(_UNDECIDED)
        if status == "processing":
            transaction["fields"]["wireStatus"] = "SENT"
        elif transaction["invoice"]:
            self._start_timer(transaction, now)
        self.save(transaction)

    def _move(self, transaction: Json, status: str, at: float | None) -> None:
        moment = self.services.clock.timestamp() if at is None else at
        transaction["moves"].append({"at": iso(moment), "from": transaction["status"], "to": status})
        transaction["status"] = status
        transaction["finished"] = moment if status in ENDINGS else None
        self.services.timers.cancel("golomt", "expire", transaction["key"])

    def run_out(self, transaction: Json, due: float) -> None:
        """The page's timer."""
        if transaction["status"] == "open":
            self.expire(transaction, at=due)

    def expire(self, transaction: Json, *, at: float | None = None, push: bool = True) -> None:
        """What an inquiry says after the timer is not documented, so it is a setting."""
        if self.settings["expiry_answer"] == "905":
            self.finish(transaction, ENDINGS["expired"], at=at, push=push)
            return
        self._move(transaction, "expired", at)
        transaction["fields"].update(_UNDECIDED)
        self.save(transaction)

    def reverse(self, transaction: Json, reversed_now: bool) -> None:
        """A refund arranged with the bank: nothing but the settlement list ever tells of it."""
        if transaction["fields"]["errorCode"] != PAID_CODE:
            raise Refusal(f"transaction {transaction['id']} is not paid")
        transaction["reversed"] = self.services.clock.timestamp() if reversed_now else None
        self.save(transaction)

    # -- what tests may overwrite -----------------------------------------------------------------------

    def overwrite(self, transaction: Json, fields: Json) -> None:
        """Any field, to any text, without a push."""
        for name, value in fields.items():
            if name not in transaction["fields"]:
                raise Refusal(f"{name} cannot be overwritten; there are: {', '.join(transaction['fields'])}")
            if not isinstance(value, str) and (value is not None or name in ("amount", "callback", "returnType")):
                raise Refusal(f"{name} must be a text")
            if name == "callback" and not leads_somewhere(str(value)):
                raise Refusal("callback must be a URL")
        transaction["fields"].update(fields)
        self.save(transaction)

    def spoil_amount(self, transaction: Json, operation: str) -> None:
        """The fault that makes the bank name another amount from now on; there is no currency on the wire."""
        faults = self.services.faults
        for fault in faults.take("golomt", operation, transaction["id"], (CHANGED_AMOUNT,)):
            if fault.amount is not None:
                self.overwrite(transaction, {"amount": fault.amount["value"]})
