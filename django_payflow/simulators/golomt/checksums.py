"""The bank's checksum: HMAC-SHA256 over values glued together without a separator, in lower-case hex.

The message is UTF-8 of the values exactly as they stand in the JSON strings; null counts as nothing.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Mapping, Sequence

from django_payflow.simulators.host import Json

#: operation -> fields of the request, in the order of the message (the checksum page, and the page of each call)
REQUESTS: Mapping[str, Sequence[str]] = {
    "invoice": ("transactionId", "amount", "returnType", "callback"),
    "inquiry": ("transactionId", "transactionId"),
    "check": ("transactionId", "transactionId"),
    "get_token": ("transactionId", "transactionId"),
    "pay": ("amount", "transactionId", "token"),  # the amount first, only here
    # The page prints "+ amount", but this request has none.
    "confirmation": ("transactionId", "returnType", "callback"),
    "settlements": ("merchantId", "token"),
}
#: operation -> fields of its answer; a token that is not there is left out of the message
ANSWERS: Mapping[str, Sequence[str]] = {
    "invoice": ("invoice", "transactionId"),
    "confirmation": ("invoice", "transactionId"),
    "inquiry": ("transactionId", "errorCode", "amount", "token"),
    "check": ("transactionId", "errorCode", "amount", "token"),
    "get_token": ("transactionId", "token"),
    "pay": ("transactionId", "errorCode", "amount"),
    "push": ("transactionId", "errorCode", "amount", "token"),
}
#: What can be made wrong with an answer or a push, with what each does.
SPOILINGS: Mapping[str, str] = {
    "bad_signature": "the checksum of another body",
    "other_secret": "the checksum is made with a key that no merchant has",
    "unsigned": "the checksum is left out",
    "tampered": "the amount is changed after the checksum was made",
}
_NOBODYS_SECRET = "a key that no merchant has"  # noqa: S105 - a secret of nothing


def checksum(secret: str, message: str) -> str:
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


def message_of(fields: Mapping[str, object], names: Sequence[str]) -> str:
    """What is hashed; null and missing values leave no trace, which makes some messages ambiguous."""
    values = [fields.get(name) for name in names]
    return "".join(str(value) for value in values if value is not None)


def is_right(secret: str, operation: str, sent: Json) -> bool:
    """Whether a request carries its checksum, to the letter: upper-case hex is wrong."""
    expected = checksum(secret, message_of(sent, REQUESTS[operation]))
    return hmac.compare_digest(expected.encode(), str(sent["checksum"]).encode())


def seal(secret: str, what: str, body: Json, spoilt: Collection[str] = ()) -> Json:
    """``body`` with its checksum, in the place where the key ``checksum`` stands; ``spoilt`` as in SPOILINGS."""
    signed = body | {"transactionId": f"{body['transactionId']}0"} if "bad_signature" in spoilt else body
    key = _NOBODYS_SECRET if "other_secret" in spoilt else secret
    sealed = body | {"checksum": checksum(key, message_of(signed, ANSWERS[what]))}
    if "tampered" in spoilt and "amount" in sealed:
        sealed["amount"] = f"1{sealed['amount']}"
    if "unsigned" in spoilt:
        del sealed["checksum"]
    return sealed
