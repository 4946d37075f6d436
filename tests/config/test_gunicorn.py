"""Promise: no request waits while what every process of the server shares is gone through for garbage."""

import gc

from config import gunicorn


def test_what_was_imported_is_left_alone() -> None:
    imported = len(gc.get_objects(generation=2))
    try:
        gunicorn.when_ready(None)
        assert gc.get_freeze_count() > imported / 2
        assert len(gc.get_objects(generation=2)) < imported / 2
    finally:
        gc.unfreeze()
