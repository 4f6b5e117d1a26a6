"""The Django app."""

from django.apps import AppConfig
from django.conf import settings


class PayflowConfig(AppConfig):
    """Add ``"django_payflow"`` to ``INSTALLED_APPS``."""

    name = "django_payflow"
    label = "payflow"
    verbose_name = "Payments"
    default_auto_field = "django.db.models.BigAutoField"

    def import_models(self) -> None:
        """Fill in the default of the one top-level setting before any model reads it.

        Django's ``makemigrations`` reads a swappable setting by name and without a default; a shop that keeps our
        order model, and has a foreign key to it, must not need to write the setting down for that.
        """
        from .conf import DEFAULT_ORDER_MODEL

        if not hasattr(settings, "PAYFLOW_ORDER_MODEL"):
            settings.PAYFLOW_ORDER_MODEL = DEFAULT_ORDER_MODEL
        super().import_models()

    def ready(self) -> None:
        """Register the system checks; arm a checkpoint if a test asked for one."""
        from . import checkpoints, checks  # noqa: F401  (checks register themselves)

        checkpoints.arm_from_environment()
