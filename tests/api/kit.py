"""A program that talks to the API, and the people whose names it uses."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from rest_framework.authtoken.models import Token

from django_payflow.models import Payment, get_order_model

TEA = {"name": "Sencha", "sku": "TEA", "quantity": 2, "unit_price": 895, "vat_rate": "21.00"}
POT = {"name": "Small pot", "sku": "POT", "quantity": 1, "unit_price": 705, "vat_rate": 21}
NEW_ORDER = {"currency": "EUR", "email": "ada@example.com", "name": "Ada", "lines": [TEA, POT]}
TOTAL = 2495


def order_permission(verb: str) -> str:
    meta = get_order_model()._meta
    return f"{meta.app_label}.{verb}_{meta.model_name}"


def everything() -> list[str]:
    about_payments = ["view", "add", "change", "capture", "refund"]
    return [order_permission(verb) for verb in ("view", "add", "change")] + [
        f"payflow.{verb}_payment" for verb in about_payments
    ]


def person(name: str, permissions: list[str] | None = None) -> Any:
    """A user with these permissions; by default with all that the API knows."""
    user = get_user_model().objects.create_user(name, f"{name}@example.com", "secret")
    for each in everything() if permissions is None else permissions:
        app, codename = each.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return user


@dataclass
class Answer:
    status: int
    body: Any
    headers: Any

    @property
    def short(self) -> tuple[int, str]:
        """A refusal's status and code."""
        return self.status, self.body["code"]

    @property
    def replayed(self) -> bool:
        return self.headers.get("Idempotent-Replayed") == "true"


class Program:
    """Calls the API with a user's token."""

    def __init__(self, user: Any, prefix: str = "/api") -> None:
        self.user, self._prefix, self._client = user, prefix, Client()
        self._token = Token.objects.get_or_create(user=user)[0].key if user else ""

    def call(self, method: str, path: str, body: Any = None, *, key: str | None = None, **more: str) -> Answer:
        headers = {"Authorization": f"Token {self._token}"} if self._token else {}
        if key is not None:
            headers["Idempotency-Key"] = key
        sent = {} if body is None else {"data": body if isinstance(body, bytes) else json.dumps(body)}
        found = self._client.generic(
            method, self._prefix + path, content_type="application/json", headers={**headers, **more}, **sent
        )
        content = json.loads(found.content) if found.content else None
        return Answer(found.status_code, content, found.headers)

    def get(self, path: str) -> Answer:
        return self.call("GET", path)

    def post(self, path: str, body: Any = None, *, key: str | None = None, **more: str) -> Answer:
        """With a key of its own, unless one is given; ``key=""`` leaves it out."""
        key = str(uuid.uuid4()) if key is None else key
        return self.call("POST", path, body, key=key or None, **more)

    # -- steps of a story

    def order(self, **fields: Any) -> dict[str, Any]:
        made = self.post("/orders/", {**NEW_ORDER, **fields})
        assert made.status == 201, made.body
        return dict(made.body)

    def started(self, reference: str, **fields: Any) -> Payment:
        answer = self.post(f"/orders/{reference}/payments/", {"account": "mollie", **fields})
        assert answer.status == 201, answer.body
        return Payment.objects.get(key=answer.body["payment"])
