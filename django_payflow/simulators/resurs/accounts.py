"""Who may ask: clients with their secrets, the stores that belong to them, and the access tokens they were given."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from typing import NamedTuple

from django_payflow.simulators.host import Json, Refusal, Services, fingerprint
from django_payflow.simulators.resurs.amounts import CURRENCIES
from django_payflow.simulators.resurs.answers import ApiError, TokenError
from django_payflow.simulators.resurs.settings import Settings

CLIENT_ID = "sim-resurs-client"
CLIENT_SECRET = "sim-resurs-secret"  # noqa: S105 - a simulator's, published
#: Live has only the first; the test environment knows both. Whatever the scope, the simulator answers the same.
SCOPES = ("merchant-api", "mock-merchant-api")
_ACCOUNTS, _TOKENS = "resurs.accounts", "resurs.tokens"


class Store(NamedTuple):
    """A shop's place at Resurs. Its country decides the currency of everything in it."""

    id: str
    number: int
    country: str
    name: str
    client_id: str

    def shape(self) -> Json:
        return {
            "id": self.id,
            "nationalStoreId": self.number,
            "countryCode": self.country,
            "name": self.name,
            "organizationNumber": "5560000000",
        }


#: The stores of the default client; the ids are fixed, so that shops can configure them.
STORES = (
    Store("b7f88ac4-0000-4000-8000-0000000000a1", 107, "SE", "Simbutiken", CLIENT_ID),
    Store("b7f88ac4-0000-4000-8000-0000000000a2", 108, "NO", "Simbutikken", CLIENT_ID),
    Store("b7f88ac4-0000-4000-8000-0000000000a3", 109, "FI", "Simkauppa", CLIENT_ID),
    Store("b7f88ac4-0000-4000-8000-0000000000a4", 110, "DK", "Simforretningen", CLIENT_ID),
)


class Accounts:
    def __init__(self, services: Services, settings: Settings) -> None:
        self._store = services.store
        self._clock = services.clock
        self._settings = settings

    # -- clients and stores -----------------------------------------------------------------------------

    def all(self) -> list[Json]:
        """The default client first, then those added by the control API."""
        first = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "stores": [list(each) for each in STORES]}
        return [first, *self._store.find(_ACCOUNTS)]

    def add(self, client_id: str, client_secret: str, country: str, name: str) -> Json:
        """A client with one store. Adding a client again changes its secret and keeps its store."""
        if client_id == CLIENT_ID:
            raise Refusal(f"{CLIENT_ID} is there already, and fixed")
        if country not in CURRENCIES:
            raise Refusal(f"country must be one of: {', '.join(CURRENCIES)}")
        before = self._store.get(_ACCOUNTS, client_id)
        number = 200 + len(self._store.keys(_ACCOUNTS))
        store_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"resurs-store:{client_id}"))
        stores = before["stores"] if before else [[store_id, number, country, name, client_id]]
        account = {"client_id": client_id, "client_secret": client_secret, "stores": stores}
        self._store.put(_ACCOUNTS, client_id, account)
        return account

    def stores(self, client_id: str | None = None) -> list[Store]:
        """Of one client, or of all."""
        accounts = (each for each in self.all() if client_id in (None, each["client_id"]))
        return [Store(*store) for account in accounts for store in account["stores"]]

    def store(self, store_id: str, client_id: str) -> Store:
        """Raises 404 for a store nobody has, 403 for somebody else's."""
        for store in self.stores():
            if store.id == store_id.lower():
                if store.client_id != client_id:
                    raise ApiError(403, "The store belongs to other credentials")
                return store
        raise ApiError(404, f"There is no store {store_id}")

    # -- tokens -----------------------------------------------------------------------------------------

    def issue(self, sent: Json) -> Json:
        """The token endpoint: who asks comes first, then what for. All statuses are a GUESS (RFC 6749)."""
        secret = next((a["client_secret"] for a in self.all() if a["client_id"] == sent.get("client_id")), None)
        if secret is None or sent.get("client_secret") != secret:
            raise TokenError(401, "invalid_client", "Client authentication failed")
        if sent.get("grant_type") != "client_credentials":
            raise TokenError(400, "unsupported_grant_type", "The grant type must be client_credentials")
        if sent.get("scope") not in SCOPES:
            raise TokenError(400, "invalid_scope", f"The scope must be one of {', '.join(SCOPES)}")
        lifetime = int(self._settings["token_seconds"])
        token = secrets.token_urlsafe(32)
        now = self._clock.timestamp()
        with self._store.change():
            self._forget_expired(now)
            self._store.put(_TOKENS, token, {"client_id": sent["client_id"], "expires": now + lifetime})
        return {"access_token": token, "token_type": "Bearer", "expires_in": lifetime}

    def _forget_expired(self, now: float) -> None:
        """Some clients fetch a token for every call."""
        for token in self._store.keys(_TOKENS, lambda each: each["expires"] <= now):
            self._store.delete(_TOKENS, token)

    def client_of(self, authorization: str) -> str:
        """The client id behind a bearer token. Raises 401."""
        scheme, _space, token = authorization.partition(" ")
        known = self._store.get(_TOKENS, token.strip()) if scheme.lower() == "bearer" else None
        if known is None or known["expires"] <= self._clock.timestamp():
            raise ApiError(401, "The access token is missing, unknown or expired")
        return str(known["client_id"])

    def revoke(self, client_id: str | None) -> int:
        """Forget the tokens of one client, or of all; says how many."""
        with self._store.change():
            found = self._store.keys(_TOKENS, lambda each: client_id in (None, each["client_id"]))
            for token in found:
                self._store.delete(_TOKENS, token)
        return len(found)

    def shown(self) -> Sequence[Json]:
        return [
            {
                "client_id": account["client_id"],
                "key": fingerprint(account["client_id"]),
                "stores": [Store(*store).shape() for store in account["stores"]],
            }
            for account in self.all()
        ]
