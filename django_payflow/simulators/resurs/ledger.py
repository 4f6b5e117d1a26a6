"""The payments of all accounts: how they come to be, move from status to status, time out and tell the shop."""

from __future__ import annotations

import secrets
import uuid
from decimal import Decimal

from django_payflow.simulators.host import CHANGED_AMOUNT, Json, Services, fingerprint
from django_payflow.simulators.resurs import books
from django_payflow.simulators.resurs.accounts import Store
from django_payflow.simulators.resurs.amounts import COUNTRIES, in_words, rounded
from django_payflow.simulators.resurs.callbacks import Callbacks, with_seconds
from django_payflow.simulators.resurs.lines import with_total
from django_payflow.simulators.resurs.people import Outcome, outcome_of
from django_payflow.simulators.resurs.settings import Settings

PAYMENTS = "resurs.payments"
OPEN = "TASK_REDIRECTION_REQUIRED"
STATUSES = (OPEN, "INSPECTION", "SUPPLEMENTING_REQUIRED", "FROZEN", "ACCEPTED", "REJECTED")
REASONS = (
    "UNKNOWN",
    "TECHNICAL_ERROR",
    "CREDIT_DENIED",
    "PAYMENT_FROZEN",
    "TIMEOUT",
    "ABORTED_BY_CUSTOMER",
    "INSUFFICIENT_FUNDS",
    "CANCELED",
)
#: The shadow limit of every buyer, in whole units, unless the order is larger.
_CREDIT_LIMIT = 5000
#: Rejected payments are no longer available after about this time.
_GONE_AFTER = 30 * 86400


class Ledger:
    """Methods that take a payment change that document *and* store it."""

    def __init__(self, services: Services, settings: Settings, callbacks: Callbacks) -> None:
        self.services = services
        self.settings = settings
        self.callbacks = callbacks

    # -- finding ----------------------------------------------------------------------------------------

    def find(self, payment_id: str) -> Json | None:
        return self.services.store.get(PAYMENTS, payment_id.lower())

    def by_token(self, token: str) -> Json | None:
        """The payment of a gateway address."""
        found = self.services.store.find(PAYMENTS, lambda each: each["token"] == token)
        return found[0] if found else None

    def save(self, payment: Json) -> None:
        self.services.store.put(PAYMENTS, payment["id"], payment)

    def age(self, payment: Json) -> float:
        return self.services.clock.timestamp() - float(payment["created"])

    def is_gone(self, payment: Json) -> bool:
        """Old rejected payments answer 403."""
        now = self.services.clock.timestamp()
        return payment["status"] == "REJECTED" and now - float(payment["decided"]) > _GONE_AFTER

    # -- the life of a payment --------------------------------------------------------------------------

    def open(self, store: Store, fields: Json) -> Json:
        """``fields``: method, customer, reference, lines, options, metadata and credit limit, all checked."""
        now = self.services.clock.timestamp()
        payment: Json = {
            "id": str(uuid.uuid4()),
            "account": store.client_id,
            "key": fingerprint(store.client_id),
            "token": secrets.token_urlsafe(12),
            "created": now,
            "storeId": store.id,
            "country": store.country,
            "status": OPEN,
            "reason": None,
            "decided": now,
            "completed": False,
            "undecided": False,
            "awaited": None,
            "moves": [],
            "overwritten": {},
            "log": [],
        } | {name: fields[name] for name in ("method", "customer", "reference", "options", "metadata")}
        self.write_log(payment, books.CREATE, fields["lines"], now)
        total = books.sums_of(payment).total
        payment["application"] = {
            "id": str(uuid.uuid4()),
            "reference": secrets.randbelow(90000) + 10000,
            "requested": total if fields["creditLimit"] is None else fields["creditLimit"],
            "approved": max(_CREDIT_LIMIT, -(-total // 100)),
        }
        self.save(payment)
        self._land(payment, now)
        return payment

    def _land(self, payment: Json, now: float) -> None:
        """Most payments wait for the buyer; create may also end right where a signature would lead."""
        lands = self.settings["create_lands"]
        if lands == OPEN:
            due = now + payment["options"]["ttl"] * 60
            self.services.timers.set("resurs", "expire", payment["id"], due)
        elif lands == "government_id":
            self.sign(payment)
        else:
            person = outcome_of(payment["customer"].get("governmentId"), payment["country"])
            denied = "CREDIT_DENIED" if lands == "REJECTED" else None
            self._follow(payment, person if person.lands == lands else Outcome(lands, denied))

    def write_log(self, payment: Json, action: str, lines: list[Json], at: float, facts: Json | None = None) -> Json:
        """``facts``: transactionId and creator, where given. Newest last."""
        entry = {"actionId": str(uuid.uuid4()), "type": action, "created": with_seconds(at), "lines": lines}
        entry |= facts or {}
        payment["log"].append(entry)
        return entry

    def sign(self, payment: Json) -> None:
        """The buyer did his part; what comes of it depends on who he is and on what the shop can handle."""
        person = outcome_of(payment["customer"].get("governmentId"), payment["country"])
        self._follow(payment, self._bearable(payment, person))

    def _follow(self, payment: Json, outcome: Outcome) -> None:
        now = self.services.clock.timestamp()
        self.move(payment, outcome.lands, reason=outcome.reason, completed=True, at=now)
        if outcome.then is not None and outcome.seconds is not None:
            payment["awaited"] = {"status": outcome.then, "reason": outcome.reason}
            self.save(payment)
            self.services.timers.set("resurs", "awaited", payment["id"], now + outcome.seconds)

    def _bearable(self, payment: Json, outcome: Outcome) -> Outcome:
        """Test persons whose freeze ends need handleFrozenPayments, the one that stays frozen only minds a false.

        That a freeze becomes a rejection otherwise, and an inspection a denied credit, is a GUESS.
        """
        options = payment["options"]
        if outcome.lands == "FROZEN":
            handled = options["handleFrozenPayments"]
            if handled is False or (outcome.then is not None and not handled):
                return Outcome("REJECTED", "PAYMENT_FROZEN")
        if outcome.lands == "INSPECTION" and not options["handleManualInspection"]:
            return Outcome("REJECTED", "CREDIT_DENIED")
        return outcome

    def move(
        self,
        payment: Json,
        status: str,
        *,
        reason: str | None = None,
        completed: bool | None = None,
        at: float | None = None,
        webhook: bool = True,
        capture: bool = False,
    ) -> None:
        """Any status may follow any other: late and contradicting news are what shops must survive.

        ``completed`` is what tasks/status says from now on; left out it stays. ``capture``: an approval takes the
        money at once, whatever method and shop say.
        """
        moment = self.services.clock.timestamp() if at is None else at
        before = payment["status"]
        payment["moves"].append({"at": with_seconds(moment), "from": before, "to": status, "reason": reason})
        payment |= {"status": status, "reason": None, "undecided": False, "decided": moment, "awaited": None}
        for name in ("status", "rejectedReason"):
            payment["overwritten"].pop(name, None)
        if status == "REJECTED":
            payment["reason"] = reason or "UNKNOWN"
        if completed is not None:
            payment["completed"] = completed
        self._plan_what_follows(payment, moment)
        at_once = capture or payment["method"]["direct"] or payment["options"]["automaticCapture"]
        captured = bool(status == "ACCEPTED" and at_once and self._capture_all(payment, moment))
        self.save(payment)
        if webhook:
            self._tell(payment, before, captured, moment)

    def _plan_what_follows(self, payment: Json, moment: float) -> None:
        for job in ("expire", "awaited"):
            self.services.timers.cancel("resurs", job, payment["id"])
        if payment["status"] == OPEN:
            self.services.timers.set("resurs", "expire", payment["id"], moment + payment["options"]["ttl"] * 60)

    def _capture_all(self, payment: Json, moment: float) -> bool:
        """Direct methods never reserve; others do unless the shop asked for automatic capture."""
        if books.sums_of(payment).authorized:
            lines = books.left_over(payment, books.sums_of(payment).authorized, books.CREATE, books.MODIFY)
            self.write_log(payment, books.CAPTURE, lines, moment)
        return books.sums_of(payment).captured > 0

    def _tell(self, payment: Json, before: str, captured: bool, at: float) -> None:
        """The authorization callback has words of its own; an inspection is told as a credit application."""
        status = payment["status"]
        if status == "ACCEPTED":
            if before == "INSPECTION":
                self.callbacks.credit_application(payment, "CREDIT_APPROVED", at)
            self.callbacks.authorization(payment, "CAPTURED" if captured else "AUTHORIZED", at)
        elif status in ("FROZEN", "REJECTED"):
            self.callbacks.authorization(payment, status, at)
        elif status == "INSPECTION":
            self.callbacks.credit_application(payment, "INSPECTION", at)

    def tell_again(self, payment: Json) -> list[str]:
        """The authorization callback about the present state, none while the buyer has yet to act."""
        sums = books.sums_of(payment)
        words = {"FROZEN": "FROZEN", "REJECTED": "REJECTED", "INSPECTION": "INSPECTION"}
        words["ACCEPTED"] = "CAPTURED" if sums.captured and not sums.authorized else "AUTHORIZED"
        word = words.get(payment["status"])
        return self.callbacks.authorization(payment, word, self.services.clock.timestamp()) if word else []

    # -- what time brings -------------------------------------------------------------------------------

    def on_timer(self, job: str, payment: Json, due: float) -> None:
        if job == "expire" and payment["status"] == OPEN:
            webhook = bool(self.settings["timeout_callback"])
            self.move(payment, "REJECTED", reason="TIMEOUT", completed=False, at=due, webhook=webhook)
        elif job == "awaited" and payment["awaited"]:
            awaited = payment["awaited"]
            self.move(payment, awaited["status"], reason=awaited["reason"], at=due)

    # -- what tests may change --------------------------------------------------------------------------

    def revive(self, payment: Json) -> None:
        """Take back what cancelled the order, so that a success that nobody expects has money in it."""
        sums = books.sums_of(payment | {"status": "ACCEPTED", "undecided": False})
        if not sums.authorized and not sums.captured:
            payment["log"] = [entry for entry in payment["log"] if entry["type"] != books.CANCEL]

    def leave_undecided(self, payment: Json) -> None:
        """ACCEPTED, but no amount says so yet, and no callback."""
        self.move(payment, "ACCEPTED", completed=True, webhook=False)
        payment["undecided"] = True
        self.save(payment)

    def change_total(self, payment: Json, hundredths: int) -> None:
        """The order is over another amount from now on, and so is its capture, if all of it was captured."""
        sums = books.sums_of(payment)
        entries = [payment["log"][0]]
        if sums.captured and sums.captured == sums.total - sums.canceled:
            entries.append([entry for entry in payment["log"] if entry["type"] == books.CAPTURE][-1])
        for entry in entries:
            last = entry["lines"][-1]
            entry["lines"][-1] = with_total(last, last["total"] + hundredths - sums.total)
        self.save(payment)

    def spoil_amount(self, payment: Json, operation: str) -> None:
        """The fault that makes Resurs name another amount; another currency means a store in another country."""
        for fault in self.services.faults.take("resurs", operation, payment["id"], (CHANGED_AMOUNT,)):
            amount = fault.amount or {}
            self.change_total(payment, rounded(Decimal(amount["value"]) * 100))
            if amount["currency"] in COUNTRIES:
                payment["overwritten"]["countryCode"] = COUNTRIES[amount["currency"]]
                self.save(payment)

    def amount_in_words(self, payment: Json) -> str:
        return in_words(books.sums_of(payment).total, payment["country"])
