"""Answers how much units matter: their importance over an image set, and what a class loses without them."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from workers import config
from workers.engine.ablate import Ablated, AblationInvalid, ablate
from workers.engine.ablate import Asked as AskedAblation
from workers.engine.evidence.ablation import ORDERS, Hits, Values, compare_costs, estimate_share
from workers.engine.evidence.box_files.boxed_images import BoxesInvalid
from workers.engine.evidence.class_list import read_classes
from workers.engine.evidence.class_maps import score_images
from workers.engine.evidence.shares import StudiedLayer, find_studied
from workers.engine.explain import describe_head
from workers.engine.images.readers.table import open_image_set
from workers.engine.networks.class_names import name_classes
from workers.engine.plurals import say_count
from workers.engine.weigh import Photographs, weigh
from workers.fetching import fetch_folder
from workers.job import find_device
from workers.keeping import FolderKeeper
from workers.opened import open_images
from workers.parts import Asked, digest_key

MAX_NAMED = 10
# Units of a class that are told, of largest mean share.
N_TOLD = 20


def weigh_units(asked: Asked) -> dict[str, Any]:
    """Importance of the units of each of the `layers`, "" for the head's; over the folder `images` with
    its `labels`. Raises NoHead, LayerError, ImageSetError.
    """
    options = asked.request.options
    photographs = Photographs.of_set(open_images(options["images"], options.get("labels", "")))
    layers = [find_studied(asked.network, path, device=find_device()) for path in options["layers"]]
    keeper = FolderKeeper(asked, digest_key(asked.network, photographs.describe()))
    found = [_weigh_layer(asked, layer, photographs, keeper) for layer in layers]
    keeper.forget()
    return {"layers": found}


def _weigh_layer(asked: Asked, layer: StudiedLayer, photographs: Photographs, keeper: FolderKeeper) -> dict[str, Any]:
    asked.reporter.begin(f"importance of {layer.shape.path}", n_total=len(photographs.paths))
    found = weigh(
        layer=layer,
        photographs=photographs,
        device=find_device(),
        progress=asked.reporter.set_done,
        keeper=keeper,
    )
    if not found.n_images:
        raise AblationInvalid("None of the photographs can be read.")
    return {
        **_describe_layer(layer),
        "n_images": found.n_images,
        **_describe_unreadable(found.unreadable),
        "importance": found.importance.tolist(),
        "mean_share": found.mean_share.tolist(),
    }


def ablate_units(asked: Asked) -> dict[str, Any]:
    """Accuracy of classes without some units of the `layer`. `classes` is a file, or "" for what the network says.
    Raises NoHead, LayerError, ImageSetError, BoxesInvalid, AblationInvalid.
    """
    options = asked.request.options
    wanted = AskedAblation(**{**options["asked"], "counts": tuple(options["asked"].get("counts", ()))})
    layer = find_studied(asked.network, options["layer"], device=find_device())
    photographs, classes = _read_classes(asked, layer, _fetch(asked))
    keeper = FolderKeeper(asked, digest_key(asked.network, photographs.describe(), classes, options))
    found = ablate(
        layer=layer,
        photographs=photographs,
        classes=classes,
        asked=wanted,
        device=find_device(),
        progress=lambda stage, n_done: _show(asked, stage, n_done, len(photographs.paths)),
        keeper=keeper,
    )
    keeper.forget()
    names = name_classes(asked.network, n_classes=_count_classes(layer))
    return {
        **_describe_layer(layer),
        "asked": asdict(wanted),
        "classes_by": "file" if classes is not None else "the network",
        "counts": found.counts,
        "n_images": found.n_images,
        **_describe_unreadable(found.unreadable),
        **_describe_hits(found.own, found.others, found.counts),
        "costs": [_describe_cost(found, place) for place in range(len(found.counts))],
        "classes": [{"label": names[one], **_describe_class(found, one)} for one in found.classes],
    }


def _fetch(asked: Asked) -> Path:
    address = asked.request.options["images"]
    return fetch_folder(address, cache=config.cache_folder(), max_bytes=config.max_fetched_bytes())


def _read_classes(asked: Asked, layer: StudiedLayer, folder: Path) -> tuple[Photographs, list[int] | None]:
    file = asked.request.options["classes"]
    if not file:
        return Photographs.of_set(open_image_set(folder)), None
    found = read_classes(Path(file))
    if missing := [path for path in found if not (folder / path).is_file()]:
        raise BoxesInvalid(
            f"{say_count(len(missing), 'photograph is', 'photographs are')} not in {folder.name}, the first of them "
            f"{missing[0]}."
        )
    n_classes = _count_classes(layer)
    if wrong := [path for path, one in found.items() if one >= n_classes]:
        raise BoxesInvalid(
            f"{wrong[0]} is of class {found[wrong[0]]}; the network has the classes 0 to {n_classes - 1}."
        )
    return Photographs(folder, list(found)), list(found.values())


def _count_classes(layer: StudiedLayer) -> int:
    if layer.head is not None:
        return layer.head.n_classes
    px = layer.network.preprocessing.input_px
    with torch.inference_mode():
        return score_images(layer.network.module, torch.zeros(1, 3, px, px, device=find_device())).shape[1]


def _show(asked: Asked, stage: str, n_done: int, n_total: int) -> None:
    if asked.reporter.stage != stage:
        asked.reporter.begin(stage, n_total=n_total)
    asked.reporter.set_done(n_done)


def _describe_layer(layer: StudiedLayer) -> dict[str, Any]:
    return {
        "head": None if layer.head is None else describe_head(layer.head),
        "layer": layer.shape.path,
        "n_units": layer.shape.n_units,
        "n_classes": _count_classes(layer),
        "by": layer.by,
    }


def _describe_unreadable(unreadable: dict[str, str]) -> dict[str, Any]:
    return {"n_unreadable": len(unreadable), "unreadable": dict(list(unreadable.items())[:MAX_NAMED])}


def _describe_hits(own: Hits, others: Hits, counts: Sequence[int]) -> dict[str, Any]:
    """Curves of accuracy, the first point with all units, for the classes' own images and for others."""
    return {"own": _describe_curves(own, counts), "others": _describe_curves(others, counts)}


def _describe_curves(hits: Hits, counts: Sequence[int]) -> dict[str, Any]:
    curves = {
        order: [
            _describe_share(hits, hits.whole, 0),
            *(_describe_share(hits, hits.without[:, row, place], n) for place, n in enumerate(counts)),
        ]
        for row, order in enumerate(ORDERS)
    }
    return {"n_images": len(np.unique(hits.image)), "n_trials": len(hits.image), "curves": curves}


def _describe_share(hits: Hits, values: Values, n: int) -> dict[str, Any]:
    share = estimate_share(values, hits.image)
    return {"n": n, **(asdict(share) if share is not None else {"value": None, "low": None, "high": None})}


def _describe_cost(found: Ablated, place: int) -> dict[str, Any]:
    """What the units of largest share cost their class more than random ones do, as shares of its images."""
    difference = compare_costs(found.own, place)
    whole, without = found.own.whole.mean(), found.own.without[:, :, place].mean(axis=0)
    return {
        "n": found.counts[place],
        **{order: float(whole - without[row]) for row, order in enumerate(ORDERS)},
        "difference": difference.value,
        "low": difference.low,
        "high": difference.high,
        "p": difference.p,
    }


def _describe_class(found: Ablated, class_index: int) -> dict[str, Any]:
    shares = found.mean_shares[class_index]
    largest = np.argsort(-shares, kind="stable")[:N_TOLD]
    own, others = found.own.of_class(class_index), found.others.of_class(class_index)
    return {
        "class_index": class_index,
        "n_images": len(own.whole),
        "units": [{"index": int(unit), "mean_share": float(shares[unit])} for unit in largest],
        **_describe_hits(own, others, found.counts),
    }
