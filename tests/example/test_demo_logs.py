"""One terminal for four programs: who speaks, in one line, without secrets and without noise."""

from __future__ import annotations

import logging

import pytest

from example_project.demo.logs import LineFormatter, Quiet, shorten_tokens

TOKEN = "Tk9-_aZ" * 6


def record(name="shop", level=logging.INFO, text="hello", args=(), thread="web", **extra):
    made = logging.LogRecord(name, level, __file__, 1, text, args, None)
    made.threadName = thread
    made.__dict__.update(extra)
    return made


def request_record(line, status="200", level=logging.INFO):
    return record("django.server", level, '"%s" %s %s', (line, status, "4711"))


def task_record(name, text="Task %(name)s[%(id)s] succeeded in %(runtime)ss: %(return_value)s"):
    facts = {"name": name, "id": "1", "runtime": 0.1234, "return_value": None, "args": "()"}
    return record("celery.app.trace", text=text, args=(facts,), thread="work")


@pytest.mark.parametrize(
    ("one", "line"),
    [
        (record(), "web  | hello"),
        (record(thread="work"), "work | hello"),
        (record(thread="MainThread"), "hello"),
        (record(level=logging.WARNING), "web  | WARNING hello"),
        (record(text="two\nlines"), "web  | two\nweb  | lines"),
        (record(text=""), "web  | "),
        (request_record("GET /basket/ HTTP/1.1"), "web  | GET /basket/ 200"),
        (request_record("GET /nowhere/ HTTP/1.1", "404", logging.WARNING), "web  | GET /nowhere/ 404"),
        (
            request_record(f"POST /payflow/webhook/mollie/{TOKEN}/ HTTP/1.1"),
            "web  | POST /payflow/webhook/mollie/Tk9-_a…/ 200",
        ),
        (task_record("payflow.confirm_payment"), "work | payflow.confirm_payment done in 0.12 s"),
    ],
)
def test_line(one, line):
    assert LineFormatter().format(one) == line


def test_exception__carries_the_speaker_on_every_line():
    try:
        raise ValueError("broken")
    except ValueError as error:
        one = record(level=logging.ERROR, text="failed")
        one.exc_info = (type(error), error, error.__traceback__)
    lines = LineFormatter().format(one).splitlines()
    assert lines[0] == "web  | ERROR failed"
    assert all(line.startswith("web  | ") for line in lines)
    assert lines[-1].endswith("ValueError: broken")


@pytest.mark.parametrize(
    ("one", "shown"),
    [
        (request_record("GET /basket/ HTTP/1.1"), True),
        (request_record("GET /static/shop/shop.css HTTP/1.1"), False),
        (request_record("GET /static/gone.css HTTP/1.1", "404", logging.WARNING), True),
        (request_record(f"GET /payflow/status/{TOKEN}/ HTTP/1.1"), False),
        (task_record("payflow.sweep"), False),
        (task_record("payflow.fulfil_order"), True),
    ],
)
def test_quiet(one, shown):
    assert Quiet().filter(one) is shown


def test_shorten_tokens__leaves_ordinary_words():
    assert shorten_tokens(f"/orders/7Q3KX9FZ2M4T8VBC/ {TOKEN}") == "/orders/7Q3KX9FZ2M4T8VBC/ Tk9-_a…"
