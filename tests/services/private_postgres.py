"""A PostgreSQL of its own in a temporary directory, so that its crash harms nobody."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.databases import from_url
from tests.services.databases import Database, Unblock
from tests.services.harness import free_port, need

_USUAL = Path("/usr/lib/postgresql")
"""Where distributions put the servers, a directory per version."""


def _binaries() -> Path | None:
    """The directory of ``initdb`` and ``pg_ctl``: by the PATH, by ``pg_config``, or the newest usual one."""
    candidates = [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
    if config := shutil.which("pg_config"):
        said = subprocess.run([config, "--bindir"], capture_output=True, text=True, timeout=10, check=False)
        candidates.append(Path(said.stdout.strip()))
    versions = [each for each in _USUAL.glob("*") if each.name.isdigit()]
    candidates += [each / "bin" for each in sorted(versions, key=lambda each: int(each.name), reverse=True)]
    return next((each for each in candidates if (each / "initdb").exists() and (each / "pg_ctl").exists()), None)


def _owner() -> str | None:
    """Whom the server runs as where we are root, which it refuses; ``None``: ourselves."""
    if os.geteuid() != 0:
        return None
    with suppress(KeyError):
        return pwd.getpwnam("postgres").pw_name
    return pwd.getpwnam("nobody").pw_name


class PrivatePostgres:
    """A server that can be crashed and started again. Its data survive that, as they must."""

    def __init__(self) -> None:
        found = _binaries()
        need(found, "the PostgreSQL server's programs (initdb, pg_ctl)")
        assert found is not None
        self._bin, self._owner, self.port = found, _owner(), free_port()
        self._home = Path(tempfile.mkdtemp(prefix="payflow-postgres-"))  # pytest's directories are the user's alone
        self._data, self._log = self._home / "data", self._home / "log"
        if self._owner:
            shutil.chown(self._home, self._owner)
        self._run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "-D", str(self._data))
        self.start()

    @property
    def url(self) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}"

    def _run(self, program: str, *words: str) -> None:
        options: dict[str, Any] = (
            {"user": self._owner, "group": pwd.getpwnam(self._owner).pw_gid} if self._owner else {}
        )
        done = subprocess.run(
            [str(self._bin / program), *words],
            cwd=self._home,
            stdout=subprocess.PIPE if program == "initdb" else subprocess.DEVNULL,  # a server would keep a pipe open
            stderr=subprocess.STDOUT,
            text=True,
            timeout=90,
            check=False,
            **options,
        )
        assert done.returncode == 0, f"{program}: {done.stdout or self.log}"

    def start(self) -> None:
        """Start it, and wait until it takes connections. After a crash it recovers by its write-ahead log."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=60"
        self._run("pg_ctl", "-D", str(self._data), "-l", str(self._log), "-o", options, "-w", "-t", "60", "start")

    def crash(self) -> None:
        """Stop it at once, without a checkpoint: all connections are cut, what was not committed is gone."""
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "-w", "-t", "60", "stop")

    def remove(self) -> None:
        """No trace is left, whether it runs or not."""
        with suppress(AssertionError):
            self.crash()
        shutil.rmtree(self._home, ignore_errors=True)

    @property
    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""


class DatabaseThere(Database):
    """A database on a private server."""

    def __init__(self, server: PrivatePostgres, directory: Path, unblock: Unblock) -> None:
        super().__init__("sqlite", directory, unblock)  # for its name; nothing is made by that
        self.kind, self.url = "postgres", f"{server.url}/{self.name}"
        self._settings = {**from_url(self.url), "NAME": self.name}
