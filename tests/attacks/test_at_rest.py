"""Row 44: what a dump of the whole database tells, after full stories at every provider."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
import requests
from cryptography.fernet import Fernet
from django.db import connection

from django_payflow import flow
from django_payflow.exceptions import PayflowError
from django_payflow.models import IdempotentRequest, Payment, WebhookDelivery
from django_payflow.testing.contract import Act, Call, Forgery, Stage, Trait, Trouble
from django_payflow.testing.contract.base import Contract, needs
from django_payflow.testing.contract.shop import Shop
from tests.attacks.kit import post
from tests.conftest import AT_ONCE
from tests.contract.stages import STAGES

pytestmark = pytest.mark.attack(44)

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
DETAILS = {"phone": "+46701740605", "street": "Planted Street 1", "city": "Plantedham", "postal_code": "12345"}


def dump() -> str:
    """Every table of the database, as somebody reads it who has stolen it."""
    quote, text = connection.ops.quote_name, []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {quote(table)}")
            for row in cursor.fetchall():
                text += [bytes(v).decode("latin-1") if isinstance(v, bytes | memoryview) else str(v) for v in row]
    return "\n".join(text)


def spellings(secret: str) -> set[str]:
    """A secret as it is, and as it would look in JSON, Base64 and hexadecimal."""
    raw = secret.encode()
    coded = base64.b64encode(raw).decode().rstrip("=")
    return {secret, json.dumps(secret)[1:-1], coded, base64.urlsafe_b64encode(raw).decode().rstrip("="), raw.hex()}


@pytest.fixture
def sent(monkeypatch: Any) -> set[str]:
    """Every credential that goes over the wire in a header, such as an access token that was fetched."""
    seen: set[str] = set()
    send = requests.Session.send

    def watch(self: Any, request: Any, **kwargs: Any) -> Any:
        seen.add(request.headers.get("Authorization", "").rpartition(" ")[2])
        return send(self, request, **kwargs)

    monkeypatch.setattr(requests.Session, "send", watch)
    return seen


class TestDump(Contract):
    @pytest.fixture(
        params=[pytest.param(name, marks=() if name in AT_ONCE else pytest.mark.thorough) for name in STAGES]
    )
    def stage(self, request: pytest.FixtureRequest, running_simulators: Any) -> Stage:
        return STAGES[request.param](running_simulators)

    @pytest.fixture
    def half(self, stage: Stage, shop: Shop, sent: set[str]) -> Shop:
        """A story up to its middle: the create call went wrong, so that the buyer is still in the frozen request."""
        details = {**DETAILS, **stage.order_fields.get("payment_details", {})}
        shop.order.delete()  # made before a key was set
        shop.order = shop.new_order(payment_details=details)
        stage.trouble(Call.CREATE, Trouble.LOST, times=1)
        shop.press_pay()
        stage.calm()
        return shop

    def finish(self, stage: Stage, shop: Shop) -> None:
        """Found again or begun anew, strangers call, the buyer pays, money goes back, webhooks come twice."""
        shop.later(61)
        if not shop.payment.references.exists():
            shop.order = shop.new_order(payment_details=shop.order.payment_details)
            shop.start()
        stranger = {"Authorization": f"Bearer {stage.secrets()[0]}", "X-Signature": stage.secrets()[-1]}
        shop.news(Act.PAY)
        for delivery in stage.deliveries():
            shop.deliver(delivery)
            post(shop.client, delivery.path, " ".join(stage.secrets()), headers=stranger)
            shop.deliver(replace(delivery, body=delivery.body + b" "))
        try:
            flow.refund(payment_id=shop.payment.pk, actor="ann")
        except PayflowError:
            assert stage.lacks(Trait.REFUND)
        shop.settle()
        IdempotentRequest.objects.create(
            principal="user:1", key="k", fingerprint="x", answer={"email": "planted@x.test"}
        )
        assert (shop.handed_over, shop.payment.ever_paid) == (1, True)
        assert WebhookDelivery.objects.exists() or stage.lacks(Trait.WEBHOOK)

    @pytest.mark.parametrize("keys", [{}, {"2026-11": NEW}], ids=["plain", "encrypted"])
    def test_attack_44__holds_no_credential_of_any_account(
        self, stage: Stage, half: Shop, sent: set[str], keys: dict[str, str]
    ) -> None:
        half.change(ENCRYPTION_KEYS=keys)
        middle = dump()
        self.finish(stage, half)
        whole = middle + dump()

        assert half.order.reference in whole, "there is something to look at"
        secrets = {*stage.secrets(), *sent, *keys.values()} - {""}
        assert len(secrets) > len(keys)
        for secret in secrets:
            for spelling in spellings(secret):
                assert spelling not in whole

    def test_attack_44__with_a_key_it_holds_no_body_no_page_and_no_buyer_but_name_and_address(
        self, stage: Stage, shop: Shop, request: pytest.FixtureRequest
    ) -> None:
        shop.change(ENCRYPTION_KEYS={"2026-11": NEW})
        half = request.getfixturevalue("half")
        texts = [dump()]
        details = dict(half.order.payment_details)
        frozen = half.payment.checkout
        pages = {half.payment.checkout_url}
        self.finish(stage, half)
        texts.append(dump())
        pages |= set(Payment.objects.values_list("checkout_url", flat=True))
        bodies = {bytes(row.body).decode("latin-1") for row in WebhookDelivery.objects.all()}

        private = {*details.values(), *pages, *bodies, "planted@x.test", json.dumps(frozen)} - {""}
        assert frozen["buyer"], "the first look came while the buyer was still in it"
        assert "payflow:2026-11:gAAAA" in texts[0] and "payflow:2026-11:gAAAA" in texts[1]
        for value in (value for value in private if len(value) > 5):
            assert value not in texts[0] + texts[1]
        assert "ada@example.com" in texts[1], "what an operator searches by stays; see docs/decisions"

    # -- two secrets at a time

    @needs(Trait.WEBHOOK, Trait.SIGNED, Trait.ROTATION)
    def test_attack_44__while_a_signing_secret_is_replaced_both_are_good_and_then_the_old_one_is_none(
        self, stage: Stage, shop: Shop
    ) -> None:
        old, new = (stage.options(account)[stage.signing_option][0] for account in (1, 2))

        def accept(*secrets: str) -> None:
            options = {**stage.options(), stage.signing_option: list(secrets)}
            shop.change(PROVIDERS={"one": {"BACKEND": stage.backend, "OPTIONS": options}})

        shop.start()
        stage.play(shop.reference, Act.PAY)
        signed_with_the_old = stage.deliveries()[-1]
        for both in ((old, new), (new, old)):
            accept(*both)
            assert shop.deliver(signed_with_the_old) == 200
        accept(new)
        before = shop.inbox()
        assert shop.deliver(signed_with_the_old) in {400, 401}
        assert shop.inbox() == before
        accept(old)
        assert shop.deliver(signed_with_the_old) == 200
        assert shop.deliver(stage.forged(shop.reference, Forgery.OTHER_SECRET)) in {400, 401}


def test_attack_44__while_an_encryption_key_is_replaced_both_are_good_and_then_the_old_one_is_none(story, payflow):
    payflow(ENCRYPTION_KEYS={"old": OLD})
    payment = story.start()
    for both in ({"old": OLD, "new": NEW}, {"new": NEW, "old": OLD}):
        payflow(ENCRYPTION_KEYS=both)
        assert Payment.objects.get(pk=payment.pk).frozen.key == payment.key
    payflow(ENCRYPTION_KEYS={"new": NEW})
    with pytest.raises(PayflowError, match="'old'"):
        Payment.objects.get(pk=payment.pk).frozen  # noqa: B018
    payflow(ENCRYPTION_KEYS={"old": OLD})
    assert Payment.objects.get(pk=payment.pk).frozen.key == payment.key
