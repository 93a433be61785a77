"""Shows a campaign, or performs one step of it: see the table of steps in docs/commands.md."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.utils import timezone

from annotator.crowd.campaigns.finding import find_campaign
from annotator.crowd.judging.attention import find_attention
from annotator.crowd.models import HIT, Assignment, Campaign
from annotator.work.step_command import StepCommand
from annotator.work.table import STEPS

SHOW = "show"


class Command(StepCommand):
    help = "Shows a campaign (state, progress, cost, and what needs a person), or performs one step of it."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        """One line per step below the options."""
        steps = "\n".join(f"  {name:<14} {STEPS[name].sentence}" for name in list_steps())
        epilog = f"steps:\n  {SHOW:<14} Changes nothing (the default).\n{steps}"
        return super().create_parser(
            prog_name, subcommand, formatter_class=RawDescriptionHelpFormatter, epilog=epilog, **kwargs
        )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", help="Its name")
        parser.add_argument("step", nargs="?", choices=(SHOW, *list_steps()), default=SHOW, metavar="STEP")
        self.add_real_money(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        campaign, name = find_campaign(options["campaign"]), options["step"]
        if name == SHOW:
            self.stdout.write(_show(campaign))
        else:
            self.stdout.write(self.perform(STEPS[name], campaign, has_flag=options["real_money"]))


def list_steps() -> list[str]:
    """Of a campaign, without those that make no sense without options."""
    return [name for name, step in STEPS.items() if step.subject == "campaign" and name != "merge-concepts"]


def _show(campaign: Campaign) -> str:
    listed = Assignment.objects.filter(hit__campaign=campaign)
    n_done = listed.exclude(state__in=[Assignment.State.STARTED, Assignment.State.STORED]).count()
    n_asked = sum(campaign.hits.exclude(state=HIT.State.CANCELED).values_list("n_assignments", flat=True))
    lines = [
        f"{campaign.name}: {campaign.state}{', paused' if campaign.is_paused else ''}, at {campaign.marketplace}",
        f"{n_done} of {n_asked} assignments submitted; "
        f"${campaign.committed_usd:.2f} of ${campaign.budget_cap_usd:.2f} committed",
    ]
    needs = find_attention(campaign=campaign, now=timezone.now())
    lines += [f"{need.kind}: {need.subject}: {need.words}" for need in needs] or ["Nothing needs a person."]
    return "\n".join(lines)
