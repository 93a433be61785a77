"""Writes a campaign, with a data card that says what it is, or a dissection, as files that others can read."""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from django.db.models import F
from django.db.models.functions import Coalesce

from annotator.comparison.layer_figures import AskedUnit, describe_choice, find_asked
from annotator.comparison.reports import describe_campaign
from annotator.comparison.summary import Document
from annotator.comparison.tables import flatten_modes, list_other_modes, name_columns
from annotator.crowd.models import Campaign
from annotator.csv_files import write_csv
from annotator.labels.counted_answers import CountedAnswer, find_counted, gather_answers
from annotator.names import to_file_name
from annotator.published.bundle.packing import write_bundle
from annotator.published.data_card import describe_data, print_card
from annotator.published.decisions import list_decisions, list_set_aside
from annotator.published.folders import whole_folder
from annotator.published.netdissect import find_labels, name_file, write_labels
from annotator.published.vector_table import write_vectors
from annotator.refusals import Refusal
from annotator.units.models import Dissection, Layer, Unit
from workers.engine.format.artifact import PATHS
from workers.engine.measures.activation_vectors import arrays as vectors
from workers.engine.measures.exemplars.arrays import NAMES, exemplar_name
from workers.store import Store, open_store

Row = Mapping[str, Any]

UNIT_COLUMNS = (
    "layer", "index", "concept", "category", "precision", "precision_low", "precision_high", "n_answers",
    "n_same_concept", "broden_label", "broden_category", "iou", "iou_low", "iou_high", "iou_mode", "relation", "rule",
    "chosen_because",
    "inclusion_probability", "silence", "is_simulated",
)  # fmt: skip
BUNDLE = "bundle.zip"


class NothingToExport(Refusal):
    """The campaign has no labeled units, and no answers that add to a metric."""


def export_campaign(*, campaign: Campaign, folder: Path, now: datetime) -> list[str]:
    """Files written, by name. Raises NothingToExport, FolderInTheWay; an existing folder must be empty.

    bundle.zip holds everything, for another installation; the other files are for other programs. answers.jsonl can be
    imported again. Workers stand under their pseudonyms only. metrics.* hold the answers of HIT types that ask for no
    label, set_aside.* those that do not count with the reason, decisions.* what reviewers decided.
    """
    report = describe_campaign(campaign=campaign)
    files = _write_labels(campaign, report) if report["units"] else {}
    if rows := list_metrics(campaign):
        files |= _write_both("metrics", rows)
    for name, found in (("set_aside", list_set_aside(campaign)), ("decisions", list_decisions(campaign))):
        files |= _write_both(name, found) if found and files else {}
    if not files:
        raise NothingToExport(f"Campaign {campaign.name} has no labeled units yet: run `label {campaign.name}` first.")
    files["report.json"] = json.dumps(report, indent=1).encode()
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    card = describe_data(campaign=campaign, report=report, now=now, hashes=hashes)
    files["data_card.json"] = json.dumps(card, indent=1).encode()
    files["data_card.md"] = print_card(card).encode()
    with whole_folder(folder) as fresh:
        for name, content in files.items():
            (fresh / name).write_bytes(content)
        write_bundle(campaign=campaign, report=report, path=fresh / BUNDLE, now=now)
    return [*files, BUNDLE]


def _write_labels(campaign: Campaign, report: Document) -> dict[str, bytes]:
    counted = gather_answers(campaign=campaign)
    named = Unit.objects.select_related("layer").in_bulk({answer.unit_id for answer in counted})
    asked = find_asked(campaign)
    answers = [
        {**_describe_answer(answer, named[answer.unit_id]), **_describe_choice(asked.get(answer.unit_id))}
        for answer in counted
    ]
    by_mode = [column for mode in list_other_modes(report) for column in name_columns(mode)]
    units = [_describe_unit(unit, by_mode) for unit in report["units"]]
    return {
        "answers.jsonl": _write_lines(answers),
        "answers.csv": write_csv(answers, columns=list(answers[0])).encode(),
        "answers.parquet": _write_parquet(answers),
        "units.csv": write_csv(units, columns=list(units[0])).encode(),
        "units.parquet": _write_parquet(units),
        **_write_netdissect(campaign),
    }


def list_metrics(campaign: Campaign) -> list[dict[str, Any]]:
    """Counted answers that add to a metric: a row for each unit that they are about, with the metrics by name."""
    counted = find_counted(campaign=campaign, adds_to="metric").filter(says__isnull=False)
    rows = counted.order_by("assignment_id", "hit_unit__position").values(
        "metrics", hit_type=F("assignment__hit__hit_type__template"), hit=F("assignment__hit__question_key"),
        layer=F("hit_unit__unit__layer__path"), index=F("hit_unit__unit__index"), phrase=F("hit_unit__phrase"),
        worker=F("assignment__worker__pseudonym"),
        is_simulated=Coalesce(F("assignment__worker__is_simulated"), False),
    )  # fmt: skip
    return [{name: value for name, value in row.items() if name != "metrics"} | row["metrics"] for row in rows]


def _describe_answer(answer: CountedAnswer, unit: Unit) -> dict[str, Any]:
    """Keys as `import_annotations` reads them."""
    return {
        "layer": unit.layer.path,
        "index": unit.index,
        "description": answer.description,
        "category": answer.category,
        "precision": answer.precision,
        "worker": answer.worker,
        "is_simulated": answer.is_simulated,
        "shown": list(answer.shown) if answer.marked is not None else None,
        "marked": sorted(answer.marked) if answer.marked is not None else None,
        "planted": list(answer.planted),
        "n_planted_missed": answer.n_planted_missed,
        "n_layer_units": unit.layer.n_units,
    }


def _describe_choice(asked: AskedUnit | None) -> dict[str, Any]:
    told = describe_choice(asked)
    return {name: told[name] for name in ("chosen_because", "inclusion_probability")}


def _describe_unit(unit: Document, by_mode: Sequence[str]) -> dict[str, Any]:
    """`by_mode`: the columns of the modes of IoU beside the one that `iou_mode` names."""
    own = {column: unit.get(column) for column in UNIT_COLUMNS}
    others = flatten_modes(unit)
    return {**own, **{column: others.get(column) for column in by_mode}, "n_answers": len(unit["answers"])}


def _write_lines(rows: Sequence[Row]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _write_both(name: str, rows: Sequence[Row]) -> dict[str, bytes]:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    return {f"{name}.jsonl": _write_lines(rows), f"{name}.csv": write_csv(rows, columns=columns).encode()}


def _write_parquet(rows: Sequence[Row]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), sink)
    return sink.getvalue()


def _write_netdissect(campaign: Campaign) -> dict[str, bytes]:
    """One file a layer that has automatic labels."""
    layers = Layer.objects.filter(units__hit_units__hit__campaign=campaign).distinct()
    tables = {
        name_file(layer.path, mode=mode): write_labels(labels)
        for layer in layers
        for mode, labels in find_labels(layer=layer, campaign=campaign).items()
    }
    return {name: table for name, table in tables.items() if table}


def export_dissection(*, dissection: Dissection, folder: Path, mode: str) -> list[str]:
    """Files written, by name; an existing folder must be empty. Raises FolderInTheWay, StoreError.

    Per layer: Network Dissection's result CSV of that mode of IoU (units counted from 1 there), its thresholds, float64
    by unit, and the exemplars and activation vectors, if they were kept.
    """
    store = open_store(dissection.artifact)
    written: list[str] = []
    with whole_folder(folder) as fresh:

        def write(name: str, content: bytes) -> None:
            (fresh / name).parent.mkdir(parents=True, exist_ok=True)
            (fresh / name).write_bytes(content)
            written.append(name)

        for place, path in enumerate(dissection.layer_paths):
            safe = to_file_name(path)
            if table := write_labels(dissection.automatic_labels.filter(unit__layer__path=path, mode=mode)):
                write(name_file(path), table)
            write(f"thresholds-{safe}.npy", _write_thresholds(dissection, path))
            for name in NAMES:
                if store.exists(exemplar_name(place, name)):
                    write(f"exemplars-{safe}/{name}", store.read(exemplar_name(place, name)))
            if found := _read_vectors(store, place):
                for name, content in found.items():
                    write(f"vectors-{safe}/{name}", content)
                write_vectors(found, paths=json.loads(store.read(PATHS)), path=fresh / f"vectors-{safe}.parquet")
                written.append(f"vectors-{safe}.parquet")
    return written


def _read_vectors(store: Store, place: int) -> dict[str, bytes]:
    """The layer's activation vectors by file; empty if they were not kept."""
    names = [vectors.vector_name(place, name) for name in vectors.NAMES]
    if not store.exists(names[-1]):
        return {}
    return {name: store.read(address) for name, address in zip(vectors.NAMES, names, strict=True)}


def _write_thresholds(dissection: Dissection, path: str) -> bytes:
    units = dissection.dissected_units.filter(unit__layer__path=path).order_by("unit__index")
    buffer = io.BytesIO()
    np.save(buffer, np.array(list(units.values_list("threshold", flat=True)), dtype=np.float64), allow_pickle=False)
    return buffer.getvalue()
