"""What the reliability tests saw, written down as they run, and the page that is made of it.

Each result is a line of ``var/reliability.jsonl``. With ``PAYFLOW_RELIABILITY_REPORT=1`` (``make soak`` sets it) the
end of the run writes the part of ``docs/reliability.md`` between its markers from all lines; otherwise nothing is
written at all, so that an ordinary run leaves the tree as it was.
"""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
LINES = PROJECT / "var" / "reliability.jsonl"
PAGE = PROJECT / "docs" / "reliability.md"
BEGIN, END = "<!-- written by: make soak -->", "<!-- end -->"
Line = Mapping[str, Any]


def is_on() -> bool:
    """Whether results are kept."""
    return os.environ.get("PAYFLOW_RELIABILITY_REPORT") == "1"


def write(kind: str, result: Any) -> None:
    """Keep a result, a dataclass or a dict.

    ``kind``: ``point``, ``pair``, ``lost_webhooks``, ``outage`` or ``histories``.
    """
    if not is_on():
        return
    values = result if isinstance(result, dict) else asdict(result)
    LINES.parent.mkdir(exist_ok=True)
    with LINES.open("a") as file:
        file.write(json.dumps({"kind": kind, **values}) + "\n")


def publish() -> None:
    """Write the page's generated part from what was kept."""
    if not is_on() or not LINES.exists():
        return
    lines = [json.loads(line) for line in LINES.read_text().splitlines()]
    text = PAGE.read_text()
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    PAGE.write_text(f"{head}{BEGIN}\n\n{render(lines)}\n{END}{tail}")


def render(lines: Sequence[Line]) -> str:
    """Return the generated part: Markdown without dates, sorted: a run that saw the same writes the same."""

    def of(kind: str) -> list[Line]:
        found = [line for line in lines if line["kind"] == kind]
        return sorted(found, key=lambda line: [line.get(key, "") for key in ("provider", "points", "name")])

    parts = [_points(_newest(of("point"))), _pairs(_newest(of("pair"))), _lost_webhooks(of("lost_webhooks"))]
    parts += [_outages(of("outage")), _histories(of("histories"))]
    return "\n".join(part for part in parts if part)


def _newest(lines: Iterable[Line]) -> list[Line]:
    """A story that was played twice counts once, as it ended last."""
    return list({(line["provider"], *line["points"]): line for line in lines}.values())


def _points(lines: Sequence[Line]) -> str:
    if not lines:
        return ""
    rows = ["### One kill per story", "", "PostgreSQL and Redis; web, worker and beat as processes.", ""]
    rows += [_HEAD.format("provider", "points"), _RULE]
    for provider in dict.fromkeys(line["provider"] for line in lines):
        rows.append(_row(provider, [line for line in lines if line["provider"] == provider]))
    rows.append(_row("all", lines))
    rows += [
        "",
        "Which points, and the slowest healing of each:",
        "",
        "| point | providers | worst |",
        "|---|---|---|",
    ]
    for point in sorted({point for line in lines for point in line["points"]}):
        there = [line for line in lines if point in line["points"]]
        names = ", ".join(line["provider"] for line in there)
        seconds = [line["seconds"] for line in there if _came_to_rest(line)]
        rows.append(f"| `{point}` | {names} | {_span(max(seconds)) if seconds else '-'} |")
    return "\n".join([*rows, ""])


_HEAD = "| {} | {} | lost | doubled | left to a person | median to rest | worst |"
_RULE = "|---|---|---|---|---|---|---|"


def _row(name: str, lines: Sequence[Line]) -> str:
    seconds = [line["seconds"] for line in lines if _came_to_rest(line)]
    counts = [sum(1 for line in lines if line[what]) for what in ("lost", "doubled", "left")]
    figures = " | ".join(str(count) for count in counts)
    spans = f"{_span(statistics.median(seconds))} | {_span(max(seconds))}" if seconds else "- | -"
    return f"| {name} | {len(lines)} | {figures} | {spans} |"


def _came_to_rest(line: Line) -> bool:
    return bool(line["struck"]) and not (line["lost"] or line["left"])


def _pairs(lines: Sequence[Line]) -> str:
    if not lines:
        return ""
    both = [line for line in lines if len(line["struck"]) == len(line["points"])]
    rows = ["### Two kills per story", ""]
    rows.append(
        f"{len(lines)} ordered pairs of points at {lines[0]['provider']}; in {len(both)} of them the second point was"
        " passed again after the first kill."
    )
    rows += ["", _HEAD.format("stories", "number"), _RULE]
    rows += [_row("killed twice", both), _row("all", lines)]
    return "\n".join([*rows, ""])


def _lost_webhooks(lines: Sequence[Line]) -> str:
    if not lines:
        return ""
    rows = ["### Not one webhook arrives", "", "| provider | payments | lost | settled within 2 minutes | worst |"]
    rows.append("|---|---|---|---|---|")
    for line in {line["provider"]: line for line in lines}.values():
        share = f"{line['prompt']} of {line['payments']}"
        rows.append(
            f"| {line['provider']} | {line['payments']} | {line['lost']} | {share} | {_span(line['worst'])} |"
        )
    return "\n".join([*rows, ""])


def _outages(lines: Sequence[Line]) -> str:
    if not lines:
        return ""
    rows = ["### Outages survived", "", "What the doctor called too old, and from the end of the outage to rest.", ""]
    rows += ["| outage | the doctor meanwhile | to rest | lost | doubled |", "|---|---|---|---|---|"]
    for line in {line["name"]: line for line in lines}.values():
        figures = f"{line['lost']} | {line['doubled']}"
        rows.append(f"| {line['name']} | {line['gauge'] or '-'} | {_span(line['converged_seconds'])} | {figures} |")
    return "\n".join([*rows, ""])


def _histories(lines: Sequence[Line]) -> str:
    if not lines:
        return ""
    played = {(line["name"], line["seed"]): line["number"] for line in lines}
    rows = [
        "### Histories",
        "",
        "Random ones, by hypothesis; and recorded news: lost, repeated, late, reordered.",
        "",
    ]
    rows += ["| through | histories |", "|---|---|"]
    for name in dict.fromkeys(name for name, _ in played):
        rows.append(f"| {name} | {sum(number for (of, _), number in played.items() if of == name):,} |")
    return "\n".join([*rows, ""])


def _span(seconds: float) -> str:
    """Whole seconds below two minutes, whole minutes above: what lies below that is the machine's."""
    return f"{round(seconds)} s" if seconds < 120 else f"{round(seconds / 60)} min"


if __name__ == "__main__":
    publish()
