"""Collects a campaign's submitted assignments from its marketplace, and approves them with --approve.

Run it as often as you like: what is known is not counted twice, and nobody is paid twice.
"""

from argparse import ArgumentParser
from typing import Any

from annotator.crowd.campaigns.finding import find_campaign
from annotator.work.options import add_arguments
from annotator.work.step_command import StepCommand
from annotator.work.steps.collecting import CollectOptions


class Command(StepCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", help="Name of a published campaign")
        parser.add_argument("--approve", action="store_true", help="Approve every submitted assignment")
        add_arguments(parser, CollectOptions)

    def handle(self, *args: Any, **options: Any) -> None:
        step = "approve" if options["approve"] else "collect"
        self.stdout.write(self.perform(step, find_campaign(options["campaign"]), options))
