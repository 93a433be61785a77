"""Cityscapes: leftImg8bit/ and gtFine/ (or gtCoarse/) with files *_labelIds.png; numbers are the ids of its scripts.

Ids that Cityscapes files under "void" carry no label. https://www.cityscapes-dataset.com
"""

from pathlib import Path

from workers.engine.images.image_set import ImageSet
from workers.engine.images.label_names import LabelNames
from workers.engine.images.label_table import ImageSetError
from workers.engine.images.masks import MaskLayout, open_masks
from workers.engine.images.reading import Asked, ImageSetReader, list_below

PHOTOGRAPHS, MAPS = "leftImg8bit", ("gtFine", "gtCoarse")
NAMES = {
    **dict.fromkeys(range(7), "void"),
    **dict(enumerate(
        (
            "road", "sidewalk", "parking", "rail track", "building", "wall", "fence", "guard rail", "bridge", "tunnel",
            "pole", "polegroup", "traffic light", "traffic sign", "vegetation", "terrain", "sky", "person", "rider",
            "car", "truck", "bus", "caravan", "trailer", "train", "motorcycle", "bicycle",
        ),
        start=7,
    )),
}  # fmt: skip


def recognizes(asked: Asked) -> bool:
    return _find_maps(asked) is not None


def _find_maps(asked: Asked) -> Path | None:
    if asked.label_path is not None:
        return asked.label_path if asked.label_path.is_dir() and asked.label_path.name in MAPS else None
    is_there = asked.by_look and (asked.root / PHOTOGRAPHS).is_dir()
    return next((asked.root / name for name in MAPS if (asked.root / name).is_dir()), None) if is_there else None


def open_cityscapes(asked: Asked) -> ImageSet:
    """Raises ImageSetError."""
    maps = _find_maps(asked)
    if maps is None:
        raise ImageSetError(f"{asked.root.name} holds neither {' nor '.join(MAPS)}.")
    inner = asked.root / PHOTOGRAPHS
    return open_masks(
        MaskLayout(
            root=asked.root,
            images=inner if inner.is_dir() else asked.root,
            masks=maps,
            names=LabelNames("the list of Cityscapes", values=NAMES),
            mask_endings=(f"_{maps.name}_labelIds",),
            image_ending=f"_{PHOTOGRAPHS}",
        )
    )


READER = ImageSetReader(
    name="Cityscapes",
    recognizes=recognizes,
    open=open_cityscapes,
    list_photographs=lambda root, paths: list_below(PHOTOGRAPHS, paths),
)
