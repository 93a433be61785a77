"""`manage.py export CAMPAIGN --out DIR`: the campaign's data as files, with a data card."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import CommandError
from django.utils import timezone

from annotator.commanding import ProjectCommand
from annotator.crowd.campaigns.finding import find_campaign
from annotator.published.exporting import export_campaign, export_dissection
from annotator.units.finding import find_done_dissections
from workers.engine.measures.iou.arrays import MODES
from workers.engine.plurals import say_count


class Command(ProjectCommand):
    help = (
        "Writes a campaign into DIR, which must not exist or be empty: bundle.zip, from which another installation "
        "makes the same report (import_bundle reads it), and for other programs answers as JSONL (import_annotations "
        "reads it), CSV and Parquet, answers that do not count, reviewers' decisions, units as CSV and Parquet, "
        "automatic labels in Network Dissection's CSV, the report as JSON, and a data card with versions, parameters, "
        "seeds, hashes and counts. Workers stand under pseudonyms. "
        "With --dissection, the dissection in Network Dissection's and MILAN's formats: per layer the result CSV, the "
        "thresholds, the exemplars if `dissect --exemplars` kept them, and as .npy and Parquet the activation vectors "
        "if `dissect --activation-vectors` did."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", nargs="?", help="Name of a labeled campaign")
        parser.add_argument("--dissection", metavar="ID", help="Export a dissection instead")
        parser.add_argument("--mode", choices=MODES, default="paper", help="of a dissection's IoU")
        parser.add_argument("--out", metavar="DIR", type=Path, required=True, help="New or empty folder")

    def handle(self, *args: Any, campaign: str | None, out: Path, **options: Any) -> None:
        if bool(campaign) == bool(options["dissection"]):
            raise CommandError("Name either a campaign or --dissection ID.", returncode=2)
        if campaign:
            files = export_campaign(campaign=find_campaign(campaign), folder=out, now=timezone.now())
        else:
            (dissection,) = find_done_dissections([options["dissection"]])
            files = export_dissection(dissection=dissection, folder=out, mode=options["mode"])
        self.stdout.write(f"{say_count(len(files), 'file')} written to {out}: {', '.join(files)}.")
