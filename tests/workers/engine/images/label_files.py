"""Writes small image sets with files of labels, right ones and wrong ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SQUARE = [[2, 2, 6, 2, 6, 6, 2, 6]]


def photo(file: Path, *, size: tuple[int, int] = (8, 8), value: int = 90) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, value, value)).save(file)


def write_coco(root: Path, **changes: Any) -> Path:
    """A set of one photograph with one polygon; `changes` replace lists, or fields of the annotation."""
    photo(root / "a.png")
    annotation = {"id": 7, "image_id": 1, "category_id": 3, "segmentation": SQUARE, **changes.pop("annotation", {})}
    whole = {
        "images": [{"id": 1, "file_name": "a.png", "height": 8, "width": 8}],
        "annotations": [annotation],
        "categories": [{"id": 3, "name": "dog"}],
        **changes,
    }
    file = root / "coco.json"
    file.write_text(json.dumps(whole))
    return file


def write_masks(root: Path, values: np.ndarray, names: str = "0: background\n1: dog\n") -> None:
    photo(root / "images" / "a.jpg")
    (root / "masks").mkdir()
    Image.fromarray(values.astype(np.uint8)).save(root / "masks" / "a.png")
    if names:
        (root / "labels.txt").write_text(names)
