"""`manage.py report CAMPAIGN --format FORMAT`, or `report --dissection ID`: what is known of each unit."""

import json
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from annotator.commanding import ProjectCommand
from annotator.comparison.reports import describe_campaign, describe_dissection
from annotator.comparison.summary import Document
from annotator.comparison.tables import print_csv, print_report
from annotator.crowd.campaigns.finding import find_campaign
from annotator.published.papers import print_latex, print_markdown, write_parquet
from annotator.published.reporting import write_dissection_report, write_report
from annotator.units.finding import find_dissection
from workers.engine.plurals import say_count

PRINTED: dict[str, Callable[[Document], str]] = {
    "text": print_report,
    "json": lambda document: json.dumps(document, indent=1),
    "csv": print_csv,
    "latex": print_latex,
    "markdown": print_markdown,
}


class Command(ProjectCommand):
    help = (
        "Prints what is known of each unit of a campaign: concept, category and precision by people, label and IoU by "
        "labeled pixels, and how they relate; json carries every answer. html writes a folder that opens offline "
        "(--out DIR): methods in words, figures, and every unit of the dissections with its first crops. parquet "
        "writes a file (--out FILE). latex and markdown are tables for a paper. "
        "With --dissection, the automatic labels alone."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", nargs="?", help="Name of the campaign, such as demo")
        parser.add_argument("--dissection", metavar="ID", help="Report a dissection's automatic labels instead")
        parser.add_argument("--format", choices=[*PRINTED, "html", "parquet"], default="text", help="(text)")
        parser.add_argument("--out", metavar="PATH", type=Path, help="New or empty folder for html; file for parquet")

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["campaign"]) == bool(options["dissection"]):
            raise CommandError("Name either a campaign or --dissection ID.", returncode=2)
        if options["format"] == "html":
            self.stdout.write(_write_html(options["campaign"], options["dissection"], options["out"]))
            return
        if options["campaign"]:
            document = describe_campaign(campaign=find_campaign(options["campaign"]))
        else:
            document = describe_dissection(dissection=find_dissection(options["dissection"]))
        if options["format"] == "parquet":
            self.stdout.write(_write_parquet(document, options["out"]))
        else:
            self.stdout.write(PRINTED[options["format"]](document).rstrip("\n"))


def _write_html(name: str | None, dissection: str | None, folder: Path | None) -> str:
    if folder is None:
        raise CommandError("html needs --out DIR.", returncode=2)
    now = timezone.now()
    if dissection:
        n_units = write_dissection_report(dissection=find_dissection(dissection), folder=folder, now=now)
    else:
        n_units = write_report(campaign=find_campaign(str(name)), folder=folder, now=now)
    return f"{say_count(n_units, 'unit')} written to {folder / 'index.html'}."


def _write_parquet(document: Document, path: Path | None) -> str:
    if path is None or path.is_dir() or not path.parent.is_dir():
        raise CommandError("parquet needs --out FILE in a folder that exists.", returncode=2)
    try:
        write_parquet(document, path)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.", returncode=2) from None
    return f"{say_count(len(document['units']), 'unit')} written to {path}."
