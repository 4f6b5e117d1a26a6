"""Every shape a report can have, and every row that a history of reports can lead to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import product

from django_payflow.messages import Phase, Reference, Report
from django_payflow.states import Facts, Outcome, PaymentStatus, accept, let_go, read_report, record_sums, write_off

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
    for phase, requested, currency, held, push in product(
        Phase, REQUESTED, ("EUR", "USD"), (False, True), (False, True)
    ):
        with_money = ((ALL, 0), (0, ALL)) if requested == "right" else ()  # what was asked for matters no more then
        for captured, capturable in ((0, 0), (None, None), *with_money):
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


@dataclass(frozen=True)
class Command:
    """What a person decides about a payment; ``said`` are the numbers that he names."""

    name: str
    said: tuple[tuple[str, int], ...] = ()

    def do(self, row: Facts, now: datetime) -> Outcome:
        """Carry it out."""
        if self.name == "write_off":
            return write_off(row, now=now)
        calls: dict[str, Callable[..., Outcome]] = {"let_go": let_go, "accept": accept, "record_sums": record_sums}
        return calls[self.name](row, **dict(self.said))


COMMANDS = (
    *(Command("let_go", (("change", change),)) for change in (PART, -PART, ALL, -ALL)),
    Command("accept"),
    Command("write_off"),
    *(
        Command("record_sums", (("refunded", refunded), ("charged_back", back)))
        for refunded, back in ((0, 0), (PART, 0), (ALL, 0), (0, PART), (PART, ALL))
    ),
)


def reachable_rows(
    shapes: Iterable[Report],
    steps: int,
    *,
    start: Iterable[Facts] = (NEW_ROW,),
    commands: Iterable[Command] = (),
) -> list[tuple[Facts, datetime]]:
    """Return every row that up to ``steps`` reports or commands lead to, each with the moment of its last change.

    Rows that differ only in what the next report overwrites anyway (see ``essence``) are taken once: a test of its
    own shows that this leaves nothing out. A person decides nothing about a row of which no report was read.
    """
    looks = list(product(list(shapes), (SHORT, LONG)))
    decisions = list(commands)
    seen = {essence(row, START): (row, START) for row in start}
    edge = list(seen.values())
    for _ in range(steps):
        found: dict[object, tuple[Facts, datetime]] = {}
        for row, at in edge:
            news = [(read_report(row, shape, now=at + pause).facts, at + pause) for shape, pause in looks]
            if row.status is not PaymentStatus.CREATED:
                news += [(command.do(row, at).facts, at) for command in decisions]
            for new, now in news:
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
CARRIED = {"reported_captured": None}
"""A column for people to read: nothing is decided by it."""


def essence(row: Facts, now: datetime) -> object:
    """Return what of a row may matter to the next report; after a write-off also what money was known then."""
    age = None if row.vanished_since is None else now - row.vanished_since
    gone = None if row.written_off_at is None else (row.observed_amount, row.reported_captured)
    plain = replace(row, **OVERWRITTEN, **CARRIED, vanished_since=None, written_off_at=None)
    return plain, age, gone
