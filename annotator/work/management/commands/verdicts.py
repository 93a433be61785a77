"""Prints what people said of phrases: of verify_label, how many say that each unit's phrase fits and the share that
fits; of rate_description, on how many photographs each description holds and how many known answers were right; of
two_choice, how many chose the right photograph; of best_of, which description fits best, or its mean grade.
"""

from typing import Any

from django.core.management import CommandParser

from annotator.commanding import ProjectCommand
from annotator.crowd.campaigns.finding import find_campaign
from annotator.crowd.campaigns.ratings import read_ratings
from annotator.crowd.hit_types.templates import load_template
from annotator.crowd.judging.verdicts import count_verdicts, tell_best, tell_choices
from annotator.crowd.models import Assignment, Campaign
from annotator.units.models import Unit
from workers.engine.plurals import say_count


class Command(ProjectCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaign", help="Name of a campaign of one of these HIT types")

    def handle(self, *args: Any, **options: Any) -> None:
        campaign = find_campaign(options["campaign"])
        if any(load_template(one.template).photographs for one in campaign.hit_types.all()):
            self._print_ratings(campaign)
            self._print_outcomes(campaign)
        else:
            self._print_verdicts(campaign)
        if Assignment.objects.filter(hit__campaign=campaign, worker__is_simulated=True).exists():
            self.stdout.write("Answers by simulated people are among these.")

    def _print_outcomes(self, campaign: Campaign) -> None:
        for one in (*tell_choices(campaign), *tell_best(campaign)):
            unit = f"{one.unit.layer.path}:{one.unit.index}"
            self.stdout.write(f"{unit:<24} {one.text:<30} {one.said}")

    def _print_ratings(self, campaign: Campaign) -> None:
        asked: dict[tuple[int, str], list[bool]] = {}
        gold = []
        for rating in read_ratings(campaign):
            if rating.gold is None:
                asked.setdefault((rating.unit_id, rating.text), []).append(rating.is_yes)
            else:
                gold.append(rating.is_yes == rating.gold)
        units = Unit.objects.select_related("layer").in_bulk({unit for unit, _ in asked})
        for (unit_id, text), answers in asked.items():
            name = f"{units[unit_id].layer.path}:{units[unit_id].index}"
            self.stdout.write(f"{name:<24} {text:<30} {sum(answers)} of {len(answers)} yes")
        if gold:
            self.stdout.write(f"{sum(gold)} of {say_count(len(gold), 'known answer')} right.")

    def _print_verdicts(self, campaign: Campaign) -> None:
        rows = count_verdicts(campaign)
        for row in rows:
            words = {True: "fits", False: "does not fit", None: "undecided"}[row.fits]
            unit = f"{row.hit_unit.unit.layer.path}:{row.hit_unit.unit.index}"
            self.stdout.write(f"{unit:<24} {row.hit_unit.phrase:<30} {row.n_yes} of {row.n_answers} yes  {words}")
        answered = [row for row in rows if row.n_answers]
        n_fit = sum(row.fits is True for row in answered)
        self.stdout.write(f"By majority, fitting: {n_fit} of {say_count(len(answered), 'phrase')}.")
