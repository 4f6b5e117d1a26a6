"""Every named point of the story has its kill."""

from __future__ import annotations

import re

from tests.services import test_kills
from tests.services.harness import PROJECT


def test_checkpoints__every_point_in_the_code_is_killed_at():
    sources = (PROJECT / "django_payflow").rglob("*.py")
    in_the_code = {
        name for source in sources for name in re.findall(r'checkpoints\.reached\("([^"]+)"\)', source.read_text())
    }

    killed_at = {
        *test_kills.IN_THE_WORKER,
        *test_kills.AT_THE_START,
        *test_kills.AT_THE_WEBHOOK,
        *test_kills.AT_THE_RETURN,
    }
    assert killed_at == in_the_code
