"""Writes a study's report: an offline page, JSON, CSV, a LaTeX table, and the bundle that it is rebuilt from."""

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.template.loader import render_to_string

from annotator.csv_files import write_csv
from annotator.refusals import Refusal
from annotator.studies.metrics import METRICS
from annotator.studies.record import StudyRecord, write_record
from annotator.studies.report import WORDS, describe_study, list_ratings, write_latex
from annotator.written import p_value, print_bounds
from workers.engine.plurals import say_count

PAIR_COLUMNS = ("layer", "unit", "method", "description", *METRICS)


class CannotWrite(Refusal):
    """The report's folder cannot be written to."""


def write_report(record: StudyRecord, *, folder: Path) -> list[Path]:
    """The files, all or none of them new. Raises CannotWrite."""
    files = make_files(record, describe_study(record))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as unfinished:
            for name, text in files.items():
                (Path(unfinished) / name).write_text(text, encoding="utf-8")
            for name in files:
                shutil.move(Path(unfinished) / name, folder / name)
    except OSError as error:
        raise CannotWrite(f"The report cannot be written to {folder}: {error.strerror}.") from None
    return [folder / name for name in files]


def make_files(record: StudyRecord, report: Mapping[str, Any]) -> dict[str, str]:
    """The text of each file by its name. `report`: what describe_study says of the record."""
    return {
        "study.json": write_record(record),
        "report.json": json.dumps(report, indent=2) + "\n",
        "report.html": render_report(report),
        "methods.tex": write_latex(report),
        "ratings.csv": list_ratings(record),
        "descriptions.csv": write_csv(report["pairs"], columns=PAIR_COLUMNS),
    }


def render_report(report: Mapping[str, Any]) -> str:
    """One HTML file that needs no other."""
    return render_to_string("studies/report.html", describe_tables(report))


def describe_tables(report: Mapping[str, Any]) -> dict[str, Any]:
    """What the offline page and the dashboard show."""
    return {
        "report": report,
        "lines": list(tell_plan(report)),
        "metrics": [WORDS[name] for name in METRICS],
        "methods": [
            (row["method"], row["n_units"], [_spell(row[name]) for name in METRICS]) for row in report["methods"] or ()
        ],
        "named_methods": [
            (row["method"], row["n_units"], [(WORDS[name], _spell(row[name])) for name in METRICS])
            for row in report["methods"] or ()
        ],
        "stop": tell_stop(report["stop"]) if (report["stop"] or {}).get("wanted") else "",
        "planned_metric": WORDS[report["plan"]["metric"]],
        "planned_comparisons": [one for one in report["comparisons"] if one["metric"] == report["plan"]["metric"]],
        "comparisons": [{**one, "metric": WORDS[one["metric"]]} for one in report["comparisons"]],
        "sanity": [(WORDS[name], one) for name, one in (report["sanity"] or {}).items()],
        "pairs": [
            (row, ["–" if row[name] is None else f"{row[name]:.3f}" for name in METRICS]) for row in report["pairs"]
        ],
    }


def tell_frozen(plan: Mapping[str, Any]) -> Iterator[str]:
    """What the plan fixes, in sentences."""
    how = f"by importance (gamma {plan['gamma']:g})" if plan["sampling"] == "importance" else "evenly"
    units, methods = say_count(len(plan["units"]), "unit"), say_count(len(plan["methods"]), "method")
    yield f"{units}, {methods}; photographs of {plan['image_set']}."
    yield (
        f"{say_count(plan['n_draws'], 'draw')} for each description, drawn {how}, seed {plan['seed']}; "
        f"{say_count(plan['n_raters'], 'person rates', 'people rate')} each photograph; votes are counted by "
        f"{plan['rule']}."
    )


def tell_plan(report: Mapping[str, Any]) -> Iterator[str]:
    """The plan in sentences, and what was asked so far."""
    yield from tell_frozen(report["plan"])
    error = report["error"]
    where = f"by {say_count(error['n_gold'], 'answer')} about gold photographs" if error["is_measured"] else "assumed"
    yield f"A vote is wrong with {error['value']:.3f}, {where}."
    said = say_count(report["n_ratings"], "simulated rating" if report["n_simulated"] else "rating")
    yield f"{said} by {say_count(report['n_raters'], 'rater')}, ${report['spent_usd']} with fees."


def tell_report(report: Mapping[str, Any]) -> Iterator[str]:
    """For a terminal."""
    yield f"{report['study']}: plan {report['plan_sha256'][:12]} of {report['planned_at'][:16]}."
    yield from tell_plan(report)
    yield from (f"Departs from the plan: {sentence}" for sentence in report["departures"])
    if report["methods"] is None:
        yield "Nobody has answered yet."
        return
    for row in report["methods"]:
        found = "  ".join(f"{WORDS[name]} {_spell(row[name])}" for name in ("rho", "f1", "auprc"))
        yield f"  {row['method']} ({say_count(row['n_units'], 'unit')}): {found}"
    for one in report["comparisons"]:
        if one["metric"] == report["plan"]["metric"]:
            found = f"{one['difference']:+.3f} {print_bounds(one['low'], one['high'], '+.3f')}"
            p, n = p_value(one["p_corrected"]), one["n_units"]
            yield f"  {one['first']} - {one['second']}: {found}, p {p} (Holm), {say_count(n, 'unit')}"
    failed = [WORDS[name] for name, one in report["sanity"].items() if not one["is_passed"]]
    yield f"Fail a sanity test here: {', '.join(failed) or 'none'}."
    for at in report["cost"]:
        width = "–" if at["half_width"] is None else f"{at['half_width']:.3f}"
        yield f"  after ${at['usd']} ({say_count(at['n_ratings'], 'rating')}): differences to +- {width}"
    if report["stop"]["wanted"] is not None:
        yield tell_stop(report["stop"])


def tell_stop(stop: Mapping[str, Any]) -> str:
    """Whether the rule is met is decided once a round has ended; until then nothing is said of it."""
    rule = f"The stopping rule (all differences to ± {stop['wanted']:g})"
    if stop["open_round"]:
        return f"{rule} is decided once the answers of round {stop['open_round']} are all in."
    return f"{rule} is met: no further round is asked." if stop["is_met"] else f"{rule} is not met."


def _spell(estimate: Mapping[str, float | None]) -> str:
    if estimate["value"] is None:
        return "–"
    return f"{estimate['value']:.3f} {print_bounds(estimate['low'], estimate['high'])}"
