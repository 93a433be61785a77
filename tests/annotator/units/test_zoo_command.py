"""`manage.py zoo` as a researcher runs it: the table, weights over loopback, and a dissection of the random network."""

import hashlib
import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from numpy.random import default_rng
from pytest_django import Settings

from annotator.units.management.commands import zoo as command
from annotator.units.models import Dissection
from tests.workers.engine import making
from tests.workers.engine.networks.weights_server import Server, server
from workers.engine.networks import zoo

__all__ = ["server"]
DATA = bytes(range(256)) * 1000


def run(*arguments: str) -> str:
    output = io.StringIO()
    call_command("zoo", *arguments, stdout=output)
    return output.getvalue()


@pytest.fixture
def stated(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> zoo.ZooRow:
    """A table of one network, whose weights the server has; the cache is empty."""
    server.files["/a.pt"] = DATA
    row = zoo.ZooRow(
        name="made", trained_on="nothing", layers=("features.0",), architecture="torchvision:alexnet",
        address=f"http://127.0.0.1:{server.server_address[1]}/a.pt",
        sha256_starts=hashlib.sha256(DATA).hexdigest()[:8],
    )  # fmt: skip
    monkeypatch.setenv("UNITSCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(zoo, "read_zoo", lambda: {"made": row})
    monkeypatch.setattr(command, "read_zoo", lambda: {"made": row})
    return row


def test_the_table_is_listed_with_what_is_here() -> None:
    rows = {row["name"]: row for row in json.loads(run("list", "--json"))}
    assert len(rows) == 27
    assert rows["alexnet-random"]["weights"] == "drawn by a seed"
    assert rows["alexnet-places205"]["weights"] == "convert first"
    assert "alexnet-context" in run("list")


def test_weights_are_fetched_resumed_and_verified(stated: zoo.ZooRow, server: Server, tmp_path: Path) -> None:
    assert "not fetched" in run("list")
    server.cut = 100_000
    with pytest.raises(CommandError, match="try again") as interrupted:
        run("fetch", "made")
    assert interrupted.value.returncode == 2
    said = run("fetch", "made")
    assert "(verified)" in said
    assert hashlib.sha256(DATA).hexdigest() in said
    assert server.asked == [None, "bytes=100000-"]
    assert (tmp_path / "cache" / "zoo" / "made.pt").read_bytes() == DATA
    assert " here " in run("list")


def test_a_wrong_digest_and_an_unknown_name_are_refused(stated: zoo.ZooRow, server: Server, tmp_path: Path) -> None:
    server.files["/a.pt"] = b"other bytes"
    with pytest.raises(CommandError, match="publisher states"):
        run("fetch", "made")
    assert list((tmp_path / "cache" / "zoo").iterdir()) == []
    with pytest.raises(CommandError, match="no network 'other' in the table; it has made"):
        run("fetch", "other")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_random_network_is_dissected(tmp_path: Path, settings: Settings) -> None:
    settings.ARTIFACT_ROOT = f"file://{tmp_path}/artifacts"
    making.make_broden(tmp_path / "set", rng=default_rng(3), n_images=4)
    facts = json.loads(
        run("dissect", "alexnet-random", "--images", str(tmp_path / "set"), "--layer", "features.2", "--json")
    )
    assert facts["n_units"] == 64
    assert facts["network"] == "alexnet-random"
    assert Dissection.objects.get(id=facts["id"]).network.architecture == "zoo:alexnet-random"
