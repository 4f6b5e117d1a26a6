"""System checks: every mistake in the settings gets an id, a sentence and a hint. Ids are never reused.

Errors ``payflow.E0xx`` stop ``manage.py``; warnings ``payflow.W0xx`` come with ``check``, those about a
production-like site only with ``check --deploy``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.urls import NoReverseMatch, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.module_loading import import_string

from . import conf, fields, registry
from .conf import ACCOUNT_KEYS, CAPTURES, CONF_KEYS, HANDLER_KEYS, STOCK_KEYS, Account, Conf, Handler
from .exceptions import ConfigurationError
from .money import exponent
from .providers.base import is_loopback

__all__ = ["check_deploy", "check_settings"]


@register("payflow")
def check_settings(**_: Any) -> list[CheckMessage]:
    """Judge ``PAYFLOW`` and what it needs around it."""
    raw = getattr(settings, "PAYFLOW", None)
    if raw is None:
        return [
            Error(
                "PAYFLOW is not set.", hint='Add PAYFLOW = {"BASE_URL": ..., "PROVIDERS": {...}}.', id="payflow.E001"
            )
        ]
    try:
        read = conf.get()
    except ConfigurationError as wrong:
        return [Error(str(wrong), hint="See the settings page of the documentation.", id="payflow.E002")]
    return [
        *_unknown_keys(raw),
        *_base_url(read),
        *_numbers(read),
        *_accounts(read),
        *_handlers(read),
        *_encryption(read),
        *_surroundings(read),
    ]


def _unknown_keys(raw: Mapping[str, Any]) -> Iterator[CheckMessage]:
    for where, entry, known in [
        ("PAYFLOW", raw, CONF_KEYS),
        *((f"PAYFLOW['PROVIDERS'][{a!r}]", e, ACCOUNT_KEYS) for a, e in raw.get("PROVIDERS", {}).items()),
        *((f"PAYFLOW['FULFILMENT'][{n!r}]", e, HANDLER_KEYS) for n, e in raw.get("FULFILMENT", {}).items()),
    ]:
        for key in sorted(set(entry) - known):
            hint = f"Known keys: {', '.join(sorted(known))}."
            yield Error(f"{where} has an unknown key {key!r}.", hint=hint, id="payflow.E003")


def _base_url(read: Conf) -> Iterator[CheckMessage]:
    parts = urlsplit(read.base_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path or parts.query:
        hint = 'Write the scheme and host that buyers and providers reach, such as "https://shop.example".'
        yield Error(f"PAYFLOW['BASE_URL'] is {read.base_url!r}.", hint=hint, id="payflow.E004")
    elif parts.scheme == "http" and not is_loopback(parts.hostname):
        hint = "Return and webhook addresses carry tokens: use https://."
        yield Error("PAYFLOW['BASE_URL'] is not https.", hint=hint, id="payflow.E005")
    elif settings.ALLOWED_HOSTS and not conf.serves(parts.hostname):
        hint = f"Add {parts.hostname!r} to ALLOWED_HOSTS: buyers come back to it, and providers call it."
        yield Warning("ALLOWED_HOSTS lacks the host of PAYFLOW['BASE_URL'].", hint=hint, id="payflow.W003")


def _numbers(read: Conf) -> Iterator[CheckMessage]:
    for name in (
        "webhook_max_bytes",
        "refusals_per_minute",
        "starts_per_minute",
        "lease_seconds",
        "fetches_per_account",
        "start_patience",
        "return_patience",
        "attempts_per_hour",
        "pay_link_days",
    ):
        value = getattr(read, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            yield Error(f"PAYFLOW[{name.upper()!r}] must be a number above zero, not {value!r}.", id="payflow.E006")
    for name in ("poll_seconds", "processing_override"):
        value = getattr(read, name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or value <= 0):
            message = f"PAYFLOW[{name.upper()!r}] must be None or a number above zero, not {value!r}."
            yield Error(message, id="payflow.E006")
    for name in ("success_url", "retry_url"):
        yield from _page(name, getattr(read, name))
    yield from _policies(read)


_POLICIES = {"late_payment": ("hold", "refund", "reopen"), "surplus": ("hold", "refund")}


def _policies(read: Conf) -> Iterator[CheckMessage]:
    """Judge what happens by itself to money that is late, second or large, and to the shop's stock."""
    for name, words in _POLICIES.items():
        if (value := getattr(read, name)) not in words:
            message = f"PAYFLOW[{name.upper()!r}] is {value!r}."
            yield Error(message, hint=f"Use one of: {', '.join(words)}.", id="payflow.E019")
    seconds = read.surplus_seconds
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
        yield Error(f"PAYFLOW['SURPLUS_SECONDS'] must be a number, not {seconds!r}.", id="payflow.E006")
    if not all(isinstance(days, int | float) and days > 0 for days in read.aftercare_days):
        yield Error("PAYFLOW['AFTERCARE_DAYS'] must be a list of numbers above zero.", id="payflow.E006")
    for key in sorted(set(read.stock) - STOCK_KEYS):
        hint = "Known keys: RELEASE, RESERVE."
        yield Error(f"PAYFLOW['STOCK'] has an unknown key {key!r}.", hint=hint, id="payflow.E003")
    if len(set(read.stock) & STOCK_KEYS) == 1:
        hint = "Name both: what is reserved must be released when the order is closed."
        yield Error("PAYFLOW['STOCK'] names one function of two.", hint=hint, id="payflow.E020")
    paths = {"MAY_REOPEN": read.may_reopen, **{f"STOCK {key}": path for key, path in read.stock.items()}}
    for name, path in paths.items():
        yield from _function(name, path)
    for currency, amount in read.refund_approval_above.items():
        if not (isinstance(amount, int) and not isinstance(amount, bool) and amount >= 0 and _is_currency(currency)):
            hint = 'Write minor units by currency: {"EUR": 50000} is five hundred euro.'
            message = f"PAYFLOW['REFUND_APPROVAL_ABOVE'] holds {currency!r}: {amount!r}."
            yield Error(message, hint=hint, id="payflow.E021")


def _function(name: str, path: str) -> Iterator[CheckMessage]:
    if not path:
        return
    try:
        found = import_string(path)
    except ImportError as missing:
        found, problem = None, str(missing)
    else:
        problem = "it is not a function"
    if not callable(found):
        hint = "Name a function that takes the order: def reserve(order)."
        yield Error(f"PAYFLOW {name}: {path!r} cannot be used: {problem}.", hint=hint, id="payflow.E020")


def _page(name: str, value: str) -> Iterator[CheckMessage]:
    try:
        filled = value.format(reference="X")
    except (KeyError, IndexError, ValueError):
        filled = ""
    if value and not (filled.startswith("/") and url_has_allowed_host_and_scheme(filled, allowed_hosts=None)):
        hint = 'Write a path of this site, such as "/orders/{reference}/".'
        yield Error(f"PAYFLOW[{name.upper()!r}] is {value!r}.", hint=hint, id="payflow.E007")


def _accounts(read: Conf) -> Iterator[CheckMessage]:
    if not read.providers:
        hint = 'Name at least one account: PROVIDERS = {"mollie": {"BACKEND": ..., "OPTIONS": {...}}}.'
        yield Error("PAYFLOW['PROVIDERS'] names no account.", hint=hint, id="payflow.E008")
    for account in read.providers.values():
        yield from _account(account, read)


def _account(account: Account, read: Conf) -> Iterator[CheckMessage]:
    where = f"PAYFLOW['PROVIDERS'][{account.alias!r}]"
    if not account.alias.replace("-", "").replace("_", "").isalnum() or len(account.alias) > 64:
        hint = "The alias is part of the webhook address: letters, digits, - and _ only, 64 at most."
        yield Error(f"{where}: the alias cannot be used in an address.", hint=hint, id="payflow.E009")
    if account.secured_means not in {"authorized", "captured"}:
        hint = 'Use "authorized" or "captured".'
        yield Error(f"{where}['SECURED_MEANS'] is {account.secured_means!r}.", hint=hint, id="payflow.E010")
    yield from _offered_for(account, where)
    try:
        built = registry.build(account, allow_simulators=read.allow_simulators)
    except ConfigurationError as wrong:
        hint = "Until this is mended, webhooks for the account are answered with 503 and no payment can start."
        yield Error(f"{where}: {wrong}", hint=hint, id="payflow.E011")
        return
    if account.capture != "automatic" and account.capture in CAPTURES and not built.supports_manual_capture:
        hint = "Remove it: the provider takes the money as soon as the buyer pays."
        message = f"{where}['CAPTURE'] is {account.capture!r}, which {built.name} cannot do."
        yield Error(message, hint=hint, id="payflow.E016")
    if built.live and settings.DEBUG:
        yield Warning(f"{where} moves real money while DEBUG is on.", id="payflow.W001")


def _offered_for(account: Account, where: str) -> Iterator[CheckMessage]:
    """Judge what narrows an account: when money is taken, and for which orders the account is offered."""
    if account.capture not in CAPTURES:
        hint = f"Use one of: {', '.join(CAPTURES)}."
        yield Error(f"{where}['CAPTURE'] is {account.capture!r}.", hint=hint, id="payflow.E016")
    for currency in account.currencies:
        if not _is_currency(currency):
            hint = 'Name ISO 4217 codes: CURRENCIES = ["EUR", "SEK"].'
            yield Error(f"{where}['CURRENCIES'] holds {currency!r}.", hint=hint, id="payflow.E017")
    for key, limits in (("MINIMUM", account.minimum), ("MAXIMUM", account.maximum)):
        for currency, amount in limits.items():
            whole = isinstance(amount, int) and not isinstance(amount, bool) and amount > 0
            if not (whole and _is_currency(currency)):
                hint = f'Write minor units by currency: {key} = {{"EUR": 500}} is five euro.'
                yield Error(f"{where}[{key!r}] holds {currency!r}: {amount!r}.", hint=hint, id="payflow.E018")


def _is_currency(code: object) -> bool:
    try:
        exponent(str(code))
    except ConfigurationError:
        return False
    return True


def _handlers(read: Conf) -> Iterator[CheckMessage]:
    for handler in read.fulfilment.values():
        yield from _handler(handler, read)


def _handler(handler: Handler, read: Conf) -> Iterator[CheckMessage]:
    where = f"PAYFLOW['FULFILMENT'][{handler.name!r}]"
    try:
        function = import_string(handler.path)
    except ImportError as missing:
        hint = "Name a function: def ship(order, *, key, attempt)."
        yield Error(f"{where}['HANDLER'] cannot be imported: {missing}", hint=hint, id="payflow.E012")
        return
    if not callable(function):
        yield Error(f"{where}['HANDLER'] is not a function.", id="payflow.E012")
    if handler.needs not in {"authorized", "captured"}:
        yield Error(
            f"{where}['NEEDS'] is {handler.needs!r}.", hint='Use "authorized" or "captured".', id="payflow.E022"
        )
    waits = [a.alias for a in read.providers.values() if a.capture == "on_fulfilment"]
    if handler.needs == "captured" and handler.required and waits:
        hint = "Neither would ever come first. Capture by hand (CAPTURE = 'manual'), or make the step not REQUIRED."
        message = f"{where} waits for the capture, and {waits[0]!r} captures only after every required step."
        yield Error(message, hint=hint, id="payflow.E023")


def _encryption(read: Conf) -> Iterator[CheckMessage]:
    """Judge the keys of what is encrypted at rest, and show none of them."""
    make = 'Make one: python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())".'
    keys = list(read.encryption_keys.items())
    for number, (key_id, key) in enumerate(keys):
        where = f"PAYFLOW['ENCRYPTION_KEYS'][{key_id!r}]"
        if not fields.KEY_ID.fullmatch(key_id):
            hint = "It is stored with every value: up to 32 letters, digits, dots, - and _, such as '2026-11'."
            message = f"PAYFLOW['ENCRYPTION_KEYS']: the id of key number {number + 1} cannot be used."
            yield Error(message, hint=hint, id="payflow.E024")  # not shown: id and key may have been mixed up
        elif key == conf.OFF:
            if number:
                hint = "It says something in the first place only: nothing new is encrypted, the others decrypt."
                yield Error(f"{where} is {key!r}.", hint=hint, id="payflow.E024")
        elif key in [other for _, other in keys[:number]]:
            hint = "A new key for a new id; a key that was in use keeps its id, which is stored with the values."
            yield Error(f"{where} is a key that another id has as well.", hint=hint, id="payflow.E024")
        else:
            try:
                fields.cipher(key_id)
            except ConfigurationError as wrong:
                yield Error(str(wrong), hint=make, id="payflow.E024")


def _surroundings(read: Conf) -> Iterator[CheckMessage]:
    try:
        reverse("payflow:webhook", args=["account", "hint"])
    except NoReverseMatch:
        hint = 'Add path("payflow/", include("django_payflow.urls")) to the root URLconf.'
        yield Error("django_payflow.urls is not included.", hint=hint, id="payflow.E013")
    if not _is_order_model(conf.order_model_name()):
        hint = "Name a model that inherits django_payflow.models.AbstractOrder, as 'app_label.Model'."
        yield Error(f"PAYFLOW_ORDER_MODEL is {conf.order_model_name()!r}.", hint=hint, id="payflow.E014")
    if _is_installed("django-payflow"):
        hint = "Uninstall django-payflow: it is an unrelated package; ours is dj-payflow."
        yield Error("Two packages install a module named django_payflow.", hint=hint, id="payflow.E015")
    if _is_installed("django-fsm"):
        hint = "Uninstall django-fsm and install django-fsm-2 again: both install a module named django_fsm."
        yield Warning("django-fsm and django-fsm-2 are both installed.", hint=hint, id="payflow.W002")


def _is_order_model(name: str) -> bool:
    from .models import AbstractOrder

    try:
        return issubclass(apps.get_model(name), AbstractOrder)
    except (LookupError, ValueError):
        return False


def _is_installed(distribution: str) -> bool:
    try:
        metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True


@register("payflow", Tags.security, deploy=True)
def check_deploy(**_: Any) -> list[CheckMessage]:
    """Judge what would be unsafe on a real site."""
    try:
        read = conf.get()
    except ConfigurationError:
        return []  # check_settings says so
    return [*_simulators(read), *_database(), *_cache(), *_handlers_present(read)]


def _simulators(read: Conf) -> Iterator[CheckMessage]:
    if read.allow_simulators:
        hint = "Remove it: it permits plain http to payment simulators on this machine."
        yield Warning("PAYFLOW['ALLOW_SIMULATORS'] is on.", hint=hint, id="payflow.W010")
    for account in read.providers.values():
        try:
            built = registry.build(account, allow_simulators=read.allow_simulators)
        except ConfigurationError:
            continue  # check_settings says so
        if not built.live:
            message = f"PAYFLOW['PROVIDERS'][{account.alias!r}] uses a test key: orders would ship for play money."
            yield Warning(message, id="payflow.W011")
    if urlsplit(read.base_url).scheme != "https":
        yield Warning("PAYFLOW['BASE_URL'] is not https.", id="payflow.W012")
    if read.poll_seconds is not None:
        hint = "It replaces every provider's schedule; remove it."
        yield Warning("PAYFLOW['POLL_SECONDS'] is set.", hint=hint, id="payflow.W013")


def _database() -> Iterator[CheckMessage]:
    engine = settings.DATABASES.get("default", {}).get("ENGINE", "")
    if engine.endswith("sqlite3"):
        hint = "Use PostgreSQL: SQLite has one writer at a time, and webhooks come in crowds."
        yield Warning("Payments are stored in SQLite.", hint=hint, id="payflow.W014")
        options = settings.DATABASES["default"].get("OPTIONS", {})
        if options.get("transaction_mode") != "IMMEDIATE":
            hint = 'Set OPTIONS = {"transaction_mode": "IMMEDIATE", "timeout": 20}.'
            yield Warning("SQLite runs without IMMEDIATE transactions.", hint=hint, id="payflow.W015")


def _cache() -> Iterator[CheckMessage]:
    backend = settings.CACHES.get("default", {}).get("BACKEND", "")
    if backend.endswith((".LocMemCache", ".DummyCache")):
        hint = "Refused webhooks and starts are counted per process then; use a cache that all processes share."
        yield Warning("The default cache is not shared between processes.", hint=hint, id="payflow.W016")


def _handlers_present(read: Conf) -> Iterator[CheckMessage]:
    if not any(handler.required for handler in read.fulfilment.values()):
        hint = "Paid orders stay in processing until somebody completes them: fine for a shop that ships by hand."
        yield Warning("PAYFLOW['FULFILMENT'] names no required handler.", hint=hint, id="payflow.W017")
