"""A study from its plan to its report: drawn, priced, asked once per wording, answered, reported, and rebuilt."""

import csv
import json
import re
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from annotator.accounts.models import Role
from annotator.crowd.campaigns.deleting import CannotDelete, delete_unpublished
from annotator.crowd.models import Answer, Assignment, Campaign, Worker
from annotator.studies.models import Study
from annotator.studies.tasks import compute
from annotator.units.managing import CannotChange, delete_dissection
from annotator.units.models import Dissection
from tests.annotator.crowd.making import NOW
from tests.annotator.dashboard.making import make_person
from tests.annotator.studies.making import HELD, N_UNITS, VECTORS, answer, plan, run

pytestmark = pytest.mark.django_db


def test_a_study_ranks_the_methods_and_its_report_is_rebuilt_from_its_bundle(
    dissection: Dissection, tmp_path: Path, client: Client
) -> None:
    assert "Nothing is asked yet" in plan(dissection, tmp_path, "--seed", "4")
    study = Study.objects.get()
    assert "Nobody has answered yet" in run("status", "birds")
    assert "launch birds-round1" in run("launch", "birds")
    campaign = Campaign.objects.get()
    assert (campaign.state, campaign.budget_cap_usd) == ("quoted", study.rounds.get().campaign.budget_cap_usd)
    shown = {(unit, *texts) for unit, texts in campaign.hits.values_list("hit_units__unit", "hit_units__texts")}
    assert len(shown) == 2 * N_UNITS - 1  # of unit 0 both methods say the same
    page = json.dumps(list(campaign.hits.values("hit_units__texts", "hit_units__facts", "hit_units__chosen_because")))
    assert "wrong" not in page
    assert "pixels" not in page
    answer(campaign)

    run("report", "birds", "--out", str(tmp_path / "first"))
    report = json.loads((tmp_path / "first" / "report.json").read_text())
    rho = {row["method"]: row["rho"] for row in report["methods"]}
    truth = np.mean([np.corrcoef(VECTORS[:, u].astype(float), HELD[:, u])[0, 1] for u in range(N_UNITS)])
    assert rho["labeled pixels"]["low"] <= truth <= rho["labeled pixels"]["high"]
    assert rho["wrong"]["value"] < rho["labeled pixels"]["low"]
    assert report["departures"] == ["Ratings are by simulated people."]
    rows = list(csv.DictReader(StringIO((tmp_path / "first" / "ratings.csv").read_text())))
    assert len(rows) == report["n_ratings"]
    assert all(0 < float(row["q"]) < 1 for row in rows)
    assert "labeled pixels & " in (tmp_path / "first" / "methods.tex").read_text()
    page = (tmp_path / "first" / "report.html").read_text()
    assert "labeled pixels" in page
    assert "http" not in page

    compute(study.pk)
    client.force_login(make_person(Role.VIEWER))
    assert "round 1 of 1" in client.get("/studies/").content.decode()
    shown = client.get("/studies/birds/").content.decode()
    assert f"{rho['wrong']['value']:.3f} [" in shown
    assert "Methods against each other, by correlation" in shown
    assert "Ratings are by simulated people." in client.get("/studies/birds/results").content.decode()

    run("rebuild", str(tmp_path / "first" / "study.json"), "--out", str(tmp_path / "again"))
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


def test_rounds_are_asked_until_the_differences_are_known(dissection: Dissection, tmp_path: Path) -> None:
    plan(dissection, tmp_path, "--rounds", "3", "--stop-width", "1.5")
    run("launch", "birds")
    first = Campaign.objects.get()
    answer(first)
    assert "is decided once the answers of round 1 are all in" in run("status", "birds")
    with pytest.raises(CommandError, match="birds-round1 of the study birds is quoted"):
        run("launch", "birds")
    Campaign.objects.update(state="complete")
    assert "is met" in run("status", "birds")
    with pytest.raises(CommandError, match="stopping rule of the study birds is met"):
        run("launch", "birds")
    Study.objects.update(plan=Study.objects.get().plan | {"stop_width": None})
    run("launch", "birds")
    shown = [set(one.hits.values_list("hit_units__asked_as", flat=True)) for one in Campaign.objects.order_by("pk")]
    assert {key.split(".")[1] for key in shown[0]} == {"0"}
    assert {key.split(".")[1] for key in shown[1]} == {"1"}
    assert "The plan or the draws were changed after they were frozen." in run("status", "birds")


def test_a_rating_counts_for_all_methods_that_say_the_same_and_is_counted_once(
    dissection: Dissection, tmp_path: Path
) -> None:
    plan(dissection, tmp_path)
    run("launch", "birds")
    answer(Campaign.objects.get())
    run("report", "birds", "--out", str(tmp_path / "out"))
    n = sum(len(says["yes"]) + len(says["no"]) for says in Answer.objects.values_list("says", flat=True))
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    rows = list(csv.DictReader(StringIO((tmp_path / "out" / "ratings.csv").read_text())))
    assert report["n_ratings"] == len(rows) == report["cost"][-1]["n_ratings"] == n
    assert "labeled pixels; wrong" in {row["method"] for row in rows if row["unit"] == "0"}
    alike = [row for row in report["pairs"] if row["unit"] == 0]
    assert alike[0]["rho"] == alike[1]["rho"] is not None


def test_a_study_that_asked_nobody_is_deleted_with_its_campaigns(dissection: Dissection, tmp_path: Path) -> None:
    plan(dissection, tmp_path, "--rounds", "2")
    run("launch", "birds")
    Campaign.objects.update(state="running")
    with pytest.raises(CommandError, match="withdraw them"):
        run("delete", "birds")
    assert Study.objects.get().rounds.count() == 1
    Campaign.objects.update(state="quoted")
    assert "birds-round1" in run("delete", "birds")
    assert not Study.objects.exists()
    assert not Campaign.objects.exists()
    plan(dissection, tmp_path)


def test_too_few_and_too_many_answers_are_both_told(dissection: Dissection, tmp_path: Path) -> None:
    plan(dissection, tmp_path)
    run("launch", "birds")
    answer(Campaign.objects.get())
    first, second = Answer.objects.order_by("pk")[0], Answer.objects.order_by("pk").last()
    assert second is not None
    worker = Worker.objects.create(marketplace="own", external_id="W9", pseudonym="person-9", created_at=NOW)
    extra = Assignment.objects.create(
        hit=second.assignment.hit, worker=worker, external_id="A9", state="approved", active_seconds=30
    )
    Answer.objects.create(assignment=extra, hit_unit=second.hit_unit, says=second.says)
    first.delete()
    said = run("status", "birds")
    assert re.search(r"Drawn photographs, not rated by 3 people as planned: \d+ by 2 people, \d+ by 4 people\.", said)


def test_terms_that_the_plan_states_stay(dissection: Dissection, tmp_path: Path) -> None:
    plan(dissection, tmp_path)
    run("launch", "birds")
    for word, value in (("--reward", "0.01"), ("--marketplace", "links"), ("--assignments", "2")):
        with pytest.raises(CommandError, match="frozen plan of the study birds"):
            call_command("campaign", "birds-round1", "edit", word, value)
    assert str(Campaign.objects.get().reward_usd) == "0.06"
    call_command("campaign", "birds-round1", "edit", "--contact", "ada@example.org")


def test_an_image_set_that_changed_is_not_asked_about(dissection: Dissection, tmp_path: Path) -> None:
    plan(dissection, tmp_path)
    image_set = dissection.image_set
    image_set.sha256 = "f" * 64
    image_set.save()
    with pytest.raises(CommandError, match="has changed since the study was planned"):
        run("launch", "birds")
    assert not Campaign.objects.exists()
    assert "has changed since the plan was frozen" in run("status", "birds")


def test_what_a_study_needs_is_not_deleted(dissection: Dissection, tmp_path: Path) -> None:
    plan(dissection, tmp_path)
    with pytest.raises(CannotChange, match="used by the study birds"):
        delete_dissection(dissection)
    run("launch", "birds")
    with pytest.raises(CannotDelete, match="study round birds round 1"):
        delete_unpublished(Campaign.objects.get())
    assert Campaign.objects.get().hits.exists()
    assert dissection.dissected_units.exists()
