"""The deployment check names every unsafe default of the example, and is silent on its production settings."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOUND = {
    "SECRET_KEY": "0" * 25 + "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP",
    "BASE_URL": "https://shop.example",
    "MOLLIE_API_KEY": "live_" + "k" * 30,
    "DATABASE_URL": "postgres://nobody@127.0.0.1:1/shop",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "EMAIL_HOST": "mail.example",
}

pytestmark = pytest.mark.slow


def check(settings: str, **environment: str) -> tuple[int, set[str], str]:
    """Run the check as an operator would; returns exit status, the ids it named, and what it printed."""
    env = {k: v for k, v in os.environ.items() if k in {"PATH", "HOME", "LANG"}}
    done = subprocess.run(
        [sys.executable, "-W", "error", "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env={**env, "DJANGO_SETTINGS_MODULE": settings, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    printed = done.stdout + done.stderr
    return done.returncode, set(re.findall(r"\(((?:payflow|security)\.\w+)\)", printed)), printed


def test_check_deploy__production_settings_are_sound():
    status, ids, printed = check("example_project.settings_production", **SOUND)

    assert (status, ids) == (0, set()), printed


def test_check_deploy__names_every_unsafe_default_of_the_demo():
    status, ids, printed = check("example_project.settings")

    assert status == 1, printed
    assert {"payflow.W010", "payflow.W011", "payflow.W012", "payflow.W014", "payflow.W016"} <= ids, printed
    assert {"security.W004", "security.W008", "security.W012", "security.W016", "security.W018"} <= ids, printed


def test_check_deploy__names_what_a_careless_deployment_leaves():
    careless = {**SOUND, "MOLLIE_API_KEY": "test_" + "k" * 30, "DATABASE_URL": "sqlite:///shop.sqlite3"}
    status, ids, printed = check("example_project.settings_production", **careless)

    assert status == 1, printed
    assert {"payflow.W011", "payflow.W014"} <= ids, printed
    assert "kkkk" not in printed


@pytest.mark.parametrize("missing", sorted(SOUND))
def test_production_settings__say_which_variable_is_missing(missing):
    environment = {name: value for name, value in SOUND.items() if name != missing}

    status, _, printed = check("example_project.settings_production", **environment)

    assert status != 0
    assert missing in printed.splitlines()[-1]
