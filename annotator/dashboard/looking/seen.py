"""A photograph of an image set as a GPU process has looked at it: where a unit fires, and which units fire there.

Maps are laid over the square that the network saw as the dissection lays them (docs/measures.md, Where cells lie).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from django.db.models import Avg
from numpy.typing import NDArray

from annotator.dashboard.trying.firing import Firing, Labels, PixelLabel, list_firing, place_firing
from annotator.dashboard.trying.parts import Place
from annotator.evidence.models import Question
from annotator.evidence.units_behind import Named, name_layer_units
from annotator.units.models import DissectedUnit, Dissection, Layer, TopImage
from workers import contract
from workers.engine.drawing.segments import SegmentSource, SegmentUnavailable, find_segments
from workers.engine.format.artifact import Arrays, ArtifactMalformed, unpack_arrays
from workers.engine.measures.options import list_defaults
from workers.engine.networks.geometry import AxisGeometry, MapGeometry, plan_upsampling, spread_pixels, upsample
from workers.store import StoreError, open_store

OVERLAY_PX = 256
# What lies over the photograph, and the key that shows it.
HEAT, MASK, SEGMENT = "heat", "mask", "segment"
Values = NDArray[np.float32]


@dataclass(frozen=True)
class Fired:
    """A unit of the layer that fires here; `rank` is the photograph's place among its top images, if it has one."""

    firing: Firing
    named: Named
    rank: int | None

    @property
    def name(self) -> str:
        return self.named.concept or self.named.broden_label or f"unit {self.firing.index}"


class Seen:
    """An answered question about a photograph. Reads the database and the store when something is first asked for."""

    def __init__(self, question: Question, dissection: Dissection, layer: Layer) -> None:
        self.question, self.answer = question, question.answer
        self.dissection, self.layer = dissection, layer

    @cached_property
    def geometry(self) -> MapGeometry:
        return MapGeometry(*(AxisGeometry(**self.answer[axis]) for axis in ("rows", "columns")))

    @cached_property
    def maps(self) -> Values:
        """(K, h, w). Raises StoreError, ArtifactMalformed."""
        return unpack_arrays(open_store(self.question.folder).read(contract.UNIT_MAPS))["maps"]

    @cached_property
    def labels(self) -> Labels | None:
        try:
            arrays: Arrays = unpack_arrays(open_store(self.question.folder).read(contract.PIXEL_LABELS))
        except (StoreError, ArtifactMalformed, OSError):
            return None
        return Labels.read(arrays)

    def grow(self, index: int, rows: int, columns: int) -> Values:
        """(rows, columns) the unit's map over what the network saw."""
        shape: tuple[int, int] = self.maps.shape[1:]
        plans = plan_upsampling(
            geometry=self.geometry, map_shape=shape, out_shape=(rows, columns), input_px=self.answer["input_px"]
        )
        return upsample(maps=self.maps[index], rows=plans[0], columns=plans[1])

    def cut_segment(self, index: int) -> NDArray[np.bool_]:
        """The part of what the network saw that a crop of the unit shows bright. Raises SegmentUnavailable."""
        options = {**list_defaults(), **self.dissection.options}
        tops = TopImage.objects.filter(dissected_unit__in=self.measured_rows.filter(unit__index=index), rank=0)
        first = tops.values_list("peak", flat=True).first()
        if first is None:
            raise SegmentUnavailable("The unit has no top images.")
        source = SegmentSource(str(options["segment"]), self.geometry, self._mean_field(options))
        pixels = spread_pixels(n_pixels=OVERLAY_PX, side_px=self.answer["input_px"])[None]
        found = find_segments(
            source=source,
            maps=self.maps[index][None],
            first_peaks=np.array([first]),
            rows=pixels,
            columns=pixels,
        )
        return np.asarray(found[0], dtype=np.bool_)

    def _mean_field(self, options: dict[str, Any]) -> float | None:
        stated = options.get("mean_empirical_px")
        if stated is not None:
            return float(stated)
        mean: float | None = self.measured_rows.aggregate(mean=Avg("empirical_size_px"))["mean"]
        return mean

    @property
    def measured_rows(self) -> Any:
        return DissectedUnit.objects.filter(dissection=self.dissection, unit__layer=self.layer)

    @cached_property
    def measured(self) -> dict[int, DissectedUnit]:
        return {row.unit.index: row for row in self.measured_rows.select_related("unit").defer("values")}

    @property
    def square(self) -> Place:
        """What the network saw, in percent of the photograph."""
        return self._place(self.answer["seen"])

    def _place(self, box: Sequence[float]) -> Place:
        return Place.of(box, **self.answer["photograph"])

    def place_input(self, left: float, top: float, side: float) -> Place:
        """A square in pixels of the network's input."""
        x0, y0, x1, y1 = self.answer["seen"]
        across, down = (x1 - x0) / self.answer["input_px"], (y1 - y0) / self.answer["input_px"]
        return self._place((x0 + left * across, y0 + top * down, x0 + (left + side) * across, y0 + (top + side) * down))

    def place_field(self, row: int, column: int, side: float) -> Place:
        """A square of `side` pixels of the input around the center of a cell; pixel centers lie at half."""
        x, y = self.geometry.columns.center(column) + 0.5, self.geometry.rows.center(row) + 0.5
        return self.place_input(x - side / 2, y - side / 2, side)

    def find_peak(self, index: int) -> tuple[int, int]:
        """Row and column of the cell of the unit's highest value; the first of equals."""
        row, column = np.unravel_index(int(self.maps[index].argmax()), self.maps[index].shape)
        return int(row), int(column)

    @cached_property
    def fired(self) -> list[Fired]:
        """The units of the layer that fire on the photograph, the most unusual first."""
        labels = self.labels
        cut = None if labels is None else labels.cut(self.answer["seen"], **self.answer["photograph"])
        firing = list_firing(self.maps, self.measured)
        placed = place_firing(firing, self.grow, cut, labels.known if labels else [])
        named = name_layer_units(self.layer, [one.index for one in placed])
        ranks = dict(
            TopImage.objects.filter(
                image=self.question.image_id,
                is_low=False,
                dissected_unit__in=[self.measured[one.index].pk for one in placed if one.index in self.measured],
            ).values_list("dissected_unit__unit__index", "rank")
        )
        unknown = Named(layer=self.layer.path)
        return [Fired(one, named.get(one.index, unknown), ranks.get(one.index)) for one in placed]

    @property
    def pixel_labels(self) -> list[PixelLabel]:
        return self.labels.known if self.labels else []


def read_label_mask(question: Question, place: int) -> NDArray[np.bool_] | None:
    """(rows, columns) over the whole photograph; None if it has no such label. Raises StoreError, ArtifactMalformed."""
    arrays = unpack_arrays(open_store(question.folder).read(contract.PIXEL_LABELS))
    masks, told = arrays["masks"], json.loads(arrays["names"].tobytes())
    return masks[place].astype(np.bool_) if place < len(told) else None
