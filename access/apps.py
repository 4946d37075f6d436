"""App registration."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    """People, secrets and the audit trail."""

    name = "access"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the recurring work."""
        # Importing them registers the sweepers, once models are loaded.
        from access import upkeep  # noqa: F401 - see above
        from access.webhooks import delivery  # noqa: F401 - see above
