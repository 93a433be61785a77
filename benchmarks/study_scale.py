"""One million ratings of 10,000 unit-description pairs are counted and scored within 2 GB, at a steady time per rating.

Prints `name value bound` lines. BRAgg, all metrics and both sanity tests run. Each size runs in a process of its own.
"""

import resource
import subprocess
import sys
import time

import numpy as np

from annotator.studies.sanity import check_metrics
from annotator.studies.scores import Counting, Draws, Ratings, judge_draws, score_pairs

SIZES = (10_000, 1_000_000)
RATINGS_PER_PAIR, RATERS_PER_IMAGE, N_RATERS = 100, 4, 300


def main() -> None:
    if len(sys.argv) == 2:
        print(*run(int(sys.argv[1])))
        return
    (small, _), (large, gigabytes) = (measure(n) for n in SIZES)
    print(f"study_scale_time_per_rating_ratio {large / small:.2f} <=1.50")
    print(f"study_scale_peak_gigabytes {gigabytes:.2f} <=2.00")


def measure(n_ratings: int) -> tuple[float, float]:
    """Processor seconds per rating (the best of three runs) and peak gigabytes."""
    command = [sys.executable, "-m", "benchmarks.study_scale", str(n_ratings)]
    runs = [subprocess.run(command, check=True, capture_output=True, text=True).stdout.split() for _ in range(3)]
    return min(float(seconds) for seconds, _ in runs), max(float(gigabytes) for _, gigabytes in runs)


def run(n_ratings: int) -> tuple[float, float]:
    draws, ratings = make_study(n_ratings)
    score(*make_study(1_000))
    started = time.process_time()
    score(draws, ratings)
    seconds = time.process_time() - started
    return seconds / n_ratings, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def make_study(n_ratings: int) -> tuple[Draws, Ratings]:
    generator = np.random.default_rng(1)
    n_draws = n_ratings // RATERS_PER_IMAGE
    pair = np.arange(n_draws) // (RATINGS_PER_PAIR // RATERS_PER_IMAGE)
    held = generator.random(n_draws) < 0.2
    activation = generator.normal(size=n_draws) + held
    weight, prior = generator.uniform(0.2, 5, size=n_draws), np.full(n_draws, 0.05)
    draws = Draws(pair, activation, activation - activation.mean(), activation > 1.5, weight, prior)
    draw = np.repeat(np.arange(n_draws), RATERS_PER_IMAGE)
    says_yes = held[draw] ^ (generator.random(len(draw)) < 0.2)
    return draws, Ratings(draw, generator.integers(N_RATERS, size=len(draw)), says_yes)


def score(draws: Draws, ratings: Ratings) -> None:
    judged = judge_draws(draws, ratings, n_pairs=int(draws.pair[-1]) + 1, counting=Counting())
    score_pairs(judged)
    check_metrics(judged, seed=0)


if __name__ == "__main__":
    main()
