"""``manage.py payflow_sweep``: find everything that is due, and do it. For cron, and for shops without Celery."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from ... import flow, tasks


class Command(BaseCommand):
    help = "Process due webhook deliveries, ask about open payments, run due fulfilments. Run it every minute."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--limit", type=int, default=500, help="rows of each kind at most (default 500)")
        parser.add_argument("--wake", action="store_true", help="only wake the Celery workers, do nothing here")

    def handle(self, *args: Any, **options: Any) -> None:
        swept = flow.sweep(inline=not options["wake"], limit=options["limit"])
        tasks.wake(swept)
        self.stdout.write(
            f"due: {swept.deliveries} deliveries, {swept.payments} payments, {swept.fulfilments} fulfilments; "
            f"{swept.expired_orders} orders expired"
        )
