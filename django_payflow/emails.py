"""The built-in confirmation e-mail: a fulfilment handler like any other.

Register it as ``{"HANDLER": "django_payflow.emails.send_confirmation", "EXTERNAL": True, "REQUIRED": False}``.
A repeat after a crash carries the same Message-ID, which mail servers and readers fold into one.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from .exceptions import GiveUp

__all__ = ["send_confirmation"]


def send_confirmation(order: Any, *, key: str, attempt: int) -> None:
    """Mail the buyer that the order is paid. Raises ``GiveUp`` when the order has no address."""
    to = order.payflow_buyer().email
    if not to:
        raise GiveUp("the order has no e-mail address")
    context = {"order": order, "lines": order.payflow_lines()}
    subject = " ".join(render_to_string("payflow/email/confirmation_subject.txt", context).split())
    message = EmailMultiAlternatives(
        subject=subject,
        body=render_to_string("payflow/email/confirmation.txt", context),
        to=[to],
        headers={"Message-ID": message_id(key)},
    )
    message.attach_alternative(render_to_string("payflow/email/confirmation.html", context), "text/html")
    message.send()


def message_id(key: str) -> str:
    """Return the Message-ID of a fulfilment: the same for every repeat."""
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ") or "localhost"
    return f"<{key}@payflow.{domain}>"
