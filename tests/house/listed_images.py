"""An image set whose images are listed in a text file: a reader that only tests have."""

from __future__ import annotations

from workers.engine.images.image_set import ImageSet, digest_files
from workers.engine.images.label_table import ImageSetError
from workers.engine.images.reading import Asked, ImageSetReader

LIST = "images.txt"


def open_listed(asked: Asked) -> ImageSet:
    root = asked.root
    paths = tuple(sorted((root / LIST).read_text().split()))
    if not paths:
        raise ImageSetError(f"{LIST} of {root.name} names no images.")
    return ImageSet(root=root, paths=paths, sha256=digest_files(map(root.joinpath, paths), root=root))


READER = ImageSetReader(
    name="listed images",
    recognizes=lambda asked: asked.by_look and (asked.root / LIST).is_file(),
    open=open_listed,
    has_labels=False,
)
