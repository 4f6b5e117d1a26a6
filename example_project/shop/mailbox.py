"""The demo's e-mail backend: mails go to a table that the mailbox page shows, and a line to the terminal."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from .models import Mail

logger = logging.getLogger(__name__)


class MailboxBackend(BaseEmailBackend):
    """Keeps every mail. Nothing leaves this machine."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Store the mails and return how many there were."""
        for message in email_messages:
            mail = _store(message)
            logger.info("mail to %s: %s", mail.recipients, mail.subject)
        return len(email_messages)


def _store(message: EmailMessage) -> Mail:
    return Mail.objects.create(
        message_id=message.message()["Message-ID"],
        sender=message.from_email,
        recipients=", ".join(message.recipients()),
        subject=str(message.subject),
        body=str(message.body),
    )
