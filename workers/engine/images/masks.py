"""Photographs with a label map each, of the same name: how the layouts of masks/ are read once they are recognized.

A value that no name is given for is 255 or 65,535 (void) or a fault. The map is taken as the photograph lies upright.
"""

import posixpath
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workers.engine.images.image_set import ImageSet
from workers.engine.images.label_maps import LabelMapUnreadable
from workers.engine.images.label_names import UNNAMED, Color, LabelNames, is_nothing
from workers.engine.images.label_table import ImageSetError
from workers.engine.images.mask_files import TRANSPARENT, read_mask, read_mask_header, read_mask_size
from workers.engine.images.passed_over import find_fault, sum_up
from workers.engine.images.reading import Drawn, LabelSource, build_image_set, make_labels, tell_merged
from workers.engine.images.regions import Grid, make_grid
from workers.engine.images.walking import find_kind_fault, list_images

MASK_SUFFIXES = (".png", ".tif", ".tiff", ".bmp", ".gif")
VOID = (255, 65_535)
# As many maps are read to see whether all are of two values.
N_LOOKED_AT = 20
NO_MAP, SHARED = "no label map of this name", "its label map could be another photograph's, too"
Values = NDArray[np.int64]


@dataclass(frozen=True)
class MaskLayout:
    """Photographs below `images` and their label maps below `masks`.

    A map's name is the photograph's without `image_ending`, with one of `mask_endings` (the first that is there), and
    with one of `suffixes`. `names`: what values or colors mean. `decode` makes values of a map's pixels; None: they are
    the values.
    """

    root: Path
    images: Path
    masks: Path
    names: LabelNames
    mask_endings: Sequence[str] = ("",)
    image_ending: str = ""
    suffixes: Sequence[str] = MASK_SUFFIXES
    decode: Callable[[Values], Values] | None = None
    notes: tuple[str, ...] = field(default=())

    @cached_property
    def value_table(self) -> Values:
        """(65,536,) the label number of each value; -1 for values without a name."""
        table = np.full(65_536, -1, dtype=np.int64)
        table[[0, *VOID]] = 0
        for value, number in self.names.number_of_value.items():
            table[value] = number
        return table


def pair_masks(layout: MaskLayout) -> tuple[dict[str, Path], list[tuple[str, str]]]:
    """The label map of each photograph that may have one, and reason and path of the files that are left over.

    A photograph has the map at its own path, else the only map of its name. It has none if another photograph has that
    name, too, or if the map is at another photograph's own path. Photographs of one path have the same map.
    """
    found, passed = list_images(layout.images)
    maps = {_stem(path): layout.masks / path for path in _list_masks(layout)}
    pairs: dict[str, Path] = {}
    _pair(layout, found, maps, pairs, key=_stem)
    n_photographs, n_maps = Counter(_stem_name(path) for path in found), Counter(map(_stem_name, maps.values()))
    by_name = {_stem_name(mask): mask for mask in maps.values() if n_maps[_stem_name(mask)] == 1}
    alone = [path for path in found if n_photographs[_stem_name(path)] == 1]
    _pair(layout, alone, by_name, pairs, key=_stem_name)
    # Maps that keep the photograph's ending before their own: a.jpg.png.
    _pair(layout, found, maps, pairs, key=str)
    _pair(layout, alone, by_name, pairs, key=posixpath.basename)
    masks = set(pairs.values())
    left = [path for path in found if path not in pairs and layout.images / path not in masks]
    return pairs, passed + [(NO_MAP, path) for path in left]


def _pair(
    layout: MaskLayout,
    photographs: Sequence[str],
    maps: Mapping[str, Path],
    pairs: dict[str, Path],
    key: Callable[[str], str],
) -> None:
    """Add to `pairs` the maps of photographs that have none, by what `key` makes of a path, the first ending first."""
    for ending in layout.mask_endings:
        taken = set(pairs.values())
        for photograph in photographs:
            mask = maps.get(f"{key(photograph).removesuffix(layout.image_ending)}{ending}")
            if mask is None or mask in taken or mask == layout.images / photograph:
                continue
            pairs.setdefault(photograph, mask)


def _stem(path: str | Path) -> str:
    return posixpath.splitext(str(path))[0]


def _stem_name(path: str | Path) -> str:
    return posixpath.basename(_stem(path))


def _list_masks(layout: MaskLayout) -> Sequence[str]:
    files = (path for path in layout.masks.rglob("*") if path.suffix.lower() in layout.suffixes)
    paths = (path.relative_to(layout.masks).as_posix() for path in files)
    return sorted(path for path in paths if not find_fault(path) and not find_kind_fault(layout.masks / path))


def open_masks(layout: MaskLayout) -> ImageSet:
    """The photographs that have a label map of their own; raises ImageSetError if none has."""
    pairs, passed = pair_masks(layout)
    claims = Counter(pairs.values())
    passed += [(SHARED, path) for path, mask in pairs.items() if claims[mask] > 1]
    # A photograph in the same folder as the maps may itself be named like a map of another.
    paths = sorted(path for path, mask in pairs.items() if claims[mask] == 1 and layout.images / path not in claims)
    if not paths and not _list_masks(layout):
        raise ImageSetError(
            f"{layout.masks.name} holds no label maps: they are {', '.join(layout.suffixes)}. JPEG changes their "
            "values: write them again as PNG from where they were made."
        )
    if not paths and max(claims.values(), default=0) > 1:
        raise ImageSetError(
            f"Each label map of {layout.masks.name} could be that of several photographs, such as {min(pairs)}: leave "
            "one photograph of a name."
        )
    if not paths:
        raise ImageSetError(
            f"No photograph of {layout.images.name} has a label map of the same name in {layout.masks.name}."
        )
    _demand_one_map(layout, {path: pairs[path] for path in paths})
    _demand_meaning(layout, pairs[paths[0]])
    layout = _read_binary(layout, [pairs[path] for path in paths])

    def find_size(index: int) -> tuple[int, int] | None:
        size = read_mask_size(pairs[paths[index]])
        return Grid(*size).size if size else None

    return build_image_set(
        root=layout.images,
        paths=paths,
        labels=make_labels(layout.names.names),
        source=LabelSource(
            root=layout.masks,
            draw=lambda index: _draw(layout, pairs[paths[index]]),
            size=find_size,
            files=lambda index: [pairs[paths[index]]],
            meaning=layout.names.meaning + _tell_new(layout, [pairs[path] for path in paths]),
        ),
        passed_over=sum_up(passed),
        notes=(*layout.notes, *tell_merged(name for name in layout.names.values.values() if not is_nothing(name))),
    )


def _demand_one_map(layout: MaskLayout, pairs: Mapping[str, Path]) -> None:
    """Raises ImageSetError if a label map is there twice, with two suffixes."""
    photographs, maps = {layout.images / path for path in pairs}, {_stem(mask): mask for mask in pairs.values()}
    for path in _list_masks(layout):
        mask = layout.masks / path
        own = maps.get(_stem(mask), mask)
        if own != mask and mask not in photographs:
            raise ImageSetError(
                f"{layout.masks.name} has two label maps of one name, {own.name} and {mask.name}: leave one of them."
            )


def _demand_meaning(layout: MaskLayout, mask: Path) -> None:
    """Raises ImageSetError if the maps are colors that nothing explains."""
    try:
        _draw(layout, mask)
    except LabelMapUnreadable as error:
        if layout.names.colors or layout.decode is not None or "colors" not in str(error):
            return  # said of this photograph when its labels are read
        raise ImageSetError(
            f"The label maps are colors ({mask.name}), and no file says what they mean: put class_dict.csv "
            f"(name,r,g,b) into {layout.root.name}."
        ) from None


def _read_binary(layout: MaskLayout, masks: Sequence[Path]) -> MaskLayout:
    """Of maps of 0 and 255 alone, 255 is what they mark, and not void. Told by some of the maps."""
    names, marked = layout.names, VOID[0]
    if marked in names.values or names.colors or layout.decode is not None or not _are_binary(_some_of(masks), marked):
        return layout
    said, labels = f"The label maps carry 0 and {marked} alone", sorted(set(names.names.values()))
    if names is not UNNAMED and len(labels) > 1:
        note = f"{said}, and {names.file} does not say what {marked} is: no pixel has a label. Name it there."
        return replace(layout, notes=(*layout.notes, note))
    name = f"value {marked}" if names is UNNAMED else labels[0]
    others = {value: one for value, one in names.values.items() if one != name}
    named = replace(names, values={**others, marked: name})
    return replace(layout, names=named, notes=(*layout.notes, f"{said}: {marked} is the label {name}."))


def _tell_new(layout: MaskLayout, masks: Sequence[Path]) -> str:
    """Releases before quarantined maps with transparency, and those whose colors are in a palette: what is measured now
    is of another set. Told by some of the maps.
    """
    modes = {header[0] for mask in _some_of(masks) if (header := read_mask_header(mask))}
    new = {"transparency does not count": TRANSPARENT, "colors of a palette count": ("P",) * bool(layout.names.colors)}
    return "".join(f"; {words}" for words, those in new.items() if modes & set(those))


def _some_of(masks: Sequence[Path]) -> Sequence[Path]:
    return masks[:: max(1, len(masks) // N_LOOKED_AT)]


def _are_binary(masks: Sequence[Path], marked: int) -> bool:
    found = set[int]()
    for mask in masks:
        try:
            found |= set(np.unique(read_mask(mask)).tolist())
        except LabelMapUnreadable:
            continue  # said of its photograph when its labels are read
        if not found <= {0, marked}:
            return False
    return marked in found


def _draw(layout: MaskLayout, mask: Path) -> Drawn:
    pixels = read_mask(mask, painted=bool(layout.names.colors))
    grid = make_grid(*pixels.shape[:2])
    return Drawn(*grid.size, [_number(layout, grid.sample(pixels).astype(np.int64), mask.name).astype(np.uint16)])


def _number(layout: MaskLayout, pixels: Values, name: str) -> Values:
    """Label numbers of (h, w) values or (h, w, 3) colors."""
    if layout.decode is not None:
        pixels = layout.decode(pixels)
    elif pixels.ndim == 3 and layout.names.colors:
        return _number_colors(pixels, layout.names, name)
    elif pixels.ndim == 3:
        if not (pixels == pixels[..., :1]).all():
            raise LabelMapUnreadable(f"label map {name} holds colors, and {layout.names.file} names no colors")
        pixels = pixels[..., 0]
    if pixels.min() < 0 or pixels.max() >= len(layout.value_table):
        raise LabelMapUnreadable(f"label map {name} carries number {pixels.max()}, more than 65,535")
    numbers = layout.value_table[pixels]
    if (numbers < 0).any():
        strange = pixels[numbers < 0].min()
        raise LabelMapUnreadable(f"label map {name} carries number {strange}, which {layout.names.file} does not list")
    return numbers


def _number_colors(pixels: Values, names: LabelNames, name: str) -> Values:
    known = names.number_of_color
    packed = pixels @ np.array([65_536, 256, 1])
    colors, places = np.unique(packed, return_inverse=True)
    unpacked: list[Color] = [(int(one) >> 16, int(one) >> 8 & 255, int(one) & 255) for one in colors]
    strange = next((one for one in unpacked if one not in known and one != (0, 0, 0)), None)
    if strange is not None:
        raise LabelMapUnreadable(f"label map {name} carries the color {strange}, which {names.file} does not list")
    numbers = np.array([known.get(one, 0) for one in unpacked], dtype=np.int64)
    return numbers[places.reshape(packed.shape)]
