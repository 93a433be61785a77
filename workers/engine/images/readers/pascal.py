"""Pascal VOC (JPEGImages/, SegmentationClass/) and Pascal Context (SegmentationClassContext/ or a folder of label maps
with its labels.txt): palette or gray label maps, 255 is void.

http://host.robots.ox.ac.uk/pascal/VOC/voc2012/, https://cs.stanford.edu/~roozbeh/pascal-context/
"""

from pathlib import Path

from workers.engine.images.image_set import ImageSet
from workers.engine.images.label_names import LabelNames, find_names
from workers.engine.images.label_table import ImageSetError
from workers.engine.images.masks import MaskLayout, open_masks
from workers.engine.images.reading import Asked, ImageSetReader, list_below

PHOTOGRAPHS = "JPEGImages"
VOC, CONTEXT = "SegmentationClass", "SegmentationClassContext"
VOC_NAMES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable",
    "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip


def recognizes(asked: Asked) -> bool:
    return _find_masks(asked) is not None


def _find_masks(asked: Asked) -> Path | None:
    """The folder of label maps: what a person named if it is called like one of Pascal's; both are looked for."""
    if asked.label_path is not None:
        named = asked.label_path.name in (VOC, CONTEXT) and asked.label_path.is_dir()
        return asked.label_path if named else None
    if not asked.by_look or not (asked.root / PHOTOGRAPHS).is_dir():
        return None
    there = [asked.root / name for name in (VOC, CONTEXT) if (asked.root / name).is_dir()]
    return there[0] if there else None


def open_pascal(asked: Asked) -> ImageSet:
    """Raises ImageSetError; the other folder of label maps, where both are, is mentioned."""
    masks = _find_masks(asked)
    if masks is None:
        raise ImageSetError(f"{asked.root.name} holds no label maps of Pascal.")
    inner = asked.root / PHOTOGRAPHS
    listed = find_names((masks, masks.parent, asked.root))
    if masks.name == CONTEXT and listed is None:
        raise ImageSetError(
            f"No labels.txt in {masks.parent.name} says what the values in {CONTEXT} mean: put it there."
        )
    names = listed or LabelNames("the list of Pascal VOC", values=dict(enumerate(VOC_NAMES)))
    other = masks.parent / CONTEXT
    notes = (f"{CONTEXT} is there, too; to read it: --labels {other}.",) if masks.name == VOC and other.is_dir() else ()
    return open_masks(MaskLayout(asked.root, inner if inner.is_dir() else asked.root, masks, names, notes=notes))


READER = ImageSetReader(
    name="Pascal VOC or Context",
    recognizes=recognizes,
    open=open_pascal,
    list_photographs=lambda root, paths: list_below(PHOTOGRAPHS, paths),
)
