"""``manage.py payflow_doctor``: would a payment work on this machine, right now?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Literal

from celery import current_app
from django.core.checks import ERROR, WARNING, run_checks
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connections, router
from django.db.migrations.executor import MigrationExecutor

from ... import clock, conf, flow, registry
from ...exceptions import ConfigurationError
from ...fields import current_key
from ...flow import rekeying
from ...models import Case, Heartbeat, Payment

BEAT_IS_LATE_AFTER = timedelta(minutes=2)
Verdict = Literal["ok", "warning", "wrong"]


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report."""

    verdict: Verdict
    subject: str
    words: str


class Command(BaseCommand):
    help = "Check configuration, migrations, providers, broker and sweep. Exit status 1 if anything is wrong."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--offline", action="store_true", help="ask no provider and no broker")

    def handle(self, *args: Any, **options: Any) -> None:
        findings = list(examine(offline=options["offline"]))
        if options["json"]:
            told = {"findings": [asdict(finding) for finding in findings], "figures": _figures_as_json()}
            self.stdout.write(json.dumps(told, indent=2))
        else:
            for finding in findings:
                self.stdout.write(self._line(finding))
        wrong = sum(1 for finding in findings if finding.verdict == "wrong")
        if wrong:
            raise CommandError(f"{wrong} thing{'s' if wrong > 1 else ''} must be mended", returncode=1)

    def _line(self, finding: Finding) -> str:
        style = {"ok": self.style.SUCCESS, "warning": self.style.WARNING, "wrong": self.style.ERROR}
        return f"{style[finding.verdict](finding.verdict.rjust(7))}  {finding.subject}: {finding.words}"


def examine(*, offline: bool = False) -> Iterator[Finding]:
    """Yield what the doctor sees; a broken database ends the examination early."""
    yield from _configuration()
    yield from _webhooks()
    database = _migrations()
    yield database
    if not offline:
        yield from _providers()
        yield _broker()
    if database.verdict != "wrong":
        yield _sweep()
        yield from _backlog()
        yield from _busy()
        yield from _at_rest()


def _configuration() -> Iterator[Finding]:
    messages = run_checks(tags=["payflow"])
    for message in messages:
        if message.level >= WARNING:
            verdict: Verdict = "wrong" if message.level >= ERROR else "warning"
            yield Finding(verdict, "configuration", f"({message.id}) {message.msg} {message.hint or ''}".strip())
    if not any(message.level >= ERROR for message in messages):
        yield Finding("ok", "configuration", "the settings are readable and complete")


def _migrations() -> Finding:
    connection = connections[router.db_for_read(Payment)]
    try:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as broken:
        return Finding("wrong", "database", f"cannot be read: {type(broken).__name__}. Is it running?")
    missing = [migration.name for migration, _ in plan if migration.app_label == "payflow"]
    if missing:
        return Finding("wrong", "database", f"not migrated ({', '.join(missing)}). Run manage.py migrate.")
    return Finding("ok", "database", f"{connection.vendor}, migrated")


def _providers() -> Iterator[Finding]:
    for account in _accounts():
        try:
            reached, words = flow.probe_account(account=account.alias)
        except ConfigurationError as wrong:
            reached, words = False, str(wrong)
        yield Finding("ok" if reached else "wrong", f"provider {account.alias}", words)


def _webhooks() -> Iterator[Finding]:
    """Where a provider takes one address for the whole account, somebody must have entered it there."""
    for account in _accounts():
        try:
            registers = registry.provider_class(account.backend).registers_webhooks
        except ConfigurationError:
            continue  # the configuration's own finding says so
        if registers:
            address = flow.account_webhook_url(account.alias)
            yield Finding("ok", f"webhooks of {account.alias}", f"register {address} at the provider")


def _accounts() -> list[conf.Account]:
    try:
        return list(conf.get().providers.values())
    except ConfigurationError:
        return []  # the configuration's own finding says so


def _broker() -> Finding:
    connection = current_app.connection_for_write(connect_timeout=2)
    try:
        connection.ensure_connection(max_retries=1, interval_start=0, timeout=2)
    except Exception as error:  # noqa: BLE001  (each broker library raises its own)
        words = f"does not answer ({type(error).__name__}). Nothing is lost: the sweep does the work, later."
        return Finding("warning", "broker", words)
    finally:
        connection.release()
    return Finding("ok", "broker", f"{connection.transport_cls} answers")


def _sweep() -> Finding:
    last = Heartbeat.objects.filter(name="sweep").values_list("at", flat=True).first()
    how = "Run celery beat with the task payflow.sweep every 10 seconds, or manage.py payflow_sweep from cron."
    if last is None:
        return Finding("wrong", "sweep", f"has never run. {how}")
    age = clock.now() - last
    if age > BEAT_IS_LATE_AFTER:
        return Finding("wrong", "sweep", f"ran last {_words(age)} ago. {how}")
    return Finding("ok", "sweep", f"ran {_words(age)} ago")


_SUBJECTS = {
    "delivery": "webhook deliveries",
    "fulfilment": "fulfilments",
    "check": "payments and refunds to ask about",
    "uncertain": "operations with an unknown outcome",
}


def _backlog() -> Iterator[Finding]:
    for figure in flow.figures():
        age = timedelta(seconds=figure.seconds)
        verdict: Verdict = "warning" if age > BEAT_IS_LATE_AFTER else "ok"
        if figure.is_too_old:
            verdict = "wrong"
        words = f"{figure.waiting} waiting, the oldest for {_words(age)}" if figure.waiting else "none waits"
        yield Finding(verdict, _SUBJECTS[figure.name], words)
    cases = Case.objects.open().count()
    yield Finding("warning" if cases else "ok", "cases", f"{cases} wait for a person" if cases else "none is open")


def _busy() -> Iterator[Finding]:
    """An account whose every slot is taken hangs, or is slow: its other payments wait, other accounts' do not."""
    for alias, count in flow.busy_accounts().items():
        words = f"{count} payments and moves are being asked about, which is all that FETCHES_PER_ACCOUNT allows"
        yield Finding("warning", f"provider {alias}", words)


_REKEY = "Run manage.py payflow_rekey."


def _at_rest() -> Iterator[Finding]:
    """Which keys the stored values need: whether all can be read, and which keys may be taken away."""
    subject = "encryption at rest"
    try:
        keys, first, columns = conf.get().encryption_keys, current_key(), rekeying.columns()
        lost = {str(column): pks for column in columns if (pks := rekeying.tried(column))}
        surveys = [rekeying.survey(column) for column in columns] if keys else []
    except ConfigurationError:
        return  # the configuration's own finding says so
    for found in surveys:
        if found.unknown:
            lost.pop(str(found.column), None)
            words = f"{found.unknown} values of {found.column} need a key that is not configured: {found.example}"
            yield Finding("wrong", subject, f"{words}. Put it back into PAYFLOW['ENCRYPTION_KEYS'].")
    for column, pks in lost.items():
        words = f"{column} of row {pks[0]} and {len(pks) - 1} more of the newest cannot be decrypted"
        yield Finding(
            "wrong", subject, f"{words}: its key is missing from PAYFLOW['ENCRYPTION_KEYS'], or another one."
        )
    if not keys:
        if not lost:
            yield Finding("ok", subject, "off: PAYFLOW['ENCRYPTION_KEYS'] is empty")
        return
    if first is not None and (plain := sum(found.plain for found in surveys)):
        yield Finding("warning", subject, f"{plain} values are stored without encryption. {_REKEY}")
    for key_id in (key_id for key_id in keys if keys[key_id] != conf.OFF):
        count = sum(found.by_key[key_id] for found in surveys)
        if key_id == first:
            yield Finding("ok", subject, f"{count} values are encrypted with {key_id!r}")
        elif count:
            yield Finding("warning", subject, f"{count} values still need the key {key_id!r}. {_REKEY}")
        else:
            yield Finding("ok", subject, f"no value needs the key {key_id!r} any more")


def _figures_as_json() -> dict[str, Any]:
    """Return the four figures that page somebody, for a monitoring system; empty without a usable database."""
    try:
        return {figure.name: asdict(figure) for figure in flow.figures()}
    except (DatabaseError, ConfigurationError):
        return {}


def _words(age: timedelta) -> str:
    seconds = int(age.total_seconds())
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} seconds"
