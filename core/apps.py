"""App registration of the floor."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Jobs and the small things everything else stands on."""

    name = "core"
    default_auto_field = "django.db.models.BigAutoField"
