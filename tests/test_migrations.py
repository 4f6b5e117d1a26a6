"""Migrations say what the models say, have names, and can be taken back."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

import django_payflow.migrations


def test_migrations__nothing_is_missing(db):
    call_command("makemigrations", "--check", "--dry-run", stdout=StringIO())


def test_migrations__have_names():
    folder = Path(django_payflow.migrations.__file__).parent
    names = [path.stem for path in folder.glob("0*.py")]
    assert names
    assert not [name for name in names if "_auto_" in name]


@pytest.mark.django_db(transaction=True)
def test_migrations__can_be_taken_back_and_forth():
    if connection.vendor == "mysql":
        pytest.skip("MariaDB cannot roll back schema changes; SQLite and PostgreSQL show that they reverse")
    apps = ["shop", "payflow"]
    try:
        for app in apps:
            call_command("migrate", app, "zero", verbosity=0)
        tables = connection.introspection.table_names()
        assert not [name for name in tables if name.startswith("payflow_")]
    finally:
        call_command("migrate", verbosity=0)
    assert "payflow_payment" in connection.introspection.table_names()
