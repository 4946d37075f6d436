"""App registration of the ledger."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LedgerConfig(AppConfig):
    """Accounts, journals and entries, guarded by the database itself."""

    name = "ledger"
    verbose_name = _("원장")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register background work, the ledger's pages, and what its accounts and journals are called elsewhere."""
        from ledger import background, navigation  # noqa: F401 - importing registers the background work

        navigation.register()
