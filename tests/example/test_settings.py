"""The shop's settings: what the environment moves. ``test_deploy`` holds what a real shop must not forget."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
MOVED = {"DATABASE_URL", "REDIS_URL", "DEMO_PORT", "SIMULATORS_PORT", "DEMO_STATE", "PAYFLOW_DEMO_POLL_SECONDS"}


def manage(*arguments, settings="example_project.settings", tmp_path, **environment):
    """Run ``python -W error manage.py`` with this environment and nothing else of ours."""
    kept = {name: value for name, value in os.environ.items() if name not in MOVED}
    return subprocess.run(
        [sys.executable, "-W", "error", "manage.py", *arguments],
        cwd=PROJECT,
        env={**kept, "DJANGO_SETTINGS_MODULE": settings, "DEMO_STATE": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_production__insists_on_https(tmp_path):
    settings = "example_project.settings_production"
    done = manage("check", settings=settings, tmp_path=tmp_path, SECRET_KEY="k", BASE_URL="http://shop.example")
    assert "BASE_URL must start with https://" in done.stderr


def test_demo__moves_its_ports_and_polls_as_told(tmp_path):
    moved = {"DEMO_PORT": "8011", "SIMULATORS_PORT": "8812", "PAYFLOW_DEMO_POLL_SECONDS": "1.5"}
    code = (
        "from django.conf import settings as s; p = s.PAYFLOW; "
        "print(p['BASE_URL'], p['PROVIDERS']['mollie']['OPTIONS']['base_url'], p['POLL_SECONDS'])"
    )
    done = manage("shell", "-v", "0", "-c", code, tmp_path=tmp_path, **moved)
    assert done.stdout.split() == ["http://127.0.0.1:8011", "http://127.0.0.1:8812/mollie", "1.5"], done.stderr


def test_migrations__are_complete(tmp_path):
    done = manage("makemigrations", "--check", "--dry-run", tmp_path=tmp_path)
    assert done.returncode == 0, done.stdout
