"""The shop that is measured: Django's usual middleware, PostgreSQL, Redis, one Mollie account at the simulator."""

from __future__ import annotations

import os
from typing import Any

from bench.services import DATABASE, KEY_PREFIX, QUEUE
from tests.databases import from_url, postgres_url, redis_url

API_KEY = "test_" + "b" * 30


def _database() -> dict[str, Any]:
    found = from_url(postgres_url() or "postgres://127.0.0.1:5432/absent")
    role = os.environ.get("PAYFLOW_BENCH_ROLE", "bench")
    return {**found, "NAME": DATABASE, "CONN_MAX_AGE": None, "OPTIONS": {"application_name": role}}


SECRET_KEY = "only for the bench, never for a shop: 0123456789abcdefghijklmnopqrstuvwxyz"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "testserver"]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "bench.views"
DATABASES = {"default": _database()}
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django_payflow",
    "bench",
]
MIDDLEWARE = [  # what `startproject` writes: both sides of the comparison pass through it
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
PAYFLOW = {
    "BASE_URL": "https://shop.test",
    "ALLOW_SIMULATORS": True,
    "PROVIDERS": {
        "mollie": {
            "BACKEND": "django_payflow.providers.mollie.MollieProvider",
            "OPTIONS": {
                "api_key": API_KEY,
                "base_url": os.environ.get("PAYFLOW_BENCH_SIMULATORS", "http://127.0.0.1:1") + "/mollie",
            },
        }
    },
}
CELERY_BROKER_URL = redis_url() or "redis://127.0.0.1:1/15"
CELERY_BROKER_TRANSPORT_OPTIONS = {"global_keyprefix": KEY_PREFIX}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_DEFAULT_QUEUE = QUEUE
