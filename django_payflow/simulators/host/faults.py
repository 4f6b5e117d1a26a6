"""Faults on demand: what shall go wrong, how often, for which payment and which operation."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django_payflow.simulators.host.store import Json, Store

_DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,3})?")

WEBHOOK = "webhook"
ANY_CALL = "any"

#: Kinds for ``on: "webhook"``, with what each does.
WEBHOOK_KINDS: Mapping[str, str] = {
    "duplicate": "sent `copies` times (default 2), concurrently",
    "delay": "the first attempt waits `seconds` on the simulated clock (default 60)",
    "drop": "never sent, not even later; recorded as dropped",
    "reorder": "held back until a later webhook of the provider was attempted",
}
#: Kinds that answer instead of the operation: it is not done.
REFUSING_KINDS: Mapping[str, str] = {
    "5xx": "answer `status` (default 503), with Retry-After if `retry_after`; with `done` it is done all the same",
    "429": "answer 429, with Retry-After if `retry_after` is given",
    "not_found": "answer 404: for `times` calls, or while the object is younger than `seconds`",
}
#: Kinds that do the operation and spoil the answer.
SPOILING_KINDS: Mapping[str, str] = {
    "slow": "the answer waits `seconds` of real time (default 2)",
    "lost_answer": "the operation is done, then the connection is cut without an answer",
    "truncated": "full Content-Length, half of the body, then the connection is cut",
    "hang": "the answer drips, one byte every `seconds` of real time (default 1)",
}
#: The operation is done and, from now on, every answer names `amount`.
CHANGED_AMOUNT = "changed_amount"
CALL_KINDS: Mapping[str, str] = {
    **REFUSING_KINDS,
    **SPOILING_KINDS,
    CHANGED_AMOUNT: "answers name `amount` {currency, value} from now on",
}


class BadFault(ValueError):
    """The description of a fault does not fit; the message says what and why."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that goes wrong. ``times`` counts down; None means until it is removed."""

    id: str
    provider: str
    on: str
    kind: str
    times: int | None = None
    payment: str | None = None
    seconds: float | None = None
    status: int | None = None
    retry_after: int | None = None
    copies: int | None = None
    done: bool = False
    amount: Json | None = None

    def wants(self, provider: str, on: str, payment: str | None) -> bool:
        if self.provider != provider or self.payment not in (None, payment):
            return False
        return self.on == on or (self.on == ANY_CALL and on != WEBHOOK)


class Faults:
    """The list of faults, kept in the store. Taking one counts it down in the same change."""

    def __init__(self, store: Store) -> None:
        self._store = store
        #: provider -> its API operations; filled when simulators are mounted
        self.operations: dict[str, Sequence[str]] = {}
        #: provider -> webhook kinds only that provider knows (a bad signature, say)
        self.extra_kinds: dict[str, Mapping[str, str]] = {}

    def add(self, wanted: Mapping[str, Any]) -> Fault:
        fault = self._checked(wanted)
        self._store.put("faults", fault.id, asdict(fault))
        return fault

    def all(self) -> list[Fault]:
        return [Fault(**document) for document in self._store.find("faults")]

    def remove(self, fault_id: str) -> bool:
        with self._store.change():
            known = self._store.get("faults", fault_id) is not None
            self._store.delete("faults", fault_id)
            return known

    def clear(self) -> None:
        with self._store.change():
            for key in self._store.keys("faults"):
                self._store.delete("faults", key)

    def take(
        self,
        provider: str,
        on: str,
        payment: str | None,
        kinds: Mapping[str, str] | Sequence[str],
        *,
        age: float | None = None,
    ) -> list[Fault]:
        """The faults that strike now, counted down. ``age`` is the simulated age of the object in seconds."""
        with self._store.change():
            struck = [
                fault
                for fault in self.all()
                if fault.kind in kinds and fault.wants(provider, on, payment) and _window_open(fault, age)
            ]
            for fault in struck:
                self._count_down(fault)
            return struck

    def webhook_kinds(self, provider: str) -> Mapping[str, str]:
        return {**WEBHOOK_KINDS, **self.extra_kinds.get(provider, {})}

    def _count_down(self, fault: Fault) -> None:
        if fault.times is None:
            return
        if fault.times <= 1:
            self._store.delete("faults", fault.id)
        else:
            self._store.put("faults", fault.id, asdict(fault) | {"times": fault.times - 1})

    def _checked(self, wanted: Mapping[str, Any]) -> Fault:
        unknown = set(wanted) - set(Fault.__dataclass_fields__) | ({"id"} & set(wanted))
        if unknown:
            raise BadFault(f"unknown fields: {', '.join(sorted(unknown))}")
        provider, on, kind = (str(wanted.get(name)) for name in ("provider", "on", "kind"))
        if provider not in self.operations:
            raise BadFault(f"provider must be one of: {', '.join(self.operations)}")
        targets = (WEBHOOK, ANY_CALL, *self.operations[provider])
        if on not in targets:
            raise BadFault(f"on must be one of: {', '.join(targets)}")
        kinds = self.webhook_kinds(provider) if on == WEBHOOK else CALL_KINDS
        if kind not in kinds:
            raise BadFault(f"kind for {on} must be one of: {', '.join(kinds)}")
        _check_values(wanted)
        return Fault(id=f"flt_{secrets.token_hex(4)}", **wanted)


def _window_open(fault: Fault, age: float | None) -> bool:
    if fault.kind != "not_found" or fault.seconds is None:
        return True
    return age is not None and age < fault.seconds


def _check_values(wanted: Mapping[str, Any]) -> None:
    for name, lowest, highest in (
        ("times", 1, 10**6),
        ("copies", 2, 50),
        ("retry_after", 0, 86400),
        ("status", 500, 599),
    ):
        value = wanted.get(name)
        if value is not None and (type(value) is not int or not lowest <= value <= highest):
            raise BadFault(f"{name} must be a whole number from {lowest} to {highest}")
    seconds = wanted.get("seconds")
    if seconds is not None and (type(seconds) not in (int, float) or not 0 <= seconds <= 10**8):
        raise BadFault("seconds must be a number, zero or more")
    if not isinstance(wanted.get("payment"), str | None):
        raise BadFault("payment must be a payment id or null")
    if not isinstance(wanted.get("done", False), bool):
        raise BadFault("done must be true or false")
    if wanted["kind"] == CHANGED_AMOUNT:
        _check_amount(wanted.get("amount"))


def _check_amount(amount: object) -> None:
    if (
        not isinstance(amount, dict)
        or set(amount) != {"currency", "value"}
        or not all(isinstance(part, str) for part in amount.values())
        or not _DECIMAL.fullmatch(amount["value"])
    ):
        raise BadFault('changed_amount needs an amount: {"currency": "EUR", "value": "10.00"}')
