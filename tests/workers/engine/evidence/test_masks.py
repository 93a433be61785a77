"""PxAP against a slow oracle of its definition, and lists of masks."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from workers.engine.evidence.box_files.boxed_images import BoxesInvalid
from workers.engine.evidence.masked_images import IGNORED, OBJECT, OTHER, MaskedImage, draw_truth, read_masked
from workers.engine.evidence.pixel_precision import (
    PixelOutcomes,
    average_precision,
    count_gaussian,
    count_pixels,
    scale,
    score_pixels,
)

PX = 24


def precise_slowly(maps: list[np.ndarray], truths: list[np.ndarray]) -> float:
    """[CRLSA20] 4.1, threshold by threshold: of the pixels at or over tau, the share of objects' pixels, times the part
    of all objects' pixels that this tau adds.
    """
    scores, kinds = np.concatenate([one.ravel() for one in maps]), np.concatenate([one.ravel() for one in truths])
    scores, kinds = scores[kinds != IGNORED], kinds[kinds != IGNORED]
    total, recall = 0.0, 0.0
    for place in range(1000, -1, -1):
        over = scores >= np.append(np.arange(0, 1, 0.001), 1.0)[place]
        hits = int((over & (kinds == OBJECT)).sum())
        if over.any():
            now = hits / int((kinds == OBJECT).sum())
            total, recall = total + hits / int(over.sum()) * (now - recall), now
    return total


def test_pixels_are_ranked_over_all_images_and_ignored_ones_count_for_nothing() -> None:
    rng = np.random.default_rng(4)
    maps = [scale(rng.normal(size=(PX, PX)).cumsum(axis=0)) for _ in range(5)]
    truths = [rng.choice([OTHER, OBJECT, IGNORED], size=(PX, PX), p=[0.6, 0.3, 0.1]).astype(np.uint8) for _ in maps]
    counts = np.stack([count_pixels(one, truth) for one, truth in zip(maps, truths, strict=True)])
    assert counts.sum() == sum((truth != IGNORED).sum() for truth in truths)
    expected = precise_slowly(maps, truths)
    assert average_precision(counts.sum(axis=0).astype(float)) == pytest.approx(expected, abs=1e-12)
    flags = np.array([True, False, True, True, True])
    gaussian = np.stack([count_gaussian(truth) for truth in truths])
    found = {name: one.estimate for name, one in score_pixels(PixelOutcomes(flags, flags, counts, gaussian)).items()}
    assert found["pxap"].value == pytest.approx(100 * expected)
    assert found["top1"].value == pytest.approx(80)
    share = sum((truth == OBJECT).sum() for truth in truths) / counts.sum()
    assert found["object_share"].value == pytest.approx(100 * share)
    assert found["pxap"].low is not None
    assert found["pxap"].high is not None
    assert found["pxap"].low < found["pxap"].value < found["pxap"].high


def test_a_map_that_knows_everything_and_one_that_knows_nothing() -> None:
    truth = np.zeros((PX, PX), dtype=np.uint8)
    truth[4:12, 6:20] = OBJECT
    truth[:2] = IGNORED
    perfect = count_pixels((truth == OBJECT).astype(float), truth)
    assert average_precision(perfect.astype(float)) == pytest.approx(1)
    empty = count_pixels(scale(np.full((PX, PX), 7.0)), truth)
    n_counted = (truth != IGNORED).sum()
    assert average_precision(empty.astype(float)) == pytest.approx((truth == OBJECT).sum() / n_counted)
    assert np.isnan(average_precision(count_pixels(scale(truth), np.zeros_like(truth)).astype(float)))


def make_list(folder: Path, *lines: str) -> Path:
    path = folder / "masks.csv"
    path.write_text("\n".join(["image,class_index,mask,ignore", *lines]))
    return path


def test_masks_of_one_photograph_are_joined_and_resized_as_the_published_code_does(tmp_path: Path) -> None:
    pixels = np.zeros((6, 9), dtype=np.uint8)
    pixels[1, 2] = 255
    Image.fromarray(pixels).save(tmp_path / "one.png")
    Image.fromarray(pixels[::-1] > 0).save(tmp_path / "two.png")
    ignored = np.zeros((6, 9, 3), dtype=np.uint8)
    ignored[:3, :, 1] = 9
    Image.fromarray(ignored).save(tmp_path / "ignored.png")
    (one,) = read_masked(make_list(tmp_path, "a.jpg,3,one.png,", "a.jpg,3,two.png,ignored.png"))
    assert one == MaskedImage("a.jpg", 3, ("one.png", "two.png"), "ignored.png")
    truth = draw_truth(one, tmp_path, size_px=4)
    # Row i of 4 shows row floor(6 i / 4) of 6: 0, 1, 3, 4; column j column floor(9 j / 4) of 9: 0, 2, 4, 6.
    expected = np.array([[IGNORED] * 4, [IGNORED] * 4, [OTHER] * 4, [OTHER] * 4])
    expected[[1, 3], 1] = OBJECT
    assert truth.tolist() == expected.tolist()
    # The same list as wsolevaluation writes it.
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "class_labels.txt").write_text("a.jpg,3\n")
    (tmp_path / "lists" / "localization.txt").write_text("a.jpg,one.png,ignored.png\na.jpg,two.png,\n")
    assert read_masked(tmp_path / "lists") == [one]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "names no masks"),
        (["a.jpg,3,../one.png,"], "line 2: '../one.png' is not a file below the folder"),
        (["a.jpg,x,one.png,"], "line 2: 'x' is not a class index"),
        (["a.jpg,3,one.png,", "a.jpg,4,two.png,"], "line 3: a.jpg has another class"),
        (["a.jpg,3,one.png,b.png", "a.jpg,3,two.png,c.png"], "line 3: a.jpg has another region to ignore"),
        (["a.jpg,3"], "line 2: '' is not a file below"),
    ],
)
def test_bad_lists_are_refused_in_one_sentence(tmp_path: Path, lines: list[str], said: str) -> None:
    with pytest.raises(BoxesInvalid, match=said):
        read_masked(make_list(tmp_path, *lines))
