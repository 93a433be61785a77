"""Which photographs show which class: class folders, or whole-image labels of a labeled set; and how they are split.

docs/evidence.md, Fit. A class folder lies directly below the root and may have folders of its own.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from workers.engine.images.image_set import ImageSet, digest_files
from workers.engine.images.label_maps import LabelMapUnreadable
from workers.engine.images.label_table import ImageSetError
from workers.engine.images.readers.table import open_image_set
from workers.engine.images.walking import list_images
from workers.engine.plurals import say_count

# One to train on, one to decide when to stop, one to test.
MIN_IMAGES = 3
MAX_NAMED = 10
TRAINING, VALIDATION, TEST = "train", "validation", "test"
# Folders at the root that stand for parts of a set, in capital letters, too. Without one for the test, the validation
# part of such a set is what networks are tested on.
PARTS = {
    "train": TRAINING, "training": TRAINING, "val": VALIDATION, "valid": VALIDATION, "validation": VALIDATION,
    "test": TEST, "testing": TEST,
}  # fmt: skip
# Of each class, if the folders do not say.
TEST_SHARE, VALIDATION_SHARE = 0.25, 0.15

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class ClassSet:
    """`names` of the classes by index; `paths` below root, the class of each (n,), and its part, empty if not said."""

    root: Path
    names: tuple[str, ...]
    paths: tuple[str, ...]
    labels: Indices
    parts: tuple[str, ...]
    sha256: str

    def without(self, unreadable: Iterable[str]) -> "ClassSet":
        """Raises ImageSetError if too few photographs of a class are left."""
        gone = set(unreadable)
        rows = zip(self.paths, self.labels.tolist(), self.parts, strict=True)
        kept = [(path, self.names[label], part) for path, label, part in rows if path not in gone]
        return _make(self.root, kept, self.sha256, classes=self.names)


@dataclass(frozen=True)
class Split:
    """Places in ClassSet.paths of the photographs to train on, to decide by when to stop, and to test on."""

    training: Indices
    validation: Indices
    test: Indices


def read_class_set(root: Path, *, category: str = "") -> ClassSet:
    """Raises ImageSetError, naming the folders at fault. With a category: the set is labeled (Broden's layout), and
    photographs with one label of that category for the whole image count.
    """
    if not root.is_dir():
        raise ImageSetError(f"There is no folder of images at {root}.")
    return _read_labeled(root, category) if category else _read_folders(root)


def split(classes: ClassSet) -> Split:
    """As the folders say; what they do not say is drawn within each class, by the digest of the paths: the same split
    for every network and every seed.
    """
    given = np.array(classes.parts, dtype="U10")
    parts = given.copy()
    for label in range(len(classes.names)):
        own = classes.labels == label
        # Without a folder for it, a part is taken from what is left: from all, or from what is to train on.
        for part, share in ((TEST, TEST_SHARE), (VALIDATION, VALIDATION_SHARE)):
            if part in given:
                continue
            free = _shuffle(np.flatnonzero(own & np.isin(parts, ("", TRAINING))), classes.paths)
            parts[free[: max(1, round(share * own.sum()))]] = part
    parts[parts == ""] = TRAINING
    found = {part: np.flatnonzero(parts == part) for part in (TRAINING, VALIDATION, TEST)}
    _demand_training(classes, found[TRAINING])
    return Split(found[TRAINING], found[VALIDATION], found[TEST])


def _shuffle(places: Indices, paths: tuple[str, ...]) -> Indices:
    return np.array(sorted(places, key=lambda place: hashlib.sha256(paths[place].encode()).digest()), dtype=np.int64)


def _demand_training(classes: ClassSet, training: Indices) -> None:
    counts = np.bincount(classes.labels[training], minlength=len(classes.names))
    if missing := [name for name, count in zip(classes.names, counts, strict=True) if not count]:
        raise ImageSetError(f"No photograph is left to train on for {_some(missing)}. Add some.")


def _read_folders(root: Path) -> ClassSet:
    folders = sorted(one.name for one in root.iterdir() if one.is_dir() and not one.name.startswith("."))
    # A class may be called labels: no file is taken for a label map here.
    paths, _ = list_images(root)
    parted = _find_parts(root, folders)
    rows = []
    for path in paths:
        above = PurePosixPath(path).parts[:-1]
        part = parted.get(above[0], "") if above else ""
        above = above[1:] if parted else above
        if above and not above[0].startswith("."):
            rows.append((path, above[0], part))
    known = {name for _, name, _ in rows}
    if not parted and (empty := [name for name in folders if name not in known]):
        raise ImageSetError(
            f"{say_count(len(empty), 'class folder holds', 'class folders hold')} no images: {_some(empty)}. Fill or "
            "remove them."
        )
    return _make(root, rows, digest_files(map(root.joinpath, paths), root=root))


def _find_parts(root: Path, folders: list[str]) -> dict[str, str]:
    """By folder the part that it stands for; empty if the folders are classes, one of which may be trains. Raises
    ImageSetError if some folders stand for parts and others do not.
    """
    parts = {name: PARTS[name.lower()] for name in folders if name.lower() in PARTS}
    others = [name for name in folders if name not in parts]
    if not others and TRAINING in parts.values():
        is_tested = TEST in parts.values()
        return {name: part if is_tested or part == TRAINING else TEST for name, part in parts.items()}
    if not parts or (len(parts) == 1 and TRAINING in parts.values() and not _has_folders(root / next(iter(parts)))):
        return {}
    said = f"{root.name} has folders that stand for parts of a set ({', '.join(parts)})"
    if not others:
        raise ImageSetError(f"{said}, but none of them is called train. Rename the one to train on.")
    raise ImageSetError(f"{said}, and others beside them: {_some(others)}. Remove one kind, or rename what is a class.")


def _has_folders(folder: Path) -> bool:
    return any(one.is_dir() and not one.name.startswith(".") for one in folder.iterdir())


def _read_labeled(root: Path, category: str) -> ClassSet:
    images = open_image_set(root)
    table = images.labels
    if table is None or category not in table.categories:
        known = ", ".join(table.categories) if table else "none"
        raise ImageSetError(f"{root.name} has no labels of category {category!r}; its categories: {known}.")
    place = table.categories.index(category)
    names = {label.number: label.name for label in table.labels}
    rows = [
        (images.paths[index], names[found[0]], "")
        for index in range(len(images.paths))
        if len(found := _find_whole(images, index, place)) == 1
    ]
    return _make(images.root, rows, images.sha256)


def _find_whole(images: ImageSet, index: int, category: int) -> list[int]:
    """Numbers of the labels of that category that were given for the whole image, without background; none if they
    cannot be read.
    """
    try:
        runs = images.read_labels(index)
    except LabelMapUnreadable:
        return []
    wanted = np.flatnonzero(runs.slot_whole & (runs.slot_category == category))
    return [number for slot in wanted if (number := int(runs.run_label[runs.slot_start[slot]]))]


def _make(root: Path, rows: list[tuple[str, str, str]], sha256: str, classes: tuple[str, ...] = ()) -> ClassSet:
    """Raises ImageSetError for fewer than two classes, and for classes with too few photographs."""
    names = classes or tuple(sorted({name for _, name, _ in rows}))
    if len(names) < 2:
        raise ImageSetError(
            f"{root.name} has {say_count(len(names), 'class')}; two or more are needed, each a folder of photographs "
            "below it."
        )
    counts = Counter(name for _, name, _ in rows)
    if few := [f"{name} ({counts[name]})" for name in names if counts[name] < MIN_IMAGES]:
        raise ImageSetError(
            f"{say_count(len(few), 'class has', 'classes have')} fewer than {MIN_IMAGES} photographs that can be read: "
            f"{_some(few)}. Each needs one to train on, one to decide when to stop, and one to test."
        )
    return ClassSet(
        root=root,
        names=names,
        paths=tuple(path for path, _, _ in rows),
        labels=np.array([names.index(name) for _, name, _ in rows], dtype=np.int64),
        parts=tuple(part for _, _, part in rows),
        sha256=sha256,
    )


def _some(names: list[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more
