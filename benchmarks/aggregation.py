"""One million answers over 100,000 units become labels within 2 GB, at a steady time per answer.

Prints `name value bound` lines. Everything that a labeling computes is run: precision with intervals, worker weights
by agreement with others over the categories, the vote, normalized descriptions and their groups. Each size runs in a
process of its own, so that the peak of memory is that size's alone.
"""

import resource
import subprocess
import sys
import time
from collections.abc import Sequence

import numpy as np

from annotator.labels.aggregation import Answers, vote, weigh_workers
from annotator.labels.answer_counts import AnswerCounts
from annotator.labels.concepts import Vocabulary, build_vocabulary, normalize_description
from annotator.labels.grouping import NamedAnswer, group_answers
from annotator.labels.lexicon import load_lexicon
from annotator.labels.precision import measure_precision

ANSWERS_PER_UNIT = 10
SIZES = (10_000, 1_000_000)
N_CATEGORIES = 6
N_WORKERS = 500
ORDER = {category: category for category in range(N_CATEGORIES)}


def main() -> None:
    if len(sys.argv) == 2:
        print(*aggregate(int(sys.argv[1])))
        return
    (small, _), (large, gigabytes) = (measure(n) for n in SIZES)
    print(f"aggregation_time_per_answer_ratio {large / small:.2f} <=1.50")
    print(f"aggregation_peak_gigabytes {gigabytes:.2f} <=2.00")


def measure(n_answers: int) -> tuple[float, float]:
    """Processor seconds per answer (the better of two runs) and peak gigabytes."""
    runs = [_run(n_answers) for _ in range(2)]
    return min(seconds for seconds, _ in runs), max(gigabytes for _, gigabytes in runs)


def _run(n_answers: int) -> tuple[float, float]:
    command = [sys.executable, "-m", "benchmarks.aggregation", str(n_answers)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, gigabytes = done.stdout.split()
    return float(seconds), float(gigabytes)


def aggregate(n_answers: int) -> tuple[float, float]:
    generator = np.random.default_rng(7)
    n_units = n_answers // ANSWERS_PER_UNIT
    unit = np.repeat(np.arange(n_units), ANSWERS_PER_UNIT)
    fitting = generator.binomial(57, generator.beta(6, 2, size=n_answers))
    truth = generator.integers(N_CATEGORIES, size=n_units)[unit]
    category = np.where(generator.random(n_answers) < 0.7, truth, generator.integers(N_CATEGORIES, size=n_answers))
    worker = generator.integers(N_WORKERS, size=n_answers)
    vocabulary = build_vocabulary(descriptions=[], labels=[], lexicon=load_lexicon())
    words = sorted(vocabulary.lexicon.groups)
    said = generator.integers(len(words), size=n_units)[unit] * (generator.random(n_answers) < 0.6)
    # The first answers only fill caches that a process fills once.
    _aggregate(unit[:100], fitting[:100], category[:100], worker[:100], said[:100], words, vocabulary)
    started = time.process_time()
    _aggregate(unit, fitting, category, worker, said, words, vocabulary)
    seconds = time.process_time() - started
    return seconds / n_answers, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def _aggregate(
    unit: np.ndarray,
    fitting: np.ndarray,
    category: np.ndarray,
    worker: np.ndarray,
    said: np.ndarray,
    words: Sequence[str],
    vocabulary: Vocabulary,
) -> None:
    measured = measure_precision(AnswerCounts(unit=unit, n_fitting=fitting, n_shown=np.full(len(unit), 57)))
    answers = Answers(unit, worker, category, len(measured.mean), N_WORKERS, N_CATEGORIES)
    weights = weigh_workers(answers)[worker]
    for first in range(0, len(unit), ANSWERS_PER_UNIT):
        rows = slice(first, first + ANSWERS_PER_UNIT)
        mine, shares = weights[rows].tolist(), (fitting[rows] / 57).tolist()
        vote(category[rows].tolist(), weights=mine, precisions=shares, order=ORDER)
        concepts = [normalize_description(words[i], vocabulary=vocabulary) for i in said[rows]]
        named = [NamedAnswer(c, weight=w, precision=p) for c, w, p in zip(concepts, mine, shares, strict=True)]
        group_answers(named, lexicon=vocabulary.lexicon)


if __name__ == "__main__":
    main()
