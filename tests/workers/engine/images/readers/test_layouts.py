"""The same photographs and labels, written in every layout, are the same image set: labels, pixels, IoU."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.random import default_rng
from PIL import Image

from tests.workers.engine import making
from tests.workers.engine.options import make_options
from tools.drills._layouts import LAYOUTS, NAMES, Labeled
from workers.engine import dissect
from workers.engine.images.image_set import ImageSet
from workers.engine.images.label_maps import LabelRuns
from workers.engine.images.label_table import ImageSetError
from workers.engine.images.readers.table import open_image_set
from workers.engine.measures.iou.arrays import IoU
from workers.engine.networks.loading import LoadedNetwork

PX = 32


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> list[Labeled]:
    """Twelve photographs of 32 x 24 px."""
    folder, rng = tmp_path_factory.mktemp("photographs"), default_rng(4)
    found = []
    for place in range(12):
        file = folder / f"photo{place:02}.jpg"
        coarse = rng.integers(0, 256, (5, 5, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((PX, 24), Image.Resampling.BICUBIC).save(file)
        labels = making.blobs(rng, [0, 1, 2, 3, 4, 5], PX)[:24].astype(np.uint8)
        labels[0, :2] = 1 + place % 5  # a table would not name a photograph without labels
        found.append(Labeled(file, labels))
    return found


def unfold(runs: LabelRuns) -> np.ndarray:
    """(height, width) the label of each pixel, of images whose labels never lie over one another."""
    whole = np.zeros(runs.height * runs.width, dtype=np.int64)
    for first, last in zip(runs.slot_start[:-1], runs.slot_start[1:], strict=True):
        lengths = np.diff(np.append(runs.run_start[first:last], len(whole)))
        whole += np.repeat(runs.run_label[first:last].astype(np.int64), lengths)
    return whole.reshape(runs.height, runs.width)


def name_pixels(image_set: ImageSet, index: int) -> np.ndarray:
    assert image_set.labels is not None
    names = {label.number: label.name for label in image_set.labels.labels}
    return np.asarray(np.vectorize(lambda number: names.get(number, ""))(unfold(image_set.read_labels(index))))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_pixel_has_its_label(layout: str, photographs: list[Labeled], tmp_path: Path) -> None:
    labels = LAYOUTS[layout](tmp_path, photographs)
    image_set = open_image_set(tmp_path, labels)
    named = np.array(["", *NAMES])
    seen = {Path(path).stem.removesuffix("_leftImg8bit"): index for index, path in enumerate(image_set.paths)}
    assert set(seen) == {one.stem for one in photographs}
    for one in photographs:
        assert (name_pixels(image_set, seen[one.stem]) == named[one.labels]).all(), one.stem
    alone = open_image_set(tmp_path, "none")
    assert alone.labels is None
    # Nothing says what lies in a folder of any name.
    left = [path for path in alone.paths if not path.startswith("drawn/")]
    assert {Path(path).stem.removesuffix("_leftImg8bit") for path in left} == set(seen)
    assert len(left) == len(photographs)


def test_photographs_without_their_labels_say_what_was_passed_over(photographs: list[Labeled], tmp_path: Path) -> None:
    LAYOUTS["Pascal VOC"](tmp_path / "VOC2012", photographs)
    alone = open_image_set(tmp_path / "VOC2012", "none")
    assert [f"{one.n_files} {one.reason}" for one in alone.passed_over] == [
        "12 named like the label map of a photograph",
        "12 no photograph of the layout Pascal VOC or Context",
    ]
    assert alone.notes[1] == (
        "12 images that are no photographs were passed over by the layout Pascal VOC or Context, such as "
        "SegmentationObject/photo00.png. If they are photographs, give their folder alone."
    )
    above = open_image_set(tmp_path, "none")
    assert len(above.paths) == 36
    assert above.notes == (
        "VOC2012 holds labels (Pascal VOC or Context): label maps in it are read as photographs. To leave them out, "
        "give that folder.",
    )
    shutil.rmtree(tmp_path / "VOC2012" / "JPEGImages")
    (tmp_path / "VOC2012" / "JPEGImages").mkdir()
    with pytest.raises(ImageSetError, match=r"VOC2012 holds labels \(Pascal VOC or Context\), but none of their photo"):
        open_image_set(tmp_path / "VOC2012", "none")


def measure_iou(image_set: ImageSet, *, network: LoadedNetwork, layer: str) -> dict[str, np.ndarray]:
    """(units,) IoU by label, in the mode `paper`."""
    options = make_options(n_top=4, n_low=2, tail=0.05, batch_size=4)
    tally = dissect.measure_shard(
        network=network, layers=[layer], image_set=image_set, options=options,
        shard=dissect.Shard(0, len(image_set.paths)),
    )  # fmt: skip
    (result,) = making.finish(network=network, image_set=image_set, tally=tally, options=options)
    counts = result.result(IoU).modes["paper"]
    assert image_set.labels is not None
    columns = {label.name: column for column, label in enumerate(image_set.labels.labels)}
    union = counts.area + counts.truth - counts.intersection
    return {name: counts.intersection[:, columns[name]] / union[:, columns[name]] for name in NAMES}


def test_iou_is_the_same_where_labels_lie_in_other_maps(photographs: list[Labeled], tmp_path: Path) -> None:
    """The drill `layouts` measures it in every layout, on 200 photographs."""
    found = {}
    for layout in ("Broden 1.0 in its parent folder", "COCO polygons"):
        root = tmp_path / layout
        root.mkdir()
        found[layout] = measure_iou(
            open_image_set(root, LAYOUTS[layout](root, photographs)), network=making.tiny_network(), layer="4"
        )
    expected = found.pop("Broden 1.0 in its parent folder")
    assert max(iou.max() for iou in expected.values()) > 0.05
    for layout, iou in found.items():
        for name in NAMES:
            np.testing.assert_allclose(iou[name], expected[name], atol=1e-12, err_msg=f"{layout}, {name}")


@pytest.mark.parametrize(
    ("photographs", "maps", "pairs"),
    [
        # A map at a photograph's own path is no other one's.
        (["train/1.jpg", "val/1.jpg"], ["val/1.png"], {"val/1.jpg": "val/1.png"}),
        (["1.jpg", "2.jpg"], ["1.png", "1_mask.png", "deep/2_seg.png"], {"1.jpg": "1.png", "2.jpg": "deep/2_seg.png"}),
        (["1.jpg", "1_seg.jpg"], ["1_seg.png"], {"1_seg.jpg": "1_seg.png"}),
        # A name that several photographs or maps have tells nothing.
        (["train/1.jpg", "val/1.jpg", "2.jpg"], ["1.png", "2.png"], {"2.jpg": "2.png"}),
        (["1.jpg", "2.jpg"], ["a/1.png", "b/1.png", "b/2.png"], {"2.jpg": "b/2.png"}),
    ],
)
def test_a_label_map_belongs_to_one_photograph(
    photographs: list[str], maps: list[str], pairs: dict[str, str], tmp_path: Path
) -> None:
    for folder, paths in (("images", photographs), ("masks", maps)):
        for path in paths:
            (tmp_path / folder / path).parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (8, 8), 3).save(tmp_path / folder / path)
    image_set = open_image_set(tmp_path)
    files = [list(image_set.list_label_files(range(index, index + 1))) for index in range(len(image_set.paths))]
    assert dict(zip(image_set.paths, files, strict=True)) == {
        photograph: [tmp_path / "masks" / mask] for photograph, mask in pairs.items()
    }
