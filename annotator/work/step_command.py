"""The base of the commands that perform steps, and how they ask for the permit to spend real money."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from annotator.commanding import ProjectCommand
from annotator.crowd.marketplaces.guard import Permit, give_permit
from annotator.crowd.marketplaces.table import open_marketplace
from annotator.crowd.models import Campaign
from annotator.work.options import fill_options
from annotator.work.performing import perform
from annotator.work.subjects import SUBJECTS
from annotator.work.table import STEPS


class StepCommand(ProjectCommand):
    def add_real_money(self, parser: ArgumentParser) -> None:
        told = "Needed for a marketplace with real money, besides REAL_MONEY_ALLOWED and the name typed"
        parser.add_argument("--real-money", action="store_true", help=told)

    def perform(self, name: str, subject: Any, arguments: Mapping[str, Any]) -> str:
        """What the step of this name did, in one sentence; lines on the way are printed.

        arguments: what the command line was parsed to. Raises what `performing.perform` raises.
        """
        step = STEPS[name]
        campaign, permit = SUBJECTS[step.subject].campaign(subject), None
        if step.spends and campaign is not None:
            permit = ask_permit(campaign, has_flag=arguments.get("real_money", False))
        options = fill_options(step.options, arguments)
        job = perform(step, subject=subject, actor=None, options=options, permit=permit, tell=self.stdout.write)
        return job.sentence


def ask_permit(campaign: Campaign, *, has_flag: bool) -> Permit | None:
    """None for play money. Raises RealMoneyRefused if one of the three confirmations is missing."""
    facts, typed = open_marketplace(campaign.marketplace).facts, ""
    if facts.is_real_money and has_flag:
        typed = input(f"This spends real money. Type the campaign's name ({campaign.name}): ")
    return give_permit(facts=facts, campaign_name=campaign.name, has_flag=has_flag, typed_name=typed, by="command")
