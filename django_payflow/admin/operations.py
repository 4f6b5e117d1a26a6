"""Commands of an operator: a confirmation page that says what will happen, then one flow call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from ..flow import Result
from .display import page_of
from .forms import OperationForm

__all__ = ["Operation", "operation_links", "succeeded"]

Told = tuple[int, str | Promise]
"""A message's level and its words."""


def _everybody(row: Any, actor: str) -> str:
    return ""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One command about one row."""

    name: str
    """The last part of its address."""
    label: str | Promise
    """On the button."""
    explain: Callable[[Any], Sequence[str]]
    """What will happen, at the provider and here, in sentences."""
    run: Callable[..., Result]
    """The flow call: the row's id, the person's name, and what the form says as keywords. May raise
    ``CommandRefused``."""
    tell: Callable[[Any, Any], Told]
    """What to say afterwards, given the row as it is then and the result."""
    refusal: Callable[[Any], str] = lambda row: ""
    """Why the row's state does not allow it now; empty when it does. Decides what is shown; the flow decides."""
    refusal_for: Callable[[Any, str], str] = _everybody
    """Why this person may not, although others may; empty when she may."""
    form: type[OperationForm] | None = None
    """What the person says along with it; its fields bear the names of the flow's arguments."""
    permissions: tuple[str, ...] = ()
    """Permissions of which one is needed, such as ``payflow.refund_payment``; none: the model's change permission."""

    def refuse(self, row: Any, actor: str) -> str:
        """Return why this person cannot give it about this row now; empty when she can."""
        return self.refusal(row) or self.refusal_for(row, actor)


def succeeded(words: str | Promise) -> Callable[[Any, Any], Told]:
    """Tell the same whatever the result is."""
    return lambda row, result: (messages.SUCCESS, words)


def operation_links(
    site: AdminSite, request: HttpRequest, row: Any, only: Sequence[str] | None = None
) -> SafeString | str:
    """Return links to the commands that this person may give about a row now; for a table's last column.

    ``only`` names the ones that are of interest.
    """
    if not site.is_registered(type(row)):
        return ""
    admin: Any = site.get_model_admin(type(row))
    if not hasattr(admin, "open_operations"):  # a shop may have registered the model with a class of its own
        return ""
    wanted = [one for one in admin.open_operations(request, row) if only is None or one.name in only]
    found = [(page_of(site, row, one.name), one.label) for one in wanted]
    links = format_html_join(" ", '<a class="payflow-operation" href="{}">{}</a>', found)
    return format_html('<span class="payflow-operations">{}</span>', links) if found else ""
