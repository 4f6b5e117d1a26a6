"""``python -m django_payflow.simulators``: the simulators until SIGINT or SIGTERM, on 127.0.0.1 and nowhere else."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from types import FrameType

from django_payflow.simulators import start
from django_payflow.simulators.host import StateUnusable


def main(arguments: Sequence[str] | None = None, *, opened: Callable[[str], None] = lambda url: None) -> int:
    """Run until a signal comes. ``opened`` is called with the address once the simulators listen.

    There is no option for another address on purpose: simulators must never be reachable from outside.
    """
    parser = argparse.ArgumentParser(prog="python -m django_payflow.simulators", description=__doc__)
    parser.add_argument("--port", type=int, default=8801, help="0 picks a free one (default: %(default)s)")
    parser.add_argument("--state", metavar="DIR", help="keep everything there, across restarts")
    parser.add_argument("--quiet", action="store_true", help="no line per call on standard error")
    options = parser.parse_args(arguments)
    _log_to_stderr(options.quiet)
    stop = _stop_on_signals()
    try:
        running = start(port=options.port, state=options.state)
    except (OSError, OverflowError, StateUnusable) as error:
        parser.exit(1, f"the simulators cannot start: {error}\n")
    with running:
        sys.stdout.write(f"simulators listening on {running.url}/\n")
        sys.stdout.flush()
        opened(running.url)
        stop.wait()
    return 0


def _log_to_stderr(quiet: bool) -> None:
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(message)s", level=logging.WARNING)
    logging.getLogger("django_payflow.simulators").setLevel(logging.WARNING if quiet else logging.INFO)
    logging.getLogger("waitress").setLevel(logging.ERROR)


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask_to_stop)
    return stop


if __name__ == "__main__":
    sys.exit(main())
