"""What may be chosen of a dissection, and the key that tells dissections apart."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from workers.engine.drawing.segments import WAYS
from workers.engine.measures.iou.iou import MODES


class OptionsInvalid(Exception):
    """An option's value is outside what it may be; the message names it."""


@dataclass(frozen=True)
class DissectionOptions:
    """n_top and n_low images a unit; `tail` above the threshold; `iou_modes` of science.md section 6; tiles of tile_px;
    `segment` of section 3.

    `mean_empirical_px`, where it has been estimated, is the least side of crops and the diameter of disks; with
    `occluded_images` above 0 it is estimated from that many of each unit's top images. `rotation` is the power of a
    random rotation, drawn by rotation_seed, that every layer's basis is turned by ([BZKOT17] 3.2). `autocast` lets the
    network compute in half precision where torch holds it safe: faster on a GPU, other numbers.
    """

    n_top: int = 57
    n_low: int = 12
    tail: float = 0.005
    iou_modes: tuple[str, ...] = ("paper",)
    batch_size: int = 32
    tile_px: int = 128
    segment: str = "upsampled"
    seed: int = 0
    mean_empirical_px: float | None = None
    rotation: float = 0.0
    rotation_seed: int = 0
    occluded_images: int = 0
    autocast: bool = False

    def __post_init__(self) -> None:
        ranges = {
            "n_top": (1, 1000),
            "n_low": (0, 1000),
            "occluded_images": (0, 1000),
            "rotation_seed": (0, 2**63 - 1),
            "batch_size": (1, 4096),
            "tile_px": (16, 512),
            "seed": (0, 2**63 - 1),
        }
        for name, (low, high) in ranges.items():
            if not low <= getattr(self, name) <= high:
                raise OptionsInvalid(f"{name} is {getattr(self, name)}; it must lie between {low} and {high}.")
        if not 0 <= self.rotation <= 1:
            raise OptionsInvalid(f"rotation is {self.rotation}; it must lie between 0 and 1.")
        if self.rotation and self.occluded_images:
            raise OptionsInvalid("Empirical receptive fields are estimated in the layer's own basis, without rotation.")
        if not 0 < self.tail < 1:
            raise OptionsInvalid(f"tail is {self.tail}; it must lie between 0 and 1.")
        if unknown := set(self.iou_modes) - set(MODES):
            raise OptionsInvalid(f"iou_modes holds {min(unknown)!r}; there are {', '.join(MODES)}.")
        if self.segment not in WAYS:
            raise OptionsInvalid(f"segment is {self.segment!r}; there are {', '.join(WAYS)}.")
        if self.segment == "disk" and not (self.occluded_images or self.mean_empirical_px):
            raise OptionsInvalid("Segments as disks need empirical receptive fields: ask for these as well.")

    @property
    def n_maps(self) -> int:
        """Maps kept a unit: of the top images, and of the next ones, whose shapes the low images are cut in."""
        return self.n_top + self.n_low

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> DissectionOptions:
        """The inverse of to_json; absent options keep their defaults. Raises OptionsInvalid."""
        known = {field.name for field in fields(cls)}
        if unknown := data.keys() - known:
            raise OptionsInvalid(f"There is no option {min(unknown)!r}; there are {', '.join(sorted(known))}.")
        values = dict(data)
        if "iou_modes" in values:
            values["iou_modes"] = tuple(values["iou_modes"])
        try:
            return cls(**values)
        except TypeError as error:
            raise OptionsInvalid(f"An option has a value of the wrong kind: {error}.") from None

    def to_json(self) -> dict[str, Any]:
        """Plain values that JSON keeps exactly."""
        return json.loads(json.dumps(asdict(self)))  # type: ignore[no-any-return]
