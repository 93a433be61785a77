"""The units that a page shows first: those of the best evidence that there is."""

from typing import Any

from annotator.dashboard.units.cards import UnitCard, make_cards
from annotator.dashboard.units.scope import find_scope
from annotator.dashboard.units.searching import find_units
from annotator.dashboard.units.selection import Selection

# People's, else of labeled pixels, else none.
BY_EVIDENCE: dict[str, dict[str, Any]] = {
    "Units with the highest precision, by where its interval begins": {"sort": "precision", "precision_min": 0.0},
    "Units with the highest IoU": {"sort": "iou", "iou_min": 0.0},
    "Units": {"sort": "index"},
}


def choose_best(*, n_most: int, **wanted: Any) -> tuple[str, list[UnitCard]]:
    """What they are called, and their cards. `wanted`: filters of the gallery."""
    scope = find_scope(Selection(wanted))
    for words, asked in BY_EVIDENCE.items():
        if units := find_units(Selection({**wanted, **asked}), scope, n_most=n_most):
            return words, make_cards(unit_ids=units, scope=scope)
    return "Units", []
