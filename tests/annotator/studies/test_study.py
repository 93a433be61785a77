"""A study from its plan to its report: drawn, priced, asked once per wording, answered, reported, and rebuilt."""

import csv
import hashlib
import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from annotator.accounts.models import Role
from annotator.crowd.campaigns.deleting import CannotDelete, delete_unpublished
from annotator.crowd.models import Answer, Assignment, Campaign, Worker
from annotator.descriptions.models import Description, Method
from annotator.studies import scores
from annotator.studies.models import Study
from annotator.studies.planning import describe_asked, find_active
from annotator.studies.reading import read_study
from annotator.studies.record import write_record
from annotator.studies.tasks import compute
from annotator.units.managing import CannotChange, delete_dissection
from annotator.units.models import Dissection, Image
from tests.annotator.crowd.making import NOW, draw_photographs, keep_vectors, make_dissection
from tests.annotator.dashboard.making import make_person
from workers.engine import resampling

pytestmark = pytest.mark.django_db
N_IMAGES, N_UNITS = 100, 6
GENERATOR = np.random.default_rng(11)
HELD = GENERATOR.random((N_IMAGES, N_UNITS)) < 0.3
VECTORS = (GENERATOR.normal(size=(N_IMAGES, N_UNITS)) + 4 * HELD).astype(np.float16)


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scores, "N_RESAMPLES", 60)
    monkeypatch.setattr(resampling, "N_PERMUTATIONS", 99)


@pytest.fixture
def dissection(tmp_path: Path, settings: Settings) -> Dissection:
    settings.ARTIFACT_ROOT = f"file://{tmp_path / 'store'}"
    (tmp_path / "images").mkdir()
    made = make_dissection(tmp_path / "images", n_units=N_UNITS, n_top=2, n_low=1)
    draw_photographs(made)
    np.save(tmp_path / "vectors.npy", VECTORS)
    return made


def run(*words: str) -> str:
    out = StringIO()
    call_command("study", *words, stdout=out)
    return out.getvalue()


def write_csv(path: Path, texts: dict[int, str]) -> Path:
    path.write_text("layer,unit,phrase\n" + "".join(f"features.3,{unit},{text}\n" for unit, text in texts.items()))
    return path


def plan(dissection: Dissection, folder: Path, *words: str) -> str:
    """Labeled pixels say the truth here; a file says another unit's truth, and of unit 0 the same as the pixels."""
    wrong = {unit: f"gadget {(unit + 1) % N_UNITS}" for unit in range(1, N_UNITS)} | {0: "gadget 0"}
    return run(
        "plan", "birds", "--dissection", str(dissection.pk), "--unit", f"features.3:0-{N_UNITS - 1}",
        "--method", "labeled pixels", "--file", f"wrong={write_csv(folder / 'wrong.csv', wrong)}",
        "--activations", f"features.3={folder / 'vectors.npy'}", "--concepts", "none", "--images", "60", *words,
    )  # fmt: skip


def answer(campaign: Campaign, *, error: float = 0.05) -> None:
    """Three people say what is so, and err."""
    generator = np.random.default_rng(3)
    workers = [
        Worker.objects.get_or_create(
            marketplace="own", external_id=f"W{i}",
            defaults={"pseudonym": f"person-{i}", "is_simulated": True, "created_at": NOW},
        )[0]
        for i in range(3)
    ]  # fmt: skip
    for hit in campaign.hits.order_by("pk"):
        unit = hit.hit_units.get()
        column = HELD[:, int(unit.texts[0].split()[-1])]
        for worker in workers:
            said: dict[str, list[int]] = {"yes": [], "no": []}
            for image in unit.images.order_by("number"):
                assert image.image is not None
                is_yes = bool(column[image.image.index]) ^ bool(generator.random() < error)
                said["yes" if is_yes else "no"].append(image.number)
            assignment = Assignment.objects.create(
                hit=hit, worker=worker, external_id=f"A{hit.pk}-{worker.pk}", state="approved", active_seconds=30
            )
            Answer.objects.create(assignment=assignment, hit_unit=unit, says=said)


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


def test_what_the_database_spells_otherwise_changes_no_digest(dissection: Dissection, tmp_path: Path) -> None:
    values = VECTORS.astype(np.float64)
    values[:, 0] = np.where(HELD[:, 0], 3e17, -0.0)
    np.save(tmp_path / "vectors.npy", values)
    plan(dissection, tmp_path)
    assert -0.0 in values
    assert "changed after" not in run("status", "birds")
    run("report", "birds", "--out", str(tmp_path / "out"))
    run("rebuild", str(tmp_path / "out" / "study.json"), "--out", str(tmp_path / "again"))


def test_a_sparse_unit_is_active_where_it_is_above_its_minimum() -> None:
    sparse = np.zeros(100)
    sparse[[7, 50]] = 1.0, 2.0
    assert np.flatnonzero(find_active(sparse, share=0.05)).tolist() == [7, 50]
    sparse[40:60] = 1.0
    assert np.flatnonzero(find_active(sparse, share=0.05)).tolist() == [7, 40, 41, 42, 43]
    assert not find_active(np.ones(3), share=0.05).any()


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


def test_gold_images_are_asked_in_the_order_of_the_plan(dissection: Dissection, tmp_path: Path) -> None:
    """JSONB sorts the keys of an object by length, and then by bytes."""
    gold = [["100.jpg", True], ["9.jpg", False], ["20.jpg", True]]
    plan(dissection, tmp_path)
    pair = Study.objects.get().pairs.first()
    assert pair is not None
    pair.gold = gold
    pair.save()
    assert [list(one) for one in describe_asked(Study.objects.get())[0].gold] == gold


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


def test_an_image_set_that_changed_is_not_asked_about(dissection: Dissection, tmp_path: Path) -> None:
    plan(dissection, tmp_path)
    image_set = dissection.image_set
    image_set.sha256 = "f" * 64
    image_set.save()
    with pytest.raises(CommandError, match="has changed since the study was planned"):
        run("launch", "birds")
    assert not Campaign.objects.exists()
    assert "has changed since the plan was frozen" in run("status", "birds")


def test_imported_methods_are_asked_about(dissection: Dissection, tmp_path: Path) -> None:
    method = Method.objects.create(name="CLIP-Dissect", created_at=NOW)
    unit = dissection.dissected_units.earliest("pk").unit
    Description.objects.create(unit=unit, method=method, text="a red thing", source="a" * 64, imported_at=NOW)
    plan(dissection, tmp_path, "--method", "CLIP-Dissect")
    assert Study.objects.get().pairs.filter(method="CLIP-Dissect").get().text == "a red thing"


BAD_PLANS: list[tuple[list[str], str]] = [
    (["--rule", "majority"], "ruins importance sampling"),
    (["--gamma", "0"], "gamma is above 0"),
    (["--images", "0"], "number of draws"),
    (["--raters", "0"], "number of raters"),
    (["--error", "0.5"], "error of a vote"),
    (["--active-share", "1"], "active images"),
    (["--stop-width", "0"], "stops is above 0"),
    (["--stop-width", "nan"], "stops is above 0"),
    (["--seed", "-1"], "seed is 0 or more"),
    (["--reward", "cheap"], "not an amount"),
    (["--reward", "1e400"], "not an amount"),
    (["--reward", "1e20"], "too much"),
    (["--reward", "999999"], "less than .1,000,000 in all"),
    (["--file", "labeled pixels=two.csv"], "computed here"),
    (["--file", "People=two.csv"], "computed here"),
    (["--file", "one\ntwo=two.csv"], "no page can show"),
    (["--file", " =two.csv"], "is not NAME=FILE"),
    (["--file", "m=ghost.csv"], "line 2, column unit: features.3 has 6 units.*no unit 99"),
    (["--file", "m=typo.csv"], "line 2, column layer: 'features.33', and no row is about features.3"),
    (["--file", "m=nul.csv"], "no page can show"),
    (["--file", f"{'m' * 90}=two.csv"], "at most 80 characters"),
    (["--file", "doubled=doubled.csv"], "features.3.*2 rows, as 'dog' and 'cat'"),
    (["--file", "marked=marked.csv"], "column phrase: '<b>dog</b>' holds HTML"),
    (["--method", "Nobody"], "says nothing"),
    (["--method", "people"], "says nothing"),
    (["--activations", "features.3=none.npy"], "not a .npy file"),
    (["--activations", "features.3"], "is not NAME=FILE"),
    (["--concepts", "labels"], "has no labels"),
    (["--unit", "features.3:77"], "no unit features.3:77"),
    (["--file", "wrong=none.csv"], "named twice"),
    (["--file", "more=none.csv"], "cannot be read"),
    (["--reward", "0"], "Round 1, the campaign birds-round1, could not be launched"),
]


def test_a_plan_that_cannot_be_is_refused_and_nothing_is_kept(
    dissection: Dissection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = {
        "two": "0,dog",
        "doubled": "0,dog\nfeatures.3,0,cat",
        "marked": "0,<b>dog</b>",
        "ghost": "99,dog",
        "nul": "0,d\0g",
    }
    (tmp_path / "typo.csv").write_text("layer,unit,phrase\nfeatures.33,0,dog\n")
    for name, row in rows.items():
        (tmp_path / f"{name}.csv").write_text(f"layer,unit,phrase\nfeatures.3,{row}\n")
    monkeypatch.chdir(tmp_path)
    for words, says in BAD_PLANS:
        with pytest.raises(CommandError, match=says):
            plan(dissection, tmp_path, *words)
        assert not Study.objects.exists(), words


def test_a_study_whose_campaigns_could_not_be_is_refused_when_it_is_planned(
    dissection: Dissection, tmp_path: Path
) -> None:
    Campaign.objects.create(
        name="birds-round2", n_assignments=1, reward_usd=0, budget_cap_usd=0, seed=0, created_at=NOW
    )
    with pytest.raises(CommandError, match=r"birds-round2.*could not be launched.*already"):
        plan(dissection, tmp_path, "--rounds", "2")
    words = ["--dissection", str(dissection.pk), "--unit", "features.3:0", "--method", "labeled pixels"]
    vectors = ["--activations", f"features.3={tmp_path / 'vectors.npy'}", "--concepts", "none"]
    with pytest.raises(CommandError, match="81 characters"):
        run("plan", "b" * 74, *words, *vectors)
    assert not Study.objects.exists()


def test_what_a_study_needs_is_not_deleted(dissection: Dissection, tmp_path: Path) -> None:
    plan(dissection, tmp_path)
    with pytest.raises(CannotChange, match="used by the study birds"):
        delete_dissection(dissection)
    run("launch", "birds")
    with pytest.raises(CannotDelete, match="study round birds round 1"):
        delete_unpublished(Campaign.objects.get())
    assert Campaign.objects.get().hits.exists()
    assert dissection.dissected_units.exists()


def test_activations_of_another_image_set_are_refused(dissection: Dissection, tmp_path: Path) -> None:
    for shape, says in (((99, 6), r"\(100, units\)"), ((100, 3), "unit 3"), ((100,), "shape")):
        np.save(tmp_path / "vectors.npy", np.zeros(shape))
        with pytest.raises(CommandError, match=says):
            plan(dissection, tmp_path)
    np.save(tmp_path / "vectors.npy", np.full((100, 6), np.nan))
    with pytest.raises(CommandError, match="not a finite number"):
        plan(dissection, tmp_path)


def test_activations_that_the_dissection_kept_need_no_file(dissection: Dissection, tmp_path: Path) -> None:
    """One image of the set was not read, so that the vectors have no row of it."""
    lost = 17
    Image.objects.filter(image_set=dissection.image_set, index=lost).update(quarantine_reason="broken")
    words = ["birds", "--dissection", str(dissection.pk), "--unit", "features.3:0-1", "--method", "labeled pixels",
             "--concepts", "none"]  # fmt: skip
    with pytest.raises(CommandError, match="again with --activation-vectors"):
        run("plan", *words)
    kept = np.delete(np.arange(N_IMAGES, dtype=np.int32), lost)
    keep_vectors(dissection, VECTORS[kept], means=-VECTORS[kept], images=kept)
    for pooled, sign in (("maximum", 1), ("mean", -1)):
        run("plan", *words, "--pooled", pooled)
        study = Study.objects.get()
        draws = study.pairs.get(unit__index=1).draws
        places = [int(path.removesuffix(".jpg")) for path in draws["images"]]
        assert lost not in places
        assert draws["activation"] == (sign * VECTORS[places, 1]).astype(float).tolist()
        assert (study.plan["pooled"], study.plan["n_images"]) == (pooled, N_IMAGES - 1)
        study.delete()


def test_probabilities_of_classes_are_checked(dissection: Dissection, tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("gadget 0\ngadget 1\n")

    def give(values: Any) -> None:
        np.save(tmp_path / "classes.npy", values)
        plan(dissection, tmp_path, "--concepts", str(tmp_path / "classes.npy"), "--class-names", str(names))

    for values, says in (
        (np.full((100, 3), 0.1), "names 2 classes"),
        (np.full((99, 2), 0.1), "knows 99 images"),
        (np.full((100, 2), 1.5), "Row 0, column 0"),
    ):
        with pytest.raises(CommandError, match=says):
            give(values)
    give(HELD[:, :2] * 0.8 + 0.1)
    prior = Study.objects.get().pairs.get(method="labeled pixels", unit__index=0).draws["prior"]
    assert set(np.round(prior, 3)) == {0.1, 0.9}
