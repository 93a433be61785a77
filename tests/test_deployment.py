"""docker-compose.yml, Dockerfile, Procfile and settings agree; no engine is needed to know it."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
ONCE = ("migrate", "store-folder")
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


def test_what_is_published_is_published_on_loopback_alone(compose: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}
    assert published == {"web": ["127.0.0.1:8000:8000"], "sandbox": ["127.0.0.1:8001:8001"]}


def test_every_lasting_service_has_a_health_check_and_restarts(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        if name not in ONCE:
            assert service["healthcheck"]["test"], name
            assert service["restart"] == "unless-stopped", name


def test_no_service_is_root_or_becomes_it_or_writes_beside_its_volumes(compose: dict[str, Any]) -> None:
    final_users = re.findall(r"^USER (\w+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert final_users[-1] == "unitscope"
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        if name == "store-folder":  # gives a folder away, once, without a network
            assert service["network_mode"] == "none"
        else:
            assert "cap_add" not in service, name
            assert "build" in service or service["user"] != "root", name


def test_the_gpu_process_reaches_no_database_and_knows_no_key_of_the_installation(compose: dict[str, Any]) -> None:
    gpu, web = compose["services"]["gpu"], compose["services"]["web"]
    assert compose["services"]["postgres"]["networks"] == ["database"]
    assert "database" not in gpu["networks"]
    known = set(gpu["environment"])
    assert known < set(web["environment"])
    secret = {"SECRET_KEY", "PSEUDONYM_KEY", "DATABASE_URL", "OWN_ACCESS_KEY_ID", "OWN_SECRET_ACCESS_KEY"}
    assert not known & secret
    filled = set(re.findall(r"\$\{(\w+)", str(gpu["environment"])))
    assert filled == {"VALKEY_PASSWORD", "S3_ACCESS_KEY", "S3_SECRET_KEY"}


def test_only_what_serves_or_fetches_reaches_the_outside(compose: dict[str, Any]) -> None:
    assert [name for name, facts in compose["networks"].items() if not (facts or {}).get("internal")] == ["outside"]
    outside = {name for name, service in compose["services"].items() if "outside" in service.get("networks", [])}
    assert outside == set(PROCESSES)


@pytest.mark.parametrize("part", ["web", "gpu"])
def test_an_image_gets_the_locked_packages_by_hash(part: str) -> None:
    whole, mine = (read_lock(ROOT / name) for name in ("requirements.lock", f"requirements.{part}.lock"))
    assert {name: lines for name, lines in mine.items() if whole.get(name) != lines} == {}
    assert all("--hash=sha256:" in lines for lines in mine.values())
    stage = (ROOT / "Dockerfile").read_text().split("FROM web AS gpu")[part == "gpu"]
    assert re.findall(r"pip install .*", stage) == [
        f"pip install --no-cache-dir --no-deps --require-hashes -r requirements.{part}.lock"
    ]


def read_lock(path: Path) -> dict[str, str]:
    """Each package's version and hashes, by name."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    found = re.findall(r"^([\w.\[\]-]+)==(.*(?:\n {4}.*)*)", "\n".join(lines), re.MULTILINE)
    return {name.partition("[")[0]: rest for name, rest in found}


def test_images_are_pinned_or_built_from_a_stage_of_the_dockerfile(compose: dict[str, Any]) -> None:
    stages = re.findall(r"^FROM \S+ AS (\w+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    for name, service in compose["services"].items():
        if "build" in service:
            assert service["build"]["target"] in stages, name
        else:
            image, _, tag = service["image"].rpartition(":")
            assert image, name
            assert re.match(r"\d+\.\d+", tag), name


def test_every_variable_that_compose_sets_is_read_somewhere(compose: dict[str, Any]) -> None:
    sources = (
        " ".join(path.read_text() for folder in ("annotator", "workers") for path in (ROOT / folder).rglob("*.py"))
        + (ROOT / "Procfile").read_text()
    )
    standard = {"HOME", "AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"}
    unread = [name for name in compose["x-environment"] if name not in sources and name not in standard]
    assert unread == []


def test_the_gpu_process_gets_torch_and_the_web_does_not() -> None:
    web, gpu = (read_lock(ROOT / f"requirements.{part}.lock") for part in ("web", "gpu"))
    assert "torch" in gpu
    assert "torch" not in web
