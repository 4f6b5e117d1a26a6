"""The simulators as a process of their own: starting, stopping, dying, and remembering."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from django_payflow.simulators import start
from django_payflow.simulators.__main__ import main
from django_payflow.simulators.host import StateUnusable
from tests.simulators.kit import Receiver, Shop


@contextmanager
def process(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The real command; gives the process and its address, and leaves nothing behind."""
    command = [sys.executable, "-m", "django_payflow.simulators", "--port", "0", *arguments]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None
        line = running.stdout.readline()
        assert line.startswith("simulators listening on http://127.0.0.1:"), line
        yield running, line.split()[-1].rstrip("/")
    finally:
        running.kill()
        running.communicate()


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


def refused(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "django_payflow.simulators", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_line_when_ready_and_a_clean_end(number: signal.Signals, session: requests.Session) -> None:
    with process("--quiet") as (running, url):
        assert session.get(f"{url}/_control/clock", timeout=5).status_code == 200
        running.send_signal(number)
        rest, errors = running.communicate(timeout=10)
    assert (running.returncode, rest, errors) == (0, "", "")


@pytest.mark.parametrize("argument", ["--host=0.0.0.0", "--bind=::", "0.0.0.0"])
def test_other_addresses_cannot_even_be_asked_for(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--port", "0", argument])
    assert stopped.value.code == 2
    assert "unrecognized arguments" in capsys.readouterr().err


def test_port_in_use_is_said_in_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        answer = refused("--port", str(taken.getsockname()[1]))
    assert answer.returncode == 1
    assert answer.stderr.startswith("the simulators cannot start: ")
    assert "Traceback" not in answer.stderr


def test_kill_9__everything_is_still_there(tmp_path: Path, session: requests.Session, receiver: Receiver) -> None:
    receiver.answers["/hook"] = 500
    state = ("--quiet", "--state", str(tmp_path / "state"))
    headers = {"Idempotency-Key": "kept"}
    with process(*state) as (running, url):
        shop = Shop(url, session, f"{receiver.url}/hook")
        shop.control("POST", "clock", {"offset": 500})
        first = shop.call("POST", "/v2/payments", json=shop.order(), headers=headers).json()
        paid = shop.paid()
        shop.fault("list", "5xx", times=4)
        shop.settle()
        before = shop.control("GET", "deliveries")
        os.kill(running.pid, signal.SIGKILL)
        running.wait(10)

    receiver.answers["/hook"] = 200
    with process(*state) as (_, url):
        shop = Shop(url, session, f"{receiver.url}/hook")
        assert shop.control("GET", "clock")["offset"] == 500
        assert [each["id"] for each in shop.control("GET", "mollie/payments")] == [paid["id"], first["id"]]
        again = shop.call("POST", "/v2/payments", json=shop.order(), headers=headers)
        assert (again.headers["Idempotent-Replayed"], again.json()["id"]) == ("true", first["id"])
        assert shop.control("GET", "deliveries") == before
        assert [each["times"] for each in shop.control("GET", "faults")] == [4]
        assert len(receiver.seen) == 1
        shop.advance(61)
        receiver.wait_for(2)
        shop.advance(900)
        assert shop.get(first["id"])["status"] == "expired", "its timer lived on"


def test_kill_9__due_while_nobody_was_there(tmp_path: Path, session: requests.Session, receiver: Receiver) -> None:
    """A webhook that is being sent when the process dies is sent again after the restart."""
    state = ("--quiet", "--state", str(tmp_path / "state"))
    with process(*state) as (running, url):
        shop = Shop(url, session, f"{receiver.url}/hook")
        receiver.answers["/hook"] = 500
        shop.paid()
        shop.settle()
        shop.control("POST", "clock", {"offset": 30})
        running.kill()
        running.wait(10)
    receiver.answers["/hook"] = 200
    with process(*state) as (_, url):
        shop = Shop(url, session, f"{receiver.url}/hook")
        shop.control("POST", "clock", {"offset": 62})
        receiver.wait_for(2)
        assert shop.deliveries()[0]["state"] == "sent"


def test_one_state_belongs_to_one_process(tmp_path: Path) -> None:
    with process("--quiet", "--state", str(tmp_path)):
        answer = refused("--port", "0", "--state", str(tmp_path))
        assert answer.returncode == 1
        assert "perhaps another process has it" in answer.stderr


@pytest.mark.parametrize("content", [None, "no database at all, but long enough to be looked at as one" * 100])
def test_a_state_that_cannot_be_used_is_said(tmp_path: Path, content: str | None) -> None:
    state = tmp_path / "state"
    if content is None:
        state.write_text("a file, not a folder")
    else:
        state.mkdir()
        (state / "simulators.sqlite3").write_text(content)
    with pytest.raises(StateUnusable, match="cannot be"):
        start(state=state)


def test_in_process__state_and_restart(tmp_path: Path, session: requests.Session, receiver: Receiver) -> None:
    hook = f"{receiver.url}/hook"
    with start(state=tmp_path) as running:
        payment = Shop(running.url, session, hook).paid()
        shop = Shop(running.url, session, hook)
        shop.control("POST", "hold", {"on": True})
        shop.paid()
    with start(state=tmp_path) as running:
        shop = Shop(running.url, session, hook)
        assert shop.get(payment["id"])["status"] == "paid"
        assert shop.control("GET", "hold") == {"on": True}
        assert [each["state"] for each in shop.deliveries()][-1] == "held"
        shop.control("POST", "reset")
    with start(state=tmp_path) as running:
        assert Shop(running.url, session, hook).control("GET", "mollie/payments") == []


def test_in_process__a_port_in_use(session: requests.Session) -> None:
    before = threading.active_count()
    with start() as running:
        in_use = threading.active_count()
        with pytest.raises(OSError, match="in use"):
            start(port=running.port)
        assert threading.active_count() == in_use
        assert session.get(f"{running.url}/_control/clock", timeout=5).status_code == 200
    assert threading.active_count() == before


def test_in_process__app_without_a_socket() -> None:
    from werkzeug.test import Client

    with start() as running:
        client = Client(running.app)
        assert client.get("/_control/clock").status_code == 200
        assert client.get("/mollie/v2/payments").status_code == 401


def test_in_process__closing_twice_and_while_a_call_hangs(session: requests.Session) -> None:
    running = start()
    shop = Shop(running.url, session, "http://127.0.0.1:9/")
    shop.fault("create", "slow", seconds=600)
    with pytest.raises(requests.ReadTimeout):
        shop.call("POST", "/v2/payments", json=shop.order(), timeout=0.2)
    running.close()
    running.close()
    with pytest.raises(requests.ConnectionError):
        session.get(running.url, timeout=1)


@pytest.mark.slow
def test_a_kept_alive_connection_is_fast(session: requests.Session) -> None:
    with start() as running:
        shop = Shop(running.url, session, "http://127.0.0.1:9/")
        payment_id = shop.create()["id"]
        best = min(seconds_for(100, lambda: shop.get(payment_id)) for _ in range(8))
    assert best < 100 / 300, "fewer than 300 requests a second, in the best of eight runs"


def seconds_for(times: int, act: Callable[[], object]) -> float:
    started = time.monotonic()
    for _ in range(times):
        act()
    return time.monotonic() - started
