"""An image set that grew: what was measured before is taken, and the result is that of a measurement from scratch."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.random import default_rng
from PIL import Image

from annotator.units import dissecting
from annotator.units.models import Dissection
from annotator.units.progress import count_taken
from tests.annotator.units.bench import Bench
from workers import tasks
from workers.store import open_store

pytestmark = pytest.mark.django_db(transaction=True)


def paint(folder: Path, numbers: range, *, seed: int, contrast: int = 255) -> None:
    rng = default_rng(seed)
    for number in numbers:
        pixels = rng.integers(0, contrast, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((32, 32)).save(folder / f"{number:03}.png")


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    folder = tmp_path / "photographs"
    folder.mkdir()
    paint(folder, range(12), seed=1)
    return folder


def read_files(dissection: Dissection) -> dict[str, bytes]:
    """All that is a result, byte for byte."""
    assert dissection.state == Dissection.State.DONE, dissection.error
    store = open_store(dissection.artifact)
    return {name: store.read(name) for name in store.names() if name.startswith(("layer", "tiles", "paths"))}


@pytest.mark.parametrize(
    ("added", "contrast", "n_measured"),
    [
        (range(12, 14), 255, [2]),
        # So many dark ones that the old thresholds are too high: all of before is measured while they are joined.
        (range(12, 40), 2, [4] * 7 + [4] * 3),
        # The new one stands between old ones: what follows it is measured again, whole batches at a time.
        (range(20, 21), 255, [4, 4, 1]),
    ],
)
def test_only_what_is_new_is_measured_and_nothing_differs(
    bench: Bench,
    photographs: Path,
    monkeypatch: pytest.MonkeyPatch,
    added: range,
    contrast: int,
    n_measured: list[int],
) -> None:
    first = bench.dissect(photographs)
    measured: list[int] = []
    measure: Any = tasks.dissect.measure_shard

    def noting(**given: Any) -> Any:
        measured.append(given["shard"].last - given["shard"].first)
        return measure(**given)

    monkeypatch.setattr(tasks.dissect, "measure_shard", noting)
    if added.start == 20:
        paint(photographs, added, seed=2)
        (photographs / "020.png").rename(photographs / "003z.png")
    else:
        paint(photographs, added, seed=2, contrast=contrast)
    grown = bench.dissect(photographs)
    assert measured == n_measured
    assert grown.options["grown_from"] == str(first.pk)
    assert grown.image_set != first.image_set
    assert count_taken(grown) == (4 if added.start == 20 else 12)
    afresh = bench.run(ask_anew(grown))
    assert "grown_from" not in afresh.options
    assert afresh.artifact_sha256 == grown.artifact_sha256
    assert read_files(afresh) == read_files(grown)


@pytest.mark.slow
def test_shards_of_before_dimming_was_stated_serve_one_that_states_it(bench: Bench, photographs: Path) -> None:
    before = bench.dissect(photographs)
    paint(photographs, range(12, 13), seed=2)
    grown = bench.dissect(photographs, dimming="auto")
    assert (grown.options["grown_from"], count_taken(grown)) == (str(before.pk), 12)
    strips = [
        {name for name in read_files(one) if name.startswith("tiles")}
        for one in (grown, bench.run(ask_anew(grown)), bench.dissect(photographs, dimming="fixed", anew=True))
    ]
    assert strips[0] == strips[1] != strips[2], "they are named by their content"


def ask_anew(grown: Dissection) -> Dissection:
    return dissecting.request_dissection(
        network=grown.network,
        image_set=grown.image_set,
        layer_paths=grown.layer_paths,
        options={name: value for name, value in grown.options.items() if name != "grown_from"} | {"anew": True},
        now=grown.created_at,
    )


@pytest.mark.parametrize("n_removed", [0, 1])
def test_thresholds_of_a_set_that_lost_its_brightest_images_fall(
    bench: Bench, photographs: Path, n_removed: int
) -> None:
    paint(photographs, range(4, 12), seed=7, contrast=40)
    bench.dissect(photographs)
    # The bounds of the dark shards come from the bright one that was measured before them.
    paint(photographs, range(4), seed=9, contrast=40)
    for number in range(12 - n_removed, 12):
        (photographs / f"{number:03}.png").unlink()
    changed = bench.dissect(photographs)
    assert count_taken(changed) == (4 if n_removed else 8)
    assert read_files(bench.run(ask_anew(changed))) == read_files(changed)


def test_files_that_changed_and_dissections_that_are_gone_are_measured(bench: Bench, photographs: Path) -> None:
    first = bench.dissect(photographs)
    paint(photographs, range(12, 13), seed=2)
    paint(photographs, range(0, 1), seed=3)
    changed = bench.dissect(photographs)
    # The first shard holds another file by now.
    assert count_taken(changed) == 8
    shutil.rmtree(open_store(changed.artifact).root.removeprefix("file://"))
    paint(photographs, range(13, 14), seed=4)
    last = bench.dissect(photographs)
    assert json.loads(json.dumps(last.options))["grown_from"] == str(changed.pk)
    assert (last.state, count_taken(last)) == (Dissection.State.DONE, 0)
    assert first.state == Dissection.State.DONE
