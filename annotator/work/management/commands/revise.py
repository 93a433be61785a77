"""`manage.py revise CAMPAIGN merge WORD ... --into WORD`: a reviewer's judgement on what units are called."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db import transaction
from django.utils import timezone

from annotator.commanding import ProjectCommand
from annotator.comparison.comparing import compare_labels
from annotator.crowd.campaigns.finding import find_campaign
from annotator.crowd.campaigns.unit_choice import BadChoice, read_unit_names
from annotator.crowd.models import Campaign
from annotator.labels.models import UnitLabel
from annotator.labels.revising import BadRevision, accept_label, merge_concepts, rename_unit, split_answers
from annotator.units.models import Unit
from annotator.work.noting import note


class Command(ProjectCommand):
    help = (
        "Keeps a judgement and names anew the units it reaches. merge: these concepts count as --into in the whole "
        "campaign. split: the --unit's answers of these forms are called --into. rename: the --unit is called --into. "
        "accept: the --unit's concept stands as it is."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign")
        parser.add_argument("kind", choices=["accept", "rename", "merge", "split"])
        parser.add_argument("words", nargs="*", metavar="WORD", help="Concepts to merge, or forms to split off")
        parser.add_argument("--into", default="", metavar="WORD", help="What they are called from now on")
        parser.add_argument("--unit", metavar="LAYER:3", help="Counted from zero")
        parser.add_argument("--reviewer", default="command", help="In whose name")

    def handle(self, *args: Any, **options: Any) -> None:
        campaign = find_campaign(options["campaign"])
        try:
            with transaction.atomic():
                changed = self._revise(campaign, options)
                compare_labels(campaign=campaign, labels=changed)
                asked = {name: options[name] for name in ("words", "into", "unit", "reviewer") if options[name]}
                note(f"{options['kind']} concepts", f"campaign {campaign}", **asked)
        except (BadRevision, BadChoice) as refused:
            raise CommandError(str(refused), returncode=2) from None
        for label in changed:
            self.stdout.write(f"{label.unit}: {label.concept}")
        self.stdout.write(f"{len(changed)} units named anew.")

    def _revise(self, campaign: Campaign, options: dict[str, Any]) -> list[UnitLabel]:
        by = {"campaign": campaign, "reviewer": options["reviewer"], "now": timezone.now()}
        if options["kind"] == "merge":
            return merge_concepts(concepts=options["words"], into=options["into"], **by)
        unit = _find_unit(campaign, options["unit"])
        match options["kind"]:
            case "split":
                return split_answers(unit=unit, concepts=options["words"], into=options["into"], **by)
            case "rename":
                return rename_unit(unit=unit, concept=options["into"], **by)
        return accept_label(unit=unit, **by)


def _find_unit(campaign: Campaign, text: str | None) -> Unit:
    if not text:
        raise BadChoice("Name the unit: --unit LAYER:3.")
    layer, indexes = read_unit_names(text)
    found = Unit.objects.select_related("layer").filter(layer__path=layer, index=indexes[0], hits__campaign=campaign)
    unit = found.first() if len(indexes) == 1 else None
    if unit is None:
        raise BadChoice(f"{text} is no unit of the campaign {campaign}.")
    return unit
