"""Reads rows into the API's records. Long lists are iterators, so that an export needs little memory."""

import json
from collections.abc import Iterable, Iterator

from django.db.models import F, OuterRef, QuerySet, Subquery
from ninja import Schema

from annotator.crowd.models import ANSWERED, Answer, HITUnit
from annotator.dashboard.api.records import AnswerRecord, AutomaticRecord, UnitRecord
from annotator.labels.models import UnitLabel
from annotator.units.models import AutomaticLabel

CHUNK = 2000
_UNIT = {"network": F("unit__layer__network__name"), "layer": F("unit__layer__path"), "index": F("unit__index")}


def read_units(labels: QuerySet[UnitLabel]) -> Iterator[UnitRecord]:
    """One row of the database for each record, comparison and reason of choice included."""
    chosen = HITUnit.objects.filter(hit__campaign=OuterRef("campaign"), unit=OuterRef("unit")).order_by("id")
    rows = labels.values(
        "concept", "category", "precision", "precision_low", "precision_high", "n_answers", "n_same_concept",
        "accepted_at", "is_of_record", "n_simulated", **_UNIT,
        campaign_name=F("campaign__name"), dissection=F("source"),
        relation=F("comparison__relation"), rule=F("comparison__rule"),
        broden_label=F("comparison__automatic_label__label"),
        broden_category=F("comparison__automatic_label__category"), iou=F("comparison__automatic_label__iou"),
        chosen_because=Subquery(chosen.values("chosen_because")[:1]),
        inclusion_probability=Subquery(chosen.values("inclusion_probability")[:1]),
    )  # fmt: skip
    # The name of a foreign key cannot name another value.
    named = (row | {"campaign": row["campaign_name"]} for row in rows.iterator(chunk_size=CHUNK))
    return (UnitRecord.model_validate(row) for row in named)


def read_automatic(labels: QuerySet[AutomaticLabel]) -> Iterator[AutomaticRecord]:
    rows = labels.values("mode", "iou", "source", **_UNIT, broden_label=F("label"), broden_category=F("category"))
    return (AutomaticRecord.model_validate(row) for row in rows.iterator(chunk_size=CHUNK))


def read_answers(answers: QuerySet[Answer]) -> Iterator[AnswerRecord]:
    """One record for each unit of an answer. People appear under their pseudonyms. Unfinished answers are left out."""
    rows = answers.filter(assignment__state__in=ANSWERED).values(
        "says", "metrics", "description", "category", "precision", "marked_ranks", "n_planted_missed",
        state=F("assignment__state"), is_left_out=F("assignment__is_left_out"),
        active_seconds=F("assignment__active_seconds"), network=F("hit_unit__unit__layer__network__name"),
        layer=F("hit_unit__unit__layer__path"), index=F("hit_unit__unit__index"),
        campaign=F("assignment__hit__campaign__name"), hit_type=F("assignment__hit__hit_type__template"),
        worker=F("assignment__worker__pseudonym"), is_simulated=F("assignment__worker__is_simulated"),
        dissection=F("hit_unit__dissected_unit__dissection"), chosen_because=F("hit_unit__chosen_because"),
        inclusion_probability=F("hit_unit__inclusion_probability"),
    )  # fmt: skip
    return (AnswerRecord.model_validate(row) for row in rows.iterator(chunk_size=CHUNK))


def write_array(records: Iterable[Schema]) -> Iterator[str]:
    """A JSON array piece by piece: what pandas.read_json reads as a table."""
    yield "["
    lines: list[str] = []
    is_first = True
    for record in records:
        lines.append(json.dumps(record.model_dump(mode="json"), separators=(",", ":")))
        if len(lines) == CHUNK:
            yield ("" if is_first else ",\n") + ",\n".join(lines)
            is_first, lines = False, []
    if lines:
        yield ("" if is_first else ",\n") + ",\n".join(lines)
    yield "]\n"
