"""Which planted negatives an assignment shows, and the order of its crops, photographs and descriptions: drawn from a
seed, nothing else.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from annotator.crowd.seeds import derive_seed

N_PREVIEW = 20


@dataclass(frozen=True)
class TileOrder:
    """Ranks of tiles in a unit's strip (top crops first, low ones after them), in the order shown."""

    shown_ranks: tuple[int, ...]
    planted_ranks: tuple[int, ...]


def draw_order(*, seed: int, top_ranks: Sequence[int], low_ranks: Sequence[int], n_planted: int) -> TileOrder:
    """All top crops and `n_planted` of the low ones, shuffled."""
    draw = random.Random(seed)
    planted = sorted(draw.sample(sorted(low_ranks), min(n_planted, len(low_ranks))))
    shown = sorted(top_ranks) + planted
    draw.shuffle(shown)
    return TileOrder(shown_ranks=tuple(shown), planted_ranks=tuple(planted))


def draw_preview(*, seed: int, ranks: Sequence[int]) -> tuple[int, ...]:
    """The crops a preview shows: drawn from top and low crops alike.

    Were only top crops shown, or the crops of one assignment, then meeting a crop in the preview would tell whether it
    is planted. Drawn from all, it tells nothing: a crop of the assignment is as likely planted within the preview as
    outside it.
    """
    return tuple(random.Random(derive_seed(seed, "preview")).sample(sorted(ranks), min(N_PREVIEW, len(ranks))))


def draw_sections(*, seed: int, sections: Mapping[int, int]) -> TileOrder:
    """All photographs (number -> section), section by section, shuffled within each."""
    draw = random.Random(seed)
    shown: list[int] = []
    for section in sorted(set(sections.values())):
        numbers = sorted(number for number, at in sections.items() if at == section)
        draw.shuffle(numbers)
        shown += numbers
    return TileOrder(shown_ranks=tuple(shown), planted_ranks=())


def draw_texts(*, seed: int, n_texts: int) -> tuple[int, ...]:
    """The numbers of a question's descriptions in the order shown."""
    numbers = list(range(n_texts))
    random.Random(derive_seed(seed, "texts")).shuffle(numbers)
    return tuple(numbers)
