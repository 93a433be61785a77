"""An explained photograph, as a notebook shows it: classes, maps, and the units behind each score."""

import base64
import html
import io
from typing import TYPE_CHECKING, Any

from PIL import Image as Picture

from workers.engine.drawing.explanation import draw_explanation, name_unit, tell_class
from workers.unitscope.layer import Layer

if TYPE_CHECKING:
    import pandas


# People's words are not known here, so nothing says whether they were asked.
NO_LABEL = "no label"


class Explanation:
    """What `Dissection.explain` found. `predictions` is the answer of the command `explain` (docs/evidence.md)."""

    def __init__(self, *, answer: dict[str, Any], photograph: bytes, names: list[str], known: Layer | None) -> None:
        self._photograph, self._known = photograph, known
        self.predictions: list[dict[str, Any]] = [
            {**one, "label": names[one["class_index"]], "units": [self._name(unit) for unit in one["units"]]}
            for one in answer["predictions"]
        ]
        self._answer = {**answer, "predictions": self.predictions}

    def _name(self, unit: dict[str, Any]) -> dict[str, Any]:
        """With its label by labeled pixels; people's words are known to an installation only."""
        found = None if self._known is None else self._known[unit["index"]]
        label, iou = (None, None) if found is None else (found.label, found.iou)
        return {**unit, "concept": None, "precision": None, "said_by": "", "broden_label": label, "iou": iou}

    @property
    def units(self) -> "pandas.DataFrame":
        """One row for each listed unit of a class: `class_index`, `class`, `unit`, `contribution`, `label`, `iou`."""
        import pandas

        return pandas.DataFrame(
            [
                {
                    "class_index": prediction["class_index"],
                    "class": prediction["label"],
                    "unit": unit["index"],
                    "contribution": unit["contribution"],
                    "label": unit["broden_label"],
                    "iou": unit["iou"],
                }
                for prediction in self.predictions
                for unit in prediction["units"]
            ]
        )

    def show(self) -> Picture.Image:
        """The picture that the command `explain --picture` writes: maps and boxes, and the units behind each score."""
        return Picture.open(io.BytesIO(self._draw()))

    def _draw(self) -> bytes:
        indices = {unit["index"] for one in self.predictions for unit in one["units"]} if self._known else set()
        found = {index: self._known[index].crops(1) for index in indices} if self._known else {}
        crops = {index: first[0] for index, first in found.items() if first}
        return draw_explanation(self._answer, photograph=self._photograph, crops=crops, nameless=NO_LABEL)

    def __repr__(self) -> str:
        return "\n".join(_tell(prediction) for prediction in self.predictions)

    def _repr_html_(self) -> str:
        source = base64.b64encode(self._draw()).decode()
        style = "width: 1088px; max-width: 100%"
        return f'<img alt="{html.escape(repr(self))}" style="{style}" src="data:image/png;base64,{source}">'


def _tell(prediction: dict[str, Any]) -> str:
    units = (
        f"  {unit['contribution']:+.3f}  unit {unit['index']}: {name_unit(unit, NO_LABEL)}"
        for unit in prediction["units"]
    )
    return "\n".join([tell_class(prediction), *units])
