"""A unit's best label by labeled pixels: which of its automatic labels counts, and in which order they are listed.

Of the labels of one source and one mode (one per category), the one of highest IoU is the unit's label, ties to the
earlier category: `workers.engine.measures.iou.arrays.ingest` marks it. An imported label counts in every mode.
"""

from django.db.models import Q

from annotator.units.models import AutomaticLabel

# A unit's labels of one source and mode, the best one first.
BEST_FIRST = ("-iou", "-is_best", "category")


def is_best(*, mode: str = AutomaticLabel.Mode.PAPER, prefix: str = "") -> Q:
    """A condition on automatic labels. `prefix` leads to them from another row, as "automatic_labels__"."""
    return Q(**{f"{prefix}is_best": True, f"{prefix}mode__in": [mode, AutomaticLabel.Mode.IMPORTED]})
