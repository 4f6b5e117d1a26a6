"""Account alias -> provider. Providers are built per call; credentials travel with them, never in module state."""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.parse import urlsplit

from django.core.cache import cache as django_cache
from django.utils.module_loading import import_string

from . import conf, redaction
from .conf import Account
from .exceptions import ConfigurationError
from .providers import BUILTIN
from .providers.base import Options, Provider, is_loopback
from .providers.http import DEFAULT_DEADLINE, Http

__all__ = ["build", "provider", "provider_class", "read_options"]


class _Cache:
    """The adapters' cache protocol over Django's default cache."""

    def get(self, key: str) -> Any:
        return django_cache.get(f"payflow:{key}")

    def set(self, key: str, value: Any, timeout: float) -> None:
        django_cache.set(f"payflow:{key}", value, timeout)

    def delete(self, key: str) -> None:
        django_cache.delete(f"payflow:{key}")


def provider(alias: str, *, deadline: float = DEFAULT_DEADLINE) -> Provider[Any]:
    """Return the provider of an account; ``deadline`` bounds each of its calls, in seconds.

    Raises ``ConfigurationError`` when the account does not exist or its settings cannot work.
    """
    return build(conf.get().account(alias), deadline=deadline, allow_simulators=conf.get().allow_simulators)


def build(account: Account, *, deadline: float = DEFAULT_DEADLINE, allow_simulators: bool = False) -> Provider[Any]:
    """Build the provider of an account as given."""
    cls = provider_class(account.backend)
    options = read_options(account, cls)
    built = cls(account.alias, options, _http(options, deadline), _Cache())
    _refuse_unsafe_address(built, allow_simulators=allow_simulators)
    return built


@cache
def provider_class(backend: str) -> type[Provider[Any]]:
    """Import a provider class by dotted path, or by its short name in ``BUILTIN``."""
    path = BUILTIN.get(backend, backend)
    try:
        found = import_string(path)
    except ImportError as missing:
        raise ConfigurationError(f"BACKEND {backend!r} cannot be imported: {missing}") from None
    if not (isinstance(found, type) and issubclass(found, Provider)):
        raise ConfigurationError(f"BACKEND {backend!r} is not a Provider class")
    return found


def read_options(account: Account, cls: type[Provider[Any]]) -> Options:
    """Read ``OPTIONS`` and remember the secrets in them, so that no log line ever shows one."""
    for name in cls.secret_fields:
        value = account.options.get(name)
        for secret in value if isinstance(value, list | tuple) else [value]:
            if isinstance(secret, str):
                redaction.remember(secret)
    return cls.read_options(account.options)


def _http(options: Options, deadline: float) -> Http:
    return Http(
        base_url=options.base_url,
        connect_timeout=options.connect_timeout,
        read_timeout=options.read_timeout,
        deadline=deadline,
    )


def _refuse_unsafe_address(built: Provider[Any], *, allow_simulators: bool) -> None:
    """Credentials go out over https only; plain http is for a simulator on this machine, with a test key."""
    parts = urlsplit(built.options.base_url)
    if parts.scheme == "https":
        return
    if not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise ConfigurationError(f"base_url of {built.account!r} must start with https://")
    if not allow_simulators:
        raise ConfigurationError(
            f"base_url of {built.account!r} is a simulator; set PAYFLOW['ALLOW_SIMULATORS'] = True to use one"
        )
    if built.live:
        raise ConfigurationError(f"{built.account!r} has a live key but points at a simulator")
