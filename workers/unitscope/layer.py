"""Layers and units of a dissection, as a notebook shows them."""

import base64
import html
import io
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as Picture

from workers.engine.drawing.tiles import cut_tiles, encode_jpeg, lay_out
from workers.engine.format.artifact import Artifact
from workers.engine.format.bounds import DETECTOR_ABOVE
from workers.engine.measures.activation_vectors.arrays import NAMES, vector_name
from workers.engine.measures.table import gather_rows
from workers.engine.plurals import say_count
from workers.store import StoreError
from workers.unitscope.labeled_arrays import label_arrays

if TYPE_CHECKING:
    import xarray
    from numpy.typing import NDArray

GAP_PX = 2
# Units of a layer that are shown: those of highest IoU, or the first ones of a set without labels.
SHOWN_UNITS, SHOWN_CROPS = 8, 8


class Layer:
    """The units of one layer, by index."""

    def __init__(self, *, artifact: Artifact, place: int) -> None:
        self._artifact, self._place = artifact, place
        self.facts: dict[str, Any] = artifact.manifest["layers"][place]
        self.path: str = self.facts["path"]

    @cached_property
    def arrays(self) -> "dict[str, NDArray[Any]]":
        """All that was measured, as plain arrays (docs/measures.md); units along the first axis."""
        return self._artifact.layer(self._place)

    @property
    def vectors(self) -> "dict[str, NDArray[Any]]":
        """`images` (n,), indices of the dissection's images, and `maxima` and `means` (n, U) of the units over each.

        Half precision. Raises KeyError unless `activation_vectors=True` kept them.
        """
        try:
            found = {name: self._artifact.read(vector_name(self._place, name)) for name in NAMES}
        except (KeyError, OSError, StoreError) as error:
            raise KeyError(f"{self.path} has no activation vectors: dissect with activation_vectors=True.") from error
        return {
            name.removesuffix(".npy"): np.load(io.BytesIO(data), allow_pickle=False) for name, data in found.items()
        }

    def to_xarray(self) -> "xarray.Dataset":
        """All that was measured, with named axes (unit, rank, label, category, ...), the activation vectors included if
        they were kept; `.to_netcdf(FILE)` writes it. Raises ImportError with the way to install xarray.
        """
        vectors: dict[str, NDArray[Any]] = {}
        with suppress(KeyError):
            vectors = self.vectors
        return label_arrays({**self.arrays, **vectors}, manifest=self._artifact.manifest, facts=self.facts)

    @cached_property
    def _units(self) -> list["Unit"]:
        rows = gather_rows(self.arrays, self._artifact.manifest)
        return [Unit(self, index, {name: own[index] for name, own in rows.items()}) for index in range(len(self))]

    def read_strip(self, sheet: str) -> bytes:
        return self._artifact.strip(sheet)

    def __len__(self) -> int:
        return int(self.facts["n_units"])

    def __iter__(self) -> Iterator["Unit"]:
        return iter(self._units)

    def __getitem__(self, index: int) -> "Unit":
        if not isinstance(index, Integral) or not 0 <= index < len(self):
            raise KeyError(f"{self.path} has the units 0 to {len(self) - 1}, and no unit {index!r}.")
        return self._units[index]

    def best(self, n: int = SHOWN_UNITS) -> list["Unit"]:
        """The n units of highest IoU; of a set without labels, the first ones that are not silent.

        Raises ValueError for n below zero.
        """
        if n < 0:
            raise ValueError(f"n is a number of units, and not {n}.")
        return sorted(self, key=lambda unit: (-(unit.iou or 0.0), bool(unit.silence), unit.index))[:n]

    def __repr__(self) -> str:
        return f"<Layer {self.path}: {say_count(len(self), 'unit')}>"

    def _repr_html_(self) -> str:
        shown = "".join(unit._repr_html_() for unit in self.best())
        return f"<h4>{html.escape(self.path)}: {self._counts()}</h4>{shown}"

    def _counts(self) -> str:
        counts = self.facts["detectors"].get("paper") if self.facts.get("detectors") else None
        if not counts:
            return say_count(len(self), "unit")
        chance = counts.get("shuffled_labels", {}).get("n_detectors")
        beside = "" if chance is None else f", {chance} with labels shuffled"
        detectors = say_count(counts["n_detectors"], "detector")
        return f"{say_count(len(self), 'unit')}, {detectors} (IoU over {DETECTOR_ABOVE}{beside})"


class Unit:
    """One unit: `label`, `iou`, `interval`, `chance`, `threshold`; `show()` gives its crops as a picture."""

    def __init__(self, layer: Layer, index: int, rows: dict[str, Any]) -> None:
        self.layer, self.index, self._rows = layer, index, rows
        labels = [label for own in rows.values() for label in own.labels if label["is_best"]]
        # Of several modes of IoU the first is meant.
        self._label: dict[str, Any] = labels[0] if labels else {}
        columns = {name: value for own in rows.values() for name, value in own.columns.items()}
        self.threshold: float | None = columns.get("threshold")
        self.silence: str = columns.get("silence", "")
        self._strip: str = columns.get("strip", "")
        self.n_top: int = columns.get("n_top", 0)
        self.n_low: int = columns.get("n_low", 0)

    @property
    def label(self) -> str | None:
        """The best label by labeled pixels."""
        return self._label.get("label")

    @property
    def iou(self) -> float | None:
        return self._label.get("iou")

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the IoU over images; None if it was not estimated."""
        low, high = self._label.get("iou_low"), self._label.get("iou_high")
        return None if low is None or high is None else (low, high)

    @property
    def chance(self) -> float | None:
        """The unit's best IoU with the label maps dealt out to the images by chance."""
        found = self.layer.arrays.get(f"{self._label.get('mode', 'paper')}_shuffled_iou")
        return None if found is None else float(found[self.index].max(initial=0.0))

    @property
    def peak(self) -> float | None:
        """Activation at the peak of the top image."""
        found = self.layer.arrays.get("top_peak")
        return None if found is None or not self.n_top else float(found[self.index, 0])

    def facts(self) -> dict[str, Any]:
        """This unit's row of `Dissection.units`."""
        low, high = self.interval or (None, None)
        return {
            "layer": self.layer.path,
            "unit": self.index,
            "label": self.label,
            "category": self._label.get("category"),
            "iou": self.iou,
            "iou_low": low,
            "iou_high": high,
            "chance": self.chance,
            "threshold": self.threshold,
            "peak": self.peak,
            "silence": self.silence,
        }

    def crops(self, n: int | None = None) -> list[Picture.Image]:
        """The first n crops of the top images, of falling peak; None: all. Raises ValueError for n below zero."""
        if n is not None and n < 0:
            raise ValueError(f"n is a number of crops, and not {n}.")
        wanted = self.n_top if n is None else min(n, self.n_top)
        return cut_tiles(self.layer.read_strip(self._strip), ranks=range(wanted)) if wanted and self._strip else []

    def show(self, n: int = 12, *, columns: int = 6) -> Picture.Image:
        """The crops of the top images as one picture. Raises ValueError if there are none, or if none is asked for."""
        if n < 1 or columns < 1:
            raise ValueError(f"A picture has at least one crop and one column, and not {n} and {columns}.")
        if not (crops := self.crops(n)):
            raise ValueError(f"{self!r} has no crops: it is {self.silence or 'without top images'}.")
        return lay_out(crops, columns=min(columns, len(crops)), gap_px=GAP_PX)

    def __repr__(self) -> str:
        return f"<Unit {self.layer.path} {self.index}: {self.tell()}>"

    def tell(self) -> str:
        """Label and IoU with its interval, in words."""
        if self.iou is None:
            return self.silence or "no label"
        low_high = "" if self.interval is None else " [{:.3f}, {:.3f}]".format(*self.interval)
        return f"{self.label}, IoU {self.iou:.3f}{low_high}"

    def _repr_html_(self) -> str:
        words = f"<b>{self.index}</b> {html.escape(self.tell())}"
        if not (crops := self.crops(SHOWN_CROPS)):
            return f"<div>{words}</div>"
        picture = encode_jpeg(lay_out([crop.resize((72, 72)) for crop in crops], columns=len(crops), gap_px=GAP_PX))
        source = base64.b64encode(picture).decode()
        alt = html.escape(f"Crops of unit {self.index} of {self.layer.path}: {self.tell()}")
        return f'<div>{words}<br><img alt="{alt}" src="data:image/jpeg;base64,{source}"></div>'
