"""The deployment file: every queue has a worker, roles are apart, and nothing of the demo reaches production."""

import re
from typing import Any

import pytest
import yaml

from config.bootstrap import ROOT
from config.celery import QUEUES


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose["services"]
    return found


def test_each_queue_has_one_worker(services: dict[str, dict[str, Any]]) -> None:
    consumed = [
        service["command"][service["command"].index("--queues") + 1]
        for service in services.values()
        if "--queues" in service.get("command", [])
    ]
    assert sorted(consumed) == sorted(QUEUES)


def test_one_image_runs_everything_of_ours(services: dict[str, dict[str, Any]]) -> None:
    ours = {name for name, service in services.items() if service["image"].startswith("${IMAGE")}
    assert ours == {"migrate", "web", "beat", "simulator", *(f"worker-{queue}" for queue in QUEUES)}
    assert all(services[name]["read_only"] and services[name]["cap_drop"] == ["ALL"] for name in ours)


def test_only_the_migration_knows_the_owner(services: dict[str, dict[str, Any]]) -> None:
    knowing = {name for name, service in services.items() if "DATABASE_OWNER_URL" in service.get("environment", {})}
    assert knowing == {"migrate"}
    assert all(
        service["environment"]["DATABASE_URL"].startswith("postgresql://jeongsan_app:")
        for service in services.values()
        if "DATABASE_URL" in service.get("environment", {})
    )


def test_servers_and_their_data(services: dict[str, dict[str, Any]]) -> None:
    assert services["postgres"]["image"] == "postgres:18"
    # From version 18 on the image keeps its data one folder higher, and refuses to start with the older mount.
    assert services["postgres"]["volumes"] == ["postgres:/var/lib/postgresql"]
    assert "--builtin-locale=C.UTF-8" in services["postgres"]["environment"]["POSTGRES_INITDB_ARGS"]
    assert services["valkey"]["image"] == "valkey/valkey:9"
    assert "noeviction" in services["valkey"]["command"]


def test_the_simulator_comes_only_when_called(services: dict[str, dict[str, Any]]) -> None:
    assert services["simulator"]["profiles"] == ["simulator"]
    assert all("profiles" not in service for name, service in services.items() if name != "simulator")


def test_a_worker_has_time_to_end_a_call_to_the_bank(services: dict[str, dict[str, Any]]) -> None:
    longest_call, grace = 65, int(services["worker-bank"]["stop_grace_period"].removesuffix("s"))
    assert grace > longest_call


def test_no_secret_has_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    used = dict(re.findall(r"\$\{([A-Z_]+)(:[-?])", text))
    secret = {name for name in used if re.search("PASSWORD|SECRET|KEY", name)}
    assert secret
    assert all(used[name] == ":?" for name in secret)


def test_the_image_is_made_of_the_smallest_lock() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert re.findall(r"requirements/(\w+)\.txt", text) == ["run"]
    assert "USER jeongsan" in text
