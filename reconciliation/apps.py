"""App registration of reconciliation."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ReconciliationConfig(AppConfig):
    """Files of vendors, payment providers and banks, read and held against our own records."""

    name = "reconciliation"
    verbose_name = _("대사")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register job handlers and what other pages show."""
        import_module("reconciliation.background")
        import_module("reconciliation.navigation").register()
