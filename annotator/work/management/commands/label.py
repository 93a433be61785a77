"""`manage.py label CAMPAIGN`: concept, category and precision of each unit from the collected answers."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from annotator.commanding import ProjectCommand
from annotator.crowd.campaigns.finding import find_campaign
from annotator.labels.labeling import NothingToLabel, label_campaign
from annotator.labels.wordnet import BadWordNet


class Command(ProjectCommand):
    help = (
        "Gives each unit of a campaign its label by people: the concept most people named, its category, and the mean "
        "precision with a 95 % interval. Run it again after more answers came in; it replaces. Next: compare."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", help="Name of the campaign, such as demo")

    def handle(self, *args: Any, campaign: str, **options: Any) -> None:
        found = find_campaign(campaign)
        try:
            done = label_campaign(campaign=found, now=timezone.now())
        except (NothingToLabel, BadWordNet) as error:
            raise CommandError(str(error), returncode=2) from None
        self.stdout.write(
            f"{done.n_units} units labeled from {done.n_answers} answers; {done.n_interpretable} with a mean precision "
            f"over .75. Words: {done.words}."
        )
