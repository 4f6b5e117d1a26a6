"""The FSM field with our tables: of django-fsm only the field and the decorator, nothing else.

The FSM is not a lock. It makes a forbidden move raise in memory; that two workers cannot both move a row is the
work of the row lock and of the conditional UPDATE in ``flow.rows``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from django.db import models
from django_fsm import FSMField, transition

__all__ = ["SafeRefreshMixin", "choices_of", "mover", "status_constraint", "status_field"]

S = TypeVar("S", bound=StrEnum)
M = TypeVar("M", bound=models.Model)


def choices_of(words: Iterable[StrEnum]) -> list[tuple[str, str]]:
    """Return choices for a field or a filter: the value and readable words."""
    return [(word.value, word.value.replace("_", " ")) for word in words]


def status_field(words: type[StrEnum], default: StrEnum) -> Any:
    """Return a protected FSM field: assignment raises, only a transition changes it."""
    return FSMField(
        default=default.value, protected=True, choices=choices_of(words), max_length=16, db_index=True, editable=False
    )


def status_constraint(words: type[StrEnum], name: str) -> models.CheckConstraint:
    """Return a constraint that keeps unknown words out of the column, whoever writes it."""
    return models.CheckConstraint(condition=models.Q(status__in=[word.value for word in words]), name=name)


def mover(field: Any, table: Mapping[S, frozenset[S]]) -> Callable[[Any, S], None]:
    """Make ``move_to(row, target)`` with one ``@transition`` per target, its sources taken from the table."""

    def make(target: S, sources: frozenset[S]) -> Callable[[Any], None]:
        @transition(field=field, source=sorted(source.value for source in sources), target=target.value)
        def move(row: Any) -> None:
            return None

        return move  # type: ignore[no-any-return]  # django-fsm is untyped

    transitions = {target: make(target, sources) for target, sources in table.items()}

    def move_to(self: Any, target: S) -> None:
        """Move in memory. Raises ``TransitionNotAllowed`` unless the table allows it."""
        transitions[target](self)

    return move_to


class SafeRefreshMixin(models.Model):
    """Lets ``refresh_from_db`` work on a protected status; django-fsm's own mixin switches the protection off."""

    class Meta:
        abstract = True

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        """Read the row again; the status that is put in is the database's, and stays protected."""
        kept = self.__dict__.pop("status", None)
        self._refreshing = kept is not None
        try:
            super().refresh_from_db(*args, **kwargs)
        finally:
            self._refreshing = False
            if kept is not None:  # it was not asked for, or the read failed
                self.__dict__.setdefault("status", kept)

    def get_deferred_fields(self) -> set[str]:
        """A status that was taken out for the refresh is not deferred: it is to be read as well."""
        deferred = super().get_deferred_fields()
        return deferred - {"status"} if getattr(self, "_refreshing", False) else deferred
