"""Webhook deliveries: what the providers sent, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import flow
from ..exceptions import Unreadable
from ..models import DeliveryState, WebhookDelivery
from ..redaction import scrub, scrub_json
from .base import AccountFilter, ReadOnlyAdmin
from .display import Panel, badge, identifier, link, moments, shortened
from .operations import Operation, succeeded

__all__ = ["WebhookDeliveryAdmin", "readable_body"]

_READ = 64 * 1024
"""Longer bodies are not opened: the limit of what is stored by default."""
_SHOWN = 4000


def readable_body(body: bytes) -> str:
    """Return a stored body as text: without secrets and personal data as far as they can be told, and bounded.

    JSON and forms are taken apart, because a name is only known for one by the key it stands under.
    """
    if len(body) > _READ:
        return _("%(size)s bytes: too long to be shown.") % {"size": len(body)}
    text = body.decode("utf-8", "replace")
    shown = _as_json(text) or _as_form(text) or scrub(text)
    return shown if len(shown) <= _SHOWN else shown[:_SHOWN] + " ..."


def _as_json(text: str) -> str:
    try:
        data = json.loads(text)
        return json.dumps(scrub_json(data), indent=2, ensure_ascii=False) if isinstance(data, dict | list) else ""
    except (ValueError, RecursionError):
        return ""


def _as_form(text: str) -> str:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, max_num_fields=200)
    except ValueError:
        return ""
    lines = [f"{name} = {value}" for pair in pairs for name, value in scrub_json(dict([pair])).items()]
    return "\n".join(lines)


def _explain_replay(row: WebhookDelivery) -> list[str]:
    names = {"account": row.account, "reference": row.reference}
    told = [
        _("The stored delivery is processed again, as if it had come just now."),
        _(
            "A worker asks %(account)s how %(reference)s stands. This only reads, unless the attempt is being taken "
            "back: then its cancellation is tried once more. Nothing is charged or refunded."
        )
        % names,
    ]
    if row.payment_id is None:
        told.append(_("No payment is linked to this delivery. If none stores the reference yet, it waits again."))
        return told
    return [*told, _("Your name and this command become part of the payment's timeline.")]


def _refuse_replay(row: WebhookDelivery) -> str:
    if row.state == DeliveryState.IGNORED:
        return _("This delivery is of a kind that is of no interest: there is nothing to process.")
    return ""


REPLAY = Operation(
    name="replay",
    label=gettext_lazy("Replay delivery"),
    explain=_explain_replay,
    refusal=_refuse_replay,
    run=lambda pk, actor: flow.replay_delivery(delivery_id=pk, actor=actor),
    tell=succeeded(gettext_lazy("The delivery will be processed again in a moment.")),
)


class WebhookDeliveryAdmin(ReadOnlyAdmin):
    """The inbox."""

    operations = (REPLAY,)
    secret_fields = ReadOnlyAdmin.secret_fields | {"body", "headers"}
    list_display = [
        moments("received_at", gettext_lazy("received")),
        "state_text",
        "payment_link",
        "reference_text",
        "account",
        "kind",
        "hits",
        "last_error",
    ]
    list_filter = ["state", AccountFilter, "verified", "received_at"]
    list_select_related = ["payment__order"]
    search_fields = ["^reference", "^payment__order__reference", "payment__order__email", "=payment__key"]
    search_help_text = gettext_lazy("The provider's id, order reference, e-mail address, or the payment's key.")
    ordering = ["-received_at"]
    fieldsets = [
        (None, {"fields": ["account", "reference", "kind", "state_text", "payment", "authenticity", "error"]}),
        (gettext_lazy("Times"), {"fields": ["received_at", "last_at", "due_at", "done_at", "lease_until"]}),
        (gettext_lazy("Bookkeeping"), {"fields": ["hits", "attempts", "dedupe_key"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Leave the bodies where they are until a page shows one."""
        return super().get_queryset(request).defer("body", "headers")

    def panels(self, request: HttpRequest, row: WebhookDelivery) -> Sequence[Panel]:
        """What was sent."""
        try:
            body = readable_body(bytes(row.body))
            headers = [(name, scrub(str(value))) for name, value in row.headers.items()]
        except Unreadable as why:
            body, headers = str(why), []
        note = _("As stored, without what looks secret or personal. It is never believed: the provider is asked.")
        return (
            Panel(title=_("Body"), text=body, note=note, empty=_("The body was empty.")),
            Panel(title=_("Headers"), headers=(_("Name"), _("Value")), rows=headers, empty=_("None were kept.")),
        )

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def state_text(self, row: WebhookDelivery) -> SafeString:
        """The state, in colour."""
        return badge(row.state, text=row.get_state_display())

    @admin.display(description=gettext_lazy("payment"))
    def payment_link(self, row: WebhookDelivery) -> SafeString | str:
        """Lead to the payment, by the reference of its order."""
        return link(self.admin_site, row.payment, row.payment.order.reference if row.payment else "")

    @admin.display(description=gettext_lazy("reference"), ordering="reference")
    def reference_text(self, row: WebhookDelivery) -> SafeString | str:
        """What it names."""
        return identifier(row.reference)

    @admin.display(description=gettext_lazy("authenticity"))
    def authenticity(self, row: WebhookDelivery) -> str:
        """Whether the provider signed it. One that signs nothing is no alarm."""
        if row.verified:
            return _("signed by the provider")
        return _("not signed: its address is known, what it says is only a hint")

    @admin.display(description=gettext_lazy("last error"))
    def last_error(self, row: WebhookDelivery) -> SafeString | str:
        """Why it waits; the whole text is on the page."""
        return shortened(row.error)
