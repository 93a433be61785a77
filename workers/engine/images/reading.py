"""What readers of image sets are given and give back, and what they share: numbers and names of labels."""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from workers.engine.images.decoding import read_size
from workers.engine.images.image_set import ImageSet, digest_files
from workers.engine.images.label_maps import LabelMapUnreadable, LabelRuns, Slot, pack_slots
from workers.engine.images.label_table import ImageSetError, Label, LabelTable
from workers.engine.images.passed_over import PassedOver
from workers.engine.images.regions import RegionInvalid
from workers.engine.plurals import say_count

# What --labels may say in place of a path.
NO_LABELS, FOLDER_NAMES = "none", "folders"
# The category of labels whose file knows no categories of Broden's kind.
CATEGORY = "object"
MAX_LABEL_NUMBER = 65_535
# The size of the label maps of images whose labels are all given for the whole image.
WHOLE_SIZE = (112, 112)
# How far the proportions of a label map may be from those of its photograph.
SHAPE_SHARE = 0.02


class LabelFileMalformed(ImageSetError):
    """A file of labels is wrong; the message names the file and the place in it."""


@dataclass(frozen=True)
class Asked:
    """A folder of images, and what a person said of its labels: nothing (found by look), NO_LABELS, FOLDER_NAMES or the
    path of a file or folder.
    """

    root: Path
    labels: str = ""

    @property
    def label_path(self) -> Path | None:
        """The file or folder of labels that a person named."""
        return None if self.labels in ("", NO_LABELS, FOLDER_NAMES) else Path(self.labels)

    @property
    def by_look(self) -> bool:
        return not self.labels

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of all files below the folder, listed once for the readers that look for a kind of name."""
        return tuple(name for _, _, files in os.walk(self.root) for name in files)


def list_below(folder: str, paths: Iterable[str]) -> list[str]:
    return [path for path in paths if path.startswith(f"{folder}/")]


def place_labels(folder: Path, labels: str) -> str:
    """What a person said of the labels of a folder of images; a path below it as a whole path."""
    return labels if labels in ("", NO_LABELS, FOLDER_NAMES) else str(folder / labels)


@dataclass(frozen=True)
class ImageSetReader:
    """A layout of image sets: how it is called, recognized and opened. `has_labels`: its images carry labels.

    `list_photographs` is given the folder and the paths of all images below it, and says which are the photographs of
    the layout; None if no label maps lie there, or if their names tell them (mask_folders.py).
    """

    name: str
    recognizes: Callable[[Asked], bool]
    open: Callable[[Asked], ImageSet]
    has_labels: bool = True
    list_photographs: Callable[[Path, Sequence[str]], list[str]] | None = None


@dataclass(frozen=True)
class Drawn:
    """The labels of one image: size of its label maps, then maps and numbers of the whole image."""

    height: int
    width: int
    slots: Sequence[Slot]


@dataclass(frozen=True)
class LabelSource:
    """Where the labels of images come from, for `build_image_set`.

    `draw` gives the labels of an image by its index (it may raise LabelMapUnreadable or RegionInvalid), `size` height
    and width of its label maps, None if it has none, `files` the files that hold them; `tables` hold the labels of all
    images; `root` holds them all. `meaning` states what the labels depend on beside these files and the table of
    labels: which value or color is which label.
    """

    root: Path
    draw: Callable[[int], Drawn]
    size: Callable[[int], tuple[int, int] | None]
    files: Callable[[int], Sequence[Path]] = lambda index: ()
    tables: Sequence[Path] = ()
    meaning: str = ""


def build_image_set(
    *,
    root: Path,
    paths: Sequence[str],
    labels: LabelTable,
    source: LabelSource,
    passed_over: tuple[PassedOver, ...],
    notes: Sequence[str] = (),
) -> ImageSet:
    """An image set whose labels are drawn one image at a time."""

    def read_runs(index: int) -> LabelRuns:
        try:
            drawn = source.draw(index)
        except RegionInvalid as error:
            raise LabelMapUnreadable(f"its labels cannot be drawn: {error}") from None
        if any(not isinstance(slot, int) for slot in drawn.slots):
            _demand_shape(root / paths[index], drawn)
        return pack_slots(height=drawn.height, width=drawn.width, slots=[(0, slot) for slot in drawn.slots])

    files = [file for index in range(len(paths)) for file in source.files(index)]
    digests = [
        digest_files(map(root.joinpath, paths), root=root),
        digest_files(files, root=source.root, tables=source.tables),
        repr(labels),
        source.meaning,
    ]
    return ImageSet(
        root=root,
        paths=tuple(paths),
        sha256=hashlib.sha256("\n".join(digests).encode()).hexdigest(),
        labels=labels,
        read_runs=read_runs,
        list_label_files=lambda indices: [file for index in indices for file in source.files(index)],
        find_map_size=source.size,
        passed_over=passed_over,
        notes=tuple(notes),
    )


def _demand_shape(photograph: Path, drawn: Drawn) -> None:
    """Raises LabelMapUnreadable if the label maps have other proportions than the upright photograph."""
    try:
        size = read_size(photograph)
    except Exception:
        return  # the reason is said when its pixels are decoded
    across, down = drawn.width * size["height"], drawn.height * size["width"]
    # One pixel of the map may have been rounded away.
    if abs(across - down) > SHAPE_SHARE * max(across, down) + max(size.values()):
        raise LabelMapUnreadable(
            f"its label map has the shape of {drawn.width} x {drawn.height} px, the photograph of {size['width']} x "
            f"{size['height']}"
        )


def make_labels(names: dict[int, str]) -> LabelTable:
    """A table of one category from the name of each number from 1 on."""
    labels = tuple(Label(number, names[number], CATEGORY, (CATEGORY,)) for number in sorted(names))
    return LabelTable(labels=labels, categories=(CATEGORY,))


def tell_merged(names: Iterable[str]) -> tuple[str, ...]:
    """A sentence for each name that stands for several numbers, which are one label."""
    counts = Counter(names)
    return tuple(f"{n} categories are called {name!r}: they are one label." for name, n in counts.items() if n > 1)


def number_names(names: Iterable[str]) -> dict[str, int]:
    """Numbers from 1 on for names in alphabetical order; raises ImageSetError if there are too many."""
    ordered = sorted(set(names))
    if len(ordered) > MAX_LABEL_NUMBER:
        raise ImageSetError(
            f"There are {say_count(len(ordered), 'different label')}; at most {MAX_LABEL_NUMBER:,} are read."
        )
    return {name: number for number, name in enumerate(ordered, start=1)}
