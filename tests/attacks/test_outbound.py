"""Row 36: requests that somebody else makes us send.

The row speaks of webhooks that a shop sends to addresses of its merchants. There are none here: nobody can save an
address that is called later (row 37: the addresses of providers come from the settings). What remains are the
addresses inside of a provider's answers: redirects, links, next pages, ids that go into a path. None of them is ever
called; the forbidden address is a real socket on this machine, and nobody connects to it.
"""

from __future__ import annotations

import json
import re
import select
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from django_payflow import clock, flow
from django_payflow.exceptions import PayflowError, Uncertain
from django_payflow.messages import MoveKind, MoveRequest, Reference
from django_payflow.providers import BUILTIN
from django_payflow.providers.http import Bearer, Http
from django_payflow.testing.contract import Act, Stage
from tests.attacks.kit import hook, post, rows, state_of
from tests.contract.stages import STAGES
from tests.mollie.test_adapter import checkout as mollie_checkout
from tests.mollie.wire import adapter, always, answer, payment, serving

pytestmark = pytest.mark.attack(36)

METADATA = "http://169.254.169.254/latest/meta-data/iam/security-credentials/"


class Forbidden:
    """A service that only this machine can reach, such as a database or a cloud's metadata. It waits for a call."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def was_called(self) -> bool:
        """A connection waits to be accepted; nobody does, so it is there however short it was."""
        return bool(select.select([self._socket], [], [], 0)[0])

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def forbidden() -> Iterator[Forbidden]:
    """The test fails when anybody called."""
    listening = Forbidden()
    assert not listening.was_called
    yield listening
    try:
        assert not listening.was_called, "somebody connected to the forbidden address"
    finally:
        listening.close()


def test_attack_36__the_forbidden_socket_notices_a_call():
    listening = Forbidden()
    with socket.create_connection(("127.0.0.1", listening.port)):
        pass
    assert listening.was_called
    listening.close()


# -- redirects


@pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_attack_36__a_redirect_is_not_followed(forbidden, status, method):
    """Neither with the credentials nor without, and it is no success."""
    moved = answer(
        {"id": "tr_x", "status": "paid"}, status, Location=f"{forbidden.url}/", Refresh=f"0;url={METADATA}"
    )
    with serving(always(moved)) as wire:
        http = Http(base_url=wire.url, deadline=2)
        with pytest.raises(Uncertain):
            if method == "GET":
                http.get("/v2/payments", auth=Bearer("k" * 30))
            else:
                http.send(method, "/v2/payments", auth=Bearer("k" * 30))
        assert len(wire.seen) == 1


def everything(stage: Stage, base_url: str) -> list[str]:
    """Make every call of the adapter against a server, for a payment of today; how each ended, by name."""
    provider = stage.provider(options={"base_url": base_url}, deadline=3)
    checkout = stage.checkout()
    ended: list[str] = []

    def attempt(ask: Any) -> Any:
        try:
            found = ask()
        except PayflowError as refused:
            ended.append(type(refused).__name__)
            return None
        ended.append("done")
        return found

    made = attempt(lambda: provider.create(checkout))
    known = made.report.references if made else ()
    reference = known[0] if known else Reference(kind="payment", value="tr_" + "A" * 22)
    if made and stage.payments():
        stage.play(stage.payments()[0], Act.PAY, webhook=False)
    report = attempt(lambda: provider.retrieve(checkout, reference))
    references = report.references if report else (reference,)
    attempt(lambda: provider.find(checkout))
    attempt(lambda: provider.find(stage.checkout()))
    for kind, able in ((MoveKind.REFUND, provider.supports_refund), (MoveKind.CAPTURE, provider.supports_capture)):
        if able:
            request = MoveRequest(
                kind=kind,
                key="22222222-2222-4222-8222-222222222222",
                amount=checkout.amount // 5,
                currency=checkout.currency,
                created_at=clock.now(),
                references=references,
            )
            attempt(lambda kind=kind, request=request: getattr(provider, kind.value)(checkout, request))
    attempt(lambda: provider.cancel(checkout, reference))
    attempt(provider.probe)
    assert all(sent.path.startswith("/") for sent in provider.http.sent), "the host is the account's own"
    return ended


@pytest.fixture(params=sorted(BUILTIN))
def stage(request: Any, running_simulators: Any, sim: Any) -> Any:
    found = STAGES[request.param](running_simulators)
    found.begin()
    found.listen(1, "https://shop.test/payflow/webhook/one/")
    return found


def with_login(raw: bytes) -> Any:
    """Give out access tokens, and answer everything else with the same bytes."""
    token = answer({"access_token": "t" * 40, "expires_in": 3600, "token_type": "Bearer"})
    return lambda connection, request: connection.sendall(token if request.path == "/oauth2/token" else raw)


@pytest.mark.parametrize("status", [302, 307])
def test_attack_36__no_call_of_any_provider_follows_a_redirect(forbidden, stage, status):
    """302: every answer. 307: those after the login, where the provider has one."""
    moved = answer({}, status, Location=f"{forbidden.url}/")
    with serving(with_login(moved) if status == 307 else always(moved)) as wire:
        ended = everything(stage, wire.url)
        assert wire.seen, "the provider itself was asked"
    assert "done" not in ended


# -- addresses in answers


class Poison:
    """Stands between us and a simulator: what it passes on is genuine, but every address in it is the forbidden one.

    Where a link may stand and none does, one is added, with every name that APIs use for it.
    """

    def __init__(self, simulator: str, forbidden: Forbidden) -> None:
        self.simulator, self.forbidden, self.poisoned = simulator, forbidden, 0

    def __call__(self, connection: Any, request: Any) -> None:
        kept = {n: v for n, v in request.headers.items() if n not in {"host", "connection", "content-length"}}
        real = requests.request(
            request.method,
            self.simulator + request.path,
            data=request.body,
            headers=kept,
            timeout=10,
            allow_redirects=False,
        )
        link = f"<{self.forbidden.url}/page2>; rel=next"
        body = self._poison(real.content)
        connection.sendall(answer(body, real.status_code, Link=link, Location=self.forbidden.url))

    def _poison(self, raw: bytes) -> bytes:
        try:
            said = json.loads(raw, parse_float=str)
        except ValueError:
            return raw
        self.poisoned += 1
        return json.dumps(self._replaced(said)).encode()

    def _replaced(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._replaced(each) for each in value]
        if isinstance(value, str):
            return f"{self.forbidden.url}/in-text?from=tr_1" if re.match(r"(https?:)?//", value) else value
        if not isinstance(value, dict):
            return value
        found = {name: self._replaced(each) for name, each in value.items()}
        away = f"{self.forbidden.url}/added?from=tr_1"
        for name in ("href", "url", "next", "next_page", "self", "callback", "location"):
            if isinstance(found.get(name), str | None):
                found[name] = away
        links = {name: {"href": away} for name in ("self", "next", "payment", "refunds", "captures", "chargebacks")}
        if "_links" in found:
            found["_links"] = {**found["_links"], **links}
        return found


def test_attack_36__no_address_in_an_answer_is_called(forbidden, stage):
    """A whole life at every provider, in which each answer names the forbidden address wherever it can."""
    poison = Poison(stage.base_url(), forbidden)
    with serving(poison) as wire:
        ended = everything(stage, wire.url)
    assert poison.poisoned >= len(ended) - ended.count("Unsupported"), "every answer was poisoned"
    assert "done" in ended, f"the story went on: {ended}"


@pytest.mark.parametrize(
    "href",
    ["{url}/v2/payments?from=tr_9&limit=250", "//127.0.0.1:{port}/?from=tr_9", METADATA + "?from=tr_9"],
)
def test_attack_36__the_next_page_is_asked_of_the_provider_itself(forbidden, href):
    href = href.format(url=forbidden.url, port=forbidden.port)

    def serve(connection: Any, request: Any) -> None:
        item = payment(metadata=None, createdAt="2099-01-01T00:00:00+00:00")
        following = {"href": href} if "from=" not in request.path else None
        connection.sendall(answer({"_embedded": {"payments": [item]}, "_links": {"next": following}}))

    with serving(serve) as wire:
        assert adapter(wire.url).find(mollie_checkout()) is None
        paths = [seen.path for seen in wire.seen]
    assert paths == ["/v2/payments?limit=250", "/v2/payments?from=tr_9&limit=250"]


ESCAPES = [
    "@127.0.0.1:{port}/",
    "//127.0.0.1:{port}/",
    "http://127.0.0.1:{port}/",
    "\\\\127.0.0.1:{port}\\",
    "../../../@127.0.0.1:{port}/",
    "tr_x@127.0.0.1:{port}",
    "tr_x#@127.0.0.1:{port}/",
    ":{port}/",
    ".127.0.0.1:{port}",
]


def test_attack_36__an_id_in_an_answer_does_not_lead_elsewhere(forbidden, stage):
    """Ids become parts of paths: one that looks like a host stays a part of a path."""
    with serving(with_login(answer({}, 404))) as wire:
        provider = stage.provider(options={"base_url": wire.url}, deadline=3)
        for escape in ESCAPES:
            value = escape.format(port=forbidden.port)
            with pytest.raises(PayflowError):
                provider.retrieve(stage.checkout(), Reference(kind="payment", value=value))
            with pytest.raises(PayflowError):
                provider.retrieve_move(stage.checkout(), Reference(kind="refund", value=value))
        assert len(wire.seen) >= len(ESCAPES), "the account's own host was asked"
        assert all(sent.path.startswith("/") for sent in provider.http.sent)


# -- through the flow


def test_attack_36__a_hijacked_provider_gets_nothing_out_of_a_payments_life(forbidden, story, client, payflow):
    """Every answer from now on is a redirect to the inside: the payment stays as it is, and is asked about later."""
    paying = story.start()
    story.bank("paid", webhook=False)
    known, before = state_of(paying), rows()
    moved = answer({"status": "paid"}, 302, Location=f"{forbidden.url}/")

    with serving(always(moved)) as wire:
        payflow(options={"base_url": wire.url})
        page = story.come_back()
        heard = post(client, hook(paying), urlencode({"id": story.reference}))
        flow.sweep(inline=True)
        assert {seen.headers["authorization"].startswith("Bearer test_") for seen in wire.seen} == {True}

    assert (b"waiting for your payment" in page.content, heard.status_code) == (True, 200)
    changed = {name for name, value in state_of(paying).items() if value != known[name]}
    assert changed <= {"version"}
    grown = {name for name, number in rows().items() if number > before[name]}
    assert grown <= {"PaymentEvent", "WebhookDelivery"}


def test_attack_36__a_delivery_that_names_an_address_is_not_followed(forbidden, story, client):
    paying = story.start()
    asked = len(story.sim.calls())

    for named in (forbidden.url, METADATA, f"tr_x@127.0.0.1:{forbidden.port}", f"//127.0.0.1:{forbidden.port}"):
        for field in ("id", "url", "href", "resource", "callback"):
            refused = post(client, hook(paying), urlencode({field: named}))
            assert refused.status_code == 400
        taken = post(client, hook(paying), urlencode({"url": named, "id": story.reference, "href": named}))
        assert taken.status_code == 200
    flow.sweep(inline=True)

    assert [call["operation"] for call in story.sim.calls()[asked:]] == ["get"], "its own provider is asked, once"
