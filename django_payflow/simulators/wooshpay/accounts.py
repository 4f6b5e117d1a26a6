"""Who asks: HTTP Basic with the secret key as the user's name. Any well-formed key is an account of its own."""

from __future__ import annotations

import base64
import binascii
import re
from typing import NamedTuple

from django_payflow.simulators.host import fingerprint
from django_payflow.simulators.wooshpay.answers import ApiError, plain_error

_SECRET = re.compile(r"sk_(?P<mode>test|live)_\w+", re.ASCII)
_PUBLISHABLE = re.compile(r"pk_(test|live)_\w+", re.ASCII)


class Account(NamedTuple):
    """``key`` is the fingerprint of the secret key; ``publishable`` is made from it and tells nothing about it."""

    id: str
    key: str
    livemode: bool
    publishable: str


def account_of_key(key: str) -> Account | None:
    match = _SECRET.fullmatch(key)
    if match is None:
        return None
    mark = fingerprint(key)
    digest = mark.rsplit("...", 1)[1]
    return Account(id=digest, key=mark, livemode=match["mode"] == "live", publishable=f"pk_{match['mode']}_{digest}")


def account_of(authorization: str) -> Account:
    """Raises 401 without a good key, and 403 for a publishable one (the 403 is a GUESS)."""
    scheme, _space, credentials = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise plain_error(401)
    key, colon, password = _decoded(credentials).partition(":")
    if _PUBLISHABLE.fullmatch(key):
        raise plain_error(403)
    account = account_of_key(key)
    if account is None or not colon or password:
        raise plain_error(401)
    return account


def _decoded(credentials: str) -> str:
    try:
        return base64.b64decode(credentials.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ApiError(401, "The credentials are not in base64.", code="unauthorized") from error
