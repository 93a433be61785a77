"""Rendering the concept image set into a folder in Broden layout: index.csv, label.csv, category.csv, c_*.csv, images/.

A label map is a PNG whose label number is red + 256 x green. The folder is written whole or not at all, and its
`rendered.json` says how it was made, so that a set that stands is used again.
"""

import csv
import json
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from annotator.demo.pictures.canvas import LABEL_PX, PICTURE_PX, Labels
from annotator.demo.pictures.concepts import DECK, Picture, draw_picture
from annotator.demo.pictures.vocabulary import CATEGORIES, LABELS
from annotator.json_texts import read_json
from annotator.processes import end_with_parent
from annotator.refusals import Refusal
from workers.engine.plurals import say_count
from workers.workplaces import open_workplace

VERSION = 2
_MAPS_OF: dict[str, tuple[str, ...]] = {"part": ("part", "inner part")}


class FolderTaken(Refusal):
    """The folder holds other files than this set."""


@dataclass(frozen=True)
class Row:
    """One row of index.csv and the label coverage (share of the picture) that it adds."""

    cells: dict[str, str]
    coverage: dict[int, float]


def render_set(
    *, folder: Path, n_images: int, seed: int, n_jobs: int, on_progress: Callable[[int], None] = lambda n_done: None
) -> bool:
    """Renders the set, or reuses an existing one: True if it existed.

    Raises FolderTaken where the folder holds other files or a set of other parameters.
    """
    recipe = {"rendered": True, "version": VERSION, "n_images": n_images, "seed": seed}
    if folder.exists() and any(folder.iterdir()):
        if _read_recipe(folder) == recipe:
            return True
        raise FolderTaken(
            f"{folder} holds other files than this image set ({say_count(n_images, 'image')}, seed {seed})."
        )
    with _whole_or_nothing(folder) as workplace:
        rows = []
        for n_done, row in enumerate(_draw_all(workplace, n_images=n_images, seed=seed, n_jobs=n_jobs), start=1):
            rows.append(row)
            on_progress(n_done)
        _write_tables(workplace, rows)
        (workplace / "rendered.json").write_text(json.dumps(recipe, indent=1) + "\n")
    return False


def _read_recipe(folder: Path) -> object:
    try:
        return read_json((folder / "rendered.json").read_text())
    except (OSError, ValueError):
        return None


@contextmanager
def _whole_or_nothing(folder: Path) -> Iterator[Path]:
    with open_workplace(folder) as workplace:
        yield workplace
        workplace.chmod(0o755)
        if folder.exists():
            folder.rmdir()
        os.replace(workplace, folder)


def _draw_all(workplace: Path, *, n_images: int, seed: int, n_jobs: int) -> Iterator[Row]:
    for kind in {kind for kind, _ in DECK}:
        (workplace / "images" / kind).mkdir(parents=True, exist_ok=True)
    work = partial(draw_file, workplace, seed)
    if n_jobs == 1:
        yield from map(work, range(n_images))
        return
    pool = ProcessPoolExecutor(n_jobs, initializer=_end_with_the_command)
    try:
        yield from pool.map(work, range(n_images), chunksize=8)
    finally:
        pool.shutdown(cancel_futures=True)


def _end_with_the_command() -> None:
    """Ctrl-C reaches the command, which ends its pool; nobody else would end it after a kill -9 of the command."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()


def draw_file(workplace: Path, seed: int, index: int) -> Row:
    """Draw one picture, save it with its label maps, and return its row of the index."""
    picture = draw_picture(seed=seed, index=index)
    stem = f"{picture.kind}/{picture.concept.replace(' ', '_')}_{index:04d}"
    Image.fromarray(picture.pixels).save(workplace / "images" / f"{stem}.jpg", quality=92, subsampling=0)
    cells = {"image": f"{stem}.jpg", "split": "val" if index % 5 == 4 else "train"}
    cells |= {"ih": str(PICTURE_PX), "iw": str(PICTURE_PX), "sh": str(LABEL_PX), "sw": str(LABEL_PX)}
    cells |= {category: _save_cell(workplace, stem, category, picture) for category in CATEGORIES}
    return Row(cells, _measure(picture))


def _save_cell(workplace: Path, stem: str, category: str, picture: Picture) -> str:
    """A cell of index.csv: empty, one number for the whole picture, or paths of label maps."""
    names = []
    for name in _MAPS_OF.get(category, (category,)):
        labels = picture.maps[name]
        if not labels.any():
            continue
        if category != "color" and (labels == labels[0, 0]).all():
            return str(int(labels[0, 0]))
        path = f"{stem}_{name.replace(' ', '_')}.png"
        _save_map(workplace / "images" / path, labels)
        names.append(path)
    return ";".join(names)


def _save_map(path: Path, labels: Labels) -> None:
    image = np.zeros((*labels.shape, 3), np.uint8)
    image[..., 0], image[..., 1] = labels % 256, labels // 256
    Image.fromarray(image).save(path, compress_level=6)


def _measure(picture: Picture) -> dict[int, float]:
    coverage: Counter[int] = Counter()
    for labels in picture.maps.values():
        numbers, counts = np.unique(labels[labels > 0], return_counts=True)
        coverage.update({int(n): float(c) / labels.size for n, c in zip(numbers, counts, strict=True)})
    return dict(coverage)


def _write_tables(workplace: Path, rows: list[Row]) -> None:
    _write(workplace / "index.csv", list(rows[0].cells), [list(row.cells.values()) for row in rows])
    frequency = Counter(number for row in rows for number in row.coverage)
    coverage: Counter[int] = Counter()
    for row in rows:
        coverage.update(row.coverage)
    present = [label for label in LABELS if frequency[label.number]]
    counted = {x.number: [frequency[x.number], f"{coverage[x.number]:.6f}"] for x in present}
    labels: list[list[object]] = []
    categories: list[list[object]] = []
    for category, words in CATEGORIES.items():
        own = [x for x in present if x.category == category]
        if not own:
            continue
        categories.append([category, own[0].number, own[-1].number, len(own), sum(frequency[x.number] for x in own)])
        codes = [[code, x.number, x.name, *counted[x.number]] for code, x in enumerate(own, start=1)]
        _write(workplace / f"c_{category}.csv", ["code", "number", "name", "frequency", "coverage"], codes)
        for x in own:
            synonyms = ";".join(word for word in words[x.name] if word != x.name)
            labels.append([x.number, x.name, f"{category}({frequency[x.number]})", *counted[x.number], synonyms])
    _write(workplace / "category.csv", ["name", "first", "last", "count", "frequency"], categories)
    _write(workplace / "label.csv", ["number", "name", "category", "frequency", "coverage", "syns"], labels)


def _write(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
