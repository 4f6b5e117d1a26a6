"""``manage.py payflow_simulators``: the simulators of the payment providers, on this machine only."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from ...simulators.__main__ import main


class Command(BaseCommand):
    help = "Run the simulators of the payment providers on 127.0.0.1. They move no money."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", default="8801", help="0 picks a free one (default 8801)")
        parser.add_argument("--state", help="directory that keeps the simulators' state; without it, it is forgotten")

    def handle(self, *args: Any, **options: Any) -> None:
        arguments = ["--port", str(options["port"])]
        if options["state"]:
            arguments += ["--state", options["state"]]
        main(arguments)
