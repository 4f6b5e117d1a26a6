"""Simulators in this process, emptied for every test; a shop that uses them, and a receiver of webhooks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from django_payflow.simulators import Running, start
from tests.simulators.kit import Receiver, Shop, serve


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    stop = serve(receiver)
    yield receiver
    stop()


@pytest.fixture(scope="session")
def running() -> Iterator[Running]:
    with start() as running:
        yield running


@pytest.fixture
def shop(running: Running, receiver: Receiver) -> Iterator[Shop]:
    with requests.Session() as session:
        session.trust_env = False
        shop = Shop(running.url, session, f"{receiver.url}/hook")
        shop.control("POST", "reset")
        yield shop
        shop.control("POST", "reset")
