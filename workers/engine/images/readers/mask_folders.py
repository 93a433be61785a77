"""Label maps beside photographs: in a folder of their own, or in the same folder under a name with an ending.

What the values mean says a file beside them (label_names.py lists the forms); without one, a value is its own name.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from workers.engine.images.image_set import ImageSet
from workers.engine.images.label_names import UNNAMED, LabelNames, find_names
from workers.engine.images.label_table import ImageSetError
from workers.engine.images.masks import MASK_SUFFIXES, NO_MAP, MaskLayout, open_masks, pair_masks
from workers.engine.images.reading import Asked, ImageSetReader
from workers.engine.images.walking import SUFFIXES

IMAGE_FOLDERS = ("images", "image", "img", "imgs", "photos", "JPEGImages", "leftImg8bit", "rgb")
MASK_FOLDERS = (
    "masks", "mask", "annotations", "annotation", "labels", "label", "segmentation", "segmentations", "seg", "gt",
    "ground_truth", "SegmentationClass", "labels_png", "pixelmaps",
)  # fmt: skip
ENDINGS = ("", "_mask", "_seg", "_label", "_labels", "_labelIds", "_gt", "_L", "_segmentation")


def recognizes(asked: Asked) -> bool:
    return _find(asked) is not None


def find_maps(root: Path) -> dict[str, Path]:
    """Paths below root of the files that are named like label maps of photographs, whatever their format, with the
    folder they lie in. To be left out where photographs are listed.
    """
    found = _find(Asked(root), SUFFIXES)
    if found is None:
        return {}
    pairs, _ = pair_masks(replace(_layout(Asked(root), *found, UNNAMED), suffixes=SUFFIXES))
    return {mask.relative_to(root).as_posix(): found[1] for mask in pairs.values()}


def tell_unpaired(asked: Asked) -> tuple[str, ...]:
    """A sentence if the folder looks like photographs with label maps, and no name of one is that of the other."""
    images, masks = _find_folders(asked.root)
    if not asked.by_look or images is None or masks is None:
        return ()
    apart = replace(_layout(asked, images, masks, UNNAMED), suffixes=SUFFIXES)
    there = next((path for path in masks.rglob("*") if path.suffix.lower() in MASK_SUFFIXES), None)
    if there is None or _any_pair(apart):
        return ()
    return (
        f"{masks.name} holds pictures such as {there.name}, none of which is called like a photograph of "
        f"{images.name}: they were taken for photographs. If they are label maps, call them like their photographs.",
    )


def _find_folders(root: Path) -> tuple[Path | None, Path | None]:
    """Folders that are called like those of photographs and of label maps."""
    images = next((root / name for name in IMAGE_FOLDERS if (root / name).is_dir()), None)
    masks = next((root / name for name in MASK_FOLDERS if (root / name).is_dir()), None)
    return images, masks


def _find(asked: Asked, suffixes: Sequence[str] = MASK_SUFFIXES) -> tuple[Path, Path] | None:
    """The folders of photographs and of label maps."""
    if asked.label_path is not None:
        return (_find_images(asked.root, asked.label_path), asked.label_path) if asked.label_path.is_dir() else None
    if not asked.by_look:
        return None
    images, masks = _find_folders(asked.root)
    if images is not None and masks is not None:
        apart = replace(_layout(asked, images, masks, UNNAMED), suffixes=suffixes)
        if _any_pair(apart):
            return images, masks
    is_likely = any(Path(name).stem.endswith(ENDINGS[1:]) for name in asked.names)
    beside = replace(_layout(asked, asked.root, asked.root, UNNAMED), suffixes=suffixes)
    return (asked.root, asked.root) if is_likely and _mostly_pairs(beside) else None


def _find_images(root: Path, masks: Path) -> Path:
    """The folder of photographs, if root holds one beside the label maps."""
    inner = next((root / name for name in IMAGE_FOLDERS if (root / name).is_dir()), root)
    return inner if masks.is_relative_to(root) and masks != inner and not masks.is_relative_to(inner) else root


def _layout(asked: Asked, images: Path, masks: Path, names: LabelNames) -> MaskLayout:
    note = () if names is not UNNAMED else (
        "No file says what the values of the label maps mean: each is its own name. A labels.txt with lines like "
        "`12: dog` beside them would.",
    )  # fmt: skip
    # In one folder, a picture of the same name could as well be a second photograph.
    endings = ENDINGS if masks != images else ENDINGS[1:]
    return MaskLayout(asked.root, images, masks, names, mask_endings=endings, notes=note)


def _any_pair(layout: MaskLayout) -> bool:
    try:
        return bool(pair_masks(layout)[0])
    except ImageSetError:
        return False


def _mostly_pairs(layout: MaskLayout) -> bool:
    """True if half of the photographs have a label map: single pictures of such names are no layout."""
    try:
        pairs, passed = pair_masks(layout)
    except ImageSetError:
        return False
    return bool(pairs) and len(pairs) >= sum(reason == NO_MAP for reason, _ in passed)


def open_mask_folders(asked: Asked) -> ImageSet:
    """Raises ImageSetError, LabelFileMalformed."""
    found = _find(asked)
    if found is None:
        raise ImageSetError(f"{asked.root.name} holds no photographs with label maps.")
    images, masks = found
    names = find_names(dict.fromkeys((masks, masks.parent, images, asked.root)))
    return open_masks(_layout(asked, images, masks, names or UNNAMED))


READER = ImageSetReader(name="label maps beside photographs", recognizes=recognizes, open=open_mask_folders)
