"""All objects of all accounts. A document holds what the API shows as ``body``, and beside it what only we know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from django_payflow.simulators.host import Json, Services
from django_payflow.simulators.stripe.answers import missing
from django_payflow.simulators.stripe.settings import Settings

SESSIONS = "stripe.sessions"
INTENTS = "stripe.payment_intents"
CHARGES = "stripe.charges"
REFUNDS = "stripe.refunds"
DISPUTES = "stripe.disputes"
EVENTS = "stripe.events"
ENDPOINTS = "stripe.webhook_endpoints"
METHODS = "stripe.payment_methods"
REVIEWS = "stripe.reviews"
TRANSACTIONS = "stripe.balance_transactions"

#: The word in "No such ...".
_WORDS: Mapping[str, str] = {
    SESSIONS: "checkout.session",
    INTENTS: "payment_intent",
    CHARGES: "charge",
    REFUNDS: "refund",
    DISPUTES: "dispute",
    EVENTS: "event",
    ENDPOINTS: "webhook endpoint",
    REVIEWS: "review",
}
#: The parameter that a 404 names; ``intent`` is a recorded oddity, the others are ``id``.
_PARAMS: Mapping[str, str] = {INTENTS: "intent"}


class Account(NamedTuple):
    """Who asks: the key is the account. ``key`` is its fingerprint."""

    key: str
    id: str
    live: bool
    restricted: bool = False


class Books:
    """Finding and keeping documents; what they mean is written elsewhere."""

    def __init__(self, services: Services, settings: Settings) -> None:
        self.services = services
        self.settings = settings
        self._store = services.store

    @property
    def now(self) -> int:
        """Whole seconds, as all times of the API are."""
        return int(self.services.clock.timestamp())

    def find(self, kind: str, object_id: str, account: Account | None = None) -> Json | None:
        """A document; with ``account`` only if it belongs there."""
        document = self._store.get(kind, object_id)
        if document is None or document.get("deleted") or (account is not None and document["account"] != account.id):
            return None
        return document

    def need(self, kind: str, object_id: str, account: Account) -> Json:
        """The same, or a 404."""
        document = self.find(kind, object_id, account)
        if document is None:
            raise missing(_WORDS[kind], object_id, _PARAMS.get(kind, "id"))
        return document

    def anything(self, object_id: str) -> Json | None:
        """Whatever belongs to a session and has this id."""
        kinds = (SESSIONS, INTENTS, CHARGES, REFUNDS, DISPUTES, EVENTS, REVIEWS)
        return next((found for kind in kinds if (found := self.find(kind, object_id))), None)

    def add(self, kind: str, body: Json, *, owner: Json, **facts: object) -> Json:
        """Keep a new object that belongs to the account and the session of ``owner``."""
        document = {
            "id": body["id"],
            "account": owner["account"],
            "key": owner["key"],
            "live": owner["live"],
            "session": owner["session"],
            "created": self.services.clock.timestamp(),
            "body": body,
            **facts,
        }
        self.save(kind, document)
        return document

    def save(self, kind: str, document: Json) -> None:
        self._store.put(kind, document["id"], document)

    def all(self, kind: str, where: Callable[[Json], bool] | None = None) -> list[Json]:
        """Documents in the order of their making."""
        return self._store.find(kind, where)

    def keys(self, kind: str, where: Callable[[Json], bool]) -> list[str]:
        return self._store.keys(kind, where)

    # -- from one object to another ---------------------------------------------------------------------

    def intent_of(self, session: Json) -> Json | None:
        intent_id = session["body"]["payment_intent"]
        return None if intent_id is None else self.find(INTENTS, intent_id)

    def charge_of(self, intent: Json) -> Json | None:
        """The latest one."""
        charge_id = intent["body"]["latest_charge"]
        return None if charge_id is None else self.find(CHARGES, charge_id)

    def session_of(self, document: Json) -> Json:
        session = self.find(SESSIONS, document["session"])
        if session is None:
            raise LookupError(f"{document['id']} belongs to no session")
        return session

    def of_charge(self, kind: str, charge: Json) -> list[Json]:
        """Refunds or disputes of a charge, oldest first."""
        return self.all(kind, lambda document: document["body"]["charge"] == charge["id"])
