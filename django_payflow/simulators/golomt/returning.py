"""The way back to the shop: a redirect with a query, or a form that the browser posts. Neither is signed."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from flask import Response, render_template
from werkzeug.urls import iri_to_uri

from django_payflow.simulators.host import Json

#: Runs when scripts do; where they do not, the form's button is there.
SCRIPT = "document.forms[0].submit()"
SCRIPT_HASH = "sha256-" + base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()


class News(NamedTuple):
    """What the browser is told to tell the shop."""

    code: str | None
    description: str | None


def parameters(transaction: Json, news: News) -> dict[str, str]:
    """``invoice`` is the shop's transactionId here, and not the invoice that the API speaks of."""
    return {"invoice": transaction["id"], "status_code": news.code or "", "desc": news.description or ""}


def with_query(url: str, added: Mapping[str, str]) -> str:
    """GUESS: a query that is there already stays, joined with an ampersand."""
    parts = urlsplit(url)
    query = "&".join(part for part in (parts.query, urlencode(added, quote_via=quote)) if part)
    return urlunsplit(parts._replace(query=query))


def send_back(transaction: Json, news: News, texts: Mapping[str, str]) -> Response:
    """MOBILE opens the app's deeplink; that it carries the same query as GET is a GUESS."""
    fields = transaction["fields"]
    told = parameters(transaction, news)
    if fields["returnType"] == "POST":
        page = render_template(
            "golomt/post_back.html", callback=fields["callback"], told=told, texts=texts, script=SCRIPT
        )
        return Response(page, content_type="text/html; charset=utf-8")
    return Response(status=302, headers={"Location": iri_to_uri(with_query(fields["callback"], told))})
