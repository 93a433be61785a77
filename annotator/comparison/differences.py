"""Two campaigns or two dissections compared by a test, layer by layer (docs/measures.md, Two campaigns or networks)."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from annotator.comparison.detector_differences import compare_detectors, note_images
from annotator.comparison.difference_rows import describe_difference, refuse_row
from annotator.comparison.layer_people import FIGURES, IDENTICAL, NAMED_ALIKE, LayerPeople, gather_layers
from annotator.comparison.layer_sampling import Sample
from annotator.comparison.reports import describe_people
from annotator.comparison.summary import Document
from annotator.crowd.models import Campaign
from annotator.labels.counted_answers import gather_answers
from annotator.refusals import Refusal
from annotator.units.models import Dissection, Layer
from workers.engine.resampling import Sampled, can_permute, compare_samples

SEED = 2017
WHY_NONE = {
    IDENTICAL: "no unit has two answers that name something",
    NAMED_ALIKE: "no labeled unit has an automatic label",
}
FEW = "No claim: one of the units stands alone for several of its layer, which tells nothing of how much they differ."


class NoCommonLayer(Refusal):
    """The two have no layer that can be compared."""


def compare_campaigns(first: Campaign, second: Campaign) -> Document:
    """Differences are first minus second. Raises NoCommonLayer, OtherLexicon."""
    sides = [gather_layers(first), gather_layers(second)]
    pairs = _match(*([one.layer for one in side] for side in sides))
    if not pairs:
        raise NoCommonLayer(_say_none(first.name, second.name, sides[0], sides[1]))
    by = [describe_people(one, gather_answers(campaign=one)) for one in (first, second)]
    crops = [{one for layer in side for one in layer.crops} for side in sides]
    return {
        "first": {"name": first.name, "answers_by": by[0]},
        "second": {"name": second.name, "answers_by": by[1]},
        "notes": [*_note_people(by, [first.name, second.name]), *note_images(*crops)],
        "layers": [
            {
                **_name_pair(sides[0][i].layer, sides[1][j].layer),
                "rows": [
                    *_compare_people(sides[0][i], sides[1][j]),
                    *compare_detectors(
                        (sides[0][i].layer, sides[0][i].sources), (sides[1][j].layer, sides[1][j].sources)
                    ),
                ],
            }
            for i, j in pairs
        ],
    }


def compare_dissections(first: Dissection, second: Dissection) -> Document:
    """Differences of the automatic labels alone. Raises NoCommonLayer."""
    sides = [list(Layer.objects.filter(units__dissections__dissection=one).distinct()) for one in (first, second)]
    pairs = _match(*sides)
    if not pairs:
        raise NoCommonLayer(f"Dissections {first.pk} and {second.pk} have no layer of the same path.")
    sources = [frozenset([str(one.pk)]) for one in (first, second)]
    return {
        "first": {"name": str(first), "answers_by": None},
        "second": {"name": str(second), "answers_by": None},
        "notes": note_images([first.pk], [second.pk]),
        "layers": [
            {
                **_name_pair(sides[0][i], sides[1][j]),
                "rows": compare_detectors((sides[0][i], sources[0]), (sides[1][j], sources[1])),
            }
            for i, j in pairs
        ],
    }


def _match(first: Sequence[Layer], second: Sequence[Layer]) -> list[tuple[int, int]]:
    """The same layer, else layers of the same path; if there is none, the only layers of both."""
    same = [(i, j) for i, a in enumerate(first) for j, b in enumerate(second) if a == b]
    taken = {i for i, _ in same}, {j for _, j in same}
    for i, a in enumerate(first):
        alike = [j for j, b in enumerate(second) if b.path == a.path and j not in taken[1]]
        if i not in taken[0] and len(alike) == 1 and [one.path for one in first].count(a.path) == 1:
            same.append((i, alike[0]))
    if not same and len(first) == len(second) == 1:
        return [(0, 0)]
    return sorted(same)


def _name_pair(first: Layer, second: Layer) -> Document:
    name = first.path if first.path == second.path else f"{first.path} / {second.path}"
    networks = [first.network.name, second.network.name]
    return {"layer": name, "first_layer": first.path, "second_layer": second.path, "networks": networks}


def _say_none(first: str, second: str, one: list[LayerPeople], other: list[LayerPeople]) -> str:
    for name, side in ((first, one), (second, other)):
        if not side:
            return f"Campaign {name} has no labeled units yet: run `label {name}` first."
    paths = [", ".join(layer.layer.path for layer in side) for side in (one, other)]
    return f"No layer is in both campaigns: {first} asked about {paths[0]}, and {second} about {paths[1]}."


def _note_people(by: list[str], names: list[str]) -> list[str]:
    if not any("simulated" in one for one in by):
        return []
    if by[0] == by[1]:
        return [f"All answers are by {by[0]}. The rows that rest on answers say nothing of people."]
    return [
        f"The answers of {names[0]} are by {by[0]}, and those of {names[1]} by {by[1]}. Rows that rest on answers "
        f"compare who answered as much as what was asked about."
    ]


def _compare_people(first: LayerPeople, second: LayerPeople) -> list[Document]:
    is_same = set(first.chosen) == set(second.chosen) and first.crops == second.crops
    return [_compare_figure(figure, first, second, is_paired=is_same) for figure in FIGURES]


def _compare_figure(figure: str, first: LayerPeople, second: LayerPeople, *, is_paired: bool) -> Document:
    a, b = first.values[figure], second.values[figure]
    if is_paired:
        units = [unit for unit in a if unit in b]
        a, b = {unit: a[unit] for unit in units}, {unit: b[unit] for unit in units}
    if not a or not b:
        return refuse_row(figure, f"No claim: {WHY_NONE.get(figure, 'no unit is labeled in both')}.")
    samples = [first.weigh(a), second.weigh(b)]
    if is_paired:
        # The same units: if either campaign drew them from the layer, they stand for it.
        drawn = next((one for one in samples if one.weights is not None), samples[0])
        samples = [drawn, drawn]
    if reason := _find_reason(samples, [first, second]):
        return refuse_row(figure, reason)
    one, other = (_pair_up(values, sample) for values, sample in zip((a, b), samples, strict=True))
    found = compare_samples(one, other, is_paired=is_paired, seed=SEED)
    test = "permutation" if can_permute(one, other, is_paired=is_paired) else "bootstrap"
    means = [float(np.average(side.values, weights=side.weights)) for side in (one, other)]
    how = list(dict.fromkeys(sample.how for sample in samples))
    return describe_difference(figure, found, means=means, test=test, figures_from=how)


def _find_reason(samples: list[Sample], sides: list[LayerPeople]) -> str:
    for sample, side in zip(samples, sides, strict=True):
        if sample.weights is None:
            return f"No claim for {side.layer.network.name} {side.layer.path}. {sample.how}"
        if not sample.has_interval:
            return FEW
    return ""


def _pair_up(values: dict[int, Any], sample: Sample) -> Sampled:
    """Units that were named beside a draw stand for nothing and are left out."""
    assert sample.weights is not None
    kept = sample.weights > 0
    return Sampled(np.array(list(values.values()))[kept], sample.weights[kept], sample.strata[kept])
