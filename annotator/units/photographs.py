"""Whole photographs of an image set as pictures of one size, kept in the artifact store for pages that show them.

A picture's name is the SHA-256 of its bytes, so that an address tells nothing of the photograph, and one photograph is
kept once. Every picture is square: what is not, stands on gray.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings
from PIL import Image as Pixels

from annotator.refusals import Refusal
from annotator.units.models import Image, ImageSet
from workers import config
from workers.engine.drawing.tiles import encode_jpeg
from workers.engine.images.decoding import ImageUnreadable, decode_upright
from workers.engine.images.label_table import ImageSetError
from workers.engine.images.readers.table import open_image_set
from workers.engine.images.reading import FOLDER_NAMES, NO_LABELS
from workers.fetching import fetch_folder
from workers.store import StoreError, open_store

TILE_PX = 320
GRAY = (128, 128, 128)
QUALITY = 88


class PhotographsGone(Refusal):
    """Photographs cannot be read, or are not the ones that were dissected; nothing was written but pictures."""


def name_tile(tile: str) -> str:
    """Where the picture of this digest lies below the artifact root."""
    return f"photographs/{tile[:2]}/{tile}.jpg"


def read_tile(tile: str) -> bytes:
    """The picture as JPEG bytes. Raises NotStored, StoreError."""
    return open_store(settings.ARTIFACT_ROOT).read(name_tile(tile))


def remove_tile(tile: str) -> None:
    """Raises StoreError."""
    open_store(settings.ARTIFACT_ROOT).remove(name_tile(tile))


def keep_tiles(images: Iterable[Image]) -> dict[int, str]:
    """By the images' row ids, the digests of their pictures, which are in the store afterwards. Raises PhotographsGone.

    The photographs are read from where their image set is registered. Needs `image_set`.
    """
    by_set: dict[ImageSet, list[Image]] = {}
    for image in images:
        by_set.setdefault(image.image_set, []).append(image)
    kept: dict[int, str] = {}
    try:
        store = open_store(settings.ARTIFACT_ROOT)
        for image_set, members in by_set.items():
            root = _find_root(image_set)
            for image in members:
                picture = _draw_tile(root / image.path, image)
                kept[image.pk] = hashlib.sha256(picture).hexdigest()
                if not store.exists(name_tile(kept[image.pk])):
                    store.write(name_tile(kept[image.pk]), picture)
    except StoreError as error:
        raise PhotographsGone(str(error)) from error
    return kept


def _find_root(image_set: ImageSet) -> Path:
    """The folder that the paths of the set's images start from. Raises PhotographsGone, StoreError."""
    folder = fetch_folder(image_set.address, cache=config.cache_folder(), max_bytes=config.max_fetched_bytes())
    labels = image_set.labels
    is_path = labels not in ("", NO_LABELS, FOLDER_NAMES)
    try:
        return open_image_set(folder, str(folder / labels) if is_path else labels).root
    except (ImageSetError, OSError) as error:
        raise PhotographsGone(
            f"The photographs of {image_set} cannot be read here. {error} Ask where the image set's folder lies."
        ) from error


def _draw_tile(path: Path, image: Image) -> bytes:
    try:
        if image.sha256 and hashlib.sha256(path.read_bytes()).hexdigest() != image.sha256:
            raise PhotographsGone(
                f"The photograph {image.path} of {image.image_set} has changed since it was dissected: dissect again."
            )
        picture = decode_upright(path, max_px=TILE_PX).picture
    except (ImageUnreadable, OSError) as error:
        raise PhotographsGone(f"The photograph {image.path} of {image.image_set} cannot be read: {error}.") from error
    square = Pixels.new("RGB", (TILE_PX, TILE_PX), GRAY)
    scale = TILE_PX / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    square.paste(picture.resize(size), ((TILE_PX - size[0]) // 2, (TILE_PX - size[1]) // 2))
    return encode_jpeg(square, quality=QUALITY)
