"""`manage.py label CAMPAIGN`: concept, category and precision of each unit from the collected answers."""

from argparse import ArgumentParser
from typing import Any

from annotator.crowd.campaigns.finding import find_campaign
from annotator.work.options import add_arguments
from annotator.work.step_command import StepCommand
from annotator.work.steps.labeling import LabelOptions


class Command(StepCommand):
    help = (
        "Gives each unit of a campaign its label by people: the concept most people named, its category, and the mean "
        "precision with a 95 % interval. Answers that show no attention are set aside first, and paid. Run it again "
        "after more answers came in; it replaces. Next: compare."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", help="Name of the campaign, such as demo")
        add_arguments(parser, LabelOptions)

    def handle(self, *args: Any, campaign: str, **options: Any) -> None:
        self.stdout.write(self.perform("label", find_campaign(campaign), options))
