"""COCO's JSON: boxes, polygons and run lengths of each object, or panoptic label maps.

A region is what `segmentation` says, else its box `bbox`. Crowds (`iscrowd`) count as what they are a crowd of. The
number of a label is its category's id, if all ids lie from 1 to 65,535. https://cocodataset.org/#format-data
LVIS names an image by its address alone (`coco_url`). https://www.lvisdataset.org/dataset
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from workers.engine.images.boxed_images import find_grid
from workers.engine.images.coco_regions import end_far_outside, fill_region, has_no_area, is_in_shares, lies_outside
from workers.engine.images.image_set import ImageSet
from workers.engine.images.json_files import Entry, read_json
from workers.engine.images.label_maps import LabelMapUnreadable
from workers.engine.images.label_table import ImageSetError
from workers.engine.images.mask_files import read_mask
from workers.engine.images.passed_over import sum_up
from workers.engine.images.photographs import Photographs, demand_found, is_inside, list_passed
from workers.engine.images.reading import (
    MAX_LABEL_NUMBER,
    Asked,
    Drawn,
    ImageSetReader,
    LabelFileMalformed,
    LabelSource,
    build_image_set,
    make_labels,
    tell_merged,
)
from workers.engine.images.regions import (
    Grid,
    RegionInvalid,
    lay_regions,
    make_grid,
)
from workers.engine.images.text_files import find_encoding
from workers.engine.images.walking import list_images
from workers.engine.plurals import say_count

LOOKED_AT_BYTES = 2**20
FOLDERS = ("annotations", "labels", ".")
LISTS = ("images", "annotations", "categories")
# Releases before quarantined images with a region that has no area, took one outside for one without pixels, and
# quarantined images without a size: what is measured now is of another set.
FLAT, OUTSIDE = "regions without area mark no pixel", "a region outside quarantines its image"
UNSTATED = "sizes that are not stated are those of the photographs"
# Other JSON files that lie beside COCO's.
OTHER_KINDS = ("captions_", "image_info_", "person_keypoints_")


def recognizes(asked: Asked) -> bool:
    if asked.label_path is not None:
        return asked.label_path.suffix.lower() == ".json"
    return asked.by_look and bool(_list_files(asked.root))


def _list_files(root: Path) -> list[Path]:
    """JSON files in root or its annotations/ that look like COCO's."""
    found = [file for name in FOLDERS for file in sorted((root / name).glob("*.json"))]
    return [file for file in found if not file.name.startswith(OTHER_KINDS) and _looks_right(file)]


def _looks_right(file: Path) -> bool:
    """True if a small file names all of COCO's lists, or if a large one begins with some of them."""
    try:
        encoding = find_encoding(file)
        with file.open("rb") as opened:
            start = opened.read(LOOKED_AT_BYTES).decode(encoding, "ignore")
            is_whole = not opened.read(1)
    except OSError:
        return False
    named = [f'"{name}"' in start for name in LISTS]
    return start.lstrip().startswith("{") and (all(named) if is_whole else any(named))


@dataclass(frozen=True)
class _Annotated:
    """What a JSON file says: sizes and ids of images, names of numbers, and the annotations of each image's id."""

    file: Path
    entries: Mapping[int | str, Entry]
    names: Mapping[int, str]
    number_of: Mapping[int, int]
    annotations: Mapping[int | str, list[Entry]]
    is_panoptic: bool
    notes: tuple[str, ...]
    meaning: str

    @property
    def first_names(self) -> list[str]:
        """Some names of photographs, enough to see whether they lie in a folder."""
        return [str(one.get("file_name")) for one in list(self.entries.values())[:20]]

    @cached_property
    def masks(self) -> Path:
        """The folder of the panoptic label maps, named like the JSON file."""
        inner = self.file.with_suffix("")
        return inner if inner.is_dir() else self.file.parent

    def grid(self, image: int | str, photograph: Path) -> Grid:
        """The photograph's own if the file does not state its size; raises LabelMapUnreadable or RegionInvalid."""
        height, width = _find_sides(self.entries[image])
        return make_grid(height, width) if height or width else find_grid(photograph)

    def draw(self, image: int | str, photograph: Path) -> Drawn:
        """The label maps of an image; raises LabelMapUnreadable or RegionInvalid."""
        grid = self.grid(image, photograph)
        maps = [self._draw_panoptic(image, grid)] if self.is_panoptic else lay_regions(self._fill(image, grid))
        return Drawn(*grid.size, maps)

    def _fill(self, image: int | str, grid: Grid) -> dict[int, NDArray[np.bool_]]:
        filled: dict[int, NDArray[np.bool_]] = {}
        for entry in self.annotations.get(image, []):
            number = self.number_of[entry.whole("category_id")]
            try:
                region = fill_region(grid, entry)
            except RegionInvalid as error:
                raise LabelMapUnreadable(f"{entry.place} of {self.file.name}: {error}") from None
            filled[number] = filled[number] | region if number in filled else region
        return filled

    def _draw_panoptic(self, image: int | str, grid: Grid) -> NDArray[np.uint16]:
        """A pixel's segment is red + 256 x green + 65,536 x blue, 0 for none; each segment has a category."""
        numbers = np.zeros(grid.size, dtype=np.uint16)
        for file, entry in self.panoptic_files(image):
            pixels = grid.sample(read_mask(file, full=(grid.full_height, grid.full_width), colors=True))
            segments = pixels.astype(np.int64) @ np.array([1, 256, 65_536], dtype=np.int64)
            known = segments == 0
            for segment in entry.entries("segments_info"):
                here = segments == segment.whole("id")
                numbers[here] = self.number_of[segment.whole("category_id")]
                known |= here
            if not known.all():
                raise LabelMapUnreadable(
                    f"label map {file.name} carries segment {segments[~known].min()}, which {entry.place} of "
                    f"{self.file.name} does not list"
                )
        return numbers

    def panoptic_files(self, image: int | str) -> list[tuple[Path, Entry]]:
        if not self.is_panoptic:
            return []
        found = self.annotations.get(image, [])
        if (odd := next((one for one in found if not is_inside(one.text("file_name"))), None)) is not None:
            raise odd.wrong("file_name", f"is not a path below {self.masks.name}")
        return [(self.masks / entry.text("file_name"), entry) for entry in found]


def _find_sides(entry: Entry) -> tuple[Any, Any]:
    """Height and width that the file states of an image."""
    return entry.get("height"), entry.get("width")


def _read(file: Path) -> _Annotated:
    """Read and check a JSON file; raises LabelFileMalformed naming the entry that is wrong."""
    whole = read_json(file)
    missing = [name for name in LISTS if not isinstance(whole.get(name), list)]
    if missing:
        raise LabelFileMalformed(
            f"{file.name} has no list {' and no list '.join(missing)}: COCO's JSON has images, annotations, categories."
        )
    entries: dict[int | str, Entry] = {}
    for one in whole.entries("images"):
        if one.key("id") in entries:
            raise one.wrong("id", "stands twice")
        if "file_name" not in one.values and isinstance(one.get("coco_url"), str):
            one.values["file_name"] = urlsplit(one.text("coco_url")).path
        entries[one.key("id")] = one
    categories = _read_categories(whole)
    is_renumbered = not all(1 <= number <= MAX_LABEL_NUMBER for number in categories)
    # Categories of one name are one label: the number is that of the first.
    own = {one: place if is_renumbered else one for place, one in enumerate(sorted(categories), start=1)}
    first = {categories[one]: own[one] for one in sorted(categories, reverse=True)}
    number_of = {one: first[name] for one, name in categories.items()}
    listed, annotations = whole.entries("annotations"), dict[int | str, list[Entry]]()
    is_panoptic = any("segments_info" in one.values for one in listed)
    for one in listed:
        image = one.key("image_id")
        if image not in entries:
            raise one.wrong("image_id", "is the id of no image of the file")
        for segment in one.entries("segments_info") if is_panoptic else (one,):
            if is_panoptic:
                segment.whole("id")  # said here rather than when its map is read
            if segment.whole("category_id") not in number_of:
                raise segment.wrong("category_id", "is the id of no category of the file")
        annotations.setdefault(image, []).append(one)
    if listed and all(map(is_in_shares, listed)):
        raise LabelFileMalformed(
            f"{file.name}, {listed[0].place}: neither this place nor any other of the file has a number over 1. COCO's "
            "places are in pixels of the photograph, and not in shares of its sides."
        )
    sides = {key: _find_sides(one) for key, one in entries.items()}
    if not is_panoptic and end_far_outside(listed, sides):
        raise LabelFileMalformed(
            f"{file.name}: most boxes begin inside their photograph and end far outside. COCO's bbox is the left, the "
            "top, the width and the height of a box, and not two corners."
        )
    names = {number_of[one]: name for one, name in categories.items()}
    n_flat = 0 if is_panoptic else sum(map(has_no_area, listed))
    flat = (
        f"{say_count(n_flat, 'annotation has', 'annotations have')} a box or polygon without area: it marks no pixel."
    )
    notes = (*tell_merged(categories.values()), *([flat] if n_flat else []))
    is_outside = not is_panoptic and any(lies_outside(one, *sides[one.key("image_id")]) for one in listed)
    read_so = {FLAT: n_flat, OUTSIDE: is_outside, UNSTATED: any(not any(stated) for stated in sides.values())}
    meaning = "; ".join(words for words, is_so in read_so.items() if is_so)
    return _Annotated(file, entries, names, number_of, annotations, is_panoptic, notes, meaning)


def _read_categories(whole: Entry) -> dict[int, str]:
    categories: dict[int, str] = {}
    for one in whole.entries("categories"):
        if one.whole("id") in categories:
            raise one.wrong("id", "stands twice")
        categories[one.whole("id")] = " ".join(one.text("name").split())
    if not categories:
        raise LabelFileMalformed(f"{whole.file} lists no categories.")
    return categories


def open_coco(asked: Asked) -> ImageSet:
    """The images that the JSON file names; raises ImageSetError or LabelFileMalformed."""
    found, passed = list_images(asked.root)
    photographs = Photographs(asked.root, tuple(found))
    file, told = _choose_file(asked, photographs)
    placed = photographs.place(entry.text("file_name") for entry in told.entries.values())
    image_of: dict[str, int | str] = {}
    for key, entry in told.entries.items():
        path = placed.get(entry.text("file_name"))
        if path is None:
            raise entry.wrong("file_name", "is not the path of a photograph")
        if path in image_of:
            raise entry.wrong("file_name", "stands twice")
        image_of[path] = key
    demand_found(image_of, photographs, file=file.name)
    paths = sorted(image_of)
    masks = {mask for key in told.entries for mask, _ in told.panoptic_files(key)}
    passed = list_passed(passed, photographs, [*paths, *_inside(asked.root, masks)], file=file.name)
    return build_image_set(
        root=asked.root,
        paths=paths,
        labels=make_labels(dict(told.names)),
        source=LabelSource(
            root=file.parent,
            draw=lambda index: told.draw(image_of[paths[index]], asked.root / paths[index]),
            size=lambda index: _find_size(told, image_of[paths[index]], asked.root / paths[index]),
            files=lambda index: [mask for mask, _ in told.panoptic_files(image_of[paths[index]])],
            tables=[file],
            meaning=told.meaning,
        ),
        passed_over=sum_up(one for one in passed if PurePosixPath(one[1]).suffix != ".json"),
        notes=told.notes,
    )


def _find_size(told: _Annotated, image: int | str, photograph: Path) -> tuple[int, int] | None:
    try:
        return told.grid(image, photograph).size
    except (LabelMapUnreadable, RegionInvalid):
        return None  # said when its labels are drawn


def _inside(root: Path, files: set[Path]) -> list[str]:
    return [file.relative_to(root).as_posix() for file in files if file.is_relative_to(root)]


def _choose_file(asked: Asked, photographs: Photographs) -> tuple[Path, _Annotated]:
    """The file that a person named, else the only one whose photographs are here."""
    if asked.label_path is not None:
        return asked.label_path, _read(asked.label_path)
    files = _list_files(asked.root)
    fitting: list[tuple[Path, _Annotated]] = []
    for file in files:
        told = _read(file)
        if len(files) == 1 or photographs.find(told.first_names):
            fitting.append((file, told))
    if len(fitting) != 1:
        names = ", ".join(file.relative_to(asked.root).as_posix() for file in files)
        raise ImageSetError(f"{asked.root.name} holds several files of labels ({names}): name one with --labels.")
    return fitting[0]


def list_photographs(root: Path, paths: Sequence[str]) -> list[str]:
    """Whatever lies in no folder of panoptic maps, which is called like its JSON file."""
    there = [(file, file.with_suffix("")) for file in _list_files(root)]
    folders = [
        f"{folder.relative_to(root).as_posix()}/"
        for file, folder in there
        if folder.is_dir() and b'"segments_info"' in file.read_bytes()
    ]
    return [path for path in paths if not path.startswith(tuple(folders))]


READER = ImageSetReader(name="COCO JSON", recognizes=recognizes, open=open_coco, list_photographs=list_photographs)
