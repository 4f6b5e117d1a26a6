"""What becomes of a payment: attempts that succeed, fail or wait, the end of a session, the lapse of a hold."""

from __future__ import annotations

from collections.abc import Mapping

from django_payflow.simulators.host import Json, Refusal, iso
from django_payflow.simulators.wooshpay.events import Events
from django_payflow.simulators.wooshpay.ledger import CHARGES, Ledger, Payment, milliseconds
from django_payflow.simulators.wooshpay.methods import DECLINES

#: the words of the control verb ``status``, with what each does
WORDS: Mapping[str, str] = {
    "open": "nothing was tried yet, the page is open",
    "requires_payment_method": "the intent's own word, nothing else changes",
    "requires_confirmation": "the intent's own word, nothing else changes",
    "requires_action": "the buyer is sent to 3-D Secure or to a wallet",
    "processing": "the buyer is done, the bank has not decided yet",
    "authorized": "the money is reserved (requires_capture)",
    "requires_capture": "the same",
    "paid": "the money is there (succeeded)",
    "succeeded": "the same",
    "declined": "this attempt failed, the page stays open",
    "failed": "the attempt failed and the session is over",
    "canceled": "the intent was canceled",
    "expired": "the session expired; no event says so",
    "session_canceled": "the session has a status that only one integrator's code knows: canceled",
}
_NO_MONEY = {"amount_received": 0, "amount_capturable": 0}
_TIMERS = ("expire", "lapse", "late_success", "late_failure")


class Payments:
    """Methods change the documents of a payment, store them and tell the shop. ``webhook=False`` keeps silent."""

    def __init__(self, ledger: Ledger, events: Events) -> None:
        self.ledger = ledger
        self.events = events
        self._timers = ledger.services.timers
        self._clock = ledger.services.clock

    # -- attempts ---------------------------------------------------------------------------------------

    def pay(self, payment: Payment, method: str | None = None, *, webhook: bool = True) -> None:
        """The attempt succeeded: the money is there, or reserved if the shop captures by hand."""
        if payment.intent["fields"]["capture_method"] == "manual":
            self.authorize(payment, method, webhook=webhook)
        else:
            self.succeed(payment, method, webhook=webhook)

    def succeed(self, payment: Payment, method: str | None = None, *, webhook: bool = True) -> None:
        fields = payment.intent["fields"]
        self._attempted(payment, method)
        fields["amount_received"] = fields["amount"]
        self._charge(payment, "succeeded", captured=fields["amount"])
        self._move(payment, "succeeded", session="complete", payment_status="paid")
        if webhook:
            self.events.about_intent(payment, "payment_intent.succeeded")
            self.events.about_session(payment, "checkout.session.completed")

    def authorize(self, payment: Payment, method: str | None = None, *, webhook: bool = True) -> None:
        """No event is documented for this: a shop sees it by asking."""
        fields = payment.intent["fields"]
        self._attempted(payment, method)
        fields["amount_capturable"] = fields["amount"]
        self._charge(payment, "succeeded", captured=0)
        self._move(payment, "requires_capture", session="complete", payment_status="unpaid")
        due = self._clock.timestamp() + float(self.ledger.settings["hold_seconds"])
        self._timers.set("wooshpay", "lapse", payment.id, due)
        if webhook:
            self.events.about_session(payment, "checkout.session.completed")

    def decline(
        self, payment: Payment, code: str = "card_declined", method: str | None = None, *, webhook: bool = True
    ) -> None:
        """This attempt failed; the session stays open for another one."""
        self._fail(payment, code, method, session="open")
        if webhook:
            self.events.about_intent(payment, "payment_intent.payment_failed")

    def fail(self, payment: Payment, code: str = "payment_failed", *, webhook: bool = True) -> None:
        """The last attempt failed and there is no other: the session is over."""
        self._fail(payment, code, None, session="expired")
        if webhook:
            self.events.about_intent(payment, "payment_intent.payment_failed")

    def challenge(self, payment: Payment, method: str | None = None, *, webhook: bool = True) -> None:
        """3-D Secure or a wallet's page; where the real one leads is none of a shop's business with Checkout."""
        fields = payment.intent["fields"]
        self._attempted(payment, method)
        fields["next_action"] = {
            "type": "challenge_redirect",
            "challenge_redirect": {"url": f"{payment.session['base']}/challenge", "return_url": None},
        }
        self._move(payment, "requires_action", session="open", payment_status="unpaid")
        if webhook:
            self.events.about_intent(payment, "payment_intent.requires_action")

    def process(self, payment: Payment, method: str | None = None) -> None:
        """The session is complete and not paid, as an integrator met it with delayed methods; no event says so."""
        self._attempted(payment, method)
        self._move(payment, "processing", session="complete", payment_status="unpaid")

    def decide_later(self, payment: Payment, method: str, job: str) -> None:
        """A delayed method: processing now, ``late_success`` or ``late_failure`` on the simulated clock."""
        self.process(payment, method)
        due = self._clock.timestamp() + float(self.ledger.settings["delayed_seconds"])
        self._timers.set("wooshpay", job, payment.id, due)

    def fail_late(self, payment: Payment) -> None:
        left = self.ledger.settings["late_failure_leaves"]
        self._fail(payment, "payment_failed", None, session=left)
        self.events.about_intent(payment, "payment_intent.payment_failed")

    def _fail(self, payment: Payment, code: str, method: str | None, *, session: str) -> None:
        fields = payment.intent["fields"]
        self._attempted(payment, method)
        charge = self._charge(payment, "failed", captured=0, code=code)
        fields["payment_method"] = None
        fields["last_payment_error"] = {
            "type": "card_error" if payment.intent["method"] == "card" else "api_error",
            "code": code,
            "message": DECLINES[code],
            "charge": charge["id"],
        }
        self._move(payment, "requires_payment_method", session=session, payment_status="unpaid")

    def _attempted(self, payment: Payment, method: str | None) -> None:
        """Money never moves without a method: the session's first one if nobody chose."""
        chosen = method or payment.intent.get("method") or payment.session["fields"]["payment_method_types"][0]
        payment.intent["method"] = chosen
        fields = payment.intent["fields"]
        fields |= {"last_payment_error": None, "next_action": None} | _NO_MONEY
        fields["payment_method"] = fields["payment_method"] or self.ledger.new_id("pm")

    def _charge(self, payment: Payment, status: str, *, captured: int, code: str | None = None) -> Json:
        fields = payment.intent["fields"]
        document = {
            "id": self.ledger.new_id("ch"),
            "object": "charge",
            "created": self._clock.timestamp(),
            "fields": {
                "amount": fields["amount"],
                "amount_captured": captured,
                "amount_refunded": 0,
                "captured": captured > 0,
                "created": milliseconds(self._clock.timestamp()),
                "currency": fields["currency"],
                "disputed": False,
                "failure_code": code,
                "failure_message": None if code is None else DECLINES[code],
                "livemode": fields["livemode"],
                "metadata": fields["metadata"],
                "paid": status == "succeeded",
                "payment_intent": payment.intent["id"],
                "payment_method": fields["payment_method"],
                "payment_method_details": {"type": payment.intent["method"]},
                "refunded": False,
                "status": status,
            },
        }
        return self.ledger.record(CHARGES, payment, document)

    # -- ends -------------------------------------------------------------------------------------------

    def cancel(self, payment: Payment, reason: str | None = None, *, webhook: bool = True) -> None:
        """What was reserved is let go. A session that is still open ends with its intent (GUESS)."""
        session = payment.session["fields"]["status"]
        payment.intent["fields"] |= {"cancellation_reason": reason, "next_action": None} | _NO_MONEY
        self._move(payment, "canceled", session="expired" if session == "open" else session, payment_status="unpaid")
        if webhook:
            self.events.about_intent(payment, "payment_intent.canceled")

    def lapse(self, payment: Payment, *, webhook: bool = True) -> None:
        """Nobody captured in time: the money is free again, and the intent canceled. The reason is a GUESS."""
        self.cancel(payment, "automatic", webhook=webhook)

    def expire(self, payment: Payment, *, webhook: bool = True) -> None:
        """The session is over, the intent stays as it is (GUESS); no event is documented."""
        self._end_session(payment, "expired")
        if webhook:
            self.events.about_session(payment, "checkout.session.expired")

    def cancel_session(self, payment: Payment, *, webhook: bool = True) -> None:
        """A session with the status ``canceled``, against which one integrator guards."""
        self._end_session(payment, "canceled")
        if webhook:
            self.events.about_session(payment, "checkout.session.canceled")

    def _end_session(self, payment: Payment, session: str) -> None:
        status = payment.intent["fields"]["status"]
        if status in ("succeeded", "requires_capture", "processing"):  # only a test can go back behind these
            payment.intent["fields"] |= _NO_MONEY
            status = "requires_payment_method"
        self._move(payment, status, session=session, payment_status="unpaid")

    def capture(self, payment: Payment, minor: int, *, webhook: bool = True) -> None:
        """The rest is released; ``amount`` stays what was authorized, ``amount_received`` is what was captured."""
        payment.intent["fields"] |= {"amount_received": minor, "amount_capturable": 0}
        for charge in self.ledger.children(CHARGES, payment)[-1:]:
            charge["fields"] |= {"captured": True, "amount_captured": minor}
            self.ledger.services.store.put(CHARGES, charge["id"], charge)
        self._move(payment, "succeeded", session="complete", payment_status="paid")
        if webhook:
            self.events.about_intent(payment, "payment_intent.succeeded")

    def _move(self, payment: Payment, status: str, *, session: str, payment_status: str) -> None:
        now = self._clock.timestamp()
        before = payment.intent["fields"]["status"]
        payment.intent["fields"]["status"] = status
        payment.session["fields"] |= {"status": session, "payment_status": payment_status}
        payment.session["moves"].append({"at": iso(now), "from": before, "to": status, "session": session})
        for job in _TIMERS:
            self._timers.cancel("wooshpay", job, payment.id)
        if session == "open":
            self._timers.set("wooshpay", "expire", payment.id, payment.session["fields"]["expires_at"] / 1000)
        self.ledger.save(payment)

    # -- what tests command -----------------------------------------------------------------------------

    def set_word(self, payment: Payment, word: str, method: str | None, *, webhook: bool = True) -> None:
        """Any state may follow any other: late money and contradicting news are what shops must survive."""
        if word in ("paid", "succeeded"):
            self.succeed(payment, method, webhook=webhook)
        elif word in ("authorized", "requires_capture"):
            self.authorize(payment, method, webhook=webhook)
        elif word == "processing":
            self.process(payment, method)
        elif word == "requires_action":
            self.challenge(payment, method, webhook=webhook)
        elif word == "declined":
            self.decline(payment, method=method, webhook=webhook)
        elif word == "failed":
            self.fail(payment, webhook=webhook)
        elif word == "canceled":
            self.cancel(payment, webhook=webhook)
        elif word == "expired":
            self.expire(payment, webhook=webhook)
        elif word == "session_canceled":
            self.cancel_session(payment, webhook=webhook)
        else:
            self._set_raw(payment, "requires_payment_method" if word == "open" else word, fresh=word == "open")

    def _set_raw(self, payment: Payment, status: str, *, fresh: bool) -> None:
        payment.intent["fields"] |= {"next_action": None} | _NO_MONEY
        if fresh:
            payment.intent["fields"] |= {"last_payment_error": None, "payment_method": None}
            expires = payment.session["fields"]["expires_at"]
            now = milliseconds(self._clock.timestamp())
            payment.session["fields"]["expires_at"] = expires if expires > now else now + 86400_000
        session = "open" if fresh else payment.session["fields"]["status"]
        self._move(payment, status, session=session, payment_status="unpaid")

    # -- timers -----------------------------------------------------------------------------------------

    def on_timer(self, job: str, session_id: str) -> None:
        payment = self.ledger.find(session_id)
        if payment is None:
            return
        status = payment.intent["fields"]["status"]
        if job == "expire" and payment.session["fields"]["status"] == "open":
            self.expire(payment)
        elif job == "lapse" and status == "requires_capture":
            self.lapse(payment)
        elif job == "late_success" and status == "processing":
            self.pay(payment)
        elif job == "late_failure" and status == "processing":
            self.fail_late(payment)


def word_of(payment: Payment) -> str:
    """One word for where a payment stands, of those that the control verb takes."""
    status, session = payment.intent["fields"]["status"], payment.session["fields"]["status"]
    direct = {"succeeded": "paid", "requires_capture": "authorized", "processing": "processing"}
    if status in direct:
        return direct[status]
    if status == "canceled" or session == "canceled":
        return "canceled"
    if session != "open":
        return "failed" if payment.intent["fields"]["last_payment_error"] else "expired"
    return "requires_action" if status == "requires_action" else "open"


def checked_word(word: object) -> str:
    if not isinstance(word, str) or word not in WORDS:
        raise Refusal(f"status must be one of: {', '.join(WORDS)}")
    return str(word)
