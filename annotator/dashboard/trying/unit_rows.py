"""Units of a layer as lists show them: what each is called and by whom, a crop of it, and its share of a score."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from annotator.dashboard.trying.parts import Share, UnitRow
from annotator.dashboard.units.scope import choose_speaking
from annotator.evidence.units_behind import Named, name_layer_units
from annotator.units.models import DissectedUnit, Dissection, Layer
from workers.engine.drawing.explanation import name_unit, tell_labels


@dataclass(frozen=True)
class Asking:
    """The address of the form that asks people about `n_units`, which nobody was asked about."""

    n_units: int
    address: str


class UnitRows:
    """Reads the database when something is first asked for.

    `layer`: the registered layer, None if there is none of that `path`. `find_wanted` says which units will be named.
    """

    def __init__(self, *, layer: Layer | None, path: str, find_wanted: Callable[[], Collection[int]]) -> None:
        self.layer, self.path, self._find_wanted = layer, path, find_wanted

    @cached_property
    def measured(self) -> dict[int, DissectedUnit]:
        """By index, as the dissection measured the units that speaks for the layer; empty if it was not dissected."""
        layer = self.layer
        if layer is None:
            return {}
        done = Dissection.objects.filter(state=Dissection.State.DONE, is_baseline=False, network=layer.network)
        found = [
            one
            for one in done.defer("labels", "environment", "detectors").order_by("-created_at")
            if layer.path in one.layer_paths and not one.options.get("rotation")
        ]
        if not found:
            return {}
        speaking = choose_speaking({layer.pk: found})[layer.pk]
        rows = DissectedUnit.objects.filter(dissection=speaking, unit__layer=layer).select_related("unit")
        return {row.unit.index: row for row in rows}

    @cached_property
    def _named(self) -> dict[int, Named]:
        return {} if self.layer is None else name_layer_units(self.layer, self._find_wanted())

    def describe(self, index: int) -> UnitRow:
        named = vars(self._named.get(index) or Named(layer=self.path))
        layer, measured = self.layer, self.measured.get(index)
        is_asked = bool(named["concept"])
        return UnitRow(
            index=index,
            name=name_unit(named),
            told=tell_labels(named),
            address=reverse("unit", args=[layer.network.name, layer.path, index]) if layer and measured else "",
            crop=reverse("wall", args=[measured.dissection_id, measured.strip, 1, 1]) if measured else "",
            is_asked=is_asked,
            may_ask=measured is not None and not is_asked and not measured.silence,
        )

    def list_shares(self, units: Collection[Mapping[str, Any]]) -> list[Share]:
        """Of units with `index` and `contribution`; bars are measured by the largest one."""
        largest = max((abs(unit["contribution"]) for unit in units), default=0.0) or 1.0
        return [
            Share(unit["contribution"], 100 * abs(unit["contribution"]) / largest, self.describe(unit["index"]))
            for unit in units
        ]

    def find_asking(self, shares: Sequence[Share]) -> Asking | None:
        """None if people were asked about all of these units, or cannot be asked."""
        units = [share.unit.index for share in shares if share.unit.may_ask]
        if not units:
            return None
        named = f"{self.path}:{','.join(map(str, units))}"
        query = {"dissection": str(self.measured[units[0]].dissection_id), "units": named}
        return Asking(len(units), f"{reverse('launch')}?{urlencode(query)}")
