"""`manage.py campaign NAME STEP`: shows a campaign, or performs one step of it."""

from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from annotator.crowd.campaigns.finding import find_campaign
from annotator.crowd.campaigns.openness import count_wanted, find_openness
from annotator.crowd.judging.attention import find_attention
from annotator.crowd.models import Assignment, Campaign
from annotator.work.options import add_arguments
from annotator.work.step_command import StepCommand
from annotator.work.table import STEPS
from workers.engine.plurals import say_count

SHOW = "show"


class Command(StepCommand):
    help = "Shows a campaign (state, progress, cost, and what needs a person), or performs one step of it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", help="Its name")
        steps = parser.add_subparsers(dest="step", metavar="STEP", help="One of these; none: show")
        steps.add_parser(SHOW, help="Changes nothing.")
        for step in STEPS.values():
            if step.subject == "campaign":
                one = steps.add_parser(step.name, help=step.sentence, description=step.sentence)
                add_arguments(one, step.options)
                if step.spends:
                    self.add_real_money(one)

    def handle(self, *args: Any, **options: Any) -> None:
        campaign, name = find_campaign(options["campaign"]), options["step"] or SHOW
        if name == SHOW:
            self.stdout.write(_show(campaign))
            return
        self.stdout.write(self.perform(name, campaign, options))


def _show(campaign: Campaign) -> str:
    listed = [Assignment.State.SUBMITTED, Assignment.State.APPROVED, Assignment.State.REJECTED]
    n_done = Assignment.objects.filter(hit__campaign=campaign, state__in=listed).count()
    lines = [
        f"{campaign.name}: {campaign.state}{', paused' if campaign.is_paused else ''}, at {campaign.marketplace}",
        f"{n_done} of {say_count(count_wanted(campaign), 'assignment')} submitted; "
        f"${campaign.committed_usd:.2f} of ${campaign.budget_cap_usd:.2f} committed",
    ]
    lines += [f"told when it completes: {notice.target}" for notice in campaign.notices.all()]
    lines += [said] if (said := find_openness(campaign, now=timezone.now()).words) else []
    needs = find_attention(campaign=campaign, now=timezone.now())
    lines += [f"{need.kind}: {need.subject}: {need.words}" for need in needs] or ["Nothing needs a person."]
    return "\n".join(lines)
