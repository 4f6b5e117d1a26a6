"""A typed, lazy view of ``settings.PAYFLOW``. This module reads; ``checks`` judges and gives hints.

Nothing is read at import time, and tests that override settings get a fresh view.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.http.request import validate_host

from .exceptions import ConfigurationError
from .states import FULFILMENT_RETRY_SECONDS

__all__ = ["DEFAULT_ORDER_MODEL", "Account", "Conf", "Handler", "get", "order_model_name", "serves"]

DEFAULT_ORDER_MODEL = "payflow.Order"
OFF = "off"
"""In the place of the first encryption key: nothing new is encrypted. A word, lest a missing variable mean it."""


def order_model_name() -> str:
    """Return ``PAYFLOW_ORDER_MODEL``, the top-level setting that swaps the order model, or our own model."""
    return str(getattr(settings, "PAYFLOW_ORDER_MODEL", DEFAULT_ORDER_MODEL))


def serves(host: str) -> bool:
    """Say whether this site answers requests for a host: Django's ``ALLOWED_HOSTS``, read as Django reads it."""
    allowed = settings.ALLOWED_HOSTS or ([".localhost", "127.0.0.1", "[::1]"] if settings.DEBUG else [])
    return validate_host(f"[{host}]" if ":" in host else host, allowed)


@dataclass(frozen=True, kw_only=True)
class Account:
    """One account at one provider: an entry of ``PAYFLOW["PROVIDERS"]``."""

    alias: str
    backend: str
    """Dotted path of the provider class."""
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    label: str = ""
    """What the buyer reads where accounts can be chosen."""
    secured_means: str = "authorized"
    """``"authorized"`` or ``"captured"``: what is enough to fulfil an order."""
    capture: str = "automatic"
    """``"automatic"``, ``"manual"`` (a payment is authorized only, and captured or voided later by somebody) or
    ``"on_fulfilment"`` (captured when every required handler is done)."""
    currencies: tuple[str, ...] = ()
    """The currencies that the account is offered for; empty: all that its provider takes."""
    minimum: Mapping[str, int] = field(default_factory=dict)
    """Currency -> smallest order total, in minor units, that the account is offered for."""
    maximum: Mapping[str, int] = field(default_factory=dict)
    """Currency -> largest order total, in minor units."""


@dataclass(frozen=True, kw_only=True)
class Handler:
    """One fulfilment handler: an entry of ``PAYFLOW["FULFILMENT"]``."""

    name: str
    path: str
    """Dotted path of ``def handler(order, *, key, attempt)``."""
    external: bool = False
    """It calls something outside: it runs without a transaction and may be repeated with the same key."""
    required: bool = True
    """The order is completed when every required handler is done."""
    needs: str = "authorized"
    """``"captured"``: it waits until the money is captured, because it cannot be undone."""


LIMITS: Mapping[str, float] = {"DELIVERY": 300, "FULFILMENT": 3600, "CHECK": 300, "UNCERTAIN": 3600}
RETENTION_DAYS: Mapping[str, float | None] = {"DELIVERIES": 90, "EVENT_DATA": 730, "PERSONAL": None, "API_KEYS": 7}


@dataclass(frozen=True, kw_only=True)
class Conf:
    """Every setting with its default. Names are those of ``PAYFLOW``, in lower case."""

    base_url: str = ""
    """Scheme and host of the shop as the buyer and the provider reach it; makes return and webhook addresses."""
    providers: Mapping[str, Account] = field(default_factory=dict)
    fulfilment: Mapping[str, Handler] = field(default_factory=dict)
    allow_simulators: bool = False
    """Permit plain http on loopback, for the simulators; never together with a live key."""
    success_url: str = ""
    """Where a paid order's buyer goes; may contain ``{reference}``. Empty: a plain page of ours."""
    retry_url: str = ""
    """Where "try again" leads after a failed payment; may contain ``{reference}``."""
    webhook_max_bytes: int = 64 * 1024
    refusals_per_minute: int = 60
    """Refused webhook calls per address and minute before the answer becomes 429."""
    starts_per_minute: int = 30
    """How often one address, one session or one customer may press "pay" in a minute before the answer is 429."""
    lease_seconds: float = 60
    """How long one worker owns a row; after that another may take it."""
    fetches_per_account: int = 16
    """Rows of one account that may be asked about at the same time."""
    start_patience: float = 10
    """Seconds that a buyer who pressed "pay" waits for the provider, before the waiting page takes over."""
    return_patience: float = 3
    """Seconds that the return page waits for the provider's answer."""
    attempts_per_hour: int = 5
    """Payments that may be started for one order in an hour."""
    processing_override: float | None = 24 * 3600
    """Seconds after which a buyer may pay again although the bank is still working; ``None``: never."""
    pay_link_days: float = 14
    """How long a pay link works, unless the call that makes it says otherwise."""
    late_payment: str = "hold"
    """Money that reaches a closed order: ``"hold"`` (a person decides), ``"refund"`` or ``"reopen"``."""
    may_reopen: str = ""
    """Dotted path of ``def may_reopen(order) -> bool``, asked before a late payment reopens its order."""
    surplus: str = "hold"
    """What happens to a second payment of a paid order: ``"hold"`` or ``"refund"``."""
    surplus_seconds: float = 900
    """How long after it was noticed a surplus payment is refunded."""
    refund_approval_above: Mapping[str, int] = field(default_factory=dict)
    """Currency -> minor units: a larger refund waits until a second person approves it."""
    stock: Mapping[str, str] = field(default_factory=dict)
    """``{"RESERVE": path, "RELEASE": path}``: ``def reserve(order)`` and ``def release(order)``, each called once."""
    aftercare_days: tuple[float, ...] = (1, 7, 30, 90, 180)
    """Days after which a paid payment is asked about again: refunds and chargebacks whose webhook was lost."""
    encryption_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Key id -> Fernet key: the first one encrypts what is kept of requests, webhooks and buyers, every one decrypts.
    ``{"off": "off"}`` in the first place, or nothing at all: new values are stored as they are."""
    poll_seconds: float | None = None
    """Ask about every open payment this often, instead of by the provider's schedule. For demos and tests."""
    fulfilment_retry_seconds: tuple[float, ...] = FULFILMENT_RETRY_SECONDS
    limits: Mapping[str, float] = field(default_factory=lambda: dict(LIMITS))
    """Seconds that the oldest unfinished row of a kind may wait before the doctor calls it wrong."""
    retention_days: Mapping[str, float | None] = field(default_factory=lambda: dict(RETENTION_DAYS))
    """Days after which ``payflow_purge`` removes or blanks what is kept; ``None``: never."""

    @property
    def lease(self) -> timedelta:
        """``lease_seconds`` as a duration."""
        return timedelta(seconds=self.lease_seconds)

    def account(self, alias: str) -> Account:
        """Return the account of this alias; raises ``ConfigurationError`` naming the ones that exist."""
        if (found := self.providers.get(alias)) is None:
            known = ", ".join(sorted(self.providers)) or "none"
            raise ConfigurationError(f"PAYFLOW['PROVIDERS'] has no account {alias!r} (known: {known})")
        return found


ACCOUNT_KEYS = frozenset(
    {"BACKEND", "OPTIONS", "LABEL", "SECURED_MEANS", "CAPTURE", "CURRENCIES", "MINIMUM", "MAXIMUM"}
)
CAPTURES = ("automatic", "manual", "on_fulfilment")
HANDLER_KEYS = frozenset({"HANDLER", "EXTERNAL", "REQUIRED", "NEEDS"})
STOCK_KEYS = frozenset({"RESERVE", "RELEASE"})
CONF_KEYS = frozenset(spec.name.upper() for spec in fields(Conf))


@cache
def get() -> Conf:
    """Return the settings of this process. Raises ``ConfigurationError`` for a shape that cannot be read."""
    raw = getattr(settings, "PAYFLOW", {})
    if not isinstance(raw, Mapping):
        raise ConfigurationError("PAYFLOW must be a dict")
    values = {key.lower(): value for key, value in raw.items() if key in CONF_KEYS}
    values["base_url"] = str(raw.get("BASE_URL", "")).rstrip("/")
    values["providers"] = {alias: _account(alias, entry) for alias, entry in _entries(raw, "PROVIDERS")}
    values["fulfilment"] = {name: _handler(name, entry) for name, entry in _entries(raw, "FULFILMENT")}
    if "FULFILMENT_RETRY_SECONDS" in raw:
        values["fulfilment_retry_seconds"] = tuple(raw["FULFILMENT_RETRY_SECONDS"])
    if "AFTERCARE_DAYS" in raw:
        values["aftercare_days"] = tuple(raw["AFTERCARE_DAYS"])
    for name, defaults in (("LIMITS", LIMITS), ("RETENTION_DAYS", RETENTION_DAYS)):
        if isinstance(raw.get(name, {}), Mapping):
            values[name.lower()] = {**defaults, **raw.get(name, {})}
    for name in ("REFUND_APPROVAL_ABOVE", "STOCK", "LIMITS", "RETENTION_DAYS", "ENCRYPTION_KEYS"):
        if not isinstance(raw.get(name, {}), Mapping):
            raise ConfigurationError(f"PAYFLOW[{name!r}] must be a dict")
    for pair in raw.get("ENCRYPTION_KEYS", {}).items():
        if not all(isinstance(each, str) for each in pair):  # such as a variable that is not set
            raise ConfigurationError("PAYFLOW['ENCRYPTION_KEYS'] must hold text only: ids, and Fernet keys")
    return Conf(**values)


def _entries(raw: Mapping[str, Any], key: str) -> list[tuple[str, Mapping[str, Any]]]:
    entries = raw.get(key, {})
    if not isinstance(entries, Mapping) or not all(isinstance(e, Mapping) for e in entries.values()):
        raise ConfigurationError(f"PAYFLOW[{key!r}] must be a dict of dicts")
    return list(entries.items())


def _account(alias: str, entry: Mapping[str, Any]) -> Account:
    return Account(
        alias=alias,
        backend=str(entry.get("BACKEND", "")),
        options=entry.get("OPTIONS", {}),
        label=str(entry.get("LABEL", "")) or alias,
        secured_means=str(entry.get("SECURED_MEANS", "authorized")),
        capture=str(entry.get("CAPTURE", "automatic")),
        currencies=_currencies(alias, entry.get("CURRENCIES", ())),
        minimum=_limits(alias, "MINIMUM", entry),
        maximum=_limits(alias, "MAXIMUM", entry),
    )


def _currencies(alias: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple | set | frozenset):  # a string would be read letter by letter
        raise ConfigurationError(f"CURRENCIES of {alias!r} must be a list such as ['EUR']")
    return tuple(str(code) for code in value)


def _limits(alias: str, key: str, entry: Mapping[str, Any]) -> Mapping[str, int]:
    limits = entry.get(key, {})
    if not isinstance(limits, Mapping):
        raise ConfigurationError(f"{key} of {alias!r} must be a dict such as {{'EUR': 500}}, in minor units")
    return limits


def _handler(name: str, entry: Mapping[str, Any]) -> Handler:
    return Handler(
        name=name,
        path=str(entry.get("HANDLER", "")),
        external=bool(entry.get("EXTERNAL", False)),
        required=bool(entry.get("REQUIRED", True)),
        needs=str(entry.get("NEEDS", "authorized")),
    )


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "PAYFLOW":
        get.cache_clear()


setting_changed.connect(_forget, dispatch_uid="django_payflow.conf")
