"""Simulated crowds: who is flagged, and how good precision, category, crops and intervals stay in spite of spam.

Careful people: each has their own chance of keeping a crop of a unit, drawn around the unit's own with the spread that
published answers have (Beta-binomial, overdispersion .21, which gives a deviation of .18 to .22 within a unit), and
misses a planted negative in 8 of 100. Careless people keep everything, or mark some crops without looking.
The crowds of categories, crops and intervals are told in the modules that draw them.
"""

import math
import os
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from annotator.crowd.judging.suspicions import JudgedAnswer, find_suspicions
from annotator.labels.precision import N_TOP_CROPS
from benchmarks._category_crowds import draw_categories
from benchmarks._crop_crowds import draw_crops
from benchmarks._interval_coverage import measure_all

OVERDISPERSION = 0.21
CARELESS_MARKS = (0.0, 0.0, 0.1, 0.3)
MIN_HITS = 20
N_CROWDS = 100
PUBLISHED = "data/published/places205-alexnet/unitAnnotation_places205-alexnet.mat"


@dataclass(frozen=True)
class Shape:
    """How many people answer how much. `marks`: the shares that a careless person may mark on a HIT."""

    n_workers: int = 30
    n_careless: int = 9
    n_units: int = 120
    n_answers: int = 5
    marks: tuple[float, ...] = CARELESS_MARKS


@dataclass(frozen=True)
class Crowd:
    answers: list[JudgedAnswer]
    # Each unit's own share of fitting crops.
    truth: list[float]
    n_careless: int

    def is_careless(self, worker: str | None) -> bool:
        return worker is not None and int(worker[1:]) < self.n_careless

    def of_careful(self) -> list[JudgedAnswer]:
        return [given for given in self.answers if not self.is_careless(given.worker)]

    def counted(self) -> list[JudgedAnswer]:
        """Without what the evidence sets aside."""
        set_aside = find_suspicions(self.answers).find_set_aside(self.answers)
        return [given for given in self.answers if given.assignment not in set_aside]

    def find_error(self, answers: Sequence[JudgedAnswer]) -> float:
        """Mean absolute error of the units' mean precision."""
        by_unit: dict[int, list[float]] = {}
        for given in answers:
            by_unit.setdefault(given.unit, []).append(given.precision)
        return statistics.fmean(abs(statistics.fmean(values) - self.truth[unit]) for unit, values in by_unit.items())

    def find_bias(self, answers: Sequence[JudgedAnswer]) -> float:
        return statistics.fmean(given.precision - self.truth[given.unit] for given in answers)

    def find_spread(self) -> float:
        """Root mean square deviation of careful people's answers within a unit."""
        by_unit: dict[int, list[float]] = {}
        for given in self.of_careful():
            by_unit.setdefault(given.unit, []).append(given.precision)
        return math.sqrt(statistics.fmean(statistics.variance(own) for own in by_unit.values() if len(own) > 1))


@dataclass(frozen=True)
class Flagged:
    """Of workers with at least MIN_HITS HITs."""

    n_careless: int
    n_caught: int
    n_careful: int
    n_wronged: int


def simulate(seed: int, shape: Shape | None = None) -> Crowd:
    shape, draw = shape or Shape(), random.Random(seed)
    truth = [min(0.98, max(0.3, draw.gauss(0.75, 0.12))) for _ in range(shape.n_units)]
    answers: list[JudgedAnswer] = []
    for unit, fits in enumerate(truth):
        for worker in draw.sample(range(shape.n_workers), shape.n_answers):
            marks = draw.choice(shape.marks) if worker < shape.n_careless else None
            answers.append(_answer(draw, number=len(answers), unit=unit, worker=f"w{worker}", fits=fits, marks=marks))
    return Crowd(answers, truth, shape.n_careless)


def simulate_marking_nothing(seed: int, share: float) -> Crowd:
    """25 people, 256 units, three answers each; this share of the people marks nothing."""
    return simulate(seed, Shape(25, round(25 * share), 256, 3, marks=(0.0,)))


def _answer(
    draw: random.Random, *, number: int, unit: int, worker: str, fits: float, marks: float | None
) -> JudgedAnswer:
    """`marks`: the share that somebody careless marks without looking; None: a careful person."""
    if marks is not None:
        kept, n_missed = 1 - marks, sum(draw.random() >= marks for _ in range(3))
    else:
        together = (1 - OVERDISPERSION) / OVERDISPERSION
        kept = draw.betavariate(fits * together, (1 - fits) * together)
        n_missed = sum(draw.random() < 0.08 for _ in range(3))
    n_kept = sum(draw.random() < kept for _ in range(N_TOP_CROPS))
    return JudgedAnswer(
        assignment=number, unit=unit, worker=worker, description=f"words {number}", category="object",
        precision=n_kept / N_TOP_CROPS, n_marked=N_TOP_CROPS - n_kept + 3 - n_missed, n_planted=3,
        n_planted_missed=n_missed, active_seconds=90.0,
    )  # fmt: skip


def count_flagged(crowds: Sequence[Crowd]) -> Flagged:
    judged = [
        (crowd.is_careless(worker), evidence.is_flagged)
        for crowd in crowds
        for worker, evidence in find_suspicions(crowd.answers).workers.items()
        if evidence.n_hits >= MIN_HITS
    ]
    return Flagged(
        n_careless=sum(careless for careless, _ in judged),
        n_caught=sum(careless and flagged for careless, flagged in judged),
        n_careful=sum(not careless for careless, _ in judged),
        n_wronged=sum(not careless and flagged for careless, flagged in judged),
    )


def print_careless() -> None:
    crowds = [simulate(seed) for seed in range(N_CROWDS)]
    flagged = count_flagged(crowds)
    spread = statistics.fmean(crowd.find_spread() for crowd in crowds)
    careful = statistics.fmean(crowd.find_error(crowd.of_careful()) for crowd in crowds)
    counted = statistics.fmean(crowd.find_error(crowd.counted()) for crowd in crowds)
    everything = statistics.fmean(crowd.find_error(crowd.answers) for crowd in crowds)
    print(f"{len(crowds)} crowds; deviation within a unit {spread:.3f} (published .18 to .22)")
    print(
        f"error of precision: careful answers alone {careful:.4f}, counted {counted:.4f}, all answers {everything:.4f}"
    )
    print(f"careless_flagged {flagged.n_caught / flagged.n_careless:.3f} >=0.90")
    print(f"careful_flagged {flagged.n_wronged / flagged.n_careful:.4f} <=0.02")
    print(f"precision_error_over_careful_alone {counted / careful:.3f} <=1.10")


def print_marking_nothing() -> None:
    """The bias of the mean precision over all units; with everything counted, it is printed beside."""
    for share in (0.1, 0.2, 0.3):
        crowds = [simulate_marking_nothing(seed, share) for seed in range(N_CROWDS // 5)]
        counted = statistics.fmean(crowd.find_bias(crowd.counted()) for crowd in crowds)
        everything = statistics.fmean(crowd.find_bias(crowd.answers) for crowd in crowds)
        print(f"{share:.0%} mark nothing: bias {counted:+.4f}, with everything counted {everything:+.4f}")
        print(f"bias_of_precision_{share:.0%}_mark_nothing {abs(counted):.4f} <=0.01")


def print_categories() -> None:
    bounds: dict[Literal["none", "constant", "random"], float] = {"none": 0.84, "constant": 0.75, "random": 0.76}
    for kind, bound in bounds.items():
        crowds = [draw_categories(kind, seed) for seed in range(N_CROWDS)]
        weighted = statistics.fmean(crowd.measure_weighted() for crowd in crowds)
        majority = statistics.fmean(crowd.measure_majority() for crowd in crowds)
        print(f"spam: {kind}; right categories by weight {weighted:.3f}, by majority {majority:.3f}")
        print(f"category_vote_spam_{kind} {weighted:.3f} >={bound:.2f}")


def print_crops() -> None:
    """The squared error of a crop's probability over that of the share of people who keep it."""
    for share in (0.0, 0.1, 0.3):
        crowds = [draw_crops(share, seed) for seed in range(N_CROWDS // 10)]
        estimated = statistics.fmean(crowd.find_error(crowd.estimate_fits()) for crowd in crowds)
        kept = statistics.fmean(crowd.find_error(crowd.count_keeping()) for crowd in crowds)
        print(f"crop_error_over_share_keeping_{share:.0%}_mark_nothing {estimated / kept:.3f} <=1.00")


def print_coverage() -> None:
    for name, n_answers, coverage in measure_all(_find_published(), n_campaigns=N_CROWDS // 5):
        print(f"coverage_{name}_{n_answers}_answers {coverage:.3f} >=0.93")
        print(f"coverage_{name}_{n_answers}_answers {coverage:.3f} <=0.97")


def _find_published() -> Path | None:
    folder = Path(os.environ.get("UNITSCOPE_SHARED") or Path(__file__).parent.parent.parent / "shared")
    return folder / PUBLISHED if (folder / PUBLISHED).is_file() else None


def main() -> None:
    print_careless()
    print_marking_nothing()
    print_categories()
    print_crops()
    print_coverage()


if __name__ == "__main__":
    main()
