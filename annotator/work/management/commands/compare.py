"""`manage.py compare CAMPAIGN [OTHER]`: people beside labeled pixels, unit by unit, or two campaigns by a test."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from annotator.comparison.difference_rows import print_differences
from annotator.comparison.differences import compare_campaigns, compare_dissections
from annotator.comparison.reports import describe_campaign
from annotator.comparison.summary import Document
from annotator.comparison.tables import print_table
from annotator.crowd.campaigns.finding import find_campaign
from annotator.units.finding import find_done_dissections
from annotator.work.step_command import StepCommand


class Command(StepCommand):
    help = (
        "Sets the label that people gave to each unit of a campaign beside its automatic label, finds how the words "
        "relate (equal, synonym, hypernym, hyponym, part, different), and prints the table. Below it: how many units "
        "agree, and how many would with the units shuffled. Run label first. With a second campaign: the differences "
        "between the two in each layer, with 95 % intervals and p-values. --dissections compares two networks by their "
        "automatic labels alone."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", nargs="?", help="Name of the campaign, such as demo")
        parser.add_argument("other", nargs="?", help="Name of a second campaign, to be compared with the first")
        parser.add_argument("--dissections", nargs=2, metavar="ID", help="Two dissections in place of campaigns")
        parser.add_argument("--json", action="store_true", help="Print the document instead of the table")

    def handle(self, *args: Any, campaign: str | None, other: str | None, **options: Any) -> None:
        if (campaign is None) == (options["dissections"] is None):
            raise CommandError("Name one or two campaigns, or two dissections with --dissections.", returncode=2)
        if campaign is not None and other is None:
            found = find_campaign(campaign)
            self.perform("compare", found, options)
            document = describe_campaign(campaign=found)
            self._write(document, print_table(document), is_json=options["json"])
            return
        document = self._compare_two([campaign, other], options["dissections"])
        self._write(document, print_differences(document), is_json=options["json"])

    def _compare_two(self, campaigns: list[Any], dissections: list[str] | None) -> Document:
        if dissections is not None:
            return compare_dissections(*find_done_dissections(dissections))
        return compare_campaigns(*(find_campaign(name) for name in campaigns))

    def _write(self, document: Document, table: str, *, is_json: bool) -> None:
        self.stdout.write(json.dumps(document, indent=2) if is_json else table)
