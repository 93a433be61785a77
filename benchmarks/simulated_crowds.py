"""Simulated crowds, 30 % of them careless: who is flagged, and how good the units' precision stays.

Careful people: each has their own chance of keeping a crop of a unit, drawn around the unit's own with the spread that
published answers have (Beta-binomial, overdispersion .21, which gives a deviation of .18 to .22 within a unit), and
misses a planted negative in 8 of 100. Careless people keep everything, or mark some crops without looking.
"""

import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from annotator.crowd.judging.suspicions import JudgedAnswer, find_suspicions
from annotator.labels.precision import N_TOP_CROPS, PUBLISHED_OVERDISPERSION

N_WORKERS, N_CARELESS = 30, 9
N_UNITS, N_ANSWERS = 120, 5
MIN_HITS = 20


@dataclass(frozen=True)
class Crowd:
    answers: list[JudgedAnswer]
    # Each unit's own share of fitting crops.
    truth: list[float]

    def of_careful(self) -> list[JudgedAnswer]:
        return [given for given in self.answers if not is_careless(given.worker)]

    def counted(self) -> list[JudgedAnswer]:
        """Without what the evidence leaves out."""
        left_out = find_suspicions(self.answers).find_left_out(self.answers)
        return [given for given in self.answers if given.assignment not in left_out]

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
        return statistics.fmean(statistics.variance(values) for values in by_unit.values() if len(values) > 1) ** 0.5


@dataclass(frozen=True)
class Flagged:
    """Of workers with at least MIN_HITS HITs."""

    n_careless: int
    n_caught: int
    n_careful: int
    n_wronged: int


def is_careless(worker: str | None) -> bool:
    return worker is not None and int(worker[1:]) < N_CARELESS


def simulate(seed: int) -> Crowd:
    draw = random.Random(seed)
    truth = [min(0.98, max(0.3, draw.gauss(0.75, 0.12))) for _ in range(N_UNITS)]
    answers: list[JudgedAnswer] = []
    for unit, fits in enumerate(truth):
        for number in draw.sample(range(N_WORKERS), N_ANSWERS):
            answers.append(_answer(draw, number=len(answers), unit=unit, worker=f"w{number}", fits=fits))
    return Crowd(answers, truth)


def _answer(draw: random.Random, *, number: int, unit: int, worker: str, fits: float) -> JudgedAnswer:
    if is_careless(worker):
        marks = draw.choice([0.0, 0.0, 0.1, 0.3])
        kept, n_missed = 1 - marks, sum(draw.random() >= marks for _ in range(3))
    else:
        together = (1 - PUBLISHED_OVERDISPERSION) / PUBLISHED_OVERDISPERSION
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
        (is_careless(worker), evidence.is_flagged)
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


def main() -> None:
    crowds = [simulate(seed) for seed in range(100)]
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


if __name__ == "__main__":
    main()
