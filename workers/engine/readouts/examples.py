"""What classifiers learn from: class folders, a labeled image set, or photographs with and without a phrase."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.engine.plurals import say_count
from workers.engine.readouts.bench import Bench
from workers.engine.readouts.captions import read_captions
from workers.engine.readouts.labeled import Flags, Labeled, find_labeled
from workers.engine.readouts.options import ReadoutInvalid
from workers.engine.readouts.splits import find_test
from workers.engine.readouts.words import split_words
from workers.engine.training.classes import ClassSet, read_class_set, split

READING = "reading the labels"


@dataclass(frozen=True)
class Examples:
    """Photographs at `paths` below a folder, `truth` (n, A) which class each is of, `is_test` (n,). `is_exclusive`:
    each is of one class. `labeled`: the set whose masks tell where classes are; its rows are these photographs.
    """

    paths: list[str]
    names: list[str]
    truth: Flags
    is_test: Flags
    features: NDArray[np.float32]
    is_exclusive: bool
    split: str
    labeled: Labeled | None = None
    rows: tuple[int, ...] = ()
    columns: tuple[int, ...] = ()


def read_examples(bench: Bench) -> Examples:
    """With the pooled units of photographs that can be read. Raises ReadoutInvalid, ImageSetError, LayerError,
    NetworkError.
    """
    if bench.options.phrase:
        return _demand_both(_read_phrase(bench))
    if len(bench.data) != 1 or not bench.data[0].is_dir():
        raise ReadoutInvalid("Name one folder with --data: class folders, or a labeled image set.")
    labeled = find_labeled(bench.open_set(), category=bench.options.category, below=bench.options.below)
    found = _read_labeled(bench, labeled) if labeled is not None else _read_folders(bench)
    return _demand_both(_choose_positive(found, bench.options.positive))


def _demand_both(found: Examples) -> Examples:
    for name, column in zip(found.names, found.truth.T, strict=True):
        for part, rows in (("train on", ~found.is_test), ("test on", found.is_test)):
            if not column[rows].any() or column[rows].all():
                raise ReadoutInvalid(f"{name} needs photographs with and without it to {part}. Add some.")
    return found


def _choose_positive(found: Examples, name: str) -> Examples:
    """Two classes: this one, and all others."""
    if not name:
        return found
    if name not in found.names:
        raise ReadoutInvalid(f"There is no class {name[:60]!r}; there are: {', '.join(found.names[:20])}.")
    place = found.names.index(name)
    return Examples(
        **{**vars(found), "names": [name], "truth": found.truth[:, [place]], "is_exclusive": False,
           "columns": found.columns[place : place + 1]}
    )  # fmt: skip


def _read_folders(bench: Bench) -> Examples:
    # They have one split for every seed.
    unused = "images", "below", "category", "min_images", "test_share", "test"
    bench.options.demand_unused(unused, "class folders")
    classes: ClassSet = read_class_set(bench.data[0])
    features = bench.pool(classes.root, classes.paths)
    if not features.is_readable.all():
        classes = classes.without(features.unreadable)
    parts = split(classes)
    is_test = np.zeros(len(classes.paths), dtype=np.bool_)
    is_test[parts.test] = True
    return Examples(
        paths=list(classes.paths),
        names=list(classes.names),
        truth=classes.labels[:, None] == np.arange(len(classes.names)),
        is_test=is_test,
        features=features.values[features.is_readable],
        is_exclusive=True,
        split="as the folders say" if any(classes.parts) else "drawn within each class",
    )


def _read_labeled(bench: Bench, labeled: Labeled) -> Examples:
    bench.options.demand_unused(("images",), "a labeled image set")
    shares = labeled.cover(lambda n: bench.progress(READING, n, len(labeled.places)))
    features = bench.pool(labeled.images.root, labeled.paths)
    is_fine = features.is_readable & np.isfinite(shares).all(axis=1)
    rows = np.flatnonzero(is_fine)
    has = shares[rows] > 0
    paths = [labeled.paths[row] for row in rows]
    is_test, split = find_test(paths, bench.options)
    columns = np.flatnonzero(has.sum(axis=0) >= bench.options.min_images)
    columns = np.array([one for one in columns if _is_on_both_sides(has[:, one], is_test)], dtype=np.int64)
    if not len(columns):
        raise ReadoutInvalid(
            f"No label is in {say_count(bench.options.min_images, 'photograph')} or more and on both sides of the "
            "split; see --min-images, --category and --below."
        )
    return Examples(
        paths=paths, names=[labeled.names[one] for one in columns], truth=has[:, columns], is_test=is_test,
        features=features.values[rows], is_exclusive=False, split=split, labeled=labeled,
        rows=tuple(rows.tolist()), columns=tuple(columns.tolist()),
    )  # fmt: skip


def _is_on_both_sides(has: Flags, is_test: Flags) -> bool:
    return all(has[rows].any() and not has[rows].all() for rows in (is_test, ~is_test))


def _read_phrase(bench: Bench) -> Examples:
    """Photographs one of whose captions holds the words of the phrase in a row, and all others. [ZKLOT16] 4.2."""
    bench.options.demand_unused(("positive", "labels", "below", "category", "min_images"), "--phrase")
    captioned, words = read_captions(bench.data, bench.images), split_words(bench.options.phrase)
    if not words:
        raise ReadoutInvalid(f"--phrase {bench.options.phrase[:60]!r} holds no word.")
    paths = list(captioned.captions)
    features = bench.pool(captioned.folder, paths)
    rows = np.flatnonzero(features.is_readable)
    kept = [paths[row] for row in rows]
    has = [any(_holds(split_words(one), words) for one in captioned.captions[path]) for path in kept]
    is_test, split = find_test(kept, bench.options, [captioned.is_test[path] for path in kept])
    return Examples(
        paths=kept, names=[" ".join(words)], truth=np.array(has, dtype=np.bool_)[:, None],
        is_test=is_test, features=features.values[rows], is_exclusive=False, split=split,
    )  # fmt: skip


def _holds(text: list[str], words: list[str]) -> bool:
    return any(text[place : place + len(words)] == words for place in range(len(text) - len(words) + 1))
