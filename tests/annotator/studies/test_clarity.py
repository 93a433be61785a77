"""Clarity beside its plain definitions, and by command beside people's precision."""

import json
from io import StringIO
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from annotator.comparison import methods
from annotator.studies.clarity import Clear, measure_clarity, rank_with_precision
from annotator.studies.management.commands import clarity as command
from tests.annotator.crowd.making import make_dissection

GENERATOR = np.random.default_rng(1)


def test_clarity_is_the_mean_cosine_of_pairs_and_redundancy_the_nearest_other_unit() -> None:
    embedding = GENERATOR.normal(size=(30, 5)) + 0.5
    top = {7: [1, 4, 9, 12], 8: [2, 5, 20], 9: [3, 6, 29]}
    found = measure_clarity(embedding, top)
    unit = embedding / np.linalg.norm(embedding, axis=1, keepdims=True)
    for key, images in top.items():
        cosines = [unit[a] @ unit[b] for a, b in combinations(images, 2)]
        assert found[key].clarity == pytest.approx(np.mean(cosines))
        means = {one: unit[rows].mean(axis=0) for one, rows in top.items()}
        near = [
            means[key] @ mean / np.linalg.norm(means[key]) / np.linalg.norm(mean)
            for one, mean in means.items()
            if one != key
        ]
        assert found[key].redundancy == pytest.approx(max(near))


def test_a_unit_of_two_subjects_is_polysemantic_and_one_of_one_is_not() -> None:
    embedding = np.eye(4)[[0, 0, 1, 1, 2, 2, 2, 2]] + GENERATOR.normal(size=(8, 4)) / 100
    found = measure_clarity(embedding, {0: [0, 1, 2, 3], 1: [4, 5, 6, 7]})
    assert found[0].polysemanticity > 0.9
    assert found[1].polysemanticity < 0.05
    same = measure_clarity(np.ones((3, 2)), {0: [0, 1, 2]})[0]
    assert (round(same.clarity, 9), same.polysemanticity, same.redundancy) == (1, 0, None)


def test_ranks_correlate_with_an_interval_and_too_few_units_say_nothing() -> None:
    found = {unit: Clear(unit / 10, 1 - unit / 10, 0.5) for unit in range(8)}
    ranked = rank_with_precision(found, {unit: unit**2 / 100 for unit in range(8)})
    assert ranked["clarity"].value == pytest.approx(1)
    assert ranked["clarity"].low is None, "every resample has the same order"
    assert ranked["polysemanticity"].value == pytest.approx(-1)
    assert ranked["redundancy"].value is None
    assert rank_with_precision(found, {0: 0.5})["clarity"].value is None


@pytest.mark.django_db
def test_the_command_reads_a_matrix_and_refuses_one_of_other_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dissection = make_dissection(tmp_path, n_units=6, n_top=4, n_low=1)
    words = ["--dissection", str(dissection.pk), "--layer", "features.3", "--embedding", str(tmp_path / "e.npy")]

    def say(ids: list[int]) -> dict[str, dict[int, methods.Said]]:
        return {methods.PEOPLE: {pk: methods.Said(pk, methods.PEOPLE, "x", i / 9) for i, pk in enumerate(sorted(ids))}}

    monkeypatch.setattr(command, "gather_said", say)
    np.save(tmp_path / "e.npy", GENERATOR.normal(size=(100, 8)))
    out = StringIO()
    call_command("clarity", *words, "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert [one["unit"] for one in told["units"]] == list(range(6))
    assert told["units"][3]["precision"] == 3 / 9
    # All units have the same top images here.
    assert told["with_precision"]["clarity"]["value"] is None
    np.save(tmp_path / "e.npy", GENERATOR.normal(size=(2, 8)))
    with pytest.raises(CommandError, match="has 2 rows"):
        call_command("clarity", *words)
    with pytest.raises(CommandError, match="Name either"):
        call_command("clarity", *words[:-2])
