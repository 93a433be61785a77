"""A photograph that a page may show: decoded in a process of its own, upright, without metadata; the upload is removed.

What is kept has no loss: the network sees the same pixels whenever it is asked again.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers import config, contract
from workers.cleaning import REFUSED
from workers.contract import QuestionRequest
from workers.engine.explain import QuestionInvalid
from workers.engine.format.artifact import pack_arrays
from workers.engine.images.decoding import ImageUnreadable
from workers.engine.images.image_set import ImageSet
from workers.engine.images.label_maps import LabelMapUnreadable
from workers.engine.images.label_table import LabelTable
from workers.job import write_patiently
from workers.leases import Canceled, Reporter
from workers.opened import open_photograph
from workers.store import Store
from workers.workplaces import open_workplace

MAX_SECONDS = 60
ROOT = Path(__file__).parent.parent


def keep_photograph(request: QuestionRequest, target: Store, reporter: Reporter) -> None:
    """Puts the clean photograph, a smaller JPEG of it and what is known of it into the question's folder.

    Options name a photograph of an image set by the set's address and its path there; else it was uploaded. Raises
    ImageUnreadable, ImageSetError, QuestionInvalid, StoreError.
    """
    if target.exists(contract.CLEAN_PHOTOGRAPH):  # an attempt before, or another question about it, left it here
        return
    reporter.begin("reading the photograph", n_total=0)
    with open_workplace(config.cache_folder() / "photograph") as folder:
        try:
            told = clean(_find_source(request, target, reporter, folder), folder)
        except ImageUnreadable:
            target.remove(contract.PHOTOGRAPH)
            raise
        write_patiently(target, reporter, contract.ABOUT_PHOTOGRAPH, json.dumps(told).encode())
        for name in (contract.SHOWN_PHOTOGRAPH, contract.CLEAN_PHOTOGRAPH):
            write_patiently(target, reporter, name, (folder / name).read_bytes())
    target.remove(contract.PHOTOGRAPH)


def clean(path: Path, folder: Path) -> dict[str, Any]:
    """Decodes the file in a process with bounds of its own. Raises ImageUnreadable."""
    environment = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "workers.cleaning", str(path), str(folder)],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=MAX_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ImageUnreadable(f"decoding it takes longer than {MAX_SECONDS} seconds") from None
    if done.returncode == REFUSED:
        raise ImageUnreadable(done.stdout.strip())
    if done.returncode:
        raise ImageUnreadable("its decoder failed")
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _find_source(request: QuestionRequest, target: Store, reporter: Reporter, folder: Path) -> Path:
    """The file; of a labeled image set also its labeled pixels go into the question's folder."""
    if "image" not in request.options:
        if not target.exists(contract.PHOTOGRAPH):
            raise Canceled  # it was deleted; whoever deletes may not have reached the broker
        return target.fetch(contract.PHOTOGRAPH, folder=folder)
    address, name, labels = (str(request.options.get(option, "")) for option in contract.PHOTOGRAPH_OPTIONS)
    images = open_photograph(address, labels, name)
    if name not in images.paths:
        raise QuestionInvalid(f"The photograph {name} is not in the image set any more")
    if images.labels is not None:
        write_patiently(target, reporter, contract.PIXEL_LABELS, _pack_labels(images, images.labels, name))
    return images.root / name


def _pack_labels(images: ImageSet, table: LabelTable, name: str) -> bytes:
    """`masks` (n, height, width), one for each label of the photograph, and `names`: JSON of name and category."""
    try:
        runs = images.read_labels(images.paths.index(name))
    except LabelMapUnreadable as error:
        raise ImageUnreadable(str(error)) from None
    known = {label.number: label for label in table.labels}
    masks: dict[int, NDArray[np.bool_]] = {}
    for slot in range(len(runs.slot_category)):
        first, last = runs.slot_start[slot], runs.slot_start[slot + 1]
        lengths = np.diff(np.append(runs.run_start[first:last], runs.height * runs.width))
        numbers = np.repeat(runs.run_label[first:last], lengths).reshape(runs.height, runs.width)
        for number in np.unique(numbers[numbers > 0]).tolist():
            masks[number] = masks.get(number, np.zeros_like(numbers, dtype=np.bool_)) | (numbers == number)
    names = [{"name": known[number].name, "category": known[number].category} for number in masks]
    stacked = np.stack(list(masks.values())) if masks else np.zeros((0, 1, 1), dtype=np.bool_)
    told = np.frombuffer(json.dumps(names).encode(), dtype=np.uint8)
    return pack_arrays({"masks": stacked.astype(np.uint8), "names": told})
