"""The demo's mailbox: every mail in a table and on a page, in the demo only."""

from __future__ import annotations

import pytest
from django.core.mail import EmailMessage
from django.urls import reverse

from example_project.shop.models import Mail


@pytest.fixture
def mail(db):
    headers = {"Message-ID": "<confirmation-1@shop>"}
    EmailMessage("Thank you & welcome", "Dear <b>Ada</b>", to=["ada@example.nl"], headers=headers).send()
    return Mail.objects.get()


def test_backend__keeps_the_mail(mail):
    assert (mail.message_id, mail.recipients) == ("<confirmation-1@shop>", "ada@example.nl")
    assert "Fern & Kettle" in mail.sender


def test_backend__says_so_in_the_terminal(db, caplog):
    with caplog.at_level("INFO"):
        EmailMessage("Thank you", "Dear Ada", to=["ada@example.nl"]).send()
    assert "mail to ada@example.nl: Thank you" in caplog.text


def test_page__shows_mails_as_plain_text(client, mail):
    text = client.get(reverse("shop:mailbox")).content.decode()
    assert "Thank you &amp; welcome" in text
    assert "Dear &lt;b&gt;Ada&lt;/b&gt;" in text


def test_page__exists_in_the_demo_only(client, mail, settings):
    settings.SHOP_DEMO = False
    assert client.get(reverse("shop:mailbox")).status_code == 404
