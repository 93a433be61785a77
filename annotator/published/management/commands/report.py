"""`manage.py report CAMPAIGN --format text|json|csv|html`, or `report --dissection ID`: what is known of each unit."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from annotator.comparison.reports import Document, describe_campaign, describe_dissection
from annotator.comparison.tables import print_csv, print_report
from annotator.crowd.models import Campaign
from annotator.published.bundles import bind_report
from annotator.published.exporting import NothingToExport
from annotator.published.folders import FolderInTheWay
from annotator.units.models import Dissection


class Command(BaseCommand):
    requires_system_checks = []  # checked by `make lint`; loading every page takes seconds
    help = (
        "Prints what is known of each unit of a campaign: concept, category and precision by people, label and IoU by "
        "Broden, and how they relate; json carries every answer. html writes a folder that opens offline (--out DIR). "
        "With --dissection, the automatic labels alone."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", nargs="?", help="Name of the campaign, such as demo")
        parser.add_argument("--dissection", metavar="ID", help="Report a dissection's automatic labels instead")
        parser.add_argument("--format", choices=["text", "json", "csv", "html"], default="text")
        parser.add_argument("--out", metavar="DIR", type=Path, help="New or empty folder for html")

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["campaign"]) == bool(options["dissection"]):
            raise CommandError("Name either a campaign or --dissection ID.", returncode=2)
        if options["format"] == "html":
            self.stdout.write(_write_html(options["campaign"], options["out"]))
            return
        document = _describe(options["campaign"]) if options["campaign"] else _find_dissection(options["dissection"])
        if options["format"] == "json":
            self.stdout.write(json.dumps(document, indent=1))
        else:
            self.stdout.write((print_csv if options["format"] == "csv" else print_report)(document).rstrip("\n"))


def _describe(name: str) -> Document:
    return describe_campaign(campaign=_find(name))


def _find(name: str) -> Campaign:
    campaign = Campaign.objects.filter(name=name).first()
    if campaign is None:
        raise CommandError(f"There is no campaign called {name}.", returncode=2)
    return campaign


def _write_html(name: str | None, folder: Path | None) -> str:
    if not name or folder is None:
        raise CommandError("html needs a campaign and --out DIR.", returncode=2)
    try:
        n_units = bind_report(campaign=_find(name), folder=folder, now=timezone.now())
    except (NothingToExport, FolderInTheWay) as error:
        raise CommandError(str(error), returncode=2) from None
    return f"{n_units} units written to {folder / 'index.html'}."


def _find_dissection(text: str) -> Document:
    try:
        dissection = Dissection.objects.filter(id=UUID(text)).first()
    except ValueError:
        dissection = None
    if dissection is None:
        raise CommandError(f"There is no dissection {text}.", returncode=2)
    return describe_dissection(dissection=dissection)
