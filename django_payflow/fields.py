"""Columns that are encrypted at rest: JSON, text and bytes, as wide and of the same database type as before.

With ``PAYFLOW["ENCRYPTION_KEYS"]`` the database holds ``payflow:<key id>:<Fernet token>``; a JSON column holds that
as a JSON string. The first key encrypts, every key decrypts. What was stored without a key is read as it is. A value
that cannot be decrypted is never handed out: using it raises ``Unreadable``.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

from django.core.exceptions import FieldError
from django.core.signals import setting_changed
from django.db import models
from django.db.models.lookups import Exact

from . import conf, redaction
from .exceptions import ConfigurationError, Unreadable

__all__ = [
    "ESCAPE",
    "KEY_ID",
    "MARK",
    "Encrypted",
    "EncryptedBinaryField",
    "EncryptedJSONField",
    "EncryptedTextField",
    "Sealed",
    "cipher",
    "current_key",
]

KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,32}")
MARK = "payflow:"
_MARK = MARK.encode()
ESCAPE = "payflow::"
"""Before a plain value that begins with ``MARK`` itself: no key has an empty id."""


def current_key() -> str | None:
    """Return the id of the key that encrypts: the first one; ``None`` where values are stored as they are."""
    key_id, key = next(iter(conf.get().encryption_keys.items()), (None, conf.OFF))
    return None if key == conf.OFF else key_id


@cache
def cipher(key_id: str) -> Any:
    """Return the Fernet of a key that is configured. Raises ``ConfigurationError``, which never shows the key."""
    try:
        from cryptography.fernet import Fernet
    except ImportError:
        message = "PAYFLOW['ENCRYPTION_KEYS'] needs the package cryptography: pip install 'dj-payflow[encryption]'."
        raise ConfigurationError(message) from None
    if not KEY_ID.fullmatch(key_id):  # not shown: id and key may have been mixed up
        raise ConfigurationError("PAYFLOW['ENCRYPTION_KEYS'] has an id that cannot be used.")
    try:  # no variable of ours holds the key: an error reporter may show those
        found = Fernet(conf.get().encryption_keys[key_id])
    except ValueError:
        found = None
    if found is None:  # said out here, so that the error does not drag Fernet's frames along
        raise ConfigurationError(f"PAYFLOW['ENCRYPTION_KEYS'][{key_id!r}] is no Fernet key.")
    redaction.remember(conf.get().encryption_keys[key_id])
    return found


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "PAYFLOW":
        cipher.cache_clear()


setting_changed.connect(_forget, dispatch_uid="django_payflow.fields")


class _NotThere(Unreadable, AttributeError):
    """An attribute of a value that cannot be read; ``hasattr`` must still be able to say no."""


class Sealed:
    """A stored value that no key opens: it can be replaced, compared and saved again; whoever reads it, fails."""

    __slots__ = ("reason", "stored")

    def __init__(self, stored: str, reason: str) -> None:
        self.stored, self.reason = stored, reason

    def _refuse(self, *_: Any) -> NoReturn:
        raise Unreadable(self.reason)

    __str__ = __bytes__ = __bool__ = __len__ = __iter__ = __getitem__ = __contains__ = keys = _refuse

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(name) if name.startswith("__") else _NotThere(self.reason)

    def __repr__(self) -> str:
        return "<a value that cannot be decrypted>"


class _ExactlyEmpty(Exact):
    """Emptiness can be asked for; what is encrypted differs each time, so that a search would find nothing."""

    def __init__(self, lhs: Any, rhs: Any) -> None:
        if rhs is not None and not _is_empty(rhs):
            raise FieldError("a column that is encrypted at rest can only be compared with an empty value")
        super().__init__(lhs, rhs)


def _is_empty(value: Any) -> bool:
    return isinstance(value, (str, bytes, bytearray, memoryview, dict, list, tuple)) and not len(value)


if TYPE_CHECKING:
    _Base = models.Field[Any, Any]
    _Text = models.TextField[Any, Any]
    _Binary = models.BinaryField[Any, Any]
else:  # the fields of Django cannot be subscripted while it runs
    _Base, _Text, _Binary = object, models.TextField, models.BinaryField


class Encrypted(_Base):
    """What the three fields share. Empty values stay as they are: "nothing there" is no secret, and is asked for."""

    def to_bytes(self, value: Any) -> bytes:
        """Return what gets encrypted."""
        raise NotImplementedError

    def from_bytes(self, data: bytes) -> Any:
        """Return the value again."""
        raise NotImplementedError

    def to_column(self, text: str) -> Any:
        """Return a marked text as the column's own type."""
        return text

    def marked(self, value: Any) -> str:
        """Return the value as text if it begins with our mark, else nothing."""
        return value if isinstance(value, str) and value.startswith(MARK) else ""

    def key_of(self, value: Any) -> str | None:
        """Return the id of the key that a stored value needs; ``None`` if it needs none."""
        marked = self.marked(value)
        return marked.split(":", 2)[1] if marked and not marked.startswith(ESCAPE) else None

    def opened(self, value: Any) -> Any:
        """Return what a stored value means: itself, or what was encrypted; ``Sealed`` if no key fits."""
        if not (marked := self.marked(value)):
            return value
        if marked.startswith(ESCAPE):
            return self.to_column(marked.removeprefix(ESCAPE))
        _, key_id, token = [*marked.split(":", 2), ""][:3]
        where = f"{self.model._meta.label}.{self.name}"
        if conf.get().encryption_keys.get(key_id, conf.OFF) == conf.OFF:
            reason = f"{where} was encrypted with the key {key_id!r}: put it back into PAYFLOW['ENCRYPTION_KEYS']."
            return Sealed(marked, reason)
        fernet = cipher(key_id)
        from cryptography.fernet import InvalidToken

        try:
            return self.from_bytes(fernet.decrypt(token.encode("utf-8", "surrogateescape")))
        except (InvalidToken, ValueError):
            reason = f"{where} was changed, or encrypted with another key than the one that is called {key_id!r} now."
            return Sealed(marked, reason)

    def plain(self, value: Any) -> Any:
        """Return a value as it is stored without a key."""
        marked = self.marked(value)
        return self.to_column(ESCAPE + marked) if marked else value

    def stored(self, value: Any) -> Any:
        """Return a value as the settings want it stored."""
        if isinstance(value, Sealed):
            return self.to_column(value.stored)
        key_id = current_key()
        if key_id is None:
            return self.plain(value)
        if value is None or _is_empty(value) or hasattr(value, "as_sql"):
            return value
        return self.to_column(f"{MARK}{key_id}:{cipher(key_id).encrypt(self.to_bytes(value)).decode()}")

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        """Encrypt on the way in."""
        return super().get_db_prep_save(self.stored(value), connection)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """Decrypt on the way out."""
        return self.opened(value)

    def get_lookup(self, lookup_name: str) -> Any:
        """Refuse what would silently find nothing."""
        if lookup_name == "exact":
            exact: Any = super().get_lookup(lookup_name)
            return _exactly_empty(exact)
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None

    def get_transform(self, lookup_name: str) -> Any:
        """Refuse to look inside."""
        return None


@cache
def _exactly_empty(lookup: type[Any]) -> Any:
    return type("ExactlyEmpty", (_ExactlyEmpty, lookup), {})


class EncryptedTextField(Encrypted, _Text):
    """Text, encrypted at rest."""

    def to_bytes(self, value: Any) -> bytes:
        return str(value).encode()

    def from_bytes(self, data: bytes) -> str:
        return data.decode()


class EncryptedJSONField(Encrypted, models.JSONField):
    """JSON, encrypted at rest."""

    def to_bytes(self, value: Any) -> bytes:
        return json.dumps(value, cls=self.encoder).encode()

    def from_bytes(self, data: bytes) -> Any:
        return json.loads(data, cls=self.decoder)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return self.opened(models.JSONField.from_db_value(self, value, expression, connection))


class EncryptedBinaryField(Encrypted, _Binary):
    """Bytes, encrypted at rest."""

    def to_bytes(self, value: Any) -> bytes:
        return bytes(value)

    def from_bytes(self, data: bytes) -> bytes:
        return data

    def to_column(self, text: str) -> bytes:
        return text.encode("utf-8", "surrogateescape")

    def marked(self, value: Any) -> str:
        if not isinstance(value, bytes | bytearray | memoryview) or bytes(value[: len(MARK)]) != _MARK:
            return ""
        return bytes(value).decode("utf-8", "surrogateescape")
