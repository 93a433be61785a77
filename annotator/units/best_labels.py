"""A unit's best label by labeled pixels: which of its automatic labels counts, and in which order they are listed.

Of the labels of one source and one mode (one per category), the one of highest IoU is the unit's label, ties to the
earlier category: `workers.engine.measures.iou.arrays.ingest` marks it. An imported label counts in every mode.
"""

from collections.abc import Mapping

from django.db.models import Q

from annotator.units.models import AutomaticLabel

# Of several modes of one dissection, the first is the one that is meant where no mode is named.
MODES_BY_RANK = tuple(AutomaticLabel.Mode.values)
# A unit's labels of one source and mode, the best one first.
BEST_FIRST = ("-iou", "-is_best", "category")


def is_best(*, mode: str = AutomaticLabel.Mode.PAPER, prefix: str = "") -> Q:
    """A condition on automatic labels. `prefix` leads to them from another row, as "automatic_labels__"."""
    return Q(**{f"{prefix}is_best": True, f"{prefix}mode__in": [mode, AutomaticLabel.Mode.IMPORTED]})


def find_named_mode(labels: Mapping[str, AutomaticLabel]) -> AutomaticLabel:
    """Of a unit's best labels by mode, at least one, the one that is meant where no mode is named."""
    return labels[min(labels, key=MODES_BY_RANK.index)]
