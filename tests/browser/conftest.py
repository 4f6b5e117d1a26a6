"""A real browser and a real demo. Nothing here touches the ORM: Playwright's loop would refuse it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.browser.buyer import Buyer
from tests.browser.demo import Demo

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def need(found, what):
    """Skip without ``what``, but not where it must be there."""
    if found:
        return found
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing, and CI=true says that it must be there")
    pytest.skip(f"{what} is missing")


@pytest.fixture(scope="session")
def browser():
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        sync_playwright = need(None, "playwright (dependency group e2e)")
    chromium = need(shutil.which("chromium"), "chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """The demo as a newcomer starts it: the first poll comes after a minute, so these tests see none."""
    running = Demo(tmp_path_factory.mktemp("demo")).start()
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log


@pytest.fixture
def polling_demo(tmp_path):
    """A demo that asks the provider every second."""
    running = Demo(tmp_path, PAYFLOW_DEMO_POLL_SECONDS="1").start()
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log


@pytest.fixture
def make_buyer(browser):
    """Make buyers; their windows close at the end, and a script error in any of them fails the test."""
    errors, contexts = [], []

    def make(demo, **options):
        context = browser.new_context(viewport={"width": 1280, "height": 900}, **options)
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(error))
        return Buyer(page, demo)

    yield make
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def buyer(make_buyer, demo):
    return make_buyer(demo)


@pytest.fixture
def screenshot():
    """Save a picture where ``PAYFLOW_SCREENSHOTS`` points; without it, do nothing."""
    folder = os.environ.get("PAYFLOW_SCREENSHOTS")

    def save(page, name):
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)

    return save
