"""Studies of descriptions on real photographs, by commands alone, answered over HTTP by simulated people who err."""

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

from annotator.processes import ROOT, Processes
from annotator.studies.describers.table import DESCRIBERS
from annotator.studies.formulas import read_formula
from tools.apart import run_apart
from workers.engine.images.readers.table import open_image_set

FOLDER = ROOT / "var" / "drills" / "studies"
SHARED = Path(os.environ.get("UNITSCOPE_SHARED") or ROOT.parent / "shared") / "data"
IMAGES, BOXED = SHARED / "minibroden", SHARED / "loc"
WEIGHTS = SHARED / "weights" / "squeezenet1_1_imagenet.safetensors"
LAYER, N_UNITS, SEED = "features.12", 20, 17
N_DRAWS = int(os.environ.get("UNITSCOPE_STUDY_DRAWS", "60"))
# How often a simulated person's answer is wrong.
ERROR = 0.2
PIXELS, AREA, WRONG = "labeled pixels", "INVERT", "another unit's label"
LARGEST_P = 0.01

# Eight hundred photographs of a thousand classes: a class has too few to be judged, so a box carries the group of its
# class. Groups are ours: ranges of ILSVRC2012's classes, whose animals and food stand together; no group is a kind of
# another. The first class of each range:
GROUPS = (
    (0, "fish"), (7, "bird"), (25, "reptile"), (69, "spider"), (80, "bird"), (101, "marsupial"), (107, "mollusk"),
    (118, "crab"), (127, "bird"), (147, "whale"), (151, "dog"), (269, "wolf"), (281, "cat"), (294, "bear"),
    (298, "mongoose"), (300, "insect"), (327, "mollusk"), (330, "rodent"), (339, "horse"), (356, "weasel"),
    (365, "monkey"), (385, "elephant"), (387, "bear"), (389, "fish"), (398, "household thing"), (924, "food"),
    (970, "landscape"), (981, "person"), (984, "plant"),
)  # fmt: skip
# Objects stand in the order of their names, so vehicles are listed.
VEHICLES = frozenset({
    403, 404, 405, 407, 408, 436, 444, 450, 468, 472, 484, 510, 511, 547, 554, 555, 561, 565, 569, 573, 575, 576, 586,
    595, 603, 609, 612, 625, 627, 628, 654, 656, 661, 665, 670, 671, 675, 690, 705, 717, 734, 751, 757, 779, 780, 802,
    803, 812, 814, 817, 820, 829, 833, 847, 856, 864, 866, 867, 870, 871, 874, 880, 895, 914,
})  # fmt: skip

Flags = NDArray[np.bool_]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Known:
    """`holds`: words -> (n_images,) whether the photograph has pixels of them. `vectors` (n_images, n_units) maxima."""

    holds: Mapping[str, Flags]
    vectors: Array

    def correlate(self, unit: int, text: str) -> float:
        """rho of a description with nobody's error and all photographs."""
        formula = read_formula(text)
        held = formula.combine([self.holds[name].astype(float) for name in formula.names])
        return float(np.corrcoef(self.vectors[:, unit], held)[0, 1])


def describe_layer() -> str:
    """Every describer that runs here describes the layer; each says something else of the units."""
    folder = FOLDER.with_name("describers")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    told: dict[str, list[dict[str, Any]]] = {}
    with run_apart(folder / "var", names=("web", "web-queue", "gpu")) as processes:
        dissection = _dissect(processes, IMAGES, "--compositions")
        for kind in DESCRIBERS:
            words = ("describe", kind, "--dissection", dissection, "--layer", LAYER, "--json")
            told[kind] = json.loads(_manage(processes, *words))["units"]
    shutil.rmtree(folder)
    lines = []
    for kind, units in told.items():
        texts, scores = {one["description"] for one in units}, [one["score"] for one in units]
        assert len(units) > N_UNITS, f"{kind} describes {len(units)} units"
        assert np.isfinite(scores).all(), f"{kind} gives scores that are no numbers"
        lines.append(f"{kind}: {len(units)} units, {len(texts)} descriptions, {DESCRIBERS[kind].score_name} on average "
                     f"{np.mean(scores):.3f}")  # fmt: skip
    return f"SqueezeNet's {LAYER} on minibroden. {'; '.join(lines)}."


def study_descriptions() -> str:
    return _study(lambda: IMAGES)


def study_boxes() -> str:
    return _study(_write_boxes)


def _study(find_images: Callable[[], Path]) -> str:
    """Simulated people know what the labels hold, and err. The deliberately wrong method must come last."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    images = find_images()
    with run_apart(FOLDER / "var") as processes:
        dissection = _dissect(processes, images)
        _manage(processes, "export", "--dissection", dissection, "--out", str(FOLDER / "exported"))
        known = Known(
            _read_labels(images), np.load(FOLDER / "exported" / f"vectors-{LAYER}" / "maxima.npy").astype(float)
        )
        labels = _choose_units(known)
        _plan(processes, dissection, labels, known)
        _answer(processes, images)
        _manage(processes, "study", "report", "drill", "--out", str(FOLDER / "first"))
        _manage(processes, "study", "rebuild", str(FOLDER / "first" / "study.json"), "--out", str(FOLDER / "again"))
    for path in (FOLDER / "first").iterdir():
        assert path.read_bytes() == (FOLDER / "again" / path.name).read_bytes(), f"{path.name} is rebuilt differently"
    shutil.rmtree(FOLDER / "var")
    seen = check_report(json.loads((FOLDER / "first" / "report.json").read_text()), known)
    return f"{len(known.vectors):,} photographs with {len(known.holds)} labels: {seen}"


def _write_boxes() -> Path:
    """A folder with a CSV of boxes, in which each carries the group of its class."""
    folder = FOLDER / "boxed"
    folder.mkdir()
    (folder / "images").symlink_to(BOXED / "images")
    corners = ("x0", "y0", "x1", "y1")
    with (BOXED / "index.csv").open() as file:
        rows = [
            [row["image"], _find_group(int(row["class_index"])), *(row[one] for one in corners)]
            for row in csv.DictReader(file)
        ]
    _write(folder / "boxes.csv", ["image", "label", *corners], rows)
    return folder


def _find_group(place: int) -> str:
    """Of the class at this place."""
    if place in VEHICLES:
        return "vehicle"
    return next(name for first, name in reversed(GROUPS) if first <= place)


def _dissect(processes: Processes, images: Path, *options: str) -> str:
    """The id of the dissection."""
    network = ("--network", "torchvision:squeezenet1_1", "--weights", str(WEIGHTS), "--layer", LAYER)
    kept = ("--activation-vectors", "--no-chance", "--json")
    told = _manage(processes, "dissect", *network, "--images", str(images), *kept, *options)
    return str(json.loads(told)["id"])


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


def _read_labels(images: Path) -> dict[str, Flags]:
    """From the labeled pixels. Colors are left out: nearly every photograph has pixels of each."""
    image_set = open_image_set(images, "")
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
    """INVERT describes the layer by the labels that are no colors; the wrong method is a file of the study."""
    units = sorted(labels)
    np.save(FOLDER / "holds.npy", np.stack(list(known.holds.values()), axis=1).astype(np.float32))
    (FOLDER / "names.txt").write_text("".join(f"{name}\n" for name in known.holds))
    _manage(processes, "describe", "invert", "--dissection", dissection, "--layer", LAYER,
            "--concepts", str(FOLDER / "holds.npy"), "--class-names", str(FOLDER / "names.txt"))  # fmt: skip
    _write(FOLDER / "wrong.csv", ["layer", "unit", "phrase"],
           [[LAYER, unit, _find_other(labels, unit)] for unit in units])  # fmt: skip
    _manage(processes, "study", "plan", "drill", "--dissection", dissection,
            "--unit", f"{LAYER}:{','.join(map(str, units))}", "--method", PIXELS, "--method", AREA,
            "--file", f"{WRONG}={FOLDER / 'wrong.csv'}", "--images", str(N_DRAWS), "--seed", str(SEED))  # fmt: skip


def _answer(processes: Processes, images: Path) -> None:
    _manage(processes, "study", "launch", "drill")
    _manage(processes, "launch", "drill-round1", "--yes")
    _manage(processes, "simulate_people", "drill-round1", "--images", str(images), "--error", str(ERROR))
    _manage(processes, "collect", "drill-round1", "--approve")


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


DRILLS: dict[str, Callable[[], str]] = {
    "describers": describe_layer,
    "study-of-descriptions": study_descriptions,
    "study-of-descriptions: boxes": study_boxes,
}
