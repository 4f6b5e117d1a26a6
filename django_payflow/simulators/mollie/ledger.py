"""The payments of all accounts: how they come to be, move from status to status, expire and tell the shop."""

from __future__ import annotations

import json
import secrets
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from django_payflow.simulators.host import CHANGED_AMOUNT, Json, Refusal, Services, from_iso, iso
from django_payflow.simulators.mollie import methods
from django_payflow.simulators.mollie.outcomes import facts_of
from django_payflow.simulators.mollie.settings import Settings
from django_payflow.simulators.mollie.validation import capture_delay_seconds

PAYMENTS = "mollie.payments"
STATUSES = ("open", "pending", "authorized", "paid", "canceled", "expired", "failed")
FINAL = ("paid", "canceled", "expired", "failed")
#: Classic webhooks fire on these and never on open or pending (status page).
NOTIFIED = ("authorized", "paid", "canceled", "expired", "failed")
_STAMPS = {status: f"{status}At" for status in NOTIFIED}
#: As documented for the classic webhook; Host and Content-Length are the sender's.
_WEBHOOK_HEADERS = {
    "User-Agent": "Mollie HTTP client/1.0",
    "Content-Type": "application/x-www-form-urlencoded",
    "Accept": "*/*",
    "Accept-Encoding": "deflate, gzip",
}
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
#: "about 7 days" for Visa; what other methods give is a GUESS
_HOLD_SECONDS = 7 * 86400


def random_id(prefix: str, length: int = 22) -> str:
    """Ids have 22 characters since 2025, ten before."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(length))


class Account(NamedTuple):
    """Who asks: the key is the account. ``key`` is its fingerprint."""

    key: str
    id: str
    mode: str
    profile: str


class Ledger:
    """Methods that take a payment change that document *and* store it."""

    def __init__(self, services: Services, settings: Settings) -> None:
        self.services = services
        self.settings = settings

    # -- finding ----------------------------------------------------------------------------------------

    def find(self, payment_id: str, account: Account | None = None) -> Json | None:
        """A payment; with ``account`` only if it belongs there."""
        payment = self.services.store.get(PAYMENTS, payment_id)
        if payment is None or (account is not None and payment["account"] != account.id):
            return None
        return payment

    def by_token(self, token: str) -> Json | None:
        """The payment of a checkout address."""
        payment = self.find(f"tr_{token[:22]}")
        return payment if payment is not None and payment["token"] == token else None

    def save(self, payment: Json) -> None:
        self.services.store.put(PAYMENTS, payment["id"], payment)

    def age(self, payment: Json) -> float:
        return self.services.clock.timestamp() - float(payment["created"])

    # -- the life of a payment --------------------------------------------------------------------------

    def open(self, account: Account, fields: Json, offered: list[str]) -> Json:
        now = self.services.clock.timestamp()
        payment_id = random_id("tr_")
        payment: Json = {
            "id": payment_id,
            "account": account.id,
            "key": account.key,
            "token": payment_id[3:] + random_id("", 8),
            "created": now,
            "offered": offered,
            "moves": [],
            "children": {},
            "fields": {
                "mode": account.mode,
                "createdAt": iso(now),
                "status": "open",
                "method": offered[0] if len(offered) == 1 else None,
                "metadata": None,
                "profileId": account.profile,
            }
            | fields,
        }
        self._restart_expiry(payment, now)
        self.save(payment)
        return payment

    def _restart_expiry(self, payment: Json, since: float) -> None:
        """By method; a bank transfer with a due date waits until the day after it."""
        fields = payment["fields"]
        expires = since + methods.seconds_open(fields["method"])
        if fields.get("dueDate"):
            expires = from_iso(f"{fields['dueDate']}T00:00:00+00:00") + 86400
        fields["expiresAt"] = iso(expires)
        self.services.timers.set("mollie", "expire", payment["id"], expires)

    def choose_method(self, payment: Json, method: str | None) -> None:
        """The shopper chose on the hosted page, or the shop changed it."""
        payment["fields"]["method"] = method
        if payment["fields"]["status"] == "open":
            self._restart_expiry(payment, float(payment["created"]))
        self.save(payment)

    def move(
        self,
        payment: Json,
        status: str,
        *,
        at: float | None = None,
        webhook: bool = True,
    ) -> None:
        """Any status may follow any other: late money and contradicting news are what shops must survive.

        The webhook goes out as documented, not at all for open and pending; ``webhook=False`` suppresses it.
        """
        moment = self.services.clock.timestamp() if at is None else at
        fields = payment["fields"]
        payment["moves"].append({"at": iso(moment), "from": fields["status"], "to": status})
        if fields["method"] is None and status in ("pending", "authorized", "paid"):
            fields["method"] = (payment["offered"] or ["creditcard"])[0]  # money never moves without a method
        self._stamp(fields, status, moment)
        fields.update(facts_of(fields, status))
        self._plan_what_follows(payment, status, moment)
        self.save(payment)
        if webhook and status in NOTIFIED:
            self.notify(payment)

    def _stamp(self, fields: Json, status: str, moment: float) -> None:
        """Moments that do not apply are left out, not null. ``authorizedAt`` stays when money follows."""
        kept = ("authorizedAt", "details") if status in FINAL else ()
        for name in (*_STAMPS.values(), "expiresAt", "captureBefore", "isCancelable", "details"):
            if name not in kept:
                fields.pop(name, None)
        fields["status"] = status
        if status in _STAMPS:
            fields[_STAMPS[status]] = iso(moment)

    def _plan_what_follows(self, payment: Json, status: str, moment: float) -> None:
        timers, fields = self.services.timers, payment["fields"]
        for job in ("expire", "lapse", "release", "delayed_capture"):
            timers.cancel("mollie", job, payment["id"])
        if status == "open":
            self._restart_expiry(payment, moment)
        if status == "authorized":
            fields["captureBefore"] = iso(moment + _HOLD_SECONDS)
            timers.set("mollie", "lapse", payment["id"], moment + _HOLD_SECONDS)
            delay = capture_delay_seconds(fields.get("captureDelay"))
            if delay is not None:
                timers.set("mollie", "delayed_capture", payment["id"], moment + delay)

    def expire(self, payment: Json, due: float) -> None:
        if payment["fields"]["status"] == "open":
            self.move(payment, "expired", at=due)

    def notify(self, payment: Json) -> list[str]:
        """The classic webhook says one thing only: something happened to this id."""
        url = payment["fields"].get("webhookUrl")
        if not url:
            return []
        return self.services.deliveries.enqueue(
            provider="mollie",
            payment=payment["id"],
            url=str(url),
            headers=_WEBHOOK_HEADERS,
            body=f"id={payment['id']}",
        )

    # -- what tests may overwrite -----------------------------------------------------------------------

    def overwrite(self, payment: Json, fields: Json) -> None:
        """Any stored field, to any value, without a webhook. null removes an optional one."""
        _check_overwriting(fields)
        for name, value in fields.items():
            if value is None and name not in _NULLABLE:
                payment["fields"].pop(name, None)
            else:
                payment["fields"][name] = value
        if payment["fields"]["status"] == "open" and "expiresAt" in fields:
            self.services.timers.set("mollie", "expire", payment["id"], from_iso(payment["fields"]["expiresAt"]))
        self.save(payment)

    def spoil_amount(self, payment: Json, operation: str) -> None:
        """The fault that makes Mollie name another amount from now on."""
        for fault in self.services.faults.take("mollie", operation, payment["id"], (CHANGED_AMOUNT,)):
            self.overwrite(payment, {"amount": fault.amount})


_NULLABLE = ("method", "metadata", "details", "redirectUrl", "webhookUrl", "cancelUrl")
_FIXED = ("id", "resource", "_links", "_embedded")
_NEEDED = ("amount", "status", "description", "mode", "createdAt", "profileId", "sequenceType")


def _check_overwriting(fields: Json) -> None:
    """Refuses only what would leave a payment that cannot be shown."""
    try:
        json.dumps(fields, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise Refusal("a text has half a surrogate pair, which cannot be sent") from error
    for name, value in fields.items():
        if name in _FIXED or (value is None and name in _NEEDED):
            raise Refusal(f"{name} cannot be overwritten like this")
        if name.endswith("At"):
            _check_moment(name, value)
        if name == "dueDate" and value is not None:
            _check_moment(name, f"{value}T00:00:00+00:00")
    if "amount" in fields:
        _check_amount(fields["amount"])


def _check_moment(name: str, value: object) -> None:
    try:
        from_iso(str(value))
    except ValueError as error:
        raise Refusal(f"{name} must be a moment in ISO 8601") from error


def _check_amount(sent: object) -> None:
    try:
        if isinstance(sent, dict) and isinstance(sent["currency"], str) and Decimal(sent["value"]).is_finite():
            return
    except (KeyError, TypeError, InvalidOperation):
        pass
    raise Refusal('an amount is {"currency": "EUR", "value": "10.00"}')
