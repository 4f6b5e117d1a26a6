"""Planted secrets are looked for wherever a story leaves traces."""
# ruff: noqa: S101 - a test suite asserts

from __future__ import annotations

import json
import logging
import traceback
from dataclasses import dataclass
from typing import Any

import pytest

from ...exceptions import ProviderError
from ...messages import Checkout, MoveKind, MoveRequest
from ...models import Case, Fulfilment, Payment, PaymentEvent, WebhookDelivery
from .base import Contract, needs
from .shop import Shop
from .stage import Act, Call, Stage, Trait, Trouble
from .wire import answer, closed_port, serving

EMAIL, NAME = "planted.person@example.com", "Planted Person"


def _stored() -> str:
    """Everything that operators can read, apart from the frozen request."""
    rows: list[Any] = [
        *PaymentEvent.objects.values_list("summary", "data", "source", "actor"),
        *Case.objects.values_list("detail", "resolution"),
        *WebhookDelivery.objects.values_list("headers", "error", "reference"),
        *Fulfilment.objects.values_list("error"),
        *Payment.objects.values_list("failure", "checkout_url"),
    ]
    return json.dumps(rows, default=str)


@dataclass(frozen=True, kw_only=True)
class Traces:
    """What a story left behind."""

    everything: str
    """All logs, and all that operators can read."""
    ours: str
    """Of the logs only ours."""


class Hiding(Contract):
    """Secrets, tokens and personal data stay out of logs, rows, pages and tracebacks."""

    @pytest.fixture
    def log(self, caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
        """Everything, at debug level."""
        caplog.set_level(logging.DEBUG)
        caplog.set_level(logging.DEBUG, logger="django_payflow")
        return caplog

    @pytest.fixture
    def story(self, log: pytest.LogCaptureFixture, stage: Stage, shop: Shop) -> Traces:
        """The traces of a story in which everything goes wrong once, and then right."""
        shop.order = shop.new_order(email=EMAIL, name=NAME)
        stage.trouble(Call.CREATE, Trouble.LOST, times=1)
        shop.press_pay()
        shop.later(11)
        for trouble in (Trouble.BEFORE, Trouble.BUSY, Trouble.TRUNCATED, Trouble.MISSING):
            stage.trouble(Call.RETRIEVE, trouble)
            shop.ask()
            stage.calm()
        headers = {"Authorization": f"Bearer {stage.secrets()[0]}", "Cookie": "sessionid=planted-session"}
        for delivery in stage.deliveries():
            shop.client.post(delivery.path, data=b"nonsense", content_type="text/plain", headers=headers)
        shop.news(Act.PAY)
        shop.come_back()
        assert shop.handed_over == 1
        ours = [record.getMessage() for record in log.records if record.name.startswith("django_payflow")]
        said = [*log.messages, *(str(record.args) for record in log.records)]
        return Traces(everything="\n".join([*said, _stored()]), ours="\n".join([*ours, _stored()]))

    def test_story__leaves_no_secret_in_log_or_rows(self, stage: Stage, story: Traces) -> None:
        assert "provider call account=one operation=retrieve" in story.everything, "there is something to look at"
        for secret in (*stage.secrets(), "planted-session"):
            assert secret not in story.everything

    def test_story__leaves_nobodys_name_in_log_or_rows(self, stage: Stage, story: Traces) -> None:
        assert EMAIL not in story.everything
        assert NAME not in story.everything
        for private in stage.order_fields.values():
            assert len(str(private)) < 6 or str(private) not in story.everything

    def test_story__our_own_log_and_rows_hold_no_token(self, story: Traces, shop: Shop) -> None:
        assert "pending -> paid" in story.ours, "there is something to look at"
        assert shop.payment.webhook_token not in story.ours
        assert shop.payment.return_token not in story.ours

    def test_buyer__is_forgotten_once_the_provider_has_the_request(self, shop: Shop) -> None:
        shop.order = shop.new_order(email=EMAIL, name=NAME)
        shop.start()
        assert EMAIL not in json.dumps(shop.payment.checkout)
        assert NAME not in json.dumps(shop.payment.checkout)

    @needs(Trait.HTTP)
    def test_words__of_a_provider_that_echoes_too_much_are_scrubbed(self, log: Any, stage: Stage, shop: Shop) -> None:
        echo = f"bad key {stage.secrets()[0]}, card 4111 1111 1111 1111, customer {EMAIL}"
        body = {"error": {"message": echo, "code": "no"}, "title": echo, "detail": echo, "message": echo}
        with serving(answer(body, 422)) as server:
            options = {**stage.options(), "base_url": server.url}
            shop.change(PROVIDERS={"one": {"BACKEND": stage.backend, "OPTIONS": options}})
            page = shop.press_pay()

        seen = "\n".join(log.messages) + _stored() + page.content.decode()
        assert "operation=create outcome=" in seen
        for private in (*stage.secrets(), "4111 1111 1111 1111", EMAIL):
            assert private not in seen

    @needs(Trait.HTTP)
    @pytest.mark.parametrize("end", ["nobody", "refused", "server error", "no http", "no json", "empty object"])
    def test_traceback__of_a_failing_call_shows_no_secret_even_with_locals(
        self, stage: Stage, checkout: Checkout, end: str
    ) -> None:
        raw = {
            "refused": answer({"title": "no", "error": "no"}, 401),
            "server error": answer({}, 500),
            "no http": b"nonsense",
            "no json": answer(b"<html>"),
            "empty object": answer({}),
        }
        opened = stage.provider().create(checkout)
        reference = opened.report.references[0]
        texts = []
        with serving(raw.get(end, b"")) as server:
            broken = stage.provider(options={"base_url": server.url if end in raw else closed_port()}, deadline=2)
            for call in ("create", "retrieve", "find", "cancel", "probe", "retrieve_move"):
                arguments = {"create": (checkout,), "find": (checkout,), "probe": ()}.get(call, (checkout, reference))
                texts.append(_traceback(broken, call, arguments))
            for kind in (MoveKind.CAPTURE, MoveKind.VOID, MoveKind.REFUND):
                request = MoveRequest(
                    kind=kind,
                    key=checkout.key,
                    amount=checkout.amount,
                    currency=checkout.currency,
                    created_at=checkout.created_at,
                    references=opened.report.references,
                )
                texts.append(_traceback(broken, kind.value, (checkout, request)))

        seen = "".join(texts)
        assert "django_payflow.exceptions" in seen
        for secret in stage.secrets():
            assert secret not in seen


def _traceback(provider: Any, call: str, arguments: tuple[Any, ...]) -> str:
    try:
        getattr(provider, call)(*arguments)
    except ProviderError as error:
        seen = traceback.TracebackException.from_exception(error, capture_locals=True)
        return "".join(seen.format(chain=True))
    return ""
