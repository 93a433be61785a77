"""docker-compose.yml, Dockerfile, Procfile and settings agree; no engine is needed to know it."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import Client

ROOT = Path(__file__).parent.parent
PROCESSES = ["web", "sandbox", "web-queue", "gpu"]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


def procfile() -> dict[str, str]:
    lines = (ROOT / "Procfile").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines if line)


def fill(command: str, values: dict[str, str]) -> str:
    return re.sub(r"\$\{(\w+)\}", lambda match: values[match[1]], command)


@pytest.mark.parametrize("name", PROCESSES)
def test_each_process_runs_the_procfile_command(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    assert shlex.split(service["command"]) == shlex.split(fill(procfile()[name], service["environment"]))


def test_procfile_and_compose_name_the_same_processes(compose: dict[str, Any]) -> None:
    assert list(procfile()) == PROCESSES
    assert set(PROCESSES) < set(compose["services"])


def test_only_the_web_publishes_a_port(compose: dict[str, Any]) -> None:
    assert {name for name, service in compose["services"].items() if "ports" in service} == {"web"}
    assert compose["services"]["web"]["ports"] == ["8000:8000"]


def test_every_lasting_service_has_a_health_check_and_restarts(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        if name != "migrate":
            assert service["healthcheck"]["test"], name
            assert service["restart"] == "unless-stopped", name


def test_images_are_pinned_or_built_from_a_stage_of_the_dockerfile(compose: dict[str, Any]) -> None:
    stages = re.findall(r"^FROM \S+ AS (\w+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    for name, service in compose["services"].items():
        if "build" in service:
            assert service["build"]["target"] in stages, name
        else:
            image, _, tag = service["image"].rpartition(":")
            assert image, name
            assert re.match(r"\d", tag), name


def test_every_variable_that_compose_sets_is_read_somewhere(compose: dict[str, Any]) -> None:
    sources = (
        " ".join(path.read_text() for folder in ("annotator", "workers") for path in (ROOT / folder).rglob("*.py"))
        + (ROOT / "Procfile").read_text()
    )
    standard = {"AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"}
    unread = [name for name in compose["x-environment"] if name not in sources and name not in standard]
    assert unread == []


def test_the_gpu_process_gets_torch_and_the_web_does_not() -> None:
    web, gpu = (ROOT / "Dockerfile").read_text().split("FROM web AS gpu")
    assert "--extra engine" not in web
    assert "--extra engine" in gpu


def test_the_operators_page_names_settings_that_are_read() -> None:
    page = (ROOT / "docs" / "operators.md").read_text()
    named = set(re.findall(r"^ {3}([A-Z][A-Z_]+)=", page, re.MULTILINE))
    known = (ROOT / "docs" / "settings.md").read_text() + (ROOT / "Procfile").read_text()
    assert {"SECRET_KEY", "WEB_BIND"} < named
    assert {name for name in named if not re.search(rf"\b{name}\b", known)} == set()


def test_another_host_is_refused_without_a_traceback(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    assert client.get("/sign-in/", headers={"host": "scanned.example"}).status_code == 400
    assert caplog.records == []
