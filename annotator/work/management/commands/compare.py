"""`manage.py compare CAMPAIGN`: what people said beside what Broden says, unit by unit."""

from argparse import ArgumentParser
from typing import Any

from annotator.comparison.reports import describe_campaign
from annotator.comparison.tables import print_table
from annotator.crowd.campaigns.finding import find_campaign
from annotator.work.step_command import StepCommand


class Command(StepCommand):
    help = (
        "Sets the label that people gave to each unit of a campaign beside its automatic label, finds how the words "
        "relate (equal, synonym, hypernym, hyponym, part, different), and prints the table. Below it: how many units "
        "agree, and how many would with the units shuffled. Run label first."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", help="Name of the campaign, such as demo")

    def handle(self, *args: Any, campaign: str, **options: Any) -> None:
        found = find_campaign(campaign)
        self.perform("compare", found, options)
        self.stdout.write(print_table(describe_campaign(campaign=found)))
