"""The application that holds the commands of the runtime, the demo and the tests."""

from importlib import import_module

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Has commands and no tables."""

    name = "config"

    def ready(self) -> None:
        """Make the Celery application the one that tasks of every package are sent through."""
        import_module("config.celery")
