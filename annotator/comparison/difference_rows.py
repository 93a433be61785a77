"""One compared figure as plain values, and the table of all of them as text."""

from collections.abc import Sequence

from annotator.comparison.summary import Document
from annotator.comparison.tables import lay_out
from annotator.written import p_value, print_bounds
from workers.engine.resampling import Difference

COLUMNS = ("layer", "figure", "first", "second", "difference", "95 %", "p", "test", "units")
COUNTED = "unique detectors"
ABSENT = dict.fromkeys(
    ("first", "second", "difference", "low", "high", "p", "test", "is_paired", "n_first", "n_second")
)


def describe_difference(
    figure: str,
    found: Difference,
    *,
    means: Sequence[float],
    test: str,
    figures_from: Sequence[str] = (),
    mode: str = "",
) -> Document:
    """`means`: the figure of each side. `mode` of IoU, if it rests on one."""
    return {
        "figure": figure,
        "mode": mode or None,
        "first": means[0],
        "second": means[1],
        "difference": found.value,
        "low": found.low,
        "high": found.high,
        "p": found.p,
        "test": f"{test}, {'paired' if found.is_paired else 'unpaired'}",
        "is_paired": found.is_paired,
        "n_first": found.n_first,
        "n_second": found.n_second,
        "figures_from": list(figures_from),
        "reason": None,
    }


def refuse_row(figure: str, reason: str, *, mode: str = "") -> Document:
    """A figure of which no claim is made, and why."""
    return {"figure": figure, "mode": mode or None, **ABSENT, "figures_from": [], "reason": reason}


def count_tests(document: Document) -> int:
    return sum(row["p"] is not None for layer in document["layers"] for row in layer["rows"])


def explain_tests(document: Document) -> str:
    n = count_tests(document)
    return (
        f"Differences are first minus second. P-values are two-sided and not corrected for their number ({n}); "
        f"divide .05 by it for a strict bound."
    )


def print_differences(document: Document) -> str:
    """Who is compared, one line per layer and figure, why some have none, and what the numbers rest on."""
    lines = [_name_side("first", document["first"]), _name_side("second", document["second"]), *document["notes"], ""]
    rows, remarks = [], dict[str, None]()
    for layer in document["layers"]:
        for row in layer["rows"]:
            rows.append((layer["layer"], name_figure(row), *print_numbers(row)))
            for remark in [row["reason"], *row["figures_from"]]:
                if remark:
                    remarks[f"{layer['layer']}: {remark}"] = None
    return "\n".join([*lines, *lay_out([COLUMNS, *rows]), "", *remarks, explain_tests(document)])


def name_figure(row: Document) -> str:
    return f"{row['figure']} ({row['mode']})" if row["mode"] else str(row["figure"])


def print_numbers(row: Document) -> tuple[str, ...]:
    """The columns from `first` on."""
    if row["p"] is None:
        return ("-",) * 7
    form = ".0f" if row["figure"] == COUNTED else ".3f"
    first, second = (format(row[side], form) for side in ("first", "second"))
    interval = print_bounds(row["low"], row["high"], f"+{form}")
    units = str(row["n_first"]) if row["is_paired"] else f"{row['n_first']}, {row['n_second']}"
    return first, second, format(row["difference"], f"+{form}"), interval, p_value(row["p"]), row["test"], units


def _name_side(which: str, side: Document) -> str:
    by = f" (answers by {side['answers_by']})" if side["answers_by"] else ""
    return f"{which}: {side['name']}{by}"
