"""COCO-Stuff: photographs, and in stuffthingmaps/ (or the folder that --labels names) maps whose value is a label's
number in labels.txt less one; 255 is unlabeled. https://github.com/nightrome/cocostuff
"""

from collections.abc import Sequence
from pathlib import Path

from workers.engine.images.image_set import ImageSet
from workers.engine.images.label_names import LabelNames, find_names, is_nothing
from workers.engine.images.label_table import ImageSetError
from workers.engine.images.masks import MaskLayout, open_masks
from workers.engine.images.reading import Asked, ImageSetReader, list_below

MAPS = ("stuffthingmaps", "stuffthingmaps_trainval2017", "stuff_things_maps")
# The last two of the 182 numbers of things and stuff tell its labels.txt from others.
TOLD_BY = {181: "window-other", 182: "wood"}
PHOTOGRAPHS = ("images", "JPEGImages")


def recognizes(asked: Asked) -> bool:
    return _find_maps(asked) is not None


def _find_maps(asked: Asked) -> Path | None:
    named = asked.label_path
    if named is not None:
        if not named.is_dir():
            return None
        listed = find_names((named, named.parent, asked.root)) if named.name not in MAPS else None
        return named if named.name in MAPS or (listed is not None and _is_stuff(listed)) else None
    there = (asked.root / name for name in MAPS if (asked.root / name).is_dir())
    return next(there, None) if asked.by_look else None


def _is_stuff(names: LabelNames) -> bool:
    return all(names.values.get(number) == name for number, name in TOLD_BY.items())


def open_coco_stuff(asked: Asked) -> ImageSet:
    """Raises ImageSetError."""
    maps = _find_maps(asked)
    if maps is None:
        raise ImageSetError(f"{asked.root.name} holds no {MAPS[0]}.")
    names = find_names(dict.fromkeys((maps, maps.parent, asked.root)))
    if names is None:
        raise ImageSetError(f"No labels.txt beside {maps.name} says what its values mean: put COCO-Stuff's there.")
    lowered = {number - 1: name for number, name in names.values.items() if number and not is_nothing(name)}
    inner = _find_photographs(asked.root)
    return open_masks(MaskLayout(asked.root, inner, maps, LabelNames(names.file, values=lowered)))


def _find_photographs(root: Path) -> Path:
    return next((root / name for name in PHOTOGRAPHS if (root / name).is_dir()), root)


def list_photographs(root: Path, paths: Sequence[str]) -> list[str]:
    inner = _find_photographs(root)
    if inner != root:
        return list_below(inner.name, paths)
    return [path for path in paths if not path.startswith(tuple(f"{name}/" for name in MAPS))]


READER = ImageSetReader(
    name="COCO-Stuff", recognizes=recognizes, open=open_coco_stuff, list_photographs=list_photographs
)
