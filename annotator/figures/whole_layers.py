"""What a dissection says of its whole layers, for figures: detectors, best units with crops, their origin."""

from collections.abc import Iterable, Sequence

from django.db.models import QuerySet

from annotator.comparison.summary import Document
from annotator.crowd.models import Campaign
from annotator.figures.contact_sheet import N_CROPS, N_UNITS, SheetUnit, draw_contact_sheet
from annotator.figures.drawing import Figure
from annotator.figures.layer_detectors import draw_layer_detectors
from annotator.names import to_file_name
from annotator.units.best_labels import is_best
from annotator.units.models import AutomaticLabel, DissectedUnit, Dissection, Layer
from annotator.units.strips import read_strip
from workers.engine.drawing.tiles import cut_tiles, encode_jpeg
from workers.engine.format.bounds import DETECTOR_ABOVE
from workers.store import StoreError

DETECTORS, BEST_UNITS = "detectors", "best-units"
RENDERED = "images rendered by a program"


def find_dissections(campaign: Campaign) -> list[Dissection]:
    """Those whose crops the campaign shows, in their order."""
    asked = Dissection.objects.filter(dissected_units__hit_units__hit__campaign=campaign)
    return list(asked.select_related("network", "image_set").distinct().order_by("created_at"))


def list_layer_figures(dissections: Sequence[Dissection]) -> dict[str, tuple[str, str, Dissection]]:
    """Name of a figure -> its title, its layer's path and the dissection that it is drawn from."""
    found: dict[str, tuple[str, str, Dissection]] = {}
    for dissection in dissections:
        for path in () if dissection.options.get("rotation") else dissection.layer_paths:
            file = to_file_name(path)
            found[f"{DETECTORS}-{file}"] = (f"Detectors of {path} by labeled pixels", path, dissection)
            found[f"{BEST_UNITS}-{file}"] = (f"Best units of {path}", path, dissection)
    return found


def draw_layer_figure(name: str, path: str, dissection: Dissection) -> Figure:
    """One of `list_layer_figures`."""
    layer = dissection.network.layers.get(path=path)
    if name.startswith(DETECTORS):
        detectors = _find_labels(layer, dissection).filter(iou__gt=DETECTOR_ABOVE).order_by("unit__index")
        labels = list(detectors.values_list("category", "label"))
        return draw_layer_detectors(labels, name=name, layer=path, n_units=layer.n_units)
    best, by = _find_best(layer, dissection)
    units = [SheetUnit(row.unit.index, words, read_crops(row)) for row, words in best]
    return draw_contact_sheet(units, name=name, layer=path, best_by=by)


def list_units_shown(name: str, dissections: Sequence[Dissection]) -> list[DissectedUnit]:
    """Those whose crops the figure of a whole layer shows; none of any other figure."""
    _, path, dissection = list_layer_figures(dissections).get(name, ("", "", None))
    if dissection is None or name.startswith(DETECTORS):
        return []
    return [row for row, _ in _find_best(dissection.network.layers.get(path=path), dissection)[0]]


def _find_labels(layer: Layer, dissection: Dissection) -> "QuerySet[AutomaticLabel]":
    return AutomaticLabel.objects.filter(is_best(), dissection=dissection, unit__layer=layer)


def _find_best(layer: Layer, dissection: Dissection) -> tuple[list[tuple[DissectedUnit, str]], str]:
    """Units with what is said of each, and what they are the best by: IoU; without labeled pixels, peak."""
    ranked = list(_find_labels(layer, dissection).order_by("-iou", "unit__index")[:N_UNITS])
    rows = DissectedUnit.objects.filter(dissection=dissection, unit__layer=layer)
    rows = rows.select_related("unit__layer", "dissection__image_set")
    if not ranked:
        return [
            (row, f"peak {row.peak_high:.3g}") for row in rows.order_by("-peak_high", "unit__index")[:N_UNITS]
        ], "peak"
    by_unit = {row.unit_id: row for row in rows.filter(unit__in=[label.unit_id for label in ranked])}
    told = ((label.unit_id, f"{label.label}, IoU {label.iou:.3f}") for label in ranked)
    return [(by_unit[unit], words) for unit, words in told if unit in by_unit], "IoU"


def read_crops(row: DissectedUnit, *, n: int = N_CROPS) -> list[bytes]:
    """JPEGs of the unit's first ranks; none if they cannot be read."""
    try:
        strip = read_strip(artifact=row.dissection.artifact, strip=row.strip)
        return [encode_jpeg(tile) for tile in cut_tiles(strip, ranks=range(min(n, row.n_top)))]
    except (StoreError, OSError):
        return []


def tell_dissections(dissections: Iterable[Dissection]) -> str:
    """The networks, layers and image sets, as text below a title."""
    told = []
    for one in dissections:
        rendered = f", {RENDERED}" if one.image_set.is_rendered else ""
        told.append(f"{one.network.name}, {', '.join(one.layer_paths)}, on {one.image_set.name}{rendered}")
    return "; ".join(dict.fromkeys(told))


def tell_choice(report: Document) -> str:
    """How the units of a campaign were chosen."""
    counts: dict[str, int] = {}
    for layer in report["layers"]:
        for reason, n in (layer.get("chosen") or {}).items():
            counts[reason] = counts.get(reason, 0) + n
    return "units chosen: " + ", ".join(f"{n} {reason}" for reason, n in counts.items()) if counts else ""
