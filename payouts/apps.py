"""App registration of payouts."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PayoutsConfig(AppConfig):
    """Sending what partners are owed, once, and only what another person approved."""

    name = "payouts"
    verbose_name = _("지급")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register background work, the look-ups of accounts and businesses, and what pages show."""
        import_module("payouts.background")
        holders = import_module("payouts.holders")
        lookups = import_module("settlement.lookups")
        lookups.register(holders.account_holder)
        lookups.register_company(holders.business)
        import_module("payouts.navigation").register()
