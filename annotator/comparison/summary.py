"""The summary of a report's units: agreement beside chance, confusions, rank correlation, and what each side misses."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotator.comparison.agreement import N_SHUFFLES, Agreement, measure_agreement
from annotator.comparison.categories import count_confusions, is_counterpart
from annotator.comparison.relations import SAME_THING, Relation
from workers.engine.format.bounds import DETECTOR_ABOVE, INTERPRETABLE_ABOVE
from workers.engine.resampling import bootstrap

Document = dict[str, Any]
Array = NDArray[np.float64]
SEED = 1904
MIN_UNITS = 3
MAX_ANSWERS_NEEDED = 3


def summarize(units: Sequence[Document], *, is_same: Callable[[str, str], bool], words: str) -> Document | None:
    """`is_same(concept, label)` decides equal or synonym. None if no unit has both labels."""
    both = [unit for unit in units if unit["broden_label"] is not None and unit["precision"] is not None]
    if not both:
        return None
    rows = _list_agreements(both, is_same)
    found = rows[0]
    return {
        "n_units": found["n_units"],
        "n_equal_or_synonym": found["n_agreeing"],
        "n_with_units_shuffled": found["n_with_units_shuffled"],
        "n_with_units_shuffled_95th_percentile": found["n_with_units_shuffled_95th_percentile"],
        "n_shuffles": N_SHUFFLES,
        "constant_label": found["constant_label"],
        "n_with_constant_label": found["n_with_constant_label"],
        "words": words,
        "rows": rows,
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
    named = [(_concepts(unit), unit["clip_description"]["name"]) for unit in both]
    found = _describe("all units", measure_agreement(named, is_same=is_same))
    return {**found, "n_equal_or_synonym": found["n_agreeing"]}


def _list_agreements(units: Sequence[Document], is_same: Callable[[str, str], bool]) -> list[Document]:
    """All units, the detectors among them, by at least one, two and three answers, and by each other mode of IoU."""
    named = [(_concepts(unit), unit["broden_label"]) for unit in units]
    rows = [_describe("all units", measure_agreement(named, is_same=is_same))]
    if detectors := [pair for pair, unit in zip(named, units, strict=True) if unit["iou"] > DETECTOR_ABOVE]:
        rows.append(_describe("detectors", measure_agreement(detectors, is_same=is_same)))
    said = [([answer["description"] for answer in unit["answers"]], unit["broden_label"]) for unit in units]
    for n in range(1, 1 + min(MAX_ANSWERS_NEEDED, max(len(words) for words, _ in said))):
        found = measure_agreement(said, is_same=is_same, n_needed=n)
        rows.append(_describe(f"all units, by at least {n} answer{'s' * (n > 1)}", found))
    for mode in sorted({mode for unit in units for mode in unit["modes"]} - {unit["iou_mode"] for unit in units}):
        other = [(_concepts(unit), unit["modes"][mode]["label"]) for unit in units if mode in unit["modes"]]
        rows.append(_describe(f"all units, labels by IoU mode {mode}", measure_agreement(other, is_same=is_same)))
    return rows


def _concepts(unit: Document) -> list[str]:
    return [unit["concept"] or ""]


def _describe(units: str, found: Agreement) -> Document:
    """One agreement as plain values; `units` says which units, by what."""
    return {
        "units": units,
        "n_units": found.n_units,
        "n_agreeing": found.n_agreeing,
        "n_low": found.low,
        "n_high": found.high,
        "n_with_units_shuffled": found.shuffled_mean,
        "n_with_units_shuffled_95th_percentile": found.shuffled_high,
        "p_shuffled": found.p,
        "constant_label": found.constant_label,
        "n_with_constant_label": found.n_constant,
        "share_over_constant": asdict(found.over_constant),
    }


def correlate_ranks(first: Sequence[float], second: Sequence[float]) -> dict[str, float | None]:
    """Spearman's rho, low, high and n_units; rho is None with fewer than three units, or if one side never varies.

    The interval is the 95 % percentile interval; a resample in which a side never varies is left out.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)

    def rank(drawn: Array) -> Array:
        rows = np.stack([np.repeat(np.arange(len(a)), times.astype(np.int64)) for times in drawn])
        return _spearman(a[rows], b[rows])

    found = bootstrap(rank, n=len(a) if len(a) >= MIN_UNITS else 0, seed=SEED)
    return {"rho": found.value, "low": found.low, "high": found.high, "n_units": len(a)}


def _spearman(a: Array, b: Array) -> Array:
    """Of each row of two (n_rows, n) arrays; not a number if a side never varies. Equal values share a rank."""
    # Imported here, because it takes a second and 70 MiB. A web process that shows no report does not need it.
    from scipy.stats import rankdata

    ranks_a, ranks_b = rankdata(a, axis=1), rankdata(b, axis=1)
    da, db = (ranks - ranks.mean(axis=1, keepdims=True) for ranks in (ranks_a, ranks_b))
    scale = np.sqrt((da**2).sum(axis=1) * (db**2).sum(axis=1))
    products: Array = (da * db).sum(axis=1)
    rho: Array = np.divide(products, scale, out=np.full(len(scale), np.nan), where=scale > 0)
    return rho


def _agree_on_categories(units: Sequence[Document]) -> Document:
    """Units whose category by people is one where Broden's category is at home, beside chance."""
    named = [([unit["category"] or ""], unit["broden_category"]) for unit in units]
    found = _describe("category", measure_agreement(named, is_same=is_counterpart))
    return {
        **found,
        "n_counterparts": found["n_agreeing"],
        "constant_category": found["constant_label"],
        "n_with_constant_category": found["n_with_constant_label"],
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
