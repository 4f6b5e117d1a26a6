"""The documentation says what the code does, and a provider is not added by halves."""

from __future__ import annotations

import importlib.util
import re
from importlib.machinery import SourceFileLoader
from itertools import product
from pathlib import Path
from types import ModuleType

import pytest

from django_payflow import flow, states
from django_payflow.providers import BUILTIN
from django_payflow.providers.mollie import MollieProvider
from django_payflow.simulators import MOUNTED
from django_payflow.states import CaseKind, FulfilmentStatus, OrderStatus, PaymentStatus

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
P, F = PaymentStatus, FulfilmentStatus


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """bin/generate-docs as a module."""
    loader = SourceFileLoader("generate_docs", str(ROOT / "bin" / "generate-docs"))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


# --- generated parts


def test_pages__are_up_to_date(generator):
    """Red? Run `make docs` and look at what changed."""
    assert "\n\n".join(generator.stale()) == ""


def add_a_move(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(states.PAYMENT_MOVES, P.CREATED, frozenset({P.FAILED}))


def take_a_move(monkeypatch: pytest.MonkeyPatch) -> None:
    rest = states.PAYMENT_MOVES[P.EXPIRED] - {P.AUTHORIZED}
    monkeypatch.setitem(states.PAYMENT_MOVES, P.EXPIRED, rest)


def add_an_order_move(monkeypatch: pytest.MonkeyPatch) -> None:
    wider = states.ORDER_MOVES[OrderStatus.ON_HOLD] | {OrderStatus.COMPLETED}
    monkeypatch.setitem(states.ORDER_MOVES, OrderStatus.ON_HOLD, wider)


def change_a_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(states.FULFILMENT_TABLE, (F.DONE, states.FulfilmentEvent.CANCEL), "canceled")


def change_what_becomes_of_a_refund(monkeypatch: pytest.MonkeyPatch) -> None:
    cell = (states.MoveStatus.PENDING, states.MoveEvent.GONE)
    monkeypatch.setitem(states.MOVE_TABLE, cell, states.STAY)


def change_an_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(states.CASE_ADVICE, CaseKind.SURPLUS, "Keep it.")


def change_a_status_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MollieProvider.statuses, "paused", MollieProvider.statuses["open"])


def change_a_feature(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MollieProvider, "supports_cancel", False)


CHANGES = (
    add_a_move,
    take_a_move,
    add_an_order_move,
    change_a_cell,
    change_what_becomes_of_a_refund,
    change_an_advice,
    change_a_status_word,
    change_a_feature,
)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_pages__are_stale_as_soon_as_the_code_changes(generator, monkeypatch, change):
    change(monkeypatch)
    pages = ["providers/mollie.md", "providers/README.md"] if change is change_a_feature else [None]
    assert len(generator.stale()) == len(pages)


def moves_drawn(diagram: str) -> set[tuple[str, str]]:
    """Read a diagram back: a line at a box stands for everything in it."""
    boxes: dict[str, list[str]] = {}
    box = ""
    for line in diagram.splitlines():
        if match := re.match(r"\s+subgraph (\w+)", line):
            boxes[box := match[1]] = []
        elif line.strip() == "end":
            box = ""
        elif (match := re.match(r"\s+(\w+)\(\[", line)) and box:
            boxes[box].append(match[1])
    drawn = set()
    for one, arrow, two in re.findall(r"(\w+) (==>|-\.->|<-\.->) (\w+)", diagram):
        for old, new in product(boxes.get(one, [one]), boxes.get(two, [two])):
            drawn |= {(old, new), (new, old)} if arrow.startswith("<") else {(old, new)}
    return drawn


@pytest.mark.parametrize(("part", "table"), [("payment", "PAYMENT_MOVES"), ("order", "ORDER_MOVES")])
def test_diagram__draws_every_move_and_no_other(generator, part, table):
    moves = {(s.value, t.value) for t, sources in getattr(states, table).items() for s in sources if s is not t}
    targets = {new for _, new in moves}
    drawn = moves_drawn(generator.states_page()[f"{part} diagram"])
    # A line into a box does not lead to `created` or `draft`, to which nothing leads; the page says so.
    assert {(old, new) for old, new in drawn if new in targets} == moves


def test_diagram__of_a_move_into_created_draws_it_alone(generator, monkeypatch):
    add_a_move(monkeypatch)
    assert "    failed -.-> created\n" in generator.states_page()["payment diagram"]


def test_fill__refuses_a_page_whose_markers_do_not_fit(generator):
    page = "a\n<!-- generated: one -->\nold\n<!-- end -->\nb"
    assert generator.fill(page, {"one": "new"}) == "a\n<!-- generated: one -->\n\nnew\n\n<!-- end -->\nb"
    for parts in ({}, {"two": "new"}, {"one": "new", "two": "new"}):
        with pytest.raises(ValueError, match="markers"):
            generator.fill(page, parts)


def test_write__mends_what_check_complains_about(generator, tmp_path, monkeypatch):
    for path in generator.pages():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text((ROOT / path).read_text())
    add_a_move(monkeypatch)

    (difference,) = generator.stale(tmp_path)
    assert "+    failed -.-> created" in difference
    assert generator.write(tmp_path) == [Path("docs/states.md")]
    assert generator.stale(tmp_path) == []


def test_options_table__shows_every_option_and_no_secret(generator):
    options = generator.provider_page("mollie")["options"]
    assert set(re.findall(r"^\| `(\w+)`", options, re.MULTILINE)) == {
        "api_key",
        "base_url",
        "connect_timeout",
        "read_timeout",
    }
    assert "| `api_key` | `str` | required |" in options
    assert all(line.count("|") == 5 and not line.endswith("|  |") for line in options.splitlines())


# --- a provider is not added by halves


def missing_pieces(name: str) -> list[str]:
    """Say what a built-in provider still needs."""
    pieces = {
        f"an adapter: django_payflow/providers/{name}.py": (ROOT / f"django_payflow/providers/{name}.py").exists(),
        f"a page: docs/providers/{name}.md": (DOCS / f"providers/{name}.md").exists(),
        f"a line in docs/README.md that leads to providers/{name}.md": f"(providers/{name}.md)" in read("README.md"),
        f"a simulator: django_payflow/simulators/{name}/": (ROOT / f"django_payflow/simulators/{name}").is_dir(),
        f"SIMULATOR in django_payflow/simulators/{name}/__init__.py": name in MOUNTED,
        f"tests of its simulator: tests/simulators/test_{name}*.py": any(
            ROOT.glob(f"tests/simulators/test_{name}*.py")
        ),
        f"tests of its adapter: tests/{name}/test_*.py": any(ROOT.glob(f"tests/{name}/test_*.py")),
    }
    return [piece for piece, there in pieces.items() if not there]


@pytest.mark.parametrize("name", BUILTIN)
def test_builtin_provider__lacks_nothing(name):
    assert missing_pieces(name) == []


def test_provider_pages__have_the_same_headings():
    headings = {name: re.findall(r"^## (.+)$", read(f"providers/{name}.md"), re.MULTILINE) for name in BUILTIN}
    expected = ["What you need", "Settings", "Webhooks", "Statuses", "What may be done, and when", "What differs"]
    expected += ["Try it with the simulator", "What we assumed and where it is written"]
    assert headings == dict.fromkeys(BUILTIN, expected)


def test_missing_pieces__names_everything_that_a_new_provider_needs():
    missing = missing_pieces("acme")
    assert len(missing) == 7
    assert all("acme" in piece for piece in missing)


@pytest.mark.parametrize("name", BUILTIN)
def test_provider_page__has_the_chapters_that_every_provider_has(name):
    assert re.findall(r"^## (.+)$", read(f"providers/{name}.md"), re.MULTILINE) == [
        "What you need",
        "Settings",
        "Webhooks",
        "Statuses",
        "What may be done, and when",
        "What differs",
        "Try it with the simulator",
        "What we assumed and where it is written",
    ]


# --- what people wrote


def read(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def test_story__has_the_chapters_of_the_flow_in_their_order():
    chapters = re.findall(r"^\d\. ``(\w+)``", flow.__doc__ or "", re.MULTILINE)
    assert chapters == ["checkout", "arrival", "webhook", "confirm", "fulfil", "money", "ordering", "sweep"]
    assert re.findall(r"^## \d\. .*\(`flow/(\w+)\.py`\)$", read("how-a-payment-flows.md"), re.MULTILINE) == chapters


def test_story__names_every_checkpoint_where_a_test_may_kill():
    code = "".join(path.read_text() for path in (ROOT / "django_payflow").rglob("*.py"))
    named = set(re.findall(r"checkpoints\.reached\(\"([\w.]+)\"\)", code))
    assert named
    assert set(re.findall(r"^\|[^|]+\| `([\w.]+)` \|", read("how-a-payment-flows.md"), re.MULTILINE)) == named


def test_links__lead_somewhere():
    broken = []
    for page in DOCS.rglob("*.md"):
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[\w-]*)?\)", page.read_text(encoding="utf-8")):
            if not target.startswith(("http://", "https://")) and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert broken == []


def test_index__leads_to_every_page():
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    pages = {page for page in pages if page != "README.md" and not page.startswith("decisions/")}
    assert pages <= set(re.findall(r"\]\(([^)#]+)\)", read("README.md")))
