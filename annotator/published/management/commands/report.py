"""`manage.py report CAMPAIGN --format text|json|csv|html`, or `report --dissection ID`: what is known of each unit."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from annotator.commanding import ProjectCommand
from annotator.comparison.reports import describe_campaign, describe_dissection
from annotator.comparison.tables import print_csv, print_report
from annotator.crowd.campaigns.finding import find_campaign
from annotator.plurals import say_count
from annotator.published.reporting import write_report
from annotator.units.finding import find_dissection


class Command(ProjectCommand):
    help = (
        "Prints what is known of each unit of a campaign: concept, category and precision by people, label and IoU by "
        "Broden, and how they relate; json carries every answer. html writes a folder that opens offline (--out DIR). "
        "With --dissection, the automatic labels alone."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", nargs="?", help="Name of the campaign, such as demo")
        parser.add_argument("--dissection", metavar="ID", help="Report a dissection's automatic labels instead")
        parser.add_argument("--format", choices=["text", "json", "csv", "html"], default="text", help="(text)")
        parser.add_argument("--out", metavar="DIR", type=Path, help="New or empty folder for html")

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["campaign"]) == bool(options["dissection"]):
            raise CommandError("Name either a campaign or --dissection ID.", returncode=2)
        if options["format"] == "html":
            self.stdout.write(_write_html(options["campaign"], options["out"]))
            return
        if options["campaign"]:
            document = describe_campaign(campaign=find_campaign(options["campaign"]))
        else:
            document = describe_dissection(dissection=find_dissection(options["dissection"]))
        if options["format"] == "json":
            self.stdout.write(json.dumps(document, indent=1))
        else:
            self.stdout.write((print_csv if options["format"] == "csv" else print_report)(document).rstrip("\n"))


def _write_html(name: str | None, folder: Path | None) -> str:
    if not name or folder is None:
        raise CommandError("html needs a campaign and --out DIR.", returncode=2)
    n_units = write_report(campaign=find_campaign(name), folder=folder, now=timezone.now())
    return f"{say_count(n_units, 'unit')} written to {folder / 'index.html'}."
