"""Collects a campaign's submitted assignments from its marketplace, and approves them with --approve.

Run it as often as you like: what is known is not counted twice, and nobody is paid twice.
"""

import time
from dataclasses import dataclass
from typing import Any

from django.core.management import CommandError, CommandParser

from annotator.commanding import ProjectCommand
from annotator.crowd.campaigns import collecting
from annotator.crowd.campaigns.finding import find_campaign
from annotator.crowd.judging import approving as reviewing
from annotator.crowd.marketplaces.outcomes import MarketplaceSilent, OutcomeUnknown
from annotator.crowd.models import Campaign
from annotator.crowd.outbox.session import Session, open_session
from annotator.work.noting import note
from annotator.work.refusing import refusing


@dataclass(frozen=True)
class Round:
    n_new: int
    is_done: bool


class Command(ProjectCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaign")
        parser.add_argument("--approve", action="store_true", help="Approve every submitted assignment")
        parser.add_argument("--follow", action="store_true", help="Go on until every HIT is complete")
        parser.add_argument(
            "--patience", type=float, metavar="SECONDS", help="End --follow when nothing new came for so long"
        )
        parser.add_argument("--every", type=float, default=5.0, metavar="SECONDS", help="Pause of --follow (5)")

    def handle(self, *args: Any, **options: Any) -> None:
        campaign = find_campaign(options["campaign"])
        if campaign.is_imported:
            raise CommandError(f"The campaign {campaign} was imported: there is nothing to collect.", returncode=2)
        with refusing(campaign):
            session = open_session(campaign)
            last_new = time.monotonic()
            while not (round_ := self._go_round(session, options)).is_done and options["follow"]:
                last_new = time.monotonic() if round_.n_new else last_new
                self._check_patience(campaign, last_new, options)
                time.sleep(options["every"])

    def _check_patience(self, campaign: Campaign, last_new: float, options: dict[str, Any]) -> None:
        patience = options["patience"]
        if patience is not None and time.monotonic() - last_new > patience:
            raise CommandError(
                f"The campaign {campaign} is not complete and nothing new came for {patience:.0f} s.", returncode=2
            )

    def _go_round(self, session: Session, options: dict[str, Any]) -> Round:
        try:
            return self._collect(session, has_approval=options["approve"])
        except OutcomeUnknown as error:
            if not options["follow"] or isinstance(error, MarketplaceSilent):
                raise
            self.stdout.write(str(error))
            return Round(n_new=0, is_done=False)

    def _collect(self, session: Session, *, has_approval: bool) -> Round:
        collected = collecting.collect_campaign(session)
        line = f"{collected.n_listed} of {collected.n_asked} assignments submitted, {collected.n_new} new"
        if collected.n_unreadable:
            line += f", {collected.n_unreadable} unreadable"
        if has_approval:
            performed = reviewing.approve_assignments(session)
            line += f", {performed.n_done} approved now"
            if performed.n_done:
                note("approve assignments", f"campaign {session.campaign.name}", n_approved=performed.n_done)
        self.stdout.write(line + ("; complete." if collected.is_complete else "."))
        return Round(n_new=collected.n_new, is_done=collected.is_complete)
