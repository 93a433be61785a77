"""Intervals of IoU and counts by chance against plain loops over images and pixels."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from numpy.random import default_rng

from tests.workers.engine import making, oracles
from tests.workers.engine.measures.iou.test_iou import OPTIONS, dissected
from tests.workers.engine.options import make_options
from workers.engine.images.image_set import ImageSet
from workers.engine.measures.iou import intervals
from workers.engine.measures.iou.arrays import MODES, IoU, ModeCounts
from workers.engine.measures.iou.iou import best_by_category, iou_of
from workers.engine.measures.thresholds.arrays import Thresholds
from workers.engine.resampling import derange, draw

BOUND = 0.04


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[ImageSet, dict[str, ModeCounts], partial[oracles.Counts]]:
    """An image set, the counts of its dissection by mode, and the brute force count of the same."""
    from workers.engine.images.readers.table import open_image_set

    folder = tmp_path_factory.mktemp("chance") / "set"
    making.make_broden(folder, rng=default_rng(5), n_images=10)
    image_set = open_image_set(folder)
    result, activations = dissected(image_set, seed=1)
    axis = result.placed(making.INPUT_PX).rows
    count = partial(
        oracles.count,
        activations=activations,
        thresholds=result.result(Thresholds).threshold,
        image_set=image_set,
        px=making.LABEL_PX,
        input_px=making.INPUT_PX,
        stride=axis.stride,
        offset=axis.offset,
    )
    return image_set, result.result(IoU).modes, count


@pytest.mark.parametrize("mode", MODES)
def test_shuffled_labels_are_those_of_another_image(
    made: tuple[ImageSet, dict[str, ModeCounts], partial[oracles.Counts]], mode: str
) -> None:
    image_set, modes, count = made
    index = image_set.labels
    assert index is not None
    order = derange(n=10, seed=OPTIONS.run.seed).tolist()
    expected = count(mode=mode, order=order)
    label, iou = best_by_category(
        iou=iou_of(intersection=expected.intersection, area=expected.area, truth=expected.truth),
        numbers=np.array([one.number for one in index.labels]),
        categories=np.array([index.categories.index(one.category) for one in index.labels]),
        n_categories=len(index.categories),
    )
    assert expected.intersection.sum() > 0
    np.testing.assert_array_equal(modes[mode].shuffled_label, label)
    np.testing.assert_allclose(modes[mode].shuffled_iou, iou, rtol=0, atol=1e-12)
    stated = modes[mode].count_detectors()["shuffled_labels"]
    assert stated["n_detectors"] == int((iou.max(axis=1) > BOUND).sum())
    assert stated["n_unique"] == sum(
        len({n for n, v in zip(*pair, strict=True) if v > BOUND}) for pair in zip(label.T, iou.T, strict=True)
    )


@pytest.mark.parametrize("mode", MODES)
def test_intervals_are_those_of_a_loop_over_resampled_images(
    made: tuple[ImageSet, dict[str, ModeCounts], partial[oracles.Counts]], mode: str
) -> None:
    image_set, modes, count = made
    index, found = image_set.labels, modes[mode]
    assert index is not None
    assert found.iou_low is not None
    assert found.iou_high is not None
    assert found.count_ranges is not None
    each = [count(mode=mode, only=[i]) for i in range(10)]
    bins = intervals.deal_into_bins(10)
    assert sorted(bins.tolist()) == list(range(10)), "a bin for each image"
    n_detectors, n_unique = [], []
    values: dict[tuple[int, int], list[float]] = {}
    most = {"n_detectors": len(found.best_iou), "n_unique": np.count_nonzero(found.truth)}
    column_of = {label.number: column for column, label in enumerate(index.labels)}
    for times in np.concatenate(list(draw(n=10, seed=intervals.SEED))):
        over = set()
        for unit, category in np.argwhere(~np.isnan(found.iou_low)):
            number = int(found.best_label[unit, category])
            column = column_of[number]
            both = sum(times[bins[i]] * one.intersection[unit, column] for i, one in enumerate(each))
            area = sum(times[bins[i]] * one.area[unit, column] for i, one in enumerate(each))
            truth = sum(times[bins[i]] * one.truth[column] for i, one in enumerate(each))
            iou = both / max(area + truth - both, 1)
            values.setdefault((unit, category), []).append(iou)
            if iou > BOUND:
                over.add((int(unit), number))
        n_detectors.append(len({unit for unit, _ in over}))
        n_unique.append(len({number for _, number in over}))
    assert len(values) > 5
    for (unit, category), drawn in values.items():
        low, high = np.quantile(drawn, [0.025, 0.975])
        assert found.iou_low[unit, category] == pytest.approx(low, abs=1e-12)
        assert found.iou_high[unit, category] == pytest.approx(high, abs=1e-12)
    stated = found.count_detectors()
    for name, drawn, place in (("n_detectors", n_detectors, 0), ("n_unique", n_unique, 2)):
        reach = np.quantile([abs(one - stated[name]) for one in drawn], 0.95)
        expected = [max(0, stated[name] - reach), min(stated[name] + reach, most[name])]
        np.testing.assert_allclose(found.count_ranges[place : place + 2], expected)
        assert stated[f"{name}_interval"] == pytest.approx(expected)


def test_what_has_an_interval_is_each_units_label_and_whatever_is_near_the_bound(
    made: tuple[ImageSet, dict[str, ModeCounts], partial[oracles.Counts]],
) -> None:
    counts = made[1]["paper"]
    assert counts.iou_low is not None
    assert counts.iou_high is not None
    has = ~np.isnan(counts.iou_low)
    assert has[counts.best_iou > BOUND / 2].all()
    assert has[np.arange(len(has)), counts.best_iou.argmax(axis=1)].all()
    inside = (counts.iou_low <= counts.best_iou) & (counts.best_iou <= counts.iou_high)
    assert inside[has].all()


def draw_pixels(rng: np.random.Generator, n_units: int) -> Callable[[int], tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """A population of images: of n of them, pixels of both, of the mask and of the label, (n, U) each; unit u has label
    u. Most images have no pixel of a label, and the sizes of masks and labels differ as those of things do.
    """
    presence, share = rng.beta(1, 6, n_units), np.clip(rng.lognormal(-1.8, 0.9, n_units), 0, 1)

    def sample(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        has = rng.random((n, n_units)) < presence
        fires = rng.random((n, n_units)) < np.where(has, 0.6, 0.15)
        truth, area = (np.where(one, rng.lognormal(5, 0.8, one.shape), 0).astype(np.int64) for one in (has, fires))
        both = np.minimum(area, truth) * np.minimum(1, share * rng.lognormal(0, 0.6, has.shape))
        return both.astype(np.int64), area, truth

    return sample


def test_the_interval_of_a_count_holds_it_and_covers_that_over_many_more_images() -> None:
    rng, n_units, n_images, covered = np.random.default_rng(12), 60, 100, []
    for _ in range(50):
        sample = draw_pixels(rng, n_units)
        both, area, truth = (one.sum(axis=0) for one in sample(2500))
        count = (both / np.maximum(area + truth - both, 1) > BOUND).sum()
        both, area, truth = sample(n_images)
        sums = both.sum(axis=0), area.sum(axis=0), truth.sum(axis=0)
        number = np.arange(1, n_units + 1)[:, None]
        iou = iou_of(intersection=sums[0], area=sums[1], truth=sums[2])
        counts = ModeCounts(
            intersection=np.diag(sums[0]), area=sums[1][:, None], truth=sums[2],
            best_label=number.astype(np.int32), best_iou=iou[:, None],
        )  # fmt: skip
        in_bins = [one.T[:, None] for one in (both, area)]
        found = intervals._add_intervals(counts, number, *in_bins, np.pad(truth, ((0, 0), (1, 0))))
        assert found.draws is not None
        stated = intervals.state_ranges(found.counts, [found.draws]).count_detectors()
        for name in ("n_detectors", "n_unique"):
            low, high = stated[f"{name}_interval"]
            assert low <= stated[name] <= high
            covered.append(low <= count <= high)
    assert np.mean(covered) >= 0.9


@pytest.mark.parametrize("drawn", [np.arange(30, 70), np.arange(52, 60)])
def test_the_interval_of_a_count_holds_it_though_all_resamples_lie_beyond(drawn: np.ndarray) -> None:
    low, high = intervals._spread_around(drawn, 50, highest=55)
    assert 0 <= low < 50 < high <= 55


def test_more_images_than_bins_share_them_evenly() -> None:
    sizes = np.bincount(intervals.deal_into_bins(1203))
    assert (len(sizes), sizes.min(), sizes.max()) == (intervals.N_BINS, 2, 3)


def test_without_chance_nothing_is_shuffled(broden: ImageSet) -> None:
    options = make_options(n_top=4, n_low=2, tail=0.05, batch_size=4, chance=False)
    counts = dissected(broden, seed=0, options=options)[0].result(IoU).modes["paper"]
    assert counts.shuffled_label is None
    assert "shuffled_labels" not in counts.count_detectors()
