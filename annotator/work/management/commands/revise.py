"""`manage.py revise CAMPAIGN merge WORD ... --into WORD`: a reviewer's judgement on what units are called."""

from argparse import ArgumentParser
from typing import Any

from annotator.crowd.campaigns.finding import find_campaign
from annotator.crowd.campaigns.unit_choice import BadChoice, read_unit_names
from annotator.crowd.models import Campaign
from annotator.labels.models import UnitLabel
from annotator.work.step_command import StepCommand


class Command(StepCommand):
    help = (
        "Keeps a judgement and renames the units that it reaches. merge: these concepts count as --into in the whole "
        "campaign. split: the --unit's answers of these forms are called --into. rename: the --unit is called --into. "
        "accept: the --unit's concept stays as it is."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", help="Name of a labeled campaign")
        parser.add_argument("kind", choices=["accept", "rename", "merge", "split"], help="See above")
        parser.add_argument("words", nargs="*", metavar="WORD", help="Concepts to merge, or forms to split off")
        parser.add_argument("--into", default="", metavar="WORD", help="What they are called from now on")
        parser.add_argument("--unit", metavar="LAYER:3", help="Counted from zero")
        parser.add_argument("--reviewer", default="command", help="In whose name")

    def handle(self, *args: Any, **options: Any) -> None:
        campaign, kind = find_campaign(options["campaign"]), options["kind"]
        if kind == "merge":
            sentence = self.perform("merge-concepts", campaign, options)
        else:
            sentence = self.perform(kind, _find_label(campaign, options["unit"]), options)
        self.stdout.write(sentence)


def _find_label(campaign: Campaign, text: str | None) -> UnitLabel:
    if not text:
        raise BadChoice("Name the unit: --unit LAYER:3.")
    layer, indexes = read_unit_names(text)
    found = campaign.unit_labels.select_related("campaign", "unit__layer__network")
    label = found.filter(unit__layer__path=layer, unit__index=indexes[0]).first() if len(indexes) == 1 else None
    if label is None:
        raise BadChoice(f"{text} is no unit of the campaign {campaign} that has a label.")
    return label
