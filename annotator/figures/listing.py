"""All figures of a campaign or of several dissections, by name, with the example crops they show."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from annotator.comparison.reports import count_detectors
from annotator.comparison.summary import Document
from annotator.crowd.models import Campaign
from annotator.figures.confusion import TITLE as CONFUSION
from annotator.figures.confusion import draw_category_confusion
from annotator.figures.drawing import Figure, say_about, say_in_title, say_who_answered
from annotator.figures.importance import draw_precision_against_importance
from annotator.figures.object_detectors import Place, draw_object_detectors
from annotator.figures.precision import draw_precision_against_iou, draw_precision_by_layer
from annotator.figures.shares import draw_networks_side_by_side, draw_semantic_types
from annotator.figures.unique_detectors import draw_unique_detectors, draw_unique_detectors_along
from annotator.figures.whole_layers import (
    draw_layer_figure,
    find_dissections,
    list_layer_figures,
    read_crops,
    tell_choice,
    tell_dissections,
)
from annotator.labels.labeling import open_lexicon
from annotator.names import to_file_name
from annotator.refusals import Refusal
from annotator.units.best_labels import MODES_BY_RANK
from annotator.units.models import DissectedUnit, Dissection

N_CROPS = 200


class NoSuchFigure(Refusal):
    """The campaign has no figure of that name."""


def list_figures(report: Document, *, campaign: Campaign | None = None) -> list[tuple[str, str]]:
    """(name, title) of what can be drawn from the report, and from the campaign's dissections if it is given."""
    by = report.get("answers_by", "")
    of_people = [(name, say_in_title(title, answers_by=by)) for name, (title, _) in _plan(report, {}).items()]
    return [*of_people, *list_dissection_figures(find_dissections(campaign) if campaign else ())]


def list_dissection_figures(dissections: Sequence[Dissection]) -> list[tuple[str, str]]:
    """(name, title) of the figures of whole layers, for which nobody needs to be asked."""
    return [(name, title) for name, (title, _, _) in list_layer_figures(dissections).items()]


def draw_figure(*, report: Document, name: str, campaign: Campaign | None = None) -> Figure:
    """With example crops where the campaign was dissected here. Raises NoSuchFigure."""
    dissections = find_dissections(campaign) if campaign else []
    if name in list_layer_figures(dissections):
        return draw_dissection_figure(name, dissections)
    crops = read_example_crops(campaign=campaign) if campaign and name.startswith("object-detectors") else {}
    planned = _plan(report, crops)
    if name not in planned:
        raise NoSuchFigure(f"There is no figure {name}; there are {', '.join(planned)}.")
    networks = ", ".join(network["name"] for network in report.get("networks", ()))
    told = [tell_dissections(dissections) or networks, tell_choice(report)]
    figure = say_about(planned[name][1](), about="; ".join(part for part in told if part))
    return say_who_answered(figure, answers_by=report.get("answers_by", ""))


def draw_dissection_figure(name: str, dissections: Sequence[Dissection]) -> Figure:
    """A figure of a whole layer, one of `list_dissection_figures`."""
    _, path, dissection = list_layer_figures(dissections)[name]
    return say_about(draw_layer_figure(name, path, dissection), about=tell_dissections([dissection]))


def draw_beside(reports: Mapping[str, Document]) -> Figure:
    """Semantic types of several campaigns' networks."""
    names = (
        f"{name}: {', '.join(one['name'] for one in report.get('networks', ()))}" for name, report in reports.items()
    )
    return say_about(draw_networks_side_by_side(reports), about="; ".join(names))


def _plan(report: Document, crops: dict[Place, bytes]) -> dict[str, tuple[str, Callable[[], Figure]]]:
    plan: dict[str, tuple[str, Callable[[], Figure]]] = {}
    if any(layer["category_shares"] for layer in report["layers"]):
        plan["semantic-types"] = ("Semantic types by layer", partial(draw_semantic_types, report))
    plan["precision-by-layer"] = ("Precision by layer", partial(draw_precision_by_layer, report))
    if report.get("agreement"):
        plan["precision-against-iou"] = ("Precision against IoU", partial(draw_precision_against_iou, report))
        plan["category-confusion"] = (CONFUSION, partial(draw_category_confusion, report))
    if any(unit.get("importance") is not None for unit in report["units"]):
        plan["precision-against-importance"] = (
            "Precision against importance", partial(draw_precision_against_importance, report)
        )  # fmt: skip
    for layer in report["layers"]:
        path = layer["path"]
        name = f"object-detectors-{to_file_name(path)}"
        draw = partial(draw_object_detectors, report, name=name, layer=path, lexicon=open_lexicon(), crops=crops)
        plan[name] = (f"Object detectors of {path}", draw)
    return plan


def read_example_crops(*, campaign: Campaign) -> dict[Place, bytes]:
    """The rank-0 crop of each unit that was dissected here; a crop that cannot be read is left out."""
    measured = (
        DissectedUnit.objects.filter(hit_units__hit__campaign=campaign)
        .select_related("unit__layer", "dissection")
        .order_by("-unit__unit_labels__precision", "id")
        .distinct()
    )
    found: dict[Place, bytes] = {}
    for row in measured[:N_CROPS]:
        for crop in read_crops(row, n=1):
            found[row.unit.layer.path, row.unit.index] = crop
    return found


def draw_zoo(dissections: Sequence[Dissection]) -> Figure:
    """Unique detectors of each dissection's layers by category."""
    rows = [
        {"network": name, "category": category, "n_unique": n}
        for dissection in dissections
        for name, counts in _count_by_layer(dissection).items()
        for category, n in counts.items()
    ]
    return say_about(draw_unique_detectors(rows), about=tell_dissections(dissections))


def draw_along(dissections: Sequence[tuple[Dissection, float]], *, axis: str) -> Figure:
    """Unique detectors, summed over the dissection's layers, along training snapshots or a rotation."""
    rows = []
    # Turned units are not the network's: their detectors are counted, and not by category.
    is_turned = any(dissection.options.get("rotation") for dissection, _ in dissections)
    for dissection, position in dissections:
        by_layer = [_count_all(dissection)] if is_turned else list(_count_by_layer(dissection).values())
        for category in sorted({category for counts in by_layer for category in counts}):
            n = sum(counts.get(category, 0) for counts in by_layer)
            rows.append({"position": position, "category": category, "n_unique": n})
    about = tell_dissections(dissection for dissection, _ in dissections)
    return say_about(draw_unique_detectors_along(rows, axis=axis), about=about)


def _count_all(dissection: Dissection) -> dict[str, int]:
    """Of all layers and categories together, by the mode of IoU that is meant where none is named."""
    counts = [modes[min(modes, key=MODES_BY_RANK.index)] for modes in dissection.detectors.values() if modes]
    return {"all categories": sum(count["n_unique"] for count in counts)}


def _count_by_layer(dissection: Dissection) -> dict[str, dict[str, int]]:
    source, name = str(dissection.id), str(dissection.network)
    layers = dissection.network.layers.filter(path__in=dissection.layer_paths)
    counts = {layer.path: count_detectors(layer=layer, sources={source}) for layer in layers}
    return {f"{name} {path}": found["unique_detectors"] or {} for path, found in counts.items()}
