"""What a real shop changes: nothing secret in the file, nothing plain on the wire, no simulators.

Environment, all required: ``SECRET_KEY``, ``BASE_URL`` (https), ``MOLLIE_API_KEY``, ``DATABASE_URL``, ``REDIS_URL``
and ``EMAIL_HOST`` (the SMTP server).
"""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from .settings import *  # noqa: F403  (a shop's settings are the demo's, changed below)
from .settings import PAYFLOW as DEMO_PAYFLOW


def required(name: str, hint: str) -> str:
    """Return an environment variable, or stop with a sentence that says what to set."""
    value = os.environ.get(name, "").strip()
    if not value:
        raise ImproperlyConfigured(f"The environment variable {name} is not set. {hint}")
    return value


SHOP_DEMO = False
DEBUG = False
SECRET_KEY = required("SECRET_KEY", "Use 50 or more random characters, and never the demo's key.")
BASE_URL = required("BASE_URL", "Use the address buyers see, such as https://shop.example.").rstrip("/")
if urlsplit(BASE_URL).scheme != "https":
    raise ImproperlyConfigured(f"BASE_URL must start with https://, but it is {BASE_URL!r}.")
required("DATABASE_URL", "Use a PostgreSQL address, such as postgres://user@host/shop.")
required("REDIS_URL", "Celery needs a broker, such as redis://host:6379/0.")

ALLOWED_HOSTS = [urlsplit(BASE_URL).hostname or ""]
CSRF_TRUSTED_ORIGINS = [BASE_URL]

SECURE_SSL_REDIRECT = True
# Only behind a proxy that sets or removes this header itself; without one, delete the line.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True

EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST = required("EMAIL_HOST", "Name the SMTP server that sends the shop's mail.")
EMAIL_USE_TLS = True

PAYFLOW = {
    **DEMO_PAYFLOW,
    "BASE_URL": BASE_URL,
    "ALLOW_SIMULATORS": False,
    "PROVIDERS": {
        "mollie": {
            **DEMO_PAYFLOW["PROVIDERS"]["mollie"],
            "OPTIONS": {"api_key": required("MOLLIE_API_KEY", "Copy it from Mollie's dashboard (live_...).")},
        }
    },
}
