"""What the web server loads."""

import os
from importlib import import_module

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Read while the settings are imported below.
os.environ.setdefault("STATEMENT_TIMEOUT", "30")
os.environ.setdefault("KEEP_CONNECTIONS", "1")

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
# All pages are imported here, before the server forks, and not during the first request of each process.
import_module("config.urls")
