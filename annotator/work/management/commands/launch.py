"""Launches a campaign: composes its HITs, quotes their price, and publishes them at its marketplace.

Run it again after an interruption: an existing campaign goes on where it was.
"""

import uuid
from argparse import ArgumentParser
from typing import Any

from annotator.crowd.campaigns.finding import find_campaign
from annotator.crowd.models import Campaign
from annotator.work.options import add_arguments, read_arguments
from annotator.work.performing import is_real_money
from annotator.work.step_command import StepCommand
from annotator.work.steps.publishing import ComposeOptions
from annotator.work.table import STEPS


class Command(StepCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("campaign", help="Its name; letters, digits and hyphens")
        add_arguments(parser, ComposeOptions)
        add("--until", choices=["composed", "quoted", "published"], default="published", help="Stop after this step")
        add("--yes", action="store_true", help="Publish without asking")
        self.add_real_money(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        name, until = options["campaign"], options["until"]
        if not Campaign.objects.filter(name=name).exists():
            self.stdout.write(self.perform(STEPS["compose"], name, options=_read(options)))
        campaign = find_campaign(name)
        if until != "composed" and campaign.state in (Campaign.State.DRAFT, Campaign.State.QUOTED):
            self.stdout.write(self.perform(STEPS["quote"], campaign))
        if until == "published":
            self._publish(campaign, options)

    def _publish(self, campaign: Campaign, options: dict[str, Any]) -> None:
        """Real money asks for the campaign's name instead."""
        is_asked = not options["yes"] and not is_real_money(campaign)
        if is_asked and input("Publish? [y/N] ").strip().lower() != "y":
            self.stdout.write("Not published; run the command again to go on.")
            return
        self.stdout.write(self.perform(STEPS["publish"], campaign, has_flag=options["real_money"]))


def _read(options: dict[str, Any]) -> ComposeOptions:
    named = options["dissection"]
    named = [named] if isinstance(named, str | uuid.UUID) else named  # as another command may call this one
    asked: ComposeOptions = read_arguments(ComposeOptions, options | {"dissection": [str(one) for one in named]})
    return asked
