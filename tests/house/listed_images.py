"""An image set whose images are listed in a text file: a reader that only tests have."""

from __future__ import annotations

from pathlib import Path

from workers.engine.images.image_set import ImageSet, ImageSetReader, digest_files
from workers.engine.images.label_table import ImageSetError

LIST = "images.txt"


def open_listed(root: Path) -> ImageSet:
    paths = tuple(sorted((root / LIST).read_text().split()))
    if not paths:
        raise ImageSetError(f"{LIST} of {root.name} names no images.")
    return ImageSet(root=root, paths=paths, sha256=digest_files(map(root.joinpath, paths), root=root))


READER = ImageSetReader(recognizes=lambda folder: (folder / LIST).is_file(), open=open_listed)
