"""What tests order: a word says what buyer, bank or Stripe did to a session, whether a rule allows it or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django_payflow.simulators.host import Json, Refusal
from django_payflow.simulators.stripe.books import INTENTS, SESSIONS, Books
from django_payflow.simulators.stripe.cards import ACCOUNTS, CARDS, Instrument
from django_payflow.simulators.stripe.checkout import BUYER, Checkout
from django_payflow.simulators.stripe.disputes import Disputes
from django_payflow.simulators.stripe.events import Events
from django_payflow.simulators.stripe.money import Money

_GOOD = CARDS["4242424242424242"]
_BAD = CARDS["4000000000000002"]
_SECURE = CARDS["4000000000003220"]
_DEBIT = ACCOUNTS["AT611904300234573201"]


class Orders:
    """Each order loads and stores what it changes; ``word`` is one of ``words``."""

    def __init__(self, books: Books, events: Events, checkout: Checkout, money: Money, disputes: Disputes) -> None:
        self._books = books
        self._events = events
        self._checkout = checkout
        self._money = money
        self._disputes = disputes
        self._orders: Mapping[str, Callable[[Json], None]] = {
            "paid": self._paid,
            "authorized": self._authorized,
            "processing": self._processing,
            "declined": lambda session: self._try(session, _BAD),
            "failed": self._failed,
            "canceled": self._canceled,
            "expired": self._expired,
            "open": checkout.reopen,
            "held": self._held,
            # the provider's own words
            "complete": self._paid,
            "succeeded": self._paid,
            "requires_capture": self._authorized,
            "requires_payment_method": lambda session: self._try(session, _BAD),
            "requires_action": lambda session: self._try(session, _SECURE),
        }

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(self._orders)

    def carry_out(self, session: Json, word: object) -> None:
        if not isinstance(word, str) or word not in self._orders:
            raise Refusal(f"status must be one of: {', '.join(self.words)}")
        self._orders[str(word)](session)

    def tell_again(self, session: Json) -> list[str]:
        """A new event about the session as it is now."""
        if session["news"] is None:
            raise Refusal("nothing happened to this session yet that Stripe would tell of")
        return self._events.tell(session["news"], session)

    # -- the words --------------------------------------------------------------------------------------

    def _try(self, session: Json, instrument: Instrument) -> None:
        if session["body"]["status"] != "open":
            raise Refusal(f"the page is closed: the session is {session['body']['status']}")
        self._checkout.attempt(session, instrument, BUYER)

    def _paid(self, session: Json) -> None:
        """Also a late success. A review that is open is ended, a hold is captured."""
        intent = self._books.intent_of(session)
        status = None if intent is None else intent["body"]["status"]
        if intent is None or status not in ("succeeded", "requires_capture", "processing"):
            self._pay(session)
        elif status == "requires_capture":
            self._money.capture(intent)
        elif status == "processing":
            self._checkout.collect(session, intent)
        elif not self._disputes.end_review(intent):
            raise Refusal("the session is paid already")

    def _pay(self, session: Json) -> None:
        if session["body"]["payment_status"] == "no_payment_required":
            self._checkout.attempt(session, _GOOD, BUYER)
        else:
            self._checkout.pay(session, _GOOD, BUYER)

    def _authorized(self, session: Json) -> None:
        self._checkout.authorize(session, _GOOD, BUYER)

    def _processing(self, session: Json) -> None:
        self._checkout.process(session, _DEBIT, BUYER, timed=False)

    def _failed(self, session: Json) -> None:
        """For good: what a direct debit does that the bank refuses."""
        if session["body"]["status"] == "open":
            self._checkout.process(session, _DEBIT, BUYER, timed=False)
        self._checkout.fail(session)

    def _canceled(self, session: Json) -> None:
        """The PaymentIntent is canceled, made for it if need be, and an open session is closed."""
        intent = self._checkout.intent(session)
        self._money.cancel(intent, "requested_by_customer")
        if session["body"]["status"] == "open":
            self._checkout.expire(session)

    def _expired(self, session: Json) -> None:
        intent = self._books.intent_of(session)
        if intent is not None and intent["body"]["status"] == "requires_capture":
            self._money.lapse(intent)
        else:
            self._checkout.expire(session)

    def _held(self, session: Json) -> None:
        """Paid, and under review."""
        intent = self._books.intent_of(session)
        if intent is None or intent["body"]["status"] not in ("succeeded", "requires_capture"):
            self._pay(session)
        fresh = self._books.find(SESSIONS, session["id"]) or session
        intent = self._books.find(INTENTS, fresh["body"]["payment_intent"] or "")
        charge = None if intent is None else self._books.charge_of(intent)
        if intent is None or charge is None:
            raise Refusal("there is no charge that could be reviewed")
        self._disputes.review(intent, charge)
