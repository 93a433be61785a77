"""Answers how well class maps find the pixels of objects: as for boxes, in parts that are joined to scores."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from workers import config, contract
from workers.engine.evidence.box_files.boxed_images import BoxesInvalid
from workers.engine.evidence.finding import find_head
from workers.engine.evidence.masked_images import MaskedImage, read_masked
from workers.engine.evidence.pixel_precision import PixelOutcomes, score_pixels
from workers.engine.explain import describe_head
from workers.engine.format.artifact import Arrays
from workers.engine.format.packed_words import pack_words, unpack_words
from workers.engine.localize import BATCH, localize_masks
from workers.fetching import fetch_folder
from workers.job import find_device
from workers.parts import Asked, Cut, answer_in_parts, digest_key

MAX_NAMED = 10
UNREADABLE = "unreadable"


def localize_masked_set(asked: Asked) -> dict[str, Any]:
    """The options are `images`, a folder, `masks`, a list, and `shard_images`. Raises NoHead, BoxesInvalid,
    PartsChanged, NetworkError.
    """
    options = asked.request.options
    folder = fetch_folder(options["images"], cache=config.cache_folder(), max_bytes=config.max_fetched_bytes())
    images = _read(options["masks"], asked.request.question_id)
    if asked.request.position == 0:
        _demand_files(images, folder)
    size = int(options.get("shard_images") or contract.LOCALIZED_IMAGES)
    return answer_in_parts(asked, _Work(asked, images, folder), shard_images=size)


@lru_cache(maxsize=1)
def _read(masks: str, _question_id: str) -> list[MaskedImage]:
    """Read once for the parts of a question."""
    return read_masked(Path(masks))


def _demand_files(images: Sequence[MaskedImage], folder: Path) -> None:
    """Raises BoxesInvalid."""
    missing = [name for one in images for name in one.files() if not (folder / name).is_file()]
    if missing:
        raise BoxesInvalid(
            f"Photographs or masks that are not in {folder.name}: {len(missing)}, the first {missing[0]}."
        )


@dataclass(frozen=True)
class _Work:
    asked: Asked
    images: list[MaskedImage]
    folder: Path

    @property
    def sizes(self) -> list[int]:
        return [len(self.images)]

    @property
    def batch(self) -> int:
        return BATCH

    @property
    def key(self) -> str:
        """Of all that outcomes depend on, but for the photographs and masks themselves."""
        return digest_key(self.asked.network, [[*one.files(), one.class_index] for one in self.images])

    def measure(self, cut: Cut) -> Arrays:
        self.asked.reporter.begin("localize", n_total=cut.last - cut.first)
        found = localize_masks(
            network=self.asked.network,
            head=find_head(self.asked.network),
            images=self.images[cut.first : cut.last],
            folder=self.folder,
            device=find_device(),
            progress=self.asked.reporter.set_done,
        )
        return {**found.outcomes.to_arrays(), UNREADABLE: pack_words(found.unreadable)}

    def join(self, parts: Sequence[Sequence[Arrays]]) -> dict[str, Any]:
        unreadable = {path: reason for part in parts[0] for path, reason in unpack_words(part[UNREADABLE]).items()}
        outcomes = PixelOutcomes.join(
            [PixelOutcomes(**{name: part[name] for name in part if name != UNREADABLE}) for part in parts[0]]
        )
        if len(outcomes) == 0:
            raise BoxesInvalid("None of the photographs can be read with its masks.")
        if not outcomes.pixels[:, 0].any():
            raise BoxesInvalid("All masks are empty: they mark no pixel of an object.")
        return {
            "head": describe_head(find_head(self.asked.network)),
            "n_images": len(outcomes),
            "n_unreadable": len(unreadable),
            "unreadable": dict(list(unreadable.items())[:MAX_NAMED]),
            "sha256": _digest(outcomes),
            **{key: value for name, one in score_pixels(outcomes).items() for key, value in one.tell(name).items()},
        }


def _digest(outcomes: PixelOutcomes) -> str:
    """Of all outcomes, image by image; equal however the set was cut."""
    digest = hashlib.sha256()
    for name, values in sorted(outcomes.to_arrays().items()):
        digest.update(name.encode() + values.tobytes())
    return digest.hexdigest()
