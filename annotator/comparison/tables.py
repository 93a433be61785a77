"""A report's document as text for a terminal and as CSV: pure, from the document alone."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from annotator.comparison.glossary import explain_numbers
from annotator.comparison.summary import Document
from annotator.csv_files import write_csv
from annotator.units.chance import COUNT_NOUNS, print_chance, print_interval
from annotator.written import p_value
from workers.engine.format.bounds import DETECTOR_ABOVE, INTERPRETABLE_ABOVE
from workers.engine.plurals import say_count

COLUMNS = ("unit", "people's concept", "category", "precision", "label by pixels", "IoU", "relation")
CSV_COLUMNS = (
    "layer", "index", "concept", "category", "precision", "precision_low", "precision_high", "n_answers",
    "n_same_concept", "descriptions", "broden_label", "broden_category", "iou", "iou_low", "iou_high", "iou_mode",
    "relation", "chosen_because", "inclusion_probability", "silence", "is_simulated",
)  # fmt: skip
AGREEMENT_COLUMNS = (
    "people and pixels agree",
    "n",
    "95 %",
    "shuffled",
    "p, shuffled",
    "one label for all",
    "p, one label",
)
WIDEST = 32


def print_table(document: Document) -> str:
    """One line per unit, then who answered and the agreement beside chance."""
    return "\n".join([*lay_out(list_unit_rows(document)), "", *_print_remarks(document)])


def list_unit_rows(document: Document) -> list[tuple[str, ...]]:
    """The headings, then a row for each unit, in words."""
    names, modes = _list_values(document), list_other_modes(document)
    labels = [f"{mode} label, IoU" for mode in modes]
    return [(*COLUMNS, *labels, *names), *(_make_row(unit, modes, names) for unit in document["units"])]


def list_agreement_rows(document: Document) -> list[tuple[str, ...]]:
    """The headings, then a row for each group of units; empty for a report without people."""
    found = document.get("agreement")
    return [AGREEMENT_COLUMNS, *_list_agreements(found)] if found else []


def print_report(document: Document) -> str:
    """The layers' figures, then the table."""
    networks = [f"{network['name']}: {network['weights']}" for network in document["networks"]]
    meanings = [f"{name}: {meaning}." for name, meaning in explain_numbers(has_people=bool(document["campaign"]))]
    layers = [_print_layer(layer) for layer in document["layers"]]
    return "\n".join([*networks, *layers, "", print_table(document), "", "What the numbers mean", *meanings])


def print_csv(document: Document) -> str:
    columns, rows = list_columns(document)
    return write_csv(rows, columns=columns)


def list_columns(document: Document) -> tuple[tuple[str, ...], list[Document]]:
    """The columns of CSV and Parquet, and each unit's values by column."""
    by_mode = [column for mode in list_other_modes(document) for column in name_columns(mode)]
    return (*CSV_COLUMNS, *by_mode, *_list_values(document)), [_add_answers(unit) for unit in document["units"]]


def list_other_modes(document: Document) -> list[str]:
    """The modes of IoU beside the one that stands in the unit's own columns."""
    return sorted({mode for unit in document["units"] for mode in unit["modes"] if mode != unit["iou_mode"]})


def name_columns(mode: str) -> tuple[str, ...]:
    return tuple(f"{mode}_{name}" for name in ("label", "category", "iou", "iou_low", "iou_high"))


def flatten_modes(unit: Document) -> Document:
    """The unit's labels by each mode of IoU, in the columns that name_columns names."""
    return {f"{mode}_{name}": value for mode, label in unit["modes"].items() for name, value in label.items()}


def _list_values(document: Document) -> list[str]:
    """The measures without a column of their own that found a value for some unit."""
    return sorted({name for unit in document["units"] for name in unit.get("values", ())})


def _add_answers(unit: Document) -> Document:
    said = [answer["description"] for answer in unit["answers"]]
    return {
        **unit,
        **flatten_modes(unit),
        **unit.get("values", {}),
        "n_answers": len(said),
        "descriptions": " | ".join(said),
    }


def _make_row(unit: Document, modes: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    precision = "-"
    if unit["precision"] is not None:
        precision = f"{unit['precision']:.2f} [{unit['precision_low']:.2f}, {unit['precision_high']:.2f}]"
    iou = "-" if unit["iou"] is None else f"{unit['iou']:.3f}"
    return (
        f"{unit['layer']} {unit['index']}",
        unit["concept"] or "-",
        unit["category"] or "-",
        precision,
        unit["broden_label"] or "-",
        iou,
        unit["relation"] or "-",
        *(f"{label['label']} {label['iou']:.3f}" if (label := unit["modes"].get(mode)) else "-" for mode in modes),
        *(_print_value(unit.get("values", {}).get(name)) for name in names),
    )


def lay_out(rows: Sequence[Sequence[str]]) -> list[str]:
    """One line per row, and a rule below the first."""
    widths = [min(WIDEST, max(len(row[i]) for row in rows)) for i in range(len(rows[0]))]
    lines = ["  ".join(_fit(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]


def _print_value(value: Any) -> str:
    return "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def _fit(cell: str, width: int) -> str:
    return cell.ljust(width) if len(cell) <= width else cell[: width - 1] + "…"


def _print_remarks(document: Document) -> list[str]:
    lines = [f"answers by {document['answers_by']}"] if document.get("answers_by") else []
    lines += _print_set_aside(document.get("set_aside"))
    lines += _print_named_by(document["units"])
    lines += [line for layer in document["layers"] for line in _print_detectors(layer)]
    if found := document.get("agreement"):
        lines += ["", *lay_out(list_agreement_rows(document))]
        lines.append(f"Units are shuffled {say_count(found['n_shuffles'], 'time')}. Words: {found['words']}.")
    return lines


def _print_named_by(units: Sequence[Document]) -> list[str]:
    """How many people each concept comes from; and which labels are old."""
    counts = Counter(unit["n_same_concept"] for unit in units if unit.get("concept"))
    named = ", ".join(f"{counts[n]} by {n}" for n in sorted(counts))
    n_old = sum(unit.get("is_by_older_rules", False) for unit in units)
    old = [f"{say_count(n_old, 'label was', 'labels were')} made by older rules: label again"] if n_old else []
    return [*([f"concepts by the number of people who name them: {named}"] if counts else []), *old]


def _print_set_aside(found: Document | None) -> list[str]:
    """One line for each worker and reason."""
    return [
        f"{'counted, though suspected' if row['is_counted'] else 'set aside'}: {row['n_answers']} by "
        f"{row['worker'] or 'an unknown worker'}: {row['reason']} (decided by {row['decided_by']})"
        for row in (found["by"] if found else ())
    ]


def _list_agreements(found: Document) -> list[tuple[str, ...]]:
    """Counts of units that agree (equal or synonym; a category: its counterpart), and what chance gives."""
    rows = [*found["rows"], {**found["category"], "units": "all units, category"}]
    return [
        (
            row["units"],
            f"{row['n_agreeing']} of {row['n_units']}",
            f"[{row['n_low']:.0f}, {row['n_high']:.0f}]",
            f"{row['n_with_units_shuffled']:.1f}",
            p_value(row["p_shuffled"]),
            f"{row['n_with_constant_label']} ({row['constant_label']})",
            p_value(row["share_over_constant"]["p"]),
        )
        for row in rows
    ]


def _print_layer(layer: Document) -> str:
    parts = [f"{layer['path']}: {say_count(layer['n_units'], 'unit')}"]
    if layer["n_units"] != layer["n_layer_units"]:
        parts[0] += f" of {layer['n_layer_units']}"
    if layer["n_silent"]:
        parts.append(f"{layer['n_silent']} silent ({layer['silent_share']:.1%} of the layer)")
    if layer["mean_precision"] is not None:
        parts.append(
            f"mean precision {layer['mean_precision']:.3f}{_print_interval(layer['mean_precision_interval'], '.3f')}, "
            f"units over {INTERPRETABLE_ABOVE}: {layer['n_interpretable']:.0f}"
            f"{_print_interval(layer['n_interpretable_interval'], '.0f')}"
        )
    line = "; ".join(parts)
    return f"{line}\n  {layer['figures_from']}" if layer["figures_from"] else line


def _print_detectors(layer: Document) -> list[str]:
    """Of the whole layer, two lines per mode of IoU: each count beside what chance gives."""
    return [
        f"{layer['path']}: {say_count(counts[name], noun)} (IoU > {DETECTOR_ABOVE}, mode {mode})"
        f"{print_interval(counts[f'{name}_interval'])}; by chance {print_chance(counts, name)}"
        for mode, counts in layer["detectors"].items()
        for name, noun in COUNT_NOUNS.items()
    ]


def _print_interval(bounds: Document, form: str) -> str:
    return "" if bounds["low"] is None else f" [{bounds['low']:{form}}, {bounds['high']:{form}}]"
