"""Where gunicorn and Celery start: ``bench.server:application`` and ``celery -A bench.server``."""

from __future__ import annotations

import os

from celery import Celery
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.settings")

app = Celery("bench", include=["bench.views"])
app.config_from_object("django.conf:settings", namespace="CELERY")
app.set_default()
application = get_wsgi_application()
