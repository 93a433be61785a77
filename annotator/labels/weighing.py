"""How much each worker's answers count, and how likely each crop fits: agreement with others, corrected for chance.

Where a worker is not known, nothing is invented: every answer weighs 1 and no crop has a probability of its own.
"""

from collections.abc import Sequence

import numpy as np

from annotator.crowd.categories import PUBLISHED_CODES
from annotator.labels.aggregation import Answers, estimate_probabilities, weigh_workers
from annotator.labels.counted_answers import CountedAnswer

CATEGORY_ORDER = {str(category): code for code, category in PUBLISHED_CODES.items()}


def weigh_answers(answers: Sequence[CountedAnswer]) -> list[float]:
    """One weight for each answer, by the categories their workers chose; all 1 unless every worker is known."""
    voting = [answer for answer in answers if answer.category]
    if not voting or any(answer.worker is None for answer in answers):
        return [1.0] * len(answers)
    workers = {name: i for i, name in enumerate(sorted({str(answer.worker) for answer in answers}))}
    units = {unit: i for i, unit in enumerate(dict.fromkeys(answer.unit_id for answer in voting))}
    table = Answers(
        task=np.array([units[answer.unit_id] for answer in voting]),
        worker=np.array([workers[str(answer.worker)] for answer in voting]),
        label=np.array([CATEGORY_ORDER[answer.category] - 1 for answer in voting]),
        n_tasks=len(units),
        n_workers=len(workers),
        n_labels=len(CATEGORY_ORDER),
    )
    weights = weigh_workers(table)
    return [round(float(weights[workers[str(answer.worker)]]), 6) for answer in answers]


def estimate_crop_fits(answers: Sequence[CountedAnswer]) -> dict[int, dict[int, float]]:
    """For each unit, rank -> probability that the crop fits; empty if marks or workers are unknown."""
    if not answers or any(answer.worker is None or answer.marked is None for answer in answers):
        return {}
    workers = {name: i for i, name in enumerate(sorted({str(answer.worker) for answer in answers}))}
    rows = [
        (a.unit_id, rank, workers[str(a.worker)], int(rank not in (a.marked or ())))
        for a in answers
        for rank in a.shown
    ]
    crops = {crop: i for i, crop in enumerate(dict.fromkeys((unit, rank) for unit, rank, _, _ in rows))}
    table = Answers(
        task=np.array([crops[unit, rank] for unit, rank, _, _ in rows]),
        worker=np.array([worker for _, _, worker, _ in rows]),
        label=np.array([fits for _, _, _, fits in rows]),
        n_tasks=len(crops),
        n_workers=len(workers),
        n_labels=2,
    )
    fits = estimate_probabilities(table)[:, 1]
    found: dict[int, dict[int, float]] = {}
    for (unit, rank), i in crops.items():
        found.setdefault(unit, {})[rank] = round(float(fits[i]), 6)
    return found
