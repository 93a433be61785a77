"""The units behind a prediction: what people and labeled pixels call each unit that makes a score."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import F, FilteredRelation, Q

from annotator.evidence.models import Question
from annotator.labels.models import UnitLabel, describe_simulated
from annotator.units.best_labels import is_best
from annotator.units.models import Layer, Network, Unit
from annotator.units.settling import same_preprocessing


@dataclass(frozen=True)
class Named:
    """What is known of a unit. `concept` and `precision` are of the label of record; None where nobody was asked."""

    layer: str
    concept: str | None = None
    precision: float | None = None
    said_by: str = ""
    broden_label: str | None = None
    iou: float | None = None


def find_network(answer: Mapping[str, Any], question: Question) -> Network | None:
    """The registered network with the preprocessing that was asked for, and the tensors and the code that answered."""
    found = answer["network"]
    alike = Network.objects.filter(
        same_preprocessing(question.preprocessing),
        architecture=question.architecture,
        weights_sha256=found["weights_sha256"],
        source_sha256=found["source_sha256"],
    )
    return alike.order_by("id").first()


def find_layer(answer: Mapping[str, Any], network: Network | None) -> Layer | None:
    """The registered layer whose units the answer is about."""
    head = answer.get("head")
    paths = [head["layer"], *head["same"]] if head else [answer["layer"]]
    return None if network is None else _find_layer(network, paths)


def name_units(answer: dict[str, Any], *, question: Question) -> dict[str, Any]:
    """The answer to an `explain` question with the names of its units, as docs/evidence.md lists them."""
    network = find_network(answer, question)
    layer = find_layer(answer, network)
    wanted = {unit["index"] for prediction in answer["predictions"] for unit in prediction["units"]}
    named = {} if layer is None else name_layer_units(layer, wanted)
    unknown = Named(layer=answer["layer"])
    predictions = [
        {
            **prediction,
            "units": [{**unit, **asdict(named.get(unit["index"], unknown))} for unit in prediction["units"]],
        }
        for prediction in answer["predictions"]
    ]
    return {**answer, "network_name": network.name if network else None, "predictions": predictions}


def name_listed(
    units: Sequence[dict[str, Any]], *, answer: dict[str, Any], found: Mapping[str, Any], question: Question
) -> list[dict[str, Any]]:
    """The units of one layer, each with its names. `found` says which layer: `layer`, and `head` if a head pools it."""
    layer = find_layer(found, find_network(answer, question))
    named = {} if layer is None else name_layer_units(layer, {unit["index"] for unit in units})
    unknown = Named(layer=found["layer"])
    return [{**unit, **asdict(named.get(unit["index"], unknown))} for unit in units]


def _find_layer(network: Network, paths: list[str]) -> Layer | None:
    """The layer of these maps that most is known of; several paths may name the same maps."""
    layers = list(Layer.objects.filter(network=network, path__in=paths).select_related("network"))
    if len(layers) < 2:
        return layers[0] if layers else None
    ranked = sorted(
        layers,
        key=lambda layer: (
            -UnitLabel.objects.filter(unit__layer=layer, is_of_record=True).count(),
            -layer.units.filter(dissections__isnull=False).count(),
            paths.index(layer.path),
        ),
    )
    return ranked[0]


def name_layer_units(layer: Layer, wanted: Collection[int]) -> dict[int, Named]:
    """By index, what is known of these units of a layer."""
    units = (
        Unit.objects.filter(layer=layer, index__in=wanted)
        .annotate(
            people=FilteredRelation("unit_labels", condition=Q(unit_labels__is_of_record=True)),
            broden=FilteredRelation("automatic_labels", condition=is_best(prefix="automatic_labels__")),
        )
        .order_by("index", F("people__labeled_at").desc(nulls_last=True), F("broden__iou").desc(nulls_last=True))
        .values(
            "index", "people__concept", "people__precision", "people__n_simulated", "people__n_answers",
            "broden__label", "broden__iou",
        )
    )  # fmt: skip
    found: dict[int, Named] = {}
    for row in units:
        simulated = describe_simulated(
            n_simulated=row["people__n_simulated"] or 0, n_answers=row["people__n_answers"] or 0
        )
        found.setdefault(
            row["index"],
            Named(
                layer=layer.path,
                concept=row["people__concept"],
                precision=row["people__precision"],
                said_by=simulated or ("people" if row["people__concept"] else ""),
                broden_label=row["broden__label"],
                iou=row["broden__iou"],
            ),
        )
    return found
