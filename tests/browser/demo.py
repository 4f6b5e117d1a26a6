"""A demo of its own for the tests: ``manage.py demo`` on free ports, with its own files."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import requests

PROJECT = Path(__file__).resolve().parents[2]
READY_WITHIN = 60
STOPPED_WITHIN = 15
LEFT_OUT = {"DATABASE_URL", "REDIS_URL", "PAYFLOW_DEMO_POLL_SECONDS", "PAYFLOW_CHECKPOINT", "PYTHONWARNINGS"}


def free_ports(count):
    """Ports that nobody listens on just now."""
    holders = [socket.socket() for _ in range(count)]
    try:
        for holder in holders:
            holder.bind(("127.0.0.1", 0))
        return [holder.getsockname()[1] for holder in holders]
    finally:
        for holder in holders:
            holder.close()


class Demo:
    """The running demo: its addresses, what it printed, and the simulators' remote control."""

    def __init__(self, state, **environment):
        shop, simulators = free_ports(2)
        self.shop = f"http://127.0.0.1:{shop}"
        self.simulators = f"http://127.0.0.1:{simulators}"
        self.lines = []
        kept = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
        ports = {"DEMO_PORT": str(shop), "SIMULATORS_PORT": str(simulators), "DEMO_STATE": str(state)}
        self.environment = {**kept, **ports, "DJANGO_SETTINGS_MODULE": "example_project.settings", **environment}

    def start(self):
        """Start it and wait for its last line, ``open http://...``."""
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "demo"],
            cwd=PROJECT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        wait_until(lambda: self.opened or self.process.poll() is not None, READY_WITHIN, "the demo opens")
        assert self.opened, self.log
        return self

    def stop(self, number=signal.SIGTERM):
        """End it as Ctrl-C or ``kill`` would, and return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            status = self.process.wait(STOPPED_WITHIN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self.reader.join(5)
        self.process.stdout.close()
        return status

    @property
    def opened(self):
        return f"open {self.shop}/" in self.lines

    @property
    def log(self):
        return "\n".join(self.lines)

    def get(self, path):
        """A page of the shop, without a browser."""
        return requests.get(f"{self.shop}{path}", timeout=10)

    def mails(self, reference):
        """The Message-IDs of the mails about an order, from the mailbox page."""
        articles = self.get("/mailbox/").text.split('<article class="mail panel"')[1:]
        return [re.search(r'data-message-id="([^"]*)"', one)[1] for one in articles if reference in one]

    def parcels(self, reference):
        """The parcels that an order's page names."""
        return re.findall(r"FK\d{10}", self.get(f"/orders/{reference}/").text)

    def status(self, reference):
        """The order's status, as its page carries it."""
        return re.search(r'data-status="(\w+)"', self.get(f"/orders/{reference}/").text)[1]

    def control(self, path, body=None):
        """Ask the simulators (GET), or tell them (POST)."""
        url = f"{self.simulators}/_control/{path}"
        answer = requests.get(url, timeout=10) if body is None else requests.post(url, json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def payment(self, reference):
        """The one payment that the simulator has for an order."""
        found = [one for one in self.control("mollie/payments") if reference in one["description"]]
        assert len(found) == 1, found
        return found[0]

    def deliveries(self, reference):
        """The states of the webhooks that the simulator made for an order's payment."""
        payment = self.payment(reference)["id"]
        return [one["state"] for one in self.control(f"deliveries?payment={payment}")]

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))


def wait_until(true, seconds, what):
    """Ask until the answer is yes."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.1)
