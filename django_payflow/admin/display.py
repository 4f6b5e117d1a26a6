"""The small pieces of a page: badges, money, links, panels. Whatever comes from a row is escaped."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin import AdminSite
from django.db import models
from django.urls import reverse
from django.utils.formats import localize
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.timezone import is_aware, localtime
from django.utils.translation import gettext as _

from ..exceptions import ConfigurationError
from ..money import Money

__all__ = [
    "TONES",
    "Panel",
    "badge",
    "details",
    "identifier",
    "link",
    "moment",
    "moment_text",
    "moments",
    "money_text",
    "page_of",
    "rows_of",
    "shortened",
]

TONES = {
    "good": {"paid", "completed", "done", "succeeded"},
    "busy": {"authorized", "processing", "running", "due", "partly captured", "submitting"},
    "waiting": {"draft", "created", "pending", "retry_wait", "blocked", "requested"},
    "alarm": {"conflicted", "on_hold", "on hold", "charged back", "open", "manual", "returned"},
    "bad": {"failed"},
    "over": {"canceled", "expired", "refunded", "partly refunded", "voided", "ignored", "closed", "test"},
}
"""The tone of a badge -> the words that have it. A colour only repeats what the word says."""
_TONE_OF = {word: tone for tone, words in TONES.items() for word in words}


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A block below a page's fields: a table, or a text."""

    title: str
    headers: Sequence[str] = ()
    rows: Sequence[Sequence[Any]] = ()
    text: str = ""
    note: str = ""
    empty: str = ""
    """What stands instead of a table without rows."""


def badge(word: str, *, text: str = "") -> SafeString:
    """Return a coloured word; its tone comes from ``TONES``, a word that is not there has the quiet one."""
    tone = _TONE_OF.get(word, "over")
    return format_html('<span class="payflow-badge payflow-{}">{}</span>', tone, text or word.replace("_", " "))


def money_text(minor: int, currency: str) -> SafeString:
    """Return an amount as people read it. What a provider calls a currency need not be one: shown as it came."""
    try:
        text = str(Money(minor=minor, currency=currency))
    except ConfigurationError:
        text = _("%(units)s minor units of “%(currency)s”") % {"units": minor, "currency": currency}
    return format_html('<span class="payflow-money">{}</span>', text)


def moment(when: datetime | None, *, seconds: bool = True) -> SafeString | str:
    """Return a moment in the site's time zone; to the second, because in a timeline minutes are too coarse."""
    if when is None:
        return "–"
    words = _local(when).strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")
    return format_html('<time class="payflow-moment" datetime="{}">{}</time>', when.isoformat(), words)


def moments(name: str, label: Any) -> Callable[[Any], Any]:
    """Make a list's column of moments: shorter than the site's own format, so that a row stays one line."""

    @admin.display(description=label, ordering=name, empty_value="–")
    def column(row: Any) -> Any:
        return moment(getattr(row, name), seconds=False)

    column.__name__ = name
    return column


def identifier(value: str) -> SafeString | str:
    """Return a provider's long id; it may break anywhere, so that it leaves room for other columns."""
    return format_html('<span class="payflow-id">{}</span>', value) if value else "–"


def shortened(text: str, length: int = 90) -> SafeString | str:
    """Return the beginning of a text for a list, the rest on demand."""
    short = Truncator(text).chars(length)
    return format_html('<span title="{}">{}</span>', text, short) if short != text else text or "–"


def moment_text(when: datetime) -> str:
    """Return a moment in the words of the site's language, for a sentence."""
    return str(localize(_local(when)))


def _local(when: datetime) -> datetime:
    return localtime(when) if is_aware(when) else when


def details(data: Mapping[str, Any], *, label: str = "") -> SafeString | str:
    """Return key and value pairs that open on demand; empty ones are left out."""
    pairs = [(key, _value(value)) for key, value in data.items() if value not in ("", None)]
    if not pairs:
        return ""
    body = format_html_join("", "<dt>{}</dt><dd>{}</dd>", pairs)
    return format_html("<details><summary>{}</summary><dl>{}</dl></details>", label or _("details"), body)


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def page_of(site: AdminSite, row: models.Model, page: str = "change") -> str:
    """Return the address of a row's page on this admin site; empty when its model is not registered there."""
    opts = row._meta
    if not site.is_registered(type(row)):
        return ""
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_{page}", args=[row.pk], current_app=site.name)


def link(site: AdminSite, row: models.Model | None, text: str = "") -> SafeString | str:
    """Return a link to a row's page, or its name alone when it has none here."""
    if row is None:
        return "–"
    url = page_of(site, row)
    return format_html('<a href="{}">{}</a>', url, text or str(row)) if url else text or str(row)


def rows_of(found: Iterable[Any], limit: int) -> tuple[list[Any], str]:
    """Turn rows that come newest first around; return at most ``limit``, and a note if there are more."""
    rows = list(found)
    note = _("Only the newest %(limit)s are shown.") % {"limit": limit} if len(rows) > limit else ""
    return rows[:limit][::-1], note
