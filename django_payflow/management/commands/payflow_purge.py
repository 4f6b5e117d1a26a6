"""``manage.py payflow_purge``: forget what the retention settings say, or one customer."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from ... import flow


class Command(BaseCommand):
    help = (
        "Remove old webhook deliveries and API answers, and blank old event data and personal fields, as "
        "PAYFLOW['RETENTION_DAYS'] says. With --customer: erase one customer. Money rows and sums stay."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--customer", metavar="EMAIL", help="erase this customer's personal data instead")
        parser.add_argument("--dry-run", action="store_true", help="only say how much it would be")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        if email := options["customer"]:
            purged = flow.erase_customer(email=email, actor="payflow_purge", dry_run=options["dry_run"])
        else:
            purged = flow.purge(dry_run=options["dry_run"])
        if options["json"]:
            self.stdout.write(json.dumps(asdict(purged), indent=2))
            return
        would = "would be " if options["dry_run"] else ""
        self.stdout.write(
            f"{purged.deliveries} deliveries, {purged.events} events, {purged.orders} orders and "
            f"{purged.api_keys} API answers {would}forgotten."
        )
        if purged.still_open:
            self.stdout.write(f"Not over yet, left alone: {', '.join(purged.still_open)}")
