"""The public test kit: run a shop's tests against the simulators, offline.

    from django_payflow.testing import Simulators

    @pytest.fixture(scope="session")
    def simulators():
        with Simulators() as running:
            yield running

Point the account's ``base_url`` at ``running.base_url("mollie")`` and call ``running.reset()`` between tests.
"""

from .simulators import Delivery, Simulators, deliver

__all__ = ["Delivery", "Simulators", "deliver"]
