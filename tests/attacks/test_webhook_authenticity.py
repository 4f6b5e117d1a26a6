"""Who may tell us something. Mollie signs nothing, so its rows are about tokens and stored references; the rows
about signatures are played with a provider of the tests' own that signs, because the core's part is the same."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from django.core.checks import run_checks

import django_payflow.providers
from django_payflow import flow, metrics, registry
from django_payflow.models import Case, Payment, WebhookDelivery
from django_payflow.providers import BUILTIN
from tests.attacks.conftest import SECRET
from tests.attacks.kit import FORM, genuine_foreign_payment, hook, post, rows, state_of
from tests.attacks.signing_bank import event, sign
from tests.shop.models import Shipment


def signed(client, body: bytes, *, secret: str = SECRET, signature: str | None = None, hint: str = ""):
    signature = sign(secret, body) if signature is None else signature
    return client.post(
        f"/payflow/webhook/bank/{hint + '/' if hint else ''}",
        data=body,
        content_type="application/json",
        headers={"Bank-Signature": signature},
    )


@pytest.fixture
def at_bank(bank, order, client):
    """A payment that was started at the signing bank."""
    started = flow.start_checkout(order=order, account="bank")
    return Payment.objects.get(pk=started.payment_id)


# -- 1, 5, 8, 9, 13: signatures


@pytest.mark.attack(1)
@pytest.mark.parametrize("signature", ["", "0" * 64, "nonsense", "é" * 10])
def test_attack_01__unsigned_delivery_of_a_signing_provider(at_bank, bank, client, signature):
    before = rows()
    bank.says[at_bank.references.get().value] = "paid"

    answer = signed(client, event(at_bank.references.get().value), signature=signature)

    assert answer.status_code == 401
    assert rows() == before
    assert bank.asked == []
    assert metrics.value("webhooks", account="bank", outcome="refused_signature") == 1


@pytest.mark.attack(1)
def test_attack_01__even_with_the_payments_own_token(at_bank, bank, client):
    before = rows()
    answer = signed(client, event(at_bank.references.get().value), signature="", hint=at_bank.webhook_token)
    assert (answer.status_code, rows(), bank.asked) == (401, before, [])


@pytest.mark.attack(1)
def test_attack_01__a_genuine_one_is_kept_and_asked_about(at_bank, bank, client):
    bank.says[reference := at_bank.references.get().value] = "paid"

    answer = signed(client, event(reference))
    flow.sweep(inline=True)

    assert answer.status_code == 200
    assert bank.asked == [reference]
    assert Payment.objects.get().status == "paid"
    assert WebhookDelivery.objects.get().verified is True


@pytest.mark.attack(5)
def test_attack_05__the_same_signed_delivery_replayed(at_bank, bank, client):
    bank.says[reference := at_bank.references.get().value] = "paid"
    signed(client, event(reference))
    flow.sweep(inline=True)
    before, asked = rows(), len(bank.asked)

    answers = [signed(client, event(reference)) for _ in range(10)]
    flow.sweep(inline=True)

    assert {answer.status_code for answer in answers} == {200}
    assert rows() == before
    assert len(bank.asked) == asked, "a replay is counted, nobody is asked again"
    assert WebhookDelivery.objects.get().hits == 11
    assert Shipment.objects.count() == 1


@pytest.mark.attack(5)
def test_attack_05__mollie_has_no_event_ids_so_a_repeat_asks_again_and_changes_nothing(story):
    story.start()
    story.bank("paid")
    story.webhook()
    done = state_of(story.payment)
    events = rows()["PaymentEvent"]

    for _ in range(5):
        assert story.webhook().status_code == 200

    assert state_of(story.payment) == done
    assert (WebhookDelivery.objects.get().hits, Shipment.objects.count()) == (6, 1)
    assert rows()["PaymentEvent"] == events


@pytest.mark.attack(8)
@pytest.mark.parametrize("key", ["", "test_", "live_short", "changeme", None])
def test_attack_08__an_account_without_a_usable_key_answers_503_and_never_accepts(payflow, client, story, key):
    payment = story.start()
    payflow(options={"api_key": key if key is not None else 17})
    before = rows()

    answers = [post(client, address, f"id={story.reference}") for address in (hook(payment), hook())]

    assert [answer.status_code for answer in answers] == [503, 503]
    assert rows() == before
    assert [error.id for error in run_checks() if error.id == "payflow.E011"] == ["payflow.E011"]


@pytest.mark.attack(8)
@pytest.mark.parametrize("secrets", [[], [""], ["short"]])
def test_attack_08__an_empty_or_short_signing_secret(db, bank, payflow, client, secrets):
    backend = "tests.attacks.signing_bank.SigningBank"
    payflow(providers={"bank": {"BACKEND": backend, "OPTIONS": {"signing_secrets": secrets}}})

    body = event("b_1")
    answer = signed(client, body, secret=(secrets or [""])[0])

    assert answer.status_code == 503
    assert not WebhookDelivery.objects.exists()


@pytest.mark.attack(9)
def test_attack_09__a_builtin_provider_compares_signatures_in_constant_time_or_signs_nothing():
    """Static: a signing provider compares by itself, or has it done by the module that they share."""
    folder = Path(django_payflow.providers.__file__).parent
    shared = (folder / "webhooks.py").read_text()
    assert "compare_digest" in shared and _plain_comparisons(shared) == []
    for name, path in BUILTIN.items():
        source = (folder / f"{name}.py").read_text()
        if registry.provider_class(path).signs_webhooks:
            assert "compare_digest" in source or "refuse_unsigned" in source, f"{name} must compare in constant time"
        assert _plain_comparisons(source) == []


def _plain_comparisons(source: str) -> list[str]:
    """Comparisons with == or != of something that is called a signature, a digest, a checksum or a MAC."""
    words = ("signature", "digest", "checksum", "hmac", "expected_mac")
    found = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Compare)]
    plain = [node for node in found if any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops)]
    return [text for node in plain if any(word in (text := ast.unparse(node)).lower() for word in words)]


@pytest.mark.attack(9)
def test_attack_09__the_static_test_can_see():
    assert _plain_comparisons("if signature == sent: pass") == ["signature == sent"]
    assert _plain_comparisons("if hmac.compare_digest(signature, sent): pass") == []


@pytest.mark.attack(13)
def test_attack_13__webhook_of_one_account_sent_to_another(two_accounts, story, client):
    payment = story.start()
    story.bank("paid")
    before, known = rows(), state_of(payment)

    answers = [
        post(client, hook(payment, account="other"), f"id={story.reference}"),
        post(client, hook(account="other"), f"id={story.reference}"),
        post(client, hook(payment, account="nobody"), f"id={story.reference}"),
    ]
    flow.sweep(inline=True)

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert (rows(), state_of(payment)) == (before, known)
    assert len(story.sim.calls("get")) == 0


@pytest.mark.attack(13)
def test_attack_13__a_genuine_signature_at_another_accounts_address(bank, payflow, at_bank, client):
    backend = "tests.attacks.signing_bank.SigningBank"
    payflow(providers={"second": {"BACKEND": backend, "OPTIONS": {"signing_secrets": ["another-secret-98765"]}}})
    body = event(at_bank.references.get().value)

    answer = client.post(
        "/payflow/webhook/second/",
        data=body,
        content_type="application/json",
        headers={"Bank-Signature": sign(SECRET, body)},
    )

    assert (answer.status_code, WebhookDelivery.objects.count()) == (401, 0)


# -- 10, 11: a provider that signs nothing


@pytest.mark.attack(10)
def test_attack_10__a_foreign_id_without_our_token(story, client):
    foreign = genuine_foreign_payment(story.sim)
    before, asked = rows(), len(story.sim.calls())

    answers = [
        post(client, hook(), f"id={foreign}"),
        post(client, hook(token="A" * 43), f"id={foreign}"),
        post(client, hook(), "id=tr_doesnotexist"),
    ]
    flow.sweep(inline=True)

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert rows() == before
    assert len(story.sim.calls()) == asked
    assert metrics.value("webhooks", outcome="refused_unknown_token") == 1
    assert metrics.value("webhooks", outcome="refused_unknown_reference") == 2


@pytest.mark.attack(10)
def test_attack_10__with_the_token_only_the_row_that_stores_the_reference_is_asked_about(story, client):
    first = story.start()
    second_story = type(story)(story.sim, client, _another_order())
    second = second_story.start()
    story.bank("paid", webhook=False)

    answer = post(client, hook(second), f"id={first.references.get().value}")
    flow.sweep(inline=True)

    assert answer.status_code == 404
    assert story.sim.calls("get") == []
    assert {p.status for p in (Payment.objects.get(pk=first.pk), Payment.objects.get(pk=second.pk))} == {"pending"}


def _another_order():
    from tests.conftest import new_order

    return new_order()


@pytest.mark.attack(10)
def test_attack_10__while_somebody_asks_the_row_is_not_asked_again(story, client):
    """At most once per lease: what comes meanwhile is one more look afterwards, however often it comes."""
    from django_payflow import checkpoints

    payment = story.start()
    came = []

    def meanwhile() -> None:
        checkpoints.disarm()
        for _ in range(20):
            came.append(post(client, hook(payment), f"id={story.reference}").status_code)
            flow.process_delivery(delivery_id=WebhookDelivery.objects.get().pk)

    checkpoints.arm("confirm.claimed", meanwhile)
    flow.confirm(payment_id=payment.pk, source="poll")
    flow.sweep(inline=True)

    assert came == [200] * 20
    assert len(story.sim.calls("get")) == 2


@pytest.mark.attack(11)
def test_attack_11__thousands_of_random_ids_leave_no_rows_and_ask_nobody(fresh_hour, story, client, payflow):
    payment = story.start()
    payflow(REFUSALS_PER_MINUTE=10)
    asked = len(story.sim.calls())
    before = rows()

    seen = [
        post(client, hook(payment) if n % 2 else hook(token=f"guess{n}"), f"id=tr_random{n}").status_code
        for n in range(300)
    ]
    flow.sweep(inline=True)

    assert (seen[:10], set(seen[10:])) == ([404] * 10, {429})
    assert len(story.sim.calls()) == asked
    assert rows() == before | {"Case": 1}, "the ones with a genuine token: one case for the account and hour"


@pytest.mark.attack(11)
def test_attack_11__another_address_and_a_genuine_delivery_are_not_throttled(fresh_hour, story, client, payflow):
    payment = story.start()
    payflow(REFUSALS_PER_MINUTE=3)
    for n in range(6):
        post(client, hook(token=f"guess{n}"), f"id=tr_random{n}")

    assert post(client, hook(token="guess"), "id=tr_x", REMOTE_ADDR="10.0.0.9").status_code == 404
    assert post(client, hook(payment), f"id={story.reference}").status_code == 200


@pytest.mark.attack(11)
def test_attack_11__a_known_id_repeated_without_end_does_not_use_up_the_providers_quota(story, client):
    """The buyer can know his own payment's id, and the address without a token takes it."""
    story.start()
    for _ in range(40):
        assert post(client, hook(), f"id={story.reference}", FORM).status_code == 200
        flow.sweep(inline=True)

    assert len(story.sim.calls("get")) < 10
    assert WebhookDelivery.objects.count() == 1


@pytest.mark.attack(10)
def test_attack_10__a_genuine_token_while_the_reference_is_not_stored_yet(story, client):
    """The one that is kept and refused: authentic by its token, about something we do not know yet."""
    story.sim.fault("create", "lost_answer")
    payment = story.start()
    reference = story.sim.payments()[0]["id"]

    answer = post(client, hook(payment), f"id={reference}")

    assert answer.status_code == 503
    assert WebhookDelivery.objects.get().state == "pending"
    story.sim.clear_faults()
    flow.sweep(inline=True)
    assert WebhookDelivery.objects.get().state == "done"
    assert story.reference == reference
    assert not Case.objects.exists()
