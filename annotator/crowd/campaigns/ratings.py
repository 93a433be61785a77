"""What people answered about photographs, one rating per photograph: for whoever asked the questions."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F

from annotator.crowd.models import COUNTED, Answer, Campaign, HITImage


@dataclass(frozen=True)
class Rating:
    """One person's yes or no about one photograph. `key`: what the asker called the question.

    `gold`: the right answer, if it was known. `seconds`: active seconds of the HIT per photograph.
    """

    key: str
    unit_id: int
    text: str
    image_id: int
    worker: str
    is_simulated: bool
    is_yes: bool
    gold: bool | None
    seconds: float
    answered_at: datetime | None


def read_ratings(campaign: Campaign) -> Iterator[Rating]:
    """Counted answers of `rate_description` and of HIT types that say yes and no of photographs, in a fixed order."""
    shown = {
        (unit, number): (image, gold)
        for unit, number, image, gold in HITImage.objects.filter(
            hit_unit__hit__campaign=campaign, image__isnull=False
        ).values_list("hit_unit", "number", "image", "gold")
    }
    rows = Answer.objects.filter(
        assignment__hit__campaign=campaign, assignment__state__in=COUNTED, assignment__is_left_out=False,
        says__has_keys=["yes", "no"],
    ).order_by("hit_unit", "assignment")  # fmt: skip
    values = rows.values(
        "says", "hit_unit", key=F("hit_unit__asked_as"), unit=F("hit_unit__unit"), text=F("hit_unit__phrase"),
        worker=F("assignment__worker__pseudonym"), simulated=F("assignment__worker__is_simulated"),
        seconds=F("assignment__active_seconds"), at=F("assignment__submitted_at"),
    )  # fmt: skip
    for row in values.iterator(chunk_size=2000):
        says: dict[str, list[int]] = row["says"] or {}
        said = dict.fromkeys(says["yes"], True) | dict.fromkeys(says["no"], False)
        for number, is_yes in sorted(said.items()):
            image, gold = shown[row["hit_unit"], number]
            yield Rating(
                key=row["key"], unit_id=row["unit"], text=row["text"], image_id=image, worker=row["worker"] or "",
                is_simulated=bool(row["simulated"]), is_yes=is_yes, gold=gold,
                seconds=row["seconds"] / max(1, len(said)), answered_at=row["at"],
            )  # fmt: skip
