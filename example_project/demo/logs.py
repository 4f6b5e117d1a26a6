"""One terminal for four programs: every line says who speaks, fits in one row and keeps secrets short.

The speaker is the thread's name: the demo names its threads ``web``, ``work``, ``beat`` and ``sims``. A process that
does not, such as a real ``celery worker``, prints plain lines, and the demo puts the name in front when it passes
them on.
"""

from __future__ import annotations

import logging
import re

SPEAKERS = frozenset({"demo", "web", "work", "beat", "sims"})
_TOKEN = re.compile(r"[A-Za-z0-9_-]{20,}")
_ROUTINE = ("GET /static/", "GET /payflow/status/", "GET /favicon")


def shorten_tokens(text: str) -> str:
    """Cut anything that looks like a token: addresses of returns and webhooks must not be copied from a log."""
    return _TOKEN.sub(lambda match: f"{match[0][:6]}…", text)


class Quiet(logging.Filter):
    """Leave out what happens all the time: files, the waiting page's questions, sweeps that went well."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the line is worth a row in the terminal."""
        if record.levelno > logging.INFO:
            return True
        if record.name == "django.server":
            return not record.getMessage().lstrip('"').startswith(_ROUTINE)
        return not (record.name == "celery.app.trace" and _task(record).get("name") == "payflow.sweep")


class LineFormatter(logging.Formatter):
    """``web  | GET /basket/ 200``: the speaker, then the message; warnings carry their level."""

    def format(self, record: logging.LogRecord) -> str:
        """Write the record, each of its lines behind the speaker's name."""
        text = self._message(record)
        if record.exc_info:
            text = f"{text}\n{self.formatException(record.exc_info)}"
        speaker = record.threadName or ""
        if speaker not in SPEAKERS:
            return text
        return "\n".join(f"{speaker:<4} | {line}" for line in text.splitlines() or [""])

    def _message(self, record: logging.LogRecord) -> str:
        task = _task(record)
        if "runtime" in task:
            return f"{task['name']} done in {float(str(task['runtime'])):.2f} s"
        message = record.getMessage()
        if record.name == "django.server":
            return _request_line(record, message)
        return message if record.levelno <= logging.INFO else f"{record.levelname} {message}"


def _request_line(record: logging.LogRecord, message: str) -> str:
    """Turn ``"GET /basket/ HTTP/1.1" 200 4711`` into ``GET /basket/ 200``."""
    if not isinstance(record.args, tuple) or len(record.args) < 2:
        return shorten_tokens(message)
    request = str(record.args[0]).rsplit(" HTTP/", 1)[0]
    return f"{shorten_tokens(request)} {record.args[1]}"


def _task(record: logging.LogRecord) -> dict[str, object]:
    """Return what Celery says about a finished task; empty for every other record."""
    if record.name == "celery.app.trace" and isinstance(record.args, dict):
        return dict(record.args)
    return {}
