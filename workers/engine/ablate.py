"""Ablate: set the units with the largest shares in a class's score to zero, and see whether the network still says it.

docs/evidence.md, Ablation. An image's own shares never decide which units are taken from it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from workers.engine.evidence.ablation import (
    ORDERS,
    Hits,
    Values,
    leave_one_out,
    list_counts,
    order_units,
)
from workers.engine.evidence.shares import StudiedLayer, score_without, share_scores
from workers.engine.format.keeping import Arrays, Keeper, NoKeeper
from workers.engine.format.packed_words import pack_words, unpack_words
from workers.engine.kept_memory import keeping_memory
from workers.engine.plurals import say_count
from workers.engine.weigh import Photographs, read_images

# The stages: the shares of all images, then what the network says without some units.
SHARES, ABLATION = "shares", "ablation"


class AblationInvalid(Exception):
    """The images do not allow what was asked; the message says what to do."""


@dataclass(frozen=True)
class Asked:
    """`counts` of units, () for 1, 2, 5, 10, ...; `n_random` orders; of other classes, `n_others` images per class are
    tried; a class has at least `n_least` images.
    """

    counts: tuple[int, ...] = ()
    n_random: int = 10
    n_others: int = 20
    n_least: int = 3
    seed: int = 0


@dataclass(frozen=True)
class Shared:
    """Of the n images that could be read: paths, class (n,), whether the network says it (n,), and (n, K) shares in
    that class's score.
    """

    paths: list[str]
    classes: NDArray[np.int64]
    says: NDArray[np.bool_]
    units: Values


@dataclass(frozen=True)
class Trial:
    """On an image, the units of a class are tried; `is_own`: the image is of this class."""

    class_index: int
    is_own: bool


@dataclass(frozen=True)
class ClassShares:
    """Of n images of a class: the sum (K,) of their shares in its score, and the mean."""

    n: int
    total: Values
    mean: Values


@dataclass(frozen=True)
class Ablated:
    """`own`: images of a class whose units are taken away; `others`: the same of images of other classes."""

    counts: list[int]
    classes: list[int]
    mean_shares: dict[int, Values]
    own: Hits
    others: Hits
    n_images: int
    unreadable: dict[str, str] = field(default_factory=dict)


@keeping_memory()
def ablate(
    *,
    layer: StudiedLayer,
    photographs: Photographs,
    classes: Sequence[int] | None,
    asked: Asked,
    device: str,
    progress: Callable[[str, int], None] = lambda stage, n_done: None,
    keeper: Keeper | None = None,
) -> Ablated:
    """`classes` of the photographs; None: what the network says of them. `keeper` keeps what is done of both stages.
    Raises AblationInvalid.
    """
    counts = list_counts(layer.shape.n_units, asked.counts)
    if not counts:
        raise AblationInvalid(f"The layer has {say_count(layer.shape.n_units, 'unit')}: ask for 1 to so many.")
    run = _Run(device, progress, keeper or NoKeeper())
    shared, unreadable = _share_all(layer, photographs, classes, run)
    chosen = _choose_classes(shared, asked)
    by_class = {one: _sum_class(shared.units[shared.classes == one]) for one in chosen}
    bench = _Bench(layer, shared, by_class, counts, asked)
    hits = _try_all(bench, photographs, _plan(shared, chosen, asked), run)
    return Ablated(
        counts=counts,
        classes=chosen,
        mean_shares={one: by_class[one].mean for one in chosen},
        own=hits[True],
        others=hits[False],
        n_images=len(shared.paths),
        unreadable=unreadable,
    )


@dataclass(frozen=True)
class _Run:
    """Where the stages run, who is told how many photographs were read, and who keeps what is done."""

    device: str
    progress: Callable[[str, int], None]
    keeper: Keeper

    def go_on(self, stage: str, names: Sequence[str]) -> tuple["_Rows", int]:
        """What was kept of a stage, and how many photographs had been read."""
        kept = self.keeper.read(stage)
        if kept is None:
            return _Rows({name: [] for name in names}), 0
        rows = _Rows({name: [kept[name]] if name in kept else [] for name in names}, **unpack_words(kept["words"]))
        return rows, int(kept["n_read"][0])

    def tell(self, stage: str, rows: "_Rows", n_read: int, n_total: int) -> None:
        self.progress(stage, n_read)
        self.keeper.offer(stage, partial(rows.to_arrays, n_read), is_last=n_read == n_total)


@dataclass
class _Rows:
    """What a stage found so far: arrays by name, in parts of some rows each; and the photographs by path."""

    parts: dict[str, list[NDArray[Any]]]
    read: list[str] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)

    def add(self, **parts: NDArray[Any]) -> None:
        for name, part in parts.items():
            self.parts[name].append(part)

    def join(self, name: str) -> NDArray[Any]:
        return np.concatenate(self.parts[name])

    def to_arrays(self, n_read: int) -> Arrays:
        joined = {name: self.join(name) for name, parts in self.parts.items() if parts}
        words = pack_words({"read": self.read, "unreadable": self.unreadable})
        return {**joined, "words": words, "n_read": np.array([n_read])}


def _share_all(
    layer: StudiedLayer, photographs: Photographs, classes: Sequence[int] | None, run: _Run
) -> tuple[Shared, dict[str, str]]:
    rows, first = run.go_on(SHARES, ("classes", "says", "units"))
    for batch in read_images(layer.network, photographs, device=run.device, first=first):
        rows.unreadable |= batch.unreadable
        if batch.places:
            wanted = None if classes is None else torch.tensor([classes[i] for i in batch.places], device=run.device)
            found = share_scores(layer, batch.images, wanted)
            rows.add(
                classes=found.classes.cpu().numpy(),
                says=(found.scores.argmax(dim=1) == found.classes).cpu().numpy(),
                units=found.units.double().cpu().numpy(),
            )
            rows.read += [photographs.paths[place] for place in batch.places]
        run.tell(SHARES, rows, batch.n_read, len(photographs.paths))
    if not rows.read:
        raise AblationInvalid("None of the photographs can be read.")
    return Shared(rows.read, rows.join("classes"), rows.join("says"), rows.join("units")), rows.unreadable


def _choose_classes(shared: Shared, asked: Asked) -> list[int]:
    found, sizes = np.unique(shared.classes, return_counts=True)
    chosen = [int(one) for one, size in zip(found, sizes, strict=True) if size >= asked.n_least]
    if not chosen:
        raise AblationInvalid(
            f"No class has {say_count(asked.n_least, 'photograph')} or more; the largest has {sizes.max()}. Add "
            "photographs, or ask for fewer."
        )
    return chosen


def _sum_class(units: Values) -> ClassShares:
    return ClassShares(len(units), units.sum(axis=0), units.mean(axis=0))


def _plan(shared: Shared, chosen: Sequence[int], asked: Asked) -> dict[int, list[Trial]]:
    """By image, what is tried on it: its own class's units, and the units of classes that drew it."""
    trials: dict[int, list[Trial]] = {}
    for one in chosen:
        for image in np.flatnonzero(shared.classes == one).tolist():
            trials.setdefault(image, []).append(Trial(one, is_own=True))
        others = np.flatnonzero(shared.classes != one)
        drawn = np.random.default_rng((asked.seed, one, 1)).permutation(others)[: asked.n_others]
        for image in sorted(drawn.tolist()):
            trials.setdefault(image, []).append(Trial(one, is_own=False))
    return trials


@dataclass(frozen=True)
class _Bench:
    """What trials share. Orders of units are made when they are needed: those of all images would fill memory."""

    layer: StudiedLayer
    shared: Shared
    by_class: dict[int, ClassShares]
    counts: Sequence[int]
    asked: Asked

    def run(self, image: int, picture: torch.Tensor, trial: Trial) -> Values:
        """(3, counts) by ORDERS, the share of orders with which the network still says the image's class."""
        orders = torch.from_numpy(self._order(image, trial)).to(picture.device)
        scores = score_without(self.layer, picture[None], orders, self.counts)
        by_order = (scores.argmax(dim=2) == int(self.shared.classes[image])).double().cpu().numpy()
        return np.stack([by_order[0], by_order[1], by_order[2:].mean(axis=0)])

    def _order(self, image: int, trial: Trial) -> NDArray[np.int64]:
        """(2 + random, K) units."""
        found, seed = self.by_class[trial.class_index], (self.asked.seed, trial.class_index)
        if not trial.is_own:
            return order_units(found.mean, n_random=1, seed=seed)
        means = leave_one_out(found.total, self.shared.units[image], n=found.n)
        return order_units(means, n_random=self.asked.n_random, seed=seed)


def _try_all(bench: _Bench, photographs: Photographs, trials: dict[int, list[Trial]], run: _Run) -> dict[bool, Hits]:
    """What the network says without the units: by True for images of the class itself, by False for others."""
    wanted, shared = sorted(trials), bench.shared
    tried = replace(photographs, paths=[shared.paths[image] for image in wanted])
    rows, first = run.go_on(ABLATION, ("is_own", "class_index", "image", "whole", "without"))
    for batch in read_images(bench.layer.network, tried, device=run.device, first=first):
        for place, picture in zip(batch.places, batch.images, strict=True):
            image = wanted[place]
            for trial in trials[image]:
                rows.add(
                    is_own=np.array([trial.is_own]),
                    class_index=np.array([trial.class_index], dtype=np.int64),
                    image=np.array([image], dtype=np.int64),
                    whole=np.array([float(shared.says[image])]),
                    without=bench.run(image, picture, trial)[None],
                )
        run.tell(ABLATION, rows, batch.n_read, len(tried.paths))
    if not rows.parts["image"]:
        raise AblationInvalid("None of the photographs can be read any more.")
    return {is_own: _choose(rows, is_own, len(bench.counts)) for is_own in (True, False)}


def _choose(rows: _Rows, is_own: bool, n_counts: int) -> Hits:
    chosen = rows.join("is_own") == is_own
    return Hits(
        class_index=rows.join("class_index")[chosen],
        image=rows.join("image")[chosen],
        whole=rows.join("whole")[chosen],
        without=rows.join("without")[chosen].reshape(-1, len(ORDERS), n_counts),
    )
