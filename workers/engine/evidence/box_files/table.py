"""The readers of files of boxes; the first that recognizes a file reads it."""

from pathlib import Path
from types import ModuleType

from workers.engine.evidence.box_files import coco, ilsvrc, table_of_boxes, wsol
from workers.engine.evidence.box_files.boxed_images import BoxedImage, BoxesInvalid, gather

READERS: tuple[ModuleType, ...] = (wsol, table_of_boxes, coco, ilsvrc)


def read_boxes(path: Path) -> list[BoxedImage]:
    """The photographs that a file or folder gives boxes for, sorted by path. Raises BoxesInvalid."""
    try:
        return gather(_find_reader(path).read(path))
    except OSError as error:
        # A file without rights, or a folder with the name of a file, anywhere below the path.
        name = Path(str(error.filename or path)).name
        raise BoxesInvalid(f"{name[:80]} cannot be read: {error.strerror or type(error).__name__}.") from None


def _find_reader(path: Path) -> ModuleType:
    """Raises BoxesInvalid, OSError."""
    if not path.exists():
        raise BoxesInvalid(f"There is no file of boxes at {path}.")
    reader = next((one for one in READERS if one.recognizes(path)), None)
    if reader is None:
        raise BoxesInvalid(
            f"{path.name} is neither a CSV, COCO JSON, a folder with localization.txt nor one of XML files."
        )
    return reader
