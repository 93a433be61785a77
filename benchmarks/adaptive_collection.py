"""Error against cost of adaptive collection beside fixed 2, 3, 4 and 5 assignments, on a simulated crowd.

Each unit has a true category and each person names it with a chance of the unit's own: some units are plain to all,
some are not, and on those the wrong answers gather on one rival category. The error is the share of units whose
majority is wrong (ties count by halves). Adaptive: start with 2, ask on while `labels.doubts` sees a doubt, at most 5.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from annotator.labels.doubts import Standing, find_doubt

FIXED = (2, 3, 4, 5)
MOST = 5


@dataclass(frozen=True)
class Curves:
    """Mean assignments a unit, and error, of each way of asking."""

    fixed_errors: dict[int, float]
    n_adaptive: float
    adaptive_error: float

    def fixed_error_at(self, n: float) -> float:
        """The fixed curve at this cost, straight between its points."""
        low = max(k for k in FIXED if k <= n)
        high = min(k for k in FIXED if k >= n)
        if low == high:
            return self.fixed_errors[low]
        share = (n - low) / (high - low)
        return (1 - share) * self.fixed_errors[low] + share * self.fixed_errors[high]


def find_curves(*, n_units: int, seed: int) -> Curves:
    draw = random.Random(seed)
    units = [[draw_answer(draw, chance) for _ in range(MOST)] for chance in draw_chances(draw, n_units)]
    asked = [find_n_adaptive(answers) for answers in units]
    return Curves(
        fixed_errors={n: mean([find_error(answers[:n]) for answers in units]) for n in FIXED},
        n_adaptive=mean(asked),
        adaptive_error=mean([find_error(answers[:n]) for answers, n in zip(units, asked, strict=True)]),
    )


def draw_chances(draw: random.Random, n_units: int) -> list[float]:
    """A third of the units is hard."""
    return [draw.uniform(0.45, 0.7) if draw.random() < 1 / 3 else draw.uniform(0.85, 0.99) for _ in range(n_units)]


def draw_answer(draw: random.Random, chance: float) -> str:
    if draw.random() < chance:
        return "true"
    return "rival" if draw.random() < 0.7 else draw.choice(["other-1", "other-2", "other-3", "other-4"])


def find_n_adaptive(answers: Sequence[str]) -> int:
    for n in range(2, MOST):
        n_same = Counter(answers[:n]).most_common(1)[0][1]
        if find_doubt(Standing(n, n_same, n_same, 0.0, 1.0), widest=None) is None:
            return n
    return MOST


def find_error(answers: Sequence[str]) -> float:
    """The chance that the majority is wrong, ties broken evenly."""
    counts = Counter(answers)
    most = max(counts.values())
    winners = [category for category, n in counts.items() if n == most]
    return 1 - ("true" in winners) / len(winners)


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def main() -> None:
    curves = find_curves(n_units=20_000, seed=2026)
    for n, error in curves.fixed_errors.items():
        print(f"fixed {n} assignments a unit: {error:.4f} of the units wrong")
    print(f"adaptive, {curves.n_adaptive:.2f} on average: {curves.adaptive_error:.4f} of the units wrong")
    ratio = curves.adaptive_error / curves.fixed_error_at(curves.n_adaptive)
    print(f"adaptive_error_over_fixed_at_equal_cost {ratio:.3f} <=1.00")


if __name__ == "__main__":
    main()
