"""``manage.py payflow_simulators``: the simulators of the payment providers, on this machine only."""

from __future__ import annotations

from typing import Any

import requests
from django.core.management.base import BaseCommand, CommandParser

from ... import conf, flow, registry
from ...exceptions import ConfigurationError
from ...simulators.__main__ import main

PATIENCE = 10
"""Seconds for one call to the simulators."""


class Command(BaseCommand):
    help = (
        "Run the simulators of the payment providers on 127.0.0.1. They move no money. The webhook addresses of the "
        "accounts that point at them are registered, as you would in a provider's dashboard."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", default="8801", help="0 picks a free one (default 8801)")
        parser.add_argument("--state", help="directory that keeps the simulators' state; without it, it is forgotten")

    def handle(self, *args: Any, **options: Any) -> None:
        arguments = ["--port", str(options["port"])]
        if options["state"]:
            arguments += ["--state", options["state"]]
        main(arguments, opened=register_webhooks)


def register_webhooks(url: str) -> None:
    """Register, at the simulators of this address, the webhooks of every account that has them registered.

    What is known from an earlier run stays. Settings that cannot be read register nothing: the simulators run
    without a shop, too.
    """
    try:
        accounts = list(conf.get().providers.values())
    except ConfigurationError:
        return
    for account in accounts:
        base, _, provider = str(account.options.get("base_url", "")).rpartition("/")
        if base == url and _takes_an_address(account):
            _register(f"{url}/_control/{provider}/webhook_endpoints", account)


def _takes_an_address(account: conf.Account) -> bool:
    try:
        return registry.provider_class(account.backend).registers_webhooks
    except ConfigurationError:
        return False


def _register(endpoints: str, account: conf.Account) -> None:
    address = flow.account_webhook_url(account.alias)
    known = requests.get(endpoints, timeout=PATIENCE)
    known.raise_for_status()
    if any(endpoint["url"] == address for endpoint in known.json()):
        return
    wanted = {"url": address}
    if "signing_secrets" in account.options:
        wanted |= {"api_key": account.options["api_key"], "secret": account.options["signing_secrets"][0]}
    requests.post(endpoints, json=wanted, timeout=PATIENCE).raise_for_status()
