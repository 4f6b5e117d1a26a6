"""What is written about the API is so: the walk with curl, the description, the permissions, the optional parts."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from drf_spectacular.validation import validate_schema

from django_payflow.api.openapi import OPERATIONS
from tests.api.kit import Program, person
from tests.api.test_permissions import NEEDS
from tests.services.harness import need

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "rest-api.md").read_text()
OPENAPI = "application/vnd.oai.openapi+json"


@pytest.mark.django_db(transaction=True)
def test_walk__prints_what_the_page_says(live_server, sim, settings):
    need(shutil.which("curl") and shutil.which("bash"), "curl and bash")
    settings.PAYFLOW = {**settings.PAYFLOW, "BASE_URL": live_server.url}
    program = Program(person("ada"))
    env = {**os.environ, "API": f"{live_server.url}/api", "TOKEN": program._token, "BANK": sim.url}

    done = subprocess.run([DOCS / "rest-api.sh"], env=env, capture_output=True, text=True, timeout=90)

    printed = re.search(r"```text\n(.*?)```", PAGE, re.DOTALL)
    assert (done.stdout, done.stderr, done.returncode) == (printed and printed[1], "", 0)


def test_page__names_the_permission_of_every_request():
    table = {}
    for line in re.findall(r"^\| `.*\|$", PAGE, re.MULTILINE):
        requests, _, permission = [cell.strip() for cell in line.strip("|").split("|")]
        prefix = ""
        for word in re.findall(r"`([^`]+)`", requests):
            method, _, path = word.rpartition(" ")
            path = path if path.startswith("/") else prefix.rsplit("/", 2)[0] + "/" + path
            prefix = path
            table[method or "POST", path] = permission.strip("`")
    table.pop(("GET", "/schema/"), None)

    placeholders = {"{order}": "{reference}", "{payment}": "{id}", "{move}": "{id}"}
    expected = {}
    for (method, path), permission in NEEDS.items():
        for ours, theirs in placeholders.items():
            path = path.replace(ours, theirs)
        expected[method, path] = re.sub(r"^shop\.(\w+)_purchase$", r"payflow.\1_order", permission)
    assert table == expected


@pytest.fixture
def description(db):
    answer = Program(None).call("GET", "/schema/", Accept=OPENAPI)
    assert answer.status == 200
    return answer.body


def test_description__is_valid_openapi_made_without_a_complaint(description, capsys):
    validate_schema(description)
    assert capsys.readouterr().err == ""
    assert description["servers"] == [{"url": "/api"}]


def test_description__names_every_operation_and_how_it_refuses(description):
    found = {
        operation["operationId"]: (method, operation)
        for methods in description["paths"].values()
        for method, operation in methods.items()
    }

    assert set(found) == {operation.id for operation in OPERATIONS.values()}
    for method, operation in found.values():
        assert operation["summary"]
        assert operation["security"]
        answers = operation["responses"]
        assert {"401", "403"} < set(answers)
        for status, answer in answers.items():
            kind = "application/json" if status < "300" else "application/problem+json"
            assert (list(answer["content"]), bool(answer["description"])) == ([kind], True)
        if method == "post":
            headers = [each["name"] for each in operation["parameters"] if each["in"] == "header"]
            assert (headers, {"400", "409", "422"} <= set(answers)) == (["Idempotency-Key"], True)


def test_description__is_of_the_api_alone(description):
    assert {path.split("/")[1] for path in description["paths"]} == {"orders", "payments", "moves"}


# -- optional parts


def run(program: str) -> None:
    env = {name: value for name, value in os.environ.items() if name != "PAYFLOW_TEST_OWN_ORDER"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**env, "DJANGO_SETTINGS_MODULE": "tests.api.plain_settings"},
        cwd=DOCS.parent,
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr


def test_without_the_framework__the_shop_works_and_the_api_says_what_to_install():
    run("""
import sys
sys.modules["rest_framework"] = None
import django
django.setup()
from django.core.management import call_command
from django.urls import reverse
call_command("check")
assert reverse("payflow:start", args=["X"])
try:
    import django_payflow.api.urls
except ImportError as told:
    assert "dj-payflow[api]" in str(told), told
else:
    raise AssertionError("it was imported")
""")


def test_without_spectacular__there_is_an_api_and_no_description():
    run("""
import sys
sys.modules["drf_spectacular"] = None
import django
django.setup()
from django_payflow.api.urls import urlpatterns
names = {pattern.name for pattern in urlpatterns}
assert "orders-list" in names and "schema" not in names, names
""")
