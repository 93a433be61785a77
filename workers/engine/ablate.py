"""Ablate: set the units with the largest shares in a class's score to zero, and see whether the network still says it.

docs/evidence.md, Ablation. An image's own shares never decide which units are taken from it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

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
from workers.engine.weigh import Photographs, read_images


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


def ablate(
    *,
    layer: StudiedLayer,
    photographs: Photographs,
    classes: Sequence[int] | None,
    asked: Asked,
    device: str,
    progress: Callable[[str, int], None] = lambda stage, n_done: None,
) -> Ablated:
    """`classes` of the photographs; None: what the network says of them. Raises AblationInvalid."""
    counts = list_counts(layer.shape.n_units, asked.counts)
    if not counts:
        raise AblationInvalid(f"The layer has {layer.shape.n_units} units: ask for 1 to so many.")
    shared, unreadable = _share_all(layer, photographs, classes, device, progress)
    chosen = _choose_classes(shared, asked)
    by_class = {one: _sum_class(shared.units[shared.classes == one]) for one in chosen}
    bench = _Bench(layer, shared, by_class, counts, asked)
    hits = _try_all(bench, photographs, _plan(shared, chosen, asked), device, progress)
    return Ablated(
        counts=counts,
        classes=chosen,
        mean_shares={one: by_class[one].mean for one in chosen},
        own=hits[True],
        others=hits[False],
        n_images=len(shared.paths),
        unreadable=unreadable,
    )


def _share_all(
    layer: StudiedLayer,
    photographs: Photographs,
    classes: Sequence[int] | None,
    device: str,
    progress: Callable[[str, int], None],
) -> tuple[Shared, dict[str, str]]:
    read: list[str] = []
    of_class, says, units = [], [], []
    unreadable: dict[str, str] = {}
    for batch in read_images(layer.network, photographs, device=device):
        unreadable |= batch.unreadable
        if batch.places:
            wanted = None if classes is None else torch.tensor([classes[i] for i in batch.places], device=device)
            found = share_scores(layer, batch.images, wanted)
            of_class.append(found.classes.cpu().numpy())
            says.append((found.scores.argmax(dim=1) == found.classes).cpu().numpy())
            units.append(found.units.double().cpu().numpy())
            read += [photographs.paths[place] for place in batch.places]
        progress("shares", batch.n_read)
    if not read:
        raise AblationInvalid("None of the photographs can be read.")
    joined = Shared(read, np.concatenate(of_class), np.concatenate(says), np.concatenate(units))
    return joined, unreadable


def _choose_classes(shared: Shared, asked: Asked) -> list[int]:
    found, sizes = np.unique(shared.classes, return_counts=True)
    chosen = [int(one) for one, size in zip(found, sizes, strict=True) if size >= asked.n_least]
    if not chosen:
        raise AblationInvalid(
            f"No class has {asked.n_least} photographs or more; the largest has {sizes.max()}. Add photographs, or ask "
            "for fewer."
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


def _try_all(
    bench: _Bench,
    photographs: Photographs,
    trials: dict[int, list[Trial]],
    device: str,
    progress: Callable[[str, int], None],
) -> dict[bool, Hits]:
    """What the network says without the units: by True for images of the class itself, by False for others."""
    rows: dict[bool, list[_Row]] = {True: [], False: []}
    wanted, shared = sorted(trials), bench.shared
    tried = replace(photographs, paths=[shared.paths[image] for image in wanted])
    for batch in read_images(bench.layer.network, tried, device=device):
        for place, picture in zip(batch.places, batch.images, strict=True):
            image = wanted[place]
            for trial in trials[image]:
                row = _Row(trial.class_index, image, float(shared.says[image]), bench.run(image, picture, trial))
                rows[trial.is_own].append(row)
        progress("ablation", batch.n_read)
    return {is_own: _gather(found, len(bench.counts)) for is_own, found in rows.items()}


@dataclass(frozen=True)
class _Row:
    class_index: int
    image: int
    whole: float
    without: Values


def _gather(rows: Sequence[_Row], n_counts: int) -> Hits:
    return Hits(
        class_index=np.array([one.class_index for one in rows], dtype=np.int64),
        image=np.array([one.image for one in rows], dtype=np.int64),
        whole=np.array([one.whole for one in rows]),
        without=np.array([one.without for one in rows]).reshape(len(rows), len(ORDERS), n_counts),
    )
