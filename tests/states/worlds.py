"""Every shape a report can have, and every row that a history of reports can lead to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

from django_payflow.messages import Phase, Reference, Report
from django_payflow.states import Facts, read_report

EXPECTED = 100
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHORT, LONG = timedelta(seconds=10), timedelta(seconds=61)
"""Between two looks: too soon to believe that money vanished, and late enough."""
PART, ALL, MORE = 40, EXPECTED, 160
SUMS = (None, 0, PART, ALL, MORE)
REQUESTED = {"right": EXPECTED, "wrong": EXPECTED + 1, "unsaid": None}
NEW_ROW = Facts(expected=EXPECTED, currency="EUR")


def report_of(phase: Phase = Phase.PROCESSING, *, requested: str = "right", **said: object) -> Report:
    """Make a report; sums that are not said are zero."""
    sums = {"captured": 0, "capturable": 0, "refunded": 0, "charged_back": 0}
    values = {"currency": "EUR", **sums, **said}
    return Report(
        phase=phase,
        references=(Reference(kind="payment", value="x"),),
        live=False,
        raw_status=phase.value,
        requested=REQUESTED[requested],
        **values,
    )


def every_report_shape() -> list[Report]:
    """Return several hundred shapes: what a provider may say, and much that it should never say.

    The full product has 75,000; these are the three crossings whose parts meet in the rules.
    """
    shapes = [*_money_shapes(), *_backward_shapes(), *_quiet_shapes()]
    return list({repr(shape): shape for shape in shapes}.values())


def _money_shapes() -> Iterator[Report]:
    """Money in, in every phase and in either currency."""
    for phase, currency, captured, capturable in product(Phase, ("EUR", "USD"), SUMS, SUMS):
        yield report_of(phase, currency=currency, captured=captured, capturable=capturable)


def _backward_shapes() -> Iterator[Report]:
    """Money out: refunds and chargebacks of all sizes, against captures of all sizes."""
    for captured, capturable, refunded, back in product((None, 0, PART, ALL, MORE), (0, PART), SUMS, SUMS):
        yield report_of(captured=captured, capturable=capturable, refunded=refunded, charged_back=back)


def _quiet_shapes() -> Iterator[Report]:
    """No money or the right money, with every flag."""
    money = ((0, 0), (None, None), (ALL, 0), (0, ALL))
    for phase, requested, currency, held, push, (captured, capturable) in product(
        Phase, REQUESTED, ("EUR", "USD"), (False, True), (False, True), money
    ):
        yield report_of(
            phase,
            requested=requested,
            currency=currency,
            held=held,
            push=push,
            captured=captured,
            capturable=capturable,
        )


def usual_shapes() -> list[Report]:
    """Return the short list that histories are made of: every mix of captured and capturable, and every end."""
    return [
        *(report_of(captured=c, capturable=a) for c, a in product(SUMS, (0, PART, ALL, MORE))),
        *(report_of(phase) for phase in Phase),
        report_of(requested="wrong"),
        report_of(captured=ALL, currency="USD"),
        report_of(captured=ALL, refunded=PART),
        report_of(captured=ALL, refunded=ALL),
        report_of(captured=PART, refunded=ALL),
        report_of(captured=ALL, charged_back=PART),
        report_of(captured=ALL, charged_back=ALL),
    ]


def reachable_rows(
    shapes: Iterable[Report], steps: int, *, start: Iterable[Facts] = (NEW_ROW,)
) -> list[tuple[Facts, datetime]]:
    """Return every row that up to ``steps`` reports lead to, each with a moment at which it was last written.

    Rows that differ only in what the next report overwrites anyway (see ``essence``) are taken once: a test of its
    own shows that this leaves nothing out.
    """
    shapes = list(shapes)
    seen = {essence(row, START): (row, START) for row in start}
    edge = list(seen.values())
    for _ in range(steps):
        found: dict[object, tuple[Facts, datetime]] = {}
        for (row, at), shape, pause in product(edge, shapes, (SHORT, LONG)):
            now = at + pause
            new = read_report(row, shape, now=now).facts
            key = essence(new, now)
            if key not in seen:
                found[key] = seen[key] = (new, now)
        edge = list(found.values())
    return list(seen.values())


OVERWRITTEN = {
    "phase": Phase.OPEN,
    "held": False,
    "push": False,
    "observed_amount": None,
    "observed_currency": "",
    "asked_wrong": False,
}
"""Columns that only say what the last report said; the next one replaces them whatever they were."""


def essence(row: Facts, now: datetime) -> object:
    """Return what of a row may matter to the next report."""
    age = None if row.vanished_since is None else now - row.vanished_since
    return replace(row, **OVERWRITTEN, vanished_since=None), age
