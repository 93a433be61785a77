"""`manage.py export CAMPAIGN --out DIR`: the campaign's data as files, with a data card."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils import timezone

from annotator.commanding import ProjectCommand
from annotator.crowd.campaigns.finding import find_campaign
from annotator.published.exporting import export_campaign


class Command(ProjectCommand):
    help = (
        "Writes a campaign into DIR, which must not exist or be empty: answers as JSONL (import_annotations reads it), "
        "CSV and Parquet, units as CSV and Parquet, automatic labels in Network Dissection's CSV, the report as JSON, "
        "and a data card with versions, parameters, seeds, hashes and counts. Workers stand under pseudonyms."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", help="Name of a labeled campaign")
        parser.add_argument("--out", metavar="DIR", type=Path, required=True, help="New or empty folder")

    def handle(self, *args: Any, campaign: str, out: Path, **options: Any) -> None:
        files = export_campaign(campaign=find_campaign(campaign), folder=out, now=timezone.now())
        self.stdout.write(f"{len(files)} files written to {out}: {', '.join(files)}.")
