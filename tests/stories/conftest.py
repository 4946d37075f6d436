"""One demo for each story: started as a stranger starts it, ended politely."""

import shutil
import signal
from collections.abc import Iterator

import pytest

from config.launcher import Demo, Options
from tests.demo import RunningDemo
from tests.stories.site import Site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("stranger") / "data"
    try:
        demo = RunningDemo(folder, "--rows", "600", "--no-faults")
        try:
            yield Site(demo.wait_until_ready())
        finally:
            if demo.process.poll() is None:
                demo.end(signal.SIGTERM)
    finally:
        data = Demo(Options(folder=folder)).postgres_data
        for path in (data, data.with_name(f"{data.name}-socket")):
            shutil.rmtree(path, ignore_errors=True)
