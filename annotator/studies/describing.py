"""Runs a describer over the units of a dissected layer, and keeps what it says as descriptions by its method."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from annotator.descriptions.models import MAX_DESCRIPTION, Description, Method
from annotator.labels.concepts import clean_label
from annotator.labels.lexicon import Lexicon
from annotator.studies.activations import read_kept
from annotator.studies.concept_models import NamedColumns
from annotator.studies.describers.given import CannotDescribe, Given, Told
from annotator.studies.describers.table import COMPOSITIONS, DESCRIBERS, Describer
from annotator.units.models import Dissection, Unit
from workers.engine.measures.compositions.arrays import spell
from workers.engine.plurals import say_count


class DescribedBefore(CannotDescribe):
    """The method says something else about these units already."""


@dataclass(frozen=True)
class Described:
    """The new descriptions, by the units' indexes."""

    method: str
    layer: str
    told: Mapping[int, Told]


def describe_layer(
    dissection: Dissection, layer: str, *, kind: str, concepts: NamedColumns, lexicon: Lexicon, pooled: str = ""
) -> Described:
    """Computes, and writes nothing. `kind`: a key of DESCRIBERS. Raises CannotDescribe, BadPlan, StoreError."""
    describer = DESCRIBERS[kind]
    assert describer.describe is not None, kind
    activations = read_kept(dissection, layer, pooled=pooled or describer.pooled)
    if len(concepts.values) != len(activations):
        raise CannotDescribe(
            f"The concepts are of {say_count(len(concepts.values), 'image')}, and the image set has {len(activations)}."
        )
    known = concepts
    if concepts.values.dtype == np.bool_:
        known = NamedColumns(concepts.values, [clean_label(name) or name for name in concepts.names])
        known = add_wider(known, lexicon) if describer.grows else known
    was_read = ~np.isnan(activations).any(axis=1)
    given = Given(activations[was_read], known.values[was_read], tuple(known.names))
    return Described(describer.method, layer, dict(enumerate(describer.describe(given))))


def read_compositions(dissection: Dissection, layer: str) -> Described:
    """The formulas that `dissect --compositions` found. Raises CannotDescribe if it found none."""
    rows = dissection.dissected_units.filter(unit__layer__path=layer).values_list("unit__index", "values")
    found = {index: values[COMPOSITIONS] for index, values in rows if COMPOSITIONS in values}
    if not found:
        raise CannotDescribe(f"The dissection kept no formulas of {layer}: dissect labeled images with --compositions.")
    told = {}
    for index, one in sorted(found.items()):
        names = [clean_label(name) or name for name in one["names"]]
        told[index] = Told(spell(names, one["joints"]), one["iou"], {"length": len(names)})
    return Described(DESCRIBERS[COMPOSITIONS].method, layer, told)


def add_wider(labels: NamedColumns, lexicon: Lexicon) -> NamedColumns:
    """The labels, and what two or more of them are a kind of, unless it holds exactly where a label does."""
    names = list(labels.names)
    columns = np.asarray(labels.values, dtype=bool)
    kinds: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        for wider in lexicon.list_wider(name):
            kinds.setdefault(wider, []).append(place)
    found, new = names[:], [columns]
    for wider, places in kinds.items():
        # A label of that name counts with its kinds.
        own = [place for place, name in enumerate(names) if name == wider]
        joined: NDArray[np.bool_] = np.asarray(columns[:, sorted({*places, *own})].any(axis=1), dtype=np.bool_)
        if len(places) > 1 and not _is_known(joined, columns):
            found.append(f"any {wider}" if own else wider)
            new.append(joined[:, None])
    return NamedColumns(np.concatenate(new, axis=1), found)


@transaction.atomic
def keep_described(
    described: Described, *, dissection: Dissection, name: str, kind: str, replaces: bool, now: datetime
) -> int:
    """How many descriptions were kept. `name`: the method's name, if not its own. Raises DescribedBefore."""
    describer = DESCRIBERS[kind]
    method = _find_method(name or describer.method, describer, now)
    units = dict(Unit.objects.filter(layer__network=dissection.network, layer__path=described.layer).values_list(
        "index", "pk"))  # fmt: skip
    before = Description.objects.filter(method=method, unit__in=units.values())
    if not replaces and before.exists():
        raise DescribedBefore(
            f"{method} describes units of {described.layer} already: replace these descriptions (--replace) or give "
            "another name (--name)."
        )
    before.delete()
    source = digest_told(list(described.told.values()))
    Description.objects.bulk_create(
        Description(
            unit_id=units[index], method=method, text=one.text[:MAX_DESCRIPTION], score=one.score,
            details=dict(one.details), source=source, imported_at=now,
        )
        for index, one in described.told.items()
    )  # fmt: skip
    return len(described.told)


def digest_told(told: Sequence[Told]) -> str:
    """SHA-256 of what was said."""
    return hashlib.sha256(json.dumps([[one.text, one.score] for one in told]).encode()).hexdigest()


def _find_method(name: str, describer: Describer, now: datetime) -> Method:
    method, _ = Method.objects.get_or_create(
        name=name, defaults={"score_name": describer.score_name, "created_at": now}
    )
    if method.score_name != describer.score_name:
        raise DescribedBefore(
            f"The scores of {name} are {method.score_name or 'none'!r} here, and {describer.score_name!r} is computed: "
            "give another name (--name)."
        )
    return method


def _is_known(column: NDArray[np.bool_], columns: NDArray[np.bool_]) -> bool:
    return bool((columns == column[:, None]).all(axis=0).any())
