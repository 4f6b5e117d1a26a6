"""Money that moves after the payment: captures, releases, refunds and chargebacks."""

from __future__ import annotations

from decimal import Decimal

from django_payflow.simulators.host import Json, Refusal, iso
from django_payflow.simulators.mollie import methods
from django_payflow.simulators.mollie.amounts import amount, read_amount, value_of
from django_payflow.simulators.mollie.answers import ApiError
from django_payflow.simulators.mollie.ledger import Ledger, random_id

CAPTURES, REFUNDS, CHARGEBACKS = "mollie.captures", "mollie.refunds", "mollie.chargebacks"
CAPTURE_STATUSES = ("pending", "succeeded", "failed")
REFUND_STATUSES = ("queued", "pending", "processing", "refunded", "failed", "canceled")
_REFUND_NOTIFIES = ("processing", "refunded", "failed")
_REFUND_GONE = ("failed", "canceled")
_DUPLICATE_WINDOW = 3600


class Movements:
    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._store = ledger.services.store
        self._clock = ledger.services.clock
        self._timers = ledger.services.timers

    # -- sums -------------------------------------------------------------------------------------------

    def of(self, kind: str, payment: Json) -> list[Json]:
        """In the order of their making."""
        found = (self._store.get(kind, child) for child in payment["children"].get(kind, ()))
        return [child for child in found if child is not None]

    def captured(self, payment: Json, *statuses: str) -> Decimal:
        wanted = statuses or ("succeeded",)
        captures = (each for each in self.of(CAPTURES, payment) if each["status"] in wanted)
        return sum((value_of(each["amount"]) for each in captures), Decimal(0))

    def refunded(self, payment: Json) -> Decimal:
        """Queued and pending refunds count at once, failed and canceled ones no more: both a GUESS."""
        refunds = (each for each in self.of(REFUNDS, payment) if each["status"] not in _REFUND_GONE)
        return sum((value_of(each["amount"]) for each in refunds), Decimal(0))

    def charged_back(self, payment: Json, *, reversed_too: bool) -> Decimal:
        backs = (each for each in self.of(CHARGEBACKS, payment) if reversed_too or each["reversedAt"] is None)
        return sum((value_of(each["amount"]) for each in backs), Decimal(0))

    def received(self, payment: Json) -> Decimal:
        """What the merchant got: the captured sum, or all of it where nothing is captured by hand."""
        if self.captured(payment, "pending", "succeeded"):
            return self.captured(payment)
        return value_of(payment["fields"]["amount"]) if payment["fields"]["status"] == "paid" else Decimal(0)

    def remaining(self, payment: Json) -> Decimal:
        """What can still be refunded."""
        gone = self.refunded(payment) + self.charged_back(payment, reversed_too=False)
        return max(self.received(payment) - gone, Decimal(0))

    def remaining_amount(self, payment: Json) -> Json:
        return amount(payment["fields"]["amount"]["currency"], self.remaining(payment))

    # -- captures ---------------------------------------------------------------------------------------

    def capture(self, payment: Json, sent: Json, *, at: float | None = None) -> Json:
        """Fields and wording of these refusals are a GUESS; that they are 422 is not."""
        fields = payment["fields"]
        if fields["status"] != "authorized":
            raise ApiError(422, "Only an authorized payment can be captured.")
        reserved = self.captured(payment, "pending", "succeeded")
        open_part = value_of(fields["amount"]) - reserved
        wanted = open_part
        if sent.get("amount") is not None:
            wanted = self._same_currency(sent["amount"], fields)
        if wanted <= 0 or wanted > open_part:
            raise ApiError(422, "More than what is still authorized.", "amount.value")
        capture = self._record(CAPTURES, "cpt_", payment, wanted, sent, {"status": "pending"})
        lapsed = "captureBefore" in fields and fields["captureBefore"] <= self._clock.iso()
        due = (self._clock.timestamp() if at is None else at) + float(self.ledger.settings["capture_seconds"])
        self._timers.set("mollie", "capture_fails" if lapsed else "capture", capture["id"], due)
        return capture

    def _same_currency(self, sent: object, fields: Json) -> Decimal:
        number = read_amount(sent)
        if isinstance(sent, dict) and sent["currency"] != fields["amount"]["currency"]:
            raise ApiError(422, "The currency must be that of the payment.", "amount.currency")
        return number

    def settle_capture(self, capture: Json, status: str, *, at: float | None = None, webhook: bool = True) -> None:
        """The bank's answer to a capture; the payment's webhook fires on every change."""
        capture["status"] = status
        self._store.put(CAPTURES, capture["id"], capture)
        for job in ("capture", "capture_fails"):
            self._timers.cancel("mollie", job, capture["id"])
        payment = self.ledger.find(capture["payment"])
        if payment is None:
            return
        if status == "succeeded" and payment["fields"]["status"] == "authorized" and self._completes(payment):
            self.ledger.move(payment, "paid", at=at, webhook=False)
        if webhook:
            self.ledger.notify(payment)

    def _completes(self, payment: Json) -> bool:
        """Methods that allow several captures stay authorized until everything is captured."""
        if str(payment["fields"]["method"]) not in methods.MULTI_CAPTURE:
            return True
        return self.captured(payment) >= value_of(payment["fields"]["amount"])

    def fail_lapsed(self, capture: Json) -> None:
        """A capture that was tried after the hold had lapsed fails, and the payment with it."""
        self.settle_capture(capture, "failed", webhook=False)
        payment = self.ledger.find(capture["payment"])
        if payment is not None:
            self.ledger.move(payment, "failed")

    def release(self, payment: Json) -> None:
        """Asynchronous: the result comes by webhook."""
        if payment["fields"]["status"] != "authorized":
            raise ApiError(422, "The payment is not in the state authorized.")
        due = self._clock.timestamp() + float(self.ledger.settings["release_seconds"])
        self._timers.set("mollie", "release", payment["id"], due)

    def carry_out_release(self, payment: Json, at: float, *, webhook: bool = True) -> None:
        """What is still with the bank goes with the hold: undocumented, and the worst that could happen (a GUESS)."""
        if not self.ledger.settings["release_works"]:
            return
        for capture in self.of(CAPTURES, payment):
            if capture["status"] == "pending":
                self.settle_capture(capture, "failed", webhook=False)
        self.let_go(payment, at, "canceled", webhook=webhook)

    def let_go(self, payment: Json, at: float, otherwise: str, *, webhook: bool = True) -> None:
        """The authorization ends: paid if something was captured, else ``otherwise``."""
        if payment["fields"]["status"] != "authorized":
            return
        self.ledger.move(payment, "paid" if self.captured(payment) else otherwise, at=at, webhook=webhook)

    def by_hand(
        self, payment: Json, action: str, sent: Json | None = None, *, final: bool = True, webhook: bool = True
    ) -> None:
        """What a dashboard or a bank does, done at once: ``capture``, ``void`` or ``lapse``."""
        now = self._clock.timestamp()
        if payment["fields"]["status"] != "authorized":
            raise ApiError(422, f"Only an authorized payment can do this, this one is {payment['fields']['status']}.")
        if action == "lapse":
            self.let_go(payment, now, "expired", webhook=webhook)
        elif action == "void":
            self.carry_out_release(payment, now, webhook=webhook)
        else:
            capture = self.capture(payment, sent or {})
            self.settle_capture(capture, "succeeded", webhook=webhook)
            rest = self.ledger.find(payment["id"])
            if final and rest is not None:
                self.let_go(rest, now, "canceled", webhook=False)

    # -- refunds ----------------------------------------------------------------------------------------

    def refund(self, payment: Json, sent: Json, *, from_dashboard: bool = False) -> Json:
        fields = payment["fields"]
        if sent.get("amount") is None:
            raise ApiError(422, "The field is missing.", "amount")
        wanted = self._same_currency(sent["amount"], fields)
        if not from_dashboard:
            self._refuse_duplicate(payment, wanted)
        method = methods.known(fields["method"])
        if wanted <= 0 or wanted > self.remaining(payment) or (method and not method.refundable):
            raise ApiError(422, "This amount cannot be refunded.", "amount.value")
        refund = self._record(REFUNDS, "re_", payment, wanted, sent, {"status": "pending"})
        if self.ledger.settings["refund_starts"] == "queued":
            self.set_refund_status(refund, "queued", webhook=False)
        else:
            self._plan_refund(refund, self._clock.timestamp())
        return refund

    def _refuse_duplicate(self, payment: Json, wanted: Decimal) -> None:
        """The same amount again within an hour is a 409; that failed and canceled ones do not count is a GUESS."""
        since = self._clock.timestamp() - _DUPLICATE_WINDOW
        for earlier in self.of(REFUNDS, payment):
            same = value_of(earlier["amount"]) == wanted and earlier["status"] not in _REFUND_GONE
            if same and earlier["created"] > since:
                raise ApiError(409, "A refund of the same amount was made within the last hour.")

    def _plan_refund(self, refund: Json, moment: float) -> None:
        """pending -> processing after about two hours -> refunded; how long the bank takes then is a GUESS."""
        wait = {"pending": "refund_sent_after", "processing": "refund_done_after"}.get(refund["status"])
        if wait is None:
            self._timers.cancel("mollie", "refund", refund["id"])
        else:
            due = moment + float(self.ledger.settings[wait])
            self._timers.set("mollie", "refund", refund["id"], due)

    def set_refund_status(self, refund: Json, status: str, *, at: float | None = None, webhook: bool = True) -> None:
        refund["status"] = status
        self._store.put(REFUNDS, refund["id"], refund)
        self._plan_refund(refund, self._clock.timestamp() if at is None else at)
        payment = self.ledger.find(refund["payment"])
        if payment is not None and webhook and status in _REFUND_NOTIFIES:
            self.ledger.notify(payment)

    def cancel_refund(self, refund: Json) -> None:
        if refund["status"] not in ("queued", "pending"):
            raise ApiError(422, "The refund was sent to the bank already and cannot be canceled.")
        self.set_refund_status(refund, "canceled")

    def visible(self, refund: Json) -> bool:
        """A canceled refund is a 404 by the spec's text, although its status has a word for it."""
        return bool(refund["status"] != "canceled" or self.ledger.settings["canceled_refunds"] == "shown")

    # -- chargebacks ------------------------------------------------------------------------------------

    def charge_back(self, payment: Json, sent: Json, *, webhook: bool = True) -> Json:
        if payment["fields"]["status"] != "paid":
            raise Refusal("only a paid payment can be charged back")
        most = self.received(payment) - self.charged_back(payment, reversed_too=False)
        wanted = most
        if sent.get("amount") is not None:
            wanted = self._same_currency(sent["amount"], payment["fields"])
        if not 0 < wanted <= most:
            raise Refusal(f"{most} of this payment can be charged back")
        facts = {"reversedAt": None, "reason": {"code": "AC01", "description": "Account identifier incorrect"}}
        back = self._record(CHARGEBACKS, "chb_", payment, wanted, {}, facts)
        if webhook:
            self.ledger.notify(payment)
        return back

    def reverse(self, back: Json, *, webhook: bool = True) -> None:
        """That the classic webhook fires here too is a GUESS (the newer kind has chargeback.reversed)."""
        if back["reversedAt"] is not None:
            raise Refusal("this chargeback was reversed before")
        back["reversedAt"] = self._clock.iso()
        self._store.put(CHARGEBACKS, back["id"], back)
        payment = self.ledger.find(back["payment"])
        if payment is not None and webhook:
            self.ledger.notify(payment)

    # -- both -------------------------------------------------------------------------------------------

    def _record(self, kind: str, prefix: str, payment: Json, number: Decimal, sent: Json, facts: Json) -> Json:
        now = self._clock.timestamp()
        document: Json = {
            "id": random_id(prefix),
            "payment": payment["id"],
            "account": payment["account"],
            "mode": payment["fields"]["mode"],
            "created": now,
            "createdAt": iso(now),
            "amount": amount(payment["fields"]["amount"]["currency"], number),
            "description": sent.get("description") or payment["fields"]["description"],
            "metadata": sent.get("metadata"),
        } | facts
        self._store.put(kind, document["id"], document)
        payment["children"].setdefault(kind, []).append(document["id"])
        self.ledger.save(payment)
        return document

    def on_timer(self, job: str, subject: str, due: float) -> None:
        """Capture and refund timers; the payment's own are handled by their names in the simulator."""
        kind = REFUNDS if job == "refund" else CAPTURES
        document = self._store.get(kind, subject)
        if document is None:
            return
        if job == "capture":
            self.settle_capture(document, "succeeded", at=due)
        elif job == "capture_fails":
            self.fail_lapsed(document)
        elif job == "refund":
            following = {"pending": "processing", "processing": "refunded"}.get(document["status"])
            if following is not None:
                self.set_refund_status(document, following, at=due)
