"""The readers of files of boxes; the first that recognizes a file reads it."""

from pathlib import Path
from types import ModuleType

from workers.engine.evidence.box_files import coco, ilsvrc, table_of_boxes, wsol
from workers.engine.evidence.box_files.boxed_images import BoxedImage, BoxesInvalid, gather

READERS: tuple[ModuleType, ...] = (wsol, table_of_boxes, coco, ilsvrc)


def read_boxes(path: Path) -> list[BoxedImage]:
    """The photographs that a file or folder gives boxes for, sorted by path. Raises BoxesInvalid."""
    if not path.exists():
        raise BoxesInvalid(f"There is no file of boxes at {path}.")
    reader = next((one for one in READERS if one.recognizes(path)), None)
    if reader is None:
        raise BoxesInvalid(
            f"{path.name} is neither a CSV, COCO JSON, a folder with localization.txt nor one of XML files."
        )
    return gather(reader.read(path))
