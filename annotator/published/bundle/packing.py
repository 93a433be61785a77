"""Writes a campaign as one file, from which another installation makes the same report."""

import json
import os
import secrets
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from annotator.comparison.summary import Document
from annotator.crowd.models import Campaign
from annotator.labels.labeling import open_lexicon
from annotator.published.bundle.archive import FORMAT, MANIFEST, REPORT, VERSION, PackedFiles, digest_content
from annotator.published.bundle.pictures import pack_pictures
from annotator.published.bundle.rows import write_row
from annotator.published.bundle.tables import LEFT_OUT, TABLES, Table
from annotator.published.versions import list_versions

CHUNK = 2000


def write_bundle(*, campaign: Campaign, report: Document, path: Path, now: datetime) -> None:
    """`report` is the campaign's; the file appears whole or not at all."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with zipfile.ZipFile(fresh, "w") as archive:
            packed = PackedFiles(archive)
            numbers: dict[Any, dict[Any, int]] = {}
            for table in TABLES:
                _pack_table(packed, table, campaign, numbers)
            pack_pictures(packed, campaign)
            packed.add(REPORT, [json.dumps(report, indent=1).encode()])
            manifest = _describe(campaign, report, packed, now)
            packed.add(MANIFEST, [json.dumps(manifest, indent=1).encode()])
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)


def _pack_table(packed: PackedFiles, table: Table, campaign: Campaign, numbers: dict[Any, dict[Any, int]]) -> None:
    """Remembers the number of each row, by which later tables refer to it."""
    mine = numbers[table.model] = {}

    def write() -> Iterator[bytes]:
        attributes = [one.attname for one in table.fields]
        rows = table.rows(campaign).order_by(*table.order)
        for values in rows.values("pk", *attributes, **table.added).iterator(chunk_size=CHUNK):
            mine[values["pk"]] = len(mine)
            yield write_row(_tell(table, values, numbers))

    packed.add(table.file, write())
    packed.files[table.file]["rows"] = len(mine)


def _tell(table: Table, values: dict[str, Any], numbers: dict[Any, dict[Any, int]]) -> dict[str, Any]:
    row = {}
    for one in table.fields:
        value = values[one.attname]
        if one.remote_field is not None and value is not None:
            value = numbers[one.related_model][value]
        row[one.name] = table.going[one.name](value) if one.name in table.going else value
    return row | {name: bool(values[name]) for name in table.added}


def list_left_out() -> dict[str, str]:
    """Table, or table and field -> why it is not in a bundle."""
    fields = {f"{table.name}.{name}": why for table in TABLES for name, why in table.left_out.items()}
    return {model.__name__: why for model, why in LEFT_OUT.items()} | fields


def _describe(campaign: Campaign, report: Document, packed: PackedFiles, now: datetime) -> Document:
    lexicon = open_lexicon()
    return {
        "format": FORMAT,
        "version": VERSION,
        "campaign": campaign.name,
        "answers_by": report["answers_by"],
        "exported_at": now.isoformat(),
        "versions": list_versions(),
        "lexicon": {"sha256": lexicon.sha256, "description": lexicon.description},
        "left_out": list_left_out(),
        # Room for what a study froze before its first answer.
        "plan": None,
        "content_sha256": digest_content(packed.files),
        "files": packed.files,
    }
