"""What is encrypted at rest, with which key, and the way to another key: row by row, beside everything that runs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import connections, models, router
from django.db.models.functions import Substr

from .. import conf
from ..fields import ESCAPE, MARK, Encrypted, EncryptedBinaryField, EncryptedJSONField, Sealed, current_key

__all__ = ["Column", "Rekeyed", "Survey", "columns", "rekey", "survey", "tried"]

BATCH = 500
_TRIES = 5
_SAMPLE = 20
_HELD = "payflow_held"
"""The annotation with what the database holds; a name that no shop's column has."""
_EMPTY_JSON = ("{}", "[]", '""', "null")


class _AsItIs(models.Func):
    """A column as the database holds it, exactly comparable: no field between, no collation."""

    template = "%(expressions)s"
    arity = 1

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        is_json = isinstance(self.source_expressions[0].output_field, EncryptedJSONField)
        return self.as_sql(compiler, connection, template="(%(expressions)s)::text" if is_json else None)

    def as_mysql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template="CAST(%(expressions)s AS BINARY)")


@dataclass(frozen=True)
class Column:
    """One encrypted column of one model, and how its stored values are read without the field."""

    model: Any
    field: Any

    def __str__(self) -> str:
        return f"{self.model._meta.label}.{self.field.name}"

    @property
    def _alias(self) -> str:
        return router.db_for_write(self.model)

    @property
    def _is_bytes(self) -> bool:
        return isinstance(self.field, EncryptedBinaryField) or connections[self._alias].vendor == "mysql"

    def begins(self, text: str) -> str | bytes:
        """Return the beginning of a stored value as the database holds it."""
        text = f'"{text}' if isinstance(self.field, EncryptedJSONField) else text
        return text.encode() if self._is_bytes else text

    def _kind(self) -> models.Field[Any, Any]:
        return models.BinaryField() if self._is_bytes else models.TextField()

    def rows(self) -> models.QuerySet[Any]:
        """Rows that hold something, annotated with exactly what the database holds."""
        empty = _EMPTY_JSON if isinstance(self.field, EncryptedJSONField) else ("",)
        rows: models.QuerySet[Any] = self.model._base_manager.using(self._alias).annotate(
            **{_HELD: _AsItIs(models.F(self.field.name), output_field=self._kind())}
        )
        rows = rows.exclude(**{f"{self.field.name}__isnull": True})
        return rows.exclude(**{f"{_HELD}__in": [each.encode() if self._is_bytes else each for each in empty]})

    def beginning(self, text: str) -> Any:
        """Return the expression for as many characters of a value as this beginning has."""
        return Substr(models.F(_HELD), 1, len(self.begins(text)), output_field=self._kind())

    def value(self, held: Any) -> Any:
        """Return what the field would be given, still encrypted."""
        if isinstance(self.field, EncryptedBinaryField):
            return bytes(held)
        text = bytes(held).decode() if self._is_bytes else held
        return json.loads(text) if isinstance(self.field, EncryptedJSONField) else text


def columns() -> list[Column]:
    """Return every encrypted column of this project: ours, and those of the shop's own models."""
    every = ((model, spec) for model in apps.get_models() for spec in model._meta.local_concrete_fields)
    return [Column(model, spec) for model, spec in every if isinstance(spec, Encrypted) and model._meta.managed]


# --- looking


@dataclass(frozen=True, kw_only=True)
class Survey:
    """How many values of a column need which key."""

    column: Column
    plain: int
    by_key: dict[str, int]
    """By the ids of the keys that are configured."""
    unknown: int
    """Encrypted with a key that is not configured."""
    example: str = ""
    """Such a key's id, and the row that needs it."""


def survey(column: Column) -> Survey:
    """Count a column's values by the key that they need, in one statement."""
    rows, keys = column.rows(), [key_id for key_id, key in conf.get().encryption_keys.items() if key != conf.OFF]
    starts = {"marked": MARK, "escaped": ESCAPE, **{f"key_{i}": f"{MARK}{name}:" for i, name in enumerate(keys)}}
    rows = rows.annotate(**{f"payflow_{name}": column.beginning(text) for name, text in starts.items()})
    asked = {name: models.Q(**{f"payflow_{name}": column.begins(text)}) for name, text in starts.items()}
    found = rows.aggregate(every=models.Count("pk"), **{n: models.Count("pk", filter=q) for n, q in asked.items()})
    by_key = {name: found[f"key_{i}"] for i, name in enumerate(keys)}
    sealed = found["marked"] - found["escaped"]
    unknown, example = sealed - sum(by_key.values()), ""
    if unknown:
        strange = rows.filter(asked.pop("marked"))
        for known in asked.values():
            strange = strange.exclude(known)
        row = strange.values_list("pk", _HELD).first()
        example = f"row {row[0]} needs the key {column.field.key_of(column.value(row[1]))!r}" if row else ""
    return Survey(
        column=column, plain=found["every"] - sealed, by_key=by_key, unknown=max(unknown, 0), example=example
    )


def tried(column: Column, rows: int = _SAMPLE) -> list[Any]:
    """Decrypt the newest values of a column; return the ids of rows where that fails."""
    newest = column.rows().order_by("-pk").values_list("pk", _HELD)[:rows]
    return [pk for pk, held in newest if isinstance(column.field.opened(column.value(held)), Sealed)]


# --- re-keying


@dataclass(kw_only=True)
class Rekeyed:
    """What became of a column's values."""

    column: Column
    done: int = 0
    """Encrypted anew or, with the first key off, decrypted; those that would be, where nothing is written."""
    unreadable: list[Any] = field(default_factory=list)
    """Ids of rows that no key opens; they are left as they are."""
    moving: int = 0
    """Changed by somebody else each time we looked."""


def rekey(column: Column, *, batch: int = BATCH, dry_run: bool = False) -> Rekeyed:
    """Write a column's values anew as the settings want them stored. What is right already is skipped.

    Each row is one statement of its own, which takes effect only where the value is still the one that was read: no
    lock is held, nothing newer is overwritten, and it can be stopped and started again at any time.
    """
    done, last = Rekeyed(column=column), None
    while True:
        rows = _to_do(column).order_by("pk") if last is None else _to_do(column).filter(pk__gt=last).order_by("pk")
        found = list(rows.values_list("pk", _HELD)[:batch])
        for pk, held in found:
            _one(done, pk, held, dry_run=dry_run)
        if len(found) < batch:
            return done
        last = found[-1][0]


def _to_do(column: Column) -> models.QuerySet[Any]:
    """Rows whose value is not stored as the settings want it."""
    rows: models.QuerySet[Any]
    key_id = current_key()
    if key_id is None:
        rows = column.rows().annotate(payflow_start=column.beginning(MARK), payflow_escape=column.beginning(ESCAPE))
        rows = rows.filter(payflow_start=column.begins(MARK)).exclude(payflow_escape=column.begins(ESCAPE))
    else:
        start = f"{MARK}{key_id}:"
        rows = (
            column.rows().annotate(payflow_start=column.beginning(start)).exclude(payflow_start=column.begins(start))
        )
    return rows


def _one(done: Rekeyed, pk: Any, held: Any, *, dry_run: bool) -> None:
    column = done.column
    for _ in range(_TRIES):
        value = column.field.opened(column.value(held))
        if isinstance(value, Sealed):
            done.unreadable.append(pk)
            return
        if dry_run or column.rows().filter(**{"pk": pk, _HELD: held}).update(**{column.field.name: value}):
            done.done += 1
            return
        held = _to_do(column).filter(pk=pk).values_list(_HELD, flat=True).first()
        if held is None:
            return  # gone, or stored as it should be by whoever changed it
    done.moving += 1
