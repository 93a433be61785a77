"""Error against cost of adaptive collection beside fixed 2, 3, 4 and 5 assignments, on a simulated crowd.

Each unit has a true category and each person names it with a chance of the unit's own: some units are plain to all,
some are not, and on those the wrong answers gather on one rival category. The error is the share of units whose
majority is wrong (ties count by halves). Adaptive: start with 2, ask on while `labels.doubts` sees a doubt, at most 3,
4 or 5. `python -m benchmarks.adaptive_collection FILE.svg` draws both curves.
"""

import random
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from annotator.labels.extending import Standing, find_doubt

FIXED = (2, 3, 4, 5)
MOST = (3, 4, 5)


@dataclass(frozen=True)
class Point:
    """Mean assignments a unit, and the share of units that come out wrong."""

    n_asked: float
    error: float


@dataclass(frozen=True)
class Curves:
    fixed: dict[int, Point]
    # By the most that may be asked.
    adaptive: dict[int, Point]

    def fixed_error_at(self, n: float) -> float:
        """The fixed curve at this cost, straight between its points."""
        low = max(k for k in FIXED if k <= n)
        high = min(k for k in FIXED if k >= n)
        if low == high:
            return self.fixed[low].error
        share = (n - low) / (high - low)
        return (1 - share) * self.fixed[low].error + share * self.fixed[high].error

    def find_ratio(self, most: int) -> float:
        """Adaptive error as a multiple of the error of a fixed number at the same cost."""
        point = self.adaptive[most]
        return point.error / self.fixed_error_at(point.n_asked)


def find_curves(*, n_units: int, seed: int) -> Curves:
    draw = random.Random(seed)
    units = [[draw_answer(draw, chance) for _ in range(max(FIXED))] for chance in draw_chances(draw, n_units)]
    return Curves(
        fixed={n: _measure([answers[:n] for answers in units]) for n in FIXED},
        adaptive={most: _measure([answers[: find_n_adaptive(answers, most)] for answers in units]) for most in MOST},
    )


def _measure(asked: Sequence[Sequence[str]]) -> Point:
    n = len(asked)
    return Point(n_asked=sum(map(len, asked)) / n, error=sum(map(find_error, asked)) / n)


def draw_chances(draw: random.Random, n_units: int) -> list[float]:
    """A third of the units is hard."""
    return [draw.uniform(0.45, 0.7) if draw.random() < 1 / 3 else draw.uniform(0.85, 0.99) for _ in range(n_units)]


def draw_answer(draw: random.Random, chance: float) -> str:
    if draw.random() < chance:
        return "true"
    return "rival" if draw.random() < 0.7 else draw.choice(["other-1", "other-2", "other-3", "other-4"])


def find_n_adaptive(answers: Sequence[str], most: int) -> int:
    for n in range(2, most):
        n_same = Counter(answers[:n]).most_common(1)[0][1]
        if find_doubt(Standing(n, n_same, n_same, 0.0, 1.0), widest=None) is None:
            return n
    return most


def find_error(answers: Sequence[str]) -> float:
    """The chance that the majority is wrong, ties broken evenly."""
    counts = Counter(answers)
    most = max(counts.values())
    winners = [category for category, n in counts.items() if n == most]
    return 1 - ("true" in winners) / len(winners)


def draw_curves(curves: Curves, file: Path) -> None:
    """As SVG: error in percent against assignments a unit, each adaptive point with its share of the fixed error."""
    import altair as alt

    rows = [
        {"way": "fixed number", "n": p.n_asked, "error": p.error, "words": f"{n} each"} for n, p in curves.fixed.items()
    ]
    rows += [
        {"way": "adaptive", "n": p.n_asked, "error": p.error, "words": f"at most {most}: {curves.find_ratio(most):.0%}"}
        for most, p in curves.adaptive.items()
    ]
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        x=alt.X("n:Q", title="assignments a unit, on average", scale=alt.Scale(domain=[1.5, 5.3], nice=False)),
        y=alt.Y("error:Q", title="units with the wrong category", axis=alt.Axis(format="%")),
        color=alt.Color("way:N", title=None, scale=alt.Scale(range=["#1f5fbf", "#b3261e"])),
    )
    words = base.encode(text="words:N")
    chart = (
        base.mark_line(point=alt.OverlayMarkDef(size=70))
        + words.transform_filter("datum.way != 'adaptive'").mark_text(align="left", dx=8, dy=-8)
        + words.transform_filter("datum.way == 'adaptive'").mark_text(align="right", dx=-10, dy=5)
    )
    chart.properties(
        width=520, height=300, title="Asking on where people disagree (percent: of the fixed error at the same cost)"
    ).save(str(file))


def main() -> None:
    curves = find_curves(n_units=20_000, seed=2026)
    for n, point in curves.fixed.items():
        print(f"fixed {n} assignments a unit: {point.error:.4f} of the units wrong")
    for most, point in curves.adaptive.items():
        print(f"adaptive, at most {most}, {point.n_asked:.2f} on average: {point.error:.4f} of the units wrong")
    for most in curves.adaptive:
        print(f"adaptive_{most}_error_over_fixed_at_equal_cost {curves.find_ratio(most):.3f} <=1.00")
    if sys.argv[1:]:
        draw_curves(curves, Path(sys.argv[1]))


if __name__ == "__main__":
    main()
