"""ADE20K. The full set: beside each photograph a map *_seg.png that packs the number of an object as red // 10 x 256 +
green, with names in *.json (2021) or *_atr.txt (2016). The challenge's 150 classes: images/, annotations/ and
objectInfo150.txt, values from 1. Parts of objects are not read. https://groups.csail.mit.edu/vision/datasets/ADE20K/
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from workers.engine.images.image_set import ImageSet
from workers.engine.images.json_files import Entry, read_json
from workers.engine.images.label_maps import LabelMapUnreadable
from workers.engine.images.label_names import LabelNames
from workers.engine.images.label_table import ImageSetError
from workers.engine.images.mask_files import read_mask
from workers.engine.images.masks import MaskLayout, Values, open_masks, pair_masks
from workers.engine.images.reading import Asked, ImageSetReader, LabelFileMalformed

ENDING, ATTRIBUTES = "_seg", "_atr.txt"
# Maps of objects, of their parts, and of 2021 of each object alone.
_MAP = re.compile(rf"(^|.*/)(.*({ENDING}|_parts_\d+)|instance_\d+_[^/]*)\.png")


def recognizes(asked: Asked) -> bool:
    """The challenge's layout is that of mask_folders.py: its objectInfo150.txt names the values."""
    is_likely = asked.by_look and any(name.endswith(f"{ENDING}.png") for name in asked.names)
    return is_likely and any(_find_described(asked.root))


def _find_described(root: Path) -> Iterable[Path]:
    """Maps with a file of names beside them."""
    return (file for file in root.rglob(f"*{ENDING}.png") if _find_names_of(file) is not None)


def _find_names_of(mask: Path) -> Path | None:
    start = mask.name.removesuffix(f"{ENDING}.png")
    there = (mask.with_name(f"{start}{ending}") for ending in (".json", ATTRIBUTES))
    return next((file for file in there if file.is_file()), None)


def unpack(pixels: Values) -> Values:
    """(h, w) numbers of objects of (h, w, 3) colors; raises LabelMapUnreadable."""
    if pixels.ndim != 3:
        raise LabelMapUnreadable("the label map holds no colors, into which ADE20K packs its numbers")
    return np.asarray(pixels[..., 0] // 10 * 256 + pixels[..., 1])


def open_ade20k(asked: Asked) -> ImageSet:
    """Raises ImageSetError, LabelFileMalformed."""
    layout = MaskLayout(
        root=asked.root,
        images=asked.root,
        masks=asked.root,
        names=LabelNames("its file of names"),
        mask_endings=(ENDING,),
        decode=unpack,
    )
    values: dict[int, str] = {}
    for mask in pair_masks(layout)[0].values():
        _add_names(values, mask)
    if not values:
        raise ImageSetError(f"No file beside the label maps of {asked.root.name} names an object.")
    names = LabelNames("the files of names", values={0: "background", **values})
    return open_masks(replace(layout, names=names))


def _add_names(values: dict[int, str], mask: Path) -> None:
    """What the file of names beside a map tells of the map's numbers."""
    file = _find_names_of(mask)
    if file is None:
        return
    if file.suffix == ".json":
        for one in _list_objects(file):
            if (number := one.get("name_ndx")) and isinstance(number, int):
                values.setdefault(number, one.text("name"))
        return
    known = set(values.values())
    named = _read_attributes(file)
    if set(named.values()) <= known:
        return  # the map need not be read
    try:
        pixels = read_mask(mask, colors=True).astype(np.int64)
    except LabelMapUnreadable:
        return  # said of its photograph when its labels are read
    numbers, instances = unpack(pixels), pixels[..., 2]
    inside = [int(one) for one in np.unique(instances) if one]
    for place, name in named.items():
        if 1 <= place <= len(inside):
            found = numbers[instances == inside[place - 1]]
            values.setdefault(int(np.bincount(found).argmax()), name)


def _list_objects(file: Path) -> list[Entry]:
    annotation = read_json(file).get("annotation")
    if not isinstance(annotation, dict):
        raise LabelFileMalformed(f"{file.name} has no object annotation.")
    return Entry(file.name, "", annotation).entries("object")


def _read_attributes(file: Path) -> dict[int, str]:
    """The name of each object by its number in the photograph; lines are `number # part level # occluded # name #`."""
    named: dict[int, str] = {}
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise LabelFileMalformed(f"{file.name} cannot be read: {error.strerror}.") from None
    for place, line in enumerate(lines, start=1):
        fields = [one.strip() for one in line.split("#")]
        if not line.strip():
            continue
        if len(fields) < 4 or not re.fullmatch(r"\d{1,9}", fields[0]):
            raise LabelFileMalformed(
                f"{file.name}, line {place}: {line[:60]!r} does not begin with number # part level."
            )
        if fields[1] == "0":
            named[int(fields[0])] = fields[3]
    return named


def list_photographs(_root: Path, paths: Sequence[str]) -> list[str]:
    return [path for path in paths if not _MAP.fullmatch(path)]


READER = ImageSetReader(name="ADE20K", recognizes=recognizes, open=open_ade20k, list_photographs=list_photographs)
