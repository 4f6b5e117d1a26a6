"""What the databases enforce, and what none of them can: the same keys on all three, and locks for the rest.

PostgreSQL could forbid "a second open case" by a unique constraint with a condition. MariaDB cannot, and Django then
leaves the constraint out with no more than a warning (models.W036). So there is none: whatever is unique for a
while has a column that is NULL afterwards, which every database understands. What no key can say, that refunds
never exceed what was captured, is decided under the lock of the order's row.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, models

from django_payflow.models import Case, Payment, get_order_model
from tests.services.grounds import LEASE, ask_api
from tests.services.harness import at_once, eventually
from tests.services.shop import UNPAID

Key = tuple[str, frozenset[str]]
"""A table, and the columns that are unique together."""
FOR_A_WHILE = {
    (Payment._meta.db_table, frozenset({"offer_of_id"})),
    (Payment._meta.db_table, frozenset({"settles_id"})),
    (Case._meta.db_table, frozenset({"open_key"})),
}
"""One offer per order, one payment that settles it, one open case of a kind about a subject."""
on_the_grounds = [pytest.mark.services, pytest.mark.slow, pytest.mark.timeout(300)]


def every_model() -> list[type[models.Model]]:
    found = set(apps.get_app_config("payflow").get_models()) | {get_order_model()}
    return sorted(found, key=lambda model: model._meta.db_table)


def keys_of_the_models() -> set[Key]:
    found: set[Key] = set()
    for model in every_model():
        meta = model._meta
        own = {(meta.db_table, frozenset({f.column})) for f in meta.local_fields if f.unique and not f.primary_key}
        together = {
            (meta.db_table, frozenset(meta.get_field(name).column for name in constraint.fields))
            for constraint in meta.constraints
            if isinstance(constraint, models.UniqueConstraint)
        }
        found |= own | together
    return found


def test_constraints__no_unique_key_needs_what_some_database_lacks():
    for model in every_model():
        for constraint in model._meta.constraints:
            if isinstance(constraint, models.UniqueConstraint):
                special = (constraint.condition, constraint.deferrable, constraint.nulls_distinct)
                assert (special, constraint.expressions, constraint.include) == ((None, None, None), (), ()), model
        assert [index.condition for index in model._meta.indexes if index.condition is not None] == [], model


def test_constraints__what_is_unique_for_a_while_is_null_afterwards():
    assert keys_of_the_models() >= FOR_A_WHILE
    assert {"offer_of", "settles"} <= {field.name for field in Payment._meta.get_fields() if field.null}
    assert Case._meta.get_field("open_key").null


# -- the real schema


_UNIQUE_KEYS = {
    "mariadb": "SELECT table_name, index_name, column_name FROM information_schema.statistics"
    " WHERE table_schema = DATABASE() AND non_unique = 0 AND index_name <> 'PRIMARY'",
    "postgres": "SELECT t.relname, i.relname, a.attname FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid"
    " JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY(x.indkey)"
    " WHERE x.indisunique AND NOT x.indisprimary AND x.indpred IS NULL",
    "sqlite": "SELECT t.name, i.name, c.name FROM sqlite_master t JOIN pragma_index_list(t.name) i"
    " JOIN pragma_index_info(i.name) c"
    " WHERE t.type = 'table' AND i.\"unique\" AND NOT i.partial AND i.origin <> 'pk'",
}
_CHECKS = {
    "mariadb": "SELECT constraint_name FROM information_schema.check_constraints"
    " WHERE constraint_schema = DATABASE()",
    "postgres": "SELECT conname FROM pg_constraint WHERE contype = 'c'",
    "sqlite": "SELECT sql FROM sqlite_master WHERE type = 'table'",
}


def keys_of_the_database(ground) -> set[Key]:
    columns: dict[tuple[str, str], set[str]] = {}
    for table, index, column in ground.site.database.rows(_UNIQUE_KEYS[ground.kind]):
        columns.setdefault((table, index), set()).add(column)
    return {(table, frozenset(each)) for (table, _), each in columns.items()}


class TestOnEveryDatabase:
    pytestmark = on_the_grounds

    def test_schema__has_every_unique_key_and_every_check(self, ground):
        ours = {model._meta.db_table for model in every_model()}
        checks = " ".join(str(row) for row in ground.site.database.rows(_CHECKS[ground.kind]))

        assert {key for key in keys_of_the_database(ground) if key[0] in ours} == keys_of_the_models()
        for model in every_model():
            for constraint in model._meta.constraints:
                if isinstance(constraint, models.CheckConstraint):
                    assert constraint.name in checks

    def test_django__has_no_warning_about_this_database(self, ground):
        checked = ground.site.command("check", "--database", "default")

        assert checked.wait() == 0
        assert [line for line in checked.lines if "(models.W" in line] == []
        assert any("System check identified" in line for line in checked.lines)

    def test_schema__refuses_the_second_row_of_every_unique_key(self, ground):
        """By updating one row to what another one has."""
        self._fill(ground)

        for table, columns in sorted(keys_of_the_models(), key=str):
            self._refuses(ground, table, sorted(columns))

    def _fill(self, ground) -> None:
        """At least two rows in every table that has such a key."""
        for _ in range(2):
            payment = ground.completed()
            assert ask_api(ground.site, payment, payment.key).status_code == 202
            assert ground.site.webhook(ground.started(), reference="tr_stranger").status_code == 404
            ground.begin_an_hour()  # there is one case about such webhooks an hour
        for _ in range(2):
            ground.started()

    def _refuses(self, ground, table: str, columns: list[str]) -> None:
        database, quote = ground.site.database, "`{}`" if ground.kind == "mariadb" else '"{}"'
        names = [quote.format(column) for column in columns]
        filled = " AND ".join(f"{name} IS NOT NULL" for name in names)
        found = database.rows(f"SELECT id, {', '.join(names)} FROM {table} WHERE {filled} ORDER BY id LIMIT 2")
        assert len(found) == 2, f"nothing to try {table}, {columns} with"
        (first, *values), (second, *_) = found
        change = ", ".join(f"{name} = %s" for name in names)
        with pytest.raises(IntegrityError):
            database.rows(f"UPDATE {table} SET {change} WHERE id = %s", *values, second)
        assert first != second
        if (table, frozenset(columns)) in FOR_A_WHILE:
            with database.transaction(f"UPDATE {table} SET {names[0]} = NULL"):
                pass  # as many as there are


# -- the same races, by key and by lock


class TestRaces:
    pytestmark = on_the_grounds

    def test_two_attempts__started_at_once_by_sixteen_clicks_are_one_offer(self, ground):
        """By the order's lock; the key behind it (``offer_of``) would refuse the second."""
        order = ground.site.order()

        answers = at_once([partial(ground.site.start, order)] * 16)

        assert {answer.status_code for answer in answers} == {303}
        assert ground.site.books(order) == UNPAID

    def test_cases__opened_at_once_by_sixteen_deliveries_are_one(self, ground):
        """By key: these cases belong to no order that could be locked."""
        order = ground.started()
        ground.begin_an_hour()
        count = "SELECT COUNT(*) FROM payflow_case WHERE kind = 'foreign_object' AND closed_at IS NULL"
        ground.site.database.execute("DELETE FROM payflow_case WHERE kind = 'foreign_object'")  # of this very hour

        answers = at_once([partial(ground.site.webhook, order, reference="tr_stranger")] * 16)

        assert {answer.status_code for answer in answers} == {404}
        assert ground.site.database.rows(count)[0][0] == 1

    @pytest.mark.gauntlet("G7")
    def test_parts__that_together_exceed_what_was_captured_are_refused_by_lock(self, ground):
        """No key says what the sum of rows may be: three of sixteen parts of 7.01 to 7.16 fit into 24.95."""
        payment = ground.completed()
        path, parts = f"refund/{payment.id}/", range(701, 717)

        answers = at_once([partial(ground.site.door, path, amount=str(part)) for part in parts])

        assert sorted(answer.status_code for answer in answers) == [200] * 3 + [500] * 13
        ground.sim.advance(LEASE)
        assert ground.site.door("sweep/").status_code == 200
        made = [amount for _, amount, _ in ground.moves(payment.order)]
        assert ground.moves(payment.order) == [("refund", amount, "pending") for amount in made]
        assert (len(made), set(made) <= set(parts)) == (3, True)
        assert sorted(ground.refunds_at_the_bank(payment)) == [f"7.{part - 700:02}" for part in sorted(made)]

    @pytest.mark.parametrize("what", ["start", "refund"])
    def test_lock__whoever_decides_about_an_order_waits_for_its_row(self, ground, what):
        """Somebody holds the order's row: neither process writes or asks anything until he is done."""
        if ground.kind == "sqlite":
            pytest.skip("SQLite locks no rows: a writer waits for the whole database, and conditional updates decide")
        payment = ground.completed() if what == "refund" else None
        order = payment.order if payment else ground.site.order()
        calls = {"refund": partial(ground.site.door, f"refund/{payment.id if payment else 0}/", amount="2495")}
        call: Any = calls.get(what, partial(ground.site.start, order))
        table = get_order_model()._meta.db_table

        with ThreadPoolExecutor(2) as people:
            with ground.site.database.transaction(f"SELECT id FROM {table} WHERE id = {order.id} FOR UPDATE"):
                asked = [people.submit(call) for _ in range(2)]
                eventually(partial(self._waiting, ground), 2)
                assert ground.moves(order) == []
                assert len(ground.bank.payments_of(order.reference)) == (1 if payment else 0)
            answers = [each.result().status_code for each in asked]

        if payment:
            assert sorted(answers) == [200, 500]
            ground.is_refunded_once(payment)
        else:
            assert (answers, ground.site.books(order)) == ([303, 303], UNPAID)

    def _waiting(self, ground) -> int:
        """How many connections wait for a row: on MariaDB, whose locking reads last for as long as they wait."""
        statement = {
            "postgres": "SELECT COUNT(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'",
            "mariadb": "SELECT COUNT(*) FROM information_schema.processlist"
            " WHERE db = DATABASE() AND command = 'Query' AND info LIKE 'SELECT%%FOR UPDATE'",
        }[ground.kind]
        return int(ground.site.database.rows(statement)[0][0])
