"""`manage.py report CAMPAIGN --format json|csv|text`, or `report --dissection ID`: what is known of each unit."""

import json
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from annotator.comparison.reports import Document, describe_campaign, describe_dissection
from annotator.comparison.tables import print_csv, print_report
from annotator.crowd.models import Campaign
from annotator.units.models import Dissection


class Command(BaseCommand):
    help = (
        "Prints what is known of each unit of a campaign: concept, category and precision by people, label and IoU by "
        "Broden, and how they relate; json carries every answer. With --dissection, the automatic labels alone."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", nargs="?", help="Name of the campaign, such as demo")
        parser.add_argument("--dissection", metavar="ID", help="Report a dissection's automatic labels instead")
        parser.add_argument("--format", choices=["text", "json", "csv"], default="text")

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["campaign"]) == bool(options["dissection"]):
            raise CommandError("Name either a campaign or --dissection ID.", returncode=2)
        document = _find(options["campaign"]) if options["campaign"] else _find_dissection(options["dissection"])
        if options["format"] == "json":
            self.stdout.write(json.dumps(document, indent=1))
        else:
            self.stdout.write((print_csv if options["format"] == "csv" else print_report)(document).rstrip("\n"))


def _find(name: str) -> Document:
    campaign = Campaign.objects.filter(name=name).first()
    if campaign is None:
        raise CommandError(f"There is no campaign called {name}.", returncode=2)
    return describe_campaign(campaign=campaign)


def _find_dissection(text: str) -> Document:
    try:
        dissection = Dissection.objects.filter(id=UUID(text)).first()
    except ValueError:
        dissection = None
    if dissection is None:
        raise CommandError(f"There is no dissection {text}.", returncode=2)
    return describe_dissection(dissection=dissection)
