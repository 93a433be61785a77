"""A study of descriptions on real photographs, by commands alone, answered over HTTP by simulated people who err."""

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from annotator.processes import ROOT, Processes
from tools.apart import run_apart
from workers.engine.images.readers.table import open_image_set

FOLDER = ROOT / "var" / "drills" / "studies"
SHARED = Path(os.environ.get("UNITSCOPE_SHARED") or ROOT.parent / "shared") / "data"
IMAGES, WEIGHTS = SHARED / "minibroden", SHARED / "weights" / "squeezenet1_1_imagenet.safetensors"
LAYER, N_UNITS, SEED = "features.12", 20, 17
N_DRAWS = int(os.environ.get("UNITSCOPE_STUDY_DRAWS", "60"))
# How often a simulated person's answer is wrong.
ERROR = 0.2
PIXELS, AREA, WRONG = "labeled pixels", "INVERT", "another unit's label"
LARGEST_P = 0.01

Flags = NDArray[np.bool_]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Known:
    """`holds`: words -> (n_images,) whether the photograph has pixels of them. `vectors` (n_images, n_units) maxima."""

    holds: Mapping[str, Flags]
    vectors: Array

    def correlate(self, unit: int, text: str) -> float:
        """rho of a description with nobody's error and all photographs."""
        return float(np.corrcoef(self.vectors[:, unit], self.holds[text])[0, 1])


def study_descriptions() -> str:
    """Simulated people know what the label maps hold, and err. The deliberately wrong method must come last."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    with run_apart(FOLDER / "var") as processes:
        dissected = json.loads(
            _manage(processes, "dissect", "--network", "torchvision:squeezenet1_1", "--weights", str(WEIGHTS),
                    "--layer", LAYER, "--images", str(IMAGES), "--activation-vectors", "--no-chance", "--json")
        )  # fmt: skip
        _manage(processes, "export", "--dissection", dissected["id"], "--out", str(FOLDER / "exported"))
        known = Known(_read_labels(), np.load(FOLDER / "exported" / f"vectors-{LAYER}" / "maxima.npy").astype(float))
        labels = _choose_units(known)
        _plan(processes, dissected["id"], labels, known)
        _answer(processes)
        _manage(processes, "study", "report", "drill", "--out", str(FOLDER / "first"))
        _manage(processes, "study", "rebuild", str(FOLDER / "first" / "study.json"), "--out", str(FOLDER / "again"))
    for path in (FOLDER / "first").iterdir():
        assert path.read_bytes() == (FOLDER / "again" / path.name).read_bytes(), f"{path.name} is rebuilt differently"
    shutil.rmtree(FOLDER / "var")
    return check_report(json.loads((FOLDER / "first" / "report.json").read_text()), known)


def check_report(report: Mapping[str, Any], known: Known) -> str:
    """What was seen, in one line. Raises AssertionError."""
    rows = {row["method"]: row["rho"] for row in report["methods"]}
    truth = {method: _find_truth(report["pairs"], method, known) for method in rows}
    told = "; ".join(
        f"{method} {row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}], full labels {truth[method]:.3f}"
        for method, row in rows.items()
    )
    by_method = {
        frozenset((one["first"], one["second"])): one["p_corrected"]
        for one in report["comparisons"]
        if one["metric"] == "rho"
    }
    p = max(by_method[frozenset((WRONG, method))] for method in (PIXELS, AREA))
    assert min(rows, key=lambda method: rows[method]["value"]) == WRONG, f"The wrong method is not the last: {told}"
    assert p < LARGEST_P, f"The wrong method is the last with p = {p:.4f}: {told}"
    missed = [method for method, row in rows.items() if not row["low"] <= truth[method] <= row["high"]]
    assert not missed, f"Intervals miss the full labels of {', '.join(missed)}: {told}"
    return (
        f"{N_UNITS} units of SqueezeNet, 3 methods, {report['n_ratings']:,} answers by {report['n_raters']} simulated "
        f"people who err with {ERROR:g} (from gold: {report['error']['value']:.2f}), ${report['spent_usd']}. "
        f"Correlation: {told}. The wrong method is the last, corrected p at most {p:.4f}. The report is rebuilt equal."
    )


def _find_truth(pairs: Sequence[Mapping[str, Any]], method: str, known: Known) -> float:
    said = [one for one in pairs if one["method"] == method]
    return float(np.mean([known.correlate(one["unit"], one["description"]) for one in said]))


def _read_labels() -> dict[str, Flags]:
    """From the label maps. Colors are left out: nearly every photograph has pixels of each."""
    image_set = open_image_set(IMAGES, "")
    assert image_set.labels is not None
    found = [np.unique(image_set.read_labels(index).run_label) for index in range(len(image_set.paths))]
    return {
        label.name.replace("-", " "): np.array([label.number in numbers for numbers in found])
        for label in image_set.labels.labels
        if label.category != "color"
    }


def _choose_units(known: Known) -> dict[int, str]:
    """The units of highest IoU whose label is not a color: zero-based unit -> label."""
    with (FOLDER / "exported" / f"netdissect-{LAYER}.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["label"].replace("-", " ") in known.holds]
    return {int(row["unit"]) - 1: row["label"].replace("-", " ") for row in rows[:N_UNITS]}


def _plan(processes: Processes, dissection: str, labels: Mapping[int, str], known: Known) -> None:
    """INVERT's formulas of one word come as a file to import, the wrong method as a file of the study."""
    units = sorted(labels)
    best = {unit: max(_measure_areas(known, unit).items(), key=lambda one: one[1]) for unit in units}
    _write(FOLDER / "invert.csv", ["layer", "unit", "formula", "auc"], [[LAYER, unit, *best[unit]] for unit in units])
    _manage(processes, "import_descriptions", str(FOLDER / "invert.csv"), "--dissection", dissection)
    _write(FOLDER / "wrong.csv", ["layer", "unit", "phrase"],
           [[LAYER, unit, _find_other(labels, unit)] for unit in units])  # fmt: skip
    _manage(processes, "study", "plan", "drill", "--dissection", dissection,
            "--unit", f"{LAYER}:{','.join(map(str, units))}", "--method", PIXELS, "--method", AREA,
            "--file", f"{WRONG}={FOLDER / 'wrong.csv'}", "--images", str(N_DRAWS), "--seed", str(SEED))  # fmt: skip


def _answer(processes: Processes) -> None:
    _manage(processes, "study", "launch", "drill")
    _manage(processes, "launch", "drill-round1", "--yes")
    _manage(processes, "simulate_people", "drill-round1", "--images", str(IMAGES), "--error", str(ERROR))
    _manage(processes, "collect", "drill-round1", "--approve")


def _measure_areas(known: Known, unit: int) -> dict[str, float]:
    """Of each label on at most half of the photographs, the area under the curve of the unit's maxima."""
    ranks = rankdata(known.vectors[:, unit])
    found = {}
    for text, holds in known.holds.items():
        n = int(holds.sum())
        if 0 < n <= len(holds) / 2:
            found[text] = float((ranks[holds].sum() - n * (n + 1) / 2) / (n * (len(holds) - n)))
    return found


def _find_other(labels: Mapping[int, str], unit: int) -> str:
    """The label of the next unit that has another one."""
    units = sorted(labels)
    place = units.index(unit)
    return next(labels[one] for one in units[place:] + units[:place] if labels[one] != labels[unit])


def _write(path: Path, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])


def _manage(processes: Processes, *words: str) -> str:
    """What the command prints."""
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT, env=processes.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{' '.join(words[:2])}: {done.stderr[-400:]}"
    return done.stdout


DRILLS: dict[str, Callable[[], str]] = {"study-of-descriptions": study_descriptions}
