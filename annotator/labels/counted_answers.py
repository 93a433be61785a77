"""The answers of a campaign as they count towards labels, read from the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, QuerySet

from annotator.crowd.hit_types.hit_type import AddsTo
from annotator.crowd.hit_types.templates import list_names
from annotator.crowd.models import COUNTED, Answer, Campaign
from annotator.labels.precision import N_TOP_CROPS, count_fitting


@dataclass(frozen=True)
class CountedAnswer:
    """One person's answer on one unit. `worker` (a pseudonym) and `marked` are None if they are not known."""

    unit_id: int
    worker: str | None
    is_simulated: bool
    description: str
    category: str
    precision: float
    n_fitting: int
    n_shown: int
    n_planted_missed: int = 0
    shown: tuple[int, ...] = ()
    marked: frozenset[int] | None = None
    planted: tuple[int, ...] = ()


def gather_answers(*, campaign: Campaign) -> list[CountedAnswer]:
    """By layer, unit, place in an imported file, then what was said: never by who was faster.

    Rejected answers and those left out do not count; neither does one that adds to no label.
    """
    # Plain values: a campaign of 100,000 answers would spend most of its time on making model instances.
    rows = (
        find_counted(campaign=campaign, adds_to="label")
        .filter(precision__isnull=False)
        .order_by(
            "hit_unit__unit__layer__position", "hit_unit__unit__layer__path", "hit_unit__unit__index",
            "assignment__imported_position", "description", "category", "precision", "assignment__worker__pseudonym",
            "assignment_id",
        )
        .values(
            "description", "category", "precision", "shown_ranks", "planted_ranks", "marked_ranks", "n_planted_missed",
            unit_id=F("hit_unit__unit"), worker=F("assignment__worker__pseudonym"),
            is_simulated=F("assignment__worker__is_simulated"),
        )
    )  # fmt: skip
    return [_read(row) for row in rows.iterator(chunk_size=2000)]


def count_descriptions(*, campaign: Campaign) -> dict[str, int]:
    """How many of the answers that count say each thing; the database counts, however many they are."""
    given = find_counted(campaign=campaign, adds_to="label").filter(precision__isnull=False)
    return dict(given.order_by().values_list("description").annotate(n=Count("id")))


def find_counted(*, campaign: Campaign, adds_to: AddsTo) -> QuerySet[Answer]:
    """Not those that were rejected or left out."""
    return Answer.objects.filter(
        assignment__hit__campaign=campaign,
        assignment__hit__hit_type__template__in=list_names(adds_to=adds_to),
        assignment__state__in=COUNTED,
        assignment__is_left_out=False,
    )


def _read(row: Mapping[str, Any]) -> CountedAnswer:
    planted = set(row["planted_ranks"])
    shown = tuple(rank for rank in sorted(row["shown_ranks"]) if rank not in planted)
    n_shown = len(shown) or N_TOP_CROPS
    return CountedAnswer(
        unit_id=row["unit_id"],
        worker=row["worker"],
        is_simulated=bool(row["is_simulated"]),
        description=row["description"] or "",
        category=row["category"] or "",
        precision=row["precision"],
        n_fitting=count_fitting(precision=row["precision"], n_shown=n_shown),
        n_shown=n_shown,
        n_planted_missed=row["n_planted_missed"] or 0,
        shown=shown,
        marked=frozenset(row["marked_ranks"] or ()) - planted if shown else None,
        planted=tuple(sorted(planted)),
    )


def split_by_unit(answers: Sequence[CountedAnswer]) -> dict[int, list[CountedAnswer]]:
    """In the order of the answers."""
    units: dict[int, list[CountedAnswer]] = {}
    for answer in answers:
        units.setdefault(answer.unit_id, []).append(answer)
    return units
