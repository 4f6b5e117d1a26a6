"""``python -m bench [--quick]``: needs PostgreSQL and Redis on this machine, and says so when it finds none.

The end is 0 whatever the figures are: they are a goal, not a gate. It is 1 only when something did not work.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

from bench import services


def main() -> int:
    """Look for what is needed, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a look in 20 seconds instead of figures in 90")
    options = parser.parse_args()
    if missing := [*services.missing(), *_missing()]:
        print(f"Nothing was measured: the bench needs {' and '.join(missing)}, not found here. See docs/bench.md.")
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything started is also stopped
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"
    return _measure(quick=options.quick)


def _missing() -> list[str]:
    found = {
        "gunicorn (make bench installs it)": find_spec("gunicorn"),
        "Linux's /proc": Path("/proc/self/stat").exists(),
    }
    return [name for name, there in found.items() if not there]


def _measure(*, quick: bool) -> int:
    with ExitStack() as stack:
        try:
            os.environ["PAYFLOW_BENCH_SIMULATORS"] = url = stack.enter_context(services.simulators())
            stack.enter_context(services.database())
            from bench import report  # sets Django up, with the simulators' address in its settings

            report.run(url, quick=quick)
        except services.BenchFailed as failed:
            print(f"The bench failed, there are no figures. {failed}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
