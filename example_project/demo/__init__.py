"""The demo: web server, Celery worker, beat and simulators in one terminal. Started by ``manage.py demo``."""
