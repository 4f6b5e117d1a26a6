"""Webhook endpoints with their secrets, and the signature that every attempt carries afresh."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from django_payflow.simulators.host import Json
from django_payflow.simulators.stripe.answers import random_id, refused
from django_payflow.simulators.stripe.books import ENDPOINTS, Account, Books

#: The secret before a rotation is good for this long, unless the rotation says otherwise.
OLD_SECRET_SECONDS = 24 * 3600
MOST_ENDPOINTS = 16
SIGNATURE_FAULTS: Mapping[str, str] = {
    "bad_signature": "signed, but for another body",
    "old_timestamp": "signed 10 minutes ago, as a replay would be",
    "unsigned": "no Stripe-Signature header",
    "unknown_scheme": "a v0 signature only",
    "other_secret": "signed with a secret that is not the endpoint's",
}


def new_secret() -> str:
    return random_id("whsec_", 32)


def signature(secret: str, moment: int, body: bytes) -> str:
    """Hex of HMAC-SHA256 over time, dot and body; the key is the whole secret, prefix included."""
    return hmac.new(secret.encode(), b"%d." % moment + body, hashlib.sha256).hexdigest()


class Endpoints:
    def __init__(self, books: Books) -> None:
        self._books = books

    def register(self, account: Account, body: Json, secret: str) -> Json:
        """``body`` is the object without what every endpoint has."""
        mine = self._books.keys(
            ENDPOINTS, lambda document: document["account"] == account.id and not document["deleted"]
        )
        if len(mine) >= MOST_ENDPOINTS:
            raise refused(f"You have reached the maximum of {MOST_ENDPOINTS} webhook endpoints.")
        endpoint: Json = {
            "id": random_id("we_1"),
            "object": "webhook_endpoint",
            "api_version": None,
            "application": None,
            "created": self._books.now,
            "description": None,
            "enabled_events": ["*"],
            "livemode": account.live,
            "metadata": {},
            "status": "enabled",
        } | body
        owner = {"account": account.id, "key": account.key, "live": account.live, "session": ""}
        return self._books.add(
            ENDPOINTS, endpoint, owner=owner, deleted=False, secrets=[{"secret": secret, "until": None}]
        )

    def rotate(self, endpoint: Json, secret: str, old_lives: float) -> None:
        """A new secret; those before it stay good for ``old_lives`` simulated seconds more at most."""
        until = self._books.services.clock.timestamp() + old_lives
        for each in endpoint["secrets"]:
            each["until"] = until if each["until"] is None else min(each["until"], until)
        endpoint["secrets"].insert(0, {"secret": secret, "until": None})
        self._books.save(ENDPOINTS, endpoint)

    def active_secrets(self, endpoint: Json) -> list[str]:
        """Newest first."""
        now = self._books.services.clock.timestamp()
        return [each["secret"] for each in endpoint["secrets"] if each["until"] is None or each["until"] > now]

    def sign(self, delivery: Json) -> Mapping[str, str]:
        """One v1 for every secret that is good now. Endpoints that were deleted meanwhile sign as before."""
        endpoint = self._books.services.store.get(ENDPOINTS, delivery["facts"]["endpoint"])
        faults = set(delivery["faults"])
        if endpoint is None or "unsigned" in faults:
            return {}
        moment = int(self._books.services.clock.signing_time())
        body = str(delivery["body"]).encode()
        if "old_timestamp" in faults:
            moment -= 600
        if "bad_signature" in faults:
            body += b" "
        secrets = self.active_secrets(endpoint)
        if "other_secret" in faults:
            secrets = ["whsec_of_somebody_else"]
        parts = [f"v1={signature(secret, moment, body)}" for secret in secrets]
        noise = f"v0={signature('v0', moment, body)}"
        if "unknown_scheme" in faults:
            parts = [noise]
        elif not delivery["facts"]["live"] and self._books.settings["v0_signatures"]:
            parts.append(noise)
        return {"Stripe-Signature": ",".join([f"t={moment}", *parts])}
