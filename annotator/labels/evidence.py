"""The answers of a campaign as they count towards labels, read from the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet

from annotator.crowd.models import COUNTED, Assignment, Campaign
from annotator.labels.precision import N_TOP_CROPS, count_fitting


@dataclass(frozen=True)
class UnitAnswer:
    """One person's answer on one unit. `worker` is a pseudonym, None where not known; `marked` None likewise."""

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


def gather_answers(*, campaign: Campaign) -> list[UnitAnswer]:
    """By layer, unit, place in an imported file, then what was said: never by who was faster.

    Rejected answers and those left out do not count; neither does one without a precision.
    """
    # Plain values: a campaign of 100,000 answers would spend most of its time on making model instances.
    rows = (
        _find_counted(campaign)
        .order_by(
            "hit__unit__layer__position", "hit__unit__layer__path", "hit__unit__index",
            "imported_position", "description", "category", "precision", "worker__pseudonym", "id",
        )
        .values(
            "hit__unit_id", "worker__pseudonym", "worker__is_simulated", "description", "category", "precision",
            "shown_ranks", "planted_ranks", "marked_ranks", "n_planted_missed",
        )
    )  # fmt: skip
    return [_read(row) for row in rows.iterator(chunk_size=2000)]


def count_descriptions(*, campaign: Campaign) -> dict[str, int]:
    """How many of the answers that count say each thing; the database counts, however many they are."""
    said = _find_counted(campaign).order_by().values_list("description").annotate(n=Count("id"))
    return dict(said)


def _find_counted(campaign: Campaign) -> QuerySet[Assignment]:
    return Assignment.objects.filter(
        hit__campaign=campaign, state__in=COUNTED, is_left_out=False, precision__isnull=False
    )


def _read(row: Mapping[str, Any]) -> UnitAnswer:
    planted = set(row["planted_ranks"])
    shown = tuple(rank for rank in sorted(row["shown_ranks"]) if rank not in planted)
    n_shown = len(shown) or N_TOP_CROPS
    return UnitAnswer(
        unit_id=row["hit__unit_id"],
        worker=row["worker__pseudonym"],
        is_simulated=bool(row["worker__is_simulated"]),
        description=row["description"],
        category=row["category"],
        precision=row["precision"],
        n_fitting=count_fitting(precision=row["precision"], n_shown=n_shown),
        n_shown=n_shown,
        n_planted_missed=row["n_planted_missed"] or 0,
        shown=shown,
        marked=frozenset(row["marked_ranks"]) - planted if shown else None,
    )


def split_by_unit(answers: Sequence[UnitAnswer]) -> dict[int, list[UnitAnswer]]:
    """In the order of the answers."""
    units: dict[int, list[UnitAnswer]] = {}
    for answer in answers:
        units.setdefault(answer.unit_id, []).append(answer)
    return units
