"""The shop's Celery app. django-payflow's tasks are found like any installed app's."""

from __future__ import annotations

import logging.config
import os

from celery import Celery
from celery.signals import setup_logging
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_project.settings")

app = Celery("example_project")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_django_logging(**_: object) -> None:
    """Stop ``celery worker`` from replacing the logging that the settings describe."""
    logging.config.dictConfig(settings.LOGGING)
