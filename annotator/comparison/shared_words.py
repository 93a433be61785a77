"""How often two methods use the same word about a unit, beside chance (docs/measures.md, Shared words).

No table of words is used: the figure does not depend on which lexicon an installation has.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workers.engine.resampling import Estimate, estimate_share, find_p

N_SHUFFLES = 256
SEED = 2026
_WORD = re.compile(r"[^\W\d_]+")
# Words that name nothing: articles, prepositions, and what a formula or a caption says around its words.
_NAMES_NOTHING = (
    "a an and are as at by for from in into is it its near no not of on or other over that the their this to under "
    "with without"
)
_EMPTY = frozenset(_NAMES_NOTHING.split())


@dataclass(frozen=True)
class SharedWords:
    """Of units that both methods describe: the share with a common word, its 95 % interval, and the share by chance.

    `chance` is the mean over 256 seeded shuffles of the second method's descriptions, `chance_high` their 95th
    percentile, `p` one-sided.
    """

    n_units: int
    n_sharing: int
    share: Estimate
    chance: float
    chance_high: float
    p: float


def list_words(text: str) -> frozenset[str]:
    """The content words, in lower case, without the s of a plural."""
    words = (word for word in _WORD.findall(text.casefold()) if len(word) > 1 and word not in _EMPTY)
    return frozenset(word[:-1] if len(word) > 3 and word.endswith("s") and word[-2] != "s" else word for word in words)


def measure_shared_words(first: Mapping[int, str], second: Mapping[int, str]) -> SharedWords | None:
    """Texts by unit. None if no unit is described by both."""
    units = sorted(first.keys() & second.keys())
    if not units:
        return None
    ours, theirs = [list_words(first[unit]) for unit in units], [list_words(second[unit]) for unit in units]
    found = np.array([not a.isdisjoint(b) for a, b in zip(ours, theirs, strict=True)])
    by_chance = np.array([_share_shuffled(ours, theirs, seed) for seed in range(N_SHUFFLES)])
    return SharedWords(
        n_units=len(units),
        n_sharing=int(found.sum()),
        share=estimate_share(found, seed=SEED),
        chance=float(by_chance.mean()),
        chance_high=float(np.quantile(by_chance, 0.95)),
        p=find_p(value=float(found.mean()), by_chance=by_chance),
    )


def _share_shuffled(ours: list[frozenset[str]], theirs: list[frozenset[str]], seed: int) -> float:
    order = np.random.default_rng(seed).permutation(len(theirs))
    return sum(not a.isdisjoint(theirs[place]) for a, place in zip(ours, order, strict=True)) / len(ours)
