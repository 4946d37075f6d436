"""Settings of a real web server that serves the probe API."""

from config.settings import *  # noqa: F403 - the same settings but for the addresses

ROOT_URLCONF = "tests.access.probe"
