"""The reasons why a unit's label needs a review, as conditions on its row. An accepted label needs none."""

from django.db.models import F, Q

from annotator.comparison.relations import Relation
from workers.engine.format.bounds import DETECTOR_ABOVE, INTERPRETABLE_ABOVE

WORDS = {
    "concept": "people name different things",
    "category": "people choose different categories",
    "broden": "people and labeled pixels differ, and both are sure",
    "attention": "somebody did not mark a planted negative",
}


def find_reason(name: str, *, prefix: str = "") -> Q:
    """One of WORDS. `prefix` leads from the row that is asked to the label, as "people__"."""
    match name:
        case "concept":
            return _less_than_half(prefix, "n_same_concept")
        case "category":
            return _less_than_half(prefix, "n_same_category")
        case "broden":
            conditions = {
                f"{prefix}comparison__relation": Relation.DIFFERENT,
                f"{prefix}precision__gt": INTERPRETABLE_ABOVE,
                f"{prefix}comparison__automatic_label__iou__gt": DETECTOR_ABOVE,
            }
            return Q(**conditions)
        case "attention":
            return Q(**{f"{prefix}n_inattentive__gt": 0})
    raise ValueError(f"There is no reason {name!r} to review.")


def find_reasons(*, prefix: str = "") -> Q:
    """Any of the reasons, on a label that nobody has accepted."""
    reasons = [find_reason(name, prefix=prefix) for name in WORDS]
    return Q(*reasons, _connector=Q.OR) & Q(**{f"{prefix}accepted_at__isnull": True})


def _less_than_half(prefix: str, counted: str) -> Q:
    return Q(**{f"{prefix}n_answers__gte": 2, f"{prefix}{counted}__lt": F(f"{prefix}n_answers") * 0.5})
