"""The contract that every provider keeps, as a pytest suite. It needs pytest and pytest-django.

    from django_payflow.testing.contract import ProviderContract

    class TestMyBank(ProviderContract):
        @pytest.fixture
        def stage(self, my_bank_simulator):
            return MyBankStage(my_bank_simulator)

A ``Stage`` says what the provider can do and plays buyer, bank and network; see ``stage``. What the provider lacks is
declared in ``Stage.cannot`` with a reason, and the scenarios that need it are skipped with that reason. A scenario is
a test whose name is a sentence; some are played with several values. Those that wait in real time carry
``pytest.mark.slow``: register that mark. The project under test includes ``django_payflow.urls``.

The groups can be inherited alone: ``AdapterContract`` needs no database, and each subject has a class of its own.
"""

from __future__ import annotations

import pytest

_GROUPS = (
    "aftercare base capturing creating declaring deliveries desk disputing doubting finding hiding journeys notices "
    "reading recovering refunding reserving shop simulated stage troubles wire"
)
# Before they are imported: a failing assertion then shows its values, as in a test file.
pytest.register_assert_rewrite(*(f"{__name__}.{group}" for group in _GROUPS.split()))

from .aftercare import Aftercare  # noqa: E402
from .base import Contract, declared_skips, needs, scenarios  # noqa: E402
from .capturing import Capturing  # noqa: E402
from .creating import Creating  # noqa: E402
from .declaring import Declaring  # noqa: E402
from .deliveries import Deliveries  # noqa: E402
from .desk import Desk  # noqa: E402
from .disputing import Disputing  # noqa: E402
from .doubting import Doubting  # noqa: E402
from .finding import Ending, Finding  # noqa: E402
from .hiding import Hiding  # noqa: E402
from .journeys import Journeys  # noqa: E402
from .notices import Notices  # noqa: E402
from .reading import Reading  # noqa: E402
from .recovering import LostCreate, TroubledAsking  # noqa: E402
from .refunding import Refunding  # noqa: E402
from .reserving import Reserving  # noqa: E402
from .shop import Shop  # noqa: E402
from .stage import Act, Asked, Call, Forgery, Stage, Trait, Trouble  # noqa: E402
from .troubles import CreateInTrouble, RetrieveInTrouble  # noqa: E402

__all__ = [
    "Act",
    "AdapterContract",
    "Aftercare",
    "Asked",
    "Call",
    "Capturing",
    "Contract",
    "CreateInTrouble",
    "Creating",
    "Declaring",
    "Deliveries",
    "Desk",
    "Disputing",
    "Doubting",
    "Ending",
    "Finding",
    "FlowContract",
    "Forgery",
    "Hiding",
    "Journeys",
    "LostCreate",
    "Notices",
    "ProviderContract",
    "Reading",
    "Refunding",
    "Reserving",
    "RetrieveInTrouble",
    "Shop",
    "Stage",
    "Trait",
    "Trouble",
    "TroubledAsking",
    "declared_skips",
    "needs",
    "scenarios",
]


class AdapterContract(
    Declaring,
    Creating,
    Reading,
    Finding,
    Ending,
    Capturing,
    Refunding,
    Disputing,
    CreateInTrouble,
    RetrieveInTrouble,
    Notices,
):
    """What the adapter alone must do, against its simulator."""


class FlowContract(Journeys, Reserving, Aftercare, Deliveries, LostCreate, TroubledAsking, Doubting, Hiding):
    """What comes of it in a shop, with the database."""


class ProviderContract(AdapterContract, FlowContract):
    """Everything."""
