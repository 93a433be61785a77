"""`manage.py extend CAMPAIGN`: one more assignment wherever the answers so far leave a doubt."""

from argparse import ArgumentParser
from typing import Any

from annotator.crowd.campaigns.finding import find_campaign
from annotator.work.options import add_arguments
from annotator.work.step_command import StepCommand
from annotator.work.steps.labeling import ExtendOptions


class Command(StepCommand):
    help = (
        "Asks one more person about each unit whose answers leave a doubt (category or concept disagree, or the "
        "interval of precision is wider than asked), up to the campaign's --max-assignments and within its cap. "
        "Repeat: collect, label, extend, until it says that nothing is in doubt."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", help="Name of a labeled campaign")
        add_arguments(parser, ExtendOptions)
        self.add_real_money(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(self.perform("extend", find_campaign(options["campaign"]), options))
