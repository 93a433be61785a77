"""COCO JSON: images, annotations with bbox (x, y, width, height) and categories. Class indices are the places of the
categories sorted by id. A photograph with boxes of several categories has no one class, and is passed over.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workers.engine.evidence.box_files.boxed_images import BoxesInvalid, BoxRow, parse_numbers, parse_path


def recognizes(path: Path) -> bool:
    return path.suffix.lower() == ".json"


def read(path: Path) -> Iterator[BoxRow]:
    """Raises BoxesInvalid."""
    try:
        stated = json.loads(path.read_bytes())
        place = {one["id"]: i for i, one in enumerate(sorted(stated["categories"], key=lambda one: one["id"]))}
        images = {one["id"]: one for one in stated["images"]}
        boxes: dict[Any, list[dict[str, Any]]] = {}
        for one in stated["annotations"]:
            boxes.setdefault(one["image_id"], []).append(one)
        for image_id, annotations in boxes.items():
            if len({one["category_id"] for one in annotations}) == 1:
                yield from (_read_box(one, images[image_id], place, path.name) for one in annotations)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        said = f"no {error.args[0]!r}" if isinstance(error, KeyError) else type(error).__name__
        raise BoxesInvalid(f"{path.name} cannot be read as COCO JSON: {said}.") from None


def _read_box(one: dict[str, Any], image: dict[str, Any], place: dict[Any, int], name: str) -> BoxRow:
    where = f"{name}, annotation {one['id']}"
    x, y, w, h, width, height = parse_numbers([*one["bbox"], image["width"], image["height"]], where)
    path = parse_path(image["file_name"], where)
    return BoxRow(path, place[one["category_id"]], width, height, (x, y, x + w, y + h), where)
