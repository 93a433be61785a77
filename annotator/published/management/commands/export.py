"""`manage.py export CAMPAIGN --out DIR`: the campaign's data as files, with a data card."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from annotator.crowd.models import Campaign
from annotator.published.exporting import NothingToExport, export_campaign
from annotator.published.folders import FolderInTheWay


class Command(BaseCommand):
    requires_system_checks = []  # checked by `make lint`; loading every page takes seconds
    help = (
        "Writes a campaign into DIR, which must not exist or be empty: answers as JSONL (import_annotations reads it), "
        "CSV and Parquet, units as CSV and Parquet, automatic labels in Network Dissection's CSV, the report as JSON, "
        "and a data card with versions, parameters, seeds, hashes and counts. Workers stand under pseudonyms."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", help="Name of a labeled campaign")
        parser.add_argument("--out", metavar="DIR", type=Path, required=True)

    def handle(self, *args: Any, campaign: str, out: Path, **options: Any) -> None:
        found = Campaign.objects.filter(name=campaign).first()
        if found is None:
            raise CommandError(f"There is no campaign called {campaign}.", returncode=2)
        try:
            files = export_campaign(campaign=found, folder=out, now=timezone.now())
        except (NothingToExport, FolderInTheWay) as error:
            raise CommandError(str(error), returncode=2) from None
        self.stdout.write(f"{len(files)} files written to {out}: {', '.join(files)}.")
