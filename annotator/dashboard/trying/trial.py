"""What the page of a tried photograph shows, by the answer, the registered units and the labels they have now."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

import numpy as np
from numpy.typing import NDArray

from annotator.dashboard.trying.firing import Firing, Labels, PixelLabel, list_firing, place_firing
from annotator.dashboard.trying.overlays import grow_map
from annotator.dashboard.trying.parts import Choice, Fired, Place, Share, UnitRow, View
from annotator.dashboard.trying.unit_rows import Asking, UnitRows
from annotator.evidence.models import Question
from annotator.evidence.units_behind import find_layer, find_network
from annotator.units.models import DissectedUnit, Layer, Network
from workers import contract
from workers.engine.evidence import names
from workers.engine.format.artifact import Arrays, ArtifactMalformed, unpack_arrays
from workers.store import StoreError, open_store


class Trial:
    """An answered question and the view of it. Reads the database and the store when something is first asked for."""

    def __init__(self, question: Question, view: View) -> None:
        self.question, self.answer, self.view = question, question.answer, view
        self.predictions: list[dict[str, Any]] = self.answer["predictions"]
        by_class = {one["class_index"]: one for one in self.predictions}
        self.chosen = by_class.get(view.chosen, self.predictions[0]) if view.chosen is not None else self.predictions[0]
        self.other = by_class.get(view.against) if view.against is not None else None
        if self.other is self.chosen:
            self.other = None
        self.methods = list(self.chosen["views"])
        self.method = view.method if view.method in self.methods else self.answer["method"]

    @property
    def shown_box(self) -> dict[str, Any]:
        box: dict[str, Any] = self.chosen["views"][self.method]["boxes"][self.view.boxes]
        return box

    def place(self, box: Sequence[float]) -> Place:
        return Place.of(box, **self.answer["photograph"])

    @property
    def boxes(self) -> list[Place]:
        """The best one, or all of the authors' way, which gives loose and tight ones."""
        found = self.shown_box["boxes"]
        return [self.place(box) for box in (found if self.view.boxes == names.AUTHORS else found[:1])]

    @property
    def seen(self) -> Place:
        return self.place(self.answer["seen"])

    @property
    def others(self) -> list[dict[str, Any]]:
        return [one for one in self.predictions if one is not self.chosen]

    @cached_property
    def network(self) -> Network | None:
        return find_network(self.answer, self.question)

    @cached_property
    def layer(self) -> Layer | None:
        return find_layer(self.answer, self.network)

    @cached_property
    def rows(self) -> UnitRows:
        return UnitRows(layer=self.layer, path=self.answer["layer"], find_wanted=self._list_wanted)

    @property
    def measured(self) -> dict[int, DissectedUnit]:
        return self.rows.measured

    @cached_property
    def maps(self) -> Arrays:
        """Of all units; empty if the store does not have them or does not answer."""
        return self._read(contract.UNIT_MAPS)

    @cached_property
    def labels(self) -> Labels | None:
        arrays = self._read(contract.PIXEL_LABELS) if self.question.image_id or self._is_of_set else {}
        return Labels.read(arrays) if arrays else None

    @property
    def _is_of_set(self) -> bool:
        return "image" in self.question.options

    def _read(self, name: str) -> Arrays:
        try:
            return unpack_arrays(open_store(self.question.folder).read(name))
        except (StoreError, ArtifactMalformed, OSError):
            return {}

    @cached_property
    def firing(self) -> list[Firing]:
        if not self.maps:
            return []
        maps, labels = self.maps["maps"], self.labels
        cut = None if labels is None else labels.cut(self.answer["seen"], **self.answer["photograph"])
        known = labels.known if labels else []

        def grow(index: int, rows: int, columns: int) -> NDArray[np.float32]:
            return grow_map(maps[index], width=columns, height=rows)

        return place_firing(list_firing(maps, self.measured), grow, cut, known)

    @property
    def pixel_labels(self) -> list[PixelLabel]:
        return self.labels.known if self.labels else []

    @cached_property
    def difference(self) -> dict[str, Any] | None:
        """Of the chosen class's score and the other's, in that order."""
        if self.other is None:
            return None
        pair = (self.chosen["class_index"], self.other["class_index"])
        for one in self.answer["differences"]:
            if (one["class_index"], one["other_index"]) == pair:
                return dict(one)
            if (one["other_index"], one["class_index"]) == pair:
                return _turn(one)
        return None

    def _list_wanted(self) -> set[int]:
        parts = [self.chosen, *([self.difference] if self.difference else [])]
        wanted = {unit["index"] for part in parts for unit in part["units"]}
        return wanted | {one.index for one in self.firing} | ({self.view.unit} if self.view.unit is not None else set())

    @property
    def shares(self) -> list[Share]:
        return self.rows.list_shares(self.chosen["units"])

    @property
    def asking(self) -> Asking | None:
        return self.rows.find_asking(self.shares)

    @property
    def compared(self) -> list[Share]:
        return self.rows.list_shares(self.difference["units"] if self.difference else [])

    @property
    def fired(self) -> list[Fired]:
        return [Fired(self.rows.describe(one.index), one, self.link(unit=one.index)) for one in self.firing]

    @property
    def shown_unit(self) -> UnitRow | None:
        is_known = self.view.unit is not None and bool(self.maps) and self.view.unit < len(self.maps["maps"])
        return self.rows.describe(self.view.unit) if is_known and self.view.unit is not None else None

    @property
    def shown_label(self) -> PixelLabel | None:
        return next((one for one in self.pixel_labels if one.place == self.view.label), None)

    @property
    def classes(self) -> list[Choice]:
        return [
            Choice(
                words=one["label"],
                link=self.link(**{"class": one["class_index"], "against": None}),
                is_current=one is self.chosen,
                share=one["probability"],
                score=one["logit"],
            )
            for one in self.predictions
        ]

    @property
    def map_choices(self) -> list[Choice]:
        return [Choice(one, self.link(method=one), one == self.method) for one in self.methods]

    @property
    def box_choices(self) -> list[Choice]:
        return [Choice(one, self.link(boxes=one), one == self.view.boxes) for one in names.BOXES]

    @property
    def label_choices(self) -> list[tuple[PixelLabel, str]]:
        return [(one, self.link(label=one.place)) for one in self.pixel_labels]

    @property
    def without_overlay(self) -> str:
        return self.link()

    def link(self, **changes: object) -> str:
        """The address of this view with changes."""
        kept = {
            "class": self.chosen["class_index"],
            "against": self.other["class_index"] if self.other else None,
            "method": self.method if self.method != self.answer["method"] else None,
            "boxes": self.view.boxes if self.view.boxes != names.PAPER else None,
        }
        told = {name: value for name, value in (kept | changes).items() if value is not None}
        return f"?{urlencode(told)}"


def _turn(difference: Mapping[str, Any]) -> dict[str, Any]:
    """The same difference the other way round."""
    units = [{**unit, "contribution": -unit["contribution"]} for unit in reversed(difference["units"])]
    signs = {name: -difference[name] for name in ("difference", "bias", "rest")}
    swapped = {"class_index": difference["other_index"], "other_index": difference["class_index"]}
    return {**swapped, **signs, "units": units}
