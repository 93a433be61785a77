"""A study's report as plain values: what stands in its JSON, its tables and its page. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any, TypeVar

import numpy as np

from annotator.crowd.seeds import derive_seed
from annotator.csv_files import write_csv
from annotator.studies.metrics import METRICS
from annotator.studies.plan import Plan
from annotator.studies.record import Drawn, StudyRecord, find_first
from annotator.studies.sanity import Sanity, check_metrics
from annotator.studies.scores import (
    N_RESAMPLES,
    Comparison,
    Counting,
    Progress,
    compare_methods,
    judge_draws,
    keep_first,
    score_methods,
    score_pairs,
    tell_nobody,
)
from annotator.written import print_bounds
from workers.engine.plurals import say_count

T = TypeVar("T")
SHARES = (0.125, 0.25, 0.5, 1.0)
RATING_COLUMNS = (
    "layer", "unit", "method", "description", "image", "times_drawn", "q", "weight", "prior", "activation", "rater",
    "says_yes", "gold", "seconds", "round", "is_simulated",
)  # fmt: skip
WORDS = {
    "rho": "correlation", "f1": "F1", "auprc": "AUPRC", "iou": "IoU", "cosine": "cosine",
    "share_of_active": "share of active images",
}  # fmt: skip


def describe_study(record: StudyRecord, *, progress: Progress = tell_nobody) -> dict[str, Any]:
    """The whole report. Scores are None until somebody has answered. `progress` hears of resamples and later parts."""
    error = record.estimate_error()
    told: dict[str, Any] = {
        "study": record.name,
        "planned_at": record.planned_at,
        "plan_sha256": record.sha256,
        "plan": record.plan.describe(),
        "departures": list(list_departures(record)),
        "n_ratings": len(record.ratings),
        "n_raters": len({one.rater for one in record.ratings}),
        "n_simulated": sum(one.is_simulated for one in record.ratings),
        "error": asdict(error),
        "spent_usd": record.spent_usd,
        "n_rounds_asked": record.n_rounds_asked,
    }
    return told | _describe_scores(record, Counting(record.plan.rule, error.value), progress)


def list_departures(record: StudyRecord) -> Iterator[str]:
    """What is not as it was planned, a sentence each."""
    plan, drawn = record.plan, record.list_drawn()
    if not record.is_as_frozen:
        yield "The plan or the draws were changed after they were frozen."
    if record.image_set_sha256 != plan.image_set_sha256:
        yield f"The image set {plan.image_set} has changed since the plan was frozen."
    if record.n_rounds_asked < plan.n_rounds:
        yield f"Rounds asked: {record.n_rounds_asked} of {plan.n_rounds}."
    n_planned = len(drawn.draws.pair) * plan.n_raters
    if len(drawn.ratings.draw) != n_planned:
        counts = say_count(
            len(drawn.ratings.draw), "rating of a drawn photograph counts", "ratings of drawn photographs count"
        )
        yield f"{counts}, and {say_count(n_planned, 'was', 'were')} planned."
    n_people = np.bincount(drawn.ratings.draw, minlength=len(drawn.draws.pair))
    if others := Counter(n for n in n_people.tolist() if n not in (0, plan.n_raters)):
        told = ", ".join(f"{n} by {say_count(k, 'person')}" for k, n in sorted(others.items()))
        planned = say_count(plan.n_raters, "person")
        yield f"Drawn photographs, not rated by {planned} as planned: {told}."
    n_unrated = len(record.pairs) - len(np.unique(drawn.draws.pair[drawn.ratings.draw]))
    if 0 < n_unrated < len(record.pairs):
        of = say_count(len(record.pairs), "description")
        yield f"Nobody rated {n_unrated} of {of}: they count in no mean and no comparison."
    if any(one.is_simulated for one in record.ratings):
        yield "Ratings are by simulated people."


def list_ratings(record: StudyRecord) -> str:
    """CSV with one row per rating."""
    return write_csv(_spell_ratings(record), columns=RATING_COLUMNS)


def write_latex(report: Mapping[str, Any]) -> str:
    """A table with one row per method: every metric with its interval."""
    lines = [
        f"% {_escape(report['study'])}, plan {report['plan_sha256'][:12]}",
        rf"\begin{{tabular}}{{l{'r' * len(METRICS)}}}",
        " & ".join(["method", *(WORDS[name] for name in METRICS)]) + r" \\ \hline",
    ]
    for row in report["methods"] or ():
        cells = [_spell_latex(row[name]) for name in METRICS]
        lines.append(" & ".join([_escape(row["method"]), *cells]) + r" \\")
    return "\n".join([*lines, r"\end{tabular}", ""])


def find_widest(comparisons: list[dict[str, Any]]) -> float | None:
    """Half the widest interval of a difference between two methods; None if one of them has no interval."""
    if any(one["low"] is None for one in comparisons):
        return None
    return max(((one["high"] - one["low"]) / 2 for one in comparisons), default=None)


def _describe_scores(record: StudyRecord, counting: Counting, progress: Progress) -> dict[str, Any]:
    drawn = record.list_drawn()
    if not len(drawn.ratings.draw):
        return {"methods": None, "comparisons": [], "sanity": None, "pairs": [], "cost": [], "stop": None}
    plan = record.plan
    judged = judge_draws(drawn.draws, drawn.ratings, n_pairs=len(record.pairs), counting=counting)
    by_pair = score_pairs(judged)
    estimates = score_methods(
        drawn.draws, drawn.ratings, pairs=drawn.pairs, counting=counting, seed=_seed(plan, "means"), progress=progress
    )
    compared = {
        name: [_spell(one) for one in compare_methods(scores, pairs=drawn.pairs, seed=_seed(plan, "differences"))]
        for name, scores in _tell_each(by_pair.items(), progress)
    }
    is_rated = ~np.isnan(by_pair[plan.metric])
    n_units = [int((is_rated & (drawn.pairs.method == m)).sum()) for m in range(len(plan.methods))]
    costs = list(_tell_each(_follow_cost(record, drawn, counting), progress))
    sanity = _tell_each(check_metrics(judged, seed=_seed(plan, "sanity")).items(), progress)
    widest = find_widest(compared[plan.metric])
    is_narrow = widest is not None and plan.stop_width is not None and widest <= plan.stop_width
    return {
        "methods": [
            {"method": method, "n_units": n} | {name: asdict(one) for name, one in found.items()}
            for method, n, found in zip(plan.methods, n_units, estimates, strict=True)
        ],
        "comparisons": [{"metric": name, **one} for name in METRICS for one in compared[name]],
        "sanity": {name: _spell_sanity(one) for name, one in sanity},
        "pairs": [
            {"layer": pair.layer, "unit": pair.unit, "method": pair.method, "description": pair.text}
            | {name: None if np.isnan(scores[i]) else float(scores[i]) for name, scores in by_pair.items()}
            for i, pair in enumerate(record.pairs)
        ],
        "cost": costs,
        "stop": {
            "wanted": plan.stop_width,
            "reached": widest,
            "is_met": not record.open_round and is_narrow,
            "open_round": record.open_round,
        },
    }


def _tell_each(parts: Iterable[T], progress: Progress) -> Iterator[T]:
    """The parts that come after the resamples; `progress` hears when what the caller does with each is done."""
    for one in parts:
        yield one
        progress(N_RESAMPLES, N_RESAMPLES)


def _follow_cost(record: StudyRecord, drawn: Drawn, counting: Counting) -> Iterator[dict[str, Any]]:
    """After shares of the rated draws: what their ratings cost, and half the widest interval of a difference.

    The difference is by the planned metric.
    """
    seed = _seed(record.plan, "differences")
    n_drawn = sum(one.gold is None for one in record.ratings)
    for share in SHARES:
        draws, ratings = keep_first(drawn.draws, drawn.ratings, share=share)
        scores = score_pairs(judge_draws(draws, ratings, n_pairs=len(record.pairs), counting=counting))
        compared = compare_methods(scores[record.plan.metric], pairs=drawn.pairs, seed=seed)
        usd = Decimal(record.spent_usd) * len(ratings.draw) / len(drawn.ratings.draw)
        yield {
            "share": share,
            "n_ratings": round(n_drawn * len(ratings.draw) / len(drawn.ratings.draw)),
            "usd": str(usd.quantize(Decimal("0.01"))),
            "half_width": find_widest([_spell(one) for one in compared]),
        }


def _seed(plan: Plan, purpose: str) -> int:
    """Of resamples: never that of the draws."""
    return derive_seed(plan.seed, "report", purpose)


def _spell(one: Comparison) -> dict[str, Any]:
    found = one.difference
    return {
        "first": one.first, "second": one.second, "n_units": found.n_first, "difference": found.value,
        "low": found.low, "high": found.high, "p": found.p, "p_corrected": one.p_corrected,
    }  # fmt: skip


def _spell_sanity(one: Sanity) -> dict[str, Any]:
    return asdict(one) | {"is_passed": one.is_passed}


def _spell_ratings(record: StudyRecord) -> Iterator[dict[str, object]]:
    """A rating of what several methods say alike stands once, with all of them."""
    methods: dict[int, list[str]] = {}
    for first, pair in zip(find_first(record.pairs), record.pairs, strict=True):
        methods.setdefault(first, []).append(pair.method)
    for rating in record.ratings:
        pair = record.pairs[rating.pair]
        places = [k for k, image in enumerate(pair.draws["images"]) if image == rating.image]
        at = places[0] if places and rating.gold is None else None
        drawn = {} if at is None else {name: pair.draws[name][at] for name in ("q", "prior", "activation")}
        yield {
            "layer": pair.layer, "unit": pair.unit, "method": "; ".join(methods[rating.pair]), "description": pair.text,
            "image": rating.image, "times_drawn": len(places) if at is not None else 0, **drawn,
            "weight": None if at is None else 1 / (record.plan.n_images * pair.draws["q"][at]),
            "rater": rating.rater, "says_yes": int(rating.says_yes),
            "gold": None if rating.gold is None else int(rating.gold), "seconds": round(rating.seconds, 3),
            "round": rating.round + 1, "is_simulated": int(rating.is_simulated),
        }  # fmt: skip


def _spell_latex(estimate: dict[str, float | None]) -> str:
    if estimate["value"] is None:
        return "--"
    return f"{estimate['value']:.3f} {print_bounds(estimate['low'], estimate['high'])}"


def _escape(text: str) -> str:
    words = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    words |= {character: f"\\{character}" for character in "&%$#_{}"}
    return "".join(words.get(character, character) for character in " ".join(text.split()))
