"""Fern & Kettle: a small tea and coffee shop that shows django-payflow at work."""

from .celery import app as celery_app

__all__ = ["celery_app"]
