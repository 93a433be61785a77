"""A study's bundle: what was changed after it was written is refused, and what nobody could have written."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError

from annotator.crowd.models import Campaign
from annotator.studies.models import Study
from annotator.studies.reading import read_study
from annotator.studies.record import write_record
from annotator.units.models import Dissection
from tests.annotator.studies.making import HELD, VECTORS, answer, plan, run

pytestmark = pytest.mark.django_db


def test_what_the_database_spells_otherwise_changes_no_digest(dissection: Dissection, tmp_path: Path) -> None:
    values = VECTORS.astype(np.float64)
    values[:, 0] = np.where(HELD[:, 0], 3e17, -0.0)
    np.save(tmp_path / "vectors.npy", values)
    plan(dissection, tmp_path)
    assert -0.0 in values
    assert "changed after" not in run("status", "birds")
    run("report", "birds", "--out", str(tmp_path / "out"))
    run("rebuild", str(tmp_path / "out" / "study.json"), "--out", str(tmp_path / "again"))


IMPOSSIBLE: list[tuple[dict[str, Any], str]] = [
    ({"pair": 99}, "no pair 99"),
    ({"image": "none.jpg"}, "was not shown"),
    ({"round": 4}, "no round 4"),
    ({"seconds": -1.0}, "no number of seconds"),
    ({"says_yes": "maybe"}, "true or false"),
]


def test_ratings_that_nobody_gave_are_refused(dissection: Dissection, tmp_path: Path) -> None:
    plan(dissection, tmp_path)
    run("launch", "birds")
    answer(Campaign.objects.get())
    record, bundle = write_record(read_study(Study.objects.get())), tmp_path / "study.json"
    for change, says in IMPOSSIBLE:
        whole = json.loads(record)
        whole["ratings"][0] |= change
        bundle.write_text(json.dumps(whole))
        with pytest.raises(CommandError, match="was changed after it was written"):
            run("rebuild", str(bundle), "--out", str(tmp_path / "again"))
        bundle.write_text(json.dumps(sign(whole)))
        with pytest.raises(CommandError, match=says):
            run("rebuild", str(bundle), "--out", str(tmp_path / "again"))


def sign(whole: dict[str, Any]) -> dict[str, Any]:
    """With the digest of what stands in it now."""
    del whole["sha256_of_all"]
    return whole | {"sha256_of_all": hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()}


@pytest.mark.parametrize(
    "change",
    [{"n_rounds_asked": 2}, {"spent_usd": "0.01"}, {"planned_at": "2020-01-01T00:00:00+00:00"}, {"name": "others"}],
)
def test_nothing_of_a_bundle_can_be_changed(dissection: Dissection, tmp_path: Path, change: dict[str, Any]) -> None:
    plan(dissection, tmp_path)
    bundle = tmp_path / "study.json"
    bundle.write_text(json.dumps(json.loads(write_record(read_study(Study.objects.get()))) | change))
    with pytest.raises(CommandError, match="was changed after it was written"):
        run("rebuild", str(bundle), "--out", str(tmp_path / "again"))


def test_a_bundle_of_version_2_is_read_and_a_name_writes_no_latex(dissection: Dissection, tmp_path: Path) -> None:
    plan(dissection, tmp_path)
    whole = json.loads(write_record(read_study(Study.objects.get())))
    del whole["sha256_of_all"]
    whole |= {"version": 2, "ratings_sha256": hashlib.sha256(b"[]").hexdigest()}
    bundle = tmp_path / "study.json"
    bundle.write_text(json.dumps(whole))
    run("rebuild", str(bundle), "--out", str(tmp_path / "again"))
    bundle.write_text(json.dumps(whole | {"name": "birds\n\\input{secret}"}))
    with pytest.raises(CommandError, match=r"is not the bundle of a study.*name"):
        run("rebuild", str(bundle), "--out", str(tmp_path / "other"))


def test_a_bundle_that_was_changed_is_refused(dissection: Dissection, tmp_path: Path) -> None:
    plan(dissection, tmp_path)
    run("report", "birds", "--out", str(tmp_path / "out"))
    bundle = tmp_path / "out" / "study.json"
    whole = json.loads(bundle.read_text())
    whole["pairs"][0]["draws"]["q"][0] *= 2
    bundle.write_text(json.dumps(whole))
    with pytest.raises(CommandError, match="was changed"):
        run("rebuild", str(bundle), "--out", str(tmp_path / "again"))
    bundle.write_text(json.dumps(whole | {"version": 1}))
    with pytest.raises(CommandError, match="Write the report again with `study report` where the study is"):
        run("rebuild", str(bundle), "--out", str(tmp_path / "again"))
    bundle.write_text("{}")
    with pytest.raises(CommandError, match="is not the bundle of a study"):
        run("rebuild", str(bundle), "--out", str(tmp_path / "again"))
    assert not (tmp_path / "again").exists()
