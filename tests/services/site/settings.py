"""Settings of the shop that the service tests start, kill and start again. Everything comes from SITE_* variables.

Leases are short, so that what a dead worker held is free again soon. Polling keeps the provider's own schedule (the
first question after a minute) unless SITE_POLL_SECONDS says otherwise: what heals sooner was not healed by a poll.
"""

import json
import os
from pathlib import Path
from urllib.parse import urlsplit

from tests.databases import SQLITE_OPTIONS, from_url
from tests.services.site import traps

if os.environ.get("SITE_CLOCK"):
    traps.follow_clock(Path(os.environ["SITE_CLOCK"]))
if os.environ.get("SITE_TRAPS"):
    traps.lay(Path(os.environ["SITE_TRAPS"]), os.environ["SITE_ROLE"], os.environ["SITE_POINTS"])

SECRET_KEY = "only for tests, never for a shop: 0123456789abcdefghijklmnopqrstuvwxyz"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
USE_TZ = True
TIME_ZONE = "Europe/Amsterdam"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "tests.services.site.urls"
STATIC_URL = "static/"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.staticfiles",
    "django_payflow",
    "tests.shop",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
if os.environ.get("PAYFLOW_TEST_OWN_ORDER"):
    PAYFLOW_ORDER_MODEL = "shop.Purchase"


def _database(url):
    if url.startswith("sqlite:"):
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": urlsplit(url).path, "OPTIONS": SQLITE_OPTIONS}
    found = from_url(url)
    return {**found, "NAME": found["TEST"]["NAME"]}


# A shop may well wrap its requests in transactions; payflow's own views step out of them.
ATOMIC_REQUESTS = os.environ.get("SITE_ATOMIC", "1") == "1"
DATABASES = {"default": {**_database(os.environ["SITE_DATABASE"]), "ATOMIC_REQUESTS": ATOMIC_REQUESTS}}

if os.environ.get("SITE_CACHE"):
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": os.environ["SITE_CACHE"],
            "OPTIONS": {"socket_connect_timeout": 0.3, "socket_timeout": 0.3},
        }
    }

EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = os.environ["SITE_MAILS"]

if os.environ.get("SITE_BROKER"):  # without it: a shop that has no Celery at all
    from tests.services.site.celery_app import app as celery_app

    __all__ = ["celery_app"]
    CELERY_BROKER_URL = os.environ["SITE_BROKER"]
    CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
    CELERY_TASK_IGNORE_RESULT = True
    CELERY_WORKER_PREFETCH_MULTIPLIER = 1
    CELERY_BEAT_SCHEDULE = {"sweep": {"task": "payflow.sweep", "schedule": 1.0, "options": {"expires": 5}}}

PAYFLOW = {
    "BASE_URL": os.environ["SITE_URL"],
    "ALLOW_SIMULATORS": True,
    "LEASE_SECONDS": float(os.environ.get("SITE_LEASE_SECONDS", "2")),
    "FETCHES_PER_ACCOUNT": int(os.environ.get("SITE_FETCHES", "16")),
    "ATTEMPTS_PER_HOUR": 50,
    "FULFILMENT_RETRY_SECONDS": [1] * 20,
    "PROVIDERS": {
        "mollie": {
            "BACKEND": "django_payflow.providers.mollie.MollieProvider",
            "OPTIONS": {"api_key": "test_" + "k" * 30, "base_url": os.environ["SITE_BANK"]},
        }
    },
    "FULFILMENT": {
        "ship": {"HANDLER": "tests.shop.fulfilment.ship"},
        "confirmation": {
            "HANDLER": "django_payflow.emails.send_confirmation",
            "EXTERNAL": True,
            "REQUIRED": False,
        },
    },
}
PAYFLOW["PROVIDERS"].update(json.loads(os.environ.get("SITE_ACCOUNTS", "{}")))
if os.environ.get("SITE_STUMBLES"):
    PAYFLOW["FULFILMENT"]["ship"]["HANDLER"] = "tests.services.site.stumbling.ship"
if os.environ.get("SITE_POLL_SECONDS"):
    PAYFLOW["POLL_SECONDS"] = float(os.environ["SITE_POLL_SECONDS"])

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"terminal": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["terminal"], "level": "INFO"},
}
