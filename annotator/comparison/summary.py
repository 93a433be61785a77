"""The summary of a report's units: agreement beside chance, confusions, rank correlation, and what each side misses."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotator.comparison.agreement import N_SHUFFLES, measure_agreement
from annotator.comparison.categories import count_confusions, is_counterpart
from annotator.comparison.relations import SAME_THING, Relation
from workers.engine.format.bounds import DETECTOR_ABOVE, INTERPRETABLE_ABOVE

Document = dict[str, Any]
Array = NDArray[np.float64]
N_RESAMPLES = 1000
SEED = 1904
MIN_UNITS = 3


def summarize(units: Sequence[Document], *, is_same: Callable[[str, str], bool], words: str) -> Document | None:
    """`is_same(concept, label)` decides equal or synonym. None if no unit has both labels."""
    both = [unit for unit in units if unit["broden_label"] is not None and unit["precision"] is not None]
    if not both:
        return None
    found = measure_agreement([(unit["concept"] or "", unit["broden_label"]) for unit in both], is_same=is_same)
    return {
        "n_units": found.n_units,
        "n_equal_or_synonym": found.n_agreeing,
        "n_with_units_shuffled": found.shuffled_mean,
        "n_with_units_shuffled_95th_percentile": found.shuffled_high,
        "n_shuffles": N_SHUFFLES,
        "constant_label": found.constant_label,
        "n_with_constant_label": found.n_constant,
        "words": words,
        "category": _agree_on_categories(both),
        "category_confusion": count_confusions((u["category"], u["broden_category"]) for u in both if u["category"]),
        "precision_against_iou": correlate_ranks([u["precision"] for u in both], [u["iou"] for u in both]),
        **_list_misses(both),
    }


def summarize_descriptions(units: Sequence[Document], *, is_same: Callable[[str, str], bool]) -> Document | None:
    """People's concepts beside CLIP-Dissect's names, with chance; None if no unit has one."""
    both = [unit for unit in units if unit["clip_description"]]
    if not both:
        return None
    named = [(unit["concept"] or "", unit["clip_description"]["name"]) for unit in both]
    found = measure_agreement(named, is_same=is_same)
    return {
        "n_units": found.n_units,
        "n_equal_or_synonym": found.n_agreeing,
        "n_with_units_shuffled": found.shuffled_mean,
        "constant_label": found.constant_label,
        "n_with_constant_label": found.n_constant,
    }


def correlate_ranks(first: Sequence[float], second: Sequence[float]) -> dict[str, float | None]:
    """Spearman's rho, low, high and n_units; rho is None with fewer than three units, or if one side never varies.

    The interval is the 95 % percentile interval; a resample in which a side never varies is left out.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    rho = _spearman(a, b) if len(a) >= MIN_UNITS else None
    if rho is None:
        return {"rho": None, "low": None, "high": None, "n_units": len(a)}
    generator = np.random.default_rng(SEED)
    rows = (generator.integers(len(a), size=len(a)) for _ in range(N_RESAMPLES))
    found = [drawn for row in rows if (drawn := _spearman(a[row], b[row])) is not None]
    low, high = np.quantile(found, [0.025, 0.975])
    return {"rho": rho, "low": float(low), "high": float(high), "n_units": len(a)}


def _spearman(a: Array, b: Array) -> float | None:
    """Equal values share the mean of their ranks."""
    # Imported here, because it takes a second and 70 MiB. A web process that shows no report does not need it.
    from scipy.stats import rankdata

    ranks_a, ranks_b = rankdata(a), rankdata(b)
    da, db = ranks_a - ranks_a.mean(), ranks_b - ranks_b.mean()
    scale = float(np.sqrt((da**2).sum() * (db**2).sum()))
    return float((da * db).sum()) / scale if scale > 0 else None


def _agree_on_categories(units: Sequence[Document]) -> Document:
    """Units whose category by people is one where Broden's category is at home, beside chance."""
    named = [(unit["category"] or "", unit["broden_category"]) for unit in units]
    found = measure_agreement(named, is_same=is_counterpart)
    return {
        "n_counterparts": found.n_agreeing,
        "n_with_units_shuffled": found.shuffled_mean,
        "constant_category": found.constant_label,
        "n_with_constant_category": found.n_constant,
    }


def _list_misses(units: Sequence[Document]) -> Document:
    """Lists of units: same name, only people name it, only Broden names it, both name it differently."""
    sides = [(u, u["precision"] > INTERPRETABLE_ABOVE, u["iou"] > DETECTOR_ABOVE) for u in units]
    return {
        "named_alike": [_place(u) for u in units if u["relation"] in SAME_THING],
        "people_name_broden_misses": [_place(u) for u, people, broden in sides if people and not broden],
        "broden_names_people_miss": [_place(u) for u, people, broden in sides if broden and not people],
        "both_name_differently": [
            _place(u) for u, people, broden in sides if people and broden and u["relation"] == Relation.DIFFERENT
        ],
    }


def _place(unit: Document) -> Document:
    keys = ("layer", "index", "concept", "precision", "broden_label", "iou", "relation", "rule")
    return {key: unit[key] for key in keys}
