"""The bank's merchants: a bearer token that says who asks, and a key for the checksums."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from django_payflow.simulators.golomt.settings import Settings, is_push_url
from django_payflow.simulators.host import Json, Refusal, Store, fingerprint

DEFAULT = "default"
_KIND = "golomt.merchants"
#: Fixed and documented, so that a shop can be set up without asking; worth nothing anywhere else.
_FIRST: Json = {
    "name": DEFAULT,
    "secret": "sim-golomt-secret",
    "bearer": "sim-golomt-token",
    "merchant_id": "000000000087050",
    "push_url": None,
}
_NAME = re.compile(r"[A-Za-z0-9-]{1,40}")


@dataclass(frozen=True, kw_only=True)
class Merchant:
    name: str
    secret: str = field(repr=False)
    bearer: str = field(repr=False)
    merchant_id: str
    push_url: str | None

    @property
    def key(self) -> str:
        """Names the bearer token without giving it away."""
        return fingerprint(self.bearer)


class Merchants:
    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings

    def all(self) -> list[Merchant]:
        added = {each["name"]: each for each in self._store.find(_KIND)}
        return [self._merchant(each) for each in ({DEFAULT: _FIRST} | added).values()]

    def _merchant(self, stored: Json) -> Merchant:
        url = self._settings["push_url"] if stored["name"] == DEFAULT else stored["push_url"]
        return Merchant(**stored | {"push_url": url})

    def named(self, name: str) -> Merchant:
        return next(each for each in self.all() if each.name == name)

    def of_bearer(self, authorization: str | None) -> Merchant | None:
        """``Bearer``, one space, the token. Anything else is nobody."""
        return next((each for each in self.all() if authorization == f"Bearer {each.bearer}"), None)

    def put(self, wanted: Json) -> Merchant:
        """Add a merchant, or change one: its secret or bearer, say. What is not named stays."""
        name = wanted.get("name")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise Refusal("name must be 1 to 40 letters, digits and hyphens")
        with self._store.change():
            known = {each.name: each for each in self.all()}
            before = _stored(known[name]) if name in known else {"merchant_id": "000000000087051", "push_url": None}
            after = before | wanted
            _check(after)
            if any(each.bearer == after["bearer"] and each.name != name for each in known.values()):
                raise Refusal("another merchant has this bearer token")
            self._store.put(_KIND, name, after)
        if name == DEFAULT and "push_url" in wanted:
            self._settings.change({"push_url": wanted["push_url"]})
        return self.named(name)


def _stored(merchant: Merchant) -> Json:
    return {name: getattr(merchant, name) for name in _FIRST}


def _check(wanted: Json) -> None:
    for name in ("secret", "bearer", "merchant_id"):
        value: Any = wanted.get(name)
        if not isinstance(value, str) or not value.strip() or not value.isascii():
            raise Refusal(f"{name} must be a text in ASCII that is not empty")
    if not is_push_url(wanted["push_url"]):
        raise Refusal("push_url must be an http or https address, or null")
