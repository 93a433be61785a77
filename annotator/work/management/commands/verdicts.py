"""Prints, for a verify_label campaign, how many people say that each unit's phrase fits, and the share that fits."""

from typing import Any

from django.core.management import CommandParser

from annotator.commanding import ProjectCommand
from annotator.crowd.campaigns.finding import find_campaign
from annotator.crowd.judging.verdicts import count_verdicts
from annotator.crowd.models import Assignment


class Command(ProjectCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaign", help="Name of a verify_label campaign")

    def handle(self, *args: Any, **options: Any) -> None:
        campaign = find_campaign(options["campaign"])
        rows = count_verdicts(campaign)
        for row in rows:
            words = {True: "fits", False: "does not fit", None: "undecided"}[row.fits]
            unit = f"{row.hit_unit.unit.layer.path}:{row.hit_unit.unit.index}"
            self.stdout.write(f"{unit:<24} {row.hit_unit.phrase:<30} {row.n_yes} of {row.n_answers} yes  {words}")
        answered = [row for row in rows if row.n_answers]
        n_fit = sum(row.fits is True for row in answered)
        self.stdout.write(f"{n_fit} of {len(answered)} phrases fit by majority.")
        if Assignment.objects.filter(hit__campaign=campaign, worker__is_simulated=True).exists():
            self.stdout.write("Answers by simulated people are among these.")
