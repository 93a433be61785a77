"""A plan that cannot be is refused before anything is kept, and what is given to it is checked."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError

from annotator.crowd.models import Campaign
from annotator.descriptions.models import Description, Method
from annotator.studies.models import Study
from annotator.studies.planning import describe_asked, find_active
from annotator.units.models import Dissection, Image
from tests.annotator.crowd.making import NOW, keep_vectors
from tests.annotator.studies.making import HELD, N_IMAGES, VECTORS, plan, run

pytestmark = pytest.mark.django_db


def test_a_sparse_unit_is_active_where_it_is_above_its_minimum() -> None:
    sparse = np.zeros(100)
    sparse[[7, 50]] = 1.0, 2.0
    assert np.flatnonzero(find_active(sparse, share=0.05)).tolist() == [7, 50]
    sparse[40:60] = 1.0
    assert np.flatnonzero(find_active(sparse, share=0.05)).tolist() == [7, 40, 41, 42, 43]
    assert not find_active(np.ones(3), share=0.05).any()


def test_gold_images_are_asked_in_the_order_of_the_plan(dissection: Dissection, tmp_path: Path) -> None:
    """JSONB sorts the keys of an object by length, and then by bytes."""
    gold = [["100.jpg", True], ["9.jpg", False], ["20.jpg", True]]
    plan(dissection, tmp_path)
    pair = Study.objects.get().pairs.first()
    assert pair is not None
    pair.gold = gold
    pair.save()
    assert [list(one) for one in describe_asked(Study.objects.get())[0].gold] == gold


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
