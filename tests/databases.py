"""Where the tests find their databases. Only names that start with ``test_payflow`` are ever touched."""

from __future__ import annotations

import os
import socket
from typing import Any
from urllib.parse import unquote, urlsplit

SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON",
}


def listens(port: int, host: str = "127.0.0.1") -> bool:
    """Say whether something answers at this port of this machine."""
    try:
        with socket.create_connection((host, port), timeout=0.3):
            return True
    except OSError:
        return False


def postgres_url() -> str | None:
    """Return the address of a PostgreSQL to test on, or ``None``."""
    if url := os.environ.get("PAYFLOW_TEST_POSTGRES"):
        return url
    return "postgres://postgres@127.0.0.1:5432/test_payflow" if listens(5432) else None


def mariadb_url() -> str | None:
    """Return the address of a MariaDB to test on, or ``None``."""
    if url := os.environ.get("PAYFLOW_TEST_MARIADB"):
        return url
    return "mysql://root@127.0.0.1:3306/test_payflow" if listens(3306) else None


def redis_url() -> str | None:
    """Return the address of a Redis to test on (always its database 15), or ``None``."""
    if url := os.environ.get("PAYFLOW_TEST_REDIS"):
        return url
    return "redis://127.0.0.1:6379/15" if listens(6379) else None


def database() -> dict[str, Any]:
    """Return the settings of the database named by ``PAYFLOW_TEST_DATABASE``: sqlite, postgres or mariadb."""
    wanted = os.environ.get("PAYFLOW_TEST_DATABASE", "sqlite")
    if wanted == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", "OPTIONS": SQLITE_OPTIONS}
    url = {"postgres": postgres_url, "mariadb": mariadb_url}[wanted]()
    if url is None:
        raise SystemExit(f"PAYFLOW_TEST_DATABASE={wanted}, but no such server was found on this machine")
    return from_url(url)


def from_url(url: str) -> dict[str, Any]:
    """Turn postgres://user:password@host:port/name into Django's settings."""
    parts = urlsplit(url)
    engine = {"postgres": "postgresql", "postgresql": "postgresql", "mysql": "mysql"}[parts.scheme]
    name = parts.path.lstrip("/") or "test_payflow"
    return {
        "ENGINE": f"django.db.backends.{engine}",
        "NAME": name.removeprefix("test_"),
        "TEST": {"NAME": name},
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
    }
