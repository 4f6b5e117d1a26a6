"""A Celery app whose broker lives in this process: a test never publishes to a broker that happens to run here."""

from celery import Celery

app = Celery("tests", broker="memory://localhost")
app.set_default()
