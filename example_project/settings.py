"""Settings of the demo: SQLite, no other service, everything on this machine.

Environment: ``DATABASE_URL`` and ``REDIS_URL`` use real services instead, ``DEMO_PORT`` and ``SIMULATORS_PORT``
move the ports, ``DEMO_STATE`` moves the files, ``PAYFLOW_DEMO_POLL_SECONDS`` shortens the wait between two
questions to the provider. ``settings_production`` shows what a real shop changes.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import dj_database_url

PROJECT_DIR = Path(__file__).resolve().parent
STATE_DIR = Path(os.environ.get("DEMO_STATE", PROJECT_DIR.parent / "var"))

DEMO_PORT = int(os.environ.get("DEMO_PORT", "8000"))
SIMULATORS_PORT = int(os.environ.get("SIMULATORS_PORT", "8801"))
SIMULATORS_URL = f"http://127.0.0.1:{SIMULATORS_PORT}"
SHOP_DEMO = True

DEBUG = True
SECRET_KEY = os.environ.get("SECRET_KEY", "django-insecure-this-key-is-public-and-good-for-the-demo-only")
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "example_project.urls"
WSGI_APPLICATION = "example_project.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_payflow",
    "example_project.shop",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [PROJECT_DIR / "templates"],  # before any app's: payflow's pages look like the shop's
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "example_project.shop.context.shop",
            ]
        },
    }
]

# SQLite as a server database: writers queue up instead of failing (IMMEDIATE), readers never wait (WAL).
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON",
}
DATABASES: dict[str, Any] = {}
if os.environ.get("DATABASE_URL"):
    DATABASES["default"] = dict(dj_database_url.config())
else:
    STATE_DIR.mkdir(parents=True, exist_ok=True)
    DATABASES["default"] = {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": STATE_DIR / "shop.sqlite3",
        "OPTIONS": SQLITE_OPTIONS,
    }

REDIS_URL = os.environ.get("REDIS_URL", "")
if REDIS_URL:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}

CELERY_BROKER_URL = REDIS_URL or "memory://localhost"
if not REDIS_URL:
    CELERY_BROKER_TRANSPORT_OPTIONS = {"polling_interval": 0.05}  # the memory broker looks once a second otherwise
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "payflow-sweep": {"task": "payflow.sweep", "schedule": 10.0, "options": {"expires": 10}},
}

PAYFLOW: dict[str, Any] = {
    "BASE_URL": f"http://127.0.0.1:{DEMO_PORT}",
    "PROVIDERS": {
        "mollie": {
            "BACKEND": "django_payflow.providers.mollie.MollieProvider",
            "LABEL": "Mollie (iDEAL, card, bank transfer …)",
            "OPTIONS": {
                "api_key": "test_FernAndKettleFernAndKettle1234",
                "base_url": f"{SIMULATORS_URL}/mollie",
            },
        },
        "stripe": {
            "BACKEND": "django_payflow.providers.stripe.StripeProvider",
            "LABEL": "Stripe (card, SEPA debit …)",
            "OPTIONS": {
                "api_key": "sk_test_FernAndKettleFernAndKettle1234",
                "signing_secrets": ["whsec_FernAndKettleStripe1234567890"],
                "base_url": f"{SIMULATORS_URL}/stripe",
            },
        },
        "wooshpay": {
            "BACKEND": "django_payflow.providers.wooshpay.WooshPayProvider",
            "LABEL": "WooshPay (Alipay, WeChat Pay, card …)",
            "OPTIONS": {
                "api_key": "sk_test_FernAndKettleFernAndKettle1234",
                "signing_secrets": ["whsec_FernAndKettleWooshPay1234567890"],
                "base_url": f"{SIMULATORS_URL}/wooshpay",
            },
        },
        "resurs": {
            "BACKEND": "django_payflow.providers.resurs.ResursProvider",
            "LABEL": "Resurs Bank (invoice)",
            "CAPTURE": "on_fulfilment",  # an invoice is sent when the parcel is
            "OPTIONS": {
                "client_id": "sim-resurs-client",
                "client_secret": "sim-resurs-secret",
                "store_id": "b7f88ac4-0000-4000-8000-0000000000a1",
                "payment_method_id": "7d63eb50-0000-4000-8000-0000000000b2",
                "country": "SE",
                "test": True,
                "base_url": f"{SIMULATORS_URL}/resurs",
            },
        },
        "golomt": {
            "BACKEND": "django_payflow.providers.golomt.GolomtProvider",
            "LABEL": "Golomt Bank (card, SocialPay)",
            "OPTIONS": {
                "bearer_token": "sim-golomt-token",
                "merchant_key": "sim-golomt-secret",
                "test": True,
                "base_url": f"{SIMULATORS_URL}/golomt",
            },
        },
    },
    "ALLOW_SIMULATORS": True,
    "SUCCESS_URL": "/orders/{reference}/",
    "RETRY_URL": "/orders/{reference}/",
    "STOCK": {
        "RESERVE": "example_project.shop.stock.reserve",
        "RELEASE": "example_project.shop.stock.release",
    },
    "FULFILMENT": {
        "ship": {
            "HANDLER": "example_project.shop.fulfilment.ship",
            "EXTERNAL": False,
            "REQUIRED": True,
        },
        "confirmation": {
            "HANDLER": "django_payflow.emails.send_confirmation",
            "EXTERNAL": True,
            "REQUIRED": False,
        },
    },
}
if os.environ.get("PAYFLOW_DEMO_POLL_SECONDS"):
    PAYFLOW["POLL_SECONDS"] = float(os.environ["PAYFLOW_DEMO_POLL_SECONDS"])

EMAIL_BACKEND = "example_project.shop.mailbox.MailboxBackend"
DEFAULT_FROM_EMAIL = "Fern & Kettle <orders@fern-and-kettle.example>"

LANGUAGE_CODE = "en"
TIME_ZONE = "Europe/Amsterdam"
USE_TZ = True
USE_I18N = True

STATIC_URL = "static/"
STATIC_ROOT = STATE_DIR / "static"

SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SAMESITE = "Lax"  # Strict would lose the basket on the way back from the payment page
CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"quiet": {"()": "example_project.demo.logs.Quiet"}},
    "formatters": {"line": {"()": "example_project.demo.logs.LineFormatter"}},
    "handlers": {
        "terminal": {
            "class": "logging.StreamHandler",
            "stream": "ext://sys.stdout",
            "formatter": "line",
            "filters": ["quiet"],
        }
    },
    "root": {"handlers": ["terminal"], "level": "INFO"},
    "loggers": {
        "django": {"level": "INFO"},
        "django.request": {"level": "ERROR"},  # the server's own line already tells a 404
        "django.server": {"handlers": ["terminal"], "level": "INFO", "propagate": False},
        "celery": {"level": "WARNING"},
        "celery.app.trace": {"level": "INFO"},
        "celery.worker.control": {"level": "ERROR"},  # the demo itself asks its worker to stop
    },
}
