"""Every named point of the story has its kill."""

from __future__ import annotations

import re

from tests.api import test_processes
from tests.services import test_kills
from tests.services.harness import PROJECT
from tests.services.matrix import POINTS


def points_in_the_code() -> set[str]:
    sources = (PROJECT / "django_payflow").rglob("*.py")
    return {
        name for source in sources for name in re.findall(r'checkpoints\.reached\("([^"]+)"\)', source.read_text())
    }


def test_checkpoints__every_point_in_the_code_is_killed_at():
    in_the_matrix = {point.partition(".")[2] for point in POINTS}

    assert in_the_matrix | set(test_processes.KILLED_AT) == points_in_the_code()


def test_checkpoints__where_the_whole_process_group_is_killed_there_is_such_a_point():
    killed_at = {
        *test_kills.IN_THE_WORKER,
        *test_kills.AT_THE_START,
        *test_kills.AT_THE_WEBHOOK,
        *test_kills.AT_THE_RETURN,
    }
    assert killed_at <= points_in_the_code()
