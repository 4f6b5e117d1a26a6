"""What a simulator gets from the host, and what the host asks of a simulator. Nothing else passes between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from flask import Blueprint, Flask

from django_payflow.simulators.host.agenda import Timers
from django_payflow.simulators.host.calls import Calls
from django_payflow.simulators.host.clock import Clock
from django_payflow.simulators.host.delivery import Deliveries
from django_payflow.simulators.host.faults import Faults
from django_payflow.simulators.host.sender import WebhookPolicy
from django_payflow.simulators.host.store import Json, Store


@dataclass(frozen=True, kw_only=True)
class Services:
    """The host's part, one set per running process; simulators keep their documents in ``store``."""

    store: Store
    clock: Clock
    timers: Timers
    deliveries: Deliveries
    faults: Faults
    calls: Calls


@dataclass(frozen=True, kw_only=True)
class PanelRow:
    """One payment as the panel shows it."""

    id: str
    status: str
    amount: str
    description: str
    #: what else is worth seeing at a glance
    note: str
    created: str
    key: str
    #: the hosted page, where there is one to open
    page_url: str | None
    #: (action, label) pairs; the panel posts the action back to ``panel_act``
    actions: Sequence[tuple[str, str]]


class Refusal(ValueError):
    """A control verb or panel action that cannot be done; the message is shown as it is."""

    status = 400


class Unknown(Refusal):
    """There is no such thing."""

    status = 404


class Simulator(Protocol):
    """A provider's simulator. It is built with ``Services`` and mounted at ``/<name>``."""

    @property
    def name(self) -> str:
        """The prefix, also the name in the control API."""
        ...

    @property
    def title(self) -> str:
        """The name people read."""
        ...

    @property
    def operations(self) -> Sequence[str]:
        """Names of its API operations, for faults and the call log."""
        ...

    @property
    def webhook_faults(self) -> Mapping[str, str]:
        """Webhook faults that only this provider knows, with what each does."""
        ...

    def app(self) -> Flask:
        """The provider's API and hosted pages, as an application of its own."""
        ...

    def control(self) -> Blueprint:
        """Control verbs, mounted at ``/_control/<name>``."""
        ...

    def webhook_policy(self) -> WebhookPolicy:
        """How webhooks are sent now; asked before every attempt."""
        ...

    def sign(self, delivery: Json) -> Mapping[str, str]:
        """Headers of one attempt beside the stored ones, so that a retry can be signed afresh."""
        ...

    def on_timer(self, job: str, subject: str, due: float) -> None:
        """A timer this simulator set has come due. Runs inside a change of the store."""
        ...

    def panel_rows(self, base_url: str, limit: int) -> Sequence[PanelRow]:
        """The newest payments first. ``base_url`` is where this simulator is mounted."""
        ...

    def panel_act(self, payment: str, action: str) -> None:
        """Do what a button of a row says; raises ``Refusal``."""
        ...
