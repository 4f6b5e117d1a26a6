"""A simulated account's switches: each with a default, what it may be, and what it means."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from django_payflow.simulators.host.seam import Refusal
from django_payflow.simulators.host.store import Json, Store


class Switch(NamedTuple):
    default: Any
    allowed: Callable[[Any], bool]
    meaning: str


class Switchboard(Mapping[str, Any]):
    """The present values of a provider's switches; those never touched have their defaults."""

    def __init__(self, store: Store, provider: str, switches: Mapping[str, Switch]) -> None:
        self._store = store
        self._kind = f"{provider}.settings"
        self._switches = switches

    def all(self) -> Json:
        changed = self._store.get(self._kind, "settings") or {}
        return {name: changed.get(name, switch.default) for name, switch in self._switches.items()}

    def __getitem__(self, name: str) -> Any:
        return self.all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._switches)

    def __len__(self) -> int:
        return len(self._switches)

    def change(self, wanted: Json) -> None:
        """All of them or, with a ``Refusal``, none."""
        for name, value in wanted.items():
            if name not in self._switches:
                raise Refusal(f"there is no setting {name}; there are: {', '.join(self._switches)}")
            if not self._switches[name].allowed(value):
                raise Refusal(f"{name} cannot be {value!r}: {self._switches[name].meaning}")
        with self._store.change():
            before = self._store.get(self._kind, "settings") or {}
            self._store.put(self._kind, "settings", before | wanted)
