"""Dissect a network in this process: the steps and the artifact of the command `dissect` (docs/notebook.md)."""

import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from os import PathLike
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from workers.contract import CONTENTS
from workers.engine import complete
from workers.engine import dissect as recipe
from workers.engine.estimate_memory import make_estimator
from workers.engine.format.artifact import Save, pack_arrays, read_artifact
from workers.engine.format.spilling import Spill
from workers.engine.images.contents import Contents
from workers.engine.images.image_set import ImageSet
from workers.engine.images.readers.table import open_image_set
from workers.engine.measures.crops.arrays import ALL, CropOptions
from workers.engine.measures.options import DissectionOptions, OptionsInvalid, list_chosen
from workers.engine.measures.tally import merge_tallies
from workers.engine.networks.layer_maps import LayerError, LayerShape
from workers.engine.networks.loading import LoadedNetwork
from workers.engine.networks.preprocessing import Preprocessing
from workers.free_space import free_memory
from workers.needs import tell_needs
from workers.unitscope.dissection import Dissection, Folder
from workers.unitscope.networks import Named, find_device, load_network

# What the command records with every dissection; equal statements give equal hashes.
RECORDED: Mapping[str, Any] = {"seed": 0, "iou_modes": ["paper"]}
# Images between two reports of progress.
READ_AT_ONCE = 64
LINE_SECONDS = 5.0


def dissect(
    network: Named,
    *,
    layers: Sequence[str],
    images: str | PathLike[str],
    labels: str | PathLike[str] | None = "",
    weights: str | PathLike[str] | None = None,
    preprocessing: Preprocessing | Mapping[str, Any] | None = None,
    device: str = "",
    progress: bool = True,
    **options: Any,
) -> Dissection:
    """Measures every unit of the layers over a folder of images: top images, thresholds, crops, and IoU with labeled
    pixels where the images have any.

    network, weights, preprocessing: as `load_network` takes them. layers: dotted paths. images: a folder in one of the
    layouts that the command reads. labels: a file or folder of labels, "folders" or "none"; empty: found by look
    (docs/image_sets.md). device: "cpu", "cuda", ...; empty: where a loaded network lies, else a GPU if there is one.
    options: what the command `dissect` calls by the same names (docs/commands.md), with underscores, such as
    `n_top=20`.

    Raises NetworkError, LayerError, ImageSetError, OptionsInvalid, PreprocessingInvalid, UnitNotFinite, ZooError, and
    TypeError for a network that is none, with a sentence that says what to do.
    """
    chosen = DissectionOptions.from_json({**RECORDED, **list_chosen(), **options})
    if chosen.of(CropOptions).crops != ALL:
        raise OptionsInvalid("In a notebook the crops of all units are cut with the dissection: leave out `crops`.")
    paths = [layers] if isinstance(layers, str) else list(layers) if isinstance(layers, Iterable) else []
    if not paths or not all(isinstance(path, str) for path in paths):
        raise LayerError(f"layers are dotted paths, one or several, such as ['layer4'], and not {layers!r}.")
    if not isinstance(images, str | PathLike):
        raise TypeError(
            f"images is the path of a folder, and not of type {type(images).__name__}: which files were measured is "
            "part of the result. Save pictures that lie in memory into a folder, as PNG: "
            "PIL.Image.fromarray(array).save(f'photos/{number:05}.png')."
        )
    if labels is not None and not isinstance(labels, str | PathLike):
        raise TypeError(f"labels is a path, and not of type {type(labels).__name__}.")
    root, listed = Path(images).expanduser(), str(labels or "")
    listed = str(Path(listed).expanduser()) if listed.startswith("~") else listed
    device = device or find_device(network)
    loaded = load_network(network, weights=weights, preprocessing=preprocessing, device=device, layers=paths)
    shapes = recipe.survey(network=loaded, layers=paths, device=device, options=chosen)
    image_set = open_image_set(root, listed)
    recipe.check_first_images(network=loaded, shapes=shapes, image_set=image_set, options=chosen, device=device)
    folder = Folder()
    with _show(progress) as bar:
        for note in (loaded.note, *image_set.notes) if bar.is_shown else ():
            if note:
                bar.say(note)
        contents = _read_contents(image_set, bar)
        surveyed = {name: digests.copy() for name, digests in contents.to_arrays().items()}
        image_set = replace(image_set, content_sha256=contents.sha256())
        folder.store.write(CONTENTS, pack_arrays(surveyed))
        _measure(loaded, image_set, shapes, chosen, device, folder.store.write, bar)
        contents.demand(surveyed, range(len(image_set.paths)))
    return Dissection(
        artifact=read_artifact(folder.read), files=folder, network=loaded, images_name=root.resolve().name
    )


class _Bar:
    """One line of progress; `advance` takes stage, number done and number in all. In a pipe or a log, where no bar can
    be drawn, a line every few seconds.
    """

    def __init__(self, bars: Progress) -> None:
        self._bars, self._stage, self._said_at = bars, "", 0.0
        self.is_shown = not bars.disable
        self._is_logged = self.is_shown and not (bars.console.is_terminal or bars.console.is_jupyter)
        self._line = bars.add_task("", total=None)

    def say(self, words: str) -> None:
        """A line that stays, above the bar."""
        self._bars.console.print(words, markup=False, highlight=False, soft_wrap=True)

    def advance(self, stage: str, n_done: int, n_total: int) -> None:
        is_due, now = stage != self._stage, time.monotonic()
        if self._is_logged and (is_due or now - self._said_at >= LINE_SECONDS):
            self._said_at = now
            self.say(f"{stage}: {n_done:,} of {n_total:,}" if n_total else stage)
        if is_due:
            self._stage = stage
            self._bars.reset(self._line, description=stage)
        self._bars.update(self._line, completed=n_done, total=n_total or None)


@contextmanager
def _show(wanted: bool) -> Iterator[_Bar]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not wanted) as bars:
        yield _Bar(bars)


def _read_contents(image_set: ImageSet, bar: _Bar) -> Contents:
    """The digests of all files: which images were measured is part of the result."""
    contents, n_images = Contents(image_set), len(image_set.paths)
    for first in range(0, n_images, READ_AT_ONCE):
        contents.read(range(first, min(n_images, first + READ_AT_ONCE)))
        bar.advance("reading the image set", first, n_images)
    return contents


def _measure(
    network: LoadedNetwork,
    image_set: ImageSet,
    shapes: Mapping[str, LayerShape],
    options: DissectionOptions,
    device: str,
    save: Save,
    bar: _Bar,
) -> None:
    """One shard, the whole set; its arrays lie in files if memory is short."""
    n_images = len(image_set.paths)
    estimator = make_estimator(
        shapes=shapes.values(), image_set=image_set, options=options, input_px=network.preprocessing.input_px
    )
    needs = {"measure": estimator.measure(shard_images=max(1, n_images)), "merge": estimator.merge()}
    short = any(need.spills(limit=free_memory()) for need in needs.values())
    if bar.is_shown:
        seconds = recipe.estimate_seconds(
            network=network, layers=list(shapes), image_set=image_set, options=options, device=device
        )
        memory = {stage: {**asdict(need), "spills": short} for stage, need in needs.items()}
        bar.say(tell_needs({"memory": memory, "seconds_of_pass": seconds}))
    with tempfile.TemporaryDirectory(prefix="unitscope-spill-") as scratch:
        spill = Spill(Path(scratch)) if short else Spill()
        tally = recipe.measure_shard(
            network=network,
            layers=list(shapes),
            image_set=image_set,
            options=options,
            shard=recipe.Shard(0, n_images),
            means=recipe.Means(
                device=device, spill=spill, progress=lambda n_done: bar.advance("measure", n_done, n_images)
            ),
        )
        complete.complete(
            network=network,
            image_set=image_set,
            tally=merge_tallies([tally], spill=spill),
            options=options,
            device=device,
            save=save,
            progress=bar.advance,
        )
