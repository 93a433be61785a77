"""`manage.py choose CAMPAIGN --n 10`: units that people and labeled pixels name differently, for another campaign."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from annotator.commanding import ProjectCommand
from annotator.comparison.choosing import choose_differing, write_selection
from annotator.crowd.campaigns.finding import find_campaign


class Command(ProjectCommand):
    help = (
        "Prints the units of a compared campaign that people agree on (mean precision over .75), that labeled "
        "pixels detect (IoU over .04) and that the two name differently, as launch --units reads them."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", help="Name of a compared campaign")
        parser.add_argument("--n", type=int, default=10, help="At most so many, highest IoU first")

    def handle(self, *args: Any, campaign: str, n: int, **options: Any) -> None:
        found = find_campaign(campaign)
        if n < 1:
            raise CommandError("--n must be 1 or more.", returncode=2)
        units = choose_differing(campaign=found, n_units=n)
        self.stdout.write(" ".join(write_selection(units)))
