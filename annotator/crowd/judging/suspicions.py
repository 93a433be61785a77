"""Pure: what speaks against an answer or for leaving out a person's answers. Evidence for a reviewer, never a verdict.

Planted negatives weigh most: their answer is known, and a person who looks at the crops finds them. A worker is judged
by the lower bound of their rate of missed planted negatives, so that a few slips of a careful person do not count.
Without planted negatives, a worker is judged by whether their answers depend on the unit (`indifference.py`).
"""

import math
import statistics
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from annotator.crowd.judging.indifference import (
    AS_WRITTEN,
    GivenAnswer,
    WordComparison,
    find_indifferent,
    says_nothing,
)
from workers.engine.plurals import say_count

# Under a quarter of the campaign's median, and under what it takes to look at 60 crops at all.
FAST_SHARE_OF_MEDIAN = 0.25
FAST_SECONDS = 10.0
MISSED_OF_ONE_ANSWER = 2
REPEATED_UNITS, REPEATED_SHARE = 3, 0.4
FAR_FROM_OTHERS = 0.4
# A worker is flagged when their true rate of misses is over this with 99 % confidence (one-sided). With fewer HITs
# nobody is flagged: on a few units the planted negatives may look like the rest.
CARELESS_MISS_RATE = 0.30
Z_99 = 2.326
MIN_HITS_OF_A_WORKER = 4


@dataclass(frozen=True)
class JudgedAnswer:
    """One answer and what was measured of it. `worker` is None where an import does not tell."""

    assignment: int
    unit: int
    worker: str | None
    description: str
    category: str
    precision: float
    n_marked: int
    n_planted: int
    n_planted_missed: int
    active_seconds: float
    # A program's time is compared with other programs' alone, a person's with other people's.
    is_simulated: bool = False


@dataclass(frozen=True)
class Flag:
    kind: str
    words: str


@dataclass(frozen=True)
class JudgedWorker:
    worker: str
    n_hits: int
    n_planted: int
    n_planted_missed: int
    miss_rate_low: float
    is_flagged: bool
    # Why the answers do not depend on the unit, or "".
    indifference: str = ""


@dataclass(frozen=True)
class Suspicions:
    flags: Mapping[int, Sequence[Flag]] = field(default_factory=dict)
    workers: Mapping[str, JudgedWorker] = field(default_factory=dict)

    def find_set_aside(self, answers: Iterable[JudgedAnswer]) -> dict[int, str]:
        """Assignment -> reason, for answers that should not be counted. The people are paid all the same.

        An answer that missed planted negatives counts unless the worker is flagged too: a single miss removes nobody.
        """
        reasons: dict[int, str] = {}
        for answer in answers:
            worker = self.workers.get(answer.worker or "")
            if worker is None:
                continue
            if not answer.n_planted and worker.indifference:
                reasons[answer.assignment] = worker.indifference
            elif worker.is_flagged and answer.n_planted_missed >= MISSED_OF_ONE_ANSWER:
                reasons[answer.assignment] = (
                    f"The worker left {worker.n_planted_missed} of {say_count(worker.n_planted, 'planted negative')} "
                    f"unmarked on {say_count(worker.n_hits, 'HIT')}; {answer.n_planted_missed} of {answer.n_planted} "
                    "here."
                )
        return reasons


def find_suspicions(answers: Sequence[JudgedAnswer]) -> Suspicions:
    """Flags of each assignment and the standing of each worker, from all answers of one campaign.

    An answer is compared with those of other people: never with itself, nor with what its person said elsewhere of the
    same unit. Whether a person repeats themselves is told from their different units.
    """
    median_of_others = _find_medians(answers)
    repeated = _find_repeated(answers)
    by_unit: dict[int, list[JudgedAnswer]] = {}
    for answer in answers:
        by_unit.setdefault(answer.unit, []).append(answer)
    flags: dict[int, list[Flag]] = {}
    for answer in answers:
        others = [other for other in by_unit[answer.unit] if not _is_of_one_person(answer, other)]
        found = [
            *_flag_planted(answer),
            *_flag_time(answer, median=median_of_others[answer.assignment]),
            *_flag_words(answer, repeated=repeated),
            *_flag_disagreement(answer, others),
        ]
        known = flags.setdefault(answer.assignment, [])
        known.extend(flag for flag in found if flag not in known)
    return Suspicions(flags=flags, workers=judge_workers(answers))


def _is_of_one_person(one: JudgedAnswer, other: JudgedAnswer) -> bool:
    return one.assignment == other.assignment or (one.worker is not None and one.worker == other.worker)


def _find_medians(answers: Sequence[JudgedAnswer]) -> dict[int, float | None]:
    """By assignment, the median active time of all other assignments of people, or of programs; None for the only
    one.
    """
    medians: dict[int, float | None] = {}
    for kind in (False, True):
        times = {one.assignment: one.active_seconds for one in answers if one.is_simulated == kind}
        ordered = sorted(times.values())
        medians |= {assignment: _find_median_without(ordered, seconds) for assignment, seconds in times.items()}
    return medians


def _find_median_without(ordered: Sequence[float], left_out: float) -> float | None:
    """The median of sorted numbers but for one of them; None if no other is there."""
    last, own = len(ordered) - 1, bisect_left(ordered, left_out)
    if not last:
        return None
    low, high = ((place if place < own else place + 1) for place in ((last - 1) // 2, last // 2))
    return (ordered[low] + ordered[high]) / 2


def find_low_bound(*, n_missed: int, n: int, z: float = Z_99) -> float:
    """Wilson's lower bound of a rate [W27]."""
    if n == 0:
        return 0.0
    rate, spread = n_missed / n, z * z / n
    root = z * math.sqrt(rate * (1 - rate) / n + spread / (4 * n))
    return max(0.0, (rate + spread / 2 - root) / (1 + spread))


def judge_workers(answers: Sequence[JudgedAnswer], words: WordComparison = AS_WRITTEN) -> dict[str, JudgedWorker]:
    """Each known worker's standing, from all answers of one campaign. `words`: how descriptions are compared."""
    without_planted = [
        GivenAnswer(worker=row.worker, unit=row.unit, description=row.description, precision=row.precision)
        for row in answers
        if row.worker is not None and not row.n_planted
    ]
    indifferent = find_indifferent(without_planted, words)
    by_worker: dict[str, list[JudgedAnswer]] = {}
    for answer in answers:
        if answer.worker is not None:
            by_worker.setdefault(answer.worker, []).append(answer)
    return {worker: _judge_worker(worker, rows, indifferent.get(worker, "")) for worker, rows in by_worker.items()}


def _judge_worker(worker: str, rows: Sequence[JudgedAnswer], indifference: str) -> JudgedWorker:
    n_planted, n_missed = sum(row.n_planted for row in rows), sum(row.n_planted_missed for row in rows)
    low = find_low_bound(n_missed=n_missed, n=n_planted)
    n_hits = len({row.assignment for row in rows})
    return JudgedWorker(
        worker=worker,
        n_hits=n_hits,
        n_planted=n_planted,
        n_planted_missed=n_missed,
        miss_rate_low=low,
        is_flagged=n_hits >= MIN_HITS_OF_A_WORKER and low > CARELESS_MISS_RATE,
        indifference=indifference,
    )


def _flag_planted(answer: JudgedAnswer) -> list[Flag]:
    if answer.n_planted and answer.n_marked == 0:
        return [Flag("kept all", f"Marked nothing: all {say_count(answer.n_planted, 'planted negative')} kept.")]
    if answer.n_planted_missed >= MISSED_OF_ONE_ANSWER:
        return [
            Flag(
                "missed planted",
                f"Left {answer.n_planted_missed} of {say_count(answer.n_planted, 'planted negative')} unmarked.",
            )
        ]
    return []


def _flag_time(answer: JudgedAnswer, *, median: float | None) -> list[Flag]:
    seconds = answer.active_seconds
    if not 0 < seconds < max(FAST_SECONDS, FAST_SHARE_OF_MEDIAN * (median or 0.0)):
        return []
    others = "" if median is None else f"; the median of the campaign's other answers is {median:.0f} s"
    return [Flag("fast", f"Took {seconds:.0f} s of active time{others}.")]


def _flag_words(answer: JudgedAnswer, *, repeated: set[tuple[str, str]]) -> list[Flag]:
    words = answer.description.casefold()
    flags = []
    if words and says_nothing(words):
        flags.append(Flag("stock phrase", f"“{answer.description}” says nothing of the crops."))
    if answer.worker is not None and (answer.worker, words) in repeated:
        flags.append(Flag("repeated", f"The same words, “{answer.description}”, on many of this worker's HITs."))
    return flags


def _find_repeated(answers: Sequence[JudgedAnswer]) -> set[tuple[str, str]]:
    """(worker, words) that stand on at least three units and two fifths of all the worker's units."""
    told = {(one.worker, one.unit, one.description.casefold()) for one in answers if one.worker is not None}
    n_units = Counter(worker for worker, _ in {(worker, unit) for worker, unit, _ in told})
    pairs = Counter((worker, words) for worker, _, words in told)
    return {
        (worker, words)
        for (worker, words), n in pairs.items()
        if n >= REPEATED_UNITS and n >= REPEATED_SHARE * n_units[worker]
    }


def _flag_disagreement(answer: JudgedAnswer, others: Sequence[JudgedAnswer]) -> list[Flag]:
    categories = {other.category for other in others}
    people = {other.worker or other.assignment for other in others}
    if len(people) < 2 or len(categories) != 1 or answer.category in categories:
        return []
    apart = abs(answer.precision - statistics.fmean(other.precision for other in others))
    if apart < FAR_FROM_OTHERS:
        return []
    return [Flag("disagrees", f"Alone in its category, and {apart:.0%} apart from the others' precision.")]
