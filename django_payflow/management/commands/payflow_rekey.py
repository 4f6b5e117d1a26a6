"""``manage.py payflow_rekey``: bring everything that is encrypted at rest to the first key."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ... import conf
from ...fields import current_key
from ...flow import rekeying


class Command(BaseCommand):
    help = (
        "Encrypt what is stored with the first key of PAYFLOW['ENCRYPTION_KEYS']: values with older keys, and values "
        'that were stored without one. Where the first entry is "off", decrypt it. Workers may go on meanwhile; it '
        "may be stopped and started again. Exit status 1 if a value could not be read."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--batch", type=int, default=rekeying.BATCH, help="rows that are read at once")
        parser.add_argument("--dry-run", action="store_true", help="only say how much it would be")

    def handle(self, *args: Any, **options: Any) -> None:
        if not conf.get().encryption_keys:
            raise CommandError("PAYFLOW['ENCRYPTION_KEYS'] is empty: there is no key to encrypt or decrypt with.")
        if options["batch"] < 1:
            raise CommandError("--batch must be above zero.")
        verb = "decrypted" if current_key() is None else f"encrypted with {current_key()!r}"
        would = "would be " if options["dry_run"] else ""
        unreadable = moving = 0
        for column in rekeying.columns():
            done = rekeying.rekey(column, batch=options["batch"], dry_run=options["dry_run"])
            self.stdout.write(f"{column}: {done.done} {would}{verb}")
            if done.unreadable:
                rows = ", ".join(str(pk) for pk in done.unreadable[:10])
                more = " ..." if len(done.unreadable) > 10 else ""
                self.stdout.write(self.style.ERROR(f"{column}: {len(done.unreadable)} unreadable: {rows}{more}"))
            unreadable += len(done.unreadable)
            moving += done.moving
        if moving:
            self.stdout.write(f"{moving} values changed all the time; run the command again.")
        if unreadable:
            raise CommandError(f"{unreadable} values cannot be read: a key is missing, or they were changed.")
