"""Launches a campaign: composes its HITs, quotes their price, and publishes them at its marketplace.

Run it again after an interruption: an existing campaign goes on where it was.
"""

import uuid
from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from django.core.management.base import CommandError

from annotator.crowd.campaigns.crops import CropsUncut, await_crops
from annotator.crowd.campaigns.finding import find_campaign
from annotator.crowd.campaigns.telling import CannotTell, check_target
from annotator.crowd.models import Campaign
from annotator.names import RULE
from annotator.work.options import add_arguments
from annotator.work.performing import is_real_money
from annotator.work.step_command import StepCommand
from annotator.work.steps.composing import ComposeOptions

TELL = "An e-mail or web address that is told when the campaign completes; may be given several times"


class Command(StepCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("campaign", help=f"Its name. {RULE}")
        add_arguments(parser, ComposeOptions)
        add("--tell", action="append", default=[], metavar="ADDRESS", help=TELL)
        add("--until", choices=["composed", "quoted", "published"], default="published", help="Stop after this step")
        add("--yes", action="store_true", help="Publish without asking")
        self.add_real_money(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        name, until = options["campaign"], options["until"]
        _check_targets(options["tell"])
        if not Campaign.objects.filter(name=name).exists():
            self.stdout.write(self._compose(name, options | {"dissection": _list_ids(options["dissection"])}))
        campaign = find_campaign(name)
        for target in options["tell"]:
            self.stdout.write(self.perform("tell", campaign, {"target": target}))
        if until != "composed" and campaign.state in (Campaign.State.DRAFT, Campaign.State.QUOTED):
            self.stdout.write(self.perform("quote", campaign, options))
        if until == "published":
            self._publish(campaign, options)

    def _compose(self, name: str, options: dict[str, Any]) -> str:
        """Composing is one transaction; the wait for crops is not in it."""
        try:
            return self.perform("compose", name, options)
        except CropsUncut as uncut:
            await_crops(uncut.units)
        return self.perform("compose", name, options)

    def _publish(self, campaign: Campaign, options: dict[str, Any]) -> None:
        """Real money asks for the campaign's name instead."""
        is_asked = not options["yes"] and not is_real_money(campaign)
        if is_asked and input("Publish? [y/N] ").strip().lower() != "y":
            self.stdout.write("Not published; run the command again to go on.")
            return
        self.stdout.write(self.perform("publish", campaign, options))


def _check_targets(targets: Iterable[str]) -> None:
    """Before anything is composed. Raises CommandError."""
    try:
        for target in targets:
            check_target(target.strip())
    except CannotTell as refused:
        raise CommandError(str(refused)) from None


def _list_ids(named: str | uuid.UUID | Iterable[str | uuid.UUID]) -> list[str]:
    """Another command may call this one with a single id."""
    return [str(one) for one in ([named] if isinstance(named, str | uuid.UUID) else named)]
