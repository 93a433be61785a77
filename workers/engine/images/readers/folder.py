"""A plain folder of images, at any depth, without labels."""

from workers.engine.images.image_set import ImageSet, digest_files
from workers.engine.images.passed_over import sum_up
from workers.engine.images.reading import Asked, ImageSetReader
from workers.engine.images.walking import list_images


def open_folder(asked: Asked) -> ImageSet:
    """All files below the folder that are named like images; raises ImageSetError if there is none."""
    paths, passed = list_images(asked.root)
    return ImageSet(
        root=asked.root,
        paths=tuple(paths),
        sha256=digest_files(map(asked.root.joinpath, paths), root=asked.root),
        passed_over=sum_up(passed),
    )


READER = ImageSetReader(name="plain folder", recognizes=lambda asked: True, open=open_folder, has_labels=False)
