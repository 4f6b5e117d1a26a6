"""Grounds for the service tests: databases, a broker, the simulators' process, shops; and their logs on failure."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.services import ledger
from tests.services.databases import Database
from tests.services.grounds import Ground
from tests.services.harness import Bank, Redis, free_port
from tests.services.shop import Site

_SITES = pytest.StashKey[list[Site]]()
KINDS = ["postgres", "sqlite", *(["mariadb"] if os.environ.get("PAYFLOW_TEST_DATABASE") == "mariadb" else [])]
GROUNDS = [
    pytest.param(
        (kind, atomic),
        id=f"{kind}-atomic" if atomic else kind,
        marks=[pytest.mark.gauntlet("G20"), *([pytest.mark.gauntlet("G16")] if atomic else [])],
    )
    for kind in ("postgres", "sqlite", "mariadb")
    for atomic in (False, True)
]
"""MariaDB wherever there is one: these races are what it is there for."""


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what was seen, if this run was to."""
    if not hasattr(session.config, "workerinput"):
        ledger.publish()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """A failing test shows what its processes said."""
    report = yield
    for site in item.stash.get(_SITES, []) if report.failed else []:
        report.sections.append(("what the processes said", "\n".join(site.log.splitlines()[-300:])))
    return report


def show_on_failure(request: pytest.FixtureRequest, site: Site) -> Site:
    """If this test fails, its report shows what the shop's processes said."""
    request.node.stash.setdefault(_SITES, []).append(site)
    return site


@pytest.fixture(autouse=True)
def _may_look_into_databases(django_db_blocker: Any) -> Iterator[None]:
    """For the whole test: opening and closing the gate for every look would go wrong between threads."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    running = Bank(tmp_path_factory.mktemp("simulators"))
    yield running
    running.kill()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any) -> Iterator[Callable[[str], Database]]:
    """Makes the migrated database of a kind once; tests copy it or share it."""
    made: dict[str, Database] = {}

    def make(kind: str) -> Database:
        if kind not in made:
            made[kind] = Database(kind, tmp_path_factory.mktemp("databases"), django_db_blocker.unblock)
            made[kind].migrate()
        return made[kind]

    yield make
    for database in made.values():
        database.drop()


@pytest.fixture(scope="session")
def busy_sites(
    tmp_path_factory: pytest.TempPathFactory, bank: Bank, migrated: Callable[[str], Database]
) -> Iterator[Callable[[str], Site]]:
    """A shop per kind of database, for all races: two web processes and no worker; every race has its own orders."""
    open_sites: dict[str, Site] = {}

    def get(kind: str) -> Site:
        if kind not in open_sites:
            site = open_sites[kind] = Site(
                migrated(kind).copy(), bank, tmp_path_factory.mktemp("site"), SITE_BROKER="memory://localhost"
            )
            site.web()
            site.web(second=True)
        return open_sites[kind]

    yield get
    for site in open_sites.values():
        site.stop()
        site.database.drop()


@pytest.fixture(params=KINDS)
def busy_site(request: pytest.FixtureRequest, busy_sites: Callable[[str], Site], bank: Bank) -> Site:
    bank.control("DELETE", "faults")  # of a test that failed half-way
    return show_on_failure(request, busy_sites(request.param))


@pytest.fixture(scope="session")
def grounds_bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    """Simulators whose clock moves with that of the grounds alone."""
    running = Bank(tmp_path_factory.mktemp("simulators"))
    yield running
    running.kill()


@pytest.fixture(scope="session")
def furnished(migrated: Callable[[str], Database], django_db_blocker: Any) -> Iterator[Callable[[str], Database]]:
    """The database of the grounds of one kind."""
    made: dict[str, Database] = {}

    def make(kind: str) -> Database:
        if kind not in made:
            with django_db_blocker.unblock():
                made[kind] = migrated(kind).copy()
        return made[kind]

    yield make
    for database in made.values():
        database.drop()


@pytest.fixture(scope="session", params=GROUNDS)
def open_ground(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    grounds_bank: Bank,
    furnished: Callable[[str], Database],
) -> Iterator[Ground]:
    """One after the other: pytest brings the races of one ground together."""
    kind, atomic = request.param
    made = Ground(furnished(kind), grounds_bank, tmp_path_factory.mktemp("ground"), atomic=atomic)
    try:
        made.open()
        yield made
    finally:
        made.close()


@pytest.fixture
def ground(request: pytest.FixtureRequest, open_ground: Ground) -> Ground:
    open_ground.bank.control("DELETE", "faults")  # of a test that failed half-way
    show_on_failure(request, open_ground.site)
    return open_ground


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    running = Redis(tmp_path, free_port())
    yield running
    running.kill()


@pytest.fixture
def open_site(
    request: pytest.FixtureRequest, tmp_path: Path, bank: Bank, migrated: Callable[[str], Database]
) -> Iterator[Callable[..., Site]]:
    """Opens a shop with a database of its own; everything ends with the test."""
    with ExitStack() as stack:

        def open_one(kind: str = "postgres", **variables: str) -> Site:
            database = migrated(kind).copy()
            stack.callback(database.drop)
            site = Site(database, bank, tmp_path, **variables)
            stack.callback(site.stop)
            return show_on_failure(request, site)

        bank.reset()
        yield open_one


@pytest.fixture
def site(open_site: Callable[..., Site], redis: Redis) -> Site:
    """A shop on PostgreSQL and Redis; no process of it runs yet."""
    return open_site(SITE_BROKER=redis.url)
