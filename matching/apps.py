"""App registration of matching."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MatchingConfig(AppConfig):
    """Vendor invoices against orders and receipts."""

    name = "matching"
    verbose_name = _("송장 매칭")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register sweepers, job handlers and what the pages show."""
        import_module("matching.background")
        import_module("matching.navigation").register()
