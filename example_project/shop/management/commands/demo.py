"""``python manage.py demo``: the whole shop in one terminal."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError
from kombu.exceptions import OperationalError as BrokerError

from example_project.celery import app
from example_project.demo.probes import port_is_free
from example_project.demo.programs import chosen_programs
from example_project.demo.run import Demo, DemoFailed
from example_project.demo.seeding import ADMIN, prepare_database
from example_project.demo.threads import Web


class Command(BaseCommand):
    """Runs web server, worker, beat and simulators until Ctrl-C."""

    help = "Run the example shop: web server, Celery worker, beat and the payment simulators, until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        """Know the option that the demo uses for its own child."""
        parser.add_argument("--only-web", action="store_true", help="Run the web server alone.")

    def handle(self, *args: Any, only_web: bool = False, **options: Any) -> None:
        """Open the shop and keep it open."""
        if only_web:
            self._run(Demo([Web(settings.DEMO_PORT, speaker="")]), [])
            return
        self._need_free_ports()
        try:
            password = self._prepare()
        except KeyboardInterrupt:
            return
        self._run(Demo(chosen_programs()), self._welcome(password))

    def _run(self, demo: Demo, welcome: list[str]) -> None:
        demo.obey_signals()
        try:
            if demo.open():
                self._say(*welcome)
                demo.watch()
        except DemoFailed as failure:
            raise CommandError(str(failure)) from None
        finally:
            demo.close()
        if welcome:
            self._say("demo | stopped")

    def _need_free_ports(self) -> None:
        for name, port in [("DEMO_PORT", settings.DEMO_PORT), ("SIMULATORS_PORT", settings.SIMULATORS_PORT)]:
            if not port_is_free(port):
                raise CommandError(f"Port {port} is taken. Choose another one with the environment variable {name}.")

    def _prepare(self) -> str:
        settings.STATE_DIR.mkdir(parents=True, exist_ok=True)
        self._say(f"demo | database: {self._database()}")
        self._say(f"demo | tasks: {'Redis' if settings.REDIS_URL else 'in this process, no broker needed'}")
        try:
            app.connection_for_write().ensure_connection(max_retries=1, timeout=2)
            return prepare_database()
        except BrokerError as error:
            raise CommandError(f"Redis cannot be reached: {str(error).strip()}") from None
        except OperationalError as error:
            raise CommandError(f"The database cannot be used: {str(error).strip()}") from None

    def _database(self) -> str:
        database = settings.DATABASES["default"]
        return f"{database['ENGINE'].rsplit('.', 1)[-1]} {database['NAME']}"

    def _welcome(self, password: str) -> list[str]:
        shop = settings.PAYFLOW["BASE_URL"]
        return [
            "demo | Ctrl-C stops everything",
            f"demo | mailbox     {shop}/mailbox/",
            f"demo | simulators  {settings.SIMULATORS_URL}/",
            f"demo | admin       {shop}/admin/  user {ADMIN}, password {password}",
            f"open {shop}/",
        ]

    def _say(self, *lines: str) -> None:
        for line in lines:
            print(line, flush=True)
