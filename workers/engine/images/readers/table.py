"""The layouts of image sets that are read, the most particular first: one line for each."""

from pathlib import Path

from workers.engine.images.image_set import ImageSet, ImageSetReader
from workers.engine.images.label_table import ImageSetError
from workers.engine.images.readers import broden, folder

READERS: list[ImageSetReader] = [broden.READER, folder.READER]


def find_reader(root: Path) -> ImageSetReader:
    """The first that recognizes the folder; raises ImageSetError."""
    if not root.is_dir():
        raise ImageSetError(f"{root.name} is not a folder.")
    return next(reader for reader in READERS if reader.recognizes(root))


def open_image_set(root: Path) -> ImageSet:
    """Raises ImageSetError."""
    return find_reader(root).open(root)
