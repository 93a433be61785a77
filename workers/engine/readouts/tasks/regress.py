"""A number for each photograph, by ridge regression: maps keep its sign. docs/readouts.md, Numbers."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import RidgeCV

from workers.engine.images.csv_tables import read_header, read_rows
from workers.engine.images.label_table import ImageSetError
from workers.engine.readouts.bench import Bench, Fitted
from workers.engine.readouts.examples import READING
from workers.engine.readouts.judging import tell_explained, tell_gain, tell_mean, tell_share
from workers.engine.readouts.labeled import find_labeled
from workers.engine.readouts.linear import Linear, normalize_rows
from workers.engine.readouts.listing import IMAGE_COLUMNS, Listing, find_folder
from workers.engine.readouts.options import ReadoutInvalid
from workers.engine.readouts.readout import Readout
from workers.engine.readouts.shown import Shown, Wanted
from workers.engine.readouts.splits import SPLIT, find_test, read_part

# Strengths of the penalty that are tried, by leaving out one training photograph after the other.
STRENGTHS = tuple(10.0**power for power in np.arange(-4, 3.5, 0.5))
TARGET_COLUMNS = ("target", "value", "score", "rating", "y")
MIN_IMAGES = 4
# Of targets, so that their squares and the weights, which are kept in 32 bits, are finite.
MAX_TARGET = 1e30


@dataclass(frozen=True)
class Targets:
    """Photographs below a folder, the number of each (n,), and if it is for the test, None if the data do not say."""

    folder: Path
    paths: list[str]
    values: NDArray[np.float64]
    is_test: list[bool | None]
    name: str


def fit(bench: Bench) -> Fitted:
    """Raises ReadoutInvalid, ImageSetError, LayerError, NetworkError."""
    targets = _read(bench)
    features = bench.pool(targets.folder, targets.paths)
    rows = np.flatnonzero(features.is_readable & np.isfinite(targets.values))
    paths = [targets.paths[row] for row in rows]
    is_test, split = find_test(paths, bench.options, [targets.is_test[row] for row in rows])
    x, y = normalize_rows(features.values[rows]), targets.values[rows]
    if min(is_test.sum(), (~is_test).sum()) < MIN_IMAGES:
        raise ReadoutInvalid(f"{MIN_IMAGES} photographs or more are needed on both sides of the split.")
    if np.ptp(y[~is_test]) == 0:
        raise ReadoutInvalid("All photographs to train on have the same number: there is nothing to learn.")
    found = RidgeCV(alphas=STRENGTHS).fit(x[~is_test], y[~is_test])
    weight = np.asarray(found.coef_, np.float32).reshape(1, -1)
    linear = Linear(weight, np.array([found.intercept_], np.float32))
    predicted, truth = linear.score(features.values[rows])[is_test, 0], y[is_test]
    mean = float(y[~is_test].mean())
    missed, missed_by_mean = np.abs(truth - predicted), np.abs(truth - mean)
    report = {
        "target": targets.name, "n_images": len(x), "n_training": int((~is_test).sum()), "n_test": int(is_test.sum()),
        "split": split, "strength": float(found.alpha_), "mean": mean,
        "lowest": float(y.min()), "highest": float(y.max()),
        "explained": tell_explained(predicted, truth, mean), "explained_by_mean": 0.0,
        "absolute_error": tell_mean(missed), "absolute_error_of_mean": tell_mean(missed_by_mean),
        "less_than_mean": tell_gain(missed_by_mean, missed),
    }  # fmt: skip
    if truth.min() < 0 < truth.max():
        common = np.sign(np.median(y[~is_test])) or 1.0
        report |= {
            "sign": tell_share(np.sign(predicted) == np.sign(truth)),
            "sign_of_most": tell_share(np.sign(truth) == common),
        }  # fmt: skip
    return Fitted({"names": [targets.name]}, {"weight": linear.weight, "bias": linear.bias}, report)


def _read(bench: Bench) -> Targets:
    (data, *others), label = bench.data, bench.options.label
    if others:
        raise ReadoutInvalid("Name one CSV of targets with --data, or one labeled image set and --label.")
    if label:
        bench.options.demand_unused(("images",), "a labeled image set")
        return _read_label(bench, label)
    bench.options.demand_unused(("labels", "below", "category"), "a CSV of targets")
    if data.is_dir():
        tables = sorted(data.glob("*.csv"))
        if len(tables) != 1:
            raise ReadoutInvalid(f"{data.name} holds {len(tables)} CSV files; name one with --data, or give --label.")
        (data,) = tables
    return read_table(data, bench.images)


def _read_label(bench: Bench, label: str) -> Targets:
    """The share of each photograph that the label covers, less its mean over all."""
    labeled = find_labeled(bench.open_set(), category=bench.options.category, below=bench.options.below)
    if labeled is None or label not in labeled.names:
        raise ReadoutInvalid(f"{bench.data[0].name} has no label {label[:60]!r}.")
    shares = labeled.cover(lambda n: bench.progress(READING, n, len(labeled.places)))[:, labeled.names.index(label)]
    name = f"share of {label}, less its mean"
    stated: list[bool | None] = [None] * len(shares)
    return Targets(labeled.images.root, labeled.paths, shares - np.nanmean(shares), stated, name)


def read_table(file: Path, images: Path | None) -> Targets:
    """The number of each photograph that a CSV names. Raises ReadoutInvalid."""
    try:
        rows, header = list(read_rows(file)), read_header(file)
        image = next((one for one in (*IMAGE_COLUMNS, "path", "file") if one in header), None)
        others = [one for one in header if one not in ("", image, SPLIT)]
        target = next((one for one in TARGET_COLUMNS if one in others), others[0] if len(others) == 1 else None)
        if image is None or target is None:
            raise ReadoutInvalid(
                f"{file.name} needs the columns image and target; split is optional. It has: "
                f"{', '.join(header) or 'nothing'}."
            )
        listing, told = Listing(find_folder(file, images)), dict[str, tuple[float, bool | None]]()
        for path, row in zip(listing.find(row.cells[image] for row in rows), rows, strict=True):
            said = row.number(target), read_part(row)
            if abs(said[0]) > MAX_TARGET:
                raise row.wrong(target, f"is farther from 0 than {MAX_TARGET:g}")
            if told.setdefault(path, said) != said:
                raise row.wrong(image, f"is {path}, of which another row says another {target} or split")
    except ImageSetError as error:
        raise ReadoutInvalid(str(error)) from None
    values = np.array([value for value, _ in told.values()])
    return Targets(listing.folder, list(told), values, [part for _, part in told.values()], target)


def show(readout: Readout, maps: NDArray[np.float32], wanted: Wanted) -> Shown:
    """The predicted number is the score. Raises ReadoutInvalid."""
    if wanted.answer or wanted.against:
        raise ReadoutInvalid("A read-out of numbers has no answers to choose from; leave out --answer and --against.")
    score = float(readout.linear.score(maps.mean(axis=(1, 2))[None])[0, 0])
    if not math.isfinite(score):
        raise ReadoutInvalid("The prediction is not a finite number.")
    return Shown(prediction=score, score=score, weights=readout.linear.take(0))
