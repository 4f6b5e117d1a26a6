"""Encryption at rest: the fields, the keys in the settings, the way from one key to another."""

from __future__ import annotations

import copy
import json
import pickle
from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import FieldError
from django.core.management import CommandError, call_command
from django.db import connection, models, transaction

from django_payflow import clock, conf, fields, flow, redaction
from django_payflow.checks import check_settings
from django_payflow.exceptions import ConfigurationError, Unreadable
from django_payflow.flow import rekeying
from django_payflow.models import Heartbeat, IdempotentRequest, WebhookDelivery, get_order_model
from tests.conftest import new_order
from tests.test_commands import doctor

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
ONE, BOTH, AFTER = {"old": OLD}, {"new": NEW, "old": OLD}, {"new": NEW}
BODY = b'{"id": "tr_1", "note": "Canal 1"}'


@pytest.fixture
def keys(settings: Any) -> Any:
    """``keys({"old": OLD})`` sets the keys; ``keys({})`` takes them away."""

    def change(found: dict[str, Any]) -> None:
        settings.PAYFLOW = {**copy.deepcopy(settings.PAYFLOW), "ENCRYPTION_KEYS": found}

    change({})
    return change


def held(row: Any, name: str) -> Any:
    """What the database holds, read beside the field."""
    spec = row._meta.get_field(name)
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {quote(spec.column)} FROM {quote(row._meta.db_table)} WHERE id = %s",
            [row.pk],
        )
        value = cursor.fetchone()[0]
    if isinstance(spec, models.BinaryField):
        return bytes(value)
    return json.loads(value) if isinstance(spec, models.JSONField) and isinstance(value, str) else value


def answered(answer: Any, key: str = "k") -> IdempotentRequest:
    return IdempotentRequest.objects.create(principal="user:1", key=key, fingerprint="x", status=200, answer=answer)


def delivered(body: bytes = BODY, **more: Any) -> WebhookDelivery:
    now = clock.now()
    row = WebhookDelivery(
        account="mollie", dedupe_key="d", reference="tr_1", kind="payment", body=body, due_at=now, **more
    )
    row.received_at = row.last_at = now
    pk, _ = WebhookDelivery.objects.put(row, rearm=True)
    return WebhookDelivery.objects.get(pk=pk)


def rekeyed(*arguments: str) -> str:
    out = StringIO()
    call_command("payflow_rekey", *arguments, stdout=out)
    return out.getvalue()


def again(row: Any) -> Any:
    return type(row)._default_manager.get(pk=row.pk)


# --- fields


def test_fields__without_keys_the_database_holds_what_it_always_held(keys, db):
    row, delivery = answered({"email": "ada@example.com"}), delivered()
    assert held(row, "answer") == {"email": "ada@example.com"}
    assert held(delivery, "body") == BODY
    assert again(row).answer == {"email": "ada@example.com"}


def test_fields__with_a_key_the_database_holds_the_keys_id_and_a_token(keys, db):
    keys(ONE)
    row, delivery = answered({"email": "ada@example.com"}), delivered(headers={"date": "today"})

    for value in (held(row, "answer"), held(delivery, "body").decode(), held(delivery, "headers")):
        mark, key_id, token = value.split(":")
        assert (mark, key_id) == ("payflow", "old")
        assert Fernet(OLD).decrypt(token)
    assert again(row).answer == {"email": "ada@example.com"}
    assert (bytes(again(delivery).body), again(delivery).headers) == (BODY, {"date": "today"})


@pytest.mark.parametrize("answer", [{"a": [1, None, "ü€"]}, [1], "text", 0, False, 1.5, "payflow:old:x"])
@pytest.mark.parametrize("configured", [{}, ONE, {"off": "off", "old": OLD}])
def test_fields__every_value_comes_back(keys, db, answer, configured):
    keys(configured)
    row = answered(answer)
    assert again(row).answer == answer
    assert type(again(row).answer) is type(answer)


@pytest.mark.parametrize("text", ["payflow:old:gAAAA", "payflow:", "payflow::", "payflow:::x", "payflow: hello"])
@pytest.mark.parametrize("written_with", [{}, ONE])
def test_fields__a_plain_text_that_begins_like_ours_is_not_mistaken(keys, db, text, written_with):
    keys(written_with)
    delivery, row = delivered(text.encode()), answered(text)
    keys(ONE)
    assert (bytes(again(delivery).body), again(row).answer) == (text.encode(), text)


@pytest.mark.parametrize("body", [b"payflow:\xff\xfe:\x00", b"\xff\x00", bytes(range(256))])
@pytest.mark.parametrize("configured", [{}, ONE])
def test_fields__a_body_that_is_no_text_comes_back(keys, db, body, configured):
    keys(configured)
    assert bytes(delivered(body).body) == body


def test_fields__what_was_stored_before_is_read_as_it_is_and_encrypted_when_it_is_written(keys, db):
    row = answered({"email": "ada@example.com"})
    keys(ONE)
    found = again(row)
    assert found.answer == {"email": "ada@example.com"}
    found.save()
    assert held(row, "answer").startswith("payflow:old:")


@pytest.mark.parametrize("empty", [{}, [], ""])
def test_fields__empty_values_stay_and_can_be_asked_for(keys, db, empty):
    keys(ONE)
    row = answered(empty)
    assert held(row, "answer") == empty
    assert IdempotentRequest.objects.filter(answer=empty).get() == row
    assert not IdempotentRequest.objects.exclude(answer=empty).exists()


def test_fields__nothing_at_all_stays_null(keys, db):
    keys(ONE)
    row = answered(None)
    assert IdempotentRequest.objects.filter(answer__isnull=True).get() == row
    assert again(row).answer is None


@pytest.mark.parametrize(
    "question",
    [{"answer": {"a": 1}}, {"answer__a": 1}, {"answer__contains": {"a": 1}}, {"answer__in": [{"a": 1}]}],
)
def test_fields__a_search_that_would_find_nothing_is_refused(keys, db, question):
    with pytest.raises(FieldError):
        IdempotentRequest.objects.filter(**question)


def test_fields__two_equal_values_look_different(keys, db):
    keys(ONE)
    assert held(answered({"a": 1}, "k1"), "answer") != held(answered({"a": 1}, "k2"), "answer")


def test_fields__every_way_of_writing_encrypts(keys, db):
    keys(ONE)
    made, row = delivered(), answered({"a": 0})
    IdempotentRequest.objects.filter(pk=row.pk).update(answer={"a": 1})
    assert held(row, "answer").startswith("payflow:old:")
    row.answer = {"a": 2}
    IdempotentRequest.objects.bulk_update([row], ["answer"])
    assert held(row, "answer").startswith("payflow:old:")
    (bulk,) = IdempotentRequest.objects.bulk_create(
        [IdempotentRequest(principal="p", key="b", fingerprint="x", answer={"a": 3})]
    )
    assert held(IdempotentRequest.objects.get(key="b"), "answer").startswith("payflow:old:")
    assert held(made, "body").startswith(b"payflow:old:")
    assert (again(row).answer, IdempotentRequest.objects.get(key="b").answer) == ({"a": 2}, bulk.answer)


def test_fields__of_an_order_are_left_to_search_where_people_search(keys, db):
    keys(ONE)
    order = new_order(payment_details={"phone": "+31 6 1234"})
    assert held(order, "payment_details").startswith("payflow:old:")
    assert get_order_model().objects.get(email__iexact="ADA@example.com").payment_details == {"phone": "+31 6 1234"}


# --- values that cannot be read


def test_unreadable__names_the_column_and_the_key_and_is_never_handed_out(keys, db):
    keys(ONE)
    row, delivery = answered({"a": 1}), delivered()
    keys({"new": NEW})

    for use in (dict, json.dumps, str, bytes, len, bool, list, lambda value: {**value}, lambda value: value["a"]):
        with pytest.raises((Unreadable, TypeError)):
            use(again(row).answer)
    with pytest.raises(Unreadable, match=r"IdempotentRequest\.answer .* key 'old'.*ENCRYPTION_KEYS"):
        again(row).answer.get("a")
    with pytest.raises(ConfigurationError, match="'old'"):
        bytes(again(delivery).body)
    with pytest.raises(Unreadable):
        bool(IdempotentRequest.objects.values_list("answer", flat=True).get())
    assert "payflow" not in repr(again(row).answer)


@pytest.mark.parametrize("found", [{}, {"off": "off"}, {"old": NEW}, {"new": NEW}])
def test_unreadable__also_without_keys_or_with_another_key_of_that_name(keys, db, found):
    keys(ONE)
    row = answered({"a": 1})
    keys(found)
    with pytest.raises(Unreadable, match="'old'"):
        again(row).answer.get("a")


def test_unreadable__a_changed_value(keys, db):
    keys(ONE)
    row = answered({"a": 1})
    broken = fields.Sealed(held(row, "answer")[:-4] + "AAA=", "")
    IdempotentRequest.objects.update(answer=broken)
    with pytest.raises(Unreadable, match="changed"):
        again(row).answer.get("a")


def test_unreadable__survives_a_save_a_copy_and_a_pickle_and_can_be_replaced(keys, db):
    keys(ONE)
    row = answered({"a": 1})
    before = held(row, "answer")
    keys(AFTER)
    found = again(row)
    found.status = 201
    found.save()
    assert held(row, "answer") == before
    pickle.loads(pickle.dumps(copy.deepcopy(found))).save()
    assert held(row, "answer") == before
    assert found.answer != {}
    found.answer = {}
    found.save()
    assert again(row).answer == {}


def test_unreadable__one_payment_does_not_stop_the_others(keys, story, caplog):
    """The sweep logs it and goes on; the row stays due, and is asked about when the key is back."""
    caplog.set_level("ERROR", logger="django_payflow")
    keys(ONE)
    story.start()
    first, first_order = story.payment, story.order
    keys(AFTER)
    story.order = new_order(email="bob@example.com")
    story.start()
    for payment in (first, story.payment):
        story.sim.set_status(payment.references.get().value, "paid", webhook=False)
    story.sim.advance(61)

    story.work()

    assert story.now().status == "completed"
    assert again(first).status == "pending"
    assert "'old'" in caplog.text and f"payment {first.pk} failed" in caplog.text
    assert OLD not in caplog.text
    keys(BOTH)
    story.sim.advance(61)
    story.work()
    assert again(first).status == "paid"
    assert again(first_order).status == "completed"


def test_unreadable__payment_details_do_not_keep_an_order_from_its_end(keys, story):
    keys(ONE)
    story.order = new_order(payment_details={"phone": "+31 6 1234"})
    keys(AFTER)
    flow.cancel_order(order_id=story.order.pk, actor="ann")
    assert (story.now().status, story.now().payment_details) == ("canceled", {})


# --- the keys in the settings


def complaints() -> list[Any]:
    return [message for message in check_settings() if message.id in {"payflow.E002", "payflow.E024"}]


@pytest.mark.parametrize("good", [{}, ONE, BOTH, {"off": "off"}, {"off": "off", "old": OLD}, {"A-b_c.9": NEW}])
def test_check_settings__good_keys_are_silent(keys, good):
    keys(good)
    assert complaints() == []


@pytest.mark.parametrize(
    "bad",
    [
        {"2026:11": OLD},
        {"": OLD},
        {"x" * 33: OLD},
        {"new\n": OLD},
        {OLD: "2026-11"},
        {"old": OLD[:-5]},
        {"old": ""},
        {"old": None},
        {"old": b"bytes"},
        {1: OLD},
        {"old": OLD, "new": OLD},
        {"old": OLD, "off": "off"},
        [OLD],
    ],
)
def test_check_settings__a_bad_key_is_told_with_what_to_do_and_without_the_key(keys, bad):
    keys(bad)
    found = complaints()
    assert len(found) == 1
    text = f"{found[0].msg} {found[0].hint}"
    assert "ENCRYPTION_KEYS" in text and found[0].hint
    assert OLD not in text and OLD[:-5] not in text


def test_check_settings__the_package_is_missing(keys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cryptography.fernet", None)
    keys(ONE)
    assert ["pip install 'dj-payflow[encryption]'" in message.msg for message in complaints()] == [True]
    keys({})
    assert complaints() == []


@pytest.mark.parametrize("bad", [{"2026:11": OLD}, {"old": "short"}, {"old": None}])
def test_keys__that_cannot_work_store_nothing_in_plain(keys, db, bad):
    keys(bad)
    with pytest.raises(ConfigurationError) as refused, transaction.atomic():
        answered({"a": 1})
    assert OLD not in str(refused.value)
    keys({})
    assert not IdempotentRequest.objects.exists()


def test_keys__are_in_no_repr_and_hidden_in_logs(keys, db):
    keys(ONE)
    answered({"a": 1})
    assert OLD not in repr(conf.get())
    assert OLD not in redaction.scrub(f"key{OLD}")


# --- re-keying


@pytest.fixture
def stored(keys: Any, db: Any) -> Any:
    """Rows of three ages: without a key, with the old one, with the new one; in a shop that is well otherwise."""
    Heartbeat.objects.create(name="sweep")
    rows = []
    for number, found in enumerate(({}, ONE, BOTH)):
        keys(found)
        rows.append(answered({"a": number}, f"k{number}"))
    keys(BOTH)
    return rows


def needs() -> dict[str, int]:
    (found,) = [one for one in map(rekeying.survey, rekeying.columns()) if one.column.field.name == "answer"]
    return {"plain": found.plain, "unknown": found.unknown, **found.by_key}


def test_columns__are_all_that_keep_bodies_and_buyers():
    assert {str(column) for column in rekeying.columns()} == {
        "payflow.IdempotentRequest.answer",
        "payflow.Move.request",
        f"{get_order_model()._meta.label}.payment_details",
        "payflow.Payment.checkout",
        "payflow.Payment.checkout_url",
        "payflow.WebhookDelivery.body",
        "payflow.WebhookDelivery.headers",
        "shop.Purchase.payment_details",
    }


def test_rekey__brings_everything_to_the_first_key_and_says_how_much(stored):
    assert needs() == {"plain": 1, "unknown": 0, "old": 1, "new": 1}
    assert "IdempotentRequest.answer: 2 would be encrypted with 'new'" in rekeyed("--dry-run")
    assert needs() == {"plain": 1, "unknown": 0, "old": 1, "new": 1}

    assert "IdempotentRequest.answer: 2 encrypted with 'new'" in rekeyed()

    assert needs() == {"plain": 0, "unknown": 0, "old": 0, "new": 3}
    assert [again(row).answer for row in stored] == [{"a": 0}, {"a": 1}, {"a": 2}]
    assert "IdempotentRequest.answer: 0 encrypted" in rekeyed()


def test_rekey__a_plain_text_that_begins_like_ours_counts_as_plain(keys, db):
    row = answered("payflow:old:x")
    keys({"off": "off", "old": OLD})
    assert needs() == {"plain": 1, "unknown": 0, "old": 0}
    assert "IdempotentRequest.answer: 0 decrypted" in rekeyed()
    keys(ONE)
    assert "IdempotentRequest.answer: 1 encrypted" in rekeyed()
    assert (needs(), again(row).answer) == ({"plain": 0, "unknown": 0, "old": 1}, "payflow:old:x")


def test_rekey__every_column_of_a_story_and_nothing_else_changes(keys, story):
    """From no key to the old one, to the new one, and back to none."""
    story.order = new_order(payment_details={"phone": "+31 6 1234"})
    story.start()
    flow.expire_order(order_id=new_order().pk)
    story.bank("paid")
    story.webhook()
    flow.refund(payment_id=story.payment.pk, amount=500, actor="ann")
    new_order(payment_details={"phone": "+31 6 1234"})
    answered({"a": 1})
    columns = rekeying.columns()
    values = {str(column): list(column.model._default_manager.order_by("pk").values()) for column in columns}

    for found in (ONE, BOTH, {"off": "off", "new": NEW}):
        keys(found)
        rekeyed("--batch", "2")
        keys({name: key for name, key in found.items() if name == next(iter(found))})
        first = fields.current_key()
        for column in (one for one in columns if not one.model._meta.swapped and values[str(one)]):
            survey = rekeying.survey(column)
            counts = (survey.plain, sum(survey.by_key.values()), survey.unknown)
            number = column.rows().count()
            assert number > 0, column
            assert counts == ((number, 0, 0) if first is None else (0, number, 0)), column
            assert list(column.model._default_manager.order_by("pk").values()) == values[str(column)]
        keys(found)


@pytest.mark.parametrize("batch", ["1", "2", "3"])
def test_rekey__in_batches_and_again_after_it_was_stopped(keys, db, batch, monkeypatch):
    keys(ONE)
    rows = [answered({"a": number}, f"k{number}") for number in range(5)]
    keys(BOTH)
    done = []
    opened = fields.Encrypted.opened

    def stopping(self: Any, value: Any) -> Any:
        done.append(value)
        if len(done) == 4:
            raise KeyboardInterrupt
        return opened(self, value)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(fields.Encrypted, "opened", stopping)
        rekeyed("--batch", batch)
    assert needs() == {"plain": 0, "unknown": 0, "old": 2, "new": 3}

    rekeyed("--batch", batch)
    assert needs() == {"plain": 0, "unknown": 0, "old": 0, "new": 5}
    assert [again(row).answer for row in rows] == [{"a": number} for number in range(5)]


@pytest.mark.parametrize("configured", [ONE, BOTH])
def test_rekey__never_overwrites_a_newer_value(keys, db, monkeypatch, configured):
    """A worker writes between our look and our write, once with the old key and once with the new one."""
    keys(ONE)
    row = answered({"a": "older"})
    keys(BOTH)
    opened, turns = fields.Encrypted.opened, []

    def overtaken(self: Any, value: Any) -> Any:
        if not turns:
            turns.append(value)
            keys(configured)
            IdempotentRequest.objects.filter(pk=row.pk).update(answer={"a": "newer"})
            keys(BOTH)
        return opened(self, value)

    with monkeypatch.context() as patch:
        patch.setattr(fields.Encrypted, "opened", overtaken)
        rekeyed()

    assert turns
    assert again(row).answer == {"a": "newer"}
    assert held(row, "answer").startswith("payflow:new:")


def test_rekey__an_unreadable_row_is_named_and_left_and_the_others_are_done(stored, keys):
    keys(AFTER)
    before = held(stored[1], "answer")
    out = StringIO()
    with pytest.raises(CommandError, match="1 values cannot be read"):
        call_command("payflow_rekey", stdout=out)
    assert f"IdempotentRequest.answer: 1 unreadable: {stored[1].pk}" in out.getvalue()
    assert held(stored[1], "answer") == before
    assert needs() == {"plain": 0, "unknown": 1, "new": 2}


def test_rekey__without_keys_and_with_a_bad_batch_says_what_is_wrong(keys, db):
    with pytest.raises(CommandError, match="ENCRYPTION_KEYS"):
        rekeyed()
    keys(ONE)
    with pytest.raises(CommandError, match="--batch"):
        rekeyed("--batch", "0")


# --- the doctor


def test_doctor__says_when_a_key_may_be_taken_away(stored, keys):
    at_rest = doctor("--offline")[1]["encryption at rest"]
    assert ("warning", "1 values still need the key 'old'. Run manage.py payflow_rekey.") in at_rest
    assert any(verdict == "warning" and "without encryption" in words for verdict, words in at_rest)

    rekeyed()
    at_rest = doctor("--offline")[1]["encryption at rest"]
    assert ("ok", "no value needs the key 'old' any more") in at_rest
    assert {verdict for verdict, _ in at_rest} == {"ok"}

    keys(AFTER)
    status, findings = doctor("--offline")
    assert (status, findings["encryption at rest"]) == (0, [("ok", "3 values are encrypted with 'new'")])


@pytest.mark.parametrize("found", [{}, {"off": "off"}, AFTER, {"old": NEW}])
def test_doctor__a_key_that_went_too_early_is_wrong(stored, keys, found):
    keys(found)
    status, findings = doctor("--offline")
    wrong = [words for verdict, words in findings["encryption at rest"] if verdict == "wrong"]
    assert status == 1
    assert len(wrong) == 1
    assert "IdempotentRequest.answer" in wrong[0]
    assert any(f"row {row.pk} " in wrong[0] for row in stored[1:])


def test_doctor__names_one_bad_row_among_many_good_ones(stored, keys):
    keys(AFTER)
    for number in range(25):
        answered({"a": number}, f"newer {number}")
    found = doctor("--offline")[1]["encryption at rest"]
    assert [words for verdict, words in found if verdict == "wrong"] == [
        "1 values of payflow.IdempotentRequest.answer need a key that is not configured: "
        f"row {stored[1].pk} needs the key 'old'. Put it back into PAYFLOW['ENCRYPTION_KEYS']."
    ]


def test_doctor__encryption_that_is_off_is_no_fault(sim, db):
    assert doctor("--offline")[1]["encryption at rest"] == [("ok", "off: PAYFLOW['ENCRYPTION_KEYS'] is empty")]


# --- the migration


def test_migration__of_the_fields_changes_no_column():
    for column in rekeying.columns():
        (plain,) = [base for base in type(column.field).__bases__ if base is not fields.Encrypted]
        before = plain(null=column.field.null)
        before.set_attributes_from_name(column.field.name)
        assert before.db_type(connection)
        assert column.field.db_parameters(connection) == before.db_parameters(connection)
