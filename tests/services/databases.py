"""Databases of our own on real servers: made, looked into, dropped."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.db.utils import load_backend

from tests.databases import SQLITE_OPTIONS, from_url, mariadb_url, postgres_url
from tests.services.harness import PROJECT, clean_environment, need

Unblock = Callable[[], AbstractContextManager[None]]
_numbers = itertools.count(1)
_SERVERS = {"postgres": postgres_url, "mariadb": mariadb_url}
_LABELS = {"postgres": "a PostgreSQL", "mariadb": "a MariaDB"}


class Database:
    """One database named ``test_payflow_services_<pid>_<n>``, or one SQLite file."""

    def __init__(self, kind: str, directory: Path, unblock: Unblock) -> None:
        self.kind, self._directory, self._unblock = kind, directory, unblock
        self.name = f"test_payflow_services_{os.getpid()}_{next(_numbers)}"
        if kind == "sqlite":
            self._file = directory / f"{self.name}.sqlite3"
            self.url = f"sqlite://{self._file}"
            settings = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(self._file), "OPTIONS": SQLITE_OPTIONS}
        else:
            server = _SERVERS[kind]()
            need(server, _LABELS[kind])
            self.url = urlunsplit(urlsplit(str(server))._replace(path=f"/{self.name}"))
            settings = {**from_url(self.url), "NAME": self.name}
        self._settings = settings

    def migrate(self) -> Database:
        """Make it, with empty tables."""
        self._on_server(f"CREATE DATABASE {self.name}")
        unused = dict.fromkeys(("SITE_BANK", "SITE_URL", "SITE_MAILS"), "http://127.0.0.1")
        settings = {"DJANGO_SETTINGS_MODULE": "tests.services.site.settings", "SITE_DATABASE": self.url}
        env = clean_environment(**settings, **unused)
        command = [sys.executable, "-m", "django", "migrate", "--verbosity", "0"]
        done = subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True, timeout=90)
        assert done.returncode == 0, done.stderr
        return self

    def copy(self) -> Database:
        """Make another one with the same content. Nobody may be using this one."""
        other = Database(self.kind, self._directory, self._unblock)
        if self.kind == "mariadb":  # has no templates
            return other.migrate()
        if self.kind == "sqlite":
            self.rows("PRAGMA wal_checkpoint(TRUNCATE)")
            shutil.copy(self._file, other._file)
        else:
            other._on_server(f"CREATE DATABASE {other.name} TEMPLATE {self.name}")
        return other

    def drop(self) -> None:
        """Remove it, whoever is still connected."""
        if self.kind == "sqlite":
            for file in self._directory.glob(f"{self.name}.sqlite3*"):
                file.unlink()
        else:
            force = " WITH (FORCE)" if self.kind == "postgres" else ""
            self._on_server(f"DROP DATABASE IF EXISTS {self.name}{force}")

    def _on_server(self, statement: str) -> None:
        if self.kind == "sqlite":
            return
        with self._unblock(), _connection(self._settings)._nodb_cursor() as cursor:
            cursor.execute(statement)

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows."""
        with self._cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())

    def execute(self, statement: str) -> None:
        """Run a statement that returns nothing."""
        with self._cursor() as cursor:
            cursor.execute(statement)

    @contextmanager
    def transaction(self, statement: str) -> Iterator[None]:
        """Leave a transaction open after this statement, then roll it back."""
        with self._cursor(AUTOCOMMIT=False) as cursor:
            cursor.execute(statement)
            yield

    @contextmanager
    def _cursor(self, **settings: Any) -> Iterator[Any]:
        """A connection for every look, in whatever thread: nothing is kept open."""
        connection = _connection({**self._settings, **settings})
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()


def _connection(settings: dict[str, Any]) -> Any:
    """A connection that Django does not know of: pytest-django must neither make nor empty this database."""
    defaults = {"AUTOCOMMIT": True, "ATOMIC_REQUESTS": False, "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False}
    names = dict.fromkeys(("USER", "PASSWORD", "HOST", "PORT"), "")
    full = {**defaults, **names, "OPTIONS": {}, "TIME_ZONE": None, "TEST": {}, **settings}
    return load_backend(full["ENGINE"]).DatabaseWrapper(full, alias="services")
