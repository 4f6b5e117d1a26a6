"""Everything the simulators remember: JSON documents by kind and key, atomic per change, on disk if asked.

Documents live in memory and every change is written through to one sqlite file in a single transaction, so
``kill -9`` at any point leaves either the whole change or none of it. Without a directory nothing is written.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Json = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (kind, key)
)
"""
_UPSERT = (
    "INSERT INTO documents (kind, key, body) VALUES (?, ?, ?)"
    " ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body"
)


class StateUnusable(RuntimeError):
    """The state directory belongs to another running process, or cannot be read or written."""


def copy_json(value: Any) -> Any:
    """A deep copy of a JSON value; several times faster than ``copy.deepcopy``."""
    if isinstance(value, dict):
        return {key: copy_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copy_json(item) for item in value]
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"{type(value).__name__} is not JSON")


class Store:
    """Documents handed out are copies: only ``put`` changes what is remembered."""

    def __init__(self, directory: Path | None = None) -> None:
        self.lock = threading.RLock()
        self.closed = False
        self._kinds: dict[str, dict[str, Json]] = {}
        self._undo: list[tuple[str, str, Json | None]] = []
        self._depth = 0
        self._database = None if directory is None else _open(directory)
        if self._database is not None:
            self._load(self._database)

    def _load(self, database: sqlite3.Connection) -> None:
        for kind, key, body in database.execute("SELECT kind, key, body FROM documents ORDER BY seq"):
            self._kinds.setdefault(kind, {})[key] = json.loads(body)

    @contextmanager
    def change(self) -> Iterator[None]:
        """One atomic change; nests. An exception takes back what was done inside, in memory and on disk."""
        with self.lock:
            mark = len(self._undo)
            self._depth += 1
            try:
                yield
            except BaseException:
                self._take_back(mark)
                raise
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._finish()

    def _take_back(self, mark: int) -> None:
        while len(self._undo) > mark:
            kind, key, before = self._undo.pop()
            self._write(kind, key, before)

    def _finish(self) -> None:
        self._undo.clear()
        if self._database is not None and self._database.in_transaction:
            self._database.commit()

    def _write(self, kind: str, key: str, document: Json | None) -> None:
        """Into memory and into the open transaction; None removes."""
        documents = self._kinds.setdefault(kind, {})
        if document is None:
            documents.pop(key, None)
        else:
            documents[key] = document
        if self._database is None:
            return
        if document is None:
            self._database.execute("DELETE FROM documents WHERE kind = ? AND key = ?", (kind, key))
        else:
            self._database.execute(_UPSERT, (kind, key, json.dumps(document)))

    def get(self, kind: str, key: str) -> Json | None:
        with self.lock:
            document = self._kinds.get(kind, {}).get(key)
            return None if document is None else copy_json(document)

    def put(self, kind: str, key: str, document: Json) -> None:
        with self.change():
            self._undo.append((kind, key, self._kinds.get(kind, {}).get(key)))
            self._write(kind, key, copy_json(document))

    def delete(self, kind: str, key: str) -> None:
        with self.change():
            before = self._kinds.get(kind, {}).get(key)
            if before is not None:
                self._undo.append((kind, key, before))
                self._write(kind, key, None)

    def keys(self, kind: str, where: Callable[[Json], bool] | None = None) -> list[str]:
        """Keys in the order of creation. ``where`` looks at the live document and must not change it."""
        with self.lock:
            documents = self._kinds.get(kind, {})
            return [key for key, document in documents.items() if where is None or where(document)]

    def find(self, kind: str, where: Callable[[Json], bool] | None = None) -> list[Json]:
        """Copies in the order of creation."""
        with self.lock:
            documents = self._kinds.get(kind, {})
            return [copy_json(documents[key]) for key in self.keys(kind, where)]

    def clear(self) -> None:
        """Forget everything. Not part of a larger change: nothing is left to take back."""
        with self.lock:
            self._kinds.clear()
            self._undo.clear()
            if self._database is not None:
                self._database.execute("DELETE FROM documents")
                self._database.commit()

    def close(self) -> None:
        with self.lock:
            self.closed = True
            if self._database is not None:
                self._database.close()
                self._database = None


def _open(directory: Path) -> sqlite3.Connection:
    """The file is locked for as long as the process lives; the system frees the lock after ``kill -9``."""
    path = directory / "simulators.sqlite3"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(path, timeout=0.2, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise StateUnusable(f"{path} cannot be opened ({error})") from error
    try:
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute(_SCHEMA)
        database.commit()
    except sqlite3.Error as error:
        database.close()
        raise StateUnusable(f"{path} cannot be used, perhaps another process has it ({error})") from error
    return database
