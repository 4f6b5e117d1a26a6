"""Settings of the test suite: a shop with one Mollie account at the simulator that the test kit starts.

The database is SQLite, or what ``PAYFLOW_TEST_DATABASE`` says (see tests/databases.py).
"""

import os

from tests.celery_app import app as celery_app
from tests.databases import database

__all__ = ["celery_app"]

SECRET_KEY = "only for tests, never for a shop: 0123456789abcdefghijklmnopqrstuvwxyz"
DEBUG = False
ALLOWED_HOSTS = ["*"]
USE_TZ = True
TIME_ZONE = "Europe/Amsterdam"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "tests.urls"
DATABASES = {"default": database()}
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework",
    "rest_framework.authtoken",
    "django_payflow",
    "tests.shop",
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
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATIC_URL = "static/"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
CELERY_BROKER_URL = "memory://localhost"  # the example's Celery app reads this one
if os.environ.get("PAYFLOW_TEST_OWN_ORDER"):
    PAYFLOW_ORDER_MODEL = "shop.Purchase"
else:  # the example shop's tables point at payflow's own order model
    INSTALLED_APPS.append("example_project.shop")
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ]
}
SIMULATORS_URL = os.environ.get("PAYFLOW_TEST_SIMULATORS", "http://127.0.0.1:1")
PAYFLOW = {
    "BASE_URL": "https://shop.test",
    "ALLOW_SIMULATORS": True,
    "PROVIDERS": {
        "mollie": {
            "BACKEND": "django_payflow.providers.mollie.MollieProvider",
            "LABEL": "Mollie",
            "OPTIONS": {"api_key": "test_" + "k" * 30, "base_url": SIMULATORS_URL + "/mollie"},
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
