"""Writes the same photographs and label maps in every layout of image sets that is read."""

import csv
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workers.engine.images.readers.cityscapes import NAMES as CITYSCAPES
from workers.engine.images.readers.pascal import VOC_NAMES

# Names that the fixed lists of Cityscapes and Pascal VOC share, so that one set can be written in both.
NAMES = ("person", "car", "bus", "train", "bicycle")
LabelMap = NDArray[np.uint8]


@dataclass(frozen=True)
class Labeled:
    """A photograph's file, and its (h, w) map of 0 or the place of a label in NAMES from 1 on."""

    file: Path
    labels: LabelMap

    @property
    def stem(self) -> str:
        return self.file.stem

    def numbers(self) -> list[int]:
        return [int(one) for one in np.unique(self.labels) if one]


Writer = Callable[[Path, Sequence[Labeled]], str]


def _copy(images: Sequence[Labeled], folder: Path, ending: str = "") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for one in images:
        shutil.copyfile(one.file, folder / f"{one.stem}{ending}{one.file.suffix}")


def _save(values: NDArray[Any], file: Path, *, is_palette: bool = False) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(values.astype(np.uint8))
    if is_palette:
        picture = Image.fromarray(values.astype(np.uint8), mode="P")
        picture.putpalette([channel for color in range(256) for channel in (color, 255 - color, color // 2)])
    picture.save(file)


def _write_csv(file: Path, rows: Sequence[Sequence[object]]) -> None:
    with file.open("w", newline="", encoding="utf-8") as opened:
        csv.writer(opened).writerows(rows)


def write_broden(root: Path, images: Sequence[Labeled]) -> str:
    """Broden 1.0, in a folder of its own below the root."""
    root = root / "broden1_227"
    _copy(images, root / "images")
    rows: list[list[object]] = [["image", "split", "ih", "iw", "sh", "sw", "color", "object"]]
    for one in images:
        high, wide = one.labels.shape
        mask = np.stack([one.labels, np.zeros_like(one.labels), np.zeros_like(one.labels)], axis=-1)
        _save(mask, root / "images" / f"{one.stem}_object.png")
        rows.append([one.file.name, "train", high, wide, high, wide, "", f"{one.stem}_object.png"])
    _write_csv(root / "index.csv", rows)
    _write_csv(root / "category.csv", [["name", "first", "last", "count", "frequency"], ["object", 1, 5, 5, 5]])
    labels = [[place, name, "object(1)", 1, 1.0, ""] for place, name in enumerate(NAMES, start=1)]
    # A category that category.csv leaves out.
    labels.append([9, "red-c", "color(3)", 3, 3.0, ""])
    _write_csv(root / "label.csv", [["number", "name", "category", "frequency", "coverage", "syns"], *labels])
    coverage = [[place, place, name, 1, 1.0] for place, name in enumerate(NAMES, start=1)]
    _write_csv(root / "c_object.csv", [["code", "number", "name", "frequency", "coverage"], *coverage])
    return ""


def _write_coco(root: Path, images: Sequence[Labeled], describe: Callable[[NDArray[np.bool_]], dict[str, Any]]) -> str:
    _copy(images, root / "val2017")
    annotations = [
        {"id": 10 * place + number, "image_id": place, "category_id": 10 * number, **describe(one.labels == number)}
        for place, one in enumerate(images)
        for number in one.numbers()
    ]
    (root / "annotations").mkdir()
    (root / "annotations" / "instances_val2017.json").write_text(
        json.dumps({"images": _list_images(images), "annotations": annotations, "categories": _list_categories()})
    )
    (root / "annotations" / "captions_val2017.json").write_text('{"images": [], "annotations": []}')
    return ""


def _list_images(images: Sequence[Labeled]) -> list[dict[str, object]]:
    return [
        {"id": place, "file_name": one.file.name, "height": one.labels.shape[0], "width": one.labels.shape[1]}
        for place, one in enumerate(images)
    ]


def _list_categories() -> list[dict[str, object]]:
    return [{"id": 10 * place, "name": name} for place, name in enumerate(NAMES, start=1)]


def _find_stretches(region: NDArray[np.bool_]) -> list[tuple[int, int, int]]:
    """Row, first column and end of each run of a region."""
    edges = np.diff(np.pad(region, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    starts, ends = np.argwhere(edges == 1), np.argwhere(edges == -1)
    return [(int(row), int(first), int(end)) for (row, first), (_, end) in zip(starts, ends, strict=True)]


def _as_polygons(region: NDArray[np.bool_]) -> dict[str, Any]:
    """A rectangle for each run, given in turn from its first corner around."""
    return {
        "segmentation": [
            [first, row, end, row, end, row + 1, first, row + 1] for row, first, end in _find_stretches(region)
        ]
    }


def _count_runs(region: NDArray[np.bool_]) -> list[int]:
    flat = np.concatenate(([False], region.T.ravel()))
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    return [int(one) for one in np.diff(np.concatenate(([0], changes, [len(flat) - 1])))]


def _as_counts(region: NDArray[np.bool_]) -> dict[str, Any]:
    return {"iscrowd": 1, "segmentation": {"size": list(region.shape), "counts": _count_runs(region)}}


def _as_packed(region: NDArray[np.bool_]) -> dict[str, Any]:
    counts, text = _count_runs(region), ""
    for place, count in enumerate(counts):
        left = count - counts[place - 2] if place > 2 else count
        more = True
        while more:
            bits, left = left & 0x1F, left >> 5
            more = left != (-1 if bits & 0x10 else 0)
            text += chr(48 + (bits | (0x20 if more else 0)))
    return {"segmentation": {"size": list(region.shape), "counts": text}}


def _as_boxes(root: Path, images: Sequence[Labeled]) -> str:
    """Each run as a box of its own."""
    _copy(images, root / "photos")
    annotations = [
        {"image_id": place, "category_id": 10 * number, "bbox": [first, row, end - first, 1]}
        for place, one in enumerate(images)
        for number in one.numbers()
        for row, first, end in _find_stretches(one.labels == number)
    ]
    (root / "boxes.json").write_text(
        json.dumps({"images": _list_images(images), "annotations": annotations, "categories": _list_categories()})
    )
    return ""


def write_panoptic(root: Path, images: Sequence[Labeled]) -> str:
    _copy(images, root / "val2017")
    annotations = []
    for place, one in enumerate(images):
        packed = one.labels.astype(np.int64) * 70_001
        _save(np.stack([packed % 256, packed // 256 % 256, packed // 65_536], axis=-1),
              root / "annotations" / "panoptic_val2017" / f"{one.stem}.png")  # fmt: skip
        segments = [{"id": 70_001 * number, "category_id": 10 * number} for number in one.numbers()]
        annotations.append({"image_id": place, "file_name": f"{one.stem}.png", "segments_info": segments})
    (root / "annotations" / "panoptic_val2017.json").write_text(
        json.dumps({"images": _list_images(images), "annotations": annotations, "categories": _list_categories()})
    )
    return ""


def _valued(one: Labeled, values: Mapping[str, int], *, nothing: int) -> NDArray[np.int64]:
    """(h, w) the value of each label, `nothing` where there is none."""
    table = np.array([nothing, *(values[name] for name in NAMES)])
    return np.asarray(table[one.labels])


def write_voc(root: Path, images: Sequence[Labeled]) -> str:
    _copy(images, root / "JPEGImages")
    values = {name: VOC_NAMES.index(name) for name in NAMES}
    for one in images:
        for folder in ("SegmentationClass", "SegmentationObject"):
            _save(_valued(one, values, nothing=255), root / folder / f"{one.stem}.png", is_palette=True)
    return ""


def write_context(root: Path, images: Sequence[Labeled]) -> str:
    _copy(images, root / "JPEGImages")
    values = {name: 20 * place for place, name in enumerate(NAMES, start=1)}
    (root / "labels.txt").write_text("".join(f"{value}: {name}\n" for name, value in values.items()))
    for one in images:
        _save(_valued(one, values, nothing=0), root / "SegmentationClassContext" / f"{one.stem}.png")
    return ""


def write_cityscapes(root: Path, images: Sequence[Labeled]) -> str:
    _copy(images, root / "leftImg8bit" / "val" / "ulm", "_leftImg8bit")
    values = {name: value for value, name in CITYSCAPES.items()}
    for one in images:
        file = root / "gtFine" / "val" / "ulm" / f"{one.stem}_gtFine_labelIds.png"
        _save(_valued(one, values, nothing=3), file)
        shutil.copyfile(file, file.with_name(f"{one.stem}_gtFine_instanceIds.png"))
    return ""


def write_coco_stuff(root: Path, images: Sequence[Labeled]) -> str:
    """Values are one less than the numbers of labels.txt; the first label has value 0."""
    _copy(images, root / "images" / "val2017")
    names = ["unlabeled", *NAMES]
    (root / "labels.txt").write_text("".join(f"{place}: {name}\n" for place, name in enumerate(names)))
    values = {name: place for place, name in enumerate(NAMES)}
    for one in images:
        _save(_valued(one, values, nothing=255), root / "stuffthingmaps" / "val2017" / f"{one.stem}.png")
    return ""


def write_ade150(root: Path, images: Sequence[Labeled]) -> str:
    _copy(images, root / "images" / "validation")
    lines = [f"{place}\t0.1\t10\t5\t0\t{name}" for place, name in enumerate(NAMES, start=1)]
    (root / "objectInfo150.txt").write_text("\n".join(["Idx\tRatio\tTrain\tVal\tStuff\tName", *lines]))
    for one in images:
        _save(one.labels, root / "annotations" / "validation" / f"{one.stem}.png")
    return ""


def _write_ade20k(root: Path, images: Sequence[Labeled], *, is_new: bool) -> str:
    """Numbers are packed into red and green, the objects of a photograph are numbered in blue."""
    folder = root / "images" / "validation" / "street"
    _copy(images, folder)
    for one in images:
        numbers = one.labels.astype(np.int64) * 300
        places = {number: place for place, number in enumerate(one.numbers(), start=1)}
        blue = np.array([places.get(number, 0) * 40 for number in range(len(NAMES) + 1)])[one.labels]
        for ending in ("_seg", "_parts_1"):
            _save(np.stack([numbers // 256 * 10, numbers % 256, blue], axis=-1), folder / f"{one.stem}{ending}.png")
        objects = [(place, number) for number, place in places.items()]
        if is_new:
            listed = [{"id": place, "name": NAMES[number - 1], "name_ndx": 300 * number} for place, number in objects]
            (folder / f"{one.stem}.json").write_text(json.dumps({"annotation": {"object": listed}}))
        else:
            lines = [f'{place:03d} # 0 # 0 # {NAMES[number - 1]} # raw # ""' for place, number in objects]
            (folder / f"{one.stem}_atr.txt").write_text("\n".join([*lines, '001 # 1 # 0 # wheel # wheel # ""']))
    return ""


def write_open_images(root: Path, images: Sequence[Labeled]) -> str:
    _copy(images, root / "validation")
    ids = {name: f"/m/0{place}" for place, name in enumerate(NAMES)}
    _write_csv(root / "class-descriptions-boxable.csv", [[one, name] for name, one in ids.items()])
    rows: list[list[object]] = [["MaskPath", "ImageID", "LabelName", "BoxID", "Clicks"]]
    for one in images:
        for number in one.numbers():
            file = root / "masks" / f"{one.stem}_m0{number}.png"
            _save(np.where(one.labels == number, 255, 0), file)
            rows.append([file.name, one.stem, ids[NAMES[number - 1]], "ab", ""])
    _write_csv(root / "validation-annotations-object-segmentation.csv", rows)
    return ""


def write_open_boxes(root: Path, images: Sequence[Labeled]) -> str:
    """Each run as a box, in shares of the photograph."""
    _copy(images, root / "validation")
    ids = {name: f"/m/0{place}" for place, name in enumerate(NAMES)}
    _write_csv(root / "class-descriptions-boxable.csv", [[one, name] for name, one in ids.items()])
    rows: list[list[object]] = [["ImageID", "Source", "LabelName", "Confidence", "XMin", "XMax", "YMin", "YMax"]]
    for one in images:
        high, wide = one.labels.shape
        for number in one.numbers():
            for row, first, end in _find_stretches(one.labels == number):
                sides = [first / wide, end / wide, row / high, (row + 1) / high]
                rows.append([one.stem, "xclick", ids[NAMES[number - 1]], 1, *sides])
    _write_csv(root / "validation-annotations-bbox.csv", rows)
    return ""


def write_csv_boxes(root: Path, images: Sequence[Labeled]) -> str:
    _copy(images, root / "photos")
    rows: list[list[object]] = [["filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax"]]
    for one in images:
        high, wide = one.labels.shape
        for number in one.numbers():
            stretches = _find_stretches(one.labels == number)
            rows += [
                [one.file.name, wide, high, NAMES[number - 1], first, row, end, row + 1]
                for row, first, end in stretches
            ]
    _write_csv(root / "labels.csv", rows)
    return ""


def write_masks_beside(root: Path, images: Sequence[Labeled]) -> str:
    _copy(images, root)
    (root / "labels.txt").write_text("\n".join(["background", *NAMES]))
    for one in images:
        _save(one.labels, root / f"{one.stem}_mask.png")
    return ""


def write_colors(root: Path, images: Sequence[Labeled]) -> str:
    """Colors in a folder elsewhere, which --labels names."""
    _copy(images, root / "photos")
    colors = np.array([[0, 0, 0], *([40 * place, 255 - place, 7] for place in range(1, len(NAMES) + 1))])
    for one in images:
        _save(colors[one.labels], root / "drawn" / f"{one.stem}.png")
    _write_csv(root / "class_dict.csv", [["name", "r", "g", "b"],
               *([name, *colors[place]] for place, name in enumerate(NAMES, start=1))])  # fmt: skip
    return str(root / "drawn")


# By a name for words; each returns what --labels must say.
LAYOUTS: dict[str, Writer] = {
    "Broden 1.0 in its parent folder": write_broden,
    "COCO polygons": lambda root, images: _write_coco(root, images, _as_polygons),
    "COCO run lengths": lambda root, images: _write_coco(root, images, _as_counts),
    "COCO packed run lengths": lambda root, images: _write_coco(root, images, _as_packed),
    "COCO boxes": _as_boxes,
    "COCO panoptic": write_panoptic,
    "Pascal VOC": write_voc,
    "Pascal Context": write_context,
    "Cityscapes": write_cityscapes,
    "COCO-Stuff": write_coco_stuff,
    "ADE20K, 150 classes": write_ade150,
    "ADE20K, 2021": lambda root, images: _write_ade20k(root, images, is_new=True),
    "ADE20K, 2016": lambda root, images: _write_ade20k(root, images, is_new=False),
    "Open Images masks": write_open_images,
    "Open Images boxes": write_open_boxes,
    "CSV of boxes": write_csv_boxes,
    "gray masks beside photographs": write_masks_beside,
    "colors in a folder": write_colors,
}
