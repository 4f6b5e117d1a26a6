"""The process around the simulators: server, clock, webhook queue, faults, control API, panel.

A simulator imports what it needs from here and nothing else of the project.
"""

from django_payflow.simulators.host.calls import REPLAYED, Call, fingerprint
from django_payflow.simulators.host.clock import from_iso, iso
from django_payflow.simulators.host.core import Factory
from django_payflow.simulators.host.faults import CHANGED_AMOUNT
from django_payflow.simulators.host.idempotency import Idempotency, KeyInUse, KeyReused, digest_of
from django_payflow.simulators.host.requests_in import flag, json_body, refuse_foreign_pages
from django_payflow.simulators.host.seam import PanelRow, Refusal, Services, Simulator, Unknown
from django_payflow.simulators.host.sender import WebhookPolicy, attempt, is_loopback
from django_payflow.simulators.host.server import Running
from django_payflow.simulators.host.settings import Switch, Switchboard
from django_payflow.simulators.host.store import Json, StateUnusable, Store

__all__ = [
    "CHANGED_AMOUNT",
    "REPLAYED",
    "Call",
    "Factory",
    "Idempotency",
    "Json",
    "KeyInUse",
    "KeyReused",
    "PanelRow",
    "Refusal",
    "Running",
    "Services",
    "Simulator",
    "StateUnusable",
    "Store",
    "Switch",
    "Switchboard",
    "Unknown",
    "WebhookPolicy",
    "attempt",
    "digest_of",
    "fingerprint",
    "flag",
    "from_iso",
    "is_loopback",
    "iso",
    "json_body",
    "refuse_foreign_pages",
]
