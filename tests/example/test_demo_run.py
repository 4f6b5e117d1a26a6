"""The demo's programs start together, are watched, and stop together."""

from __future__ import annotations

import socket
import sys
import time
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from example_project.demo import run
from example_project.demo.children import Child
from example_project.demo.probes import port_is_free
from example_project.demo.run import Demo, DemoFailed

LOOP = "import time\nprint('ready', flush=True)\nwhile True: time.sleep(0.1)"


class Program:
    """A program that writes down what is done to it."""

    def __init__(self, name, story, *, ready=True, alive=True):
        self.name, self.story, self.ready, self.alive = name, story, ready, alive

    def start(self):
        self.story.append(f"start {self.name}")

    def is_ready(self):
        return self.ready

    def is_alive(self):
        return self.alive

    def ask_to_stop(self):
        self.story.append(f"ask {self.name}")

    def stop(self):
        self.story.append(f"stop {self.name}")


def test_open_and_close__in_order_and_in_reverse():
    story = []
    demo = Demo([Program("a", story), Program("b", story)])
    assert demo.open()
    demo.close()
    assert story == ["start a", "start b", "ask b", "ask a", "stop b", "stop a"]


def test_open__fails_when_a_program_ends_early():
    demo = Demo([Program("a", [], ready=False), Program("b", [], alive=False)])
    with pytest.raises(DemoFailed, match="b has ended"):
        demo.open()


def test_open__fails_when_a_program_never_answers(monkeypatch):
    monkeypatch.setattr(run, "READY_WITHIN", 0.2)
    with pytest.raises(DemoFailed, match="a did not answer"):
        Demo([Program("a", [], ready=False)]).open()


def test_watch__ends_when_a_program_dies():
    program = Program("a", [])
    demo = Demo([program])
    assert demo.open()
    program.alive = False
    with pytest.raises(DemoFailed, match="a has ended"):
        demo.watch()


def child(code, name="child"):
    return Child(name, [sys.executable, "-c", code], is_ready=lambda: True)


def is_running(pid):
    """Whether the process still works; one that only waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_for_line(caplog, text):
    end = time.monotonic() + 10
    while text not in caplog.text:
        assert time.monotonic() < end, caplog.text
        time.sleep(0.02)


def test_child__passes_its_lines_on_under_its_name(caplog):
    caplog.set_level("INFO")
    one = child(LOOP, "sims")
    one.start()
    wait_for_line(caplog, "ready")
    one.ask_to_stop()
    one.stop()
    assert not one.is_alive()
    assert {record.threadName for record in caplog.records if record.message == "ready"} == {"sims"}


def test_child__that_ignores_the_request_is_ended_with_its_own_children(caplog, monkeypatch):
    caplog.set_level("INFO")
    monkeypatch.setattr("example_project.demo.children.PATIENCE", 0.3)
    grandchild = "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])"
    deaf = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {grandchild}; print('pid', p.pid)\n{LOOP}"
    one = child(deaf)
    one.start()
    wait_for_line(caplog, "ready")
    pid = next(int(r.message.split()[1]) for r in caplog.records if r.message.startswith("pid "))
    one.ask_to_stop()
    one.stop()
    end = time.monotonic() + 5
    while is_running(pid) and time.monotonic() < end:
        time.sleep(0.05)
    assert not one.is_alive()
    assert not is_running(pid)


@pytest.mark.parametrize("name", ["DEMO_PORT", "SIMULATORS_PORT"])
def test_taken_port__names_the_variable_to_change(settings, tmp_path, name):
    settings.STATE_DIR = tmp_path
    settings.DEMO_PORT = settings.SIMULATORS_PORT = 0
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        setattr(settings, name, port)
        assert not port_is_free(port)
        with pytest.raises(CommandError, match=f"Port {port} is taken.*{name}"):
            call_command("demo")


def test_admin_password__is_new_each_time(db, client):
    from example_project.demo.seeding import ADMIN, new_admin_password

    first, second = new_admin_password(), new_admin_password()
    assert first != second
    assert not client.login(username=ADMIN, password=first)
    assert client.login(username=ADMIN, password=second)
