"""Bad ends of a call. Told apart they are harmless: a definite no, not sent, unclear. Mixed up they pay twice."""
# ruff: noqa: S101 - a test suite asserts

from __future__ import annotations

import gzip
import time
from typing import Any

import pytest

from ...exceptions import NotSent, ObjectNotFound, ProviderError, Rejected, Uncertain
from ...messages import Checkout, Reference
from ...providers.base import Provider
from ...providers.http import MAX_ANSWER_BYTES
from .base import Contract, needs
from .stage import Act, Call, Stage, Trait, Trouble
from .wire import answer, closed_port, serving

GUARD = 8
"""Seconds: against hanging for ever, not a measurement."""
_UNREADABLE = {
    "nothing": b"",
    "half a status line": b"HTTP/1.1",
    "no http": b"\x00\x01\x02 not http\r\n\r\n",
    "empty body": answer(b""),
    "html": answer(b"<html>paid</html>", Content_Type="text/html"),
    "cut json": answer(b'{"status": "paid", "amou'),
    "list": answer(b"[]"),
    "null": answer(b"null"),
    "empty object": answer({}),
    "not a number": answer(b'{"amount": NaN}'),
    "not utf-8": answer(b"\xff\xfe"),
    "deep": answer(b"[" * 100_000),
    "wrong gzip": answer({"status": "paid"}, Content_Encoding="gzip"),
    "huge": answer(b'{"a":"' + b"x" * (MAX_ANSWER_BYTES + 1024) + b'"}'),
    "huge when unpacked": answer(gzip.compress(b"x" * (MAX_ANSWER_BYTES + 1024)), Content_Encoding="gzip"),
}
_STATUS = {
    302: Uncertain,
    400: Rejected,
    401: Rejected,
    403: Rejected,
    408: Uncertain,
    409: Uncertain,
    429: NotSent,
    500: Uncertain,
    502: Uncertain,
    503: Uncertain,
    504: Uncertain,
}


def _unclear(stage: Stage) -> tuple[type[ProviderError], ...]:
    """How an unreadable first answer may be told: where that was the one about a token, nothing was sent."""
    return (Uncertain, NotSent) if stage.asks_for_a_token_first else (Uncertain,)


class CreateInTrouble(Contract):
    """``create`` when the wire or the provider fails."""

    @pytest.mark.parametrize(
        ("trouble", "end", "exists"),
        [
            (Trouble.BEFORE, Uncertain, 0),
            (Trouble.AFTER, Uncertain, 1),
            (Trouble.LOST, Uncertain, 1),
            (Trouble.TRUNCATED, Uncertain, 1),
            (Trouble.BUSY, NotSent, 0),
        ],
    )
    def test_create__bad_ends_are_told_apart_and_never_repeated(
        self,
        stage: Stage,
        provider: Provider[Any],
        checkout: Checkout,
        trouble: Trouble,
        end: type[ProviderError],
        exists: int,
    ) -> None:
        stage.trouble(Call.CREATE, trouble)

        with pytest.raises(end) as ended:
            provider.create(checkout)

        assert type(ended.value) is end
        assert len(stage.payments()) == exists
        assert stage.calls(Call.CREATE) == 1, "an adapter repeats nothing that makes something"

    def test_create__turned_away_with_a_pause_says_how_long(
        self, stage: Stage, provider: Provider[Any], checkout: Checkout
    ) -> None:
        stage.trouble(Call.CREATE, Trouble.BUSY, retry_after=30)
        with pytest.raises(NotSent) as away:
            provider.create(checkout)
        assert away.value.retry_after == 30

    @needs(Trait.HTTP)
    def test_create__with_nobody_there_nothing_was_sent(
        self, stage: Stage, configured: Any, checkout: Checkout
    ) -> None:
        with pytest.raises(NotSent):
            stage.provider(options={"base_url": closed_port()}, deadline=2).create(checkout)

    @needs(Trait.HTTP)
    @pytest.mark.parametrize("kind", sorted(_UNREADABLE))
    def test_create__an_unreadable_answer_is_an_unclear_end(
        self, stage: Stage, configured: Any, checkout: Checkout, kind: str
    ) -> None:
        with serving(_UNREADABLE[kind]) as server, pytest.raises(_unclear(stage)):
            stage.provider(options={"base_url": server.url}).create(checkout)

    @needs(Trait.HTTP)
    @pytest.mark.parametrize("status", sorted(_STATUS))
    def test_create__each_http_status_has_its_end(
        self, stage: Stage, configured: Any, checkout: Checkout, status: int
    ) -> None:
        said = answer({"error": {"message": "not today"}}, status, Location="/elsewhere")
        with serving(said) as server, pytest.raises(ProviderError) as ended:
            stage.provider(options={"base_url": server.url}).create(checkout)

        allowed = (_STATUS[status], NotSent) if stage.asks_for_a_token_first else (_STATUS[status],)
        assert isinstance(ended.value, allowed)
        assert all("/elsewhere" not in asked for asked in server.seen), "a redirect was followed"

    @pytest.mark.slow
    @pytest.mark.parametrize("trouble", [Trouble.HANG, Trouble.SLOW])
    def test_create__a_hanging_answer_ends_with_the_deadline(
        self, stage: Stage, configured: Any, checkout: Checkout, trouble: Trouble
    ) -> None:
        stage.trouble(Call.CREATE, trouble)
        began = time.monotonic()

        with pytest.raises(Uncertain):
            stage.provider(deadline=1).create(checkout)

        assert time.monotonic() - began < GUARD


class RetrieveInTrouble(Contract):
    """``retrieve`` when the wire or the provider fails."""

    @pytest.mark.parametrize("trouble", [Trouble.BEFORE, Trouble.LOST, Trouble.TRUNCATED])
    def test_retrieve__trouble_that_stays_is_an_unclear_end(
        self, stage: Stage, provider: Provider[Any], checkout: Checkout, reference: Reference, trouble: Trouble
    ) -> None:
        stage.trouble(Call.RETRIEVE, trouble)
        with pytest.raises(Uncertain):
            provider.retrieve(checkout, reference)

    def test_retrieve__turned_away_is_not_sent(
        self, stage: Stage, provider: Provider[Any], checkout: Checkout, reference: Reference
    ) -> None:
        stage.trouble(Call.RETRIEVE, Trouble.BUSY, retry_after=7)
        with pytest.raises(NotSent) as away:
            provider.retrieve(checkout, reference)
        assert away.value.retry_after == 7

    @pytest.mark.parametrize("trouble", [Trouble.BEFORE, Trouble.LOST])
    def test_retrieve__a_passing_fault_is_outlived_or_said(
        self, stage: Stage, provider: Provider[Any], checkout: Checkout, reference: Reference, trouble: Trouble
    ) -> None:
        """A GET may be repeated; a POST that only asks (some providers have it) may be left to the next poll."""
        stage.play(reference.value, Act.PAY)
        stage.trouble(Call.RETRIEVE, trouble, times=1)
        try:
            report = provider.retrieve(checkout, reference)
        except Uncertain:
            report = provider.retrieve(checkout, reference)
        assert report.captured == checkout.amount

    def test_retrieve__a_missing_payment_is_not_found(
        self, stage: Stage, provider: Provider[Any], checkout: Checkout, reference: Reference
    ) -> None:
        stage.trouble(Call.RETRIEVE, Trouble.MISSING)
        with pytest.raises(ObjectNotFound):
            provider.retrieve(checkout, reference)

    @needs(Trait.HTTP)
    def test_retrieve__refused_credentials_are_not_a_missing_payment(
        self, stage: Stage, configured: Any, checkout: Checkout, reference: Reference
    ) -> None:
        for status in (401, 403):
            with serving(answer({"error": "no"}, status)) as server, pytest.raises(ProviderError) as no:
                stage.provider(options={"base_url": server.url}).retrieve(checkout, reference)
            assert not isinstance(no.value, ObjectNotFound)

    @needs(Trait.HTTP)
    @pytest.mark.parametrize("kind", ["empty body", "html", "list", "empty object", "cut json", "huge"])
    def test_retrieve__an_unreadable_answer_concludes_nothing(
        self, stage: Stage, configured: Any, checkout: Checkout, reference: Reference, kind: str
    ) -> None:
        with serving(_UNREADABLE[kind]) as server, pytest.raises(_unclear(stage)):
            stage.provider(options={"base_url": server.url}).retrieve(checkout, reference)

    @pytest.mark.slow
    @pytest.mark.parametrize("trouble", [Trouble.HANG, Trouble.SLOW])
    def test_retrieve__a_hanging_answer_ends_with_the_deadline(
        self, stage: Stage, checkout: Checkout, reference: Reference, trouble: Trouble
    ) -> None:
        stage.trouble(Call.RETRIEVE, trouble)
        began = time.monotonic()

        with pytest.raises(Uncertain):
            stage.provider(deadline=1).retrieve(checkout, reference)

        assert time.monotonic() - began < GUARD
