"""Sessions and intents of all accounts: two documents that are one payment, made and found together."""

from __future__ import annotations

import secrets
from typing import NamedTuple

from django_payflow.simulators.host import CHANGED_AMOUNT, Json, Services
from django_payflow.simulators.wooshpay import methods
from django_payflow.simulators.wooshpay.accounts import Account
from django_payflow.simulators.wooshpay.amounts import minor_of
from django_payflow.simulators.wooshpay.settings import DAY, Settings

SESSIONS, INTENTS = "wooshpay.sessions", "wooshpay.intents"
CHARGES, REFUNDS, DISPUTES = "wooshpay.charges", "wooshpay.refunds", "wooshpay.disputes"


class Payment(NamedTuple):
    """``session`` and ``intent`` are the stored documents; what the API shows of them is under ``fields``."""

    session: Json
    intent: Json

    @property
    def id(self) -> str:
        return str(self.session["id"])

    @property
    def account(self) -> str:
        return str(self.session["account"])


def milliseconds(moment: float) -> int:
    return int(moment * 1000)


class Ledger:
    def __init__(self, services: Services, settings: Settings) -> None:
        self.services = services
        self.settings = settings
        self._last_number = 0

    # -- finding and keeping ----------------------------------------------------------------------------

    def find(self, session_id: str, account: Account | None = None) -> Payment | None:
        """A payment by its session; with ``account`` only if it belongs there."""
        session = self.services.store.get(SESSIONS, session_id)
        if session is None or (account is not None and session["account"] != account.id):
            return None
        intent = self.services.store.get(INTENTS, session["intent"])
        return None if intent is None else Payment(session, intent)

    def by_intent(self, intent_id: object, account: Account | None = None) -> Payment | None:
        intent = self.services.store.get(INTENTS, intent_id) if isinstance(intent_id, str) else None
        return None if intent is None else self.find(intent["session"], account)

    def save(self, payment: Payment) -> None:
        self.services.store.put(SESSIONS, payment.id, payment.session)
        self.services.store.put(INTENTS, payment.intent["id"], payment.intent)

    def children(self, kind: str, payment: Payment) -> list[Json]:
        """Charges, refunds or disputes of a payment, in the order of their making."""
        found = (self.services.store.get(kind, child) for child in payment.intent["children"].get(kind, ()))
        return [child for child in found if child is not None]

    def record(self, kind: str, payment: Payment, document: Json) -> Json:
        """Store a charge, refund or dispute and hang it under its payment."""
        document |= {"account": payment.account, "session": payment.id}
        self.services.store.put(kind, document["id"], document)
        payment.intent["children"].setdefault(kind, []).append(document["id"])
        self.save(payment)
        return document

    def age(self, payment: Payment) -> float:
        return self.services.clock.timestamp() - float(payment.session["created"])

    def new_id(self, prefix: str) -> str:
        """A prefix and 19 digits that rise with time, as the documented ones do."""
        with self.services.store.lock:
            number = milliseconds(self.services.clock.timestamp()) * 10**6 + secrets.randbelow(10**6)
            self._last_number = max(number, self._last_number + 1)
            return f"{prefix}_{self._last_number}"

    # -- the beginning ----------------------------------------------------------------------------------

    def open(self, account: Account, wanted: Json, base: str) -> Payment:
        """A session with its intent, which WooshPay makes at once. ``base`` is where the hosted pages are."""
        now = self.services.clock.timestamp()
        session_id, intent_id = self.new_id("cs"), self.new_id("pi")
        common: Json = {"account": account.id, "created": now}
        session: Json = {
            **common,
            "id": session_id,
            "key": account.key,
            "publishable": account.publishable,
            "base": base,
            "intent": intent_id,
            "chosen_types": wanted["payment_method_types"],
            "moves": [],
            "lines": [self._line(line, now) for line in wanted["lines"]],
            "fields": _session_fields(account, wanted, now),
        }
        intent: Json = {
            **common,
            "id": intent_id,
            "session": session_id,
            "children": {},
            "fields": self._intent_fields(account, wanted, intent_id, now),
        }
        payment = Payment(session, intent)
        self.save(payment)
        self.services.timers.set("wooshpay", "expire", session_id, session["fields"]["expires_at"] / 1000)
        return payment

    def _line(self, line: Json, now: float) -> Json:
        ids = {name: self.new_id(name) for name in ("li", "price", "prod")}
        return line | {"ids": ids, "created": milliseconds(now)}

    def _intent_fields(self, account: Account, wanted: Json, intent_id: str, now: float) -> Json:
        """That the session's own reference and metadata reach the intent is unproven, so a switch decides it."""
        data = wanted["intent"]
        shared = bool(self.settings["reference_on_intent"])
        return {
            "created": milliseconds(now),
            "livemode": account.livemode,
            "currency": wanted["lines"][0]["currency"],
            "amount": _total(wanted),
            "amount_received": 0,
            "amount_capturable": 0,
            "status": "requires_payment_method",
            "customer": wanted["customer"],
            "description": data["description"],
            "metadata": (wanted["metadata"] if shared else {}) | data["metadata"],
            "merchant_order_id": data["merchant_order_id"] or (wanted["client_reference_id"] if shared else None),
            "shipping": data["shipping"],
            "client_secret": f"{intent_id}_secret_SIM{secrets.token_hex(11)}",
            "last_payment_error": None,
            "next_action": None,
            "payment_method": None,
            "payment_method_types": methods.offered(wanted["payment_method_types"], ()),
            "payment_method_options": {"card": {"request_three_d_secure": "auto"}},
            "capture_method": data["capture_method"],
            "confirmation_method": "automatic",
            "receipt_email": None,
            "return_url": None,
            "statement_descriptor": None,
            "statement_descriptor_suffix": None,
            "cancel_at": None,
            "cancellation_reason": None,
            "3ds_status": None,
        }

    # -- wrong amounts on demand ------------------------------------------------------------------------

    def set_amount(self, payment: Payment, minor: int, currency: str) -> None:
        """From now on every answer names this amount; money that was received is renamed with it."""
        session, intent = payment.session["fields"], payment.intent["fields"]
        for fields, names in (
            (session, ("amount_total", "amount_subtotal")),
            (intent, ("amount", "amount_received", "amount_capturable")),
        ):
            fields["currency"] = currency.upper()
            fields.update({name: minor for name in names if fields[name] or name not in _ONLY_WHEN_MOVED})
        self.save(payment)

    def spoil_amount(self, payment: Payment, operation: str) -> None:
        """The fault that makes WooshPay name another amount from now on."""
        for fault in self.services.faults.take("wooshpay", operation, payment.id, (CHANGED_AMOUNT,)):
            if fault.amount is not None:
                currency = str(fault.amount["currency"])
                self.set_amount(payment, minor_of(str(fault.amount["value"]), currency), currency)


_ONLY_WHEN_MOVED = ("amount_received", "amount_capturable")


def _total(wanted: Json) -> int:
    return sum(line["unit_amount"] * line["quantity"] for line in wanted["lines"])


def _session_fields(account: Account, wanted: Json, now: float) -> Json:
    """A session lives for 24 hours."""
    return {
        "created": milliseconds(now),
        "livemode": account.livemode,
        "currency": wanted["lines"][0]["currency"],
        "customer": wanted["customer"] or "",
        "mode": "payment",
        "shipping": None,
        "status": "open",
        "cancel_url": wanted["cancel_url"],
        "success_url": wanted["success_url"],
        "client_reference_id": wanted["client_reference_id"],
        "customer_email": wanted["customer_email"],
        "metadata": wanted["metadata"],
        "payment_method_types": methods.offered(wanted["payment_method_types"], ()),
        "payment_status": "unpaid",
        "amount_subtotal": _total(wanted),
        "amount_total": _total(wanted),
        "billing_address_collection": wanted["billing_address_collection"],
        "expires_at": wanted["expires_at"] or milliseconds(now + DAY),
    }
