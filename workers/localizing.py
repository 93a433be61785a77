"""Answers how well class maps find the objects of a set with boxes: in parts, joined to scores and pictures."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from workers import config, contract
from workers.engine.drawing.boxed_photograph import draw_boxes
from workers.engine.evidence.box_files.boxed_images import BoxedImage, BoxesInvalid, demand_photographs
from workers.engine.evidence.box_files.table import read_boxes
from workers.engine.evidence.finding import find_head
from workers.engine.evidence.localization import Outcomes, choose_taus, score
from workers.engine.explain import describe_head
from workers.engine.format.artifact import Arrays
from workers.engine.format.packed_words import pack_words, unpack_words
from workers.engine.localize import BATCH, localize
from workers.engine.networks.loading import LoadedNetwork
from workers.fetching import fetch_folder
from workers.job import find_device, write_patiently
from workers.localizing_masks import localize_masked_set
from workers.parts import Asked, Cut, answer_in_parts, digest_key

MAX_NAMED = 10
# Photographs that are shown as those where the box is worst, and as many where it is best.
N_SHOWN = 12
UNREADABLE = "unreadable"
NO_MAPS = (
    "The class maps of all photographs are positive nowhere or the same everywhere: they give no boxes. See whether "
    "the weights are those of this network, and whether the file of boxes numbers its classes as the network does."
)


@dataclass(frozen=True)
class BoxedSet:
    """Photographs below a folder, with their boxes."""

    images: list[BoxedImage]
    folder: Path


def localize_set(asked: Asked) -> dict[str, Any]:
    """Every score with its interval. The options are `images`, a folder, and `boxes`, a file; `tau_images` and
    `tau_boxes` the same of photographs on which the thresholds are chosen, or empty; `shard_images`, of a part; or
    `masks`, a list, in the place of boxes. Raises NoHead, BoxesInvalid, PartsChanged, NetworkError.
    """
    options = asked.request.options
    if options.get("masks"):
        return localize_masked_set(asked)
    sets = _open_sets(json.dumps(options, sort_keys=True), asked.request.question_id)
    if asked.request.position == 0:
        for one in sets:
            demand_photographs(one.images, one.folder)
    return answer_in_parts(
        asked, _Work(asked, sets), shard_images=int(options.get("shard_images") or contract.LOCALIZED_IMAGES)
    )


@lru_cache(maxsize=1)
def _open_sets(stated: str, _question_id: str) -> list[BoxedSet]:
    """Opened once for the parts of a question: reading the boxes of a large set takes as long as a part. Raises
    BoxesInvalid.
    """
    options = json.loads(stated)
    found = [_open_set(options["images"], options["boxes"])]
    if options.get("tau_boxes"):
        found.append(_open_set(options.get("tau_images") or options["images"], options["tau_boxes"]))
    return found


def _open_set(images: str, boxes: str) -> BoxedSet:
    folder = fetch_folder(images, cache=config.cache_folder(), max_bytes=config.max_fetched_bytes())
    if not folder.is_dir():
        raise BoxesInvalid(f"There is no folder of images at {folder}.")
    return BoxedSet(read_boxes(Path(boxes)), folder)


@dataclass(frozen=True)
class _Work:
    """The sets of a question: the one that is scored, and the one on which thresholds are chosen, if there is one."""

    asked: Asked
    sets: list[BoxedSet]

    @property
    def sizes(self) -> list[int]:
        return [len(one.images) for one in self.sets]

    @property
    def batch(self) -> int:
        return BATCH

    @property
    def key(self) -> str:
        """Of all that outcomes depend on, but for the photographs themselves."""
        digest = hashlib.sha256()
        for one in (image for some in self.sets for image in some.images):
            digest.update(json.dumps([one.path, one.class_index, one.width, one.height, one.boxes.tolist()]).encode())
        return digest_key(self.asked.network, self.sizes, digest.hexdigest())

    def measure(self, cut: Cut) -> Arrays:
        some, reporter = self.sets[cut.which], self.asked.reporter
        head = find_head(self.asked.network)
        reporter.begin("localize", n_total=cut.last - cut.first)
        found = localize(
            network=self.asked.network,
            head=head,
            images=some.images[cut.first : cut.last],
            folder=some.folder,
            device=find_device(),
            progress=reporter.set_done,
        )
        return {**found.outcomes.to_arrays(), UNREADABLE: pack_words(found.unreadable)}

    def join(self, parts: Sequence[Sequence[Arrays]]) -> dict[str, Any]:
        outcomes, unreadable = _join(parts[0])
        images = [one for one in self.sets[0].images if one.path not in unreadable]
        chosen, tau_from = None, None
        if len(parts) > 1:
            others, _ = _join(parts[1])
            chosen, tau_from = choose_taus(others), self._describe_others(others)
        shown = show_extremes(images, outcomes, self.asked.network)
        self._keep_pictures(shown)
        scores = score(outcomes, chosen=chosen)
        return {
            "head": describe_head(find_head(self.asked.network)),
            "n_images": len(outcomes),
            "n_off_centre": int((~outcomes.center_box).sum()),
            "n_without_map": int((~outcomes.has_map).sum()),
            "n_unreadable": len(unreadable),
            "unreadable": dict(list(unreadable.items())[:MAX_NAMED]),
            "sha256": _digest(outcomes),
            "tau_from": tau_from,
            **shown,
            **{key: value for name, one in scores.items() for key, value in one.tell(name).items()},
        }

    def _describe_others(self, others: Outcomes) -> dict[str, Any]:
        boxes = Path(self.asked.request.options["tau_boxes"]).name
        return {"boxes": boxes, "n_images": len(others), "sha256": _digest(others)}

    def _keep_pictures(self, shown: dict[str, list[dict[str, Any]]]) -> None:
        """Of the photographs that a report shows: whoever reads it may not reach their folder."""
        for group, listed in shown.items():
            for place, one in enumerate(listed):
                picture = draw_boxes(self.sets[0].folder / one["path"], one)
                if picture:
                    name = contract.picture_name(group, place)
                    write_patiently(self.asked.target, self.asked.reporter, name, picture)


def _join(parts: Sequence[Arrays]) -> tuple[Outcomes, dict[str, str]]:
    """Outcomes of all images of a set, and what could not be read. Raises BoxesInvalid."""
    unreadable = {path: reason for part in parts for path, reason in unpack_words(part[UNREADABLE]).items()}
    outcomes = Outcomes.join([Outcomes(**{name: part[name] for name in part if name != UNREADABLE}) for part in parts])
    if len(outcomes) == 0:
        raise BoxesInvalid("None of the photographs can be read.")
    if not outcomes.has_map.any():
        raise BoxesInvalid(NO_MAPS)
    return outcomes, unreadable


def _digest(outcomes: Outcomes) -> str:
    """Of all outcomes, image by image; equal however the set was cut."""
    digest = hashlib.sha256()
    for name, values in sorted(outcomes.to_arrays().items()):
        digest.update(name.encode() + (np.packbits(values) if values.dtype == bool else values).tobytes())
    return digest.hexdigest()


def show_extremes(
    images: Sequence[BoxedImage], outcomes: Outcomes, network: LoadedNetwork
) -> dict[str, list[dict[str, Any]]]:
    """`worst` and `best`: where the box by `paper` for the class overlaps least and most; ties in the set's order."""
    px, n_worst = network.preprocessing.input_px, min(N_SHOWN, (len(images) + 1) // 2)
    order = np.argsort(outcomes.overlap, kind="stable").tolist()
    worst = order[:n_worst]
    falling = np.argsort(-outcomes.overlap, kind="stable").tolist()
    best = [place for place in falling if place not in worst][:N_SHOWN]

    def show(place: int) -> dict[str, Any]:
        one = images[place]
        scale = np.array([one.width, one.height] * 2) / px
        return {
            "path": one.path,
            "class_index": one.class_index,
            "overlap": round(float(outcomes.overlap[place]), 4),
            "box": np.round(outcomes.box[place] * scale, 2).tolist(),
            "boxes": one.boxes.tolist(),
            "width": one.width,
            "height": one.height,
        }

    return {"worst": [show(place) for place in worst], "best": [show(place) for place in best]}
