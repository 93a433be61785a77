"""A plain folder of images, at any depth, without labels."""

import os
from pathlib import Path

from workers.engine.images.image_set import ImageSet, ImageSetReader, digest_files
from workers.engine.images.label_table import ImageSetError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")


def open_folder(root: Path) -> ImageSet:
    """All files below root that are named like images; raises ImageSetError if there is none."""
    found = []
    for folder, subfolders, files in os.walk(root):
        subfolders.sort()
        found += [Path(folder, name) for name in files if name.lower().endswith(SUFFIXES)]
    paths = sorted(path.relative_to(root).as_posix() for path in found)
    if not paths:
        raise ImageSetError(f"{root.name} holds no images (files named {', '.join(SUFFIXES)}).")
    return ImageSet(root=root, paths=tuple(paths), sha256=digest_files(map(root.joinpath, paths), root=root))


READER = ImageSetReader(recognizes=Path.is_dir, open=open_folder)
