"""Shows a campaign, or does one step of its life.

show: state, progress, cost, and what needs a person (the default). pause, resume: stop and go on with spending.
withdraw: no HIT can be taken any more; work begun may be finished and is paid. top-up: bonuses up to the hourly floor.
leave-out: do not count answers that the evidence speaks against (the people are paid). compensate: pay work that was
stored here and never reached the marketplace. close: nothing more will be asked or paid.
"""

from typing import Any

from django.core.management import CommandParser
from django.utils import timezone

from annotator.commanding import ProjectCommand
from annotator.crowd.campaigns import collecting
from annotator.crowd.campaigns.ending import close_campaign, pause_campaign, withdraw_campaign
from annotator.crowd.campaigns.finding import find_campaign
from annotator.crowd.judging import approving as reviewing
from annotator.crowd.judging import attention, compensating
from annotator.crowd.judging import excluding as leaving_out
from annotator.crowd.models import HIT, Assignment, Campaign
from annotator.crowd.outbox.session import Session, open_session
from annotator.work.noting import note
from annotator.work.permitting import REAL_MONEY_HELP, ask_permit
from annotator.work.refusing import refusing

STEPS = ("show", "pause", "resume", "withdraw", "top-up", "leave-out", "compensate", "close")


class Command(ProjectCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaign")
        parser.add_argument("step", nargs="?", choices=STEPS, default="show")
        parser.add_argument("--real-money", action="store_true", help=REAL_MONEY_HELP)

    def handle(self, *args: Any, **options: Any) -> None:
        campaign = find_campaign(options["campaign"])
        step = options["step"]
        self._has_flag = options["real_money"]
        with refusing(campaign):
            outcome = getattr(self, f"_{step.replace('-', '_')}")(campaign)
        if step != "show":
            note(f"{step} campaign", f"campaign {campaign.name}", outcome=outcome)
        self.stdout.write(outcome)

    def _show(self, campaign: Campaign) -> str:
        listed = Assignment.objects.filter(hit__campaign=campaign)
        n_done = listed.exclude(state__in=[Assignment.State.STARTED, Assignment.State.STORED]).count()
        n_asked = sum(campaign.hits.exclude(state=HIT.State.CANCELED).values_list("n_assignments", flat=True))
        lines = [
            f"{campaign.name}: {campaign.state}{', paused' if campaign.is_paused else ''}, at {campaign.marketplace}",
            f"{n_done} of {n_asked} assignments submitted; "
            f"${campaign.committed_usd:.2f} of ${campaign.budget_cap_usd:.2f} committed",
        ]
        needs = attention.find_attention(campaign=campaign, now=timezone.now())
        lines += [f"{need.kind}: {need.subject}: {need.words}" for need in needs] or ["Nothing needs a person."]
        return "\n".join(lines)

    def _pause(self, campaign: Campaign) -> str:
        pause_campaign(campaign=campaign, is_paused=True)
        return "Paused: nothing more is spent. People at work finish and are paid."

    def _resume(self, campaign: Campaign) -> str:
        pause_campaign(campaign=campaign, is_paused=False)
        return "Goes on."

    def _withdraw(self, campaign: Campaign) -> str:
        performed = withdraw_campaign(open_session(campaign))
        return f"{performed.n_done} HITs withdrawn. Work that was begun may be finished, and is paid."

    def _top_up(self, campaign: Campaign) -> str:
        performed = reviewing.pay_top_ups(self._open_to_spend(campaign))
        return f"{performed.n_done} bonuses paid, up to ${campaign.hourly_floor_usd} an hour of active time."

    def _leave_out(self, campaign: Campaign) -> str:
        return (
            f"{leaving_out.leave_out_flagged(campaign=campaign)} answers left out on evidence; their people are paid."
        )

    def _compensate(self, campaign: Campaign) -> str:
        session = self._open_to_spend(campaign)
        waiting = list(collecting.find_unsubmitted(campaign=campaign, now=timezone.now()))
        for assignment in waiting:
            compensating.compensate(session, assignment=assignment, decided_by="command")
        n_approved = compensating.approve_compensations(session)
        return f"{len(waiting)} pieces of work have a compensation HIT; {n_approved} were approved now."

    def _close(self, campaign: Campaign) -> str:
        close_campaign(campaign=campaign)
        return "Closed."

    def _open_to_spend(self, campaign: Campaign) -> Session:
        return open_session(campaign, permit=ask_permit(campaign, has_flag=self._has_flag))
