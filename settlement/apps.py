"""App registration of settlement."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SettlementConfig(AppConfig):
    """What each partner is owed, when, and why it is that much."""

    name = "settlement"
    verbose_name = _("정산")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register sweepers, job handlers and what the pages show."""
        import_module("settlement.background")
        import_module("settlement.navigation").register()
