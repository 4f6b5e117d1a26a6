"""``python -m tests.mutation [PART OF A FILE NAME]...``: break the rules one small change at a time.

Every mutant is run in a forked process in which Django and all libraries are loaded already; only the mutated module,
those that read it and the tests are imported anew. Most mutants die in the first, quick tests of their own module.
The models stay as they were, so tests that go through them are left out, and so is what touches a database.
"""

# ruff: noqa: T201  (it talks to a terminal)

from __future__ import annotations

import argparse
import gc
import importlib.abc
import importlib.util
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType

import django
import hypothesis
import pytest

from tests.mutation.mutants import Members, Mutant, enum_members, mutants

ROOT = Path(__file__).parents[2]
REQUIRED = 90
"""Percent of the mutants that must be killed."""
SECONDS = 900
"""A mutant that keeps one stage running for longer is stuck in a loop, and counts as killed."""

THROUGH_MODELS = "move_to or completed_order"
HISTORIES = "walk__is or three_steps or four_steps or every_shape or less_is_enough or every_pair"

STATES = "tests/states/test_"
QUICK: dict[str, list[list[str]]] = {
    "fulfilment": [["fulfilment_rules"]],
    "limits": [["limits_rules"]],
    "move": [["move_rules"]],
    "offer": [["offer_rules"]],
    "order": [["words", "edges", "short_walks"], ["order_rules"]],
    "payment": [
        ["payment_sentences", "words", "edges", "short_walks"],
        ["payment_rules", "payment_commands", "order_rules"],
    ],
    "words": [
        ["words"],
        ["short_walks"],
        ["payment_rules", "order_rules", "fulfilment_rules", "move_rules", "offer_rules"],
    ],
}
SLOW = ["payment_rules", "order_rules", "payment_commands"]
NEEDS_HISTORIES = {"limits", "order", "payment", "words"}
"""Modules whose survivors are also shown to the enumerations of histories, and to the random ones."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A selection of tests, run until the first one fails."""

    files: list[str]
    select: str


def stages_of(path: Path, *, quick: bool = False) -> list[Stage]:
    """Return which tests a mutant of this file must survive, the quick ones first."""
    if path.stem == "money":
        return [Stage(files=["tests/test_money.py"], select="not floats")]
    not_slow = f"not ({THROUGH_MODELS} or {HISTORIES})"
    stages = [Stage(files=[f"{STATES}{name}.py" for name in names], select=not_slow) for names in QUICK[path.stem]]
    if path.stem in NEEDS_HISTORIES and not quick:
        slow = [f"{STATES}{name}.py" for name in SLOW]
        stages.append(Stage(files=slow, select=f"({HISTORIES}) and not four_steps and not every_shape"))
        stages.append(Stage(files=[f"{STATES}histories.py"], select="seed"))
        stages.append(Stage(files=slow, select="four_steps or every_shape"))
    return stages


# --- one mutant, in a process of its own


class Loader(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Import one module from a syntax tree instead of its file."""

    def __init__(self, name: str, code: CodeType) -> None:
        self.name, self.code = name, code

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> object:
        return importlib.util.spec_from_loader(fullname, self) if fullname == self.name else None

    def exec_module(self, module: ModuleType) -> None:
        exec(self.code, module.__dict__)  # noqa: S102


def _run(stage: Stage, name: str, code: CodeType | None, log: Path) -> int:
    """Run the tests of a stage in a forked process; return how pytest ended, or -1 when it did not."""
    child = os.fork()
    if child == 0:
        os._exit(_in_child(stage, name, code, log))
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -1


def _in_child(stage: Stage, name: str, code: CodeType | None, log: Path) -> int:
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    if code is not None:
        sys.meta_path.insert(0, Loader(name, code))
    for loaded in [m for m in sys.modules if m.startswith(("django_payflow.states", "django_payflow.money"))]:
        del sys.modules[loaded]
    options = ["-x", "-q", "-c", os.devnull, f"--rootdir={ROOT}", "--import-mode=importlib", "--noconftest"]
    plugins = ["-pno:cacheprovider", "-pno:faulthandler"]
    warnings = ["-W", "ignore::pytest.PytestUnknownMarkWarning"]
    existing = [file for file in stage.files if (ROOT / file).exists()]
    return int(pytest.main([*options, *plugins, *warnings, "--tb=line", "-k", stage.select, *existing]))


KILLED = {-1, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED}


def survives(path: Path, mutant: Mutant | None, stages: list[Stage], log: Path) -> bool:
    """Run the stages until one kills the mutant; without a mutant, the module as it is."""
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    code = compile(mutant.tree, str(path), "exec") if mutant else None
    for stage in stages:
        ended = _run(stage, name, code, log)
        if ended in KILLED:
            return False
        if ended != pytest.ExitCode.OK:
            raise RuntimeError(f"pytest ended with {ended}: {log.read_text()[-2000:]}")
    return True


# --- all of them


def preload() -> None:
    """Load what does not change, so that a fork starts with it. No test may depend on how fast the machine is."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.chdir(ROOT)
    django.setup()
    for module in ("django_payflow.flow", "django_payflow.providers.mollie", "hypothesis.stateful"):
        importlib.import_module(module)
    hypothesis.settings.register_profile("mutation", deadline=None, derandomize=True, database=None)
    hypothesis.settings.load_profile("mutation")
    gc.disable()  # a fork that collects garbage copies all that it shares with its parent
    gc.freeze()


def chosen(words: list[str]) -> list[Path]:
    """Return the files to mutate."""
    package = ROOT / "django_payflow"
    every = [*sorted(set(package.glob("states/*.py")) - {package / "states/__init__.py"}), package / "money.py"]
    return [path for path in every if not words or any(word in path.as_posix() for word in words)]


def mutants_of(path: Path) -> list[Mutant]:
    """Return the mutants of a file, in the order of its lines."""
    members: Members = {}
    for file in (ROOT / "django_payflow/messages.py", ROOT / "django_payflow/states/words.py", path):
        members |= enum_members(file.read_text())
    return list(mutants(path.read_text(), members))


def _told(path: Path, mutant: Mutant, survived: bool) -> bool:
    if survived:
        print(f"    survived {path.name}:{mutant.line}: {mutant.text}", flush=True)
    elif sys.stderr.isatty():
        print(f"{path.name}:{mutant.line}", end="\r", file=sys.stderr)
    return survived


def main() -> int:
    """Print killed and survived by file; end with 1 below the required share, and with 2 where tests are red."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("files", nargs="*", help="parts of the names of the files to mutate")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--quick", action="store_true", help="without the enumerations: for writing tests")
    parser.add_argument("--every", type=int, default=1, help="take only every so manyth mutant: a first look")
    options = parser.parse_args()
    preload()
    total: Counter[bool] = Counter()
    with tempfile.TemporaryDirectory() as room, ThreadPoolExecutor(options.jobs) as pool:
        for path in chosen(options.files):
            stages = stages_of(path, quick=options.quick)
            log = Path(room) / path.stem
            if not survives(path, None, stages, log):
                print(f"{path.name}: the tests are red without any mutant\n{log.read_text()[-2000:]}")
                return 2
            started, every = time.monotonic(), mutants_of(path)[:: options.every]
            jobs = [
                pool.submit(survives, path, mutant, stages, Path(room) / f"{path.stem}-{index}")
                for index, mutant in enumerate(every)
            ]
            alive = [_told(path, mutant, job.result()) for mutant, job in zip(every, jobs, strict=True)]
            total.update(alive)
            seconds = time.monotonic() - started
            print(f"{path.name}: {alive.count(False)} of {len(alive)} killed, {seconds:.0f} s", flush=True)
    share = 100 * total[False] / max(1, total.total())
    print(f"{total[False]} of {total.total()} killed: {share:.1f} %")
    return 0 if share >= REQUIRED else 1


if __name__ == "__main__":
    sys.exit(main())
