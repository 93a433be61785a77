"""A campaign's agreement between people, over all and, where workers are known, for each of them."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from annotator.labels.counted_answers import CountedAnswer, split_by_unit
from annotator.labels.models import UnitLabel
from annotator.labels.reliability import count_labels, estimate, weigh_alpha, weigh_identical, weigh_kappa
from annotator.labels.weighing import CATEGORY_ORDER


def describe_consensus(*, answers: Sequence[CountedAnswer], labels: Sequence[UnitLabel]) -> dict[str, Any]:
    """Each figure with its 95 % bootstrap interval over units; None if it is not defined."""
    by_unit = split_by_unit([answer for answer in answers if answer.category])
    chosen = [[CATEGORY_ORDER[answer.category] - 1 for answer in given] for given in by_unit.values()]
    categories = count_labels(chosen, n_labels=len(CATEGORY_ORDER))
    grouped = [_number_groups(label) for label in labels]
    n_groups = max((max(numbers, default=0) for numbers in grouped), default=0) + 1
    concepts = count_labels(grouped, n_labels=n_groups)
    return {
        "identical_concept_rate": asdict(estimate(weigh_identical, concepts)),
        "category_fleiss_kappa": asdict(estimate(weigh_kappa, categories)),
        "category_krippendorff_alpha": asdict(estimate(weigh_alpha, categories)),
    }


def _number_groups(label: UnitLabel) -> list[int]:
    """For each answer that named something, the number of its group within the unit."""
    groups = label.reasons.get("groups", [])
    return [number for number, group in enumerate(groups) for _ in group["members"]]


def describe_workers(*, answers: Sequence[CountedAnswer], labels: Sequence[UnitLabel]) -> list[dict[str, Any]] | None:
    """For each worker, by pseudonym: answers, and the share that has the unit's category and its concept.

    None unless every worker is known: no per-worker figure is made up.
    """
    if not answers or any(answer.worker is None for answer in answers):
        return None
    named = {label.unit_id: label for label in labels}
    rows: dict[str, list[tuple[bool, bool]]] = {}
    for unit_id, given in split_by_unit(answers).items():
        label = named.get(unit_id)
        if label is None or len(label.reasons.get("answers", [])) != len(given):
            continue
        groups = label.reasons.get("groups", [])
        leading = set(groups[0]["members"]) if groups else set()
        for i, answer in enumerate(given):
            rows.setdefault(str(answer.worker), []).append((answer.category == label.category, i in leading))
    return [_describe_worker(worker, rows[worker]) for worker in sorted(rows)]


def _describe_worker(worker: str, rows: Sequence[tuple[bool, bool]]) -> dict[str, Any]:
    return {
        "worker": worker,
        "n_answers": len(rows),
        "share_with_unit_category": sum(category for category, _ in rows) / len(rows),
        "share_with_unit_concept": sum(concept for _, concept in rows) / len(rows),
    }
