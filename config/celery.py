"""The Celery application: queues, and children that end with their parent."""

import gc
import os
import signal
from typing import Any

from celery import Celery, signals

from config.processes import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# A worker of all queues is started with --queues and these; production has workers per queue.
QUEUES = ("bank", "files", "exports", "webhooks", "default")

app = Celery("jeongsan")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.setup_logging.connect
def _keep_our_logs(**_arguments: Any) -> None:
    """Celery leaves logging alone when somebody listens here; ours is set up with the settings."""


@signals.worker_init.connect
def _remember_the_worker(**_arguments: Any) -> None:
    end_with_the_worker = die_with_parent(signal.SIGKILL)
    if end_with_the_worker:
        # Without this, a killed worker leaves its pool and its beat behind.
        for started in (signals.worker_process_init, signals.beat_embedded_init):
            started.connect(lambda **_arguments: end_with_the_worker(), weak=False)


@signals.worker_process_init.connect
def _keep_what_is_loaded(**_arguments: Any) -> None:
    """Code and models are there until the process ends: the collector need not look through them again and again."""
    gc.freeze()
